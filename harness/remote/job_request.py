"""A job's run to be: one submission with all of its tasks, which is a copy that nobody has to remove.

``runs/submit`` takes tasks with all that orders them, and no parameters of a job: so these are put in their places here, by the
platform's own rules. Each notebook gets all of them, and they win over its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from harness.jobs.errors import JobKindError
from harness.jobs.given import pushed_down
from harness.jobs.job import SCRIPT, SERVED, WHEEL
from harness.jobs.loops import texts_of
from harness.jobs.references import inline
from harness.jobs.result import LOST
from harness.jobs.variables import FILES, ROOT
from harness.jobs.written import place_of
from harness.model import Location
from harness.remote.job_outcome import end_of_job
from harness.remote.job_wheels import PLACES, Placed
from harness.remote.runs import Request, notebook_task, script_task, wheel_task

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.jobs.job import Job, Loop, Task
    from harness.remote.compute import Computes
    from harness.remote.outcome import RemoteRun, Sent
    from harness.remote.protocol import Facts, Workspace


@dataclass(frozen=True, slots=True)
class TaskSent:
    """A task with what was sent for it, None for one that runs no file, and the path there of the file that it runs."""

    task: Task
    sent: Sent | None = None
    target: str = ""


@dataclass(frozen=True, slots=True)
class JobRequest(Request):
    """A job's run to be.

    ``widgets`` are all of its parameters, ``placed`` says where the project's wheels lie, ``files`` is the folder of the
    bundle's files, ``above`` the one that has it as its "files", where that is asked for.
    """

    job: Job | None = None
    placed: Placed = field(default_factory=Placed)
    parts: tuple[TaskSent, ...] = ()
    files: str = ""
    above: str = ""
    has_own_compute: bool = False
    is_tried_again: bool = field(default=False, init=False)  # tasks that passed would run twice

    def body(self, token: str, run_name: str) -> Facts:
        """What is submitted."""
        assert self.job is not None  # noqa: S101 -- it has a default only because those above have
        workers = [part.task.worker for part in self.parts]
        if self.has_own_compute:
            computes, submission = self.placed.of_jobs(self.job, workers)
        else:
            computes, submission = self.placed.of_environment(*self.keys(), workers)
        return {
            "run_name": run_name,
            "idempotency_token": token,
            "timeout_seconds": math.ceil(self.timeout_s + self.start_s),
            **submission,
            "tasks": [self._task(part, compute) for part, compute in zip(self.parts, computes, strict=True)],
        }

    def _task(self, part: TaskSent, compute: Mapping[str, Any]) -> Facts:
        task = part.task
        made: Facts = {"task_key": task.key}
        if task.after:
            made["depends_on"] = [
                {"task_key": one.key, **({"outcome": one.outcome} if one.outcome else {})} for one in task.after
            ]
            made["run_if"] = task.run_if
        if task.timeout_s:
            made["timeout_seconds"] = int(task.timeout_s)
        if task.condition is not None:
            left, right = (self._inline(side) for side in (task.condition.left, task.condition.right))
            return {**made, "condition_task": {"op": task.condition.op, "left": left, "right": right}}
        if task.loop is None:
            return {**made, **_file_task(part.target, self._given(task)), **compute}
        loop = self._filled(task.loop)
        inner: Facts = {"task_key": loop.task.key, **_file_task(part.target, loop.task), **compute}
        if loop.task.timeout_s:
            inner["timeout_seconds"] = int(loop.task.timeout_s)
        return {**made, "for_each_task": {"inputs": loop.inputs, "concurrency": loop.concurrency, "task": inner}}

    def _given(self, task: Task) -> Task:
        """The task with all that it is given."""
        parameters = {name: self._inline(value) for name, value in pushed_down(task, self.widgets).items()}
        return replace(task, parameters=parameters, arguments=tuple(map(self._inline, task.arguments)))

    def _filled(self, loop: Loop) -> Loop:
        return replace(loop, inputs=self._inline(loop.inputs), task=self._given(loop.task))

    def _inline(self, text: str) -> str:
        """Put in its place what the submitted run has another of, or none: the job's name, its parameters, its folder."""
        return inline(text, self.widgets, job=self.sent.path).replace(FILES, self.files).replace(ROOT, self.above)

    def collect(self, facts: Facts, workspace: Workspace, *, stopped: str) -> RemoteRun:
        """What became of it; a cluster that it was lost with is told, for the next run needs another."""
        tasks = [
            replace(part.task, loop=self._filled(part.task.loop)) if part.task.loop is not None else part.task
            for part in self.parts
        ]
        parts = [(task, part.sent) for task, part in zip(tasks, self.parts, strict=True)]
        end = end_of_job(facts, self.sent, parts, workspace, stopped=stopped)
        if end.ended == LOST and not self.has_own_compute:
            for cluster_id in dict.fromkeys(filter(None, map(_cluster_of, facts.get("tasks") or ()))):
                self.lost(cluster_id)
        return end


def _file_task(target: str, task: Task) -> Facts:
    """A task that runs a file, or calls an entry point, by its kind."""
    if task.entry is not None:
        return wheel_task(task.entry.package, task.entry.called, task.parameters, task.arguments)
    return script_task(target, task.arguments) if task.kind == SCRIPT else notebook_task(target, task.parameters)


def _cluster_of(task: Facts) -> str:
    """The cluster that a task ran on; a loop has none itself, and tells which its task was to run on."""
    inner = (task.get("for_each_task") or {}).get("task") or {}
    return str((task.get("cluster_instance") or {}).get("cluster_id") or inner.get("existing_cluster_id") or "")


def values_of(job: Job, parameters: Mapping[str, str], *, root: str) -> list[tuple[Location, str, str]]:
    """What the tasks are given, each with its place and name: the job's parameters, and those of each task that they leave."""
    places = [(f"parameter {name}", value) for name, value in parameters.items()]
    for task in job.tasks:
        left = {name: value for name, value in task.worker.texts.items() if name not in parameters or task.worker.arguments}
        places.extend((f"{task.worker.key}: {name}", value) for name, value in left.items())
        if task.loop is not None:
            texts = texts_of(task.loop, inline(task.loop.inputs, parameters, job=job.name))
            places.extend((f"{task.key}: inputs", text) for text in dict.fromkeys(texts))
    return [
        (place_of(value, otherwise=job.path, root=root), name, inline(value, parameters, job=job.name))
        for name, value in places
    ]


def check_kinds(job: Job, *, root: str) -> None:
    """See that a copy of the job can be run.

    Raises:
        JobKindError: It holds a task of another kind than those that are served.
    """
    import os

    for task in job.tasks:
        if task.worker.unclear:
            raise JobKindError(
                f'what the task "{task.worker.key}" runs can\'t be told',
                cause=task.worker.unclear,
                mend="mend that, or mark the test @pytest.mark.nbh_local_only",
                location=Location(os.path.relpath(job.path, root)),
            )
        if task.worker.job is not None:
            raise JobKindError(
                f'the task "{task.worker.key}" runs another job',
                cause="on a workspace that is the deployed one, and no copy of what lies here",
                mend=f'leave it out by skip_tasks=["{task.key}"] and run its job by run_job, or mark the test '
                "@pytest.mark.nbh_local_only",
                location=Location(os.path.relpath(job.path, root)),
            )
        if task.unserved:
            has = "is" if task.unserved == task.kind else "runs"
            raise JobKindError(
                f'the task "{task.key}" {has} a {task.unserved}',
                cause=f"a copy of a job is run with {', '.join(SERVED)} alone: others reach for what is no copy",
                mend=f'leave it out by skip_tasks=["{task.key}"], or run its notebooks one by one, by run_notebook',
                location=Location(os.path.relpath(job.path, root)),
            )


def check_environments(job: Job, computes: Computes, *, its_compute: bool, root: str) -> None:
    """See that scripts and wheels find an environment: without one serverless compute has none, and nobody can guess which.

    Raises:
        JobKindError: There is none for one of them.
    """
    import os

    for worker in [task.worker for task in job.tasks if task.worker.kind in (SCRIPT, WHEEL) or task.worker.wheels]:
        if worker.compute.keys() & PLACES if its_compute else computes.runs_scripts or worker.environment:
            continue
        mend = "write one under environments of the job, and its key as environment_key of the task"
        if not its_compute:
            mend = "write one under environments of the job, with its key at the task, or under [[tool.nbh.env.….environments]]"
        what = f"is a {worker.kind}" if worker.kind in (SCRIPT, WHEEL) else "asks for the project's wheel"
        raise JobKindError(
            f'the task "{worker.key}" {what}, and has no environment to run in',
            cause="on serverless compute it needs one, with its environment_version",
            mend=mend,
            location=Location(os.path.relpath(job.path, root)),
        )
