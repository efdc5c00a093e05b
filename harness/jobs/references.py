"""Dynamic value references, ``{{job.parameters.day}}``: filled in here where the job runs here.

They are listed at https://docs.databricks.com/jobs/dynamic-value-references.html: a text that is no reference of a known
namespace stays as it is, an unknown one of a known namespace is an error.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from harness.jobs.result import TaskRun

_Held = TypeVar("_Held")

_REFERENCE = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}")
_PART = re.compile(r"`([^`]*)`|(?<![^.])\[([^\[\]`]+)\](?![^.])|([^.`]+)")
NAMESPACES = ("job", "task", "tasks", "workspace")
INPUT = "input"
NO_INPUT = object()
"""Stands for the element of a loop where there is no loop: ``{{input}}`` is no reference there."""

_OLD = ("job_id", "run_id", "parent_run_id", "start_date", "start_time", "task_key", "task_retry_count")
"""References of old, without a namespace: a workspace still fills them in."""

_STATES = {
    "passed": "success",
    "exited": "success",
    "timed_out": "timedout",
    "cancelled": "canceled",
    "skipped": "upstream_failed",
    "excluded": "excluded",
}


class ReferenceUnknownError(ValueError):
    """A reference of a known namespace leads nowhere."""


@dataclass(frozen=True, slots=True)
class Known:
    """What references of one task may ask for; ``values`` gives the task values of a task, ``input`` is a loop's element."""

    job: str
    run_id: int
    started: datetime
    parameters: Mapping[str, str]
    task: str
    notebook: str = ""
    ends: Mapping[str, TaskRun] = field(default_factory=dict)
    values: Callable[[str], Mapping[str, Any]] = lambda _: {}
    input: Any = NO_INPUT

    def find(self, reference: str) -> str | None:
        """What a reference stands for, None if it is none.

        Raises:
            ReferenceUnknownError: It is one, and there is no such thing.
        """
        parts = parts_of(reference)
        if reference in _OLD:
            raise ReferenceUnknownError(f"{{{{{reference}}}}} is filled in by a workspace only; write its newer name")
        if parts[:1] == (INPUT,) and self.input is not NO_INPUT:
            return self._of_input(reference, parts[1:])
        if len(parts) < 2 or parts[0] not in NAMESPACES:  # noqa: PLR2004 -- a namespace and what is in it
            return None
        match parts:
            case ("job", "parameters", name):
                value = _in(self.parameters, name, reference, "the job's parameters")
                return fill(value, replace(self, parameters={}))  # its own references come first
            case ("job", "start_time", how):
                return _in(_times(self.started), how, reference, "a job's start_time")
            case ("tasks", key, "values", name):
                _in(dict.fromkeys(self.ends, ""), key, reference, "the tasks that have ended")
                return _as_text(_in(self.values(key), name, reference, f"the values that {key} has set"))
            case ("tasks", key, "result_state"):
                end = _in(self.ends, key, reference, "the tasks that have ended")
                if end.is_open:
                    raise ReferenceUnknownError(f"{{{{{reference}}}}} isn't known: {key} {end.summary}")
                return _STATES.get(end.ended, "failed")
        return _in(self._plain(), ".".join(parts), reference, "what is filled in here")

    def _of_input(self, reference: str, below: tuple[str, ...]) -> str:
        if not below:
            return _as_text(self.input)
        if len(below) > 1 or not isinstance(self.input, dict):
            holds = "is no object" if not isinstance(self.input, dict) else "is asked for one of its own keys only"
            raise ReferenceUnknownError(f"{{{{{reference}}}}} leads nowhere: the input {_as_text(self.input)[:200]!r} {holds}")
        return _as_text(_in(self.input, below[0], reference, "the keys of the input"))

    def _plain(self) -> dict[str, str]:
        run = str(self.run_id)
        return {
            "job.id": "0",
            "job.name": self.job,
            "job.run_id": run,
            "job.repair_count": "0",
            "job.trigger.type": "one_time",
            "task.name": self.task,
            "task.run_id": run,
            "task.execution_count": "1",
            **({"task.notebook_path": self.notebook} if self.notebook else {}),
            "workspace.id": "0",
        }


def fill(text: str, known: Known) -> str:
    """Fill in the references of a text.

    Raises:
        ReferenceUnknownError: One leads nowhere.
    """
    return _REFERENCE.sub(lambda found: found[0] if (value := known.find(found[1])) is None else value, text)


def inline(text: str, parameters: Mapping[str, str], *, job: str) -> str:
    """Put the job's name and parameters in their places, and leave all other references as they are."""

    def put(found: re.Match[str]) -> str:
        match parts_of(found[1]):
            case ("job", "parameters", name) if name in parameters:
                return inline(parameters[name], {}, job=job)
            case ("job", "name"):
                return job
        return found[0]

    return _REFERENCE.sub(put, text)


def named(text: str) -> Iterator[tuple[str, ...]]:
    """The references of known namespaces in a text, each by its parts."""
    for found in _REFERENCE.finditer(text):
        parts = parts_of(found[1])
        if parts and parts[0] in NAMESPACES:
            yield parts


def has_references(text: str) -> bool:
    """Whether a text holds something that looks like a reference."""
    return _REFERENCE.search(text) is not None


def of_input(text: str) -> bool:
    """Whether a text refers to the element of a loop."""
    return any(parts_of(found[1])[:1] == (INPUT,) for found in _REFERENCE.finditer(text))


def only(text: str) -> tuple[str, ...]:
    """The parts of the reference that a text is; none where it is more than one reference, or another text."""
    whole = _REFERENCE.fullmatch(text.strip())
    return parts_of(whole[1]) if whole is not None else ()


def parts_of(reference: str) -> tuple[str, ...]:
    """The parts of a reference; one with other signs than letters, digits and _ stands in backticks, or in brackets."""
    return tuple(next(filter(None, found), "") for found in _PART.findall(reference))


def _in(held: Mapping[str, _Held], name: str, reference: str, what: str) -> _Held:
    if name in held:
        return held[name]
    near = get_close_matches(name, held, n=1)
    hint = f', did you mean "{near[0]}"?' if near else ""
    raise ReferenceUnknownError(f'{{{{{reference}}}}} leads nowhere: there is no "{name}" among {what}{hint}')


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _times(at: datetime) -> dict[str, str]:
    day = at.isoweekday()
    return {
        "iso_date": at.strftime("%Y-%m-%d"),
        "iso_datetime": at.strftime("%Y-%m-%dT%H:%M:%S"),
        "iso_weekday": str(day),
        "is_weekday": str(day < 6).lower(),  # noqa: PLR2004 -- Saturday
        "year": str(at.year),
        "month": str(at.month),
        "day": str(at.day),
        "hour": str(at.hour),
        "minute": str(at.minute),
        "second": str(at.second),
        "timestamp_ms": str(int(at.timestamp() * 1000)),
    }
