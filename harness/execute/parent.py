"""The warm parent of kernels: imports once what every kernel needs, and forks one for each line on its standard input.

It ends, and its kernels with it, when that input does. It has one thread and never talks to Spark: a fork would share that.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import signal
import sys
import traceback
from typing import Any

WARM = (
    "ipykernel.debugger",
    "IPython",
    "ipykernel.kernelapp",
    "pandas",
    "pyspark.sql.connect.session",
    "harness.execute.kernel",
    # What every kernel would import for itself.
    "harness.execute.shown",
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.logger",
    "IPython.extensions.storemagic",
    "tornado.platform.asyncio",
)
"""What is imported before the first fork; what isn't installed is left out."""


def main() -> None:
    """Serve until standard input ends."""
    # Nobody can attach a debugger to these kernels, and half of the time of a kernel's start was to load it.
    sys.modules["debugpy"] = None  # type: ignore[assignment]  # Python's own way to say that there is none
    for name in WARM:
        with contextlib.suppress(ImportError):
            __import__(name)
    del sys.modules["debugpy"]
    gc.freeze()  # or the first collection in each kernel would copy every page
    signal.signal(signal.SIGCHLD, _reap)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is pytest's, which ends us
    out = os.fdopen(os.dup(1), "w", buffering=1)
    out.write(json.dumps({"pid": os.getpid(), "threads": _threads()}) + "\n")
    kernels: list[int] = []
    for line in sys.stdin:
        asked = json.loads(line)
        pid = os.fork()
        if pid == 0:
            out.close()
            _become_kernel(asked)
        kernels.append(pid)
        out.write(json.dumps({"pid": pid}) + "\n")
    for pid in kernels:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)


def _reap(_signal: int, _frame: object) -> None:
    """Take note of kernels' ends, at once: what they used counts as this process's, and as pytest's when this one ends."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _become_kernel(asked: dict[str, Any]) -> None:
    """Be the kernel that was asked for; never returns."""
    status = 1
    try:
        os.setsid()
        end_with_parent()
        os.environ.clear()
        os.environ.update(asked["env"])
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        log = os.open(asked["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(log, 1)
        os.dup2(log, 2)
        from harness.execute.kernel import serve

        serve(asked["connection"], asked["job"])
        status = 0
    except BaseException:  # noqa: BLE001 -- whatever it was, it stands in the kernel's log
        traceback.print_exc(file=sys.__stderr__)  # by now sys.stderr may be the kernel's own, which nobody reads
    finally:
        os._exit(status)


def end_with_parent() -> None:
    """Have the system kill this process when its parent ends, in whatever way; where it can't, the parent's own end does."""
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


def _threads() -> int:
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return 1


if __name__ == "__main__":
    main()
