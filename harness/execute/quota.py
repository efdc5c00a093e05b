"""The disk that one run may fill: looked at from outside while it runs, for it writes by Spark and by libraries too."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

_LOOK_S = 0.5
_BLOCK = 512
"""The unit that a file's blocks are counted in, whatever the disk's own."""


class Quota:
    """Ends a run that writes more than it may; ``exceeded`` says so, "" if it didn't.

    ``folders`` names what is looked at, ``gigabytes`` is how much may come to it, and ``end`` ends the run.
    """

    def __init__(self, folders: Mapping[str, str], *, gigabytes: float, end: Callable[[], None]) -> None:
        self.exceeded = ""
        self._folders = folders
        self._gigabytes = gigabytes
        self._end = end
        self._done = threading.Event()
        self._before = {name: used(folder) for name, folder in folders.items()}
        self._thread = threading.Thread(target=self._watch, name="nbh-quota", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._done.set()
        self._thread.join()
        self._look()  # what was written since the last look counts too, so that no outcome goes by the moment

    def _watch(self) -> None:
        pause = _LOOK_S
        while not self._done.wait(pause):
            begun = time.monotonic()
            if self._look():
                self._end()
                return
            # A hundred thousand files take a while to be counted, and the run needs the disk too.
            pause = max(_LOOK_S, 10 * (time.monotonic() - begun))

    def _look(self) -> bool:
        grown = {name: used(folder) - self._before[name] for name, folder in self._folders.items()}
        if not self.exceeded and sum(grown.values()) > self._gigabytes * 1e9:
            told = ", ".join(f"{size / 1e9:.2g} GB {name}" for name, size in grown.items() if size > 0)
            self.exceeded = f"it wrote more than the {self._gigabytes:g} GB that run_disk_gb allows: {told}"
        return bool(self.exceeded)


def used(folder: str) -> int:
    """The bytes that a folder takes on the disk; a link takes none of what it leads to."""
    total, pending = 0, [folder]
    while pending:
        try:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
                    else:
                        status = entry.stat(follow_symlinks=False)
                        total += getattr(status, "st_blocks", -(-status.st_size // _BLOCK)) * _BLOCK
        except OSError:
            continue  # it went while it was looked at
    return total
