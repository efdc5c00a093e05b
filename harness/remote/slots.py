"""How many runs are on at once, over all processes of a pytest run: a slot is a file that one of them has locked."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from filelock import BaseFileLock


class Slots:
    """``count`` slots in a folder that the processes share; what a process holds goes with it."""

    def __init__(self, folder: Path, count: int) -> None:
        from filelock import FileLock

        folder.mkdir(exist_ok=True, mode=0o700)
        # The thread that gives a slot back may be another one than took it.
        self._free: list[BaseFileLock] = [FileLock(folder / f"{number}.lock", thread_local=False) for number in range(count)]

    def take(self) -> BaseFileLock | None:
        """Take a free slot, or None if all are taken."""
        from filelock import Timeout

        for at, slot in enumerate(self._free):
            try:
                slot.acquire(timeout=0)
            except Timeout:
                continue
            return self._free.pop(at)
        return None

    def give_back(self, slot: BaseFileLock) -> None:
        """Let another run have it."""
        slot.release()
        self._free.append(slot)
