"""Jobs and their runs: submitted, watched, cancelled, asked for what they gave."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
from typing import TYPE_CHECKING, Any

from harness.rehearsal import runs
from harness.rehearsal.answers import ApiError, invalid, twins
from harness.rehearsal.asked import check_parameters, check_tasks
from harness.rehearsal.clusters import clusters_of
from harness.rehearsal.no_effect import refuse_of_job
from harness.rehearsal.runs import Run, Task
from harness.rehearsal.work import MOST_BYTES, Work
from harness.rehearsal.workspace import caller_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from starlette.routing import Route

    from harness.rehearsal.answers import Call
    from harness.rehearsal.workspace import Workspace

_VERSIONS = ["2.0", "2.1", "2.2"]
_MOST_LISTED = 26
_MOST_JOBS = 100
_TOKEN_LETTERS = 64
_OF_RUN = (
    "run_name",
    "idempotency_token",
    "timeout_seconds",
    "access_control_list",
    "run_as",
    "git_source",
    "budget_policy_id",
    "usage_policy_id",
    "webhook_notifications",
)
"""What is of a whole run in the form of 2.0, which has its task's fields beside them."""


class Jobs:
    """All jobs and runs of a workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._lock = threading.RLock()
        self._ids = itertools.count(900000000000001)
        self._by_id: dict[int, Run] = {}
        self._by_token: dict[str, int] = {}
        self.jobs: dict[int, dict[str, Any]] = {}
        self.work = Work(workspace, self.new_id)

    def new_id(self) -> int:
        """A new number, for a job or a run."""
        with self._lock:
            return next(self._ids)

    def find(self, run_id: int) -> tuple[Run, Task | None]:
        """The run of this id, or the run and the task whose own id it is.

        Raises:
            ApiError: There is none.
        """
        with self._lock:
            found = list(self._by_id.values())
        for run in found:
            if run.run_id == run_id:
                return run, None
            with run.lock:
                for task in [*run.tasks, *run.earlier]:
                    for one in (task, *task.iterations):
                        if one.run_id == run_id:
                            return run, one
        raise invalid(f"Run {run_id} does not exist.")

    def all(self) -> list[Run]:
        """Every run, the newest first."""
        with self._lock:
            return list(self._by_id.values())[::-1]

    def job(self, job_id: int) -> dict[str, Any]:
        """The job of this id.

        Raises:
            ApiError: There is none.
        """
        with self._lock:
            found = self.jobs.get(job_id)
        if found is None:
            raise invalid(f"Job {job_id} does not exist.")
        return found

    def begin(
        self,
        settings: Mapping[str, Any],
        *,
        name: str,
        by: str,
        token: str = "",
        job_id: int | None = None,
        parameters: Mapping[str, str] | None = None,
    ) -> Run:
        """Begin a run. The same idempotency token gives the same run again, whatever comes with it.

        Raises:
            ApiError: The token is too long, or its run was deleted.
        """
        if len(token) > _TOKEN_LETTERS:
            raise invalid(f"idempotency_token must have at most {_TOKEN_LETTERS} characters.")
        with self._lock:
            if token and token in self._by_token:
                before = self._by_id.get(self._by_token[token])
                if before is None:
                    raise invalid(f"The run of the idempotency token {token} was deleted.")
                return before
            run = Run(
                run_id=self.new_id(),
                job_id=job_id if job_id is not None else self.new_id(),
                name=name,
                kind="SUBMIT_RUN" if job_id is None else "JOB_RUN",
                creator=by,
                settings=settings,
                tasks=[],
                host=f"{self.workspace.host}/?o={self.workspace.id}",
                clock=self.workspace.clock,
                parameters=parameters or {},
            )
            for spec in settings["tasks"]:
                number = self.new_id()
                run.tasks.append(Task(number, spec["task_key"], spec, number))
            is_queued = bool((settings.get("queue") or {}).get("enabled"))
            most = int(settings.get("max_concurrent_runs") or 1) if job_id is not None else None
            self._by_id[run.run_id] = run
            if token:
                self._by_token[token] = run.run_id
            if most is not None and not is_queued and not self._has_room(run, most):
                _skip(run)
            else:
                self.work.begin(run, may_begin=lambda: most is None or self._has_room(run, most))
        return run

    def _has_room(self, run: Run, most: int) -> bool:
        with self._lock:
            earlier = [one for one in self._by_id.values() if one.job_id == run.job_id and one.run_id < run.run_id]
        return sum(not one.state.is_over for one in earlier) < most

    def cancel(self, run: Run) -> None:
        """Let a run end soon; one that has ended stays as it is."""
        with run.lock:
            if not run.state.is_over:
                run.is_cancelled = True
                run.state.life = "TERMINATING"

    def forget(self, run: Run) -> None:
        """Remove a run that has ended.

        Raises:
            ApiError: It hasn't.
        """
        if not run.state.is_over:
            raise ApiError(400, "INVALID_STATE", f"Run {run.run_id} is active; cancel it before it is deleted.")
        with self._lock:
            self._by_id.pop(run.run_id, None)


def _skip(run: Run) -> None:
    now = run.clock.now_ms()
    for state in [run.state, *(task.state for task in run.tasks)]:
        state.begun = state.done = now
        state.end, state.life = runs.TOO_MANY, runs.TOO_MANY.life


def jobs_of(workspace: Workspace) -> Jobs:
    """The jobs of a workspace."""
    found = workspace.shared.get("jobs")
    if not isinstance(found, Jobs):
        found = workspace.shared.setdefault("jobs", Jobs(workspace))
    return found


@contextlib.asynccontextmanager
async def serving(workspace: Workspace) -> AsyncIterator[None]:
    """Have all runs end with the workspace."""
    jobs = jobs_of(workspace)
    workspace.shared["busy"] = lambda: jobs.work.is_busy
    try:
        yield
    finally:
        await asyncio.to_thread(jobs.work.close)


def routes(workspace: Workspace) -> list[Route]:
    """The calls of this subject."""
    subject = _Calls(jobs_of(workspace))

    def both(method: str, path: str, function: Callable[[Call], Mapping[str, Any]]) -> list[Route]:
        return twins(method, _VERSIONS, f"/jobs/{path}", function)

    return [
        *both("POST", "runs/submit", subject.submit),
        *both("GET", "runs/get", subject.get_run),
        *both("GET", "runs/get-output", subject.get_output),
        *both("GET", "runs/list", subject.list_runs),
        *both("GET", "runs/export", subject.export),
        *both("POST", "runs/cancel", subject.cancel),
        *both("POST", "runs/cancel-all", subject.cancel_all),
        *both("POST", "runs/delete", subject.delete_run),
        *both("POST", "create", subject.create),
        *both("GET", "get", subject.get),
        *both("GET", "list", subject.list),
        *both("POST", "reset", subject.reset),
        *both("POST", "update", subject.update),
        *both("POST", "delete", subject.delete),
        *both("POST", "run-now", subject.run_now),
    ]


class _Calls:
    """The calls, each a method."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def _check(self, settings: Mapping[str, Any], call: Call, *, is_submitted: bool) -> None:
        refuse_of_job(settings, caller=caller_of(call.request).name)
        check_tasks(settings, cluster_exists=clusters_of(self._jobs.workspace).find, is_submitted=is_submitted)

    def submit(self, call: Call) -> dict[str, Any]:
        given = call.json()
        if "tasks" not in given and given.keys() & set(runs.RUNS):  # the form of 2.0: one task, without a list
            task = {name: value for name, value in given.items() if name not in _OF_RUN}
            given = {**{name: given[name] for name in _OF_RUN if name in given}, "tasks": [{"task_key": "main", **task}]}
        self._check(given, call, is_submitted=True)
        name = call.text("run_name", "Untitled")
        token = call.text("idempotency_token", "")
        return {"run_id": self._jobs.begin(given, name=name, by=caller_of(call.request).name, token=token).run_id}

    def get_run(self, call: Call) -> dict[str, Any]:
        run, task = self._jobs.find(call.number("run_id"))
        resolved, begin = call.flag("include_resolved_values"), call.number("page_token", 0)
        if resolved and (task is None or "for_each_task" not in task.spec):
            message = "The rehearsal does not tell the resolved values of parameters, but for the iterations of a loop."
            raise ApiError(501, "NOT_IMPLEMENTED", message)
        return run.facts() if task is None else run.facts_of(task, resolved=resolved, begin=begin)

    def get_output(self, call: Call) -> dict[str, Any]:
        run, task = self._jobs.find(call.number("run_id"))
        if task is None:
            if len(run.tasks) > 1:
                message = "Retrieving the output of runs with multiple tasks is not supported. "
                raise invalid(message + "Please retrieve the output of each individual task run instead.")
            task = run.tasks[0]
        answer: dict[str, Any] = {"metadata": run.facts_of(task)}
        output = task.output
        if output.result is not None:
            whole = output.result.encode()
            kept = whole[:MOST_BYTES].decode("utf-8", "ignore")
            # The run itself gives no more than so much; one that is as long, but for half a letter, may have been longer.
            answer["notebook_output"] = {"result": kept, "truncated": len(whole) > MOST_BYTES - 4}
        elif "notebook_task" in task.spec and (task.state.end is None or task.state.end.is_good):
            answer["notebook_output"] = {}
        if output.logs is not None:
            whole = output.logs.encode()
            answer |= {
                "logs": whole[-MOST_BYTES:].decode("utf-8", "ignore"),
                "logs_truncated": len(whole) > MOST_BYTES,
            }
        if task.state.end is not None and not task.state.end.is_good:
            answer["error"] = output.error or task.state.end.message
        if output.trace:
            answer["error_trace"] = output.trace
        return answer

    def list_runs(self, call: Call) -> dict[str, Any]:
        active, completed = call.flag("active_only"), call.flag("completed_only")
        if active and completed:
            raise invalid("active_only and completed_only can't both be true.")
        job_id, kind = call.number("job_id", None), call.text("run_type", "")
        since, until = call.number("start_time_from", 0), call.number("start_time_to", 0)
        found = [
            run
            for run in self._jobs.all()
            if not (active and run.state.is_over)
            and not (completed and not run.state.is_over)
            and (job_id is None or run.job_id == job_id)
            and (not kind or run.kind == kind)
            and (not since or run.state.begun >= since)
            and (not until or run.state.begun <= until)
        ]
        with_tasks = call.flag("expand_tasks")
        return _listed("runs", [run.facts(with_tasks=with_tasks) for run in found], call, most=_MOST_LISTED, default=20)

    def export(self, call: Call) -> dict[str, Any]:
        run, task = self._jobs.find(call.number("run_id"))
        if call.text("views_to_export", "CODE") not in {"CODE", "ALL", "DASHBOARDS"}:
            raise invalid("views_to_export is one of CODE, DASHBOARDS, ALL.")
        if task is None:
            if len(run.tasks) > 1:
                raise invalid("Exporting runs with multiple tasks is not supported. Please export each individual task run.")
            task = run.tasks[0]
        if not task.state.is_over:
            raise ApiError(400, "INVALID_STATE", f"Run {task.run_id} has not terminated yet.")
        if "notebook_task" not in task.spec:
            raise invalid("Only notebook runs can be exported.")
        output = task.output
        if not output.page or output.item is None:
            return {"views": []}
        return {"views": [{"name": output.item.path.rpartition("/")[2], "type": "NOTEBOOK", "content": output.page}]}

    def cancel(self, call: Call) -> dict[str, Any]:
        run, _ = self._jobs.find(call.number("run_id"))
        self._jobs.cancel(run)
        return {}

    def cancel_all(self, call: Call) -> dict[str, Any]:
        job_id = call.number("job_id", None)
        if job_id is None and not call.flag("all_queued_runs"):
            raise invalid("Either job_id or all_queued_runs must be specified.")
        for run in self._jobs.all():
            if job_id is not None and run.job_id != job_id:
                continue
            if not call.flag("all_queued_runs") or run.state.life == "QUEUED":
                self._jobs.cancel(run)
        return {}

    def delete_run(self, call: Call) -> dict[str, Any]:
        run, _ = self._jobs.find(call.number("run_id"))
        self._jobs.forget(run)
        return {}

    def create(self, call: Call) -> dict[str, Any]:
        settings = call.json()
        self._check(settings, call, is_submitted=False)
        job_id = self._jobs.new_id()
        self._jobs.jobs[job_id] = {
            "job_id": job_id,
            "creator_user_name": caller_of(call.request).name,
            "run_as_user_name": caller_of(call.request).name,
            "created_time": self._jobs.workspace.clock.now_ms(),
            "settings": _full(settings),
        }
        return {"job_id": job_id}

    def get(self, call: Call) -> dict[str, Any]:
        return self._jobs.job(call.number("job_id"))

    def list(self, call: Call) -> dict[str, Any]:
        name, expand = call.text("name", "").lower(), call.flag("expand_tasks")
        found = [job for job in list(self._jobs.jobs.values())[::-1] if not name or job["settings"]["name"].lower() == name]
        if not expand:
            left_out = {"tasks", "job_clusters", "environments"}
            kept = [{k: v for k, v in job["settings"].items() if k not in left_out} for job in found]
            found = [{**job, "settings": settings} for job, settings in zip(found, kept, strict=True)]
        return _listed("jobs", found, call, most=_MOST_JOBS, default=20)

    def reset(self, call: Call) -> dict[str, Any]:
        job = self._jobs.job(call.number("job_id"))
        settings = call.json().get("new_settings")
        if not isinstance(settings, dict):
            raise invalid("Missing required field: new_settings")
        self._check(settings, call, is_submitted=False)
        job["settings"] = _full(settings)
        return {}

    def update(self, call: Call) -> dict[str, Any]:
        job = self._jobs.job(call.number("job_id"))
        settings = {**job["settings"], **(call.json().get("new_settings") or {})}
        for name in call.json().get("fields_to_remove") or ():
            if "/" in name:
                raise ApiError(501, "NOT_IMPLEMENTED", f"The rehearsal does not remove {name}; it removes whole fields.")
            settings.pop(name, None)
        self._check(settings, call, is_submitted=False)
        job["settings"] = _full(settings)
        return {}

    def delete(self, call: Call) -> dict[str, Any]:
        job_id = self._jobs.job(call.number("job_id"))["job_id"]
        del self._jobs.jobs[job_id]
        return {}

    def run_now(self, call: Call) -> dict[str, Any]:
        job = self._jobs.job(call.number("job_id"))
        settings = job["settings"]
        refuse_of_job(settings, caller=caller_of(call.request).name)  # whoever made it may have been another one
        given = call.json()
        for name in ("python_params", "jar_params", "spark_submit_params", "python_named_params", "sql_params", "only"):
            if given.get(name):
                raise ApiError(501, "NOT_IMPLEMENTED", f"The rehearsal does not run jobs with {name}.")
        known = {one["name"]: one.get("default", "") for one in settings.get("parameters") or ()}
        asked = given.get("job_parameters") or {}
        notebook = given.get("notebook_params") or {}
        for values, name in ((asked, "job_parameters"), (notebook, "notebook_params")):
            check_parameters(values, name)
        if known and notebook:
            raise invalid("notebook_params can't be used for a job that has job parameters; use job_parameters.")
        run = self._jobs.begin(
            settings,
            name=settings["name"],
            by=caller_of(call.request).name,
            token=call.text("idempotency_token", ""),
            job_id=job["job_id"],
            parameters={**known, **asked, **notebook},
        )
        return {"run_id": run.run_id, "number_in_job": run.run_id}


def _full(settings: Mapping[str, Any]) -> dict[str, Any]:
    own = {"name": "Untitled", "format": "MULTI_TASK", "max_concurrent_runs": 1, "timeout_seconds": 0}
    return {**own, "email_notifications": {}, **settings}


def _listed(name: str, found: list[dict[str, Any]], call: Call, *, most: int, default: int) -> dict[str, Any]:
    """One page of a list."""
    size = call.number("limit", default) or most
    if not 0 < size <= most:
        raise invalid(f"Invalid limit {size}: it must be greater than 0 and at most {most}.")
    token = call.text("page_token", "") or str(call.number("offset", 0))
    if not token.isdigit():
        raise invalid(f"Invalid page token {token}")
    begin = int(token)
    answer: dict[str, Any] = {name: found[begin : begin + size]} if found[begin : begin + size] else {}
    answer["has_more"] = begin + size < len(found)
    if answer["has_more"]:
        answer["next_page_token"] = str(begin + size)
    if begin:
        answer["prev_page_token"] = str(max(0, begin - size))
    return answer
