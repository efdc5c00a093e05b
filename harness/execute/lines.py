"""Which line a kernel is at that can't tell any more: it hangs, or it crashed in native code."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import re
import signal
import time

FILE = "lines"

_ASK = signal.SIGUSR2
_PATIENCE_S = 2.0
_HEAD = "(most recent call first):"
_FRAME = re.compile(r'^  File "(?P<path>.*)", line (?P<line>\d+) in ', re.MULTILINE)


def leave_lines(folder: str) -> None:
    """In the kernel: write where Python is to a file of the run's, at a crash and when asked; no Python needs to run for it."""
    file = os.open(os.path.join(folder, FILE), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    faulthandler.enable(file, all_threads=False)
    faulthandler.register(_ASK, file, all_threads=False)


def ask_line(pid: int, folder: str) -> None:
    """Have a kernel write where it is; it is waited for as long as that takes a process that runs."""
    with contextlib.suppress(OSError):
        before = os.path.getsize(os.path.join(folder, FILE))
        os.kill(pid, _ASK)
        until = time.monotonic() + _PATIENCE_S
        while os.path.getsize(os.path.join(folder, FILE)) == before and time.monotonic() < until:
            time.sleep(0.005)
        time.sleep(0.005)  # it is written in pieces


def last_line(folder: str, path: str) -> int | None:
    """The line of this file that a kernel was at last, as far as it is known."""
    try:
        with open(os.path.join(folder, FILE), encoding="utf-8", errors="replace") as file:
            text = file.read(1 << 20)
    except OSError:
        return None
    # The last that was written: a process that the notebook forked may have crashed before. The innermost line comes first, and
    # a path that isn't ASCII is written with escapes.
    written = path.encode("ascii", "backslashreplace").decode()
    frames = [
        int(found["line"]) for found in _FRAME.finditer(text[max(text.rfind(_HEAD), 0) :]) if found["path"] in (path, written)
    ]
    return frames[0] if frames else None
