"""The warm parent of kernels: imports once what every kernel needs; forks and ends them as it is told on its standard input.

It ends when that input does, or pytest; then its kernels end with it, all that they started, and the folder of their runs.
It has one thread and never talks to Spark: a fork would share that. That of a run's first worker forks itself for the others.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import shutil
import signal
import socket
import sys
import traceback
import warnings
from typing import TYPE_CHECKING, Any

from harness.execute.lent import asked_for
from harness.execute.processes import adopt_orphans, die_first, end_child, end_children, end_with_parent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

WARM = (
    "ipykernel.debugger",
    "IPython",
    "ipykernel.kernelapp",
    "pandas",
    "pyspark.sql.connect.session",
    "harness.execute.kernel",
    # What every kernel would import for itself, or every one with Spark: a twentieth of a second of each run.
    "harness.spark.choose",
    "grpc._channel",
    "grpc._interceptor",
    "encodings.idna",
    "harness.execute.shell",
    "harness.execute.shown",
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.logger",
    "IPython.core.oinspect",
    "tornado.platform.asyncio",
)
"""What is imported before the first fork; what isn't installed is left out."""


def main(pytest: int, folder: str, files: str, door: str, *more: str) -> None:
    """Serve until standard input ends, or the process of that number; ``more`` is what is imported beside the usual.

    ``door`` is the number of the socket on which other workers ask, if there is one.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is pytest's, which ends us
    # Nobody can attach a debugger to these kernels, and half of the time of a kernel's start was to load it.
    sys.modules["debugpy"] = None  # type: ignore[assignment]  # Python's own way to say that there is none
    is_gone = _end_of(pytest)
    gc.disable()  # nothing of what is imported is garbage, and to look for some is a sixth of the time
    for name in (*WARM, *more):
        if is_gone():
            break  # there is nobody to get warm for, and on a busy machine the rest takes seconds
        with contextlib.suppress(ImportError):
            __import__(name)
    with contextlib.suppress(ImportError):
        from harness.execute.kernel import prepare

        prepare(folder)
    del sys.modules["debugpy"]
    gc.freeze()  # or the first collection in each kernel would copy every page
    gc.enable()
    _Serving(pytest, folder, files, socket.socket(fileno=int(door)) if door else None).serve()


class _Serving:
    """One process that serves one pytest; a fork of it serves another."""

    def __init__(self, pytest: int, folder: str, files: str, door: socket.socket | None) -> None:
        self._pytest, self._door = pytest, door
        self._gone, self._folders = [folder], [folder, *([files] if files else [])]
        self._kernels: set[int] = set()
        self._lent: set[int] = set()
        if door is not None:
            shared = os.path.dirname(door.getsockname())
            self._gone.append(shared)
            self._folders.append(shared)

    def serve(self) -> None:
        """Answer until there is nobody to answer to."""
        signal.signal(signal.SIGTERM, lambda *_: sys.exit())
        adopt_orphans()
        gone = self._gone
        try:
            _answer({"pid": os.getpid(), "threads": _threads()})
            for asked in self._asked():
                if "stop" in asked:
                    break
                self._do(asked)
            else:
                # Who was killed says no farewell, and nobody else is left to remove what is the test's. That it is our parent
                # tells nothing: a process that dies closes its pipes before its children are given to another.
                gone = self._folders
        finally:
            end_children(spared=self._lent)
            for one in gone:
                shutil.rmtree(one, ignore_errors=True)

    def _do(self, asked: dict[str, Any]) -> None:
        if "end" in asked:
            self._kernels.discard(asked["end"])
            status = end_child(asked["end"])
            end_children(spared=self._kernels | self._lent)
            _answer({"status": status})
        else:
            _warm_up(asked["imports"], asked["job"])
            pid = os.fork()
            if pid == 0:
                self._shut()
                _become_kernel(asked)
            self._kernels.add(pid)
            _answer({"pid": pid})

    def _asked(self) -> Iterator[dict[str, Any]]:
        """What is asked, until the input ends; a process that pytest forked may hold it open, so pytest is looked at too."""
        rest = b""
        is_gone = _end_of(self._pytest)
        door = self._door.fileno() if self._door is not None else 0
        while True:
            heard = select.select({0, door}, [], [], 1)[0]
            if door and door in heard:
                self._lend()
            if not heard:
                self._forget_lent()
                if is_gone():
                    return
            if 0 not in heard:
                continue
            read = os.read(0, 1 << 16)
            if not read:
                return
            *lines, rest = (rest + read).split(b"\n")
            for line in lines:
                yield json.loads(line)

    def _lend(self) -> None:
        """Fork a parent for another worker, which ends with that one, and not with this."""
        assert self._door is not None  # noqa: S101 -- it was heard
        asking = asked_for(self._door)
        if asking is None:
            return
        facts, read, write = asking
        pid = os.fork()
        if pid:
            self._lent.add(pid)
            os.close(read)
            os.close(write)
            return
        try:
            os.setsid()
            self._shut()
            for pipe, number in ((read, 0), (write, 1)):
                os.dup2(pipe, number)
                os.close(pipe)
            _Serving(facts["pytest"], facts["folder"], facts["files"], None).serve()
        except SystemExit:
            pass
        except BaseException:  # noqa: BLE001 -- as any process tells of its end
            traceback.print_exc()
        finally:
            os._exit(0)

    def _forget_lent(self) -> None:
        for pid in list(self._lent):
            with contextlib.suppress(ChildProcessError):
                if not os.waitpid(pid, os.WNOHANG)[0]:
                    continue
            self._lent.discard(pid)

    def _shut(self) -> None:
        """In a fork: leave the door to the process that it is of."""
        if self._door is not None:
            self._door.close()


def _warm_up(names: Sequence[str], job: str) -> None:
    """Import what a notebook will, as on Databricks: seconds of MLflow's, which the next one has for nothing."""
    from harness.execute.guard import hold_modules
    from harness.execute.job import load_job
    from harness.execute.names import stand_for_runtime
    from harness.execute.tracking import change_mlflow

    new = [name for name in names if name not in sys.modules]
    if new:
        stand_for_runtime(load_job(job))
        change_mlflow()
        for name in new:
            with contextlib.suppress(Exception), warnings.catch_warnings():  # the notebook meets it again
                warnings.simplefilter("ignore")
                __import__(name)
        hold_modules()
        gc.freeze()


def _end_of(pytest: int) -> Callable[[], bool]:
    """What tells whether that process has ended; by a handle of the system's, for its number may be another's by then."""
    with contextlib.suppress(AttributeError, OSError):  # on Linux only
        handle = os.pidfd_open(pytest)
        return lambda: bool(select.select([handle], [], [], 0)[0])

    def is_gone() -> bool:
        try:
            os.kill(pytest, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            pass
        return False

    return is_gone


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
        _set_environment(asked["environment"])
        # Python's own generator is seeded anew after a fork; numpy's would give all kernels the same numbers, so that two
        # notebooks that make up keys make up the same ones.
        if "numpy" in sys.modules:
            sys.modules["numpy"].random.seed()
        from harness.execute.kernel import serve

        serve(asked["connection"], asked["job"])
        status = 0
    except BaseException:  # noqa: BLE001 -- whatever it was, it stands in the kernel's log
        traceback.print_exc(file=sys.__stderr__)  # by now sys.stderr may be the kernel's own, which nobody reads
    finally:
        os._exit(status)


def _set_environment(wanted: dict[str, str]) -> None:
    """Have just these variables; most are as they were, and to set one copies a page of memory that all kernels share."""
    for name in set(os.environ) - set(wanted):
        del os.environ[name]
    os.environ.update({name: value for name, value in wanted.items() if os.environ.get(name) != value})


def _threads() -> int:
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return 1


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
    os._exit(0)  # whoever waits for the end needn't wait for Python to take all modules apart
