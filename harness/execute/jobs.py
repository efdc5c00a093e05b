"""A job run here: its tasks one after the other, each file in a process of its own, by the rules of Databricks' jobs."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from harness.execute.pip import lack_of
from harness.jobs import loops
from harness.jobs.course import comes_to, ended, left_out, why
from harness.jobs.given import as_arguments, pushed_down
from harness.jobs.job import NOTEBOOK, WHEEL
from harness.jobs.order import before, last_first
from harness.jobs.references import Known, ReferenceUnknownError, fill
from harness.jobs.result import EXCLUDED, FAILED, PASSED, SKIPPED, TIMED_OUT, UNSUPPORTED, WITH_FAILURES, JobRun, TaskRun, Tasks
from harness.model import GREEN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeAlias

    from harness.jobs.job import Job, Loop, Task, Wheel
    from harness.model import NotebookRun
    from harness.runtime.surroundings import Surroundings

    _Run: TypeAlias = Callable[[Task, float | None], NotebookRun]
    _RunJob: TypeAlias = Callable[[Job, Mapping[str, str], float | None], JobRun]

_KINDS = {
    "sql_task": "it needs a SQL warehouse, and there is none here",
    "run_job_task": "it runs a job that is none of the bundle's, by ${resources.jobs.….id}",
    "condition_task": "a loop over conditions isn't run here",
    "pipeline_task": "it needs a pipeline of a workspace",
    "dbt_task": "it needs a SQL warehouse and dbt",
    "spark_jar_task": "it needs a cluster that takes JVM libraries",
}


def run_job(
    job: Job,
    parameters: Mapping[str, str],
    *,
    around: Surroundings,
    run: _Run,
    run_other: _RunJob,
    timeout_s: float | None,
    shown: Callable[[str], str] = str,
) -> JobRun:
    """Run a job's tasks in their order; whatever becomes of them is in the result.

    Args:
        job: The job.
        parameters: All of its parameters.
        around: What its tasks share: task values, secrets.
        run: Runs the file of a task whose references are filled in, in as many seconds.
        run_other: Runs a job that is a task of this one, with all of its parameters, in as many seconds.
        timeout_s: How long all of it may take.
        shown: The path of a notebook as a workspace has it.
    """
    begun, number = time.monotonic(), around.next_run()
    limits = [one for one in (timeout_s, job.timeout_s) if one]
    deadline = begun + min(limits) if limits else None
    started = datetime.now(UTC)
    around.tasks.give({task.key: {} for task in job.tasks})
    ends, running = Tasks(), _Running(parameters, around, run, run_other, shown)
    earlier = before(job.tasks)
    for task in last_first(job.tasks):
        out = left_out(task, ends)
        if out is not None:
            ends[task.key] = TaskRun(task.key, task.kind, out.ended, out.why, waits_for_open=out.is_open)
            continue
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0:
            ends[task.key] = TaskRun(task.key, task.kind, SKIPPED, "the job's time was over")
            continue
        around.tasks.hide({one.key for one in job.tasks} - earlier[task.key] - {task.key, task.worker.key})
        known = Known(job.name, number, started, parameters, task.key, running.path_of(task), ends, around.tasks.of)
        ends[task.key] = running.task(task, known, left)
    around.tasks.hide(())
    ends = Tasks({task.key: ends[task.key] for task in job.tasks})
    how, error = ended(job.tasks, ends), why(ends)
    if deadline is not None and any(one.why == "the job's time was over" for one in ends.values()):
        how, error = TIMED_OUT, "its time was over before all of its tasks were run"
    notes = (*job.notes, *_sources_of(job, ends), *_lacking(job), *_notes_of(ends))
    return JobRun(job.name, how, ends, error, time.monotonic() - begun, notes=notes, without=job.without)


def _sources_of(job: Job, ends: Tasks) -> list[str]:
    """Say of each task with wheels that ran what was run: none that was built, and may be another than what lies here now."""
    return [
        f"{task.worker.key} ran the project's source of {' and '.join(map(_name_of, task.worker.wheels))} as it lies here, and "
        "no wheel that was built of it"
        for task in job.tasks
        if task.worker.wheels and (ends[task.key].run or ends[task.key].iterations)
    ]


def _notes_of(ends: Tasks) -> list[str]:
    """What there is to know of the jobs that tasks ran."""
    runs = [(end.key, one.job) for end in ends.values() for one in (*end.iterations, end) if one.job is not None]
    return list(dict.fromkeys(f"{key}: {note}" for key, run in runs for note in run.notes))


def _lacking(job: Job) -> list[str]:
    """Say of each task what it asks for and runs without here: with another version, or with none."""
    return [
        f"{task.worker.key} ran with what is installed here: {'; '.join(lacks)}"
        for task in job.tasks
        if (lacks := [said for text in task.worker.requires if (said := lack_of(text))])
    ]


def _name_of(wheel: Wheel) -> str:
    return wheel.package or os.path.basename(wheel.home)


class _Running:
    """Runs one task after the other, each for as long as is left."""

    def __init__(
        self, parameters: Mapping[str, str], around: Surroundings, run: _Run, run_other: _RunJob, shown: Callable[[str], str]
    ) -> None:
        self._parameters, self._values, self._shown = parameters, around.tasks, shown
        self._run, self._run_other = run, run_other

    def path_of(self, task: Task) -> str:
        """The path of its notebook as a workspace has it, "" where it has none."""
        return self._shown(task.path) if task.kind == NOTEBOOK else ""

    def task(self, task: Task, known: Known, left: float | None) -> TaskRun:
        """Run one task."""
        if task.unserved:
            reason = _KINDS.get(task.unserved, "tasks of its kind aren't run here")
            has = "is" if task.unserved == task.kind else "runs"
            return TaskRun(task.key, task.kind, UNSUPPORTED, f"{task.key} {has} a {task.unserved}: {reason}", held={})
        if task.worker.unclear:
            return TaskRun(task.key, task.kind, UNSUPPORTED, f"{task.worker.key}: {task.worker.unclear}", held={})
        try:
            if task.condition is not None:
                result = comes_to(task.condition, fill(task.condition.left, known), fill(task.condition.right, known))
                return TaskRun(task.key, task.kind, PASSED, result=result, held={})
            if task.loop is not None:
                return self._loop(task, task.loop, known, left)
        except (ReferenceUnknownError, ValueError) as exc:
            return TaskRun(task.key, task.kind, FAILED, str(exc), held={})
        return self._work(task, known, left)

    def _work(self, task: Task, known: Known, left: float | None) -> TaskRun:
        """Run a notebook, a script, what a wheel's task calls, or another job."""
        try:
            parameters = {name: fill(value, known) for name, value in pushed_down(task, self._parameters).items()}
            arguments = tuple(fill(text, known) for text in task.arguments)
            if task.kind == WHEEL:
                arguments += as_arguments(parameters)
        except ReferenceUnknownError as exc:
            return TaskRun(task.key, task.kind, FAILED, str(exc), held={})
        if task.job is not None:
            run = self._run_other(task.job, {**task.job.parameters, **parameters}, _least(left, task.timeout_s))
            how, said = _as_task(run)
            return TaskRun(task.key, task.kind, how, said, parameters=parameters, held={}, job=run)
        done = self._run(replace(task, parameters=parameters, arguments=arguments), _least(left, task.timeout_s))
        said = done.error or ("" if done.ended in GREEN else "nothing says why")
        held = self._values.of(task.key)
        return TaskRun(task.key, task.kind, done.ended, said, run=done, parameters=parameters, arguments=arguments, held=held)

    def _loop(self, task: Task, loop: Loop, known: Known, left: float | None) -> TaskRun:
        """Run all iterations, whatever becomes of one.

        Raises:
            ValueError: There is no array to run over.
        """
        most = _least(left, task.timeout_s)
        until = None if most is None else time.monotonic() + most
        done, is_late = [], False
        for item in loops.items_of(loop, fill(loop.inputs, known)):
            its = replace(known, task=loop.task.key, notebook=self.path_of(loop.task), input=item)
            left = None if until is None else until - time.monotonic()
            is_late = left is not None and left <= 0
            if is_late:
                one = TaskRun(loop.task.key, loop.task.kind, SKIPPED, "the loop's time was over", held={})
            else:
                one = self._work(loop.task, its, left)
            done.append(replace(one, input=its.find("input")))
        self._values.forget(loop.task.key)  # what an iteration sets no other task finds
        how = TIMED_OUT if is_late else loops.ended(done)
        return TaskRun(task.key, task.kind, how, loops.why(done), iterations=tuple(done), held={})


def _as_task(run: JobRun) -> tuple[str, str]:
    """How a task ended that ran a job, and why, by how that ended."""
    if run.ended == WITH_FAILURES:
        return UNSUPPORTED, f"what the task comes to whose job {run.summary} no page of Databricks says"
    # One that did nothing, for all was excluded, is a success there: what follows is run.
    return {EXCLUDED: PASSED, SKIPPED: FAILED}.get(run.ended, run.ended), run.error


def _least(left: float | None, own: float) -> float | None:
    limits = [one for one in (left, own) if one]
    return min(limits) if limits else None
