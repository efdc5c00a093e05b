"""What to say of a run that could not tell itself how it ended: it hung, it was killed, its process crashed."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

from harness.execute.lines import last_line
from harness.model import Location

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.execute.client import Course
    from harness.execute.job import Job
    from harness.model import Notebook

_HINTS = {
    "SIGKILL": ", as the system does where memory runs out",
    "SIGSEGV": ": native code crashed",
    "SIGABRT": ": native code gave up",
}


def last_words(events: Sequence[Mapping[str, Any]], course: Course) -> str:
    """Why its process was lost."""
    for event in events:
        if event["event"] == "lost":
            return f"its process couldn't be set up: {event['error']}"
    if course.ended == "memory":
        return "its process used up all the memory that it may have; notebook_memory under [tool.nbh] sets how much that is"
    if course.status is None:
        return f"its process was lost: {course.ended.partition(': ')[2]}"
    return f"its process ended, {how(course.status)}"


def how(status: int) -> str:
    """How a process ended, by its status as `subprocess` has it."""
    if status >= 0:
        return f"with exit code {status}"
    number = -status
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    return f"killed by {name}{_HINTS.get(name, '')}"


def last_place(notebook: Notebook, job: Job, *, shown: str, cell: int | None) -> Location:
    """Where it was at last: the notebook's line, if the process could still write it, or the cell that was on."""
    line = last_line(job.folder, job.path)
    for one in notebook.cells:
        if line is not None and one.first_line <= line <= one.last_line:
            return Location(shown, line if notebook.exact_lines else None, one.number, line - one.first_line + 1)
    return Location(shown, cell=cell)
