from __future__ import annotations

import itertools
import random
import threading
import time

import pytest
from workspaces import FakeWorkspace, lost
from worlds import FOLDER, NAME, World

from harness.remote.errors import ClusterError, NotAllowedError, SignInError, WorkspaceFaultError
from harness.remote.outcome import Sent
from harness.remote.poller import ATTEMPTS, LOST_AFTER_S, STOPPING_S, Poller
from harness.remote.removal import remove
from harness.remote.runs import Request
from harness.remote.slots import Slots
from harness.remote.state import SharedRun


@pytest.fixture
def world():
    """A world of its own for each test."""
    return World()


def test_a_run_goes_out_as_it_should(world):
    """Nothing on the workspace may try it again by itself; it ends there whatever becomes of us; it is in the ledger first."""
    noted = []
    world.ws.before = lambda name, *_: noted.extend(world.shared.ledger.entries()) if name == "submit" else None
    world.submit(day="2026-11-28")
    world.run_for(1)

    [run] = world.ws.runs_made.values()
    body = run["body"]
    task = body["tasks"][0]
    assert task == {
        "task_key": "notebook",
        "notebook_task": {
            "notebook_path": "/Workspace/f/jobs/etl",
            "base_parameters": {"day": "2026-11-28"},
            "source": "WORKSPACE",
        },
        "max_retries": 0,
        "retry_on_timeout": False,
        "disable_auto_optimization": True,
        "existing_cluster_id": "c1",
    }
    assert body["timeout_seconds"] == 1500
    assert body["run_name"].startswith(f"{NAME} jobs/etl.py ")
    [entry] = noted
    assert (entry.kind, entry.name, entry.facts) == ("run", body["run_name"], {"token": body["idempotency_token"]})
    assert world.shared.ledger.entries()[0].id == str(run["run_id"])


def test_a_job_goes_out_as_one_run(world):
    """It is in the ledger first, and struck out with its end; each task has its own."""
    noted = []
    world.ws.before = lambda name, *_: noted.extend(world.shared.ledger.entries()) if name == "submit" else None
    handle = world.submit_job()
    world.run_for(1)
    [run_id] = world.run_ids
    world.ws.finish(run_id, {"notebook_output": {"result": "x"}})
    world.run_for(10)

    end = handle.result()
    assert [entry.kind for entry in noted] == ["run"]
    assert world.shared.ledger.entries() == []
    assert end.ended == "passed"
    assert {key: task.ended for key, task in end.tasks.items()} == {"load": "exited", "check": "passed", "train": "exited"}


def test_a_job_that_the_platform_lost_is_not_tried_again(world):
    """Tasks that had passed would run twice."""
    handle = world.submit_job()
    world.run_for(1)
    for task in world.ws.runs_made[world.run_ids[0]]["tasks"]:
        task["cluster_instance"] = {"cluster_id": "c1"}
    world.ws.finish(world.run_ids[0], {}, "FAILED", code="CLOUD_FAILURE", kind="CLOUD_FAILURE", message="no machines")
    world.run_for(60)

    assert handle.result().ended == "infrastructure_failed"
    assert len(world.run_ids) == 1
    assert world.lost_clusters == ["c1"]  # the next run needs another


@pytest.mark.parametrize(
    ("output", "ended"), [({"notebook_output": {}}, "passed"), ({"notebook_output": {"result": "x"}}, "exited")]
)
def test_a_finished_run_is_seen_soon_and_struck_out(world, output, ended):
    """Within 10 seconds at one call a second."""
    handle = world.submit()
    world.run_for(30)
    world.ws.set_state(world.run_ids[0], "RUNNING")
    world.run_for(100)
    world.ws.finish(world.run_ids[0], output)
    at = world.time.now
    while not handle.is_done:
        world.run_for(0.5)

    assert world.time.now - at <= 10
    assert handle.result().ended == ended
    assert handle.link.endswith(f"/run/{world.run_ids[0]}")
    assert world.shared.ledger.entries() == []
    assert any("is running" in message for message in world.messages)


@pytest.mark.parametrize("count", [1, 5, 20, 60])
def test_waiting_takes_at_most_one_call_a_second(count):
    """However many runs are on, and each is still seen within 10 seconds."""
    world = World(slots=100)
    handles = [world.submit(f"n{number}.py") for number in range(count)]
    world.run_for(5)
    assert len(world.run_ids) == count
    calls = []
    world.ws.before = lambda name, *_: calls.append((world.time.now, name))
    world.run_for(120)
    assert 0 < len(calls) <= 121
    assert all(later - earlier >= 0.999 for (earlier, _), (later, _) in itertools.pairwise(calls))

    ended_at = {}
    generator = random.Random(count)
    for run_id in world.run_ids:
        after = generator.uniform(0, 200)
        ended_at[run_id] = world.time.now + after
        world.at(after, lambda run_id=run_id: world.ws.finish(run_id, {"notebook_output": {}}))
    seen_at = {}
    while len(seen_at) < count:
        world.run_for(0.5)
        for handle, run_id in zip(handles, world.run_ids, strict=True):
            if handle.is_done:
                seen_at.setdefault(run_id, world.time.now)
    assert max(seen_at[run_id] - ended_at[run_id] for run_id in ended_at) <= 10


@pytest.mark.parametrize("runs_of_each", [1, 2, 12])
def test_processes_of_a_run_ask_no_oftener_together(runs_of_each):
    """Four pollers take turns: at most a call a second of all, and each run's end is still seen within 10 seconds."""
    first = World(slots=100, me="gw0")
    worlds = [first, *(World(slots=100, beside=first, me=f"gw{number}") for number in (1, 2, 3))]
    of_run, ended_at, seen_at = {}, {}, {}
    for world in worlds:
        for number in range(runs_of_each):
            handle = world.submit(f"n{number}.py")
            world.poller.step()
            of_run[handle.facts()["run_id"]] = handle
    assert len(of_run) == 4 * runs_of_each
    calls = []
    first.ws.before = lambda name, *_: calls.append((first.time.now, name))
    generator = random.Random(runs_of_each)
    due = dict.fromkeys(range(4), first.time.now)

    def run_until(stop):
        while first.time.now < stop:
            number = min(due, key=due.get)
            first.time.now = max(first.time.now, due[number])
            # A process wakes a little after it wanted to.
            due[number] = first.time.now + max(worlds[number].poller.step(), 0.001) + generator.uniform(0, 0.02)

    run_until(first.time.now + 120)
    assert len(calls) > 60
    assert all(later - earlier >= 0.999 for (earlier, _), (later, _) in itertools.pairwise(calls))

    start = first.time.now
    plan = sorted((start + generator.uniform(0, 100), run_id) for run_id in of_run)
    while len(seen_at) < len(of_run):
        run_until(first.time.now + 0.25)
        while plan and plan[0][0] <= first.time.now:
            at, run_id = plan.pop(0)
            ended_at[run_id] = at
            first.ws.finish(run_id, {"notebook_output": {}})
        for run_id, handle in of_run.items():
            if handle.is_done:
                seen_at.setdefault(run_id, first.time.now)
    assert max(seen_at[run_id] - ended_at[run_id] for run_id in of_run) <= 10


def test_a_long_run_is_asked_for_less_often(world):
    """Still within 10 seconds."""
    world.submit(timeout_s=5000)
    world.run_for(10)
    world.ws.set_state(world.run_ids[0], "RUNNING")
    world.run_for(1000)
    world.ws.calls.clear()
    world.run_for(100)

    assert 15 <= len(world.ws.calls) <= 25


def test_others_runs_cost_no_call_too_many():
    """Where a list is longer than our runs are many, they are asked for one by one."""
    world = World()
    for number in range(8):
        world.submit(f"n{number}.py")
    world.run_for(3)
    for number in range(500):
        world.ws.submit({"run_name": "another's", "idempotency_token": f"o{number}", "tasks": [{"task_key": "t"}]})
    world.run_for(60)
    world.ws.calls.clear()
    world.run_for(60)

    assert world.ws.count("run") > world.ws.count("runs_page")
    assert len(world.ws.calls) <= 61


def test_only_so_many_are_on_at_once():
    """The next goes out when one ends; processes of one run share the slots."""
    shared = SharedRun("run1", about={})
    one, other = World(slots=3, shared=shared), World(slots=3, shared=shared)
    for number in range(4):
        one.submit(f"n{number}.py")
        other.submit(f"m{number}.py")
    one.run_for(5)
    other.run_for(5)
    assert (len(one.run_ids), len(other.run_ids)) == (3, 0)

    one.ws.finish(one.run_ids[0], {"notebook_output": {}})
    one.ws.finish(one.run_ids[1], {"notebook_output": {}})
    one.run_for(5)
    other.run_for(5)
    assert len(one.run_ids) + len(other.run_ids) == 5


def test_fifty_jobs_take_hardly_longer_than_they_must():
    """Eight at once, against the ideal schedule."""
    world = World(slots=8)
    generator = random.Random(1)
    took = {}
    submit = world.ws.submit

    def submit_and_plan(body):
        run_id = submit(body)
        took.setdefault(run_id, generator.uniform(60, 240))
        world.at(took[run_id], lambda: world.ws.finish(run_id, {"notebook_output": {}}))
        return run_id

    world.ws.submit = submit_and_plan
    handles = [world.submit(f"n{number}.py") for number in range(50)]
    start = world.time.now
    while not all(handle.is_done for handle in handles):
        world.run_for(1)

    free = [0.0] * 8
    for seconds in took.values():
        at = free.index(min(free))
        free[at] += seconds
    assert len(took) == 50
    assert (world.time.now - start) / max(free) <= 1.1


def test_an_answer_that_was_lost_is_asked_for_again_by_its_token(world):
    """The run is one, and its result is found."""
    lose = iter([True, True])

    def after(name, *_):
        if name == "submit" and next(lose, False):
            raise lost()

    world.ws.after = after
    handle = world.submit()
    world.run_for(60)
    world.ws.finish(world.run_ids[0], {"notebook_output": {}})
    world.run_for(20)

    assert len(world.run_ids) == 1
    assert world.ws.count("submit") == 3
    assert handle.result().passed


def test_a_submission_that_is_never_answered_is_unknown(world):
    """It stays in the ledger, and the sweep ends it."""

    def after(name, *_):
        if name == "submit":
            raise lost()

    world.ws.after = after
    handle = world.submit()
    world.run_for(LOST_AFTER_S + 60)
    world.ws.after = lambda *_: None

    assert handle.result().ended == "infrastructure_failed"
    assert handle.result().error.startswith("NBH392")
    assert len(world.run_ids) == 1
    remove(world.shared.ledger.entries(), world.ws, world.shared.ledger)
    assert world.ws.runs_made[world.run_ids[0]]["state"]["result_state"] == "CANCELED"


@pytest.mark.parametrize("kind", [NotAllowedError, ClusterError])
def test_a_refused_submission_is_an_error_of_its_test(world, kind):
    """At once, and nothing is left in the ledger; the others go on."""
    before = {"refuse": True}

    def refuse(name, *args):
        if name == "submit" and before.pop("refuse", False):
            raise kind("no", cause="because", mend="ask")

    world.ws.before = refuse
    handle, other = world.submit(), world.submit("b.py")
    world.run_for(2)

    with pytest.raises(kind, match="no"):
        handle.result()
    assert [entry.name.split()[1] for entry in world.shared.ledger.entries()] == ["b.py"]
    assert not other.is_done


def test_a_cluster_that_cannot_be_made_is_an_error_of_its_test(world):
    """Nothing was submitted."""

    def keys():
        raise ClusterError("no cluster", cause="quota", mend="ask")

    world.keys = keys
    handle = world.submit()
    world.run_for(2)

    with pytest.raises(ClusterError, match="quota"):
        handle.result()


def test_lost_contact_costs_no_result(world):
    """The run goes on without us, and what it gave is found when the workspace answers again."""
    handle = world.submit()
    world.run_for(5)
    gone = {"on": True}

    def before(name, *_):
        if gone["on"]:
            raise WorkspaceFaultError("500", cause="oops", mend="wait")

    world.ws.before = before
    world.run_for(60)
    world.ws.finish(world.run_ids[0], {"notebook_output": {"result": "x"}})
    world.run_for(60)
    assert not handle.is_done
    gone["on"] = False
    world.run_for(20)

    assert handle.result().exit_value == "x"


def test_contact_that_stays_lost_is_unknown_and_swept(world):
    """Never a pass, although the notebook passed."""
    handle = world.submit()
    world.run_for(5)

    def before(*_):
        raise lost()

    world.ws.before = before
    world.ws.finish(world.run_ids[0], {"notebook_output": {}})
    world.run_for(LOST_AFTER_S + 30)

    assert handle.result().ended == "infrastructure_failed"
    assert handle.result().run_id == world.run_ids[0]
    assert len(world.shared.ledger.entries()) == 1


def test_a_sign_in_that_ends_meanwhile_is_told_sooner(world):
    """What became of the run isn't known, and the result says why."""
    handle = world.submit()
    world.run_for(5)

    def before(*_):
        raise SignInError("pps doesn't take the sign-in", cause="the token expired", mend="sign in again")

    world.ws.before = before
    world.run_for(90)

    assert handle.result().ended == "infrastructure_failed"
    assert "the token expired" in handle.result().error
    assert len(world.shared.ledger.entries()) == 1


def test_an_output_that_cannot_be_read_at_once_is_asked_for_again(world):
    """A run that is said to have passed without one is red."""
    fail = iter([True, True])

    def before(name, *_):
        if name == "output" and next(fail, False):
            raise lost()

    world.ws.before = before
    handle = world.submit()
    world.run_for(5)
    world.ws.finish(world.run_ids[0], {"notebook_output": {}})
    world.run_for(30)
    assert handle.result().passed

    other = world.submit()
    world.run_for(5)
    world.ws.finish(world.run_ids[1])
    del world.ws.outputs[world.run_ids[1] * 10]
    world.run_for(20)
    assert other.result().ended == "infrastructure_failed"


def test_a_run_that_somebody_deleted_is_told(world):
    """It has an error of its own."""
    handle = world.submit()
    world.run_for(5)
    world.ws.runs_made.clear()
    world.run_for(10)

    assert handle.result().error.startswith("NBH390")
    assert world.shared.ledger.entries() == []


def test_a_run_that_takes_too_long_is_cancelled_there(world):
    """Its time counts from when it runs, not from when its cluster starts."""
    handle = world.submit(timeout_s=100)
    world.run_for(300)
    world.ws.set_state(world.run_ids[0], "RUNNING")
    world.run_for(90)
    assert world.ws.count("cancel") == 0
    world.run_for(30)

    assert world.ws.count("cancel") == 1
    assert handle.result().ended == "timed_out"
    assert world.shared.ledger.entries() == []


def test_a_run_that_never_starts_is_nobodys_error_in_it(world):
    """It is cancelled, too."""
    handle = world.submit(start_s=100)
    world.run_for(130)

    assert handle.result().ended == "infrastructure_failed"
    assert "wasn't ready after 100 s" in handle.result().error
    assert world.ws.count("cancel") == 1


def test_a_run_that_does_not_end_stays_in_the_ledger(world):
    """The workspace takes the call, and nothing comes of it."""
    world.ws.cancel = lambda run_id: None
    handle = world.submit(timeout_s=10)
    world.run_for(2)
    world.ws.set_state(world.run_ids[0], "RUNNING")
    world.run_for(30 + STOPPING_S)

    assert handle.result().ended == "timed_out"
    assert len(world.shared.ledger.entries()) == 1


def test_a_cancel_that_is_lost_is_called_again(world):
    """Until it is taken."""
    lose = iter([True, True, True])

    def before(name, *_):
        if name == "cancel" and next(lose, False):
            raise lost()

    world.ws.before = before
    handle = world.submit()
    world.run_for(3)
    handle.cancel()
    world.run_for(20)

    assert handle.result().ended == "cancelled"
    assert handle.result().error


def test_what_was_cancelled_before_it_went_out_never_goes(world):
    """It is no run."""
    handle = world.submit()
    handle.cancel()
    world.run_for(2)

    assert world.run_ids == []
    assert (handle.result().ended, handle.result().error) == ("cancelled", "it was cancelled before it was submitted")


def test_what_the_platform_lost_is_tried_again_and_shown(world):
    """As a new run with a token of its own; the cluster it was lost with is told."""
    handle = world.submit()
    world.run_for(3)
    first = world.run_ids[0]
    world.ws.runs_made[first]["tasks"][0]["cluster_instance"] = {"cluster_id": "c1"}
    world.ws.finish(first, None, "FAILED", code="CLOUD_FAILURE", kind="CLOUD_FAILURE", message="preempted")
    world.run_for(10)
    second = world.run_ids[1]
    world.ws.finish(second, {"notebook_output": {"result": "x"}})
    world.run_for(10)

    run = handle.result()
    assert (run.ended, run.run_id, run.retried) == ("exited", second, ("CLOUD_FAILURE, CLOUD_FAILURE: preempted",))
    assert world.lost_clusters == ["c1"]
    assert len(world.ws.tokens) == 2
    assert world.shared.ledger.entries() == []


def test_it_is_not_tried_for_ever(world):
    """The last attempt's outcome stands."""
    handle = world.submit()
    for _ in range(ATTEMPTS):
        world.run_for(10)
        world.ws.finish(world.run_ids[-1], None, "FAILED", code="CLUSTER_ERROR", kind="CLOUD_FAILURE")
    world.run_for(10)

    assert len(world.run_ids) == ATTEMPTS
    assert handle.result().ended == "infrastructure_failed"
    assert len(handle.result().retried) == ATTEMPTS - 1


def test_the_notebooks_own_failure_is_never_tried_again(world):
    """Nor anything that isn't known to be the platform's fault."""
    for how in (
        {"code": "RUN_EXECUTION_ERROR", "kind": "CLIENT_ERROR"},
        {"code": "DRIVER_ERROR", "kind": "INTERNAL_ERROR"},
        {"code": "BRAND_NEW", "kind": "INTERNAL_ERROR"},
        {},
    ):
        before = len(world.run_ids)
        handle = world.submit()
        world.run_for(3)
        world.ws.finish(world.run_ids[-1], {"error": "E: x"}, "FAILED", **how)
        world.run_for(20)
        assert len(world.run_ids) == before + 1
        assert not handle.result().passed


# -- the thread ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def poller():
    """A poller as it is used, fast."""
    shared = SharedRun("run1", about={})
    ws = FakeWorkspace()
    made = Poller(ws, shared, Slots(shared.folder / "slots", 4), calls_per_s=200.0)
    made.ws, made.shared = ws, shared
    yield made
    made.close(patience_s=5)


def request(path="a.py"):
    """A run to be."""
    return Request(Sent(path, {}, (), FOLDER), f"{FOLDER}/a", NAME, {}, 60.0, lambda: ({}, {}))


def test_the_thread_brings_results_back(poller):
    """While the tests wait."""

    def after(name, *args):
        if name == "submit":
            poller.ws.finish(list(poller.ws.runs_made)[-1], {"notebook_output": {}})

    poller.ws.after = after
    handles = [poller.submit(request(f"n{number}.py")) for number in range(10)]

    assert [handle.result().ended for handle in handles] == ["passed"] * 10
    assert sum(thread.name == "nbh-poller" for thread in threading.enumerate()) == 1


def test_closing_ends_all_runs(poller):
    """On the workspace, too; what waited never goes out."""
    handles = [poller.submit(request(f"n{number}.py")) for number in range(6)]
    until = time.monotonic() + 5
    while len(poller.ws.runs_made) < 4 and time.monotonic() < until:
        time.sleep(0.01)
    poller.close(patience_s=5)

    assert [handle.result().ended for handle in handles] == ["cancelled"] * 6
    assert len(poller.ws.runs_made) == 4
    assert {run["state"]["result_state"] for run in poller.ws.runs_made.values()} == {"CANCELED"}
    assert poller.shared.ledger.entries() == []
    with pytest.raises(RuntimeError, match="closing"):
        poller.submit(request())


def test_no_test_waits_for_ever(poller):
    """Where the harness itself fails, each run says so."""

    def before(name, *_):
        if name == "run":
            raise ZeroDivisionError("a fault of ours")

    poller.ws.before = before
    handle = poller.submit(request())

    assert handle.result().ended == "infrastructure_failed"
    assert "ZeroDivisionError: a fault of ours" in handle.result().error
    assert len(poller.shared.ledger.entries()) == 1


def test_an_interrupt_cancels_the_run_there(poller, monkeypatch):
    """And goes on to pytest."""
    handle = poller.submit(request())
    while not poller.ws.runs_made:
        time.sleep(0.005)

    def interrupted(_timeout):
        raise KeyboardInterrupt

    monkeypatch.setattr(handle._job.ended, "wait", interrupted, raising=False)
    with pytest.raises(KeyboardInterrupt):
        handle.result()
    monkeypatch.undo()
    assert handle.result().ended == "cancelled"
