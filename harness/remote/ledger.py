"""The ledger of a remote run: what is about to be made on a workspace is on disk first, so that it can be removed.

It is the twin of `harness.catalog.ledger`, whose entries are known whole before they are made and belong to one process.
Here the id comes only with the workspace's answer, which may be lost, and several processes write one file: so an entry is
found by a name of ours, and its key is random.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing on a workspace: its kind, our name of it, and its id once that is known.

    Kinds are "folder", "cluster", "run", "catalog", "schema", "table", "view", "volume" and "function". ``facts`` are what else
    finds it, such as a run's token; ``at`` is when it was written down, and ``kept_until`` from when on a sweep may take what a
    test's user wants to look at, in seconds since 1970.
    """

    key: str
    kind: str
    name: str
    id: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    at: float = 0.0
    kept_until: float = 0.0


class Ledger:
    """A file of JSON lines that only its user can read; each line is one write, so that processes don't mix theirs."""

    def __init__(self, path: Path, *, about: Mapping[str, Any], now: Callable[[], float] = time.time) -> None:
        self.path = path
        self._about = dict(about)
        self._now = now

    def note(self, kind: str, name: str, **facts: Any) -> Entry:
        """Write down what is about to be made; it is on disk when this returns."""
        entry = Entry(secrets.token_hex(6), kind, name, facts=facts, at=round(self._now(), 3))
        line = {"made": entry.key, "kind": kind, "name": name, "at": entry.at, **({"facts": facts} if facts else {})}
        self._write(line if self.path.exists() else {**line, "about": self._about})
        return entry

    def learn(self, entry: Entry, made_id: str) -> Entry:
        """Write down the id that the workspace gave it."""
        self._write({"key": entry.key, "id": made_id})
        return replace(entry, id=made_id)

    def keep(self, entry: Entry, until: float) -> None:
        """Write down that it is to stay until then."""
        self._write({"key": entry.key, "kept_until": until})

    def strike(self, entry: Entry) -> None:
        """Write down that it is gone, or was never made."""
        self._write({"gone": entry.key})

    def entries(self) -> list[Entry]:
        """What was made by any process of the run and not yet removed, in the order of making."""
        return read(self.path)[1]

    def _write(self, line: Mapping[str, Any]) -> None:
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            # A line that a killed process left half written must not swallow this one.
            os.write(descriptor, f"\n{json.dumps(line, ensure_ascii=False)}\n".encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def read(path: Path) -> tuple[dict[str, Any], list[Entry]]:
    """What a ledger's file says it is about, and what is still there; a line that was cut off is left out."""
    about: dict[str, Any] = {}
    found: dict[str, Entry] = {}
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return about, []
    for written in text.splitlines():
        try:
            line = json.loads(written)
            if "made" in line:
                about = about or dict(line.get("about") or {})
                facts = dict(line.get("facts") or {})
                found[line["made"]] = Entry(line["made"], line["kind"], line["name"], facts=facts, at=float(line["at"]))
            elif "gone" in line:
                found.pop(line["gone"], None)
            elif "kept_until" in line:
                found[line["key"]] = replace(found[line["key"]], kept_until=float(line["kept_until"]))
            elif line.get("key") in found:
                found[line["key"]] = replace(found[line["key"]], id=str(line["id"]))
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
    return about, list(found.values())
