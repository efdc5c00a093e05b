"""A job whose test leaves tasks out by name."""

from __future__ import annotations

import json

import pytest

from harness.jobs.errors import JobShapeError, JobVariableError


def task(key, *after, run_if="ALL_SUCCESS", **more):
    """A task that runs a notebook."""
    depends_on = [{"task_key": one, **({"outcome": "true"} if one == "asks" else {})} for one in after]
    return {"task_key": key, "depends_on": depends_on, "run_if": run_if, "notebook_task": {"notebook_path": "./n.py"}, **more}


def pipeline(key, *after, **more):
    """A task of a kind that no copy has."""
    made = task(key, *after, **more)
    del made["notebook_task"]
    return {**made, "pipeline_task": {"pipeline_id": "${resources.pipelines.p.id}"}}


ASKS = {
    "task_key": "asks",
    "depends_on": [{"task_key": "a"}],
    "condition_task": {"op": "EQUAL_TO", "left": "1", "right": "{{tasks.a.result_state}}"},
}


@pytest.fixture
def job(project):
    """Read a job of these tasks without some of them."""
    project.write(n_py="# Databricks notebook source\nx = 1\n")

    def read(*tasks, skip):
        (project.root / "j.json").write_text(json.dumps({"name": "j", "tasks": tasks}))
        return project.read("j.json", skip=skip)

    return read


def after(found):
    """What each task waits for."""
    return {one.key: [other.key for other in one.after] for one in found.tasks}


def test_what_waits_for_it_waits_for_what_it_waited_for(job):
    """Through several; each once."""
    tasks = [task("a"), pipeline("p", "a"), pipeline("q", "p", "a"), task("b", "q", "p"), task("c", run_if="ALL_DONE")]

    found = job(*tasks, skip=["p", "q"])

    assert after(found) == {"a": [], "c": [], "b": ["a"]}
    assert found.without == ("p", "q")
    assert [one.unserved for one in found.tasks] == ["", "", ""]


def test_what_a_condition_led_to_is_led_to_by_it_still(job):
    """The outcome goes with the dependency."""
    found = job(task("a"), ASKS, pipeline("p", "asks"), skip=["p"])
    assert after(found) == {"a": [], "asks": ["a"]}

    found = job(task("a"), ASKS, task("b", "asks"), skip=[])
    assert [(one.key, one.outcome) for one in found.tasks[-1].after] == [("asks", "true")]


def test_of_one_that_is_left_out_nothing_else_is_read(job):
    """Its notebook may not be in the project, and a variable of it have no value."""
    lost = task("lost", "a")
    lost["notebook_task"] = {"notebook_path": "${var.nobody_knows}"}
    with pytest.raises(JobVariableError):
        job(task("a"), lost, skip=[])

    assert after(job(task("a"), lost, skip=["lost"])) == {"a": []}


GIVEN = {"notebook_task": {"notebook_path": "./n.py", "base_parameters": {"n": "{{tasks.a.values.n}}"}}}


@pytest.mark.parametrize(
    ("tasks", "skip", "told"),
    [
        ([task("a"), task("b")], ["bb"], ('names the task "bb"', 'did you mean "b"?')),
        ([task("a")], ["a"], ("leaves no task", "leave one")),
        ([task("a"), {**task("b", "a"), **GIVEN}], ["a"], ('the task "b" needs one', 'refers to "a"')),
        ([task("a"), ASKS], ["a"], ('the task "asks" needs one', 'refers to "a"')),
        ([task("a"), ASKS, task("b", "asks")], ["asks"], ('the task "b" needs one', "an outcome of the condition")),
        ([task("a"), task("b", "a", run_if="AT_LEAST_ONE_FAILED")], ["a"], ("AT_LEAST_ONE_FAILED", 'how "a" ended')),
        ([task("a"), task("b", "a", run_if="ALL_DONE"), task("c", "b")], ["b"], ('"b" has a run_if, ALL_DONE', "too")),
        (
            [task("a"), task("b", "a", run_if="ALL_FAILED"), task("c", "b"), task("d", "c")],
            ["a", "b", "c"],
            ('the task "d" needs one', '"b" has a run_if, ALL_FAILED'),
        ),
    ],
)
def test_what_a_job_cannot_be_run_without(job, tasks, skip, told):
    """What is left asks how that one ended, and nobody can say."""
    with pytest.raises(JobShapeError) as caught:
        job(*tasks, skip=skip)

    assert all(part in str(caught.value) for part in told), str(caught.value)
