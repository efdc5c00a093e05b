"""What a job may be asked to be: its tasks, looked through before anything of it is run."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from harness.rehearsal import wheels
from harness.rehearsal.answers import ApiError, invalid
from harness.rehearsal.clusters import check as check_cluster
from harness.rehearsal.packages import wanted_by
from harness.rehearsal.references import (
    OF_INPUT,
    OF_START,
    OF_TASK,
    OPERATORS,
    REFERENCE,
    UnresolvedError,
    array_of,
)
from harness.rehearsal.runs import FILES, RUNS, WHEEL, kind_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

MOST_TASKS = 100
MOST_AT_ONCE = 100
MOST_PARAMETERS_BYTES = 1_000_000
RUN_IF = ("ALL_SUCCESS", "AT_LEAST_ONE_SUCCESS", "NONE_FAILED", "ALL_DONE", "AT_LEAST_ONE_FAILED", "ALL_FAILED")
_KEY = re.compile(r"[A-Za-z0-9_-]{1,100}")
_IN_A_CLOUD = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/|/(?:Volumes|dbfs)/")
_COMPUTE = ("existing_cluster_id", "new_cluster", "job_cluster_key")
_REFERENCES = ("job.id", "job.run_id", "job.name", "task.name", "task.run_id", "run.id")


def check_tasks(settings: Mapping[str, Any], *, cluster_exists: Callable[[str], object], is_submitted: bool) -> None:
    """See that the tasks of a job or a submission can be run.

    Raises:
        ApiError: They can't; or a workspace would run them, and the rehearsal doesn't.
    """
    tasks = settings.get("tasks")
    if not isinstance(tasks, list) or not tasks:
        raise invalid("At least one task must be specified in the 'tasks' field.")
    if len(tasks) > MOST_TASKS:
        raise invalid(f"The number of tasks {len(tasks)} exceeds the limit of {MOST_TASKS}.")
    if settings.get("git_source"):
        raise _unserved("git_source")
    keys = [task.get("task_key") if isinstance(task, dict) else None for task in tasks]
    for key in keys:
        if not isinstance(key, str) or not _KEY.fullmatch(key):
            raise invalid(f"Invalid task_key {key!r}: it may hold letters, digits, - and _, at most 100 of them.")
    shared = {one.get("job_cluster_key"): one for one in settings.get("job_clusters") or ()}
    for one in shared.values():
        check_cluster(one.get("new_cluster") or {})
    environments = {one.get("environment_key"): one for one in settings.get("environments") or ()}
    for task in tasks:
        _check_task(task, shared=shared, environments=environments, is_submitted=is_submitted)
        worker = worker_of(task)
        wanted_by(worker, settings)
        if wheels.is_unclear(worker, settings):
            raise _unserved("a python_wheel_task without parameters in a job that has some")
        if worker.get("existing_cluster_id"):
            cluster_exists(worker["existing_cluster_id"])
    keys += [worker_of(task)["task_key"] for task in tasks if "for_each_task" in task]
    if len(set(keys)) < len(keys):
        raise invalid(f"Duplicate task_key: {next(key for key in keys if keys.count(key) > 1)}")
    _check_order(tasks)


def worker_of(task: Mapping[str, Any]) -> Mapping[str, Any]:
    """The task that does the work: what a loop runs, or the task itself."""
    inner: Mapping[str, Any] = task["for_each_task"]["task"] if "for_each_task" in task else task
    return inner


def _check_task(
    task: Mapping[str, Any],
    *,
    shared: Mapping[str, Any],
    environments: Mapping[str, Any],
    is_submitted: bool,
    is_in_loop: bool = False,
) -> None:
    key = task["task_key"]
    if task.get("run_if", "ALL_SUCCESS") not in RUN_IF:
        raise invalid(f"Task {key}: run_if is one of {', '.join(RUN_IF)}.")
    if task.get("disabled"):
        raise _unserved("a job with a disabled task")
    kinds = [name for name in task if name.endswith("_task")]
    if not kinds:
        raise invalid(f"Task {key} must specify one task type, for example notebook_task.")
    if kinds == ["condition_task"] and not is_in_loop:
        _check_condition(key, task)
        return
    if kinds == ["for_each_task"]:
        inner = _check_loop(key, task)
        _check_task(inner, shared=shared, environments=environments, is_submitted=is_submitted, is_in_loop=True)
        return
    if len(kinds) != 1 or kinds[0] not in RUNS:
        raise _unserved(next((kind for kind in kinds if kind not in RUNS), " and ".join(kinds)))
    if task.get("libraries") and not any(task.get(name) for name in _COMPUTE):
        raise invalid(f"Task {key}: libraries need a cluster; serverless compute takes them from an environment.")
    _check_file(key, kinds[0], task, is_in_loop=is_in_loop)
    _check_compute(task, shared=shared, environments=environments, is_submitted=is_submitted)
    for name in ("timeout_seconds", "max_retries", "min_retry_interval_millis"):
        if type(task.get(name, 0)) is not int or task.get(name, 0) < (-1 if name == "max_retries" else 0):
            raise invalid(f"Task {key}: {name} is a whole number.")


def _check_file(key: str, kind: str, task: Mapping[str, Any], *, is_in_loop: bool) -> None:
    """See that a task names a file of the workspace, or a package, and that what it gives it is texts."""
    own = task[kind] if isinstance(task[kind], dict) else {}
    lacks_environment = not any(task.get(name) for name in (*_COMPUTE, "environment_key"))
    if kind == WHEEL:
        wheels.check(key, own, needs_environment=lacks_environment)
        for name, texts in zip(("named_parameters", "parameters"), wheels.texts_of(own), strict=True):
            check_parameters(texts, name, is_in_loop=is_in_loop)
        return
    field, _ = FILES[kind]
    path = own.get(field)
    if not isinstance(path, str) or not path:
        raise invalid(f"Task {key}: {field} is required.")
    if own.get("source", "WORKSPACE") != "WORKSPACE":
        raise _unserved(f"a {kind} from Git")
    if own.get("warehouse_id"):
        raise _unserved("notebooks on a SQL warehouse")
    if kind == "notebook_task":
        if not path.startswith("/"):
            raise invalid(f"Only absolute paths are currently supported. Paths must begin with '/': {path}")
        check_parameters(own.get("base_parameters") or {}, "base_parameters", is_in_loop=is_in_loop)
        return
    if _IN_A_CLOUD.match(path):
        raise _unserved(f"the script {path}, which isn't of the workspace,")
    if not path.startswith("/"):
        raise invalid(f"Task {key}: python_file in the workspace must be absolute and begin with '/': {path}")
    given = own.get("parameters") or []
    if not isinstance(given, list):
        raise ApiError(400, "MALFORMED_REQUEST", "Could not parse request object: Expected 'parameters' to be an array")
    check_parameters({str(number): one for number, one in enumerate(given)}, "parameters", is_in_loop=is_in_loop)
    if lacks_environment:
        raise invalid(f"Task {key}: an environment_key is required for a spark_python_task on serverless compute.")


def _check_loop(key: str, task: Mapping[str, Any]) -> Mapping[str, Any]:
    """See that a loop can run; gives the task that it runs."""
    loop = task["for_each_task"] if isinstance(task["for_each_task"], dict) else {}
    inputs, inner, at_once = loop.get("inputs"), loop.get("task"), loop.get("concurrency", 1)
    if not isinstance(inputs, str) or not inputs:
        raise invalid(f"Task {key}: inputs of for_each_task is a text.")
    if type(at_once) is not int or not 1 <= at_once <= MOST_AT_ONCE:
        raise invalid(f"Task {key}: concurrency of for_each_task is a number from 1 to {MOST_AT_ONCE}.")
    if not isinstance(inner, dict):
        raise invalid(f"Task {key}: task of for_each_task is required.")
    own = inner.get("task_key")
    if not isinstance(own, str) or not _KEY.fullmatch(own):
        raise invalid(f"Invalid task_key {own!r}: it may hold letters, digits, - and _, at most 100 of them.")
    if "for_each_task" in inner:
        raise invalid(f"Task {key}: the nested task of a for_each_task can't be another for_each_task.")
    if inner.get("depends_on"):
        raise invalid(f"Task {key}: the nested task of a for_each_task can't depend on other tasks.")
    if task.get("max_retries"):
        raise _unserved("max_retries of a for_each_task")
    given = [name for name in (*_COMPUTE, "libraries", "environment_key") if task.get(name)]
    if given:
        raise invalid(f"Task {key}: a for_each_task has no compute, and {given[0]} is given.")
    check_parameters({"inputs": inputs}, "for_each_task")
    if not REFERENCE.search(inputs):
        try:
            array_of(inputs)
        except UnresolvedError as exc:
            raise invalid(f"Task {key}: {exc}") from exc
    return inner


def _check_condition(key: str, task: Mapping[str, Any]) -> None:
    condition = task["condition_task"] if isinstance(task["condition_task"], dict) else {}
    if condition.get("op") not in OPERATORS:
        raise invalid(f"Task {key}: op is one of {', '.join(OPERATORS)}.")
    for side in ("left", "right"):
        if not isinstance(condition.get(side), str):
            raise invalid(f"Task {key}: {side} of condition_task is a text.")
    given = [name for name in (*_COMPUTE, "libraries", "environment_key") if task.get(name)]
    if given:
        raise invalid(f"Task {key}: a condition_task has no compute, and {given[0]} is given.")
    check_parameters({side: condition[side] for side in ("left", "right")}, "condition_task")


def _check_compute(
    task: Mapping[str, Any], *, shared: Mapping[str, Any], environments: Mapping[str, Any], is_submitted: bool
) -> None:
    key = task["task_key"]
    given = [name for name in _COMPUTE if task.get(name)]
    if len(given) > 1:
        raise invalid(f"Task {key}: only one of {', '.join(_COMPUTE)} may be specified.")
    if task.get("new_cluster"):
        check_cluster(task["new_cluster"])
    named = task.get("job_cluster_key")
    if named and (is_submitted or named not in shared):
        raise invalid(f"Task {key}: job_cluster_key {named} is not defined in job_clusters.")
    wanted = task.get("environment_key")
    if wanted and wanted not in environments:
        raise invalid(f"Task {key}: environment_key {wanted} is not defined in environments.")
    if wanted and given:
        raise invalid(f"Task {key}: environment_key can't be used together with {given[0]}.")


def check_parameters(given: Any, name: str, *, is_in_loop: bool = False) -> None:
    """See that parameters are texts, and not too long.

    Raises:
        ApiError: One is not.
    """
    if not isinstance(given, dict):
        raise ApiError(400, "MALFORMED_REQUEST", f"Could not parse request object: Expected '{name}' to be a map")
    for key, value in given.items():
        if not isinstance(value, str):
            message = f"Could not parse request object: Expected Scalar value for String field '{name}.{key}'"
            raise ApiError(400, "MALFORMED_REQUEST", message)
        for reference in REFERENCE.findall(value):
            is_known = reference in _REFERENCES or reference.startswith("job.parameters.")
            is_known = is_known or (is_in_loop and OF_INPUT.fullmatch(reference) is not None)
            if not is_known and not OF_TASK.fullmatch(reference) and not OF_START.fullmatch(reference):
                raise _unserved(f"the reference {{{{{reference}}}}}")
    size = len(json.dumps(given).encode())
    if size > MOST_PARAMETERS_BYTES:
        raise invalid(f"The size of {name} ({size} bytes) exceeds the limit of {MOST_PARAMETERS_BYTES} bytes.")


def _check_order(tasks: Sequence[Mapping[str, Any]]) -> None:
    after = {task["task_key"]: [one.get("task_key") for one in task.get("depends_on") or ()] for task in tasks}
    for key, before in after.items():
        for one in before:
            if one not in after:
                raise invalid(f"Task {key} depends on {one}, which is not a task of this job.")
    conditions = {task["task_key"] for task in tasks if "condition_task" in task}
    for task in tasks:
        for one in task.get("depends_on") or ():
            if one.get("outcome") is None:
                continue
            if one["task_key"] not in conditions:
                raise invalid(f"Task {task['task_key']}: {one['task_key']} is no condition_task, and has no outcome.")
            if one["outcome"] not in {"true", "false"}:
                raise invalid(f"Task {task['task_key']}: outcome is one of true, false.")
        inputs = [task["for_each_task"]["inputs"]] if "for_each_task" in task else []
        for reference in [found for text in (*_texts_of(task), *inputs) for found in REFERENCE.findall(text)]:
            other = OF_TASK.fullmatch(reference)
            if other is not None and other[1] not in after:
                raise invalid(f"Task {task['task_key']} references {other[1]}, which is not a task of this job.")
    left = dict(after)
    while left:
        free = [key for key, before in left.items() if not any(one in left for one in before)]
        if not free:
            raise invalid(f"The dependencies of the tasks {', '.join(sorted(left))} form a cycle.")
        for key in free:
            del left[key]


def _texts_of(task: Mapping[str, Any]) -> list[str]:
    """All that a task is given."""
    if "condition_task" in task:
        return list(task["condition_task"].values())
    worker = worker_of(task)
    own = worker[kind_of(worker)]
    named = {**(own.get("base_parameters") or {}), **(own.get("named_parameters") or {})}
    return [*named.values(), *(own.get("parameters") or ())]


def _unserved(what: str) -> ApiError:
    return ApiError(
        501,
        "NOT_IMPLEMENTED",
        f"The rehearsal does not run {what}; it runs notebook_task and spark_python_task from the workspace, "
        "python_wheel_task, for_each_task of such, condition_task.",
    )
