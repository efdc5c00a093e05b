"""What stays on a workspace after a run: of one that was killed at a seeded moment nothing after a sweep, and what was kept."""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from own_rehearsal import rehearsal

from harness.commands import sweep
from harness.rehearsal.clients import clients_of
from harness.remote.client import connect
from harness.remote.errors import MissingError
from harness.remote.ledger import Ledger
from harness.remote.marks import TAG
from harness.remote.state import state_folder
from harness.remote.sweep import of_ledgers

__all__ = ["rehearsal"]

SEEDS = range(int(os.environ.get("NBH_SEEDS", "10")))
HEADER = "# Databricks notebook source\n"
SPEC = {"spark_version": "17.3.x-scala2.13", "node_type_id": "Standard_D4ds_v5", "num_workers": 1}
TESTS = """
def test_all_kinds(uc, make_schema, make_table, run_notebook):
    slow = run_notebook.submit("slow.py", widgets={"schema": uc.schema}, timeout_s=1)
    uc.make_table(name="orders", rows=[{"id": 1}])
    volume = uc.make_volume(name="landing")
    (volume.folder / "a.csv").write_text("id")
    make_schema()
    make_table(schema_name="keep", columns="id int")
    assert run_notebook("quick.py").exit_value == "done"
    assert slow.result().outcome == "timed_out"


def test_another(uc):
    uc.make_table(name="orders", rows=[{"id": 1}])
"""
RED = """
import pytest


def test_red(uc, make_catalog, make_table, run_notebook):
    with pytest.raises(Exception, match="abfss"):
        make_catalog(name="never", managed_location="abfss://a@lake.dfs.core.windows.net/here")
    with pytest.raises(Exception, match="nope"):
        make_table(name="never", schema_name="keep", ctas="SELECT nope")
    uc.make_table(name="orders", rows=[{"id": 1}])
    make_table(name="loose", schema_name="keep", columns="id int")
    assert run_notebook("quick.py").exit_value == "something else"


def test_green(uc):
    uc.make_table(name="orders", rows=[{"id": 1}])
"""
SETTINGS = """
[tool.nbh.env.trial]
host = "{host}"
catalog = "main"
compute = {{ spark_version = "{spark_version}", node_type_id = "{node_type_id}", num_workers = 1 }}
"""
_LONGEST_S = 30.0


@pytest.fixture(scope="module")
def project(rehearsal, tmp_path_factory):
    """Tests that make a thing of each kind."""
    folder = tmp_path_factory.mktemp("churn")
    (folder / "pyproject.toml").write_text(SETTINGS.format(host=rehearsal.host, **SPEC))
    (folder / "slow.py").write_text(HEADER + "import time\ntime.sleep(600)\n")
    (folder / "quick.py").write_text(HEADER + "from lib import done\ndbutils.notebook.exit(done)\n")
    (folder / "lib.py").write_text('done = "done"\n')
    (folder / "test_all.py").write_text(TESTS)
    (folder / "test_red.py").write_text(RED)
    return folder


@pytest.fixture(scope="module")
def killed_run(rehearsal, project):
    """A function that has a pytest run end at its n-th call; gives its exit status and how many calls it had made."""
    script = Path(__file__).with_name("killed_runs.py")
    process = subprocess.Popen(
        [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    trusted = str(rehearsal.ca)
    signed_in = {
        "DATABRICKS_TOKEN": rehearsal.token,
        "REQUESTS_CA_BUNDLE": trusted,
        "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": trusted,
    }

    def run(calls, when, delay_s, state, *arguments):
        environment = {**signed_in, "NBH_STATE_DIR": str(state), "DATABRICKS_CONFIG_FILE": os.devnull}
        told = {"calls": calls, "when": when, "delay_s": delay_s, "folder": str(project), "environment": environment}
        told["arguments"] = arguments or ["test_all.py"]
        process.stdin.write(json.dumps(told) + "\n")
        answer = json.loads(process.stdout.readline())
        return answer["status"], answer["calls"]

    yield run
    process.stdin.close()
    process.wait(20)
    process.stdout.close()


@pytest.fixture
def workspace(rehearsal):
    """Signed in to it."""
    with clients_of(rehearsal):
        yield connect(rehearsal.host)


@pytest.fixture(scope="module")
def calls_of_a_run(killed_run, project, others, tmp_path_factory):
    """How many calls a run makes that nobody ends; it is green, and writes into a schema of others, too."""
    status, calls = killed_run(0, "", 0, tmp_path_factory.mktemp("state"))
    assert status == 0, (project / "log").read_text()
    return calls


class There:
    """What is on the workspace, as its own calls tell it."""

    def __init__(self, workspace):
        home = f"/Workspace/Users/{workspace.me().name}"
        self.folders = set()
        for folder in (home, f"{home}/.nbh"):
            with contextlib.suppress(MissingError):
                self.folders |= {f"/Workspace{one['path']}" for one in workspace.list_folder(folder)}
        self.folders -= {f"{home}/.nbh"}
        self.schemas = {f"main.{one['name']}" for one in workspace.schemas("main")}
        self.tables = set()
        if "main.keep" in self.schemas:
            self.tables = {str(one.full_name) for one in workspace.client.tables.list("main", "keep")}
        self.clusters = {str(one["cluster_name"]) for one in workspace.clusters() if one["state"] in {"RUNNING", "PENDING"}}
        self.runs = {str(one["run_name"]) for one in workspace.runs_page(since_ms=0, active_only=True)[0]}

    @property
    def all(self):
        """Every name."""
        return self.folders | self.schemas | self.tables | self.clusters | self.runs


@pytest.fixture(scope="module")
def others(rehearsal):
    """What isn't of a killed run of ours, though some of it looks like it."""
    with clients_of(rehearsal):
        workspace = connect(rehearsal.host)
        me = workspace.me().name
        later = time.strftime("%Y%m%d%H", time.gmtime(time.time() + 7200))
        for path in (
            f"/Workspace/Users/{me}/mine",
            f"/Workspace/Users/{me}/.nbh/notes",
            f"/Workspace/Users/{me}/.nbh/nbh-x-abcd-e1",
        ):
            workspace.make_folder(path)
        for name in ("keep", "nbh_mine", "nbh_other_abcd1234_e9", f"nbh_of_another_run_abcd1234_e{later}"):
            workspace.client.schemas.create(name, "main")
        workspace.create_cluster({**SPEC, "cluster_name": "nbh-mine", "custom_tags": {TAG: "another name"}})
        return There(workspace).all


def swept(project, **how):
    """What `nbh sweep --env trial --json` says."""
    out = io.StringIO()
    sweep.run(str(project), name="trial", as_json=True, out=out, tell=lambda _: None, **how)
    told = json.loads(out.getvalue())
    assert not told["failed"]
    return {one["name"] for one in told["removed"]}


def settled(workspace):
    """What is there once the workspace has done what it was asked before the kill."""
    until, before = time.monotonic() + _LONGEST_S, None
    while (now := There(workspace).all) != before:
        assert time.monotonic() < until
        before = now
        time.sleep(0.05)
    return now


@pytest.fixture
def moment(killed_run, calls_of_a_run, project, tmp_path):
    """A function that has a run killed at the moment that a seed chooses."""

    def run(seed):
        chosen = random.Random(seed)
        calls, when = chosen.randint(1, calls_of_a_run), chosen.choice(["before", "sent", "sent", "after"])
        status, made = killed_run(calls, when, chosen.uniform(0, 0.1), tmp_path / "state")
        if status != -9:  # it made fewer calls than the run that was counted, or its last ones took less than the delay
            assert status == 0, (project / "log").read_text()
            assert made <= calls or when == "sent"

    return run


@pytest.mark.parametrize("seed", SEEDS)
def test_all_that_a_killed_run_left_is_swept(seed, moment, workspace, others, project):
    """The sweep names all of it, removes all of it, and then finds nothing; what isn't the run's is as it was."""
    assert There(workspace).all == others
    moment(seed)
    left = settled(workspace) - others
    runs = {name for name in left if ".py " in name}

    assert left <= swept(project, is_dry=True)
    assert left - runs <= There(workspace).all  # the dry run took nothing; runs end by themselves
    assert left <= swept(project, is_dry=False)
    assert settled(workspace) == others
    assert swept(project, is_dry=False) == set()


def test_what_another_machine_left_in_any_catalog_is_swept(workspace, others, project, tmp_path):
    """No ledger here names it: a catalog of ours goes, and our schemas in other catalogs; not in a protected one."""
    client, past = workspace.client, time.strftime("%Y%m%d%H", time.gmtime(time.time() - 7200))
    marked = f"nbh_far_abcd1234_e{past}"
    for name in (marked, "elsewhere", "guarded"):
        client.catalogs.create(name)
    for catalog in ("elsewhere", "guarded"):
        for name in (marked, "nbh_mine"):
            client.schemas.create(name, catalog)
    (tmp_path / "pyproject.toml").write_text((project / "pyproject.toml").read_text() + 'protected_catalogs = ["guarded"]\n')
    project = tmp_path
    try:
        assert swept(project, is_dry=True) == {marked, f"elsewhere.{marked}"}
        assert marked in {one["name"] for one in workspace.catalogs()}
        assert swept(project, is_dry=False) == {marked, f"elsewhere.{marked}"}
        assert marked not in {one["name"] for one in workspace.catalogs()}
        assert {one["name"] for one in workspace.schemas("elsewhere")} >= {"nbh_mine", "default"}
        assert {one["name"] for one in workspace.schemas("guarded")} >= {marked, "nbh_mine"}
        assert swept(project, is_dry=False) == set()
    finally:
        for name in ("elsewhere", "guarded"):
            workspace.delete_catalog(name)
    assert settled(workspace) == others


def test_what_was_never_made_is_not_said_to_be_removed(workspace, others, project):
    """A run was killed after it had written down what it was about to make: the ledger goes, and nothing is claimed."""
    folder = state_folder() / "dead"
    folder.mkdir()
    ledger = Ledger(folder / "ledger.jsonl", about={"host": workspace.host})
    for kind, name in (
        *(("catalog", "never"), ("schema", "main.never"), ("folder", "/Workspace/Users/never"), ("cluster", "nbh-never")),
        *((kind, "main.keep.never") for kind in ("table", "view", "volume", "function")),
        ("schema", "main.made"),
    ):
        ledger.note(kind, name)
    workspace.client.schemas.create("made", "main")

    assert swept(project, is_dry=True) == {"main.made"}
    assert swept(project, is_dry=False) == {"main.made"}
    assert not folder.exists()
    assert settled(workspace) == others


def test_at_a_terminal_it_is_shown_and_asked_for(workspace, others, project):
    """A no leaves all as it is; a yes removes what was shown."""
    folder = state_folder() / "asked"
    folder.mkdir()
    Ledger(folder / "ledger.jsonl", about={"host": workspace.host}).note("schema", "main.made")
    workspace.client.schemas.create("made", "main")
    asked = []

    def said(*, answer):
        out = io.StringIO()

        def ask(count):
            asked.append((count, out.getvalue()))
            return answer

        done = sweep.run(str(project), name="trial", is_dry=False, as_json=False, out=out, tell=lambda _: None, ask=ask)
        return done, out.getvalue().splitlines()[1:]

    assert said(answer=False) == (False, ["nothing was removed"])
    assert settled(workspace) - others == {"main.made"}
    assert said(answer=True) == (True, ["removed schema main.made"])
    assert asked == [(1, "would remove schema main.made\n")] * 2
    assert settled(workspace) == others


def test_what_a_red_test_made_is_kept_for_a_day(killed_run, workspace, others, project):
    """The run says how to look at it; a sweep leaves it until its time has passed, unless it is told otherwise."""
    assert settled(workspace) == others

    status, _ = killed_run(0, "", 0, os.environ["NBH_STATE_DIR"], "test_red.py", "--nbh-keep=failed")

    assert status == 1
    told = (project / "log").read_text()
    (schema,) = settled(workspace) - others - {"main.keep.loose"}
    assert workspace.client.tables.get(f"{schema}.orders").name == "orders"
    assert workspace.client.tables.get("main.keep.loose").name == "loose"
    assert f"{workspace.host}/explore/data/{schema.replace('.', '/')}\n" in told
    assert f"{workspace.host}/explore/data/main/keep/loose\n" in told
    assert f"  run: {workspace.host}/" in told
    assert "test_green:" not in told
    assert "catalog never" not in told
    assert "table main.keep.never" not in told

    assert swept(project, is_dry=False) == set()
    assert swept(project, is_dry=True, with_kept=True) == {schema, "main.keep.loose"}
    (later,) = of_ledgers(host=workspace.host, now=lambda: time.time() + 26 * 3600)
    assert {entry.name for entry in later.entries} == {schema, "main.keep.loose"}
    assert swept(project, is_dry=False, with_kept=True) == {schema, "main.keep.loose"}
    assert settled(workspace) == others
