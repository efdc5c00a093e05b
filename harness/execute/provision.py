"""Kernels for nbclient that come from the warm parent instead of a new Python."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from typing import TYPE_CHECKING, Any

import psutil
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.provisioning import KernelProvisionerBase

from harness.execute.lent import Lent, borrow, first
from harness.execute.lines import ask_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_client.connect import KernelConnectionInfo

# Libraries start threads when they are imported, and a process with threads can't be forked: those of linear algebra one for
# each core, and pyarrow's allocator one that cleans up.
ONE_THREAD = {
    **dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}

# Coverage would start by itself, in the parent for all kernels at once; and ipykernel shows no output of a notebook's children
# where it believes itself in a test.
_NOT_THEIRS = ("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG", "PYTEST_CURRENT_TEST")


def _environment() -> dict[str, str]:
    """The variables that a notebook finds: as they are now, for a test may have set some."""
    return {name: value for name, value in os.environ.items() if name not in _NOT_THEIRS}


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
        self._lock = threading.RLock()  # a question and its answer

    def folder(self) -> str:
        """A folder for the runs of this process; it goes with the parent, so also where pytest is killed."""
        with self._lock:
            self.ready()
            os.makedirs(self._folder, mode=0o700, exist_ok=True)  # a notebook may have deleted it
            return self._folder

    def fork(self, *, connection: str, job: str, log: str) -> int:
        """Fork a kernel; gives its pid."""
        return int(self._ask({"connection": connection, "job": job, "log": log, "environment": _environment()})["pid"])

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

    def stop(self) -> None:
        """End it, all kernels that it still has, and the folder of their runs."""
        process = self._process
        if process is None:
            return
        with contextlib.suppress(OSError):
            self._tell(process, {"stop": True})
        self._close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder = ""

    def leave(self) -> None:
        """In a fork of this process: leave it to the one that it is of."""
        self._close()
        self._folder = ""

    def _close(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()


class Forked(KernelProvisionerBase):  # type: ignore[misc]  # the library has no types that mypy reads
    """One forked kernel, as jupyter_client wants to hold it."""

    def __init__(self, parent_of_kernels: Parent, *, job: str, log: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._parent_of_kernels = parent_of_kernels
        self._job, self._log = job, log
        self.process: psutil.Process | None = None
        self.status: int | None = None
        """The exit status of a kernel that ended by itself."""

    @property
    def has_process(self) -> bool:
        """Whether a kernel was launched."""
        return self.process is not None

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Write the connection file that the kernel reads."""
        self.parent.write_connection_file()
        self.connection_info = self.parent.get_connection_info()
        ready: dict[str, Any] = await super().pre_launch(cmd=[], **kwargs)
        return ready

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:  # noqa: ARG002 -- the library's own signature
        """Fork it."""
        pid = self._parent_of_kernels.fork(connection=self.parent.connection_file, job=self._job, log=self._log)
        self.process = psutil.Process(pid)
        return self.connection_info

    async def ask_line(self) -> None:
        """Have the kernel write which line it is at."""
        if self.process is not None and self.is_alive:
            await asyncio.to_thread(ask_line, self.process.pid, os.path.dirname(self._job))

    async def poll(self) -> int | None:
        """None while it runs."""
        return None if self.is_alive else 1

    @property
    def is_alive(self) -> bool:
        """Whether the kernel runs."""
        with contextlib.suppress(psutil.Error):
            return self.process is not None and self.process.is_running() and self.process.status() != psutil.STATUS_ZOMBIE
        return False

    async def wait(self) -> int | None:
        """Wait until it has ended."""
        while self.is_alive:  # noqa: ASYNC110 -- another process's end is no event of ours
            await asyncio.sleep(0.005)
        self.process = None
        return 0

    async def send_signal(self, signum: int) -> None:
        """Signal the kernel and what it started: they are a group of their own."""
        if self.process is not None and self.is_alive:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signum)

    async def kill(self, restart: bool = False) -> None:  # noqa: FBT001, FBT002, ARG002 -- the library's own signature
        """End it, and whatever it has started."""
        process, self.process = self.process, None
        if process is not None:
            had_ended = process.status() == psutil.STATUS_ZOMBIE if process.is_running() else True
            status = await asyncio.to_thread(self._parent_of_kernels.end, process.pid)
            self.status = status if had_ended else None

    async def terminate(self, restart: bool = False) -> None:  # noqa: FBT001, FBT002 -- as above
        """Kill it: a notebook may swallow anything less."""
        await self.kill(restart)

    async def cleanup(self, restart: bool = False) -> None:  # noqa: FBT001, FBT002 -- as above
        """Nothing is left."""


class OneKernel(KernelSpecManager):  # type: ignore[misc]  # as above
    """Knows the one kernel that there is, wherever Jupyter may have its own."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Give it; it is forked, and no command starts it."""
        return KernelSpec(argv=[], display_name=kernel_name, language="python")


def manager(parent: Parent, *, sockets: str, job: str, log: str) -> AsyncKernelManager:
    """A manager of one kernel, whose sockets lie in a folder; a socket's path can be no longer than about 100 characters."""
    made = AsyncKernelManager(
        kernel_name="python3",
        kernel_spec_manager=OneKernel(),
        transport="ipc",
        connection_file=os.path.join(sockets, "k.json"),
    )
    made.kernel_id = os.path.basename(sockets)
    made.cache_ports = False
    made.provisioner = Forked(parent, job=job, log=log, parent=made, kernel_id=made.kernel_id, kernel_spec=made.kernel_spec)
    return made
