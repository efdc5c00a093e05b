"""The warm process that a rehearsal's runs are forked from: `nbh run --serve`, spoken to as its documentation says."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from itertools import count
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

CLEAN_UP_S = 10.0
"""How long a run that is to end may take to clean up."""
_END_S = 15.0

_log = logging.getLogger(__name__)


class WarmRun:
    """One run, in a process of its own."""

    def __init__(self, warm: _Process, number: int) -> None:
        self._warm, self._number = warm, number
        self.has_ended = threading.Event()

    def wait(self, seconds: float) -> bool:
        """Whether it has ended, within that time."""
        return self.has_ended.wait(seconds)

    def end(self) -> None:
        """Let it clean up, and then end it with all of its session."""
        self._warm.ask({"end": self._number})
        if not self.wait(CLEAN_UP_S):
            _log.warning("run %d doesn't end by itself", self._number)
            self._warm.ask({"kill": self._number})
            self.wait(CLEAN_UP_S)


class Warm:
    """Starts runs; the process that they are forked from is started with the first, and again where it was lost."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: _Process | None = None

    def run(self, arguments: Sequence[str], folder: Path, files: Path, environment: Mapping[str, str]) -> WarmRun:
        """Run `nbh run` with those arguments in a folder; what it writes is in ``stdout`` and ``stderr`` of another.

        Raises:
            OSError: There can be no such process.
        """
        asked = {
            "arguments": list(arguments),
            "folder": str(folder),
            "environment": dict(environment),
            "stdout": str(files / "stdout"),
            "stderr": str(files / "stderr"),
        }
        with self._lock:
            if self._process is None or self._process.is_lost.is_set():
                self._process = _Process()
            return self._process.begin(asked)

    def close(self) -> None:
        """End it, and the runs that are still on."""
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            process.close()


class _Process:
    def __init__(self) -> None:
        self.is_lost = threading.Event()
        self._lock = threading.Lock()
        self._runs: dict[int, WarmRun] = {}
        self._numbers = count(1)
        # It ends with its input, and so with this process, however that ends.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "harness", "run", "--serve"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        threading.Thread(target=self._listen, name="warm-runs", daemon=True).start()

    def begin(self, asked: Mapping[str, Any]) -> WarmRun:
        """Ask for a run; where the process is lost, it has ended with nothing to tell of it."""
        number = next(self._numbers)
        run = self._runs[number] = WarmRun(self, number)
        self.ask({"run": number, **asked})
        if self.is_lost.is_set():
            run.has_ended.set()
        return run

    def ask(self, what: Mapping[str, Any]) -> None:
        """Ask something of it."""
        assert self._process.stdin is not None  # noqa: S101 -- it is a pipe
        with self._lock, contextlib.suppress(OSError, ValueError):  # one that is gone; `_listen` finds that out
            self._process.stdin.write(json.dumps(what).encode() + b"\n")
            self._process.stdin.flush()

    def _listen(self) -> None:
        assert self._process.stdout is not None  # noqa: S101 -- it is a pipe
        for line in self._process.stdout:
            told = json.loads(line)
            if "status" in told and (run := self._runs.pop(told["run"], None)) is not None:
                run.has_ended.set()
        self.is_lost.set()
        for run in list(self._runs.values()):
            run.has_ended.set()

    def close(self) -> None:
        """End it, with the runs that are on."""
        assert self._process.stdin is not None  # noqa: S101 -- it is a pipe
        with self._lock, contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            _log.warning("the warm process of runs doesn't end by itself")
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
