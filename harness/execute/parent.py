"""The warm parent of kernels: imports once what every kernel needs; forks and ends them as it is told on its standard input.

It ends when that input does, or pytest; then its kernels end with it, all that they started, and the folder of their runs.
It has one thread and never talks to Spark: a fork would share that.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import shutil
import signal
import sys
import traceback
from typing import TYPE_CHECKING, Any

from harness.execute.processes import adopt_orphans, die_first, end_child, end_children, end_with_parent

if TYPE_CHECKING:
    from collections.abc import Iterator

WARM = (
    "ipykernel.debugger",
    "IPython",
    "ipykernel.kernelapp",
    "pandas",
    "pyspark.sql.connect.session",
    "harness.execute.kernel",
    # What every kernel would import for itself.
    "harness.execute.shell",
    "harness.execute.shown",
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.logger",
    "IPython.core.oinspect",
    "tornado.platform.asyncio",
)
"""What is imported before the first fork; what isn't installed is left out."""


def main(pytest: int, folder: str, *more: str) -> None:
    """Serve until standard input ends, or the process of that number; ``more`` is what is imported beside the usual."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is pytest's, which ends us
    adopt_orphans()
    # Nobody can attach a debugger to these kernels, and half of the time of a kernel's start was to load it.
    sys.modules["debugpy"] = None  # type: ignore[assignment]  # Python's own way to say that there is none
    for name in (*WARM, *more):
        with contextlib.suppress(ImportError):
            __import__(name)
    with contextlib.suppress(ImportError):
        from harness.execute.kernel import prepare

        prepare(folder)
    del sys.modules["debugpy"]
    gc.freeze()  # or the first collection in each kernel would copy every page
    kernels: set[int] = set()
    gone = [folder]
    folders = [folder]
    try:
        _answer({"pid": os.getpid(), "threads": _threads()})
        for asked in _asked(pytest):
            if "stop" in asked:
                break
            if "files" in asked:
                folders.append(asked["files"])  # it may be told before we are ready, so nobody waits for an answer
                continue
            if "end" in asked:
                kernels.discard(asked["end"])
                status = end_child(asked["end"])
                end_children(spared=kernels)
                _answer({"status": status})
                continue
            pid = os.fork()
            if pid == 0:
                _become_kernel(asked)
            kernels.add(pid)
            _answer({"pid": pid})
        else:
            # Who was killed says no farewell, and nobody else is left to remove what is the test's. That it is our parent tells
            # nothing: a process that dies closes its pipes before its children are given to another.
            gone = folders
    finally:
        end_children(spared=())
        for one in gone:
            shutil.rmtree(one, ignore_errors=True)


def _asked(pytest: int) -> Iterator[dict[str, Any]]:
    """What is asked, until the input ends; a process that pytest forked may hold it open, so pytest is looked at too."""
    rest = b""
    while True:
        if not select.select([0], [], [], 1)[0]:
            if os.getppid() != pytest:
                return
            continue
        read = os.read(0, 1 << 16)
        if not read:
            return
        *lines, rest = (rest + read).split(b"\n")
        for line in lines:
            yield json.loads(line)


def _answer(facts: dict[str, Any]) -> None:
    with contextlib.suppress(BrokenPipeError):  # whoever asked is gone, and the input ends
        os.write(1, json.dumps(facts).encode() + b"\n")


def _become_kernel(asked: dict[str, Any]) -> None:
    """Be the kernel that was asked for; never returns."""
    status = 1
    try:
        os.setsid()
        end_with_parent()
        adopt_orphans()
        die_first()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        log = os.open(asked["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.environ.clear()
        os.environ.update(asked["environment"])
        from harness.execute.kernel import serve

        serve(asked["connection"], asked["job"])
        status = 0
    except BaseException:  # noqa: BLE001 -- whatever it was, it stands in the kernel's log
        traceback.print_exc(file=sys.__stderr__)  # by now sys.stderr may be the kernel's own, which nobody reads
    finally:
        os._exit(status)


def _threads() -> int:
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return 1


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
