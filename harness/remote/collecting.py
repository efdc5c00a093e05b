"""Ask a workspace for what a run that has ended left, and judge it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.remote.errors import AnswerError, MissingError, RemoteError, is_passing
from harness.remote.outcome import outcome_of, task_of

if TYPE_CHECKING:
    from harness.remote.outcome import RemoteRun, Sent
    from harness.remote.protocol import Facts, Workspace


def end_of(facts: Facts, sent: Sent, workspace: Workspace, *, stopped: str = "") -> RemoteRun:
    """What became of a notebook: by its output, and by the executed notebook where that doesn't tell the line that failed.

    Raises:
        RemoteError: The workspace may answer later.
    """
    task_id = int(task_of(facts).get("run_id") or facts["run_id"])
    output: Facts | None = None
    try:
        output = workspace.output(task_id)
    except RemoteError as error:
        if is_passing(error) or not isinstance(error, AnswerError | MissingError):
            raise
        # Else it has none, or not any more.
    run = outcome_of(facts, output, sent, stopped=stopped)
    if run.ended == "failed" and (run.location is None or run.location.line is None):
        return outcome_of(facts, output, sent, stopped=stopped, page=_page_of(task_id, workspace))
    return run


def _page_of(task_id: int, workspace: Workspace) -> str:
    """The executed notebook, which may tell the cell that failed; it is no harm if it can't be had."""
    try:
        return "\n".join(str(view.get("content") or "") for view in workspace.export_run(task_id))
    except RemoteError:
        return ""
