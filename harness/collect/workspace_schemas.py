"""What tests make in a workspace's catalogs: named so that a sweep knows it, and in the ledger of the run."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from harness.catalog.ledger import Ledger
from harness.catalog.names import random_text
from harness.remote.marks import expiry_of, name_of
from harness.remote.session import EXPIRES_AFTER_S

if TYPE_CHECKING:
    from pathlib import Path

    from harness.catalog.ledger import Entry
    from harness.remote.ledger import Entry as RemoteEntry
    from harness.remote.ledger import Ledger as RemoteLedger


def marked(base: str) -> str:
    """A name such as ``nbh_test_orders_x3f9q2a1_e2026112923``: with our mark, and the hour from which anybody may remove it."""
    return name_of(base, random_text(8), expires=time.time() + EXPIRES_AFTER_S).replace("-", "_")


class WorkspaceLedger(Ledger):
    """The process's own ledger, which writes what it names into that of the run on the workspace too.

    What lies in a catalog or schema of its own goes with that, and is left out there.
    """

    def __init__(self, path: Path, remote: RemoteLedger, *, about: dict[str, str]) -> None:
        super().__init__(path, about=about)
        self._remote = remote
        self._there: dict[int, RemoteEntry] = {}

    def note(self, kind: str, parts: tuple[str, ...]) -> Entry:
        """Write down what is about to be made."""
        is_inside = any(other.parts == parts[: len(other.parts)] for other in self.entries if len(other.parts) < len(parts))
        entry = super().note(kind, parts)
        if not is_inside:
            self._there[entry.number] = self._remote.note(kind, ".".join(parts))
        return entry

    def keep(self, entry: Entry) -> str:
        """Let it stay until the hour that its name says, or for as long as such a name does."""
        super().strike(entry)
        there = self._there.pop(entry.number, None)
        if there is None:
            return ""
        until = expiry_of(entry.parts[-1]) or there.at + EXPIRES_AFTER_S
        self._remote.keep(there, until)
        return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(until))

    def strike(self, entry: Entry) -> None:
        """Write down that it is gone, or was never made."""
        super().strike(entry)
        there = self._there.pop(entry.number, None)
        if there is not None:
            self._remote.strike(there)
