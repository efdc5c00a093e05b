"""Write docs/rehearsal-coverage.md from the rehearsal's own routes; --check only compares.

By which client a call is reached, and the shape of its answer, stand in the clients' own code: databricks-sdk's services and
MLflow's definitions are read. What they don't name stands below in `_OTHERS`; a call that is in neither is an error.
"""

from __future__ import annotations

import ast
import inspect
import re
import tempfile
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from written_page import DOCS, write_or_check

from harness.commands.record import read_all
from harness.rehearsal.app import CONTROL, routes_of
from harness.rehearsal.place import Place
from harness.rehearsal.serve import workspace_of
from harness.rehearsal.spark_calls import METHODS, OPENING, SERVICE
from harness.remote.contracts import WORKSPACE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from starlette.routing import Route

PAGE = DOCS / "rehearsal-coverage.md"

_HEAD = """\
# What the rehearsal serves

<!-- Made by scripts/list_rehearsal_calls.py from harness/rehearsal: don't edit. -->

The [rehearsal](environments.md#the-rehearsal) is a Databricks workspace on this machine, for Databricks' own clients: what is
uploaded is kept, notebooks are truly run, tables are real Spark's and Delta's, and tokens, sizes and spellings are refused as
Databricks refuses them. To its service principal [only what was granted is open](environments.md#privileges-in-the-rehearsal).
It isn't Databricks: there is no cloud behind it, to its user all is open, and what it answers was made after the sources that
the table names. {verified} \
Names and types of fields are the source's; words and error codes of refusals, values of
states, and the times that things take have no source in any line. [On a real workspace](real-workspace.md) says how to try
the same tests there; where they differ, the rehearsal is wrong.

A call that isn't in the table is refused with HTTP status 501, the error code `NOT_IMPLEMENTED` and a message that names the
call and the nearest one that is served: `The rehearsal does not serve GET /api/2.0/x; the nearest that it serves is …`. A
field or a value that the rehearsal can't do is refused in the same way, by its name. An unknown call of Spark Connect has the
status `UNIMPLEMENTED`. No unknown call is answered as if it had been done. Without a valid token all that is the same: 401 or
403, and `UNAUTHENTICATED` in Spark Connect.

* *reached by*: `w` is databricks-sdk's `WorkspaceClient`. A call of "older clients" is answered as the one with the version
  that the SDK calls; where a workspace answers older versions otherwise hasn't been looked into.
* *shape*: the class in `databricks.sdk.service` that reads the answer, or one entry of it; MLflow's message, of its
  [definitions]({mlflow}); Spark's, of its
  [definition]({spark}); another public reference; or memory.
  "No fields" is an answer `{}`.
* A call by GET answers HEAD too.
"""

_TABLE = """
## {title}

| call | reached by | shape | on a real workspace | to know |
|---|---|---|---|---|
"""

_LINKS = {
    "{mlflow}": "https://github.com/mlflow/mlflow/tree/master/mlflow/protos",
    "{spark}": "https://github.com/apache/spark/blob/master/sql/connect/common/src/main/protobuf/spark/connect/base.proto",
}
_OWN = "the rehearsal's own"
_AUTHORITY = "[RFC 8414](https://www.rfc-editor.org/rfc/rfc8414); the path is the SDK's"

_SERVICES = {
    "databricks.sdk.mixins.workspace",
    *(f"databricks.sdk.service.{name}" for name in ("catalog", "compute", "files", "iam", "jobs", "workspace")),
}
"""The modules that are read; the rehearsal serves nothing of the others."""

_OTHERS = {
    "GET /.well-known/databricks-config": ("the SDK's `Config`, before all else", "what the SDK's `Config` reads of it"),
    "GET /oidc/.well-known/oauth-authorization-server": ("the SDK's sign-in by OAuth", _AUTHORITY),
    "GET /oidc/.well-known/openid-configuration": ("other clients' sign-in by OAuth", _AUTHORITY),
    "POST /oidc/v1/token": (
        "the SDK's sign-in by `client_id` and `client_secret`, or by a pipeline's ID token",
        "[RFC 6749, 4.4](https://www.rfc-editor.org/rfc/rfc6749#section-4.4), [RFC 8693](https://www.rfc-editor.org/rfc/rfc8693)",
    ),
    "GET /api/2.0/scim/v2/Me": ("other clients' `Me`", "memory; the same as the SDK's path of it gives"),
    "POST /api/2.0/fs/create-download-url": ("`w.files.download`", "what the SDK's `FilesExt` reads of it"),
    "POST /api/2.0/fs/create-upload-part-urls": ("`w.files.upload`", "what the SDK's `FilesExt` reads of it"),
    "POST /api/2.0/fs/create-abort-upload-url": ("`w.files.upload`", "what the SDK's `FilesExt` reads of it"),
    "POST /api/2.0/fs/files/{path:path}": ("`w.files.upload` of large files", "what the SDK's `FilesExt` reads of it"),
    "DELETE, GET, PATCH, POST /api/2.0/mlflow/{rest:path}": ("`mlflow.start_run`, …; `w.experiments`", ""),
    "DELETE, GET, PATCH, POST /api/3.0/mlflow/{rest:path}": ("`mlflow.start_run`, … of newer versions", ""),
    "POST /rehearsal/pipelines": ("tests: `rehearsal.pipeline(…)`", _OWN),
    "GET /rehearsal/issuers/github/token": ("the SDK's `github-oidc`, in GitHub's place", _OWN),
    "POST /rehearsal/issuers/azure-devops/{project}/_apis/distributedtask/hubs/{hub}/plans/{plan}/jobs/{job}/oidctoken": (
        "the SDK's `azure-devops-oidc`, in Azure DevOps' place",
        _OWN,
    ),
    "GET /rehearsal/clusters": ("tests", _OWN),
    "POST /rehearsal/clusters": ("tests", _OWN),
    "POST /rehearsal/principals": ("tests", _OWN),
    "GET /rehearsal/clock": ("tests", _OWN),
    "POST /rehearsal/clock": ("tests: `rehearsal.advance(…)`", _OWN),
    "GET /rehearsal/faults": ("tests", _OWN),
    "POST /rehearsal/faults": ("tests: `rehearsal.faults(…)`", _OWN),
    "DELETE /rehearsal/faults": ("the end of a test", _OWN),
    "GET /rehearsal/calls": ("tests: `rehearsal.calls()`", _OWN),
    "DELETE /rehearsal/calls": ("tests", _OWN),
    "GET /rehearsal/limits": ("tests", _OWN),
    "POST /rehearsal/limits": ("tests", _OWN),
    "DELETE /rehearsal/limits": ("tests", _OWN),
}
"""Calls that no definition of a client names, each with who makes it and where its shape is from."""

_SPARK = {
    "ExecutePlan": "`spark.sql(…)`, `df.collect()`, `df.write`",
    "AnalyzePlan": "`df.schema`, `df.explain()`, `spark.version`",
    "Config": "`spark.conf`",
    "AddArtifacts": "`spark.addArtifacts(…)`",
    "ArtifactStatus": "the client, before it sends what may be there already",
    "Interrupt": "`spark.interruptAll()`, `spark.interruptTag(…)`",
    "ReattachExecute": "the client, where an answer broke off",
    "ReleaseExecute": "the client, at the end of an answer",
    "ReleaseSession": "`spark.stop()`",
    "FetchErrorDetails": "the client, at an error",
    "CloneSession": "`spark.cloneSession()`",
    "GetStatus": "clients that ask how operations are",
}

_TASKS = "notebooks, Python scripts and wheels, loops over them, conditions: no other kinds of tasks, no Git, no warehouse"
_WHO = "`run_as` is the caller; `access_control_list` names whom it knows, and keeps nobody from anything"
_PLAIN_CLUSTERS = (
    "no policies, pools, `init_scripts`, `docker_image`, `cluster_log_conf`, `spark_env_vars`, nor"
    " `spark_conf` but a single node's"
)
_NO_CLOUD = (
    "always refused, as by a workspace whose storage has a firewall (no source); the SDK then goes on by `/api/2.0/fs/files`"
)
_COMPUTE = "codes and words for a cluster that isn't there or doesn't run are those that clients have shown"

_VERSION = "the field of the runtime's version is the one that databricks-connect reads, in no public definition"
_TRACKING = "experiments, runs, metrics and logged-models; the workspace's model registry is refused as switched off"

_NOTES = {
    "POST /oidc/v1/token": (
        "for the service principal alone, with the scope `all-apis`, and no groups assumed; what a refused ID token is told is"
        " what clients have shown"
    ),
    "POST jobs/runs/submit": f"{_TASKS}; {_WHO}",
    "GET jobs/runs/get": "resolved values of a loop's iterations only",
    "POST jobs/create": f"{_TASKS}; {_WHO}; jobs that are started by hand only: a schedule has to be paused",
    "POST jobs/update": "removes whole fields only",
    "POST clusters/create": f"runs at once, unless a test has set how long a start takes; {_PLAIN_CLUSTERS}",
    "POST workspace/import": "a notebook and a file that were one file on this machine are refused; a workspace takes both",
    "GET workspace/export": "no folders",
    "GET jobs/runs/export": "cells and results as public exports have them; how one that exits is written was in none",
    "POST dbfs/put": "JSON only",
    "POST secrets/scopes/create": "no scopes of a key vault",
    "POST fs/create-download-url": _NO_CLOUD,
    "POST fs/create-upload-part-urls": _NO_CLOUD,
    "POST fs/create-abort-upload-url": _NO_CLOUD,
    "PATCH unity-catalog/permissions/{securable_type}/{full_name}": "binds the service principal; the user may do all",
    "POST mlflow/unity-catalog/model-versions/emit-lineage": "taken, and shown nowhere",
    "PATCH mlflow/unity-catalog/registered-models/update": "no other name",
    "DELETE, GET, PATCH, POST mlflow/{rest:path}": _TRACKING,
}
"""By call without its version: what is known to be other than on a workspace."""

CONTRACTS = DOCS.parent / "tests" / "rehearsal" / "contracts"
"""Where answers that `nbh record` wrote down on a real workspace belong; a test holds the rehearsal to them."""

_NOT_VERIFIED = "not verified"
_NONE_VERIFIED = "**No answer was recorded on a real workspace, and no line\nhas been verified on one yet.**"
_SOME_VERIFIED = (
    "**What is verified says when `nbh record` wrote\ndown answers of a real workspace, which a test holds the rehearsal to;"
    " nothing else has been\ncompared with one.**"
)


def verified() -> dict[str, str]:
    """By call, its places nameless: when its answers were recorded on a real workspace; a rehearsal's own don't count."""
    real = [one for one in read_all(CONTRACTS) if one.of == WORKSPACE]
    return {one.call: f"verified, recorded on {one.on}" for one in sorted(real, key=lambda one: one.on)}


class UnknownCallError(Exception):
    """A call is served, and nothing says who makes it; or a line is about a call that isn't served."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the page."""

    call: str
    client: str
    shape: str
    note: str = ""

    def text(self, known: Mapping[str, str]) -> str:
        """It as a row of the table; ``known`` is what `verified` gives."""
        told = known.get(_places(self.call), _NOT_VERIFIED) if self.shape != _OWN else "none has it"
        cells = [f"`{self.call}`", self.client, self.shape, told, self.note]
        return "| " + " | ".join(cells) + " |\n"


def routes() -> list[Route]:
    """The calls of REST, from the rehearsal itself."""
    with tempfile.TemporaryDirectory() as folder:
        asked = {"token": "", "client_id": "", "client_secret": "", "space": "none"}
        return routes_of(workspace_of(Place(Path(folder)), asked, host="https://127.0.0.1"))


def call_of(route: Route) -> str:
    """A route as its line names it; HEAD goes with GET."""
    methods = sorted(set(route.methods or ()) - {"HEAD"}) or ["HEAD"]
    return f"{', '.join(methods)} {route.path}"


def lines(served: Iterable[Route]) -> list[Line]:
    """One line for each call of REST.

    Raises:
        UnknownCallError: Of a call nobody says who makes it.
    """
    known = {**_of_sdk(), **_of_mlflow()}
    newest = {_bare(call): found for call, found in sorted(known.items())}
    made = []
    for call in map(call_of, served):
        note = _NOTES.get(_bare(call), "")
        if call in _OTHERS:
            client, shape = _OTHERS[call]
        elif _plain(call) in known:
            client, shape = known[_plain(call)]
        elif _bare(_plain(call)) in newest:
            client, shape = newest[_bare(_plain(call))]
            client = f"older clients' {client}"
        else:
            raise UnknownCallError(
                f"{call}: no client that is read names it; add its service to _SERVICES, or say in _OTHERS who makes this call"
            )
        made.append(Line(call, client, shape or "MLflow's own server code answers", note))
    return made


def spark_lines() -> list[Line]:
    """One line for each call of Spark Connect.

    Raises:
        UnknownCallError: Of a call nobody says who makes it.
    """
    if set(_SPARK) != METHODS:
        raise UnknownCallError(f"_SPARK and spark_calls.METHODS differ by {sorted(set(_SPARK) ^ METHODS)}")
    from pyspark.sql.connect.proto import base_pb2

    service = base_pb2.DESCRIPTOR.services_by_name["SparkConnectService"]
    answers = {method.name: f"Spark's `{method.output_type.name}`" for method in service.methods}
    notes = dict.fromkeys(OPENING | {"ReattachExecute"}, _COMPUTE)
    notes["AnalyzePlan"] += f"; {_VERSION}"
    return [Line(f"{SERVICE}{name}", client, answers[name], notes.get(name, "")) for name, client in _SPARK.items()]


def page() -> str:
    """The page as it should be.

    Raises:
        UnknownCallError: Of a call nobody says who makes it, or a line is about one that is gone.
    """
    found, spark = lines(routes()), spark_lines()
    calls = {line.call for line in [*found, *spark]}
    known = verified()
    gone = [*(set(_OTHERS) - calls), *(set(_NOTES) - set(map(_bare, calls))), *(set(known) - set(map(_places, calls)))]
    if gone:
        raise UnknownCallError(f"the script has lines on calls that are not served: {sorted(gone)}")
    control = [line for line in found if f" {CONTROL}" in line.call]
    rest = [line for line in found if line not in control]
    parts = {"REST": rest, "Spark Connect": spark, "The rehearsal's own calls, for tests": control}
    head = _HEAD.replace("{verified}", _SOME_VERIFIED if known else _NONE_VERIFIED)
    for name, link in _LINKS.items():
        head = head.replace(name, link)
    return head + "".join(
        _TABLE.format(title=title) + "".join(line.text(known) for line in part) for title, part in parts.items()
    )


def _plain(call: str) -> str:
    """A call with its places in the path nameless, as two sources name them differently."""
    return re.sub(r"/?\{[^}]*\}", "/{}", call)


def _places(call: str) -> str:
    """A call with its places nameless, as `nbh record` writes it."""
    return re.sub(r"\{[^}]*\}", "{}", call)


def _bare(call: str) -> str:
    """A call without the version of its API."""
    return re.sub(r" /api/[\d.]+/", " ", call)


def _of_sdk() -> Mapping[str, tuple[str, str]]:
    """By call: the methods of the SDK's client that make it, and the class that reads its answer."""
    from databricks.sdk import WorkspaceClient

    found: dict[str, tuple[str, str]] = {}
    for name, member in sorted(vars(WorkspaceClient).items()):
        if not isinstance(member, property) or member.fget is None:
            continue
        for service in inspect.getmro(get_type_hints(member.fget).get("return", object)):
            if service.__module__ not in _SERVICES:
                continue
            for method, call, model in _calls_in(service):
                client, shape = found.get(call, ("", ""))
                told = f"{service.__module__.rpartition('.')[2]}.{model}" if model else ""
                found[call] = (", ".join(filter(None, [client, f"`w.{name}.{method}`"])), shape or told)
    return {
        call: (client, f"SDK's `{shape}`" if shape else "no fields, as in the SDK") for call, (client, shape) in found.items()
    }


def _calls_in(service: type) -> Iterator[tuple[str, str, str]]:
    for name, function in vars(service).items():
        if name.startswith("_") or not inspect.isfunction(function) or "_api.do(" not in (text := inspect.getsource(function)):
            continue
        tree = ast.parse(textwrap.dedent(text))
        models = re.findall(r"(\w+)\.from_dict\(", text)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "self._api.do" and len(node.args) > 1:
                path = ast.unparse(node.args[1]).removeprefix("f")[1:-1]
                yield name, _plain(f"{ast.literal_eval(node.args[0])} {path}"), models[-1] if models else ""


def _of_mlflow() -> Mapping[str, tuple[str, str]]:
    """By call on models in Unity Catalog: the method of MLflow's client that makes it, and the message of its answer."""
    from mlflow import MlflowClient
    from mlflow.protos.databricks_uc_registry_service_pb2 import UcModelRegistryService
    from mlflow.utils import rest_utils

    service: Any = UcModelRegistryService
    calls: Any = rest_utils
    answers = {method.input_type.name: method.output_type for method in service.DESCRIPTOR.methods}
    found = {}
    for request, (path, verb) in calls.extract_api_info_for_service(service, "/api/2.0").items():
        answer = answers[request.DESCRIPTOR.name]
        name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", request.DESCRIPTOR.name.removesuffix("Request")).lower()
        client = (
            f"`MlflowClient.{name}`" if hasattr(MlflowClient, name) else "MLflow's client, as a model is registered or read"
        )
        found[f"{verb} {path}"] = (client, f"MLflow's `{answer.name}`" if answer.fields else "no fields, as in MLflow")
    return found


if __name__ == "__main__":
    raise SystemExit(write_or_check(PAGE, page, about=__doc__))
