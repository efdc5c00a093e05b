"""The course of a job: which task runs after which, and what the ends of its tasks make of the whole.

The rules are those of https://docs.databricks.com/jobs/run-if.html. Where that page leaves it open a task is rather not
run: one that needs all before it is left out where one of these was.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, NamedTuple

from harness.jobs.job import CONDITION
from harness.jobs.result import (
    CANCELLED,
    EXCLUDED,
    FAILED,
    LOST,
    NOT_RUN,
    PASSED,
    SKIPPED,
    TIMED_OUT,
    UNSUPPORTED,
    WITH_FAILURES,
)
from harness.model import GREEN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.jobs.job import Condition, Task
    from harness.jobs.result import TaskRun

_WORST = (LOST, TIMED_OUT, CANCELLED, UNSUPPORTED, FAILED, SKIPPED)


class Out(NamedTuple):
    """Why a task isn't run: ``skipped`` or ``excluded``, and a clause.

    ``is_open`` says that nobody knows whether it would be: it hangs on how a task ends that can't run here.
    """

    ended: str
    why: str
    is_open: bool = False


def left_out(task: Task, ends: Mapping[str, TaskRun]) -> Out | None:
    """Say whether a task isn't run after those before it, and why; None if it is."""
    if not task.after:
        return None
    kinds: dict[str, list[str]] = {"good": [], "bad": [], "out": [], "open": []}
    for one in task.after:
        end = ends[one.key]
        if end.ended in GREEN and one.outcome and one.outcome != str(end.result).lower():
            kinds["out"].append(f"{one.key} came to {str(end.result).lower()}")
        else:
            kind = "good" if end.ended in GREEN else "out" if end.ended == EXCLUDED else "open" if end.is_open else "bad"
            kinds[kind].append(f"{one.key} {'was excluded' if kind == 'out' else end.ended.replace('_', ' ')}")
    good, bad, out, unknown = kinds["good"], kinds["bad"], kinds["out"], kinds["open"]
    if not good and not bad and not unknown:
        return Out(EXCLUDED, " and ".join(out))
    met = {_is_met(task.run_if, [*good, *unknown], bad, out), _is_met(task.run_if, good, [*bad, *unknown], out)}
    if met == {True}:
        return None
    told = f"{' and '.join([*bad, *unknown] or out or good)}, and it runs if {task.run_if}"
    if len(met) > 1:
        return Out(SKIPPED, told, is_open=True)
    if task.run_if in {"AT_LEAST_ONE_FAILED", "ALL_FAILED"} or not bad:
        return Out(EXCLUDED, told)
    return Out(SKIPPED, told)


def _is_met(run_if: str, good: Sequence[str], bad: Sequence[str], out: Sequence[str]) -> bool:
    match run_if:
        case "ALL_SUCCESS":
            return not bad and not out
        case "AT_LEAST_ONE_SUCCESS":
            return bool(good)
        case "NONE_FAILED":
            return not bad
        case "AT_LEAST_ONE_FAILED":
            return bool(bad)
        case "ALL_FAILED":
            return not good and not out
    return True


def comes_to(condition: Condition, left: str, right: str) -> bool:
    """Compare the sides of a condition, whose references are filled in: as texts by == and !=, by the others as numbers.

    Raises:
        ValueError: A side is no number.
    """
    if condition.op in {"EQUAL_TO", "NOT_EQUAL"}:
        return (left == right) is (condition.op == "EQUAL_TO")
    first, second = _number(left), _number(right)
    return {
        "GREATER_THAN": first > second,
        "GREATER_THAN_OR_EQUAL": first >= second,
        "LESS_THAN": first < second,
        "LESS_THAN_OR_EQUAL": first <= second,
    }[condition.op]


def _number(text: str) -> Decimal:
    try:
        found = Decimal(text.strip())
    except InvalidOperation:
        found = Decimal("nan")
    if not found.is_finite():
        raise ValueError(f"{text!r} is no number, and only EQUAL_TO and NOT_EQUAL compare texts")
    return found


def ended(tasks: Sequence[Task], ends: Mapping[str, TaskRun]) -> str:
    """How a job ended, by its tasks; see `harness.jobs.result.JobRun`."""
    red = [one.ended for one in ends.values() if one.is_red]
    if red:
        how = worst(red)
        needed = {one.key for task in tasks for one in task.after}
        leaves = [ends[task.key] for task in tasks if task.key not in needed]
        has_work = any(one.ended in GREEN for one in leaves)
        if UNSUPPORTED not in red and how in {FAILED, TIMED_OUT} and has_work and not any(one.is_red for one in leaves):
            return WITH_FAILURES
        return how
    if all(_did_nothing(one) for one in ends.values() if one.kind != CONDITION):
        return EXCLUDED
    return PASSED


def _did_nothing(end: TaskRun) -> bool:
    return end.ended in NOT_RUN or (end.job is not None and end.job.ended == EXCLUDED)


def worst(reds: Sequence[str]) -> str:
    """The worst of red ends; "" where there is none."""
    return next((kind for kind in _WORST if kind in reds), LOST) if reds else ""


def why(ends: Mapping[str, TaskRun]) -> str:
    """By which task a job is red, and by what; "" where it isn't."""
    reds = [one for one in ends.values() if one.is_red and one.ended != SKIPPED] or [one for one in ends.values() if one.is_red]
    return f"{reds[0].key} {reds[0].summary}" if reds else ""
