"""What became of a run: from what its kernel told, and how it was seen to end."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.errors import ExitValueCutError
from harness.execute.cases import failures_of, judged
from harness.execute.ended import last_place, last_words
from harness.execute.job import clipped, told
from harness.execute.node import to_run
from harness.execute.outcomes import outcomes_of_cells, overruled
from harness.model import NOTHING_RUN, CellRun, Location, NotebookRun
from harness.notebook.script import SCRIPT
from harness.runtime.notebook import EXIT_LIMIT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from nbformat import NotebookNode

    from harness.execute.client import Course
    from harness.execute.job import Job
    from harness.model import Cell, Notebook, Outcome


@dataclass(frozen=True, slots=True)
class _End:
    """How a run ended, by what, and the event of its record that tells where."""

    outcome: Outcome
    error: str = ""
    event: Mapping[str, Any] | None = None


def result_of(
    notebook: Notebook,
    node: NotebookNode,
    job: Job,
    *,
    course: Course,
    skipped: frozenset[int],
    took: float,
    timeout_s: float | None,
    full: str = "",
    lost: str = "",
    is_child: bool = False,
    is_workspaces: bool = False,
) -> NotebookRun:
    """What became of a run, from what it told and how it was seen to end.

    ``full`` says that it wrote more than it may, ``lost`` that Spark ended meanwhile. For what a
    notebook runs (``is_child``) a notebook that leaves all its cells out has done what it does on Databricks. A workspace that
    runs it (``is_workspaces``) tells by itself that it has cut an exit value.
    """
    record = told(job.folder)
    end = _End("failed", full) if full else _end(record, node, course, timeout_s)
    if lost and end.outcome != "cancelled":
        end = _End("infrastructure_failed", lost, end.event)
    value: str | None = end.event["value"] if end.outcome == "exited" and end.event is not None else None
    if value is not None and not is_child and not is_workspaces and _is_cut(value):
        end = _End("infrastructure_failed", str(_cut(value)), end.event)
    if end.outcome == "passed" and not is_child and notebook.is_left_out(skipped):
        end = _End("unsupported", NOTHING_RUN)
    shown = os.path.relpath(job.path, job.root).replace(os.sep, "/")
    last = max(course.began, default=None) if end.event is None and end.outcome != "passed" else None
    place = None
    if end.event is not None:
        place = Location(end.event["path"], end.event["line"], end.event["in_cell"], end.event["at"])
    elif end.outcome != "passed" and end.error != NOTHING_RUN:
        place = last_place(notebook, job, shown=shown, cell=last)
    if place is not None and notebook.format == SCRIPT:
        place = Location(place.path, place.line)
    for number in course.took:
        node.cells[number - 1]["execution_count"] = number  # as we count cells, and as Databricks shows them
    outcomes = outcomes_of_cells(record, last=last)
    cells = tuple(
        _cell_run(
            cell, node.cells[cell.number - 1], course, skipped=cell.number in skipped, told_of=outcomes.get(cell.number, "")
        )
        for cell in notebook.cells
    )
    run = NotebookRun(
        path=shown,
        ended=end.outcome,
        exit_value=value,
        error=end.error,
        location=place,
        cells=cells,
        duration_s=took,
        executed=node,
        left_out=notebook.left_out(skipped),
        is_empty=notebook.is_empty,
    )
    return judged(run, failures_of(record))


def _is_cut(value: str) -> bool:
    """Whether it is as long as what is kept of a longer one, but for a last letter that fell apart."""
    return len(value) > EXIT_LIMIT // 4 and len(value.encode(errors="replace")) > EXIT_LIMIT - 4


def _cut(value: str) -> ExitValueCutError:
    return ExitValueCutError(
        "only the beginning of the exit value is kept, as on a workspace",
        cause=f"that is {len(value.encode(errors='replace')):,} bytes, and there are more",
        mend="exit with a short value, and write what is long to a table or a volume",
    )


_OF_END = ("exit", "unsupported", "failed")


def _end(record: Sequence[dict[str, Any]], node: NotebookNode, course: Course, timeout_s: float | None) -> _End:
    if course.ended == "cancelled":
        return _End("cancelled", "it was interrupted")
    if course.ended == "timed_out":
        return _End("timed_out", f"it was still at it after {timeout_s:g} s")
    if course.ended not in ("", "error"):
        return _End("infrastructure_failed", last_words(record, course))
    if course.ended == "error":
        end = _error_of(record, course)
    elif any(number not in course.took for number in to_run(node)):
        return _End("infrastructure_failed", "not all of its cells were run, and nothing tells why")
    else:
        end = _End("passed")
    return _End(*overruled(record, end.outcome, end.error, end.event))


def _error_of(record: Sequence[dict[str, Any]], course: Course) -> _End:
    last = max(course.began, default=None)
    ends = [event for event in record if event["event"] in _OF_END and (event["cell"] == last or event.get("after"))]
    event = ends[-1] if ends else None
    if event is None:
        return _End("failed", clipped(course.error))  # what it told is gone, or never came to be: so much is sure
    if event["event"] == "exit":
        return _End("exited", event=event)
    if event["event"] == "unsupported":
        return _End("unsupported", event["why"], event)
    return _End("failed", event["error"], event)


def _cell_run(cell: Cell, node: NotebookNode, course: Course, *, skipped: bool, told_of: str) -> CellRun:
    outcome = told_of or ("passed" if cell.number in course.took else "not_run")
    if skipped or cell.skipped:
        outcome = "skipped"
    outputs = tuple(_joined(node.get("outputs", ())))
    return CellRun(cell.number, cell.language, outcome, outputs, course.took.get(cell.number, 0.0))


def _joined(outputs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What was printed, in one piece as long as nothing came between: a kernel sends it in pieces as time allows."""
    joined: list[dict[str, Any]] = []
    for output in outputs:
        last = joined[-1] if joined else {}
        if output["output_type"] == "stream" and output["name"] == last.get("name"):
            last["text"] += output["text"]
        else:
            joined.append(dict(output))
    return joined
