"""The engine's record on disk: which process it is, where it listens and what it was made of."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    import psutil

_LOOK_S = 0.05


@dataclass(frozen=True, slots=True)
class Record:
    """One engine. ``owner`` is the pid of the run that the engine ends with, 0 for one that is kept.

    ``archive`` is the class archive that it is to write as it ends, if any. ``up_since`` is a time of the monotonic clock: all
    processes share it until the machine starts anew, and it goes on evenly when somebody sets the clock on the wall.
    """

    pid: int
    token: str
    up_since: float
    spark: str
    java: str
    delta: str
    owner: int = 0
    archive: str = ""

    def url(self, port: int, *, with_token: bool = False) -> str:
        """The address as Spark's clients take it; without the token it may be shown."""
        # Not 127.0.0.1: with a token, pyspark asks for TLS from any host of another name than this.
        return f"sc://localhost:{port}/" + (f";token={self.token}" if with_token else "")


def write(folder: Path, record: Record) -> None:
    """Write the record so that nobody ever reads half of it."""
    half = folder / "record.json.half"
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(record), file)
    half.replace(folder / "record.json")


def read(folder: Path) -> Record | None:
    """The record, or None where there is none that can be read: stale, cut off, or of another version of ours."""
    found = _json(folder / "record.json")
    try:
        return Record(**found) if found is not None else None
    except TypeError:
        return None


def port(folder: Path, *, pid: int) -> int | None:
    """The port that the engine with this pid told when it was ready."""
    found = _json(folder / "ready")
    # An engine that nobody recorded, since its starter was killed, may come up in the same folder before it ends.
    if found is None or found.get("pid") != pid or not str(found.get("port", "")).isdigit():
        return None
    return int(found["port"])


def _json(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def is_alive(record: Record, folder: Path) -> bool:
    """Whether the very process that the record names still runs, rather than another that has its number now.

    An engine is told by its folder, which stands on its command line; its start time would not survive a clock that is set.
    """
    import psutil

    try:
        process = psutil.Process(record.pid)
        return process.status() != psutil.STATUS_ZOMBIE and str(folder) in process.cmdline()
    except psutil.Error:
        return False


def has_ended(process: psutil.Process, *, within_s: float) -> bool:
    """Wait for the end of a process; one that its parent, if that is another process, hasn't taken notice of has ended too."""
    import psutil

    until = time.monotonic() + within_s
    while True:
        try:
            process.wait(timeout=_LOOK_S)
        except psutil.TimeoutExpired:
            if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
                return True
            if time.monotonic() > until:
                return False
        else:
            return True


def is_stopped(record: Record) -> bool:
    """Whether its process was halted, by a debugger or a signal: its port still takes calls, and answers none."""
    import psutil

    try:
        return bool(psutil.Process(record.pid).status() in {psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP})
    except psutil.Error:
        return False


def age_s(record: Record) -> float:
    """How long ago it was started, whatever was done to the clock since."""
    return max(0.0, time.monotonic() - record.up_since)
