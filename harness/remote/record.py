"""Ask a workspace a fixed list of harmless questions, and write down what its answers are like.

The calls go through the SDK's own client, so sign-in and retries are as in any run; a hook on its HTTP session sees each answer
before the SDK makes objects or errors of it. What identifies anybody stays in this process: see `harness.remote.contracts`.
"""

from __future__ import annotations

import base64
import contextlib
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from harness.environments import is_this_machine
from harness.remote.contracts import REHEARSAL, WORKSPACE, Contract, shape_of
from harness.remote.errors import RecordError, RemoteError
from harness.remote.marks import name_of
from harness.remote.removal import remove
from harness.remote.state import SharedRun, new_run_id
from harness.remote.told import told
from harness.remote.vocabulary import vocabulary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from harness.environments import Environment
    from harness.remote.client import SdkWorkspace

_PLACE = re.compile(r"\{[a-z_]+\}")
_KEPT_S = 24 * 3600.0
_SOURCE = base64.b64encode(b"# Databricks notebook source\nprint(1)\n").decode()
_NOTEBOOK = {"path": "{folder}/notebook", "format": "SOURCE", "language": "PYTHON", "content": _SOURCE}
_UC = "/api/2.1/unity-catalog"
_NONE = "nbh_none_such"
_BAD_SIGN_IN, _FORBIDDEN, _TOO_MANY, _REFUSED, _FAULT = 401, 403, 429, 400, 500


@dataclass(frozen=True, slots=True)
class Step:
    """One call. Braces in its path, ``query`` and ``body`` stand for names that are known only on a workspace.

    ``refused`` says that an error is wanted. ``reads`` are the fields of the answer that the harness reads. ``makes`` is the
    kind of what it makes, which the ledger names first.
    """

    name: str
    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    refused: bool = False
    reads: frozenset[str] = frozenset()
    makes: str = ""

    @property
    def call(self) -> str:
        """Method and path, with places for names."""
        return f"{self.method} {_PLACE.sub('{}', self.path)}"


def _get(name: str, path: str, /, *reads: str, refused: bool = False, **query: Any) -> Step:
    return Step(
        name, "GET", path, query=query, refused=refused, reads=frozenset(reads or ("error_code",) if refused else reads)
    )


READING = (
    _get("me", "/api/2.0/preview/scim/v2/Me", "userName"),
    _get("clusters", "/api/2.1/clusters/list", "clusters[].cluster_id", "clusters[].state"),
    _get("runtimes", "/api/2.1/clusters/spark-versions", "versions[].key", "versions[].name"),
    _get("no_cluster", "/api/2.1/clusters/get", refused=True, cluster_id="0000-000000-nbhnone0"),
    _get("runs", "/api/2.2/jobs/runs/list", "runs[].run_id", "runs[].run_name", run_type="SUBMIT_RUN", limit=2),
    _get("no_run", "/api/2.2/jobs/runs/get", refused=True, run_id=999999999999999),
    _get("no_output", "/api/2.2/jobs/runs/get-output", refused=True, run_id=999999999999999),
    _get("home", "/api/2.0/workspace/get-status", "object_type", "path", path="{home}"),
    _get("no_object", "/api/2.0/workspace/get-status", refused=True, path="{home}/nbh-none-such"),
    _get("no_export", "/api/2.0/workspace/export", refused=True, path="{home}/nbh-none-such", format="SOURCE"),
    _get("no_listing", "/api/2.0/workspace/list", refused=True, path="{home}/nbh-none-such"),
    _get("scopes", "/api/2.0/secrets/scopes/list", "scopes[].name"),
    _get("no_secrets", "/api/2.0/secrets/list", refused=True, scope="nbh-none-such"),
    _get("catalogs", f"{_UC}/catalogs", "catalogs[].name"),
    _get("catalog", f"{_UC}/catalogs/{{catalog}}", "name"),
    _get("no_catalog", f"{_UC}/catalogs/{{none}}", refused=True),
    _get("schemas", f"{_UC}/schemas", "schemas[].full_name", "schemas[].name", catalog_name="{catalog}"),
    _get("no_schema", f"{_UC}/schemas/{{none_schema}}", refused=True),
    _get("no_table", f"{_UC}/tables/{{none_table}}", refused=True),
    _get(
        "privileges",
        f"{_UC}/effective-permissions/{{kind}}/{{catalog}}",
        *("privilege_assignments[].principal", "privilege_assignments[].privileges[].privilege"),
    ),
)
"""Calls that only read."""

MAKING = (
    Step("make_folder", "POST", "/api/2.0/workspace/mkdirs", body={"path": "{folder}"}, makes="folder"),
    Step("import_notebook", "POST", "/api/2.0/workspace/import", body=_NOTEBOOK),
    Step("import_again", "POST", "/api/2.0/workspace/import", body=_NOTEBOOK, refused=True, reads=frozenset({"error_code"})),
    _get("notebook", "/api/2.0/workspace/get-status", "object_type", "language", "path", path="{folder}/notebook"),
    _get("export_notebook", "/api/2.0/workspace/export", "content", path="{folder}/notebook", format="SOURCE"),
    _get("folder", "/api/2.0/workspace/list", "objects[].path", "objects[].object_type", path="{folder}"),
    Step("make_schema", "POST", f"{_UC}/schemas", body={"name": "{schema}", "catalog_name": "{catalog}"}, makes="schema"),
    Step(
        "make_schema_again",
        "POST",
        f"{_UC}/schemas",
        body={"name": "{schema}", "catalog_name": "{catalog}"},
        refused=True,
        reads=frozenset({"error_code"}),
    ),
    _get("schema", f"{_UC}/schemas/{{made_schema}}", "full_name", "name"),
    _get("tables", f"{_UC}/tables", catalog_name="{catalog}", schema_name="{schema}"),
    Step("drop_schema", "DELETE", f"{_UC}/schemas/{{made_schema}}"),
    Step("remove_folder", "POST", "/api/2.0/workspace/delete", body={"path": "{folder}", "recursive": True}),
)
"""Calls that make one folder and one schema, look at them, and remove them."""

STEPS = {step.name: step for step in (*READING, *MAKING)}


@dataclass(frozen=True, slots=True)
class Recording:
    """What was written down, and by step why something wasn't."""

    contracts: tuple[Contract, ...]
    lost: Mapping[str, str]


def record(
    workspace: SdkWorkspace,
    environment: Environment,
    *,
    is_reading: bool,
    state: Path | None = None,
    progress: Callable[[str], None] = lambda _line: None,
    now: Callable[[], float] = time.time,
) -> Recording:
    """Make the calls, with ``is_reading`` only those that read; what they make is removed whatever happens.

    Raises:
        RecordError: The environment is protected and not only to be read, or names no catalog.
        LeftoverError: Something that was made couldn't be removed.
        RemoteError: The workspace can't be reached any more.
    """
    _refuse(environment, is_reading=is_reading)
    run_id = new_run_id()
    name = name_of("record", run_id, expires=now() + _KEPT_S)
    home = f"/Workspace/Users/{workspace.me().name}"
    root = environment.workspace_root or f"{home}/.nbh"
    catalog, schema = environment.catalog, name.replace("-", "_")
    names = {
        "home": home,
        "folder": f"{root}/{name}",
        "kind": "catalog",
        "catalog": catalog,
        "schema": schema,
        "made_schema": f"{catalog}.{schema}",
        "none": _NONE,
        "none_schema": f"{catalog}.{_NONE}",
        "none_table": f"{catalog}.{_NONE}.{_NONE}",
    }
    tape = Tape(workspace, of=_whose(environment, workspace.host), on=time.strftime("%Y-%m-%d", time.gmtime(now())))
    for step in READING:
        progress(step.call)
        tape.play(step, names)
    if not is_reading:
        about = {"host": workspace.host, "environment": environment.name}
        with _made(run_id, about, workspace, state=state, progress=progress) as note:
            for step in MAKING:
                progress(step.call)
                if step.makes:
                    note(step.makes, names["folder" if step.makes == "folder" else "made_schema"])
                tape.play(step, names)
    return tape.recording()


def _refuse(environment: Environment, *, is_reading: bool) -> None:
    if environment.protected and not is_reading:
        raise RecordError(
            f"the environment {environment.name!r} is protected, and recording makes a folder and a schema",
            cause="only reading is allowed there",
            mend=f"record on another environment, or only what reads: nbh record --env {environment.name} --read-only",
        )
    if not environment.catalog:
        raise RecordError(
            f"the environment {environment.name!r} names no catalog",
            cause="the calls on Unity Catalog need one",
            mend=f'[tool.nbh.env.{environment.name}] catalog = "…", one that may come to harm',
        )


def _whose(environment: Environment, host: str) -> str:
    """A rehearsal's answer must never pass for a workspace's, under whatever name it is reached."""
    return REHEARSAL if environment.name == REHEARSAL or is_this_machine(host) else WORKSPACE


@contextlib.contextmanager
def _made(
    run_id: str, about: Mapping[str, str], workspace: SdkWorkspace, *, state: Path | None, progress: Callable[[str], None]
) -> Iterator[Callable[[str, str], object]]:
    run = SharedRun(run_id, about=about, state=state)
    try:
        yield run.ledger.note
    finally:
        error = remove(run.ledger.entries(), workspace, run.ledger, progress=progress).error()
        run.leave()
        if error is not None:
            raise error


class Tape:
    """Makes calls and keeps what their answers are like; a value that isn't one of the API's own words never gets this far."""

    def __init__(self, workspace: SdkWorkspace, *, of: str, on: str) -> None:
        from databricks.sdk.version import __version__

        self._workspace = workspace
        self._about = {"of": of, "on": on, "sdk": __version__}
        self._contracts: list[Contract] = []
        self._lost: dict[str, str] = {}

    def play(self, step: Step, names: Mapping[str, str]) -> None:
        """Make a call, and keep its answer's shape if it is of the wanted kind.

        Raises:
            RemoteError: The workspace can't be reached, or doesn't take the sign-in.
        """
        path = step.path.format_map(names)
        with self._heard(path) as heard:
            given = {"query": _filled(step.query, names), "body": _filled(step.body, names) if step.body is not None else None}
            self._call(step, path, given)
        if not heard:
            self._lost[step.name] = "no answer was seen"
            return
        status, body = heard[-1]
        why = _unfit(step, status)
        if why:
            self._lost[step.name] = why
            return
        self._contracts.append(Contract(step.name, step.call, status, shape_of(body, vocabulary()), **self._about))

    def recording(self) -> Recording:
        """All of it."""
        return Recording(tuple(self._contracts), dict(self._lost))

    def _call(self, step: Step, path: str, given: Mapping[str, Any]) -> None:
        from databricks.sdk.errors.base import DatabricksError

        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        try:
            self._workspace.client.api_client.do(step.method, path, headers=headers, **given)
        except DatabricksError:
            return  # it is heard like every answer
        except RemoteError:
            raise
        except Exception as exc:  # noqa: BLE001 - the edge to the SDK
            raise told(exc, doing=f"recording {step.call}", host=self._workspace.host, mask=self._workspace.mask) from None

    @contextlib.contextmanager
    def _heard(self, path: str) -> Iterator[list[tuple[int, Any]]]:
        """For one call: status and body of each answer, the last one after all retries; never those of a sign-in."""
        heard: list[tuple[int, Any]] = []

        def hear(answer: Any, *_: Any, **__: Any) -> None:
            if unquote(urlsplit(answer.request.url).path) == path:
                with contextlib.suppress(ValueError):
                    heard.append((answer.status_code, answer.json() if answer.content else None))

        session = self._workspace.client.api_client._api_client._session  # noqa: SLF001 -- the SDK has no public hook
        session.hooks["response"].append(hear)
        try:
            yield heard
        finally:
            session.hooks["response"].remove(hear)


def _filled(given: Any, names: Mapping[str, str]) -> Any:
    if isinstance(given, str):
        return given.format_map(names)
    return {key: _filled(value, names) for key, value in given.items()} if isinstance(given, dict) else given


def _unfit(step: Step, status: int) -> str:
    """Why an answer says nothing of what the call is like; empty if it does."""
    if status in {_BAD_SIGN_IN, _FORBIDDEN}:
        return f"this identity may not do that ({status})"
    if status == _TOO_MANY or status >= _FAULT:
        return f"the workspace didn't serve it ({status})"
    if (status >= _REFUSED) != step.refused:
        return f"{'an error' if step.refused else 'success'} was expected, and it answered {status}"
    return ""
