"""The one port, with peers that behave badly; no task outlives its connection."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
import struct

import pytest

from harness.rehearsal import front as fronts
from harness.rehearsal.front import Front, certificate
from harness.rehearsal.place import Place
from harness.spark import places


@contextlib.asynccontextmanager
async def served(place, rest, grpc=None):
    """A front before two servers; gives it and the port."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    front = Front(place)
    async with contextlib.AsyncExitStack() as stack:
        for path, answer in ((place.rest_socket, rest), (place.grpc_socket, grpc)):
            if answer is not None:
                await stack.enter_async_context(await asyncio.start_unix_server(answer, str(path)))
        await stack.enter_async_context(front.listening(listener, certificate(place)))
        yield front, listener.getsockname()[1]


async def connect(place, port, *protocols):
    """A client that trusts the rehearsal."""
    context = ssl.create_default_context(cafile=str(place.ca))
    context.set_alpn_protocols(list(protocols))
    return await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost")


async def echo(reader, writer):
    """Answer each word with itself, until there are no more."""
    while word := await reader.read(1 << 16):
        writer.write(word)
        await writer.drain()
    writer.close()


async def is_quiet(front):
    """Whether nobody is connected any more, soon."""
    for _ in range(200):
        if front.connections == 0:
            return True
        await asyncio.sleep(0.02)
    return False


@pytest.fixture
def place(tmp_path):
    """A place with its folders."""
    place = Place(tmp_path)
    places.private(place.sockets)
    yield place
    for path in place.sockets.iterdir():
        path.unlink()
    place.sockets.rmdir()


def run(body):
    """Run one test's body, and see that no task is left at its end."""

    async def main():
        await body()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert [task for task in left if "_carry" in repr(task) or "_serve" in repr(task)] == []

    asyncio.run(main())


@pytest.mark.parametrize(("protocols", "wanted"), [(["h2"], b"grpc"), (["http/1.1"], b"rest"), ([], b"rest")])
def test_the_protocol_tells_who_answers(place, protocols, wanted):
    """One that says h2 is for Spark, all else is REST."""

    def saying(word):
        async def answer(reader, writer):
            await reader.read(10)
            writer.write(word)
            writer.close()

        return answer

    async def body():
        async with served(place, saying(b"rest"), saying(b"grpc")) as (front, port):
            reader, writer = await connect(place, port, *protocols)
            writer.write(b"hello")
            assert await reader.read() == wanted
            writer.close()
            assert await is_quiet(front)

    run(body)


def test_much_is_carried_both_ways(place):
    """Ten megabytes come back as they went."""
    data = os.urandom(10 << 20)

    async def body():
        async with served(place, echo) as (front, port):
            reader, writer = await connect(place, port)
            sending = asyncio.create_task(_send(writer, data))
            assert await reader.readexactly(len(data)) == data
            await sending
            writer.close()
            assert await is_quiet(front)

    run(body)


async def _send(writer, data):
    writer.write(data)
    await writer.drain()


@pytest.mark.parametrize("how", ["close", "abort", "reset"])
def test_a_client_that_goes_leaves_nothing(place, how):
    """Whether it says so, or is just gone."""

    async def body():
        async with served(place, echo) as (front, port):
            reader, writer = await connect(place, port)
            writer.write(b"x" * 100)
            await reader.readexactly(100)
            if how == "reset":
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.close() if how == "close" else writer.transport.abort()
            assert await is_quiet(front)

    run(body)


def test_a_client_that_stops_reading_is_let_go_of(place, monkeypatch):
    """Once the workspace has ended its side, the rest of the answer waits only so long."""
    monkeypatch.setattr(fronts, "FLUSH_S", 0.3)

    async def pour(reader, writer):
        await reader.read(10)
        writer.write(b"x" * (64 << 20))
        writer.close()

    async def body():
        async with served(place, pour) as (front, port):
            _, writer = await connect(place, port)
            writer.transport.pause_reading()
            writer.write(b"go")
            await asyncio.sleep(0.5)
            writer.transport.abort()
            assert await is_quiet(front)

    run(body)


def test_a_client_that_says_nothing_is_let_go_of(place, monkeypatch):
    """After the time for its first word."""
    monkeypatch.setattr(fronts, "FIRST_WORD_S", 0.2)

    async def body():
        async with served(place, echo) as (front, port):
            reader, writer = await connect(place, port)
            with contextlib.suppress(ConnectionError):
                assert await reader.read() == b""
            writer.transport.abort()
            assert await is_quiet(front)

    run(body)


def test_one_without_tls_gets_nothing(place):
    """And doesn't stay."""

    async def body():
        async with served(place, echo) as (front, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET / HTTP/1.1\r\n\r\n")
            with contextlib.suppress(ConnectionError):
                assert b"HTTP" not in await reader.read()
            writer.close()
            assert await is_quiet(front)

    run(body)


def test_where_nobody_answers_the_client_is_cut_off(place):
    """It isn't left to wait."""

    async def body():
        async with served(place, echo) as (front, port):  # no Spark behind
            reader, writer = await connect(place, port, "h2")
            writer.write(b"PRI")
            with contextlib.suppress(ConnectionError):
                assert await asyncio.wait_for(reader.read(), 5) == b""
            writer.transport.abort()
            assert await is_quiet(front)

    run(body)


def test_open_connections_are_cut_at_the_end(place):
    """A client that stays doesn't keep the front."""

    async def body():
        async with served(place, echo) as (front, port):
            reader, writer = await connect(place, port)
            writer.write(b"x")
            await reader.readexactly(1)
            assert front.idle_s == 0
        assert front.connections == 0
        writer.transport.abort()

    run(body)
