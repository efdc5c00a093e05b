"""The loops of a job, ``for_each_task``: what they run over, what one iteration is given, and how they end.

See https://docs.databricks.com/jobs/for-each.html. An array that can't be read, or is longer than Databricks takes, is an
error, and never an empty loop.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn

from harness.jobs.course import worst
from harness.jobs.errors import JobShapeError
from harness.jobs.references import INPUT, Known, ReferenceUnknownError, fill, has_references, inline, of_input, only
from harness.jobs.result import EXCLUDED, PASSED
from harness.jobs.written import place_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.jobs.job import Job, Loop
    from harness.jobs.result import TaskRun

MOST_LETTERS = 10_000
MOST_BYTES = 48 * 1024
"""Databricks' own limits: of an array that is written or a parameter, and of one that is a task value."""
MOST_ELEMENTS = 5_000
MOST_AT_ONCE = 100

_SHOWN = 100
NOTHING = "its inputs are an empty array, so nothing was run"


def items_of(loop: Loop, text: str) -> tuple[Any, ...]:
    """The elements that a loop runs over; ``text`` are its inputs with all references filled in.

    Raises:
        ValueError: The text is no JSON array, or a longer one than Databricks takes.
    """
    if only(loop.inputs)[:1] == ("tasks",):
        size = len(text.encode())
        if size > MOST_BYTES:
            raise ValueError(f"the inputs have {size:,} bytes, and a task value may have {MOST_BYTES:,}")
    elif len(text) > MOST_LETTERS:
        raise ValueError(f"the inputs have {len(text):,} characters, and may have {MOST_LETTERS:,}")
    try:
        found = json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("the inputs are no JSON array: they are nested too deep") from None
    except ValueError as exc:
        raise ValueError(f"the inputs are no JSON array: {exc}, in {text[:200]!r}") from None
    if not isinstance(found, list):
        raise ValueError(f"the inputs are no JSON array, but {text[:200]!r}")  # noqa: TRY004 -- what is wrong is a text
    if len(found) > MOST_ELEMENTS:
        raise ValueError(f"the inputs have {len(found):,} elements, and may have {MOST_ELEMENTS:,}")
    return tuple(found)


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def check_inputs(job: Job, parameters: Mapping[str, str], *, root: str) -> None:
    """See that loops can run over what is known before anything of the job is run.

    Raises:
        JobShapeError: The inputs of one can't be an array, whatever other tasks leave.
    """
    for task in job.tasks:
        if task.loop is None:
            continue
        text = inline(task.loop.inputs, parameters, job=job.name)
        if has_references(text):
            continue
        try:
            items_of(task.loop, text)
        except ValueError as exc:
            raise JobShapeError(
                f'the loop of the task "{task.key}" has nothing to run over',
                cause=str(exc),
                mend='write inputs as a JSON array: \'["a", "b"]\'',
                location=place_of(task.loop.inputs, otherwise=job.path, root=root),
            ) from exc


def texts_of(loop: Loop, text: str) -> list[str]:
    """All texts in the elements of a loop's inputs, as far as these are known before it runs; else the inputs themselves."""
    try:
        left = list(items_of(loop, text))
    except ValueError:
        left = []
    found = []
    while left:
        one = left.pop(0)
        left.extend([*one, *one.values()] if isinstance(one, dict) else one if isinstance(one, list) else ())
        if isinstance(one, str):
            found.append(one)
    return found or [text]


def ended(iterations: Sequence[TaskRun]) -> str:
    """How a loop ended: as the worst of its iterations, for one that fails fails it. One without any did nothing."""
    if not iterations:
        return EXCLUDED
    return worst([one.ended for one in iterations if one.is_red]) or PASSED


def why(iterations: Sequence[TaskRun]) -> str:
    """By which iteration a loop is red; "" where it isn't."""
    reds = [one for one in iterations if one.is_red]
    if not iterations:
        return NOTHING
    if not reds:
        return ""
    element = reds[0].input
    of = "one of its inputs" if element is None else element if len(element) <= _SHOWN else f"{element[:_SHOWN]}…"
    return f"{len(reds)} of {len(iterations)} iterations didn't pass, for {of} it {reds[0].summary}"


def input_of(loop: Loop, items: Sequence[Any], given: Mapping[str, str], known: Known) -> str | None:
    """What ``{{input}}`` stood for in an iteration, by the parameters that it was given; None if these don't tell.

    Args:
        loop: The loop.
        items: The elements that it ran over, as far as they are known.
        given: What it was given with all references filled in, as a workspace tells it, by the names of `Task.texts`.
        known: What other references stand for, as far as that is known.
    """
    own = {name: text for name, text in loop.task.texts.items() if name in given and of_input(text)}
    whole = [given[name] for name, text in own.items() if only(text) == (INPUT,)]
    if whole:
        return _alike(whole[0])
    found = set()
    for item in items:
        its = replace(known, input=item)
        try:
            if own and all(fill(text, its) == given[name] for name, text in own.items()):
                found.add(its.find("input"))
        except ReferenceUnknownError:
            continue
    return found.pop() if len(found) == 1 else None


def _alike(text: str) -> str:
    """The text of an element as it is written here, wherever JSON leaves a choice."""
    try:
        held = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return json.dumps(held) if isinstance(held, dict | list) else text
