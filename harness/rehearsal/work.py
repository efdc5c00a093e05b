"""The work of runs: tasks in their order, each on its compute, each notebook truly run."""

from __future__ import annotations

import contextlib
import logging
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.rehearsal import order, references, runner, runs, traces, views, wheels
from harness.rehearsal import packages as packages_of
from harness.rehearsal.answers import ApiError
from harness.rehearsal.clusters import clusters_of
from harness.rehearsal.identity import PRINCIPAL, USER
from harness.rehearsal.notebooks import tree_of
from harness.rehearsal.runs import End, Output, Run, Task

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from harness.rehearsal.cluster import Cluster
    from harness.rehearsal.tree import Item
    from harness.rehearsal.workspace import Workspace

MOST_BYTES = 5 * 1024 * 1024
"""So much of an exit value the API gives."""

_LOOK_S = 0.02
_FOREVER_S = 10.0**9
_UNHEALTHY = ("DRIVER_UNREACHABLE", "SERVICE_FAULT")
_AGAIN = frozenset({"FAILED"})

_log = logging.getLogger(__name__)


class _OverError(Exception):
    """A task is to end now."""

    def __init__(self, end: End) -> None:
        super().__init__(end.message)
        self.end = end


@dataclass(slots=True)
class _Limits:
    """What may end a task before its notebook does."""

    run: Run
    deadline: float
    lost_at: float = _FOREVER_S
    lost: End | None = None
    cluster: Cluster | None = None
    is_closing: Callable[[], bool] = lambda: False

    def end(self) -> End | None:
        """Why it is to end now, None if it isn't."""
        now = self.run.clock.now()
        if self.run.is_cancelled or self.is_closing():
            return runs.CANCELED
        if now >= self.deadline:
            return runs.TIMED_OUT
        if self.lost is not None and now >= self.lost_at:
            return self.lost
        if self.cluster is not None and self.cluster.look() not in {"RUNNING", "PENDING"}:
            return _end_of(self.cluster)
        return None


def _end_of(cluster: Cluster) -> End:
    """How a task ends whose cluster has ended below it: by whoever has ended that."""
    message = f"Cluster {cluster.id} became unusable during the run since it was terminated or restarted. {cluster.told_reason}"
    code, kind = str(cluster.reason.get("code")), str(cluster.reason.get("type"))
    if kind == "CLOUD_FAILURE":
        return End("INTERNAL_ERROR", "FAILED", message, kind, kind)
    if (code, kind) == _UNHEALTHY:
        return End("INTERNAL_ERROR", "FAILED", message, "DRIVER_ERROR", "INTERNAL_ERROR")
    return End("INTERNAL_ERROR", "FAILED", message, "CLUSTER_TERMINATED_BY_USER")


class Work:
    """Carries runs out, each in threads of its own."""

    def __init__(self, workspace: Workspace, new_id: Callable[[], int]) -> None:
        self._workspace = workspace
        self._new_id = new_id
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = []

    def begin(self, run: Run, *, may_begin: Callable[[], bool] = lambda: True) -> None:
        """Carry a run out; it is queued until it may begin."""
        thread = threading.Thread(target=self._run, args=(run, may_begin), name=f"run-{run.run_id}", daemon=True)
        self._threads = [one for one in self._threads if one.is_alive()] + [thread]
        thread.start()

    @property
    def is_busy(self) -> bool:
        """Whether a run is on."""
        return any(thread.is_alive() for thread in self._threads)

    def close(self) -> None:
        """End all runs, and wait until their processes are gone."""
        self._closing.set()
        for thread in self._threads:
            thread.join(15)
        runner.close(self._workspace)

    def _run(self, run: Run, may_begin: Callable[[], bool]) -> None:
        clock = run.clock
        run.state.begun = clock.now_ms()
        if not may_begin():
            run.state.life = "QUEUED"
            clock.wait(_FOREVER_S, until=lambda: may_begin() or run.is_cancelled or self._closing.is_set())
        seconds = run.settings.get("timeout_seconds") or 0
        deadline = clock.now() + seconds if seconds else _FOREVER_S + clock.now()
        left, threads = {task.key for task in run.tasks}, []
        for task in run.tasks:
            task.state.life = "BLOCKED" if task.spec.get("depends_on") else "PENDING"
        run.state.life = "PENDING"
        while left:
            for key in sorted(left):
                if self._is_free(run, key):
                    left.discard(key)
                    thread = threading.Thread(target=self._task, args=(run, key, deadline), name=f"task-{key}", daemon=True)
                    threads.append(thread)
                    thread.start()
            if left:
                time.sleep(_LOOK_S)  # of real time: the clock may stand
        for thread in threads:
            thread.join()
        with run.lock:
            for key, cluster_id in run.clusters.items():
                _log.debug("the cluster %s of the tasks with %s ends", cluster_id, key)
                clusters_of(self._workspace).find(cluster_id).end("JOB_FINISHED")
            run.state.end = order.end_of(run)
            run.state.done = clock.now_ms()
            run.state.life = run.state.end.life

    def _is_free(self, run: Run, key: str) -> bool:
        with run.lock:
            return all(one.state.is_over for one in order.before(run, key))

    def _task(self, run: Run, key: str, deadline: float) -> None:
        self._carry_out(run, order.of(run, key), run.tasks, lambda task: self._attempt(run, task, deadline))

    def _carry_out(self, run: Run, task: Task, held: list[Task], attempt: Callable[[Task], End]) -> None:
        """Attempt a task until it is over; what it is tried again by takes its place among those that are held."""
        key = task.key
        while True:
            task.state.begun = run.clock.now_ms()
            try:
                end = attempt(task)
            except _OverError as exc:
                end = exc.end
            except Exception:  # noqa: BLE001 -- a thread's edge: the run must end, and says so
                _log.exception("task %s of run %d", key, run.run_id)
                message = "the rehearsal itself failed at this task; its log tells more"
                end = End("INTERNAL_ERROR", "FAILED", message, "INTERNAL_ERROR", "INTERNAL_ERROR")
            with run.lock:
                is_last = not _is_again(task, end) or run.is_cancelled
                task.state.done = run.clock.now_ms()
                task.state.end = end
                task.state.life = end.life
                if is_last:
                    return
                task = self._again(run, task, held)
            run.clock.wait((task.spec.get("min_retry_interval_millis") or 0) / 1000, until=lambda: run.is_cancelled)

    def _again(self, run: Run, task: Task, held: list[Task]) -> Task:
        """Put another attempt in the place of one that failed."""
        again = Task(self._new_id(), task.key, task.spec, task.first_id, task.attempt + 1, element=task.element)
        run.earlier.append(task)
        held[next(at for at, one in enumerate(held) if one is task)] = again
        return again

    def _attempt(self, run: Run, task: Task, deadline: float) -> End:
        skipped = order.skipped(task, order.before(run, task.key))
        if skipped is not None:
            return skipped
        if "condition_task" in task.spec:
            return self._condition(run, task)
        if "for_each_task" in task.spec:
            return self._loop(run, task, deadline)
        return self._alone(run, task, deadline)

    def _loop(self, run: Run, task: Task, deadline: float) -> End:
        """Run the iterations, as many at once as the loop says; whatever becomes of one, the others are run."""
        try:
            elements = references.elements_of(run, task)
        except references.UnresolvedError as exc:
            return End("TERMINATED", "FAILED", str(exc))
        loop, seconds = task.spec["for_each_task"], task.spec.get("timeout_seconds") or 0
        until = min(deadline, run.clock.now() + seconds) if seconds else deadline
        limits = _Limits(run, until, is_closing=self._closing.is_set)
        spec = loop["task"]
        with run.lock:
            for element in elements:
                number = self._new_id()
                task.iterations.append(Task(number, spec["task_key"], spec, number, element=(element,)))
            task.state.ready = run.clock.now_ms()
            task.state.life = run.state.life = "RUNNING"

        def one(iteration: Task) -> None:
            self._carry_out(run, iteration, task.iterations, lambda it: limits.end() or self._alone(run, it, until))

        with ThreadPoolExecutor(int(loop.get("concurrency") or 1), f"loop-{task.key}") as threads:
            list(threads.map(one, list(task.iterations)))
        end, over = order.end_of_loop(task), limits.end()
        return over if over is not None and not end.is_good else end

    def _alone(self, run: Run, task: Task, deadline: float) -> End:
        """Run a notebook, a script or a wheel, on its compute."""
        task.state.life = "PENDING"
        seconds = task.spec.get("timeout_seconds") or 0
        own = run.clock.now() + seconds if seconds else deadline
        limits = _Limits(run, min(deadline, own), is_closing=self._closing.is_set)
        cluster = self._compute(run, task, limits)
        if cluster is None:
            return self._file(run, task, limits)
        task.cluster_id, task.context_id = cluster.id, str(9000000000000000 + cluster.contexts)
        limits.cluster = cluster
        try:
            with clusters_of(self._workspace).in_use(cluster):
                end = self._file(run, task, limits)
            if end is limits.lost and cluster.look() == "RUNNING":
                code, kind = ("SPOT_INSTANCE_TERMINATION", "CLOUD_FAILURE") if end.kind == "CLOUD_FAILURE" else _UNHEALTHY
                cluster.end(code, kind=kind)
            return end
        finally:
            if task.spec.get("new_cluster") and cluster.look() == "RUNNING":
                cluster.end("JOB_FINISHED")

    def _condition(self, run: Run, task: Task) -> End:
        """Compare; nothing is run for it."""
        task.state.ready = run.clock.now_ms()
        try:
            outcome = references.outcome_of(run, task)
        except references.UnresolvedError as exc:
            return End("TERMINATED", "FAILED", str(exc))
        with run.lock:
            task.outcome = outcome
        return runs.SUCCESS

    def _compute(self, run: Run, task: Task, limits: _Limits) -> Cluster | None:
        """The cluster that the task runs on, up; None for serverless compute.

        Raises:
            _OverError: It doesn't come up, or the task is to end meanwhile.
        """
        clusters = clusters_of(self._workspace)
        spec, shared = task.spec, str(task.spec.get("job_cluster_key") or "")
        try:
            if spec.get("existing_cluster_id"):
                cluster_id = spec["existing_cluster_id"]
            elif spec.get("new_cluster"):
                cluster_id = clusters.make(_named(spec["new_cluster"], run, task.key), by=run.creator, source="JOB").id
            elif shared:
                with run.lock:
                    if shared not in run.clusters:
                        wanted = next(one for one in run.settings["job_clusters"] if one["job_cluster_key"] == shared)
                        made = clusters.make(_named(wanted["new_cluster"], run, shared), by=run.creator, source="JOB")
                        run.clusters[shared] = made.id
                    cluster_id = run.clusters[shared]
            else:
                return None
            task.cluster_id = cluster_id
            may_start = bool(spec.get("existing_cluster_id"))  # a job's own is started once
            return clusters.ready(cluster_id, by=run.creator, may_start=may_start, is_over=lambda: limits.end() is not None)
        except ApiError as exc:
            over = limits.end()
            if over is not None:
                raise _OverError(over) from exc
            kind = "CLOUD_FAILURE" if "CLOUD_FAILURE" in exc.message else "CLIENT_ERROR"
            code = "CLOUD_FAILURE" if kind == "CLOUD_FAILURE" else "CLUSTER_ERROR"
            message = f"Unexpected failure while waiting for the cluster ({task.cluster_id}) to be ready: {exc.message}"
            raise _OverError(End("INTERNAL_ERROR", "FAILED", message, code, kind)) from exc

    def _file(self, run: Run, task: Task, limits: _Limits) -> End:
        kind, item = runs.kind_of(task.spec), None
        own = task.spec[kind]
        path = str(own["package_name"] if kind == runs.WHEEL else own[runs.FILES[kind][0]])
        if kind != runs.WHEEL:
            with contextlib.suppress(ApiError):
                item = tree_of(self._workspace).find(path)
            if item is None or item.kind != runs.FILES[kind][1]:
                what = "notebook" if kind == "notebook_task" else "Python file"
                message = f'Unable to access the {what} "{path}". Either it does not exist, or the identity used to run this '
                message += f"job, {run.creator}, lacks the required permissions."
                return End("INTERNAL_ERROR", "FAILED", message, "RESOURCE_NOT_FOUND")
        try:
            given = references.given_to(run, task)
        except references.UnresolvedError as exc:
            return End("TERMINATED", "FAILED", str(exc))
        task.resolved = given
        folder = self._workspace.place.runs / str(task.run_id)
        packages = self._install(run, task, folder)
        lack = wheels.lack(own, packages_of.wanted_by(task.spec, run.settings), packages) if kind == runs.WHEEL else ""
        if lack:
            shutil.rmtree(folder, ignore_errors=True)
            task.output = Output(error=lack, logs="")
            return runs.FAILED
        with run.lock:
            task.state.ready = run.clock.now_ms()
            task.state.life = run.state.life = "RUNNING"
        self._may_be_lost(path, task, limits)
        ran = runner.run(
            self._workspace,
            item,
            {kind: {**own, **given[kind]}} if kind == runs.WHEEL else given,
            by=PRINCIPAL if run.creator == PRINCIPAL.name else USER,
            folder=folder,
            task=runner.TaskOf(task.key, _values_for(run)),
            ended=lambda: limits.end() is not None,
            packages=packages,
        )
        with run.lock:
            if not task.element:  # what an iteration sets is found by no other task
                run.values[task.key] = dict(ran.facts.get("task_values") or {})
        over = limits.end()
        # A run that ended by itself just before counts; but not where its machine is gone.
        if over is not limits.lost and ran.outcome not in {"cancelled", "infrastructure_failed"}:
            over = None
        try:
            self._keep(task, kind, item, ran, folder)
            return over if over is not None else _judged(task, ran)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _install(self, run: Run, task: Task, folder: Path) -> Path | None:
        """Install what the task asks for.

        Raises:
            _OverError: Something can't be had.
        """
        wanted = packages_of.wanted_by(task.spec, run.settings)
        if not wanted:
            return None
        try:
            packages_of.install(self._workspace, wanted, folder / "packages")
        except packages_of.InstallError as exc:
            message = f"Library installation failed: {exc}"
            raise _OverError(End("INTERNAL_ERROR", "FAILED", message, "LIBRARY_INSTALLATION_ERROR")) from exc
        return folder / "packages"

    def _may_be_lost(self, path: str, task: Task, limits: _Limits) -> None:
        fault = self._workspace.faults.take({"cluster_lost": "", "preempted": ""}, path)
        if fault is None:
            return
        limits.lost_at = limits.run.clock.now() + fault.seconds
        on = f"Cluster {task.cluster_id}" if task.cluster_id else "The compute of this run"
        if fault.kind == "cluster_lost":
            message = f"{on} became unusable during the run since the driver became unhealthy."
            limits.lost = End("INTERNAL_ERROR", "FAILED", message, "DRIVER_ERROR", "INTERNAL_ERROR")
        else:
            message = f"{on} was terminated during the run. Reason: SPOT_INSTANCE_TERMINATION (CLOUD_FAILURE)."
            limits.lost = End("INTERNAL_ERROR", "FAILED", message, "CLOUD_FAILURE", "CLOUD_FAILURE")

    def _keep(self, task: Task, kind: str, item: Item | None, ran: runner.Ran, folder: Path) -> None:
        """Keep what the API may be asked for; the folder goes."""
        shown = traces.shown_in(self._workspace, folder, tree_of(self._workspace).on_this_machine)
        output = Output(item=item)
        if ran.outcome == "exited":
            output.result = str(ran.facts.get("exit_value") or "")
        elif ran.outcome == "unsupported":
            what = {"notebook_task": "notebook", runs.WHEEL: "wheel"}.get(kind, "script")
            output.error = f"The rehearsal can't run this {what}: {shown.text(str(ran.facts.get('error', '')))}"
        elif ran.outcome != "passed":
            output.error = shown.text(str(ran.facts.get("error") or ran.said.strip()))
        failed = traces.failing(ran.executed)
        if failed is not None and ran.outcome == "failed":
            output.trace = shown.trace(failed[1]["traceback"])
        if kind != "notebook_task" or item is None:
            output.logs = shown.text(traces.printed(ran.executed))
            task.output = output
            return
        began_ms = self._workspace.clock.now_ms() - int(float(ran.facts.get("duration_s") or 0) * 1000)
        output.page = views.page(item, ran, began_ms=began_ms, shown=shown.text, trace=shown.trace)
        task.output = output


def _judged(task: Task, ran: runner.Ran) -> End:
    if ran.outcome in {"passed", "exited"}:
        return runs.SUCCESS
    if ran.outcome in {"failed", "unsupported"}:
        return runs.FAILED
    message = f"Run failed with an internal error: {task.output.error}"
    return End("INTERNAL_ERROR", "FAILED", message, "INTERNAL_ERROR", "INTERNAL_ERROR")


def _is_again(task: Task, end: End) -> bool:
    """Whether the platform tries once more. Serverless compute does so by itself, unless it is told not to."""
    if end.result not in _AGAIN or not task.spec.keys() & set(runs.RUNS):
        return False
    most = task.spec.get("max_retries")
    is_serverless = not any(task.spec.get(name) for name in ("existing_cluster_id", "new_cluster", "job_cluster_key"))
    if most is None:
        most = 1 if is_serverless and not task.spec.get("disable_auto_optimization") else 0
    return most < 0 or task.attempt < most


def _values_for(run: Run) -> dict[str, dict[str, Any]]:
    """The task values that a task of the run may ask for: of each one, set or not."""
    with run.lock:
        return {task.key: dict(run.values.get(task.key, {})) for task in run.tasks}


def _named(spec: Mapping[str, Any], run: Run, key: str) -> dict[str, Any]:
    return {**spec, "cluster_name": spec.get("cluster_name") or f"job-{run.job_id}-run-{run.run_id}-{key}"}
