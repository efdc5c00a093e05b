"""What a workspace costs beside the notebooks' own time: cluster starts, waiting, calls, uploads; measured on the rehearsal."""

from __future__ import annotations

import json
import os
import random
import statistics
import sys
import time
from typing import TYPE_CHECKING, Any

from benchmarks.measure import ROOT, BenchmarkError, Figure, pytest_command, wall_s
from benchmarks.projects import write

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

TESTS = 20
JOBS, AT_ONCE = 50, 8
FILES = 500
LIMITS = {"*/workspace/import": 30, "*/workspace/export": 60, "*/workspace/[gml]*": 30}
"""Calls a second that a workspace takes, as its page of limits tells of import and export; of the others no more is taken."""

_HEADER = "# Databricks notebook source\n"
_SETTINGS = """[tool.nbh.env.rehearsal]
compute = { spark_version = "17.3.x-scala2.13", node_type_id = "Standard_D4ds_v5", num_workers = 1 }
"""
_DECLARED = """
@pytest.mark.nbh_run("n{n}.py")
def test_{n}(notebook_run):
    assert notebook_run.exit_value == "{n}"
"""
_ONE_BY_ONE = """
@pytest.mark.parametrize("number", range({count}))
def test_one(run_notebook, number):
    began = time.perf_counter()
    run = run_notebook("n0.py")
    assert run.exit_value == "0"
    with open("overhead", "a") as file:
        file.write(f"{{time.perf_counter() - began - run.duration_s}}\\n")
"""
_STARTS = """
import pytest

@pytest.fixture(scope="session", autouse=True)
def _starts(rehearsal):
    yield
    client = rehearsal.client()
    starts = client.api_client.do("GET", "/rehearsal/clusters")["starts"]
    ours = [one.cluster_id for one in client.clusters.list() if one.cluster_name.startswith("nbh-")]
    with open("starts", "w") as file:
        file.write(str(sum(starts[one] for one in ours)))
"""


def figures(folder: Path, _peers: None) -> Iterator[Figure]:
    """Count and time; what waits for a workspace is stepped on a clock of its own, so that hours take a second."""
    yield from _notebook_tests(folder)
    yield from _waiting(folder)
    yield _schedule(folder)
    yield from _closure(folder)


def _notebook_tests(folder: Path) -> Iterator[Figure]:
    count = 8
    root = write(
        folder / "remote",
        {
            **{f"n{n}.py": f"{_HEADER}dbutils.notebook.exit('{n}')\n" for n in range(TESTS)},
            "pyproject.toml": _SETTINGS,
            "conftest.py": _STARTS,
            "test_a.py": "import pytest\n" + "".join(_DECLARED.format(n=n) for n in range(TESTS)),
            "test_b.py": "import time\nimport pytest\n" + _ONE_BY_ONE.format(count=count),
        },
    )
    command = pytest_command("--databricks-env=rehearsal")
    # As in CI it has a rehearsal of its own, in which no other run has started a cluster.
    wall_s(command, root, expect=f"{TESTS + count} passed", env={"CI": "true", "NBH_SPARK_IDLE_MINUTES": ""})
    starts = int((root / "starts").read_text())
    if not starts:
        raise BenchmarkError("no cluster was started, though notebooks ran on one")
    yield Figure(f"cluster starts for {TESTS} notebook tests on one job-cluster spec", starts, "starts", 1)
    overhead = [float(line) for line in (root / "overhead").read_text().split()]
    yield Figure(
        "overhead per job beyond the notebook's own time, on the rehearsal",
        statistics.median(overhead), "s", 1, {"ours": overhead},
        ("from the call of run_notebook to its result, less the run's duration as the workspace tells it",),
    )  # fmt: skip


def _world(folder: Path, slots: int) -> Any:
    """The poller that is stepped by hand, with the workspace in memory that its tests have."""
    there = str(ROOT / "tests" / "remote")
    if there not in sys.path:
        sys.path.insert(0, there)
    from worlds import World  # type: ignore[import-not-found]  # of the tests

    from harness.remote.state import SharedRun

    return World(slots=slots, shared=SharedRun(f"bench{slots}", about={}, state=folder))


def _waiting(folder: Path) -> Iterator[Figure]:
    """Sixty runs that end at random, at one call a second; and the SDK's own waiter for the same ends."""
    world, count = _world(folder, 100), 60
    handles = [world.submit(f"n{n}.py", timeout_s=1500) for n in range(count)]
    world.run_for(5)
    began, world.ws.calls[:] = world.time.now, []
    generator = random.Random(1)  # noqa: S311 -- repeatable, no secret
    ends = {run_id: began + generator.uniform(30, 900) for run_id in world.run_ids}
    for run_id, end in ends.items():
        world.at(end - world.time.now, lambda run_id=run_id: world.ws.finish(run_id, {"notebook_output": {}}))
    seen: dict[int, float] = {}
    while len(seen) < count:
        world.run_for(0.25)
        for handle, run_id in zip(handles, world.run_ids, strict=True):
            if handle.is_done:
                seen.setdefault(run_id, world.time.now)
    late = [seen[run_id] - ends[run_id] for run_id in ends]
    theirs = [_sdk_waiter(end - began, seed) for seed, end in enumerate(ends.values())]
    yield Figure(
        "from a run's end to its result shown, 60 runs at once, at the real poll rate", max(late), "s", 10,
        {"ours": late}, ("the longest; on a clock that is stepped",),
    )  # fmt: skip
    yield Figure(
        "  the SDK's own waiter, one run", max(theirs), "s", None, {"SDK": theirs}, ("the longest, without its output",)
    )
    yield Figure(
        "REST calls a second while 60 runs are waited for", len(world.ws.calls) / (world.time.now - began), "calls/s", 1
    )


def _sdk_waiter(after_s: float, seed: int) -> float:
    """How late databricks-sdk's waiter sees a run's end: its own code, on a clock that its sleeps put forward."""
    from types import SimpleNamespace
    from unittest import mock

    from databricks.sdk.service import jobs

    generator, now = random.Random(seed), [0.0]  # noqa: S311 -- repeatable, no secret

    def get_run(_self: object, run_id: int) -> Any:  # noqa: ARG001 -- by its name
        state = jobs.RunLifeCycleState.TERMINATED if now[0] >= after_s else jobs.RunLifeCycleState.RUNNING
        return SimpleNamespace(state=SimpleNamespace(life_cycle_state=state, state_message=""))

    def sleep(seconds: float) -> None:
        now[0] += seconds

    clock = SimpleNamespace(time=lambda: now[0], sleep=sleep)
    with (
        mock.patch.object(jobs, "time", clock),
        mock.patch.object(jobs, "random", SimpleNamespace(random=generator.random)),
        mock.patch.object(jobs.JobsAPI, "get_run", get_run),
    ):
        jobs.JobsAPI(mock.Mock()).wait_get_run_job_terminated_or_skipped(1)
    return now[0] - after_s


def _schedule(folder: Path) -> Figure:
    """Fifty jobs of one to four minutes against the schedule that hands each to whoever is free."""
    world = _world(folder, AT_ONCE)
    generator = random.Random(1)  # noqa: S311 -- repeatable, no secret
    took: dict[int, float] = {}
    submit = world.ws.submit

    def submit_and_plan(body: Any) -> int:
        run_id = int(submit(body))
        took.setdefault(run_id, generator.uniform(60, 240))
        world.at(took[run_id], lambda: world.ws.finish(run_id, {"notebook_output": {}}))
        return run_id

    world.ws.submit = submit_and_plan
    handles = [world.submit(f"n{n}.py") for n in range(JOBS)]
    began = world.time.now
    while not all(handle.is_done for handle in handles):
        world.run_for(1)
    ideal = _ideal(list(took.values()))
    return Figure(f"{JOBS} jobs, {AT_ONCE} at once, against the ideal schedule", (world.time.now - began) / ideal, "x", 1.1)


def _ideal(took: Sequence[float]) -> float:
    free = [0.0] * AT_ONCE
    for seconds in took:
        at = free.index(min(free))
        free[at] += seconds
    return max(free)


def _closure(folder: Path) -> Iterator[Figure]:
    """Upload a notebook that imports 500 modules, under the limits of a workspace's API, and again unchanged."""
    from databricks.sdk import WorkspaceClient

    from harness.environments import Compute, Environment
    from harness.rehearsal import control
    from harness.rehearsal.clients import clients_of
    from harness.remote.session import Remote
    from harness.settings import Settings

    modules = {f"many/m{n}.py": f"x = {n}\n" for n in range(FILES)}
    notebook = _HEADER + "".join(f"import many.m{n}\n" for n in range(FILES))
    root = write(folder / "closure", {**modules, "many/__init__.py": "", "a.py": notebook})
    running = control.start(Settings(str(root)), owner=os.getpid())
    try:
        with clients_of(running):
            for path, per_s in LIMITS.items():
                WorkspaceClient().api_client.do("POST", "/rehearsal/limits", body={"path": path, "per_s": per_s})
            remote = Remote(Environment("bench", host=running.host, catalog="main", compute=Compute()), root)
            try:
                remote.check()
                sender = remote._made_ready().sender  # noqa: SLF001 -- what a run of the notebook would begin with
                for which, limit, sent in (("first", 60, FILES + 2), ("second", 3, 0)):
                    began = time.perf_counter()
                    closure = remote.closure("a.py")
                    found = sender.folders.uploader(closure).upload(closure)
                    took = time.perf_counter() - began
                    if found.sent != sent:
                        raise BenchmarkError(f"{found.sent} files were sent where {sent} were to be")
                    note = json.dumps(LIMITS) if which == "first" else "unchanged"
                    what = f"closure of {FILES} files uploaded under the API's rate limits, {which} time"
                    yield Figure(
                        what, took, "s", limit, {}, (f"calls a second that are taken: {note}",) if which == "first" else ()
                    )
            finally:
                remote.close()
    finally:
        control.stop(running)


if __name__ == "__main__":
    from benchmarks.__main__ import main

    sys.exit(main(["--only", "remote"]))
