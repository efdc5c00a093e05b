"""A job that has another of its bundle run: a run in the run, with its own parameters and task values, and how it ends."""

from __future__ import annotations

import json

import pytest

HEADER = "# Databricks notebook source\n"
GIVES = 'dbutils.jobs.taskValues.set("n", 1)\ndbutils.notebook.exit(dbutils.widgets.get("day"))'


@pytest.fixture
def bundle(tmp_path):
    """Write a bundle of an outer and an inner job, and its notebooks; gives the outer's file."""

    def write(outer, inner, **notebooks):
        for name, text in notebooks.items():
            (tmp_path / f"{name}.py").write_text(HEADER + text + "\n")
        (tmp_path / "databricks.yml").write_text("include: [inner.json, outer.json]\n")
        for name, tasks, parameters in (("outer", outer, []), ("inner", inner, [{"name": "day", "default": "monday"}])):
            job = {"tasks": tasks, "parameters": parameters}
            (tmp_path / f"{name}.json").write_text(json.dumps({"resources": {"jobs": {name: job}}}))
        return tmp_path / "outer.json"

    return write


def notebook(key, *after, **more):
    """A task that runs the notebook of its name."""
    return {
        "task_key": key,
        "depends_on": [{"task_key": one} for one in after],
        "notebook_task": {"notebook_path": f"{key}.py"},
        **more,
    }


def runs(key="retrain", *after, day=None):
    """A task that runs the inner job."""
    its = {"job_id": "${resources.jobs.inner.id}", **({"job_parameters": {"day": day}} if day else {})}
    return {"task_key": key, "depends_on": [{"task_key": one} for one in after], "run_job_task": its}


def test_its_tasks_are_run(run_job, bundle):
    """With what it is given, else its own defaults; its result is there whole, and what it sets is its own."""
    asks = 'dbutils.jobs.taskValues.get("gives", "n", default="none", debugValue="none")'
    day = "{{tasks.first.values.day}}"
    first = "dbutils.jobs.taskValues.set('day', 'friday')"

    run = run_job(
        bundle([notebook("first"), runs("retrain", "first", day=day), runs("plain"), notebook("asks", "retrain")],
               [notebook("gives")], first=first, gives=GIVES, asks=asks)
    )  # fmt: skip

    assert run.tasks["retrain"].outcome == "passed"
    assert run.tasks["retrain"].job.tasks["gives"].exit_value == "friday"
    assert run.tasks["plain"].job.tasks["gives"].exit_value == "monday"
    assert run.tasks["retrain"].parameters == {"day": "friday"}
    assert run.tasks["asks"].outcome == "failed"
    assert 'there is no task "gives"' in run.tasks["asks"].error


def test_one_that_fails(run_job, bundle):
    """Fails its task, with what failed and where; what waits for it isn't run. To look at the inner task is to look at it."""
    run = run_job(bundle([runs(), notebook("last", "retrain")], [notebook("gives")], gives="x = 1 / 0", last="x = 1"))

    inner = run.tasks["retrain"].job.tasks["gives"]
    assert inner.outcome == "failed"
    assert not run.is_unread_red
    assert "ZeroDivisionError" in run.tasks["retrain"].summary
    assert run.tasks["retrain"].location.line == 2
    assert run.tasks["last"].outcome == "skipped"


@pytest.mark.parametrize(
    ("inner", "ended", "whole"),
    [
        ([{"task_key": "gives", "sql_task": {"x": 1}}], "unsupported", "unsupported"),
        ([notebook("gives"), notebook("after", "gives", run_if="ALL_DONE")], "unsupported", "unsupported"),
        ([{"task_key": "no", "condition_task": {"op": "EQUAL_TO", "left": "1", "right": "2"}},
          {**notebook("gives"), "depends_on": [{"task_key": "no", "outcome": "true"}]}], "passed", "excluded"),
    ],
    ids=["can't run here", "passes with failures", "nothing to do"],
)  # fmt: skip
def test_how_a_task_ends_by_its_job(run_job, bundle, inner, ended, whole):
    """No page says what one that passes with failures makes of its task; one that did nothing makes no success of the whole."""
    run = run_job(bundle([runs()], inner, gives="x = 1 / 0", after="x = 1"))

    assert (run.tasks["retrain"].ended, run.outcome) == (ended, whole)


def test_in_a_loop(run_job, bundle):
    """Once for each element."""
    loop = {"task_key": "all", "for_each_task": {"inputs": '["a", "b"]', "task": runs("one", day="{{input}}")}}
    del loop["for_each_task"]["task"]["depends_on"]

    run = run_job(bundle([loop], [notebook("gives")], gives=GIVES))

    assert run.passed, run.summary
    assert [one.job.tasks["gives"].exit_value for one in run.tasks["all"].iterations] == ["a", "b"]


def test_its_time_is_the_tasks(run_job, bundle):
    """What a task may take its job may."""
    run = run_job(bundle([{**runs(), "timeout_seconds": 1}], [notebook("gives")], gives="import time; time.sleep(60)"))

    assert run.tasks["retrain"].outcome == "timed_out"
    assert run.outcome == "timed_out"
