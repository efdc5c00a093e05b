"""References ``{{…}}`` in parameters and conditions, and what a condition comes to.

As Databricks describes them: https://docs.databricks.com/jobs/dynamic-value-references.html and the SDK's ``ConditionTask``.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.rehearsal.runs import Run, Task

REFERENCE = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}")
OPERATORS = ("EQUAL_TO", "NOT_EQUAL", "GREATER_THAN", "GREATER_THAN_OR_EQUAL", "LESS_THAN", "LESS_THAN_OR_EQUAL")
OF_START = re.compile(
    r"job\.start_time\.(?:iso_date|iso_datetime|iso_weekday|is_weekday|year|month|day|hour|minute|second|timestamp_ms)"
)
OF_TASK = re.compile(r"tasks\.`?([A-Za-z0-9_-]+)`?\.(?:values\.(?P<value>.+)|result_state)")
"""A reference to another task: to a value that it set, or to how it ended."""


OF_INPUT = re.compile(r"input(?:\.`?[^.`]+`?)?")
"""A reference to what an iteration of a loop is for, or to one of its keys."""

MOST_INPUTS, MOST_INPUTS_LETTERS = 5_000, 10_000


class UnresolvedError(Exception):
    """A reference leads nowhere, or a side of a condition is no number."""


def given_to(run: Run, task: Task) -> dict[str, Any]:
    """What a task that runs a file is given, as the API tells it by its kind: the references in it are resolved.

    A notebook gets the parameters of the job too, which come before its own, and a wheel if its own have names; a script's have
    none.

    Raises:
        UnresolvedError: One leads nowhere.
    """
    known = _known(run, task)
    if "spark_python_task" in task.spec:
        own = task.spec["spark_python_task"].get("parameters") or ()
        return {"spark_python_task": {"parameters": [_filled(value, known, run) for value in own]}}
    if "python_wheel_task" in task.spec:
        wheel = task.spec["python_wheel_task"]
        if not wheel.get("named_parameters"):
            return {"python_wheel_task": {"parameters": [_filled(one, known, run) for one in wheel.get("parameters") or ()]}}
        texts = {**wheel["named_parameters"], **run.parameters}
        return {"python_wheel_task": {"named_parameters": {name: _filled(one, known, run) for name, one in texts.items()}}}
    named = {**(task.spec["notebook_task"].get("base_parameters") or {}), **run.parameters}
    return {"notebook_task": {"base_parameters": {name: _filled(value, known, run) for name, value in named.items()}}}


def elements_of(run: Run, task: Task) -> list[Any]:
    """What a loop runs over.

    Raises:
        UnresolvedError: A reference leads nowhere, or the inputs are no array that a loop takes.
    """
    text = str(task.spec["for_each_task"]["inputs"])
    return array_of(_filled(text, _known(run, task), run), is_value=OF_TASK.fullmatch(text.strip("{} ")) is not None)


def array_of(text: str, *, is_value: bool = False) -> list[Any]:
    """The elements of a JSON array that a loop may run over; that of a task value may be longer.

    Raises:
        UnresolvedError: It is none.
    """
    if len(text) > MOST_INPUTS_LETTERS and not is_value:
        raise UnresolvedError(f"The inputs of the task have {len(text)} characters; at most {MOST_INPUTS_LETTERS} are allowed.")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list):
        raise UnresolvedError(f"The inputs of the task are not a JSON array: {text[:200]}")
    if len(found) > MOST_INPUTS:
        raise UnresolvedError(f"The inputs of the task have {len(found)} elements; at most {MOST_INPUTS} are allowed.")
    return found


def outcome_of(run: Run, task: Task) -> str:
    """What a condition comes to: "true" or "false".

    Raises:
        UnresolvedError: A reference leads nowhere, or a side is no number and has to be.
    """
    condition = task.spec["condition_task"]
    known = _known(run, task)
    left, right = (_filled(condition[side], known, run) for side in ("left", "right"))
    if condition["op"] in {"EQUAL_TO", "NOT_EQUAL"}:
        return str((left == right) is (condition["op"] == "EQUAL_TO")).lower()
    sign = _number(left).compare(_number(right))
    return str(
        {
            "GREATER_THAN": sign > 0,
            "GREATER_THAN_OR_EQUAL": sign >= 0,
            "LESS_THAN": sign < 0,
            "LESS_THAN_OR_EQUAL": sign <= 0,
        }[condition["op"]]
    ).lower()


def _known(run: Run, task: Task) -> dict[str, str]:
    known = {
        "job.id": str(run.job_id),
        "job.run_id": str(run.run_id),
        "run.id": str(task.run_id),
        "job.name": run.name,
        "task.name": task.key,
        "task.run_id": str(task.run_id),
        **{f"job.start_time.{name}": value for name, value in _times(run.state.begun).items()},
        **_inputs(task.element),
    }
    # A parameter's own references come before those to it.
    return known | {f"job.parameters.{name}": _filled(value, known, run) for name, value in run.parameters.items()}


def _inputs(element: tuple[Any, ...]) -> dict[str, str]:
    """What an iteration is for, and its keys if it has some."""
    if not element:
        return {}
    keys = element[0] if isinstance(element[0], dict) else {}
    return {"input": _text(element[0]), **{f"input.{key}": _text(value) for key, value in keys.items()}}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _times(begun_ms: int) -> dict[str, str]:
    at = datetime.fromtimestamp(begun_ms / 1000, UTC)
    shown = {"iso_date": "%Y-%m-%d", "iso_datetime": "%Y-%m-%dT%H:%M:%S", "iso_weekday": "%u"}
    plain = {name: str(getattr(at, name)) for name in ("year", "month", "day", "hour", "minute", "second")}
    is_weekday = str(at.isoweekday() not in {6, 7}).lower()
    return {
        **{name: at.strftime(how) for name, how in shown.items()},
        **plain,
        "is_weekday": is_weekday,
        "timestamp_ms": str(begun_ms),
    }


def _filled(text: str, known: Mapping[str, str], run: Run) -> str:
    def value(found: re.Match[str]) -> str:
        other = OF_TASK.fullmatch(found[1])
        if other is None:
            if "input" in known and OF_INPUT.fullmatch(found[1]) and found[1].replace("`", "") not in known:
                raise UnresolvedError(f"The reference {found[0]} can't be resolved: the input is {known['input'][:200]}.")
            return known.get(found[1].replace("`", ""), found[0])
        name = other["value"]
        if name is None:
            return _state(run, other[1])
        with run.lock:
            held: Any = run.values.get(other[1], {})
        if name.strip("`") not in held:
            raise UnresolvedError(f"The reference {found[0]} can't be resolved: task {other[1]} has set no value {name}.")
        return _text(held[name.strip("`")])

    return REFERENCE.sub(value, text)


def _state(run: Run, key: str) -> str:
    with run.lock:
        end = next(task.state.end for task in run.tasks if task.key == key)
    if end is None:
        raise UnresolvedError(f"Task {key} has not ended, so its result_state can't be referenced.")
    return end.result.lower()


def _number(text: str) -> Decimal:
    try:
        found = Decimal(text.strip())
    except InvalidOperation:
        found = Decimal("nan")
    if not found.is_finite():
        raise UnresolvedError(f"The operand {text!r} of the condition is not a number.")
    return found
