"""Ask a workspace for what a run that has ended left, and judge it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.model import CellRun
from harness.remote.errors import AnswerError, LeftUnknownError, MissingError, RemoteError, is_passing
from harness.remote.later import Later
from harness.remote.later import unknown as not_known
from harness.remote.outcome import outcome_of, task_of
from harness.remote.views import cells_of

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    run, page = outcome_of(facts, output, sent, stopped=stopped), ""
    if run.ended in {"failed", "unsupported"} and (run.location is None or run.location.line is None):
        page = _page_or_none(task_id, workspace)
        run = outcome_of(facts, output, sent, stopped=stopped, page=page)
    if sent.path not in sent.notebooks:
        printed = (output or {}).get("logs")
        return run if printed is None else replace(run, cells=(_script(run.ended, output or {}),))

    def cells() -> tuple[CellRun, ...]:
        return cells_of(page or _page_of(task_id, workspace), sent.notebooks[sent.path], exit_value=run.exit_value)

    return replace(run, cells=Later(cells))


def _script(ended: str, output: Facts) -> CellRun:
    """A script as the one cell that it is, with what it printed (`RunOutput.logs` of the Jobs API)."""
    outputs: Sequence[dict[str, Any]] = ({"output_type": "stream", "name": "stdout", "text": str(output["logs"])},)
    if output.get("logs_truncated"):
        outputs = not_known(
            LeftUnknownError(
                "what the script printed isn't known whole", cause="the workspace gave the end of it", mend="see the run's page"
            )
        )
    return CellRun(1, "python", ended if ended in {"passed", "failed"} else "unknown", outputs)


def _page_or_none(task_id: int, workspace: Workspace) -> str:
    """The executed notebook, which may tell the cell that failed; it is no harm if it can't be had."""
    try:
        return _page_of(task_id, workspace)
    except RemoteError:
        return ""


def _page_of(task_id: int, workspace: Workspace) -> str:
    """The executed notebook.

    Raises:
        LeftUnknownError: It can't be had.
    """
    try:
        views = workspace.export_run(task_id)
    except RemoteError as error:
        raise LeftUnknownError(
            "the cells of the run aren't known", cause=f"{error.what}: {error.cause}", mend="see the run's page"
        ) from error
    return "\n".join(str(view.get("content") or "") for view in views)
