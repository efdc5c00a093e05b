"""``nbh run --serve``: one warm process that runs notebooks for another program, each in a process that it forks.

On standard input it reads JSON, one object a line:

* ``{"run": 1, "arguments": [...], "folder": ..., "environment": {...}, "stdout": ..., "stderr": ...}`` is `nbh run` with those
  arguments, in that folder and with those variables and no others, which writes to those files;
* ``{"end": 1}`` ends that run as SIGTERM does, and ``{"kill": 1}`` at once, with all of its session.

On standard output it says ``{"run": 1, "pid": ...}`` when a run has begun, and ``{"run": 1, "status": ...}`` when it has ended,
with its exit code (-9: by signal 9). It ends with its input, and the runs that are on with it.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback
from typing import TYPE_CHECKING, Any, NoReturn

from harness.execute.processes import end_with_parent
from harness.execute.warm import ONE_THREAD, Parent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WARM = (
    "harness.commands.run",
    "harness.execute.run",
    "harness.execute.start",
    "harness.runtime.data",
    "harness.spark.choose",
    "harness.spark.connect",
    "pandas",
    "pyarrow",
    "pyspark.sql.connect.session",
)
"""What runs import; what isn't installed is left out."""

_CLEAN_UP_S = 10.0


def serve(run: Callable[[list[str]], int]) -> None:
    """Serve until standard input ends; ``run`` does what `nbh run` does with some arguments, and gives its exit code."""
    os.environ.update(ONE_THREAD)  # a process with threads can't be forked
    answers = os.dup(1)  # nothing that a library prints is to be taken for one
    os.dup2(2, 1)
    folder = tempfile.mkdtemp(prefix="nbh-")
    kernels = Parent(shared=os.path.join(folder, "k"))
    try:
        kernels.start()
        for name in WARM:
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
        gc.freeze()  # or the first collection in each run would copy every page
        _Serving(run, kernels, answers, os.path.join(folder, "k")).serve()
    finally:
        kernels.stop()
        shutil.rmtree(folder, ignore_errors=True)


class _Serving:
    def __init__(self, run: Callable[[list[str]], int], kernels: Parent, answers: int, shared: str) -> None:
        self._run, self._kernels, self._answers, self._shared = run, kernels, answers, shared
        self._pids: dict[int, int] = {}

    def serve(self) -> None:
        """Do what is asked, and tell of runs that end."""
        woken, wake = os.pipe()
        for pipe in (woken, wake):
            os.set_blocking(pipe, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the other program's, which ends us
        signal.signal(signal.SIGTERM, lambda *_: sys.exit())
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        try:
            for asked in self._asked(woken):
                self._do(asked)
        finally:
            signal.set_wakeup_fd(-1)
            self._end_all()

    def _asked(self, woken: int) -> Iterator[dict[str, Any]]:
        rest = b""
        while True:
            ready = select.select([0, woken], [], [])[0]
            if woken in ready:
                with contextlib.suppress(BlockingIOError):
                    os.read(woken, 1 << 12)
                self._reap()
            if 0 not in ready:
                continue
            read = os.read(0, 1 << 16)
            if not read:
                return
            *lines, rest = (rest + read).split(b"\n")
            yield from (json.loads(line) for line in lines if line.strip())

    def _do(self, asked: dict[str, Any]) -> None:
        for verb, number in (("end", signal.SIGTERM), ("kill", signal.SIGKILL)):
            if verb in asked and asked[verb] in self._pids:
                self._signal(self._pids[asked[verb]], number)
        if "run" not in asked:
            return
        pid = os.fork()
        if pid == 0:
            self._become(asked)
        self._pids[asked["run"]] = pid
        self._answer({"run": asked["run"], "pid": pid})

    def _become(self, asked: dict[str, Any]) -> NoReturn:
        """Be the run that was asked for."""
        status = 3
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            os.setsid()
            end_with_parent()
            os.close(self._answers)
            self._kernels.leave()
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            for number, name in ((1, "stdout"), (2, "stderr")):
                os.dup2(os.open(asked[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
            os.chdir(asked["folder"])
            os.environ.clear()
            os.environ.update(asked["environment"])
            status = self._run([*asked["arguments"], "--kernels", self._shared])
        except SystemExit as exc:
            status = exc.code if isinstance(exc.code, int) else 3
        except BaseException:  # noqa: BLE001 -- as any process tells of its end
            traceback.print_exc()
        finally:
            with contextlib.suppress(OSError, ValueError):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(status)

    def _reap(self) -> None:
        for number, pid in list(self._pids.items()):
            with contextlib.suppress(ChildProcessError):
                ended, status = os.waitpid(pid, os.WNOHANG)
                if ended:
                    del self._pids[number]
                    self._answer({"run": number, "status": os.waitstatus_to_exitcode(status)})

    def _end_all(self) -> None:
        """Let the runs clean up, and then end them with all of their sessions."""
        for pid in self._pids.values():
            self._signal(pid, signal.SIGTERM)
        until = time.monotonic() + _CLEAN_UP_S
        while self._pids and time.monotonic() < until:
            self._reap()
            time.sleep(0.01)
        for pid in self._pids.values():
            self._signal(pid, signal.SIGKILL)

    @staticmethod
    def _signal(pid: int, number: signal.Signals) -> None:
        """To the run; where it is killed, to all of its session. Nobody has waited for it, so its number is still its own."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            (os.killpg if number is signal.SIGKILL else os.kill)(pid, number)

    def _answer(self, facts: dict[str, Any]) -> None:
        with contextlib.suppress(BrokenPipeError):  # whoever asked is gone, and the input ends
            os.write(self._answers, json.dumps(facts).encode() + b"\n")
