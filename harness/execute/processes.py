"""Processes of a run and their end: whatever a notebook starts, and however it hides it, ends with the run."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    import psutil

PATIENCE_S = 5.0
"""How long what was killed may take to be gone; a process that waits for a disk can't be ended sooner."""


def adopt_orphans() -> None:
    """Have what this process's children leave behind become its own children, in whatever session; on Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)


def end_with_parent() -> None:
    """Have the system kill this process when its parent ends, in whatever way; where it can't, the parent's own end does."""
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


def die_first() -> None:
    """Have the system choose this process and its children where memory runs out; not pytest, and not Spark."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "wb") as score:
        score.write(b"1000")  # as text it would need a module more


def end_child(pid: int) -> int | None:
    """Kill a child and its process group; gives its exit status, which is of its own end where it had ended before."""
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        with contextlib.suppress(ChildProcessError):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if not ended:
                time.sleep(0.002)
                continue
            return os.waitstatus_to_exitcode(status)
        break
    return None


def end_children(spared: Collection[int]) -> None:
    """Kill all that is below this process, but for the children that are spared and what is below them.

    Among it are the orphans that it adopted. Some may start others while this goes on, so it ends when there is none left.
    """
    import psutil

    until = time.monotonic() + PATIENCE_S
    while (found := _below(spared)) and time.monotonic() < until:
        for process in found:
            with contextlib.suppress(psutil.Error):
                process.kill()
        for process in found:
            with contextlib.suppress(ChildProcessError):  # it isn't ours yet: its own parent is still there
                os.waitpid(process.pid, os.WNOHANG)
        time.sleep(0.002)


def _below(spared: Collection[int]) -> list[psutil.Process]:
    import psutil

    all_of_it = psutil.Process().children(recursive=True)
    kept = set(spared)
    for process in all_of_it if spared else ():
        with contextlib.suppress(psutil.Error):
            if process.pid in spared:
                kept.update(child.pid for child in process.children(recursive=True))
    return [process for process in all_of_it if process.pid not in kept]
