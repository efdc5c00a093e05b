"""The threads that a notebook leaves at work when its cells are done."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING

from harness.execute.refusals import is_of_library

if TYPE_CHECKING:
    from types import FrameType

AT_WORK = (
    "a thread is still at work here when the notebook's cells are done, and what becomes of it on Databricks isn't documented: "
    "wait for it, by join(), result() or a `with` around the pool, or make it a daemon if nothing hangs on it"
)
_GRACE_S = 1.0
"""How long one may go on that is about to end by itself."""


def left_at_work() -> FrameType | None:
    """Where a thread is at work in the notebook's or the project's own code; None if none is.

    One that waits in a library for work to come (of a pool, say) isn't, nor is a daemon: Python itself doesn't wait for it.
    """
    until = time.monotonic() + _GRACE_S
    for thread in threading.enumerate():
        if thread.daemon or thread in (threading.main_thread(), threading.current_thread()) or _at(thread) is None:
            continue
        thread.join(max(0.0, until - time.monotonic()))
        frame = _at(thread)
        if frame is not None:
            return frame
    return None


def _at(thread: threading.Thread) -> FrameType | None:
    """The innermost frame of a thread if one of its own is in code that is no library's."""
    innermost = frame = sys._current_frames().get(thread.ident or 0)  # noqa: SLF001 -- the documented way to another thread's
    while frame is not None and is_of_library(frame.f_code.co_filename):
        frame = frame.f_back
    return innermost if frame is not None else None
