"""Kernels for nbclient that come from the warm parent instead of a new Python."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import psutil
from jupyter_client import AsyncKernelManager
from jupyter_client.provisioning import KernelProvisionerBase

if TYPE_CHECKING:
    from jupyter_client.connect import KernelConnectionInfo

# Libraries start threads when they are imported, and a process with threads can't be forked: those of linear algebra one for
# each core, and pyarrow's allocator one that cleans up.
_ONE_THREAD = {
    **dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}


class Parent:
    """The warm parent of this process's kernels."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._is_ready = False
        self._lock = threading.Lock()  # notebooks that are run by others come from threads

    def fork(self, *, connection: str, job: str, log: str) -> int:
        """Fork a kernel; gives its pid."""
        # The environment as the test has it now; the parent may have started before a fixture set something.
        asked = {"connection": connection, "job": job, "log": log, "env": dict(os.environ)}
        with self._lock:
            process = self.ready()
            assert process.stdin is not None  # noqa: S101 -- both are pipes
            assert process.stdout is not None  # noqa: S101
            process.stdin.write(json.dumps(asked) + "\n")
            process.stdin.flush()
            return int(json.loads(process.stdout.readline())["pid"])

    def start(self) -> subprocess.Popen[str]:
        """Start it if it doesn't run; it gets warm by itself."""
        if self._process is None or self._process.poll() is not None:
            self._is_ready = False
            self._process = subprocess.Popen(
                [sys.executable, "-m", "harness.execute.parent"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, **_ONE_THREAD},
            )
        return self._process

    def ready(self) -> subprocess.Popen[str]:
        """Wait until it is warm."""
        process = self.start()
        assert process.stdout is not None  # noqa: S101 -- it is a pipe
        if not self._is_ready:
            process.stdout.readline()
            self._is_ready = True
        return process

    @property
    def pid(self) -> int | None:
        """Its process, if it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def stop(self) -> None:
        """End it, and all kernels that it still has."""
        process, self._process = self._process, None
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        try:
            process.wait(2)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Forked(KernelProvisionerBase):  # type: ignore[misc]  # the library has no types that mypy reads
    """One forked kernel, as jupyter_client wants to hold it."""

    def __init__(self, parent_of_kernels: Parent, *, job: str, log: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._parent_of_kernels = parent_of_kernels
        self._job, self._log = job, log
        self.process: psutil.Process | None = None

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
            try:
                os.killpg(self.process.pid, signum)
            except (ProcessLookupError, PermissionError):  # it was forked this moment, and has no group of its own yet
                with contextlib.suppress(psutil.Error):
                    self.process.send_signal(signum)

    async def kill(self, restart: bool = False) -> None:  # noqa: FBT001, FBT002, ARG002 -- the library's own signature
        """Kill them, and see that the kernel is gone: the library would look only ten times a second."""
        await self.send_signal(signal.SIGKILL)
        for _ in range(500):
            if not self.is_alive:
                return
            await asyncio.sleep(0.002)

    async def terminate(self, restart: bool = False) -> None:  # noqa: FBT001, FBT002, ARG002 -- as above
        """Kill them: a notebook may swallow anything less."""
        await self.send_signal(signal.SIGKILL)

    async def cleanup(self, restart: bool = False) -> None:  # noqa: FBT001, FBT002 -- as above
        """Nothing is left."""


def manager(parent: Parent, *, sockets: str, job: str, log: str) -> AsyncKernelManager:
    """A manager of one kernel, whose sockets lie in a folder; a socket's path can be no longer than about 100 characters."""
    made = AsyncKernelManager(kernel_name="python3", transport="ipc", connection_file=os.path.join(sockets, "k.json"))
    made.kernel_id = os.path.basename(sockets)
    made.cache_ports = False
    made.provisioner = Forked(parent, job=job, log=log, parent=made, kernel_id=made.kernel_id, kernel_spec=made.kernel_spec)
    return made
