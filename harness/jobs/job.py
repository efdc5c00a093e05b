"""A job as a file describes it: its tasks, in what order they may run, and what each is given.

Names and meanings are those of the Jobs API: https://docs.databricks.com/api/workspace/jobs/create.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

NOTEBOOK, CONDITION = "notebook_task", "condition_task"
SERVED = (NOTEBOOK, CONDITION)
"""The kinds of tasks that a copy of a job is run with."""

RUN_IF = ("ALL_SUCCESS", "AT_LEAST_ONE_SUCCESS", "NONE_FAILED", "ALL_DONE", "AT_LEAST_ONE_FAILED", "ALL_FAILED")
OPERATORS = ("EQUAL_TO", "NOT_EQUAL", "GREATER_THAN", "GREATER_THAN_OR_EQUAL", "LESS_THAN", "LESS_THAN_OR_EQUAL")


@dataclass(frozen=True, slots=True)
class Dependency:
    """A task that comes before another; ``outcome`` is "true" or "false" for one branch of a condition, else ""."""

    key: str
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class Condition:
    """An if/else condition: both sides are texts, with references."""

    op: str
    left: str
    right: str


@dataclass(frozen=True, slots=True)
class Task:
    """One task of a job.

    ``kind`` is the name of its field in the API. ``notebook`` is the absolute path of a notebook task's file, ``parameters``
    its own. ``timeout_s`` is 0 where it has none, ``retries`` what the job asks for. ``compute`` are its fields that say
    what it runs on, where they are wanted.
    """

    key: str
    kind: str
    after: tuple[Dependency, ...] = ()
    run_if: str = "ALL_SUCCESS"
    notebook: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    condition: Condition | None = None
    timeout_s: float = 0.0
    retries: int = 0
    compute: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Job:
    """A job: ``path`` is the file that describes it, ``parameters`` its own with their defaults, ``tasks`` in running order.

    ``timeout_s`` is 0 where it has none. ``environments`` are those of its tasks on serverless compute. ``notes`` are what a
    copy leaves out, such as retries.
    """

    name: str
    path: str
    tasks: tuple[Task, ...]
    parameters: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = 0.0
    environments: tuple[Mapping[str, Any], ...] = ()
    notes: tuple[str, ...] = ()
