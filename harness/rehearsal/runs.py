"""Runs of jobs and of their tasks: what was asked, what state they are in, and how the API tells it."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.rehearsal.clock import Clock
    from harness.rehearsal.tree import Item

OVER = frozenset({"TERMINATED", "SKIPPED", "INTERNAL_ERROR"})
_V2 = {"SKIPPED": "TERMINATED", "INTERNAL_ERROR": "TERMINATED", "WAITING_FOR_RETRY": "WAITING"}

MOST_TOLD = 100
"""So many iterations of a loop are told at once."""

FILES = {"notebook_task": ("notebook_path", "NOTEBOOK"), "spark_python_task": ("python_file", "FILE")}
"""The kinds of tasks that run a file of the workspace: which field names it, and as what it lies there."""

WHEEL = "python_wheel_task"
RUNS = (*FILES, WHEEL)
"""The kinds of tasks that run Python."""

WORKLOAD_FAILED = "Workload failed, see run output for details"


@dataclass(frozen=True, slots=True)
class End:
    """How a task or a job ended: the two states, a message for people, and the code and type of newer clients."""

    life: str
    result: str
    message: str = ""
    code: str = "RUN_EXECUTION_ERROR"
    kind: str = "CLIENT_ERROR"

    @property
    def is_good(self) -> bool:
        """Whether what depends on it may go on."""
        return self.result in {"SUCCESS", "SUCCESS_WITH_FAILURES"}


SUCCESS = End("TERMINATED", "SUCCESS", "", "SUCCESS", "SUCCESS")
FAILED = End("TERMINATED", "FAILED", WORKLOAD_FAILED)
CANCELED = End("TERMINATED", "CANCELED", "Run cancelled.", "USER_CANCELED")
TIMED_OUT = End("TERMINATED", "TIMEDOUT", "Run timed out.", "CANCELED")
UPSTREAM_FAILED = End("SKIPPED", "UPSTREAM_FAILED", "An upstream task failed.", "SKIPPED")
UPSTREAM_CANCELED = End("SKIPPED", "UPSTREAM_CANCELED", "An upstream task was canceled.", "SKIPPED")
EXCLUDED = End("SKIPPED", "EXCLUDED", "The condition of the task's dependencies was not met.", "SKIPPED", "SUCCESS")
TOO_MANY = End(
    "SKIPPED",
    "MAXIMUM_CONCURRENT_RUNS_REACHED",
    "Skipped since max_concurrent_runs of the job was reached.",
    "MAX_CONCURRENT_RUNS_EXCEEDED",
)


@dataclass(slots=True)
class State:
    """Where a run stands. Times are in milliseconds of the workspace's clock, 0 for what hasn't come."""

    life: str = "PENDING"
    end: End | None = None
    begun: int = 0
    ready: int = 0
    done: int = 0

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.end is not None

    def facts(self) -> dict[str, Any]:
        """As the API tells it."""
        state: dict[str, Any] = {"life_cycle_state": self.life, "state_message": "", "user_cancelled_or_timedout": False}
        status: dict[str, Any] = {"state": _V2.get(self.life, self.life)}
        if self.end is not None:
            state |= {
                "result_state": self.end.result,
                "state_message": self.end.message,
                "user_cancelled_or_timedout": self.end.result in {"CANCELED", "TIMEDOUT"},
            }
            status["termination_details"] = {"code": self.end.code, "type": self.end.kind, "message": self.end.message}
        facts: dict[str, Any] = {"state": state, "status": status, "start_time": self.begun, "end_time": self.done}
        facts["setup_duration"] = max(0, (self.ready or self.done) - self.begun) if self.ready or self.done else 0
        facts["execution_duration"] = max(0, self.done - self.ready) if self.done and self.ready else 0
        return facts | {"cleanup_duration": 0}


@dataclass(slots=True)
class Output:
    """What a task left: its exit value, or its error; and the executed notebook. A script leaves what it printed."""

    result: str | None = None
    logs: str | None = None
    error: str = ""
    trace: str = ""
    item: Item | None = None
    page: str = ""


@dataclass(slots=True)
class Task:
    """One attempt at one task of a run; ``outcome`` is what a condition came to.

    ``iterations`` are a loop's; ``element`` holds what one of them is for, and ``resolved`` what it was given, by its kind.
    """

    run_id: int
    key: str
    spec: Mapping[str, Any]
    first_id: int
    attempt: int = 0
    state: State = field(default_factory=State)
    output: Output = field(default_factory=Output)
    cluster_id: str = ""
    context_id: str = ""
    outcome: str = ""
    iterations: list[Task] = field(default_factory=list)
    element: tuple[Any, ...] = ()
    resolved: Mapping[str, Any] = field(default_factory=dict)

    def facts(self, url: str, *, resolved: bool = False) -> dict[str, Any]:
        """As a run tells of it; with the parameters that it was given, if they are wanted."""
        facts: dict[str, Any] = {
            **self.spec,
            "run_id": self.run_id,
            "task_key": self.key,
            "attempt_number": self.attempt,
            "run_if": self.spec.get("run_if", "ALL_SUCCESS"),
            "run_page_url": url,
            **self.state.facts(),
        }
        if self.cluster_id:
            facts["cluster_instance"] = {"cluster_id": self.cluster_id, "spark_context_id": self.context_id}
        if resolved:
            facts["resolved_values"] = dict(self.resolved)
        return facts | self.work()

    def work(self) -> dict[str, Any]:
        """What it does, by its kind; a condition with what it came to, a loop with how far it is."""
        if "for_each_task" in self.spec:
            return {"for_each_task": {**self.spec["for_each_task"], "stats": stats_of(self.iterations)}}
        if "condition_task" not in self.spec:
            kind = kind_of(self.spec)
            return {kind: self.spec[kind]}
        return {"condition_task": {**self.spec["condition_task"], **({"outcome": self.outcome} if self.outcome else {})}}


def kind_of(spec: Mapping[str, Any]) -> str:
    """Which kind of task it is that runs Python."""
    return next(kind for kind in RUNS if kind in spec)


def stats_of(iterations: Sequence[Task]) -> dict[str, Any]:
    """How far a loop is; of the messages of errors the three that came up most."""
    ends = [one.state.end for one in iterations if one.state.end is not None]
    bad = [end for end in ends if not end.is_good]
    counted = Counter((end.message, end.code) for end in bad).most_common(3)
    return {
        "task_run_stats": {
            "total_iterations": len(iterations),
            "scheduled_iterations": sum(one.state.begun > 0 for one in iterations),
            "active_iterations": sum(one.state.begun > 0 and not one.state.is_over for one in iterations),
            "completed_iterations": len(ends),
            "succeeded_iterations": len(ends) - len(bad),
            "failed_iterations": len(bad),
        },
        "error_message_stats": [
            {"count": count, "error_message": message, "termination_category": code} for (message, code), count in counted
        ],
    }


@dataclass
class Run:
    """One run of a job, or of tasks that were submitted without one; ``values`` are task values by task."""

    run_id: int
    job_id: int
    name: str
    kind: str
    creator: str
    settings: Mapping[str, Any]
    tasks: list[Task]
    host: str
    clock: Clock
    parameters: Mapping[str, str] = field(default_factory=dict)
    earlier: list[Task] = field(default_factory=list)
    values: dict[str, dict[str, Any]] = field(default_factory=dict)
    state: State = field(default_factory=State)
    is_cancelled: bool = False
    clusters: dict[str, str] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def url(self) -> str:
        """The page of the run, which a browser would show."""
        return f"{self.host}#job/{self.job_id}/run/{self.run_id}"

    def facts(self, *, with_tasks: bool = True) -> dict[str, Any]:
        """As the API tells it."""
        with self.lock:
            state = self.state.facts()
            facts: dict[str, Any] = {
                "job_id": self.job_id,
                "run_id": self.run_id,
                "number_in_job": self.run_id,
                "original_attempt_run_id": self.run_id,
                "creator_user_name": self.creator,
                "run_name": self.name,
                "run_type": self.kind,
                "run_page_url": self.url,
                "trigger": "ONE_TIME",
                "format": "MULTI_TASK",
                **state,
                "setup_duration": 0,
                "execution_duration": 0,
                "run_duration": max(0, self.state.done - self.state.begun) if self.state.done else 0,
            }
            if self.settings.get("job_clusters"):
                facts["job_clusters"] = self.settings["job_clusters"]
            if self.parameters:
                facts["job_parameters"] = [{"name": name, "value": value} for name, value in self.parameters.items()]
            if with_tasks:
                facts["tasks"] = [task.facts(self.url_of(task)) for task in self.tasks]
            return facts

    def url_of(self, task: Task) -> str:
        """The page of one task."""
        return f"{self.host}#job/{self.job_id}/run/{task.run_id}"

    def facts_of(self, task: Task, *, resolved: bool = False, begin: int = 0) -> dict[str, Any]:
        """One task told as a run, as the metadata of its output are; of a loop's iterations one page, from ``begin`` on."""
        with self.lock:
            facts = self.facts(with_tasks=False)
            spec = {name: task.spec[name] for name in ("existing_cluster_id", "new_cluster", "libraries") if name in task.spec}
            facts |= {
                **task.state.facts(),
                "run_id": task.run_id,
                "run_name": task.key,
                "original_attempt_run_id": task.first_id,
                "attempt_number": task.attempt,
                "task": task.work(),
                "cluster_spec": spec,
                "run_page_url": self.url_of(task),
                "tasks": [task.facts(self.url_of(task))],
            }
            if task.cluster_id:
                facts["cluster_instance"] = {"cluster_id": task.cluster_id, "spark_context_id": task.context_id}
            if task.iterations:
                end = begin + MOST_TOLD
                page = task.iterations[begin:end]
                facts["iterations"] = [one.facts(self.url_of(one), resolved=resolved) for one in page]
                if end < len(task.iterations):
                    facts["next_page_token"] = str(end)
            return facts
