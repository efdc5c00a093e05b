"""One start of an engine at a time: a lock that says who holds it, and that a process which ends lets go of by itself."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from harness.errors import SparkStartError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TOLD_AFTER_S = 1.0
GIVEN_UP_AFTER_S = 480.0
"""Longer than fetching jars and two starts may take."""


@contextlib.contextmanager
def starting(folder: Path, progress: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock of an engine's folder; while another run holds it, wait and say so.

    Raises:
        SparkStartError: The other one doesn't let go of it.
    """
    from filelock import FileLock, Timeout  # comes with the extra "local", as Spark does

    lock = FileLock(folder / "lock")
    try:
        lock.acquire(timeout=TOLD_AFTER_S)
    except Timeout:
        progress(f"another run{_told(folder)} is starting the engine: waiting for it …")
        try:
            lock.acquire(timeout=GIVEN_UP_AFTER_S)
        except Timeout as exc:
            raise SparkStartError(
                "another run doesn't get done with starting the Spark engine",
                cause=f"it{_told(folder)} has held {folder / 'lock'} for {GIVEN_UP_AFTER_S:.0f} seconds",
                mend="look what that process does, and end it; its lock goes with it",
            ) from exc
    try:
        with contextlib.suppress(OSError):  # a full disk; whatever needs room next will say so
            _holder(folder).write_text(str(os.getpid()), encoding="utf-8")
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def if_free(folder: Path) -> Iterator[bool]:
    """Hold the lock if nobody does; gives whether it is held now."""
    from filelock import FileLock, Timeout

    lock = FileLock(folder / "lock")
    try:
        lock.acquire(timeout=0)
    except (Timeout, OSError):
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def _holder(folder: Path) -> Path:
    return folder / "starter"


def _told(folder: Path) -> str:
    try:
        pid = _holder(folder).read_text(encoding="utf-8").strip()
    except OSError:
        return ""
    return f" (pid {pid})" if pid.isdigit() else ""
