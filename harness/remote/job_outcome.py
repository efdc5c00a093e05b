"""What became of a job's run on a workspace, task by task: the same result as of a run here.

Both have to say that it is good: the tasks, by the rules that hold here, and the workspace, of the whole.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from harness.jobs.course import ended, left_out, why
from harness.jobs.job import CONDITION
from harness.jobs.result import EXCLUDED, LOST, PASSED, SKIPPED, TIMED_OUT, WITH_FAILURES, JobRun, TaskRun, Tasks
from harness.model import GREEN
from harness.remote.collecting import end_of
from harness.remote.loop_outcome import end_of_loop
from harness.remote.outcome import RemoteRun, outcome_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.jobs.job import Job, Task
    from harness.model import Outcome
    from harness.remote.outcome import Sent
    from harness.remote.protocol import Facts, Workspace

_LEFT_OUT = {"EXCLUDED": EXCLUDED, "UPSTREAM_FAILED": SKIPPED, "UPSTREAM_CANCELED": SKIPPED}
_SAID = {PASSED: "SUCCESS", EXCLUDED: "SUCCESS", WITH_FAILURES: "SUCCESS_WITH_FAILURES"}


@dataclass(frozen=True, slots=True, repr=False)
class JobEnd(RemoteRun):
    """A job's run on a workspace; ``ended`` is as of `harness.jobs.result.JobRun`."""

    tasks: Tasks = field(default_factory=Tasks)


def end_of_job(
    facts: Facts, whole: Sent, parts: Sequence[tuple[Task, Sent | None]], workspace: Workspace, *, stopped: str = ""
) -> JobEnd:
    """Judge a job's run that has ended; ``parts`` are its tasks in running order, with what was sent for each.

    Of a loop the inputs and parameters are those that were submitted.

    Raises:
        RemoteError: The workspace may answer later.
    """
    told = _by_key(facts)
    ends = Tasks()
    for task, sent in parts:
        its = told.get(task.key)
        if its is None:
            ends[task.key] = TaskRun(task.key, task.kind, LOST, "the workspace tells nothing of it")
        else:
            ends[task.key] = _end_of_task(task, its, sent or whole, ends, workspace, stopped=stopped)
    how, error = ended([task for task, _ in parts], ends), why(ends)
    state = facts.get("state") or {}
    result = str(state.get("result_state") or "")
    if result == "TIMEDOUT" or (stopped == "timed_out" and how not in _SAID):
        how, error = TIMED_OUT, str(state.get("state_message") or "") or "it took longer than it may"
    elif how in _SAID and result != _SAID[how]:
        error = f"its tasks are said to have {how.replace('_', ' ')}, but the run ended as {result or 'nothing'}"
        how = LOST
    return JobEnd(
        path=whole.path,
        ended=cast("Outcome", how),
        error=error,
        duration_s=float(facts.get("run_duration") or facts.get("execution_duration") or 0) / 1000,
        link=str(facts.get("run_page_url") or ""),
        run_id=int(facts.get("run_id") or 0),
        notes=whole.notes,
        tasks=ends,
    )


def job_run(job: Job, end: RemoteRun) -> JobRun:
    """The result for a test. Where nobody knows what became of the run, nobody knows of its tasks."""
    first = end.error.splitlines()[0] if end.error else end.ended
    known = end.tasks if isinstance(end, JobEnd) else None
    tasks = known or Tasks({task.key: TaskRun(task.key, task.kind, LOST, first) for task in job.tasks})
    notes = tuple(dict.fromkeys((*job.notes, *end.notes)))
    return JobRun(job.name, end.ended, tasks, end.error, end.duration_s, end.link, notes, without=job.without)


def _by_key(facts: Facts) -> dict[str, Facts]:
    """The last attempt at each task."""
    tasks = sorted(facts.get("tasks") or (), key=lambda task: int(task.get("attempt_number") or 0))
    return {str(task.get("task_key")): task for task in tasks}


def _end_of_task(
    task: Task, facts: Facts, sent: Sent, ends: Mapping[str, TaskRun], workspace: Workspace, *, stopped: str
) -> TaskRun:
    state = facts.get("state") or {}
    left = _LEFT_OUT.get(str(state.get("result_state") or ""))
    if left is not None:
        by_rule = left_out(task, ends)
        reason = by_rule.why if by_rule is not None and by_rule.ended == left else str(state.get("state_message") or "")
        return TaskRun(task.key, task.kind, left, reason)
    if task.kind == CONDITION:
        return _end_of_condition(task, facts, sent, stopped=stopped)
    if task.loop is not None:
        return end_of_loop(task, task.loop, facts, sent, workspace, stopped=stopped)
    run = end_of(facts, sent, workspace, stopped=stopped)
    return TaskRun(task.key, task.kind, run.ended, run.error, run=run)


def _end_of_condition(task: Task, facts: Facts, sent: Sent, *, stopped: str) -> TaskRun:
    """A condition gives no output: that it came to something is told with the run."""
    came_to = str((facts.get("condition_task") or {}).get("outcome") or "").lower()
    said = outcome_of(facts, {"metadata": {}}, sent, stopped=stopped)
    if said.ended not in GREEN:
        return TaskRun(task.key, task.kind, said.ended, said.error)
    if came_to not in {"true", "false"}:
        return TaskRun(task.key, task.kind, LOST, "it is said to have passed, but not what it came to")
    return TaskRun(task.key, task.kind, PASSED, result=came_to == "true")
