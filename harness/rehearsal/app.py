"""All calls of a workspace behind one door: who may come in, what is known, and how a refusal looks."""

from __future__ import annotations

import asyncio
import errno
import importlib
import importlib.util
import logging
import uuid
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.routing import Match, Route

from harness.rehearsal.answers import ApiError, refusal
from harness.rehearsal.faults import OF_CALLS, DroppedError
from harness.rehearsal.identity import OPEN
from harness.rehearsal.pipelines import ISSUERS
from harness.rehearsal.traffic import limits_of
from harness.rehearsal.workspace import PRINCIPAL

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

    from starlette.types import Message, Receive, Scope, Send

    from harness.rehearsal.tokens import Caller
    from harness.rehearsal.workspace import Workspace

SUBJECTS = (
    "identity",
    "pipelines",
    "clusters",
    "notebooks",
    "jobs",
    "spark",
    "unity",
    "grants",
    "volumes",
    "files",
    "dbfs",
    "secrets",
    "mlflow",
    "clock",
    "faults",
    "traffic",
)
"""Each a module of this package.

``routes(workspace)`` gives its calls. ``serving(workspace)``, where there is one, is an async context manager that lasts
as long as the workspace is served.
"""

CONTROL = "/rehearsal/"
"""Calls that no workspace has: they drive the rehearsal, are counted nowhere and meet no fault."""

_log = logging.getLogger(__name__)


def subjects() -> list[ModuleType]:
    """The modules of all subjects that are there."""
    names = [f"harness.rehearsal.{name}" for name in SUBJECTS]
    return [importlib.import_module(name) for name in names if importlib.util.find_spec(name) is not None]


def routes_of(workspace: Workspace) -> list[Route]:
    """All calls of a workspace."""
    return [route for subject in subjects() if hasattr(subject, "routes") for route in subject.routes(workspace)]


class App:
    """The workspace as an ASGI application."""

    def __init__(self, workspace: Workspace, routes: Sequence[Route] | None = None) -> None:
        self._workspace = workspace
        self._limits = limits_of(workspace)
        self._routes = routes_of(workspace) if routes is None else list(routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        if scope["type"] != "http":
            raise RuntimeError(f"a workspace has no {scope['type']}")
        scope["state"] = dict(scope.get("state") or {})
        sender = _Sender(self._workspace, send)
        try:
            await self._answer(scope, receive, sender)
        except DroppedError:
            _reset(send)
        except ApiError as exc:
            await exc.response()(scope, receive, sender)
        except Exception as exc:
            if not _is_too_long(exc):
                _log.exception("%s %s", scope["method"], scope["path"])
            if sender.has_begun:
                raise
            if _is_too_long(exc):
                answer = refusal(400, "INVALID_PARAMETER_VALUE", "a name is longer than this machine's files may have")
            else:
                answer = refusal(500, "INTERNAL_ERROR", "the rehearsal itself failed at this call; its log tells more")
            await answer(scope, receive, sender)

    async def _answer(self, scope: Scope, receive: Receive, sender: _Sender) -> None:
        path, method = scope["path"], scope["method"]
        route, match = self._match(scope)
        if path.startswith(ISSUERS):
            pass  # no part of the workspace: it looks at tokens of its own
        elif path.startswith(CONTROL):
            self._admit(scope, self._workspace.tokens.driver)
        else:
            self._workspace.faults.count(f"{method} {route.path if route is not None else path}")
            self._limits.check(path, self._workspace.clock.now())
            await self._meet_fault(path, method, sender)
            if path not in OPEN:
                self._admit(scope, self._workspace.tokens.caller)
        if route is None:
            raise self._unknown(method, path)
        scope.update(match)
        await route.handle(scope, receive, sender)
        if sender.is_lost:
            raise DroppedError

    def _match(self, scope: Scope) -> tuple[Route | None, dict[str, Any]]:
        for route in self._routes:
            found, child = route.matches(scope)
            if found is Match.FULL:
                return route, dict(child)
        return None, {}

    def _admit(self, scope: Scope, known: Callable[[str | None], Caller]) -> None:
        caller = known(Request(scope).headers.get("authorization"))
        scope["state"]["caller"] = caller
        PRINCIPAL.set(caller.principal)

    async def _meet_fault(self, path: str, method: str, sender: _Sender) -> None:
        fault = self._workspace.faults.take(OF_CALLS, path, method=method)
        if fault is None:
            return
        match fault.kind:
            case "too_many_requests":
                message = "Current request has to be retried later: too many requests. Please wait a bit and try again."
                after = {"Retry-After": f"{fault.seconds or 1:g}"}
                raise ApiError(429, "REQUEST_LIMIT_EXCEEDED", message, headers=after)
            case "unavailable":
                message = "The service at this address is temporarily under maintenance. Please try again later."
                raise ApiError(503, "TEMPORARILY_UNAVAILABLE", message)
            case "internal_error":
                raise ApiError(500, "INTERNAL_ERROR", "An internal error happened. Please try again later.")
            case "reset":
                raise DroppedError
            case "lost_answer":
                sender.is_lost = True
            case "slow":
                await asyncio.sleep(fault.seconds)
            case "token_expired":
                self._workspace.tokens.expire()

    def _unknown(self, method: str, path: str) -> ApiError:
        known = {
            f"{name} {route.path}": route.path for route in self._routes for name in sorted((route.methods or set()) - {"HEAD"})
        }
        same = [call for call, at in known.items() if at == path]
        near = same or get_close_matches(f"{method} {path}", known, n=1, cutoff=0.0)
        hint = f"; the nearest that it serves is {near[0]}" if near else ""
        return ApiError(501, "NOT_IMPLEMENTED", f"The rehearsal does not serve {method} {path}{hint}.")


def _is_too_long(exc: Exception) -> bool:
    return isinstance(exc, OSError) and exc.errno == errno.ENAMETOOLONG


class _Sender:
    """Sends an answer with the headers that all have, or loses it."""

    def __init__(self, workspace: Workspace, send: Send) -> None:
        self._workspace = workspace
        self._send = send
        self.has_begun = False
        self.is_lost = False

    async def __call__(self, message: Message) -> None:
        if self.is_lost:
            return
        if message["type"] == "http.response.start":
            self.has_begun = True
            own = [
                (b"x-databricks-org-id", self._workspace.id.encode()),
                (b"x-request-id", str(uuid.uuid4()).encode()),
                (b"server", b"databricks"),
            ]
            message = {**message, "headers": [*message.get("headers", ()), *own]}
        await self._send(message)


def _reset(send: Send) -> None:
    """End the connection without a word. ASGI has no message for it, so the server's own transport is asked."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise ConnectionResetError("the rehearsal drops this connection on request")
    transport.abort()
