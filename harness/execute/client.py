"""nbclient, extended: a kernel of ours is told the cell's number, and one time limit holds for the whole run."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import time
from collections.abc import Callable  # noqa: TC003 -- a dataclass's field
from dataclasses import dataclass, field
from queue import Empty
from typing import TYPE_CHECKING, Any

from jupyter_client.asynchronous import AsyncKernelClient
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import from_dict

from harness.execute.job import AFTER
from harness.execute.memory import outgrown
from harness.execute.node import to_run

if TYPE_CHECKING:
    from jupyter_client import AsyncKernelManager
    from nbformat import NotebookNode


_ARRIVES_S = 60
"""How long what a cell showed may take to arrive once it has ended: under load many outputs take a while."""


@dataclass(slots=True)
class Course:
    """How a run went, as seen from outside: cells by number with their times, and what ended it early.

    ``cancel`` ends it from another thread; it is there once the run has begun. ``resume`` readies a new Python where the kernel
    asked for one; it says whether the cell goes on there, None if it didn't. ``error`` is what the kernel answered of an error,
    for a run that could tell no more; ``status`` the exit status of a process that ended by itself.
    """

    cancel: Callable[[], object] | None = None
    is_stopped: bool = False
    began: dict[int, float] = field(default_factory=dict)
    took: dict[int, float] = field(default_factory=dict)
    ended: str = ""
    resume: Callable[[], bool | None] = lambda: None
    error: str = ""
    status: int | None = None

    def stop(self) -> None:
        """End the run, from any thread: now, or as soon as it begins."""
        self.is_stopped = True
        if self.cancel is not None:
            self.cancel()


class NumberedClient(AsyncKernelClient):  # type: ignore[misc]  # the library has no types that mypy reads
    """Sends the number of the cell in place of its text, which the kernel has."""

    number = 0

    def start_channels(self, **_channels: bool) -> None:
        """Open what a run needs: it asks and is shown. Nobody types, and whether a kernel lives its process says."""
        # The kernel makes its sockets a little later than we look for them.
        self.context.reconnect_ivl = 5
        super().start_channels(shell=True, iopub=True, stdin=False, hb=False, control=False)  # noqa: S604 -- it is a channel's name

    async def wait_for_ready(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 -- the library's own signature
        """Wait until what the kernel shows arrives here: it greets who listens (ipykernel 7), and is then there for all else.

        The library's own asks it for its name first, as nbclient then does again, and waits a fifth of a second more for what
        nobody will read. Here it is asked only where no greeting comes: one may go astray, and to be asked it shows, too.

        Raises:
            RuntimeError: The kernel has ended, or doesn't answer in time.
        """
        until = time.monotonic() + (timeout or float("inf"))
        while time.monotonic() < until:
            with contextlib.suppress(Empty):
                await self.get_iopub_msg(timeout=1)
                return
            if not self.parent.provisioner.is_alive:
                raise RuntimeError("its kernel ended before it was ready")
            self.kernel_info()
        raise RuntimeError(f"its kernel didn't answer within {timeout:g} s")

    def execute(self, code: str, *args: Any, **kwargs: Any) -> str:  # noqa: ARG002 -- the library's own signature
        """Ask for the cell that is on."""
        sent: str = super().execute(str(self.number), *args, **kwargs)
        return sent


class Client(NotebookClient):  # type: ignore[misc]  # as above
    """Runs the cells of a notebook in a kernel of ours."""

    def __init__(self, notebook: NotebookNode, *, km: AsyncKernelManager, course: Course) -> None:
        km.client_factory = NumberedClient
        super().__init__(
            notebook,
            km=km,
            timeout=None,
            startup_timeout=60,
            record_timing=False,
            iopub_timeout=_ARRIVES_S,
            raise_on_iopub_timeout=True,  # its own way is to go on, and what was under way is lost without a word
        )
        self._course = course
        self._last = max(to_run(notebook), default=0)

    async def async_execute_cell(self, cell: NotebookNode, cell_index: int, *args: Any, **kwargs: Any) -> NotebookNode:
        """Run one cell, and note how long it took."""
        number = cell_index + 1
        self.kc.number = number
        self._course.began[number] = time.monotonic()
        try:
            done: NotebookNode = await super().async_execute_cell(cell, cell_index, *args, **kwargs)
            while (goes_on := self._course.resume()) is not None:
                await self._restart()
                if goes_on:
                    shown, self.kc.number = cell.get("outputs", []), number
                    done = await super().async_execute_cell(cell, cell_index, *args, **kwargs)
                    done["outputs"] = [*shown, *done.get("outputs", [])]
            if number == self._last:
                await self._after(done, cell_index)
            return done
        finally:
            self._course.took[number] = time.monotonic() - self._course.began[number]

    async def _after(self, last: NotebookNode, index: int) -> None:
        """See to what still goes on beside the cells; what that shows is the last one's."""
        more: NotebookNode = from_dict({**last, "source": "after", "outputs": []})  # type: ignore[no-untyped-call]  # nbformat's
        self.kc.number = AFTER
        try:
            await super().async_execute_cell(more, index)
        finally:
            self.nb.cells[index] = last  # in whose place it has put what it has run
            last["outputs"] = [*last.get("outputs", []), *more["outputs"]]

    async def _restart(self) -> None:
        """Go on in a new kernel."""
        self.kc.stop_channels()
        await self.km.restart_kernel(now=True)
        await self.async_start_new_kernel_client()


async def run_cells(
    notebook: NotebookNode, km: AsyncKernelManager, *, course: Course, timeout_s: float | None, memory: int
) -> None:
    """Run all cells; how it ended early is in ``course.ended``.

    That is "error", "timed_out", "memory", "cancelled", "lost: …", or "" if it didn't.
    """
    client = Client(notebook, km=km, course=course)
    loop, us = asyncio.get_running_loop(), asyncio.current_task()
    assert us is not None  # noqa: S101 -- a coroutine runs in one
    is_waiting = True

    def cancel() -> None:
        if is_waiting:  # what follows cleans up, and isn't to be cut short
            us.cancel()

    course.cancel = lambda: loop.call_soon_threadsafe(cancel)
    if course.is_stopped:  # before there was anything to end
        cancel()

    async def run() -> None:
        await km.start_kernel()
        await client.async_execute()

    running = asyncio.ensure_future(run())
    watching = asyncio.ensure_future(outgrown(lambda: km.provisioner.process, memory))
    try:
        await asyncio.wait([running, watching], timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    except asyncio.CancelledError:
        course.ended = "cancelled"
    is_waiting = False
    if not running.done():
        course.ended = course.ended or ("memory" if watching.done() else "timed_out")
        if course.began:  # else no line is on, and while it is asked for the first cell could begin
            await km.provisioner.ask_line()
        running.cancel()
    watching.cancel()
    try:
        await running
    except CellExecutionError as exc:
        course.ended, course.error = "error", f"{exc.ename}: {exc.evalue}"
    except CellTimeoutError:  # the only limit that nbclient has from us
        course.ended = course.ended or f"lost: what a cell showed hasn't arrived within {_ARRIVES_S} s"
    except (asyncio.CancelledError, DeadKernelError, RuntimeError) as exc:
        course.ended = course.ended or f"lost: {exc}"  # nbclient takes a cancelled wait for a dead kernel
    except Exception as exc:  # noqa: BLE001 -- a kernel can send anything, and reading it fail in any way: it is told
        course.ended = course.ended or f"lost: what it sent can't be read, {type(exc).__name__}: {exc}"
    finally:
        atexit.unregister(client._cleanup_kernel)  # noqa: SLF001 -- where the kernel didn't come up nbclient leaves it registered
        if client.kc is not None:
            client.kc.stop_channels()
        await km.provisioner.kill()
        await km.cleanup_resources()
        course.status = km.provisioner.status
