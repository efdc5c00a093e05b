from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from workspaces import FakeWorkspace, lost

from harness.environments import Compute, Environment
from harness.errors import SettingsError
from harness.remote.compute import Computes
from harness.remote.errors import ClusterError, NotAllowedError, UnreachableError, WorkspaceFaultError
from harness.remote.removal import remove
from harness.remote.state import SharedRun

SPEC = {"spark_version": "17.3.x-scala2.13", "num_workers": 1, "custom_tags": {"team": "churn"}, "conf": {"a": (1, 2)}}
NAME = "nbh-churn-run1-e2030010100"


@pytest.fixture
def ws():
    """A workspace in memory."""
    return FakeWorkspace()


@pytest.fixture
def shared():
    """The folder of a run."""
    return SharedRun("run1", about={"host": "https://pps.example.com"})


@pytest.fixture
def make(ws, shared):
    """Make what gives runs their compute."""

    def computes(compute, **more):
        return Computes(Environment("pps", compute=compute, **more), ws, shared, name=NAME)

    return computes


def test_all_runs_share_one_cluster(ws, shared, make):
    """It is in the ledger before it is made, tagged, named, and ends by itself."""
    noted = []
    ws.before = lambda name, *_: noted.extend(shared.ledger.entries()) if name == "create_cluster" else None
    computes = make(Compute("new", spec=SPEC))

    task, submission = computes.keys()
    again, _ = make(Compute("new", spec=SPEC)).keys()

    [made] = ws.clusters_made.values()
    assert task == again == {"existing_cluster_id": made["cluster_id"]}
    assert submission == {}
    assert [entry.name for entry in noted] == [NAME]
    assert [entry.id for entry in shared.ledger.entries()] == [made["cluster_id"]]
    assert made["cluster_name"] == NAME
    assert made["custom_tags"] == {"team": "churn", "nbh": NAME}
    assert made["autotermination_minutes"] == 20
    assert made["conf"] == {"a": [1, 2]}
    assert "cluster_name" not in SPEC
    assert computes.starts == 1


def test_a_cluster_always_ends_by_itself(ws, make):
    """0 would mean never."""
    make(Compute("new", spec={**SPEC, "autotermination_minutes": 0})).keys()

    assert [one["autotermination_minutes"] for one in ws.clusters_made.values()] == [20]


def test_threads_make_one_cluster(ws, make):
    """However many ask at once."""
    computes = make(Compute("new", spec=SPEC))
    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(lambda _: computes.keys()[0]["existing_cluster_id"], range(16)))

    assert len(set(keys)) == len(ws.clusters_made) == 1


_WORKER = """
import sys
sys.path.insert(0, sys.argv[1])
from workspaces import FakeWorkspace
from harness.environments import Compute, Environment
from harness.remote.compute import Computes
from harness.remote.state import SharedRun
ws = FakeWorkspace()
computes = Computes(Environment("pps", compute=Compute("new", spec={})), ws, SharedRun("run1", about={}), name="nbh-x")
print(computes.keys()[0]["existing_cluster_id"], len(ws.clusters_made), computes.starts)
"""


def test_processes_make_one_cluster(ws, make):
    """Those of one run find what another of them made."""
    computes = make(Compute("new", spec=SPEC))
    ours = computes.keys()[0]["existing_cluster_id"]
    folder = __file__.rpartition("/")[0]

    found = subprocess.run([sys.executable, "-c", _WORKER, folder], capture_output=True, text=True, check=True).stdout

    assert found == f"{ours} 0 1\n"


def test_a_cluster_that_was_made_twice_is_one(ws, shared, make):
    """The answer was lost and the call made again: only the one that is known stays."""
    create = ws.create_cluster
    ws.create_cluster = lambda spec: (create(spec), create(spec))[1]

    task, _ = make(Compute("new", spec=SPEC)).keys()

    assert list(ws.clusters_made) == [task["existing_cluster_id"]]


def test_a_cluster_whose_answer_was_lost_is_found_again(ws, shared, make):
    """The next try takes it; without one the ledger keeps its name, and its removal finds it by that."""
    computes = make(Compute("new", spec=SPEC))

    def after(name, *_):
        if name == "create_cluster":
            raise lost()

    ws.after = after
    with pytest.raises(UnreachableError):
        computes.keys()
    ws.after = lambda *_: None
    assert [(entry.name, entry.id) for entry in shared.ledger.entries()] == [(NAME, "")]

    task, _ = make(Compute("new", spec=SPEC)).keys()
    assert list(ws.clusters_made) == [task["existing_cluster_id"]]
    assert [entry.id for entry in shared.ledger.entries()] == [task["existing_cluster_id"]]
    assert not remove(shared.ledger.entries(), ws, shared.ledger).left
    assert ws.clusters_made == {}


def test_a_cluster_that_the_workspace_failed_to_make_is_made_by_the_next_try(ws, shared, make):
    """With the same token, in case that it was made after all."""
    computes = make(Compute("new", spec=SPEC))
    fail = iter([True])

    def before(name, *_):
        if name == "create_cluster" and next(fail, False):
            raise WorkspaceFaultError("500", cause="oops", mend="wait")

    ws.before = before
    with pytest.raises(WorkspaceFaultError):
        computes.keys()
    computes.keys()

    assert len(ws.clusters_made) == len(shared.ledger.entries()) == computes.starts == 1


def test_a_cluster_that_is_refused_is_told(ws, shared, make):
    """Nothing was made, and nothing is left in the ledger."""

    def before(name, *_):
        if name == "create_cluster":
            raise NotAllowedError("no", cause="quota", mend="ask for CAN CREATE")

    ws.before = before
    with pytest.raises(ClusterError, match=r"NBH343 the cluster of this run can't be made(.|\n)*quota(.|\n)*CAN CREATE"):
        make(Compute("new", spec=SPEC)).keys()
    assert shared.ledger.entries() == []


def test_a_cluster_that_is_gone_is_made_anew(ws, make):
    """Only if it is gone, and once for all runs that were lost with it."""
    computes = make(Compute("new", spec=SPEC))
    first = computes.keys()[0]["existing_cluster_id"]
    computes.failed(first)
    assert computes.keys()[0]["existing_cluster_id"] == first

    ws.clusters_made[first]["state"] = "TERMINATED"
    computes.failed(first)
    second = computes.keys()[0]["existing_cluster_id"]
    computes.failed(first)

    assert second != first
    assert computes.keys()[0]["existing_cluster_id"] == second
    assert computes.starts == 2


def test_each_run_may_bring_a_cluster_of_its_own(ws, make):
    """Then none is made beforehand."""
    task, _ = make(Compute("new", spec=SPEC, share="never"), libraries=({"pypi": {"package": "x"}},)).keys()

    assert task["new_cluster"]["custom_tags"]["nbh"] == NAME
    assert "cluster_name" not in task["new_cluster"]
    assert task["libraries"] == [{"pypi": {"package": "x"}}]
    assert ws.clusters_made == {}


def test_serverless_takes_environments(make):
    """And no libraries, which it would not install."""
    environments = ({"environment_key": "default", "spec": {"client": "3"}},)

    assert make(Compute()).keys() == ({}, {})
    assert make(Compute(), environments=environments).keys() == (
        {"environment_key": "default"},
        {"environments": [{"environment_key": "default", "spec": {"client": "3"}}]},
    )
    with pytest.raises(SettingsError, match="serverless compute takes packages from environments alone"):
        make(Compute(), libraries=({"pypi": {"package": "x"}},))


def test_an_existing_cluster_is_looked_at(ws, make):
    """Missing, a job's own, another's: each is told; an ended one is a note."""
    with pytest.raises(ClusterError, match="the cluster 'nope' isn't there"):
        make(Compute("existing", cluster_id="nope")).check(ws.me())

    cluster_id = ws.create_cluster({"cluster_name": "shared"})
    computes = make(Compute("existing", cluster_id=cluster_id))
    assert computes.check(ws.me()) == ()
    assert computes.keys() == ({"existing_cluster_id": cluster_id}, {})
    ws.clusters_made[cluster_id]["state"] = "TERMINATED"
    assert computes.check(ws.me()) == ("the cluster shared is terminated: the first run starts it",)
    ws.clusters_made[cluster_id].update(single_user_name="other@example.com", data_security_mode="SINGLE_USER")
    with pytest.raises(ClusterError, match=r"dedicated to other@example\.com"):
        computes.check(ws.me())
    ws.clusters_made[cluster_id].update(single_user_name="Me@Example.com", data_security_mode="DATA_SECURITY_MODE_DEDICATED")
    assert len(computes.check(ws.me())) == 1
    ws.clusters_made[cluster_id].update(cluster_source="JOB")
    with pytest.raises(ClusterError, match="a job cluster"):
        computes.check(ws.me())
