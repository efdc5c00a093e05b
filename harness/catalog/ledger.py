"""The ledger: what is about to be made is written down first, so that it can be removed whatever happens."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Entry:
    """One object, by its kind (``catalog``, ``schema``, ``table``, …) and the parts of its name."""

    number: int
    kind: str
    parts: tuple[str, ...]

    def holds(self, other: Entry) -> bool:
        """Whether the other is inside this one, and goes with it."""
        count = len(self.parts)
        return self.kind in {"catalog", "schema"} and len(other.parts) > count and other.parts[:count] == self.parts


class Ledger:
    """A file of JSON lines that only its user can read: an object's line is on disk before the object is made.

    The file goes with the last object that is removed, so a file that is left names what a killed run left.
    """

    def __init__(self, path: Path, *, about: Mapping[str, object], now: Callable[[], float] = time.time) -> None:
        self.path = path
        self._about = {"pid": os.getpid(), **about}
        self._now = now
        self._last = 0
        self._open: dict[int, Entry] = {}

    @property
    def entries(self) -> list[Entry]:
        """What was made and not yet removed, in the order of making."""
        return list(self._open.values())

    def note(self, kind: str, parts: tuple[str, ...]) -> Entry:
        """Write down what is about to be made."""
        self._last += 1
        entry = Entry(self._last, kind, parts)
        line = {"made": entry.number, "kind": kind, "name": list(parts), "at": round(self._now(), 3)}
        self._write(line if self._open else {**line, **self._about})
        self._open[entry.number] = entry
        return entry

    def strike(self, entry: Entry) -> None:
        """Write down that it is gone, or was never made."""
        if self._open.pop(entry.number, None) is None:
            return
        if self._open:
            self._write({"gone": entry.number})
        else:
            self.path.unlink(missing_ok=True)

    def keep(self, entry: Entry) -> str:
        """Let it stay, and forget it; says until when, as far as anybody knows."""
        self.strike(entry)
        return ""

    def _write(self, line: Mapping[str, object]) -> None:
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(descriptor, (json.dumps(line, ensure_ascii=False) + "\n").encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def read(path: Path) -> list[Entry]:
    """What a ledger's file says is still there, in the order of making; a line that was cut off is left out."""
    found: dict[int, Entry] = {}
    for text in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            line = json.loads(text)
            if "gone" in line:
                found.pop(line["gone"], None)
            else:
                found[line["made"]] = Entry(line["made"], line["kind"], tuple(line["name"]))
        except (ValueError, KeyError, TypeError):
            continue
    return list(found.values())


def removals(entries: Sequence[Entry]) -> list[tuple[Entry, list[Entry]]]:
    """What to remove, last made first, each with what goes with it.

    A catalog or schema takes along what is in it, also what a notebook made there: one call, and nothing is left inside.
    """
    return [
        (entry, [other for other in reversed(entries) if entry.holds(other)])
        for entry in reversed(entries)
        if not any(other.holds(entry) for other in entries)
    ]


def forget_dead(folder: Path, *, is_alive: Callable[[int], bool]) -> None:
    """Remove ledgers of processes that are gone; the engine has dropped with each process what it made."""
    for path in folder.glob("*.jsonl"):
        pid = path.name.partition("-")[0]
        if pid.isdigit() and not is_alive(int(pid)):
            path.unlink(missing_ok=True)
