"""The warm engine behind the gateway: whose each session on it is, and one call on its way there and back."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.rehearsal import spark_calls
from harness.rehearsal.spark_calls import SERVICE, Whose
from harness.spark import server
from harness.spark.home import own_spark

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from harness.spark.server import Engine

OPTIONS = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1), ("grpc.enable_http_proxy", 0)]
"""Messages of any size, as Spark's own server and client take them."""

_LOOK_S = 0.5

_HARNESS = ("harness", "fixtures")
"""The harness's own packages, which no cluster has."""


class RefusedError(Exception):
    """A call is refused, with gRPC's code and a message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Compute:
    """What a call runs on: its runtime, which start of which cluster it is ("" is serverless), and whether it is still up."""

    runtime: str
    start: str = ""
    is_up: Callable[[], bool] = lambda: True


class Upstream:
    """The engine that calls are passed to, and the sessions on it that were greeted."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.channel: Any = _channel(engine)
        self._greeted: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._starts: dict[tuple[str, str], str] = {}

    async def check(self, by: Whose, compute: Compute) -> None:
        """See that a session is still of the driver that it was opened on: those of a cluster go when it ends.

        Raises:
            RefusedError: It isn't; in Spark's own words.
        """
        if self._starts.setdefault(by.key, compute.start) != compute.start:
            await self.drop(by)
            raise RefusedError(
                "INTERNAL",
                f"[INVALID_HANDLE.SESSION_CHANGED] The handle {by.session} is invalid. The existing Spark server driver "
                "instance has restarted. Please reconnect. SQLSTATE: HY000",
            )

    async def greet(self, by: Whose, conf: Mapping[str, str]) -> None:
        """Have the engine know whose session this is, before its first call.

        Raises:
            grpc.aio.AioRpcError: The engine has no such session any more, or none for this client.
        """
        task = self._greeted.get(by.key)
        if task is None:
            task = self._greeted[by.key] = asyncio.create_task(self._greet(by, conf))
        try:
            await asyncio.shield(task)
        except Exception:
            if self._greeted.get(by.key) is task:
                del self._greeted[by.key]
            raise

    async def _greet(self, by: Whose, conf: Mapping[str, str]) -> None:
        # The session lives as long as this process. Its workers see installed packages and nothing of whoever started the
        # rehearsal, nor of the harness: on Databricks the client's own modules are not there either.
        told = server.worker_facts([], _packages(), {}, hidden=_HARNESS)
        calls = [("ExecutePlan", spark_calls.engine_command(by, f"hello/{os.getpid()}", told))]
        if conf:
            calls.append(("Config", spark_calls.set_conf(by, conf)))
        calls.append(("ExecutePlan", spark_calls.engine_command(by, "mark")))
        for method, call in calls:
            async for _ in self.channel.unary_stream(SERVICE + method)(call):
                pass

    async def drop(self, by: Whose) -> None:
        """End a session, with what it runs, whose driver is no more."""
        import grpc

        if self._greeted.pop(by.key, None) is not None:
            with contextlib.suppress(grpc.aio.AioRpcError):
                await self.channel.unary_unary(f"{SERVICE}ReleaseSession")(spark_calls.release_session(by))

    def forget(self, by: Whose) -> None:
        """A client has ended its session."""
        self._greeted.pop(by.key, None)
        self._starts.pop(by.key, None)


class Passing:
    """One call on its way to the engine and back. On the wire calls of one message and of many are the same."""

    def __init__(self, method: str, context: Any, *, compute: Compute, is_lost: bool) -> None:
        self.method = method
        self.compute = compute
        self._context = context
        self._is_lost = is_lost
        self._is_cut = False

    async def run(self, upstream: Upstream, first: bytes, rest: AsyncIterator[bytes]) -> bytes:
        """Pass everything on, each message when the other side takes it; gives the last answer.

        Raises:
            RefusedError: The compute has ended meanwhile.
            grpc.aio.AioRpcError: The engine refuses.
        """
        call = upstream.channel.stream_stream(SERVICE + self.method)(
            metadata=_kept(self._context.invocation_metadata() or ()), timeout=self._context.time_remaining()
        )
        beside = [asyncio.create_task(_feed(call, first, rest)), asyncio.create_task(self._watch(call))]
        try:
            return await self._answers(call)
        except asyncio.CancelledError:
            if self._is_cut:
                raise RefusedError("UNAVAILABLE", "The cluster that this call ran on was terminated.") from None
            raise
        finally:
            for task in beside:
                task.cancel()
            call.cancel()  # nothing, where it has ended

    async def _answers(self, call: Any) -> bytes:
        last = b""
        has_begun = False
        async for answer in call:
            last = spark_calls.with_runtime(answer, self.compute.runtime) if self.method == "AnalyzePlan" else answer
            if self._is_lost:
                continue
            if not has_begun:
                await self._context.send_initial_metadata(_kept(await call.initial_metadata() or ()))
                has_begun = True
            await self._context.write(last)
        self._context.set_trailing_metadata(tuple(await call.trailing_metadata() or ()))
        return last

    async def _watch(self, call: Any) -> None:
        """Cut the call when what it runs on ends."""
        while self.compute.is_up():  # noqa: ASYNC110 -- its end is no event: it takes place when somebody looks
            await asyncio.sleep(_LOOK_S)
        self._is_cut = True
        call.cancel()


async def _feed(call: Any, first: bytes, rest: AsyncIterator[bytes]) -> None:
    import grpc

    # An engine that has answered already takes no more.
    with contextlib.suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
        await call.write(first)
        async for more in rest:
            await call.write(more)
        await call.done_writing()


def _kept(metadata: Sequence[tuple[str, Any]]) -> tuple[tuple[str, Any], ...]:
    """The headers that are the engine's business."""
    apart = ("authorization", "user-agent", "content-type", "grpc-", ":", "x-databricks-")
    return tuple((name, value) for name, value in metadata if not name.startswith(apart))


def _channel(engine: Engine) -> Any:
    import grpc

    trust = grpc.composite_channel_credentials(
        grpc.local_channel_credentials(), grpc.access_token_call_credentials(engine.record.token)
    )
    return grpc.aio.secure_channel(f"localhost:{engine.port}", trust, options=OPTIONS)


def _packages() -> list[str]:
    """Where this Python has its packages, for workers of another one: an engine beside databricks-connect has Spark alone."""
    if own_spark() is None:
        return []
    return [entry for entry in sys.path if any(Path(entry).is_relative_to(home) for home in (sys.prefix, sys.base_prefix))]
