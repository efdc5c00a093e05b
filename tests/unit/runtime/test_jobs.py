from __future__ import annotations

import pytest

from harness.errors import DbutilsArgumentError, TaskValueError
from harness.runtime.jobs import MOST_BYTES, MOST_VALUES, Jobs, TaskStore


@pytest.fixture
def store():
    """The values of one test."""
    return TaskStore()


@pytest.fixture
def task(store):
    """The part as a task of that name finds it; ``is_job=False`` is a unit."""

    def of(key="train", *, is_job=True):
        answers = {
            "task_set": lambda **asked: store.set(key, asked["key"], asked["value"]),
            "task_get": lambda task, key, **asked: store.find(task, key, is_job=is_job, **asked),
        }
        return Jobs(lambda what, **asked: answers[what](**asked)).taskValues

    return of


@pytest.mark.parametrize("value", ["x", "", 3, 1.5, True, None, [1, ["a"]], {"a": {"b": None}}, "ü" * 1000])
def test_a_value_arrives(task, value):
    """As JSON carries it."""
    task("prepare").set(key="rows", value=value)

    assert task("train").get(taskKey="prepare", key="rows", default="d", debugValue="e") == value


def test_a_value_is_what_json_makes_of_it(task):
    """A tuple is a list afterwards, and a number as a key a text, as on Databricks."""
    task("prepare").set("rows", {1: (2, 3)})

    assert task().get("prepare", "rows") == {"1": [2, 3]}


def test_a_change_afterwards_does_not_reach_it(task):
    """The value is carried, not shared."""
    rows = [1]
    task("prepare").set("rows", rows)
    rows.append(2)

    assert task().get("prepare", "rows") == [1]


@pytest.mark.parametrize(
    ("value", "cause"),
    [
        (object(), "not JSON serializable"),
        (float("nan"), "not JSON compliant"),
        ({1, 2}, "not JSON serializable"),
        ("x" * MOST_BYTES, f"Databricks takes up to {MOST_BYTES}"),
    ],
)
def test_a_value_that_databricks_refuses(task, value, cause):
    """With the reason, and nothing is kept."""
    with pytest.raises(TaskValueError, match=cause):
        task("prepare").set("rows", value)


def test_a_circle_is_no_value(task):
    """It would never end."""
    rows = []
    rows.append(rows)

    with pytest.raises(TaskValueError, match="is no JSON"):
        task().set("rows", rows)


def test_one_too_many(task, store):
    """A job run holds so many; a value that is there can still be set anew."""
    store.give({"a": {str(number): number for number in range(MOST_VALUES)}})

    task("a").set("0", "again")
    with pytest.raises(TaskValueError, match="is one too many"):
        task("b").set("x", 1)


def test_no_such_task(task, store):
    """In a job neither default nor debugValue hides a misspelt task. The full text."""
    store.give({"prepare": {"rows": 3}})

    with pytest.raises(TaskValueError) as caught:
        task().get("prepar", "rows", default=1, debugValue=2)

    assert str(caught.value) == (
        'NBH357 there is no task "prepar"\n'
        "  cause: tasks of this test: prepare\n"
        '  mend:  did you mean "prepare"? if not, run its notebook first: run_notebook(…, task_key="prepar"),\n'
        '         or say what it leaves: run_notebook(…, task_values={"prepar": {"rows": …}})\n'
        "  more:  docs/errors.md#nbh357"
    )


def test_no_such_value(task, store):
    """A default is for this."""
    store.give({"prepare": {"rows": 3}})

    assert task().get("prepare", "row", default=0) == 0
    with pytest.raises(TaskValueError, match=r'the task "prepare" has set no value "row"(.|\n)*did you mean "rows"'):
        task().get("prepare", "row", debugValue=1)


def test_outside_of_a_job(task, store):
    """A unit is in no job: it gets its debugValue, or Databricks' own error; values that the test has, it gets."""
    unit = task(is_job=False)

    assert unit.get("prepare", "rows", debugValue=7) == 7
    with pytest.raises(DbutilsArgumentError, match="Must pass debugValue when calling get outside of a job context"):
        unit.get("prepare", "rows", default=7)
    store.give({"prepare": {"rows": 3}})
    assert unit.get("prepare", "rows", debugValue=7) == 3


def test_any_object_as_a_default(task, store):
    """It isn't carried anywhere, so it need be no JSON."""
    store.give({"prepare": {}})
    default = object()

    assert task().get("prepare", "rows", default=default) is default


def test_a_task_that_runs_again_begins_anew(task, store):
    """What its first run left is gone."""
    task("prepare").set("rows", 3)
    store.begin("prepare")

    with pytest.raises(TaskValueError, match="has set no value"):
        task().get("prepare", "rows")


@pytest.mark.parametrize(
    "call", [lambda values: values.set(1, 2), lambda values: values.get(1, "a"), lambda values: values.get("a", 1)]
)
def test_keys_are_texts(task, call):
    """Anything else is refused."""
    with pytest.raises(DbutilsArgumentError, match="is not a text"):
        call(task())
