"""What the record of a run says of its end beside what was seen from outside, and what of a run is not to be shown."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.model import NotebookRun
    from harness.runtime.redact import Redactor

_OF_CELL = {"exit": "exited", "unsupported": "unsupported", "failed": "failed"}
"""What an event of the record makes of its cell."""


def first_refusal(record: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """What a run asked for and didn't get, whether or not the notebook went on after it: what it gives then is no result."""
    found = sorted((event for event in record if event["event"] == "refused"), key=lambda event: str(event["ends"]))
    return found[0] if found else None  # sorted: what was lost comes before what is unsupported


def outcomes_of_cells(record: Sequence[Mapping[str, Any]], *, last: int | None) -> dict[int, str]:
    """What the record makes of cells, by number; ``last`` is the one that was on when the run was ended from outside."""
    found: dict[int, str] = {} if last is None else {last: "failed"}
    for event in record:
        name = event["event"]
        if name == "refused":
            name = "failed" if event["ends"] == "infrastructure_failed" else "unsupported"
        if name in _OF_CELL:
            found.setdefault(event["cell"], _OF_CELL[name])
    return found


def redacted(run: NotebookRun, redactor: Redactor) -> NotebookRun:
    """Give the run without the secrets that were read, in all that it shows; its exit value is a result, and stays as it is."""
    if not redactor:
        return run
    cells = tuple(replace(cell, outputs=redactor.data(cell.outputs)) for cell in run.cells)
    for cell in run.executed["cells"]:
        if "outputs" in cell:
            cell["outputs"] = redactor.data(cell["outputs"])
    return replace(run, error=redactor.text(run.error), cells=cells)
