"""Kernels for nbclient that come from the warm parent instead of a new Python."""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import TYPE_CHECKING, Any

import psutil
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.provisioning import KernelProvisionerBase

from harness.execute.lines import ask_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_client.connect import KernelConnectionInfo

    from harness.execute.warm import Parent


class Forked(KernelProvisionerBase):  # type: ignore[misc]  # the library has no types that mypy reads
    """One forked kernel, as jupyter_client wants to hold it."""

    def __init__(self, parent_of_kernels: Parent, *, job: str, log: str, imports: Sequence[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._parent_of_kernels = parent_of_kernels
        self._job, self._log, self._imports = job, log, imports
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
        pid = self._parent_of_kernels.fork(
            connection=self.parent.connection_file, job=self._job, log=self._log, imports=self._imports
        )
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


def manager(parent: Parent, *, sockets: str, job: str, log: str, imports: Sequence[str] = ()) -> AsyncKernelManager:
    """A manager of one kernel, whose sockets lie in a folder; a socket's path can be no longer than about 100 characters.

    ``imports`` are modules that are imported before the fork, and stay for others.
    """
    made = AsyncKernelManager(
        kernel_name="python3",
        kernel_spec_manager=OneKernel(),
        transport="ipc",
        connection_file=os.path.join(sockets, "k.json"),
    )
    made.kernel_id = os.path.basename(sockets)
    made.cache_ports = False
    made.provisioner = Forked(
        parent, job=job, log=log, imports=imports, parent=made, kernel_id=made.kernel_id, kernel_spec=made.kernel_spec
    )
    return made
