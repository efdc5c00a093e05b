"""Faults at any step of a run on a workspace that truly runs it, by seed and over TLS: what is told is what became of it.

No false green, no lost result, no notebook that ran twice for one result, and nothing left after a sweep. Each notebook leaves
a mark of its own on dbfs whenever it begins, so that how often it ran is counted where it ran.
"""

from __future__ import annotations

import contextlib
import os
import random
import time
from dataclasses import dataclass
from functools import partial

import pytest
import requests
from databricks.sdk.clock import RealClock
from own_rehearsal import rehearsal

from harness.environments import Compute, Environment
from harness.rehearsal.clusters import EXISTING
from harness.rehearsal.faults import OF_CALLS, OF_SUBJECTS
from harness.remote import poller, sweep
from harness.remote.client import connect
from harness.remote.errors import MissingError, RemoteError, SignInError
from harness.remote.removal import is_ours
from harness.remote.session import Remote
from harness.remote.state import state_folder

__all__ = ["rehearsal"]

HEADER = "# Databricks notebook source\n"
SPEC = {"spark_version": "17.3.x-scala2.13", "node_type_id": "Standard_D4ds_v5", "num_workers": 1}
NOTEBOOK = (
    HEADER
    + """import time, uuid
import lib.ends

# COMMAND ----------

mark = dbutils.widgets.get("mark")
dbutils.fs.put(f"dbfs:/marks/{mark}/{uuid.uuid4()}", "")
time.sleep(0.1)

# COMMAND ----------

if lib.ends.how(mark) == "failed":
    1 / 0
if lib.ends.how(mark) == "exited":
    dbutils.notebook.exit(mark)
"""
)
ENDS = 'def how(mark):\n    return mark.partition("-")[0]\n'
STEPS = (
    "/oidc/v1/token",
    "*/scim/v2/Me",
    "*/workspace/mkdirs",
    "*/workspace/import",
    "*/clusters/create",
    "*/runs/submit",
    "*/runs/get",
    "*/runs/get-output",
    "*/runs/export",
    "*/workspace/delete",
    "*/clusters/permanent-delete",
)
"""What a run calls from its sign-in to its end; the last two once it is over."""
WAYS = ("pat", "oauth-m2m", "azure-devops-oidc")
"""A personal token, which can't be renewed; one of a sign-in, for an hour; and one that is new at each call."""
UPLOADS = ("*/etl", "*/ends.py", "*")
KINDS = (*OF_CALLS, *OF_SUBJECTS)
UNSURE = {"cluster_lost"}
"""After these nobody can know what a notebook would have given: the driver may have died of it."""
SEEDS = range(int(os.environ.get("NBH_SEEDS", str(3 * len(KINDS)))))
COMPUTES = (Compute("new", spec=SPEC), Compute("new", spec=SPEC, share="never"), Compute("existing", EXISTING))


@dataclass
class Case:
    """What a seed makes: a fault, where it is met, on what compute and by which sign-in, and how the notebooks end."""

    kind: str
    fault: dict
    compute: Compute
    way: str
    marks: list[str]

    @property
    def is_ended(self):
        """Whether the sign-in has ended for good."""
        return self.kind == "token_expired" and self.way == "pat"


def case_of(seed):
    """Every kind in turn, and of calls each step in turn."""
    dice = random.Random(seed)
    kind = KINDS[seed % len(KINDS)]
    fault = {"kind": kind, "after": dice.choice([0, 0, 0, 1]), "times": dice.choice([1, 1, 2])}
    if kind == "token_expired":  # a sign-in that isn't taken when it is new is none
        fault["times"] = 1
    if kind in OF_CALLS:
        fault["path"] = STEPS[(seed // len(KINDS) + 3 * (seed % len(KINDS))) % len(STEPS)]
        fault["seconds"] = {"slow": 0.3, "too_many_requests": 1}.get(kind, 0)
    elif kind == "half_written":
        fault["path"] = dice.choice(UPLOADS)
    else:
        fault |= {"path": "*", "seconds": dice.choice([0, 0.1, 0.4])}
        fault["after"] = 0
    ends = [dice.choice(["exited", "passed", "failed"]) for _ in range(dice.randint(1, 2))]
    marks = [f"{end}-{seed}-{number}" for number, end in enumerate(ends)]
    ways = WAYS[1:] if fault["path"] == STEPS[0] else WAYS
    return Case(kind, fault, dice.choice(COMPUTES), dice.choice(ways), marks)


@pytest.fixture
def drive(rehearsal, monkeypatch):
    """Drive it; its faults are gone after the test. Clients wait a twentieth of what they would before they ask again."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(rehearsal.ca))
    monkeypatch.setattr(RealClock, "sleep", lambda _, seconds: time.sleep(seconds / 20))
    monkeypatch.setattr(poller, "NO_SIGN_IN_S", 0.3)

    def call(method, at, **body):
        headers = {"Authorization": f"Bearer {rehearsal.token}"}
        more = {"params": body} if method == "GET" else {"json": body}
        answer = requests.request(method, rehearsal.host + at, headers=headers, verify=str(rehearsal.ca), timeout=20, **more)
        assert answer.ok or answer.status_code == 404, answer.text
        return answer.json() if answer.ok else {}

    yield call
    call("DELETE", "/rehearsal/faults")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A notebook and a module of it."""
    folder = tmp_path_factory.mktemp("churn")
    (folder / "lib").mkdir()
    (folder / "etl.py").write_text(NOTEBOOK)
    (folder / "lib" / "__init__.py").write_text("")
    (folder / "lib" / "ends.py").write_text(ENDS)
    return folder


def sign_in(rehearsal, drive, way, monkeypatch):
    """Set the variables of a way to sign in: as the workspace's user by its token, or as the service principal."""
    variables = {"DATABRICKS_AUTH_TYPE": way, "DATABRICKS_CLIENT_ID": rehearsal.client_id}
    if way == "pat":
        variables = {"DATABRICKS_TOKEN": rehearsal.token}
    elif way == "oauth-m2m":
        variables["DATABRICKS_CLIENT_SECRET"] = rehearsal.client_secret
    else:
        variables |= drive("POST", "/rehearsal/pipelines", kind="azure-devops")["variables"]
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def begun(drive, mark):
    """How often a notebook has begun, by what it left."""
    return len(drive("GET", "/api/2.0/dbfs/list", path=f"/marks/{mark}").get("files") or ())


def tried(call):
    """What a call gives, or the error that stood in its way."""
    try:
        return call()
    except RemoteError as error:
        return error


def check_told(case, mark, told, starts):
    """That what is told is the truth, or that it isn't known where it can't be."""
    truth = mark.partition("-")[0]
    if isinstance(told, RemoteError):
        assert case.is_ended, told
        assert isinstance(told, SignInError)
        assert starts == 0
        return
    if told.ended == "infrastructure_failed":
        assert case.is_ended or case.kind in UNSURE, told.error
        assert told.error.startswith("NBH392") or case.kind in UNSURE, told.error
        assert not told.passed
        assert starts <= 1
        return
    assert told.ended == truth, told
    assert told.exit_value == (mark if truth == "exited" else None)
    assert told.passed is (truth != "failed")
    assert 1 <= starts <= 1 + len(told.retried)
    assert not told.retried or case.kind in {"preempted", "cluster_refused"}


def on(workspace):
    """What of ours is there, once what was cancelled has had the time to end."""
    until = time.monotonic() + 20
    while True:
        found = [one["run_name"] for one in workspace.runs_page(since_ms=0, active_only=True)[0] if is_run(one)]
        found += [one["cluster_id"] for one in workspace.clusters() if is_ours(one) and one["state"] != "TERMINATED"]
        with contextlib.suppress(MissingError):
            found += [one["path"] for one in workspace.list_folder(f"/Workspace/Users/{workspace.me().name}/.nbh")]
        if not found or time.monotonic() > until:
            return found
        time.sleep(0.05)


def is_run(facts):
    """Whether it is a run of ours."""
    return facts["run_name"].startswith("nbh-")


@pytest.mark.parametrize("seed", SEEDS)
def test_a_fault_at_any_step(rehearsal, drive, project, monkeypatch, seed):
    """Of every kind; the fault stays in the way while it is cleaned up, and is over when it is swept."""
    case = case_of(seed)
    sign_in(rehearsal, drive, case.way, monkeypatch)
    remote = Remote(Environment("rehearsal", host=rehearsal.host, compute=case.compute, concurrency=2), project)
    drive("POST", "/rehearsal/faults", **case.fault)

    handles = {mark: tried(partial(remote.submit, "etl.py", {"mark": mark}, 60)) for mark in case.marks}
    results = {mark: one if isinstance(one, RemoteError) else tried(one.result) for mark, one in handles.items()}
    if case.fault["path"] == "*/runs/export":
        for told in results.values():
            cells = tried(lambda told=told: len(told.cells))
            assert isinstance(cells, RemoteError) or cells == 3
    remote.close()
    drive("DELETE", "/rehearsal/faults")
    for left in sweep.of_ledgers(host=rehearsal.host):
        assert not sweep.take_away(left, connect(rehearsal.host)).left

    assert on(connect(rehearsal.host)) == [], case
    assert not list(state_folder().iterdir())
    for mark, told in results.items():
        check_told(case, mark, told, begun(drive, mark))


def test_every_kind_is_met():
    """A kind that is new is among the cases, and so are all steps."""
    cases = [case_of(seed) for seed in range(len(KINDS) * len(STEPS))]

    assert {case.kind for case in cases} == {*OF_CALLS, *OF_SUBJECTS}
    assert {(case.kind, case.fault["path"]) for case in cases if case.kind in OF_CALLS} == {
        (kind, step) for kind in OF_CALLS for step in STEPS
    }
