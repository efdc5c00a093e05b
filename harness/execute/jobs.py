"""A job run here: its tasks one after the other, each notebook in a process of its own, by the rules of Databricks' jobs."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from harness.jobs.course import comes_to, ended, left_out, why
from harness.jobs.job import CONDITION, NOTEBOOK
from harness.jobs.read import pushed_down
from harness.jobs.references import Known, ReferenceUnknownError, fill
from harness.jobs.result import FAILED, PASSED, SKIPPED, TIMED_OUT, UNSUPPORTED, JobRun, TaskRun, Tasks
from harness.model import GREEN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.jobs.job import Job, Task
    from harness.model import NotebookRun
    from harness.runtime.surroundings import Surroundings

_KINDS = {
    "spark_python_task": "a plain Python file isn't run here",
    "python_wheel_task": "a wheel's entry point isn't run here",
    "sql_task": "it needs a SQL warehouse, and there is none here",
    "run_job_task": "it runs another job of a workspace",
    "for_each_task": "its loop isn't run here",
    "pipeline_task": "it needs a pipeline of a workspace",
    "dbt_task": "it needs a SQL warehouse and dbt",
    "spark_jar_task": "it needs a cluster that takes JVM libraries",
}


def run_job(
    job: Job,
    parameters: Mapping[str, str],
    *,
    around: Surroundings,
    run: Callable[[Task, Mapping[str, str], float | None], NotebookRun],
    timeout_s: float | None,
    shown: Callable[[str], str] = str,
) -> JobRun:
    """Run a job's tasks in their order; whatever becomes of them is in the result.

    Args:
        job: The job.
        parameters: All of its parameters.
        around: What its tasks share: task values, secrets.
        run: Runs the notebook of a task with these widgets, in as many seconds.
        timeout_s: How long all of it may take.
        shown: The path of a notebook as a workspace has it.
    """
    begun, number = time.monotonic(), around.next_run()
    limits = [one for one in (timeout_s, job.timeout_s) if one]
    deadline = begun + min(limits) if limits else None
    started = datetime.now(UTC)
    around.tasks.give({task.key: {} for task in job.tasks})
    ends = Tasks()
    for task in job.tasks:
        out = left_out(task, ends)
        if out is not None:
            ends[task.key] = TaskRun(task.key, task.kind, out[0], out[1])
            continue
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0:
            ends[task.key] = TaskRun(task.key, task.kind, SKIPPED, "the job's time was over")
            continue
        known = Known(
            job.name,
            number,
            started,
            parameters,
            task.key,
            shown(task.notebook) if task.notebook else "",
            ends,
            around.tasks.of,
        )
        ends[task.key] = _one(task, parameters, known, run=run, left=left, values=around.tasks.of)
    how, error = ended(job.tasks, ends), why(ends)
    if deadline is not None and any(one.why == "the job's time was over" for one in ends.values()):
        how, error = TIMED_OUT, "its time was over before all of its tasks were run"
    return JobRun(job.name, how, ends, error, time.monotonic() - begun, notes=job.notes)


def _one(
    task: Task,
    parameters: Mapping[str, str],
    known: Known,
    *,
    run: Callable[[Task, Mapping[str, str], float | None], NotebookRun],
    left: float | None,
    values: Callable[[str], Mapping[str, object]],
) -> TaskRun:
    if task.kind not in (NOTEBOOK, CONDITION):
        reason = _KINDS.get(task.kind, "tasks of its kind aren't run here")
        return TaskRun(task.key, task.kind, UNSUPPORTED, f"{task.key} is a {task.kind}: {reason}", held={})
    try:
        if task.condition is not None:
            result = comes_to(task.condition, fill(task.condition.left, known), fill(task.condition.right, known))
            return TaskRun(task.key, task.kind, PASSED, result=result, held={})
        widgets = {name: fill(value, known) for name, value in pushed_down(task, parameters).items()}
    except (ReferenceUnknownError, ValueError) as exc:
        return TaskRun(task.key, task.kind, FAILED, str(exc), held={})
    limits = [one for one in (left, task.timeout_s) if one]
    done = run(task, widgets, min(limits) if limits else None)
    said = done.error or ("" if done.ended in GREEN else "nothing says why")
    return TaskRun(task.key, task.kind, done.ended, said, run=done, held=values(task.key))
