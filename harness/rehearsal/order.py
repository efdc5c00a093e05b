"""Which task of a run comes after which, whether it is run, and what their ends make of the run.

As Databricks describes it: https://docs.databricks.com/jobs/run-if.html. What that page leaves open was never seen on a
workspace: a task that needs all before it is left out where one of them was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.rehearsal import runs
from harness.rehearsal.runs import End, Run, Task

if TYPE_CHECKING:
    from collections.abc import Mapping

_CANCELED = frozenset({"CANCELED", "UPSTREAM_CANCELED"})
_OF_FAILURES = frozenset({"AT_LEAST_ONE_FAILED", "ALL_FAILED"})


def of(run: Run, key: str) -> Task:
    """The task of this key, its last attempt."""
    with run.lock:
        return next(task for task in run.tasks if task.key == key)


def before(run: Run, key: str) -> list[Task]:
    """The tasks that a task waits for."""
    with run.lock:
        wanted = [one["task_key"] for one in of(run, key).spec.get("depends_on") or ()]
        return [of(run, one) for one in wanted]


def skipped(task: Task, earlier: list[Task]) -> End | None:
    """Why a task isn't run after those that it waits for, None if it is."""
    if not earlier:
        return None
    wanted: Mapping[str, Any] = {one["task_key"]: one.get("outcome") for one in task.spec.get("depends_on") or ()}
    good, out, bad = 0, 0, []
    for one in earlier:
        end = one.state.end or runs.FAILED
        if end.result == "EXCLUDED" or (end.is_good and wanted[one.key] and wanted[one.key] != one.outcome):
            out += 1
        elif end.is_good:
            good += 1
        else:
            bad.append(end)
    if not good and not bad:
        return runs.EXCLUDED
    how = task.spec.get("run_if", "ALL_SUCCESS")
    is_met = {
        "ALL_SUCCESS": not bad and not out,
        "AT_LEAST_ONE_SUCCESS": bool(good),
        "NONE_FAILED": not bad,
        "ALL_DONE": True,
        "AT_LEAST_ONE_FAILED": bool(bad),
        "ALL_FAILED": not good and not out,
    }[how]
    if is_met:
        return None
    if how in _OF_FAILURES or not bad:
        return runs.EXCLUDED
    return runs.UPSTREAM_CANCELED if any(end.result in _CANCELED for end in bad) else runs.UPSTREAM_FAILED


def end_of_loop(task: Task) -> End:
    """How a loop ends, by its iterations: one that fails fails it. What becomes of one without any was never seen."""
    ends = [one.state.end or runs.FAILED for one in task.iterations]
    if not ends:
        return End("SKIPPED", "EXCLUDED", "The inputs of the task are an empty array.", "SKIPPED", "SUCCESS")
    bad = [end for end in ends if not end.is_good]
    if not bad:
        return runs.SUCCESS
    key = task.iterations[0].key
    message = f"{len(bad)} of {len(ends)} iterations failed. Task {key} failed with message: {bad[0].message}"
    return End("TERMINATED", "FAILED", message, bad[0].code, bad[0].kind)


def end_of(run: Run) -> End:
    """How a job ends, by its tasks: those that nothing depends on decide."""
    if run.is_cancelled and not all(task.state.end is not None and task.state.end.is_good for task in run.tasks):
        return runs.CANCELED
    needed = {one["task_key"] for task in run.tasks for one in task.spec.get("depends_on") or ()}
    ends = {task.key: task.state.end or runs.FAILED for task in run.tasks}
    failed = next((task for task in run.tasks if not ends[task.key].is_good and ends[task.key].result != "EXCLUDED"), None)
    if failed is None:
        return runs.SUCCESS
    if all(end.is_good or end.result == "EXCLUDED" for key, end in ends.items() if key not in needed):
        return End("TERMINATED", "SUCCESS_WITH_FAILURES", "", "SUCCESS_WITH_FAILURES", "SUCCESS")
    end = ends[failed.key]
    if end.result == "TIMEDOUT":
        return runs.TIMED_OUT
    tail = " This caused all downstream tasks to get skipped." if failed.key in needed else ""
    message = f"Task {failed.key} failed with message: {end.message.rstrip('.')}.{tail}"
    return End("INTERNAL_ERROR", "FAILED", message, end.code, end.kind)
