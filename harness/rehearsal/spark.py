"""Spark Connect as a workspace serves it: each call is looked at, and then passed as it is to the warm engine of this machine.

What Databricks answers to a cluster that isn't there, or isn't running, is no part of its public reference: the codes and words
here are those that its clients have shown, and are not verified on a real workspace.
"""

from __future__ import annotations

import asyncio
import contextlib
from difflib import get_close_matches
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError
from harness.rehearsal import spark_calls
from harness.rehearsal.answers import ApiError
from harness.rehearsal.clusters import clusters_of
from harness.rehearsal.faults import OF_CALLS
from harness.rehearsal.space import asked, close_space, open_space, session_of
from harness.rehearsal.spark_calls import LETTING_GO, OPENING, SERVICE
from harness.rehearsal.upstream import OPTIONS, Compute, Passing, RefusedError, Upstream
from harness.spark.conf import DBFS, session_conf, whose

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from harness.rehearsal.tokens import Caller
    from harness.rehearsal.workspace import Workspace

SERVERLESS = "19.9.x-scala2.13"
"""The runtime of serverless compute, which is always at least as new as its clients."""


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


class Gateway:
    """The door to Spark: ``start`` listens on the socket of the workspace's place, ``stop`` ends that."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._upstream: Upstream | None = None
        self._opening = asyncio.Lock()
        self._server: Any = None

    async def start(self) -> None:
        """Listen."""
        import grpc

        self._server = grpc.aio.server(options=OPTIONS)
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
        except RefusedError as exc:
            await context.abort(grpc.StatusCode[exc.code], exc.message)
        except grpc.aio.AioRpcError as exc:  # as the engine says it, its details and all
            await context.abort(exc.code(), exc.details() or "", tuple(exc.trailing_metadata() or ()))

    async def _answer(self, method: str, requests: AsyncIterator[bytes], context: Any) -> None:
        told = {name: value for name, value in context.invocation_metadata() or () if isinstance(value, str)}
        is_lost = await self._meet_fault(method)
        try:
            caller = self._workspace.tokens.caller(told.get("authorization"))
        except ApiError as exc:
            raise RefusedError("UNAUTHENTICATED", exc.message) from exc
        if method not in spark_calls.METHODS:
            near = get_close_matches(method, sorted(spark_calls.METHODS), n=1, cutoff=0.0)[0]
            raise RefusedError("UNIMPLEMENTED", f"The rehearsal does not serve {SERVICE}{method}; the nearest is {near}.")
        async with self._compute(method, told, caller) as compute:
            passing = Passing(method, context, compute=compute, is_lost=is_lost)
            await self._pass_on(passing, requests, caller)
        if is_lost:
            raise RefusedError("UNAVAILABLE", "Connection reset by peer")

    async def _pass_on(self, passing: Passing, requests: AsyncIterator[bytes], caller: Caller) -> None:
        method = passing.method
        first = await anext(aiter(requests), b"")
        why = spark_calls.refusal_of(method, first)
        if why:
            raise RefusedError("INTERNAL", why)
        by = spark_calls.whose(first)
        upstream = await self._engine()
        if method in OPENING or method == "ReattachExecute":
            await upstream.check(by, passing.compute)
        if method in OPENING:
            await upstream.greet(by, self._conf(caller))
        try:
            last = await passing.run(upstream, first, requests)
        except RefusedError:
            await upstream.drop(by)
            raise
        if method == "ReleaseSession":
            upstream.forget(by)
        if method == "CloneSession":
            await upstream.greet(spark_calls.cloned(first, last), {})  # it has the settings of the one that it is of

    @contextlib.asynccontextmanager
    async def _compute(self, method: str, told: Mapping[str, str], caller: Caller) -> AsyncIterator[Compute]:
        """Have the compute that the call names; one that has ended is started, but not to let go of what ended with it."""
        name = told.get("x-databricks-cluster-id")
        if name is None:
            if "x-databricks-session-id" not in told:
                raise RefusedError("INVALID_ARGUMENT", "BAD_REQUEST: The call names neither a cluster nor serverless.")
            yield Compute(SERVERLESS)
            return
        clusters = clusters_of(self._workspace)
        try:
            cluster = clusters.find(name)
            has_ended = cluster.look() != "RUNNING"
            if has_ended and method not in LETTING_GO:
                cluster = await asyncio.to_thread(partial(clusters.ready, name, by=caller.name))
        except ApiError as exc:
            code = "INVALID_ARGUMENT" if exc.code == "INVALID_PARAMETER_VALUE" else "FAILED_PRECONDITION"
            raise RefusedError(code, f"{exc.code}: {exc.message}") from exc
        if has_ended and method in LETTING_GO:
            yield Compute(cluster.runtime)
            return
        with clusters.in_use(cluster):
            began = cluster.contexts
            yield Compute(
                cluster.runtime, f"{cluster.id} {began}", lambda: cluster.look() == "RUNNING" and cluster.contexts == began
            )

    async def _engine(self) -> Upstream:
        async with self._opening:
            found = self._upstream
            if found is not None and found.engine.is_alive():
                return found
            try:
                session = await asyncio.to_thread(session_of, self._workspace)
            except HarnessError as exc:
                raise RefusedError("INTERNAL", f"the rehearsal has no Spark: {exc}") from exc
            if found is not None:
                await found.channel.close()
            self._upstream = Upstream(session.engine)
            return self._upstream

    def _conf(self, caller: Caller) -> dict[str, str]:
        workspace = self._workspace
        conf = session_conf(asked(workspace).wishes, space=workspace.space, files=str(workspace.files), bare=DBFS)
        its = whose(caller.name, principal=caller.principal)
        return {**its, **conf}

    async def _meet_fault(self, method: str) -> bool:
        """Meet the fault that this call is to meet, if any; gives whether its answer is to be lost."""
        faults = self._workspace.faults
        faults.count(f"POST {SERVICE}{method}")
        fault = faults.take(OF_CALLS, f"{SERVICE}{method}", method="POST")
        match fault.kind if fault is not None else "":
            case "too_many_requests":
                raise RefusedError("RESOURCE_EXHAUSTED", "REQUEST_LIMIT_EXCEEDED: too many requests")
            case "unavailable" | "reset":
                raise RefusedError("UNAVAILABLE", "Connection reset by peer")
            case "internal_error":
                raise RefusedError("INTERNAL", "An internal error happened. Please try again later.")
            case "slow" if fault is not None:
                await asyncio.sleep(fault.seconds)
            case "token_expired":
                self._workspace.tokens.expire()
        return fault is not None and fault.kind == "lost_answer"


def _handler(gateway: Gateway) -> Any:
    import grpc

    class Handler(grpc.GenericRpcHandler):  # type: ignore[misc]  # published without types
        """Takes every call of Spark's service; of another one gRPC itself says that it isn't there."""

        def service(self, call: Any) -> Any:
            if not call.method.startswith(SERVICE):
                return None
            return grpc.stream_stream_rpc_method_handler(partial(gateway.answer, call.method.removeprefix(SERVICE)))

    return Handler()
