"""The one port of a workspace: TLS, and behind it REST for HTTP/1.1 and Spark Connect for h2, told apart by ALPN."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from harness.rehearsal.place import Place

HANDSHAKE_S = 10.0
FIRST_WORD_S = 60.0
"""A client that connects and then says nothing is let go of."""
FLUSH_S = 5.0
"""How long a client may take for the rest of an answer once the other side has ended."""
_CHUNK = 1 << 16

_log = logging.getLogger(__name__)


def certificate(place: Place) -> ssl.SSLContext:
    """Make an authority and a certificate for this machine; the authority's own is left in the place for clients to trust."""
    import trustme

    authority = trustme.CA(organization_name="nbh rehearsal")
    place.ca.write_bytes(authority.cert_pem.bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


class Front:
    """Passes each connection on to the socket of its protocol, both ways, until either side ends it."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._open: set[asyncio.Task[None]] = set()
        self._last = time.monotonic()

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._open)

    @property
    def idle_s(self) -> float:
        """How long nobody has been connected."""
        return 0.0 if self._open else time.monotonic() - self._last

    @contextlib.asynccontextmanager
    async def listening(self, listener: socket.socket, context: ssl.SSLContext) -> AsyncIterator[None]:
        """Take connections as long as the block lasts; those that are open at its end are cut."""
        server = await asyncio.start_server(
            self._on, sock=listener, ssl=context, ssl_handshake_timeout=HANDSHAKE_S, ssl_shutdown_timeout=FLUSH_S
        )
        try:
            yield
        finally:
            server.close()
            for task in list(self._open):
                task.cancel()
            await asyncio.gather(*self._open, return_exceptions=True)

    def _on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # An answer's last part would wait 40 ms for the client's word on the one before it. asyncio sees to that by itself for
        # sockets that name their protocol, which one that listens needn't.
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # A task of our own: asyncio reports one of its own that was cancelled as an error.
        task = asyncio.create_task(self._serve(reader, writer))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._pass_on(reader, writer)
        except (OSError, ssl.SSLError, TimeoutError) as exc:
            _log.debug("a connection ended: %s", exc)
        finally:
            writer.transport.abort()
            self._last = time.monotonic()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        told = writer.get_extra_info("ssl_object")
        is_grpc = told is not None and told.selected_alpn_protocol() == "h2"
        first = await asyncio.wait_for(reader.read(_CHUNK), FIRST_WORD_S)
        if not first:
            return
        behind_reader, behind = await _connect(self._place.grpc_socket if is_grpc else self._place.rest_socket)
        try:
            behind.write(first)
            await _both_ways(reader, writer, behind_reader, behind)
        finally:
            behind.transport.abort()


async def _connect(path: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    try:
        return await asyncio.open_unix_connection(str(path))
    except OSError as exc:
        _log.warning("nothing answers behind the port: %s", exc)
        raise


async def _both_ways(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    behind_reader: asyncio.StreamReader,
    behind: asyncio.StreamWriter,
) -> None:
    """Carry bytes until one side ends. What the workspace has answered still reaches the client; the rest is dropped."""
    to_client = asyncio.create_task(_carry(behind_reader, writer))
    to_workspace = asyncio.create_task(_carry(reader, behind))
    try:
        await asyncio.wait({to_client, to_workspace}, return_when=asyncio.FIRST_COMPLETED)
        if to_client.done() and to_client.exception() is None:
            writer.close()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(writer.wait_closed(), FLUSH_S)
    finally:
        for task in (to_client, to_workspace):
            task.cancel()
        await asyncio.gather(to_client, to_workspace, return_exceptions=True)


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()
