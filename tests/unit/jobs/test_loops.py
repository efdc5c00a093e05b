"""What a loop runs over, how it ends, and what an iteration was for."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from harness.jobs.errors import JobShapeError
from harness.jobs.job import Job, Loop, Task
from harness.jobs.loops import check_inputs, ended, input_of, items_of, texts_of, why
from harness.jobs.references import Known
from harness.jobs.result import JobRun, TaskRun, Tasks

KNOWN = Known("", 0, datetime(2026, 1, 31, tzinfo=UTC), {}, "one")


def loop(inputs="", **parameters):
    """A loop over these inputs."""
    return Loop(inputs, Task("one", "notebook_task", path="/n.py", parameters=parameters))


def one(how, element="a", **more):
    """How an iteration ended."""
    return TaskRun("one", "notebook_task", how, input=element, **more)


def test_the_elements():
    """Those of a JSON array, of whatever kinds."""
    assert items_of(loop(), ' ["a", {"k": [1]}, 2.5, null] ') == ("a", {"k": [1]}, 2.5, None)
    assert items_of(loop(), "[]") == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no JSON array"),
        ("a, b", "in 'a, b'"),
        ("['a']", "no JSON array"),
        ('{"a": 1}', "no JSON array, but"),
        ('"[1]"', "no JSON array, but"),
        ("[NaN]", "NaN is no JSON"),
        ("[1", "no JSON array"),
        ("[" * 9_999, "nested too deep"),
        ("[" + "1," * 5_000 + "1]", "10,003 characters, and may have 10,000"),
    ],
)
def test_what_is_no_array_to_run_over(text, told):
    """It is never an empty one."""
    with pytest.raises(ValueError, match="inputs") as caught:
        items_of(loop(), text)

    assert told in str(caught.value)


def test_a_task_value_may_be_longer():
    """As long as a task value may be; it may have so many elements all the same."""
    of_value = loop("{{ tasks.list.values.them }}")

    assert len(items_of(of_value, "[" + '"abcdef", ' * 2_000 + "1]")) == 2_001
    with pytest.raises(ValueError, match="5,001 elements, and may have 5,000"):
        items_of(of_value, "[" + "1," * 5_000 + "1]")
    with pytest.raises(ValueError, match="bytes, and a task value may have 49,152"):
        items_of(of_value, f'["{"ö" * 25_000}"]')


def job(inputs, **parameters):
    """A job with one loop."""
    return Job("j", "/p/j.yml", (Task("l", "for_each_task", loop=loop(inputs)),), parameters)


@pytest.mark.parametrize("inputs", ["{{tasks.x.values.y}}", '["{{job.run_id}}"]', "{{job.parameters.names}}"])
def test_inputs_that_may_be_an_array(inputs):
    """Those of other tasks are known later."""
    check_inputs(job(inputs), {"names": '["a"]'}, root="/p")


@pytest.mark.parametrize("inputs", ["{{job.parameters.names}}", "a, b", "{{job.name}}"])
def test_inputs_that_can_not_be_one_are_told_at_once(inputs):
    """Before anything of the job is run, with the file."""
    with pytest.raises(JobShapeError, match='loop of the task "l" has nothing to run over') as caught:
        check_inputs(job(inputs), {"names": "a"}, root="/p")

    assert caught.value.location.path == "j.yml"


@pytest.mark.parametrize(
    ("ends", "whole"),
    [
        (["passed", "exited"], "passed"),
        (["passed", "failed", "exited"], "failed"),
        (["failed", "infrastructure_failed", "timed_out"], "infrastructure_failed"),
        (["failed", "skipped"], "failed"),
        (["passed", "skipped"], "skipped"),
        (["unheard_of", "passed"], "infrastructure_failed"),
        ([], "excluded"),
    ],
)
def test_how_a_loop_ended(ends, whole):
    """As the worst of its iterations; one without any did nothing, and isn't passed."""
    assert ended([one(how) for how in ends]) == whole


def test_why_a_loop_is_red():
    """By the first iteration that is, with what it was for."""
    assert why([one("passed"), one("failed", "b", why="boom"), one("failed")]) == (
        "2 of 3 iterations didn't pass, for b it failed: boom"
    )
    assert why([one("failed", None)]) == "1 of 1 iterations didn't pass, for one of its inputs it failed"
    assert why([one("failed", "x" * 5_000)]) == f"1 of 1 iterations didn't pass, for {'x' * 100}… it failed"
    assert why([one("passed")]) == ""
    assert why([]) == "its inputs are an empty array, so nothing was run"


def test_to_look_at_red_iterations_is_to_look_at_their_loop():
    """At all of them; those that passed don't count."""
    its = (one("passed"), one("failed"), one("failed"))
    run = JobRun("j", "failed", Tasks(l=TaskRun("l", "for_each_task", "failed", iterations=its)))

    assert its[0].passed
    assert not its[1].passed
    assert run.is_unread_red
    assert its[2].outcome == "failed"
    assert not run.is_unread_red


@pytest.mark.parametrize(
    ("parameters", "items", "given", "element"),
    [
        ({"x": "{{input}}"}, (), {"x": "a"}, "a"),
        ({"x": "{{input}}"}, (), {"x": '{"k":1}'}, '{"k": 1}'),
        ({"x": "{{input.k}}"}, ({"k": "a"}, {"k": "b"}), {"x": "b"}, '{"k": "b"}'),
        ({"x": "is {{input}}", "day": "{{job.start_time.iso_date}}"}, ("a", "b"), {"x": "is b", "day": "d"}, "b"),
        ({"x": "{{input.k}}"}, (), {"x": "b"}, None),
        ({"x": "{{input.k}}"}, ({"k": "a", "n": 1}, {"k": "a", "n": 2}), {"x": "a"}, None),
        ({"x": "{{input.k}}"}, ({"k": "a"},), {"x": "c"}, None),
        ({"x": "same"}, ("a",), {"x": "same"}, None),
        ({"x": "{{input}}"}, ("a",), {}, None),
    ],
)
def test_what_an_iteration_was_for(parameters, items, given, element):
    """Its parameters tell, or nobody knows; it is never guessed."""
    assert input_of(loop(**parameters), items, given, KNOWN) == element


def test_the_texts_that_inputs_hold():
    """Each of them may name a catalog; where they aren't known yet, the text is all there is."""
    assert texts_of(loop(), '["prd.a", {"prd.b": ["prd.c"]}, 1]') == ["prd.a", "prd.b", "prd.c"]
    assert texts_of(loop(), "{{tasks.x.values.y}}") == ["{{tasks.x.values.y}}"]
    assert texts_of(loop(), "[1]") == ["[1]"]
