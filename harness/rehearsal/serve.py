"""The process of a rehearsal: ``python -m harness.rehearsal.serve FOLDER``; what it is to be stands in the folder."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import shutil
import signal
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.rehearsal import control
from harness.rehearsal.app import App, subjects
from harness.rehearsal.faults import Faults
from harness.rehearsal.front import Front, certificate
from harness.rehearsal.identity import PRINCIPAL, USER
from harness.rehearsal.place import Place
from harness.rehearsal.tokens import Tokens
from harness.rehearsal.workspace import Workspace
from harness.spark import places

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

_LOOK_S = 0.5
_UP_S = 20.0
_END_S = 10.0

_log = logging.getLogger("harness.rehearsal")


def main(folder: Path) -> None:
    """Serve the workspace of a folder until it is told to end, its owner has ended, or nobody has called for long."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s %(message)s", level=logging.INFO, stream=sys.stderr)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    place = Place(folder)
    asked = json.loads(place.asked.read_text(encoding="utf-8"))
    places.private(place.sockets)
    place.lay_out(asked["space"])
    try:
        asyncio.run(_serve(place, asked))
    finally:
        shutil.rmtree(place.sockets, ignore_errors=True)
        shutil.rmtree(place.state, ignore_errors=True)
        place.record.unlink(missing_ok=True)


def workspace_of(place: Place, asked: Mapping[str, Any], *, host: str) -> Workspace:
    """A new workspace, with the tokens and the space that were asked for."""
    workspace = Workspace(place=place, tokens=None, faults=Faults(), space=asked["space"], host=host)  # type: ignore[arg-type]  # set next: they go by its clock
    workspace.tokens = Tokens(
        workspace.clock,
        personal=asked["token"],
        client_id=asked["client_id"],
        client_secret=asked["client_secret"],
        user=USER,
        principal=PRINCIPAL,
    )
    return workspace


async def _serve(place: Place, asked: Mapping[str, Any]) -> None:
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", int(asked.get("port") or 0)))
    port = listener.getsockname()[1]
    workspace = workspace_of(place, asked, host=f"https://127.0.0.1:{port}")
    front = Front(place)
    async with contextlib.AsyncExitStack() as stack:
        for subject in subjects():
            if hasattr(subject, "serving"):
                await stack.enter_async_context(subject.serving(workspace))
        await stack.enter_async_context(_rest(workspace))
        await stack.enter_async_context(front.listening(listener, certificate(place)))
        control.ready(place, asked, port=port)
        _log.info("up at %s, with the space %s", workspace.host, workspace.space)
        why = await _until(told, _owner(int(asked["owner"])), lambda: _is_idle(workspace, front, float(asked["idle_s"])))
        _log.info("ending: %s", why)
        place.record.unlink(missing_ok=True)  # nobody is to find it any more


@contextlib.asynccontextmanager
async def _rest(workspace: Workspace) -> AsyncIterator[None]:
    import uvicorn

    config = uvicorn.Config(
        App(workspace),
        uds=str(workspace.place.rest_socket),
        http="h11",  # one that needs no compiler is fast enough, and its cycle can be told to drop a connection
        ws="none",
        lifespan="off",
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=2,
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server._serve())  # noqa: SLF001 -- serve() itself takes over the signals of the process
    until = time.monotonic() + _UP_S
    while not server.started:
        if task.done() or time.monotonic() > until:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            raise RuntimeError("REST isn't served")
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        await asyncio.wait({task}, timeout=_END_S)


def _owner(pid: int) -> Callable[[], bool]:
    """Whether the owner has ended; another process that has its number now is another one."""
    import psutil

    if not pid:
        return lambda: False
    try:
        owner = psutil.Process(pid)
    except psutil.NoSuchProcess:
        return lambda: True
    return lambda: not owner.is_running() or owner.status() == psutil.STATUS_ZOMBIE


def _is_idle(workspace: Workspace, front: Front, idle_s: float) -> bool:
    busy = workspace.shared.get("busy")  # jobs that run
    return front.idle_s > idle_s and not (callable(busy) and busy())


async def _until(told: asyncio.Event, owner_ended: Callable[[], bool], is_idle: Callable[[], bool]) -> str:
    while not told.is_set():
        if owner_ended():
            return "its owner has ended"
        if is_idle():
            return "nobody has called it for long"
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(told.wait(), _LOOK_S)
    return "it was told to"


if __name__ == "__main__":
    os.umask(0o077)
    main(Path(sys.argv[1]))
