"""Each call that Databricks' own SDK can make is answered: by a result, a refusal as of a workspace, or a loud 501."""

from __future__ import annotations

import collections
import dataclasses
import enum
import inspect
import io
import typing

import pytest
from data_fixtures import client, rehearsal
from databricks.sdk import WorkspaceClient, errors
from databricks.sdk.common.types.fieldmask import FieldMask
from databricks.sdk.errors.base import DatabricksError

__all__ = ["client", "rehearsal"]

# What asks no workspace by REST, or can't be asked with the least that it takes.
LEFT_OUT = {
    ("consumer_listings", "search"): "the SDK calls itself without end",
    ("dbfs", "open"): "gives a file, and asks when that is used",
    ("sandbox", "connect_command"): "another service, by gRPC",
    ("sandbox", "execute_command"): "another service, by gRPC",
    ("serving_endpoints", "get_langchain_chat_open_ai_client"): "a client of somebody else's",
    ("serving_endpoints", "get_open_ai_client"): "a client of somebody else's",
}
NO_SERVICES = {"dbutils", "config", "api_client", "get_workspace_id"}


def least(kind):
    """The least of a value that an argument of this type takes."""
    origin = typing.get_origin(kind)
    if origin is typing.Union:
        return least(next(one for one in typing.get_args(kind) if one is not type(None)))
    if origin is not None:
        return {} if origin is dict else []
    if not inspect.isclass(kind) or kind is str:
        return "x"
    if kind in {int, float, bool}:
        return kind(1)
    if issubclass(kind, enum.Enum):
        return next(iter(kind))
    if kind is FieldMask:
        return FieldMask(["name"])
    if dataclasses.is_dataclass(kind):
        return kind(**{one.name: None for one in dataclasses.fields(kind)})
    return io.BytesIO(b"x") if kind is typing.BinaryIO else "x"


def calls():
    """Every method of every service, without those that repeat others until something holds."""
    for name in sorted(set(dir(WorkspaceClient)) - NO_SERVICES):
        service = getattr(WorkspaceClient, name)
        if name.startswith("_") or not isinstance(service, property):
            continue
        kind = typing.get_type_hints(service.fget).get("return")
        for method, function in inspect.getmembers(kind, inspect.isfunction):
            if not method.startswith(("_", "wait_")) and not method.endswith("_and_wait") and (name, method) not in LEFT_OUT:
                yield name, method, function


def ended(client, name, method, function):
    """How a call with the least that it takes was answered."""
    hints = typing.get_type_hints(function)
    taken = list(inspect.signature(function).parameters.values())[1:]
    given = {one.name: least(hints.get(one.name)) for one in taken if one.default is one.empty and one.kind <= one.KEYWORD_ONLY}
    try:
        answer = getattr(getattr(client, name), method)(**{name: given[name] for name in given if name != "kwargs"})
        if isinstance(answer, collections.abc.Iterator):
            next(answer, None)
    except errors.NotImplemented:
        return "501"
    except (errors.InternalError, errors.TemporarilyUnavailable) as exc:
        return f"broken: {exc}"
    except DatabricksError:
        return "refused"
    except Exception as exc:  # noqa: BLE001 -- whatever the SDK makes of an answer that it can't read
        return f"broken: {type(exc).__name__}: {exc}"
    return "answered"


def test_no_call_is_left_without_an_answer(client, tmp_path, monkeypatch):
    """Nothing is a fault of the server's, or an answer that the client can't read."""
    monkeypatch.chdir(tmp_path)  # some write a file that is named by what they are given
    found = {f"{name}.{method}": ended(client, name, method, function) for name, method, function in calls()}

    assert {call: how for call, how in found.items() if how.startswith("broken")} == {}
    count = collections.Counter(found.values())
    assert count["501"] > 500, "the SDK has hundreds that a rehearsal doesn't serve"
    assert count["answered"] + count["refused"] > 100
    print(dict(count))  # noqa: T201 -- the figure, with -s


@pytest.mark.parametrize("call", sorted(LEFT_OUT))
def test_what_is_left_out_is_there(call):
    """So that the list doesn't outlive its reasons."""
    assert call not in {(name, method) for name, method, _ in calls()}
    assert hasattr(typing.get_type_hints(getattr(WorkspaceClient, call[0]).fget)["return"], call[1])
