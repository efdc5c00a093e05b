"""What became of a loop on a workspace, iteration by iteration: each is judged by its own output, as a notebook's task is.

That all of them passed counts only where the workspace says of the loop that it passed, and tells as many as it counts.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from harness.jobs import loops
from harness.jobs.given import as_arguments
from harness.jobs.job import WHEEL
from harness.jobs.references import Known, has_references
from harness.jobs.result import LOST, SKIPPED, TIMED_OUT, TaskRun
from harness.model import GREEN
from harness.remote.collecting import end_of
from harness.remote.errors import MissingError
from harness.remote.outcome import outcome_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from harness.jobs.job import Loop, Task
    from harness.remote.outcome import Sent
    from harness.remote.protocol import Facts, Workspace


def end_of_loop(task: Task, loop: Loop, facts: Facts, sent: Sent, workspace: Workspace, *, stopped: str) -> TaskRun:
    """Judge a loop that has ended; its inputs and parameters are those that were submitted.

    Raises:
        RemoteError: The workspace may answer later.
    """
    said = outcome_of(facts, {"metadata": {}}, sent, stopped=stopped)
    try:
        told = workspace.iterations(int(facts.get("run_id") or 0))
    except MissingError:
        told = []
    items = _items(loop)
    found = tuple(_end_of_iteration(loop, items, one, sent, workspace, stopped=stopped) for one in told)
    stats = ((facts.get("for_each_task") or {}).get("stats") or {}).get("task_run_stats") or {}
    count = stats.get("total_iterations")
    ended: str = said.ended
    why = said.error
    if said.ended in GREEN and count != len(told):
        ended = LOST
        why = f"it is said to have passed, but of {'nobody knows how many' if count is None else count} iterations"
        why += f" {len(told)} are told"
    elif said.ended in GREEN or (said.ended != TIMED_OUT and any(one.is_red for one in found)):
        ended, why = loops.ended(found), loops.why(found)
    return TaskRun(task.key, task.kind, ended, why, iterations=found)


def _end_of_iteration(
    loop: Loop, items: Sequence[Any], facts: Facts, sent: Sent, workspace: Workspace, *, stopped: str
) -> TaskRun:
    task = _as_resolved(loop.task, (facts.get("resolved_values") or {}).get(loop.task.kind) or {})
    known = Known("", 0, datetime.fromtimestamp(0, UTC), {}, task.key)
    ended = partial(
        TaskRun,
        task.key,
        task.kind,
        input=loops.input_of(loop, items, task.texts, known),
        parameters=task.parameters,
        arguments=task.arguments,
    )
    state = facts.get("state") or {}
    if state.get("life_cycle_state") == "SKIPPED" and state.get("result_state") != "SUCCESS":
        return ended(SKIPPED, str(state.get("state_message") or "it was not run"))
    run = end_of(facts, sent, workspace, stopped=stopped)
    return ended(run.ended, run.error, run=run)


def _as_resolved(task: Task, told: Facts) -> Task:
    """The task with what a workspace tells that it was given."""
    named = told.get("base_parameters") or told.get("named_parameters") or {}
    parameters = {str(name): str(value) for name, value in named.items()}
    arguments = tuple(str(one) for one in told.get("parameters") or ())
    return replace(task, parameters=parameters, arguments=arguments + (as_arguments(parameters) if task.kind == WHEEL else ()))


def _items(loop: Loop) -> tuple[Any, ...]:
    """The elements, where no other task makes them."""
    try:
        return () if has_references(loop.inputs) else loops.items_of(loop, loop.inputs)
    except ValueError:
        return ()
