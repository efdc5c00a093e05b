"""References are filled in where they lead somewhere; a known namespace that doesn't is an error."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from harness.jobs.references import Known, ReferenceUnknownError, fill, inline
from harness.jobs.result import TaskRun

VALUES = {"load": {"rows": 3, "name": "x", "list": [1, None], "is_new": True, "odd-key": "o"}}


@pytest.fixture
def known():
    """What a task after "load" knows."""
    ends = {"load": TaskRun("load", "notebook_task", "exited"), "bad": TaskRun("bad", "notebook_task", "failed")}
    at = datetime(2026, 1, 31, 7, 5, tzinfo=UTC)
    return Known("etl", 7, at, {"day": "monday"}, "train", "/src/train", ends, lambda key: VALUES.get(key, {}))


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("{{job.parameters.day}}!", "monday!"),
        ("{{ tasks.load.values.rows }}", "3"),
        ("{{tasks.load.values.name}}", "x"),
        ("{{tasks.load.values.list}}", "[1, null]"),
        ("{{tasks.load.values.is_new}}", "true"),
        ("{{tasks.load.values.`odd-key`}}", "o"),
        ("{{tasks.[load].values.[odd-key]}}", "o"),
        ("{{tasks.load.result_state}} {{tasks.bad.result_state}}", "success failed"),
        ("{{job.name}} {{task.name}} {{task.notebook_path}} {{job.run_id}}", "etl train /src/train 7"),
        ("{{job.start_time.iso_date}} {{job.start_time.is_weekday}}", "2026-01-31 false"),
        ("{{what.ever}} {{x}} {single}", "{{what.ever}} {{x}} {single}"),
    ],
)
def test_what_is_filled_in(known, text, filled):
    """Texts as they are, other values as JSON; what is no reference stays."""
    assert fill(text, known) == filled


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{{job.naem}}", 'did you mean "job.name"?'),
        ("{{job.parameters.days}}", 'did you mean "day"?'),
        ("{{tasks.load.values.row}}", 'did you mean "rows"?'),
        ("{{tasks.later.values.rows}}", 'there is no "later" among the tasks that have ended'),
        ("{{job.start_time.moon}}", "leads nowhere"),
        ("{{job_id}}", "by a workspace only"),
    ],
)
def test_what_leads_nowhere(known, text, told):
    """It never becomes an empty text."""
    with pytest.raises(ReferenceUnknownError) as caught:
        fill(text, known)

    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("element", "text", "filled"),
    [
        ("a", "{{input}}!", "a!"),
        ("{{job.name}}", "{{input}}", "{{job.name}}"),
        ({"k": "v", "n": [1], "odd-key": None}, "{{input.k}} {{input.n}} {{input.`odd-key`}}", "v [1] null"),
        ({"k": 1}, "{{ input }}", '{"k": 1}'),
        (None, "{{input}}", "null"),
        (True, "{{input}} {{input_file}}", "true {{input_file}}"),
    ],
)
def test_the_element_of_a_loop(known, element, text, filled):
    """Whole, or one of its keys; what it holds is filled in no further."""
    assert fill(text, replace(known, input=element)) == filled


@pytest.mark.parametrize(
    ("element", "text", "told"),
    [
        ("a", "{{input.k}}", "is no object"),
        ({"key": 1}, "{{input.keys}}", 'did you mean "key"?'),
        ({"k": {"l": 1}}, "{{input.k.l}}", "its own keys only"),
    ],
)
def test_a_key_that_an_element_has_not(known, element, text, told):
    """It never becomes an empty text."""
    with pytest.raises(ReferenceUnknownError) as caught:
        fill(text, replace(known, input=element))

    assert told in str(caught.value)


def test_outside_of_a_loop_there_is_no_input(known):
    """The text is no reference there, and stays."""
    assert fill("{{input}} {{input.k}}", known) == "{{input}} {{input.k}}"


def test_only_the_name_and_the_parameters_are_put_in_their_places():
    """A submitted run has another name and none of the parameters; the workspace fills in the rest."""
    text = "{{job.parameters.day}} {{job.id}} {{tasks.a.values.b}} {{job.parameters.other}} {{job.name}}"

    assert inline(text, {"day": "{{job.name}} {{job.start_time.iso_date}}"}, job="etl") == (
        "etl {{job.start_time.iso_date}} {{job.id}} {{tasks.a.values.b}} {{job.parameters.other}} etl"
    )
