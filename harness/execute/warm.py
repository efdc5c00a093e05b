"""The warm parent of kernels, as its process of tests holds it; what talks to kernels can be imported while it gets warm."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from typing import TYPE_CHECKING, Any

from harness.execute.lent import Lent, borrow, first

if TYPE_CHECKING:
    from collections.abc import Sequence

# Libraries start threads when they are imported, and a process with threads can't be forked: those of linear algebra one for
# each core, and pyarrow's allocator one that cleans up.
ONE_THREAD = {
    **dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}

# Coverage would start by itself, in the parent for all kernels at once. By the others code tells that it is in a test, and in a
# notebook it isn't: ipykernel would show no output of its children. And on Databricks each `assert` holds.
_NOT_THEIRS = (
    "COVERAGE_PROCESS_START",
    "COVERAGE_PROCESS_CONFIG",
    "PYTEST_CURRENT_TEST",
    "PYTEST_VERSION",
    "PYTEST_XDIST_",
    "PYTHONOPTIMIZE",
)


def shared_by(run: str) -> str:
    """Where the processes of one run find its parent; ``run`` is its name."""
    return os.path.join(tempfile.gettempdir(), f"nbh-{run}")


def _environment() -> dict[str, str]:
    """The variables that a notebook finds: as they are now, for a test may have set some."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_NOT_THEIRS)}


class Parent:
    """The warm parent of this process's kernels; ``more`` is what it imports beside the usual.

    Processes that name the same folder as ``shared`` and import the same have parents of one origin, which is warmed up once.
    ``files`` is a folder that it removes where this process is killed, and leaves alone where this one stops it.
    """

    def __init__(self, *, more: Sequence[str] = (), shared: str = "", files: str = "") -> None:
        self._process: subprocess.Popen[bytes] | Lent | None = None
        self._more = more
        self._shared = shared
        self._files = files
        self._folder = ""
        self._is_ready = False
        self._ending: list[tuple[subprocess.Popen[bytes] | Lent, str]] = []
        self._lock = threading.RLock()  # a question and its answer

    def folder(self) -> str:
        """A folder for the runs of this process; it goes with the parent, so also where pytest is killed."""
        with self._lock:
            self.ready()
            os.makedirs(self._folder, mode=0o700, exist_ok=True)  # a notebook may have deleted it
            return self._folder

    def fork(self, *, connection: str, job: str, log: str, imports: Sequence[str] = ()) -> int:
        """Fork a kernel, which has these modules imported; gives its pid."""
        asked = {"connection": connection, "job": job, "log": log, "imports": list(imports), "environment": _environment()}
        return int(self._ask(asked)["pid"])

    def end(self, pid: int) -> int | None:
        """End a kernel, and whatever it has started; gives the exit status of one that had ended by itself."""
        with contextlib.suppress(OSError, ValueError):  # a parent that is gone has taken its kernels along
            status: int | None = self._ask({"end": pid})["status"]
            return status
        return None

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            process = self.ready()
            assert process.stdout is not None  # noqa: S101 -- it is a pipe
            self._tell(process, question)
            answer: dict[str, Any] = json.loads(process.stdout.readline())
            return answer

    @staticmethod
    def _tell(process: subprocess.Popen[bytes] | Lent, what: dict[str, Any]) -> None:
        assert process.stdin is not None  # noqa: S101 -- it is a pipe
        process.stdin.write(json.dumps(what).encode() + b"\n")
        process.stdin.flush()

    def start(self) -> subprocess.Popen[bytes] | Lent:
        """Start it if it doesn't run; it gets warm by itself."""
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._close()
                self._is_ready = False
                # Its name is short: the path of a socket in it has room for a hundred characters.
                self._folder = self._folder or tempfile.mkdtemp(prefix="nbh-")
                self._process = self._begun()
            return self._process

    def _begun(self) -> subprocess.Popen[bytes] | Lent:
        door = first(self._shared) if self._shared else None
        if door is None and self._shared:
            lent = borrow(self._shared, {"pytest": os.getpid(), "folder": self._folder, "files": self._files})
            if lent is not None:
                return lent
        try:
            # -P: what lies in this folder may be named as a module of Python's, a notebook "secrets.py" say.
            return subprocess.Popen(  # noqa: S603 -- our own module
                [
                    *(sys.executable, "-P", "-m", "harness.execute.parent", str(os.getpid()), self._folder, self._files),
                    *(str(door.fileno()) if door else "", *self._more),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**_environment(), **ONE_THREAD},
                start_new_session=True,  # who kills pytest with its process group leaves it the time to clean up
                pass_fds=[door.fileno()] if door else [],
            )
        finally:
            if door is not None:
                door.close()

    def ready(self) -> subprocess.Popen[bytes] | Lent:
        """Wait until it is warm."""
        with self._lock:
            while True:
                process = self.start()
                if self._is_ready:
                    return process
                assert process.stdout is not None  # noqa: S101 -- it is a pipe
                said = process.stdout.readline()
                if isinstance(process, Lent):
                    if not said:  # it was to be a fork of one that has ended
                        self._shared = ""
                        self._close()
                        continue
                    process.pid = int(json.loads(said)["pid"])
                self._is_ready = True

    @property
    def pid(self) -> int | None:
        """Its process, if it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def let_go(self) -> None:
        """Tell it to end, for nobody will ask it any more; `stop` waits for that.

        One that has ``files`` is needed until they are gone: who is killed before leaves them to it.
        """
        with self._lock:
            process = self._process
            if process is None:
                return
            with contextlib.suppress(OSError):
                self._tell(process, {"stop": True})
            self._close()
            self._ending.append((process, self._folder))
            self._folder = ""

    def stop(self) -> None:
        """End it, all kernels that it still has, and the folder of their runs."""
        self.let_go()
        while self._ending:
            process, folder = self._ending.pop()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            shutil.rmtree(folder, ignore_errors=True)

    def leave(self) -> None:
        """In a fork of this process: leave it to the one that it is of."""
        self._close()
        self._folder, self._ending = "", []

    def _close(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()
