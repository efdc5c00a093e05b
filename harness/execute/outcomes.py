"""What the record of a run says of its end beside what was seen from outside, and what of a run is not to be shown."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.model import NotebookRun, Outcome
    from harness.runtime.redact import Redactor

_OF_CELL = {"exit": "exited", "unsupported": "unsupported", "failed": "failed"}
"""What an event of the record makes of its cell."""


def overruled(
    record: Sequence[dict[str, Any]], ended: Outcome, error: str, event: Mapping[str, Any] | None
) -> tuple[Outcome, str, Mapping[str, Any] | None]:
    """How a run ended, by what error and which event, if it asked for what it didn't get.

    That counts whether or not the notebook went on after it: what it gives then is no result.
    """
    refused = [of for of in record if of["event"] == "refused"]
    if not refused or ended not in ("passed", "exited", "failed", "unsupported"):
        return ended, error, event
    first = min(refused, key=lambda of: str(of["ends"]))  # what was lost comes before what is unsupported
    return first["ends"], first["why"], first


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
