"""Faults at any call of any run, by seed: no false green, no lost result, no double run, nothing left after a sweep."""

# The methods of the chaos say by their names what they do.
# ruff: noqa: D102

from __future__ import annotations

import os
import random

import pytest
from workspaces import lost
from worlds import World

from harness.remote.errors import RateLimitError, SignInError, WorkspaceFaultError
from harness.remote.poller import ATTEMPTS, LOST_AFTER_S, STOPPING_S
from harness.remote.removal import remove

SEEDS = range(int(os.environ.get("NBH_SEEDS", "50")))
PLATFORM = ("CLUSTER_ERROR", "CLOUD_FAILURE", "INTERNAL_ERROR")


class Chaos:
    """What a seed makes of a workspace: each run has a course of its own, and calls fail at will."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.world = World(slots=self.random.randint(1, 4))
        self.rate = self.random.choice([0.0, 0.1, 0.3, 0.6])
        self.faults_left = self.random.randint(0, 40)
        self.truth = {}  # by notebook: how its last attempt ends
        self.started = {}  # by notebook: how many runs there were
        self.lost_attempts = {}
        self.world.ws.before = self.before
        self.world.ws.after = self.after
        submit = type(self.world.ws).submit.__get__(self.world.ws)  # without the faults, which are met around it
        self.world.ws.submit = lambda body: self.plan(body, submit)

    def fails(self):
        if self.faults_left and self.random.random() < self.rate:
            self.faults_left -= 1
            return True
        return False

    def before(self, *_):
        if self.fails():
            kind = self.random.choice([RateLimitError, WorkspaceFaultError, SignInError, None])
            if kind is SignInError and self.random.random() < 0.7:
                kind = WorkspaceFaultError
            raise lost() if kind is None else kind("no", cause="a fault", mend="wait")

    def after(self, *_):
        if self.fails():
            raise lost()

    def plan(self, body, submit):
        known = set(self.world.ws.runs_made)
        run_id = submit(body)
        if run_id in known:
            return run_id
        path = body["run_name"].split()[1]
        self.started[path] = self.started.get(path, 0) + 1
        end = self.random.choice(["passed", "exited", "failed", "platform", "driver", "hang", "never starts"])
        ws, begins = self.world.ws, self.random.uniform(0, 60)
        if end == "never starts":
            self.truth[path] = "infrastructure_failed"
            return run_id
        self.world.at(begins, lambda: self.is_on(run_id) and ws.set_state(run_id, "RUNNING"))
        how = {
            "passed": ({"notebook_output": {}}, "SUCCESS", {}),
            "exited": ({"notebook_output": {"result": path}}, "SUCCESS", {}),
            "failed": ({"error": "E: x"}, "FAILED", {"code": "RUN_EXECUTION_ERROR", "kind": "CLIENT_ERROR"}),
            "platform": ({}, "FAILED", {"code": self.random.choice(PLATFORM), "kind": "CLOUD_FAILURE"}),
            "driver": ({}, "FAILED", {"code": "DRIVER_ERROR", "kind": "INTERNAL_ERROR"}),
        }.get(end)
        if how is None:
            self.truth[path] = "timed_out"
            return run_id
        self.truth[path] = {"platform": "infrastructure_failed", "driver": "infrastructure_failed"}.get(end, end)
        self.lost_attempts[path] = self.lost_attempts.get(path, 0) + (end == "platform")
        output, result, more = how
        self.world.at(
            begins + self.random.uniform(0, 80), lambda: self.is_on(run_id) and ws.finish(run_id, output, result, **more)
        )
        return run_id

    def is_on(self, run_id):
        return self.world.ws.runs_made[run_id]["state"]["life_cycle_state"] in {"PENDING", "RUNNING"}

    def on(self):
        return [run_id for run_id in self.world.ws.runs_made if self.is_on(run_id)]

    def sweep(self):
        self.rate = 0.0
        return remove(self.world.shared.ledger.entries(), self.world.ws, self.world.shared.ledger)


@pytest.mark.parametrize("seed", SEEDS)
def test_faults_at_any_call(seed):
    """What is told is what became of the notebook, or that it isn't known."""
    chaos = Chaos(seed)
    paths = [f"n{number}.py" for number in range(chaos.random.randint(1, 5))]
    handles = {path: chaos.world.submit(path, timeout_s=200, start_s=200) for path in paths}
    chaos.world.run_for(len(paths) * ATTEMPTS * (400 + STOPPING_S + 2 * LOST_AFTER_S))

    for path, handle in handles.items():
        assert handle.is_done
        if handle._job.error is not None:
            assert isinstance(handle._job.error, SignInError)  # refused at once, nothing of it may be on after the sweep
            continue
        run = handle.result()
        truth = chaos.truth.get(path)
        assert run.ended in {truth, "infrastructure_failed"}, (run, truth)
        if run.ended == "exited":
            assert run.exit_value == path
        if run.ended == "infrastructure_failed" and truth != "infrastructure_failed":
            assert run.error.startswith("NBH392"), run
        assert chaos.started.get(path, 0) == 1 + len(run.retried) or run.error.startswith("NBH392")
        assert len(run.retried) <= chaos.lost_attempts.get(path, 0)
        assert chaos.started.get(path, 0) <= ATTEMPTS
    assert not chaos.sweep().left
    assert chaos.on() == []
    assert chaos.world.shared.ledger.entries() == []


@pytest.mark.parametrize("seed", SEEDS)
def test_killed_at_any_moment(seed):
    """Whatever is on then is found by the sweep."""
    chaos = Chaos(10_000 + seed)
    for number in range(chaos.random.randint(1, 5)):
        chaos.world.submit(f"n{number}.py", timeout_s=200, start_s=200)
    chaos.world.run_for(chaos.random.uniform(0, 150))

    assert not chaos.sweep().left
    assert chaos.on() == []


@pytest.mark.parametrize("seed", SEEDS)
def test_faults_at_any_call_of_jobs(seed):
    """The same for runs of many tasks, which are never tried again: one that passed would run twice."""
    chaos = Chaos(20_000 + seed)
    names = [f"job{number}" for number in range(chaos.random.randint(1, 4))]
    handles = {name: chaos.world.submit_job(name, timeout_s=200, start_s=200) for name in names}
    chaos.world.run_for(len(names) * (400 + STOPPING_S + 2 * LOST_AFTER_S))

    for name, handle in handles.items():
        assert handle.is_done
        assert chaos.started.get(name, 0) <= 1
        if handle._job.error is not None:
            assert isinstance(handle._job.error, SignInError)
            continue
        run, truth = handle.result(), chaos.truth.get(name)
        assert run.ended in {{"exited": "passed"}.get(truth, truth), "infrastructure_failed"}, (run, truth)
        if run.ended == "infrastructure_failed" and truth != "infrastructure_failed":
            assert run.error.startswith("NBH392"), run
    assert not chaos.sweep().left
    assert chaos.on() == []
    assert chaos.world.shared.ledger.entries() == []
