"""Which task is run, what a condition comes to, and what the ends of the tasks make of the whole."""

from __future__ import annotations

import pytest

from harness.jobs.course import comes_to, ended, left_out, why
from harness.jobs.job import RUN_IF, Condition, Dependency, Task
from harness.jobs.result import JobRun, TaskRun, Tasks
from harness.model import NotebookRun


def end(key, how, kind="notebook_task", **more):
    """How a task ended."""
    return TaskRun(key, kind, how, **more)


def ends(**how):
    """How tasks ended, by key."""
    return Tasks({key: end(key, one) for key, one in how.items()})


@pytest.mark.parametrize(
    ("before", "runs_if", "otherwise"),
    [
        (("passed", "exited"), {"ALL_SUCCESS", "AT_LEAST_ONE_SUCCESS", "NONE_FAILED", "ALL_DONE"}, {"excluded"}),
        (("passed", "failed"), {"AT_LEAST_ONE_SUCCESS", "ALL_DONE", "AT_LEAST_ONE_FAILED"}, {"skipped", "excluded"}),
        (("failed", "timed_out"), {"ALL_DONE", "AT_LEAST_ONE_FAILED", "ALL_FAILED"}, {"skipped"}),
        (("passed", "excluded"), {"AT_LEAST_ONE_SUCCESS", "NONE_FAILED", "ALL_DONE"}, {"excluded"}),
        (("failed", "excluded"), {"ALL_DONE", "AT_LEAST_ONE_FAILED"}, {"skipped", "excluded"}),
        (("excluded", "excluded"), set(), {"excluded"}),
        (("skipped", "infrastructure_failed"), {"ALL_DONE", "AT_LEAST_ONE_FAILED", "ALL_FAILED"}, {"skipped"}),
        (("passed", "unsupported"), {"AT_LEAST_ONE_SUCCESS", "ALL_DONE"}, {"skipped", "excluded"}),
        (("failed", "unsupported"), {"ALL_DONE", "AT_LEAST_ONE_FAILED"}, {"skipped"}),
        (("excluded", "unsupported"), {"ALL_DONE"}, {"skipped", "excluded"}),
    ],
)
def test_when_a_task_is_run(before, runs_if, otherwise):
    """As the six words of ``run_if`` say; what isn't run is told as excluded, or as skipped for what failed."""
    done = ends(a=before[0], b=before[1])
    found = {how: left_out(Task("t", "notebook_task", (Dependency("a"), Dependency("b")), how), done) for how in RUN_IF}

    assert {how for how, out in found.items() if out is None} == runs_if
    assert {out.ended for out in found.values() if out is not None} == otherwise
    assert any(out.is_open for out in found.values() if out is not None) is ("unsupported" in before)


@pytest.mark.parametrize(("wanted", "is_run"), [("true", True), ("false", False), ("", True)])
def test_a_branch_of_a_condition(wanted, is_run):
    """The other branch is left out, and says what the condition came to."""
    done = Tasks(c=end("c", "passed", "condition_task", result=True))

    out = left_out(Task("t", "notebook_task", (Dependency("c", wanted),)), done)

    assert out == (None if is_run else ("excluded", "c came to true", False))


def test_what_hangs_on_a_task_that_cannot_run_here():
    """Nobody knows whether a task for failures would be run, nor what would be run after one that waits for it."""
    done = ends(a="unsupported", z="failed")
    b = left_out(Task("b", "notebook_task", (Dependency("a"),)), done)
    done["b"] = end("b", b.ended, waits_for_open=b.is_open)
    known = left_out(Task("c", "notebook_task", (Dependency("a"), Dependency("z"))), done)
    done["c"] = end("c", known.ended, waits_for_open=known.is_open)

    def alert(after):
        return left_out(Task("alert", "notebook_task", (Dependency(after),), "AT_LEAST_ONE_FAILED"), done)

    assert alert("a") == ("skipped", "a unsupported, and it runs if AT_LEAST_ONE_FAILED", True)
    assert alert("b") == ("skipped", "b skipped, and it runs if AT_LEAST_ONE_FAILED", True)
    assert alert("c") is None


@pytest.mark.parametrize(
    ("op", "left", "right", "comes"),
    [
        ("EQUAL_TO", "12.0", "12", False),
        ("NOT_EQUAL", "12.0", "12", True),
        ("EQUAL_TO", "true", "true", True),
        ("GREATER_THAN_OR_EQUAL", "12.0", "12", True),
        ("GREATER_THAN_OR_EQUAL", "10.0", "12", False),
        ("GREATER_THAN", "10", "9", True),
        ("LESS_THAN", "-1", "0", True),
        ("LESS_THAN_OR_EQUAL", "1e3", "1000", True),
    ],
)
def test_what_a_condition_comes_to(op, left, right, comes):
    """== and != compare texts, the others numbers."""
    assert comes_to(Condition(op, "", ""), left, right) is comes


@pytest.mark.parametrize("side", ["", "many", "nan", "inf"])
def test_a_side_that_is_no_number(side):
    """It can't be compared as one, and doesn't come to false."""
    with pytest.raises(ValueError, match="is no number"):
        comes_to(Condition("LESS_THAN", "", ""), side, "1")


CHAIN = (Task("a", "notebook_task"), Task("b", "notebook_task", (Dependency("a"),)))


@pytest.mark.parametrize(
    ("a", "b", "whole"),
    [
        ("passed", "exited", "passed"),
        ("passed", "excluded", "passed"),
        ("excluded", "excluded", "excluded"),
        ("passed", "failed", "failed"),
        ("failed", "skipped", "failed"),
        ("failed", "passed", "passed_with_failures"),
        ("failed", "excluded", "failed"),
        ("infrastructure_failed", "passed", "infrastructure_failed"),
        ("cancelled", "passed", "cancelled"),
        ("passed", "skipped", "skipped"),
        ("unsupported", "skipped", "unsupported"),
        ("unsupported", "passed", "unsupported"),
        ("passed", "unheard_of", "infrastructure_failed"),
    ],
)
def test_how_the_whole_ended(a, b, whole):
    """What nothing depends on decides, as for Databricks; a lost task is never forgotten, and no work is no success."""
    assert ended(CHAIN, ends(a=a, b=b)) == whole


def test_conditions_alone_are_no_work():
    """A job of which only the condition ran did nothing."""
    done = Tasks(a=end("a", "passed", "condition_task", result=False), b=end("b", "excluded"))

    assert ended(CHAIN, done) == "excluded"


def test_why_it_is_red():
    """By the task that failed, not by those that were skipped for it."""
    assert why(Tasks(a=end("a", "skipped"), b=end("b", "failed", why="no rows"))) == "b failed: no rows"


def run_of(how, tasks):
    """A job's run."""
    return JobRun("etl", how, tasks)


def test_a_red_run_that_nobody_reads():
    """Its outcome has to be looked at, or each red task's; a task that passed is no look at one that didn't."""
    for how in ("failed", "passed_with_failures", "excluded", "infrastructure_failed"):
        run = run_of(how, ends(a="passed", b="failed"))
        assert run.is_unread_red
        assert not run.passed
        assert not run.is_unread_red
    run = run_of("failed", ends(a="passed", b="failed"))
    assert run.tasks["a"].passed
    assert run.is_unread_red
    assert run.tasks["b"].outcome == "failed"
    assert not run.is_unread_red


def test_a_run_that_did_nothing():
    """It isn't passed; to look at its tasks is to look at it."""
    run = run_of("excluded", ends(a="excluded"))

    assert run.is_unread_red
    assert run.tasks["a"].outcome == "excluded"
    assert not run.is_unread_red
    assert not run.passed


def test_a_task_that_was_not_run_is_not_passed():
    """Neither excluded nor skipped is."""
    for how in ("excluded", "skipped"):
        task = end("a", how, why="because")
        assert (task.passed, task.exit_value, task.error) == (False, None, "")
        assert task.summary.endswith(": because")


def test_an_unknown_task_names_the_near_one():
    """And the others."""
    with pytest.raises(KeyError, match='did you mean "train"'):
        ends(train="passed", load="passed")["trainn"]


def test_a_runs_text_tells_of_each_task():
    """Pytest shows it where the assertion fails."""
    red = TaskRun("b", "notebook_task", "failed", "boom", run=NotebookRun("n.py", "failed", error="boom"))

    run = JobRun("etl", "failed", Tasks(a=end("a", "passed"), b=red), "b failed: boom")

    assert repr(run) == "<job etl failed (a passed; b failed: boom)>"
