"""``dbutils.notebook.entry_point…getContext()``: what a notebook learns of its place; here all answers are plainly local."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.runtime.part import refusal, unknown
from harness.settings import LOCAL_USER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

# Tracebacks in pytest show the user's lines, not these.
__tracebackhide__ = True

HOST = "nbh.invalid"
"""A name that no network ever resolves: a request to it fails, and reaches nobody."""
CLUSTER = "0000-000000-nbhlocal"
WORKSPACE = "0"
TOKEN = "nbh-no-token"  # noqa: S105 -- it says itself that it is none


def facts(notebook: str, *, run: int | None, user: str = LOCAL_USER) -> dict[str, Any]:
    """What is told of a notebook at this workspace path; ``run`` is the number of its run, None for a unit."""
    of_run = {} if run is None else {"jobId": "0", "idInJob": str(run), "runId": str(run), "multitaskParentRunId": str(run)}
    return {
        "notebookPath": notebook,
        "userName": user,
        "apiUrl": f"https://{HOST}",
        "apiToken": TOKEN,
        "browserHostName": HOST,
        "clusterId": CLUSTER,
        "workspaceId": WORKSPACE,
        "currentRunId": run,
        "rootRunId": run,
        "jobId": of_run.get("jobId"),
        "idInJob": of_run.get("idInJob"),
        "tags": {"user": user, "orgId": WORKSPACE, "clusterId": CLUSTER, "browserHostName": HOST, **of_run},
        "extraContext": {"notebook_path": notebook, "api_url": f"https://{HOST}"},
    }


def workspace_path(path: str, *, root: str, folder: str, prefixes: Mapping[str, str]) -> str:
    """The path that a notebook has in a workspace: below the ``run_prefixes`` that hold it, else that below the root.

    ``folder`` is the project's, from which the prefixes' folders count.
    """
    bare = Path(path).with_suffix("")
    for prefix, home in sorted(prefixes.items(), key=lambda item: len(item[1]), reverse=True):
        inside = os.path.relpath(bare, Path(folder, home))
        if not inside.startswith(".."):
            told = prefix.rstrip("/")
            told = told.removeprefix("/Workspace") if told == "/Workspace" or told.startswith("/Workspace/") else told
            return f"{told}/{inside}".replace(os.sep, "/")
    inside = os.path.relpath(bare, root)
    return f"/{bare.name if inside.startswith('..') else inside}".replace(os.sep, "/")


class Option:
    """A value that may be missing, as the JVM's: ``.get()``, ``.getOrElse(…)``, ``.isDefined()``."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def get(self) -> Any:
        """Give the value.

        Raises:
            LookupError: There is none.
        """
        if self._value is None:
            raise LookupError("java.util.NoSuchElementException: None.get")
        return self._value

    def getOrElse(self, other: Any) -> Any:  # noqa: N802 -- the JVM's own name
        """Give the value, or the other one where there is none."""
        return other if self._value is None else self._value

    def isDefined(self) -> bool:  # noqa: N802 -- as above
        """Whether there is one."""
        return self._value is not None

    def isEmpty(self) -> bool:  # noqa: N802 -- as above
        """Whether there is none."""
        return self._value is None

    def toString(self) -> str:  # noqa: N802 -- as above
        """Give its text."""
        return "None" if self._value is None else f"Some({self._value})"

    __str__ = toString


class RunId:
    """The number of a run."""

    def __init__(self, number: int) -> None:
        self._number = number

    def id(self) -> int:
        """Give the number."""
        return self._number

    def toString(self) -> str:  # noqa: N802 -- the JVM's own name
        """Give its text."""
        return f"RunId({self._number})"

    __str__ = toString


class Table:
    """Texts by name, as the JVM's map: ``.get(…)`` gives an option, ``.apply(…)`` the text."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)

    def get(self, name: str) -> Option:
        """Give the text of that name, as an option."""
        return Option(self._values.get(name))

    def getOrElse(self, name: str, other: Any) -> Any:  # noqa: N802 -- the JVM's own name
        """Give the text of that name, or the other value."""
        return self._values.get(name, other)

    def apply(self, name: str) -> str:
        """Give the text of that name.

        Raises:
            LookupError: There is none.
        """
        if name not in self._values:
            raise LookupError(f"java.util.NoSuchElementException: key not found: {name}")
        return self._values[name]

    def contains(self, name: str) -> bool:
        """Whether there is a text of that name."""
        return name in self._values

    def toString(self) -> str:  # noqa: N802 -- the JVM's own name
        """Give its text."""
        return f"Map({', '.join(f'{name} -> {value}' for name, value in self._values.items())})"

    __str__ = toString

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)


_EMPTY = (
    "aclPathOfAclRoot",
    "jobTaskType",
    "jobType",
    "workloadId",
    "workloadClass",
    "notebookId",
    "replId",
    "opId",
    "jobGroup",
)
"""Further names that a context has on Databricks: here each is an option without a value."""


class Context:
    """What a notebook learns of its place."""

    def __init__(self, known: Mapping[str, Any]) -> None:
        self._known = dict(known)

    def tags(self) -> Table:
        """Give the tags."""
        return Table(self._known["tags"])

    def extraContext(self) -> Table:  # noqa: N802 -- Databricks' own name
        """Give what is told beside the tags."""
        return Table(self._known["extraContext"])

    def toJson(self) -> str:  # noqa: N802 -- as above
        """Give all of it as JSON."""
        run = self._known["currentRunId"]
        return json.dumps(
            {
                "rootRunId": None if run is None else {"id": run},
                "currentRunId": None if run is None else {"id": run},
                "jobGroup": None,
                "tags": self._known["tags"],
                "extraContext": self._known["extraContext"],
            }
        )

    def safeToJson(self) -> str:  # noqa: N802 -- as above
        """Give what is no secret as JSON."""
        known = {name: self._known[name] for name in ("clusterId", "workspaceId", "currentRunId", "rootRunId", "jobId")}
        told = {**self._known["tags"], "notebook_path": self._known["notebookPath"], "api_url": self._known["apiUrl"], **known}
        return json.dumps({"attributes": {name: str(value) for name, value in told.items() if value is not None}})

    def __getattr__(self, name: str) -> Callable[[], Option]:
        if name.startswith("_"):
            raise AttributeError(name)
        if name in self._known or name in _EMPTY or name.startswith("mlflowGit"):
            value = self._known.get(name)
            return lambda: Option(RunId(value) if name in ("currentRunId", "rootRunId") and value is not None else value)
        own = [known for known in vars(type(self)) if known[0] != "_"]
        raise unknown(f"dbutils.notebook.entry_point.getDbutils().notebook().getContext().{name}", known=[*own, *self._known])


class EntryPoint:
    """``dbutils.notebook.entry_point``, of which notebooks ask the context."""

    def __init__(self, context: Callable[[], Context], *, path: str = "dbutils.notebook.entry_point") -> None:
        self._context, self._path = context, path

    def __getattr__(self, name: str) -> Callable[[], Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        following = {"getDbutils": "notebook", "notebook": "getContext"}
        here = self._path.rpartition(".")[2].removesuffix("()")
        wanted = following.get(here, "getDbutils")
        if name == "getDriverConf":  # MLflow's and other clients, on their way to a workspace
            raise refusal(
                f"{self._path}.{name}",
                cause="clients sign in to the workspace by it, and there is no workspace here",
                mend="run the test with --databricks-env=rehearsal, or leave the cell out by skip_cells",
            )
        if name != wanted:
            raise unknown(f"{self._path}.{name}", known=[wanted])
        if name == "getContext":
            return self._context
        return lambda: EntryPoint(self._context, path=f"{self._path}.{name}()")
