"""Spark Connect as a workspace serves it: each call is looked at, and then passed as it is to the warm engine of this machine.

What Databricks answers to a cluster that isn't there, or isn't running, is no part of its public reference: the codes and words
here are those that its clients have shown, and are not verified on a real workspace.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError
from harness.rehearsal import spark_calls
from harness.rehearsal.answers import ApiError
from harness.rehearsal.clusters import clusters_of
from harness.rehearsal.faults import OF_CALLS
from harness.rehearsal.space import asked, close_space, open_space, session_of
from harness.rehearsal.spark_calls import OPENING, SERVICE, Whose
from harness.spark import server
from harness.spark.conf import DBFS, session_conf

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from harness.rehearsal.tokens import Caller
    from harness.rehearsal.workspace import Workspace
    from harness.spark.server import Engine

_log = logging.getLogger(__name__)

SERVERLESS = "19.9.x-scala2.13"
"""The runtime of serverless compute, which is always at least as new as its clients."""

_OPTIONS = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1), ("grpc.enable_http_proxy", 0)]


@contextlib.asynccontextmanager
async def serving(workspace: Workspace) -> AsyncIterator[None]:
    """Serve Spark Connect as long as the workspace is served."""
    workspace.open_spark = open_space
    gateway = Gateway(workspace)
    await gateway.start()
    try:
        yield
    finally:
        await gateway.stop()
        await asyncio.to_thread(close_space, workspace)


@dataclass(slots=True)
class _Upstream:
    """The engine that calls are passed to, and the sessions on it that know whose they are."""

    engine: Engine
    channel: Any
    greeted: dict[tuple[str, str], asyncio.Task[None]] = field(default_factory=dict)


class _RefusedError(Exception):
    """A call is refused, with gRPC's code and a message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Gateway:
    """The door to Spark: ``start`` listens on the socket of the workspace's place, ``stop`` ends that."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._upstream: _Upstream | None = None
        self._opening = asyncio.Lock()
        self._server: Any = None

    async def start(self) -> None:
        """Listen."""
        import grpc

        self._server = grpc.aio.server(options=_OPTIONS)
        self._server.add_generic_rpc_handlers((_handler(self),))
        self._server.add_insecure_port(f"unix:{self._workspace.place.grpc_socket}")
        await self._server.start()

    async def stop(self) -> None:
        """Cancel what runs and listen no more."""
        if self._server is not None:
            await self._server.stop(grace=None)
        if self._upstream is not None:
            await self._upstream.channel.close()

    async def answer(self, method: str, requests: AsyncIterator[bytes], context: Any) -> None:
        """Answer one call, of whatever method."""
        import grpc

        try:
            await self._answer(method, requests, context)
        except _RefusedError as exc:
            await context.abort(grpc.StatusCode[exc.code], exc.message)
        except grpc.aio.AioRpcError as exc:  # as the engine says it, its details and all
            await context.abort(exc.code(), exc.details() or "", tuple(exc.trailing_metadata() or ()))

    async def _answer(self, method: str, requests: AsyncIterator[bytes], context: Any) -> None:
        told = {name: value for name, value in context.invocation_metadata() or () if isinstance(value, str)}
        is_lost = await self._meet_fault(method)
        try:
            caller = self._workspace.tokens.caller(told.get("authorization"))
        except ApiError as exc:
            raise _RefusedError("UNAUTHENTICATED", exc.message) from exc
        if method not in spark_calls.METHODS:
            near = get_close_matches(method, sorted(spark_calls.METHODS), n=1, cutoff=0.0)[0]
            raise _RefusedError("UNIMPLEMENTED", f"The rehearsal does not serve {SERVICE}{method}; the nearest is {near}.")
        async with self._compute(told, caller) as runtime:
            await self._pass_on(method, requests, context, caller=caller, runtime=runtime, is_lost=is_lost)
        if is_lost:
            raise _RefusedError("UNAVAILABLE", "Connection reset by peer")

    async def _pass_on(
        self,
        method: str,
        requests: AsyncIterator[bytes],
        context: Any,
        *,
        caller: Caller,
        runtime: str,
        is_lost: bool,
    ) -> None:
        first = await anext(aiter(requests), b"")
        if spark_calls.is_the_engines_own(method, first):
            raise _RefusedError("INTERNAL", "[INTERNAL_ERROR] No handler found for extension SQLSTATE: XX000")
        by = spark_calls.whose(first)
        upstream = await self._engine()
        if method in OPENING:
            await _greeted(upstream, by, self._conf(caller))
        passing = _Passing(upstream, method, context, runtime=runtime, is_lost=is_lost)
        last = await passing.run(first, requests)
        if method == "ReleaseSession":
            upstream.greeted.pop(by.key, None)
        if method == "CloneSession":
            await _greeted(upstream, spark_calls.cloned(first, last), {})  # it has the settings of the one that it is of

    @contextlib.asynccontextmanager
    async def _compute(self, told: Mapping[str, str], caller: Caller) -> AsyncIterator[str]:
        """Have the compute that the call names, and give its runtime; one that has ended is started."""
        name = told.get("x-databricks-cluster-id")
        if name is None:
            if "x-databricks-session-id" not in told:
                raise _RefusedError("INVALID_ARGUMENT", "BAD_REQUEST: The call names neither a cluster nor serverless.")
            yield SERVERLESS
            return
        clusters = clusters_of(self._workspace)
        try:
            cluster = clusters.find(name)
            if cluster.look() != "RUNNING":
                cluster = await asyncio.to_thread(partial(clusters.ready, name, by=caller.name))
        except ApiError as exc:
            code = "INVALID_ARGUMENT" if exc.code == "INVALID_PARAMETER_VALUE" else "FAILED_PRECONDITION"
            raise _RefusedError(code, f"{exc.code}: {exc.message}") from exc
        with clusters.in_use(cluster):
            yield cluster.runtime

    async def _engine(self) -> _Upstream:
        async with self._opening:
            found = self._upstream
            if found is not None and found.engine.is_alive():
                return found
            try:
                session = await asyncio.to_thread(session_of, self._workspace)
            except HarnessError as exc:
                raise _RefusedError("INTERNAL", f"the rehearsal has no Spark: {exc}") from exc
            if found is not None:
                await found.channel.close()
            self._upstream = _Upstream(session.engine, _channel(session.engine))
            return self._upstream

    def _conf(self, caller: Caller) -> dict[str, str]:
        workspace = self._workspace
        conf = session_conf(asked(workspace).wishes, space=workspace.space, files=str(workspace.files), bare=DBFS)
        return {"spark.nbh.user": caller.name, **conf}

    async def _meet_fault(self, method: str) -> bool:
        """Meet the fault that this call is to meet, if any; gives whether its answer is to be lost."""
        faults = self._workspace.faults
        faults.count(f"POST {SERVICE}{method}")
        fault = faults.take(OF_CALLS, f"{SERVICE}{method}", method="POST")
        match fault.kind if fault is not None else "":
            case "too_many_requests":
                raise _RefusedError("RESOURCE_EXHAUSTED", "REQUEST_LIMIT_EXCEEDED: too many requests")
            case "unavailable" | "reset":
                raise _RefusedError("UNAVAILABLE", "Connection reset by peer")
            case "internal_error":
                raise _RefusedError("INTERNAL", "An internal error happened. Please try again later.")
            case "slow" if fault is not None:
                await asyncio.sleep(fault.seconds)
            case "token_expired":
                self._workspace.tokens.expire()
        return fault is not None and fault.kind == "lost_answer"


class _Passing:
    """One call on its way to the engine and back. On the wire calls of one message and of many are the same."""

    def __init__(self, upstream: _Upstream, method: str, context: Any, *, runtime: str, is_lost: bool) -> None:
        self._upstream = upstream
        self._method = method
        self._context = context
        self._runtime = runtime
        self._is_lost = is_lost

    async def run(self, first: bytes, rest: AsyncIterator[bytes]) -> bytes:
        """Pass everything on, each message when the other side takes it; gives the last answer.

        Raises:
            grpc.aio.AioRpcError: The engine refuses.
        """
        call = self._upstream.channel.stream_stream(SERVICE + self._method)(
            metadata=_kept(self._context.invocation_metadata() or ()), timeout=self._context.time_remaining()
        )
        feeding = asyncio.create_task(_feed(call, first, rest))
        last = b""
        try:
            async for answer in call:
                last = spark_calls.with_runtime(answer, self._runtime) if self._method == "AnalyzePlan" else answer
                if not self._is_lost:
                    await self._context.write(last)
            self._context.set_trailing_metadata(tuple(await call.trailing_metadata() or ()))
        finally:
            feeding.cancel()
            call.cancel()  # nothing, where it has ended
        return last


async def _feed(call: Any, first: bytes, rest: AsyncIterator[bytes]) -> None:
    import grpc

    # An engine that has answered already takes no more.
    with contextlib.suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
        await call.write(first)
        async for more in rest:
            await call.write(more)
        await call.done_writing()


async def _greeted(upstream: _Upstream, by: Whose, conf: Mapping[str, str]) -> None:
    """Have the engine know whose session this is, before its first call.

    Raises:
        grpc.aio.AioRpcError: The engine has no such session any more, or none for this client.
    """
    task = upstream.greeted.get(by.key)
    if task is None:
        task = upstream.greeted[by.key] = asyncio.create_task(_greet(upstream.channel, by, conf))
    try:
        await asyncio.shield(task)
    except Exception:
        if upstream.greeted.get(by.key) is task:
            del upstream.greeted[by.key]
        raise


async def _greet(channel: Any, by: Whose, conf: Mapping[str, str]) -> None:
    # The session lives as long as this process. Its workers see installed packages and nothing of whoever started the
    # rehearsal: on Databricks the client's own modules are not there either.
    calls = [("ExecutePlan", spark_calls.engine_command(by, f"hello/{os.getpid()}", server.worker_facts([], [], {})))]
    if conf:
        calls.append(("Config", spark_calls.set_conf(by, conf)))
    calls.append(("ExecutePlan", spark_calls.engine_command(by, "mark")))
    for method, call in calls:
        async for _ in channel.unary_stream(SERVICE + method)(call):
            pass


def _kept(metadata: Sequence[tuple[str, Any]]) -> tuple[tuple[str, Any], ...]:
    """The headers that are the engine's business."""
    apart = ("authorization", "user-agent", "content-type", "te", "grpc-", ":", "x-databricks-")
    return tuple((name, value) for name, value in metadata if not name.startswith(apart))


def _channel(engine: Engine) -> Any:
    import grpc

    trust = grpc.composite_channel_credentials(
        grpc.local_channel_credentials(), grpc.access_token_call_credentials(engine.record.token)
    )
    return grpc.aio.secure_channel(f"localhost:{engine.port}", trust, options=_OPTIONS)


def _handler(gateway: Gateway) -> Any:
    import grpc

    class Handler(grpc.GenericRpcHandler):  # type: ignore[misc]  # published without types
        """Takes every call of Spark's service; of another one gRPC itself says that it isn't there."""

        def service(self, call: Any) -> Any:
            if not call.method.startswith(SERVICE):
                return None
            return grpc.stream_stream_rpc_method_handler(partial(gateway.answer, call.method.removeprefix(SERVICE)))

    return Handler()
