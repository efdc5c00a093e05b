"""What a call brings and what it is answered with, in Databricks' shapes.

A call's function is plain: it takes a `Call`, gives a mapping (or a Response of starlette's) and raises `ApiError`. It runs in
a thread of its own, so it may wait for Spark or the disk.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from starlette.requests import Request

    Answer = Mapping[str, Any] | Response

MISSING: Any = object()
"""No default: what is not given is an error."""


class ApiError(Exception):
    """A refusal, as Databricks words it: an HTTP status, an error code in capitals and a message for people."""

    def __init__(self, status: int, code: str, message: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})

    def response(self) -> JSONResponse:
        """The answer that tells it."""
        return refusal(self.status, self.code, self.message, headers=self.headers)


def refusal(status: int, code: str, message: str, *, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Databricks' shape of an error."""
    return JSONResponse({"error_code": code, "message": message}, status, headers=headers)


def invalid(message: str) -> ApiError:
    """A value that the API refuses."""
    return ApiError(400, "INVALID_PARAMETER_VALUE", message)


def not_found(message: str, *, code: str = "RESOURCE_DOES_NOT_EXIST") -> ApiError:
    """Something that isn't there."""
    return ApiError(404, code, message)


@dataclass(frozen=True, slots=True)
class Call:
    """One call: what its address, its query and its body hold."""

    request: Request
    content: bytes = b""

    @property
    def path(self) -> Mapping[str, str]:
        """The parts of the address that the route names."""
        return {name: str(value) for name, value in self.request.path_params.items()}

    @property
    def given(self) -> dict[str, Any]:
        """What was given: the fields of the JSON body, with those of the query; lists in a query have several values.

        Raises:
            ApiError: The body is no JSON object.
        """
        query = self.request.query_params
        found: dict[str, Any] = {}
        for name in query:
            values = query.getlist(name)
            found[name] = values[0] if len(values) == 1 else values
        return {**found, **self.json()}

    def json(self) -> dict[str, Any]:
        """The body's fields; none where there is no body.

        Raises:
            ApiError: The body is no JSON object.
        """
        if not self.content or not self.content.strip():
            return {}
        try:
            found = json.loads(self.content)
        except ValueError as exc:
            raise ApiError(400, "MALFORMED_REQUEST", "Invalid JSON given in the body of the request - failed to parse") from exc
        if not isinstance(found, dict):
            raise ApiError(400, "MALFORMED_REQUEST", "Invalid JSON given in the body of the request - expected a map")
        return found

    def text(self, name: str, default: Any = MISSING) -> Any:
        """A text, or the default where it isn't given.

        Raises:
            ApiError: It is missing, or no text.
        """
        value = self._value(name, default)
        if value is default:
            return value
        if not isinstance(value, str):
            raise ApiError(400, "MALFORMED_REQUEST", f"Could not parse request object: Expected '{name}' to be a string")
        return value

    def number(self, name: str, default: Any = MISSING) -> Any:
        """A whole number, which a query gives as text and some clients' JSON too.

        Raises:
            ApiError: It is missing, or no whole number.
        """
        value = self._value(name, default)
        if value is default:
            return value
        try:
            if isinstance(value, (bool, float)):
                raise ValueError(value)  # noqa: TRY004, TRY301 -- told below, with all that is no number
            return int(value)
        except (TypeError, ValueError) as exc:
            raise ApiError(
                400, "MALFORMED_REQUEST", f"Could not parse request object: Expected '{name}' to be a number"
            ) from exc

    def flag(self, name: str, *, default: bool = False) -> bool:
        """True or false, which a query gives as text.

        Raises:
            ApiError: It is neither.
        """
        value = self._value(name, default)
        if isinstance(value, str) and value.lower() in {"true", "false"}:
            return value.lower() == "true"
        if not isinstance(value, bool):
            raise ApiError(400, "MALFORMED_REQUEST", f"Could not parse request object: Expected '{name}' to be a boolean")
        return value

    def _value(self, name: str, default: Any) -> Any:
        value = self.given.get(name)
        if value is not None:
            return value
        if default is MISSING:
            raise invalid(f"Missing required field: {name}")
        return default


def route(methods: str | Sequence[str], path: str, function: Callable[[Call], Answer]) -> Route:
    """A call that a plain function answers, in a thread of its own."""

    async def endpoint(request: Request) -> Response:
        call = Call(request, await request.body())
        answer = await run_in_threadpool(function, call)
        return answer if isinstance(answer, Response) else JSONResponse(dict(answer))

    return Route(path, endpoint, methods=[methods] if isinstance(methods, str) else list(methods), name=function.__name__)


def twins(methods: str, versions: Sequence[str], path: str, function: Callable[[Call], Answer]) -> list[Route]:
    """One call under several versions of the API: ``twins("GET", ["2.0", "2.1"], "/clusters/get", get)``."""
    return [route(methods, f"/api/{version}{path}", function) for version in versions]
