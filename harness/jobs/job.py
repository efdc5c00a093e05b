"""A job as a file describes it: its tasks, in what order they may run, and what each is given.

Names and meanings are those of the Jobs API: https://docs.databricks.com/api/workspace/jobs/create.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

NOTEBOOK, SCRIPT, WHEEL = "notebook_task", "spark_python_task", "python_wheel_task"
CONDITION, FOR_EACH, RUN_JOB = "condition_task", "for_each_task", "run_job_task"
RUNS = (NOTEBOOK, SCRIPT, WHEEL)
"""The kinds of tasks that run Python of the project; a for_each_task runs one of these."""
SERVED = (*RUNS, CONDITION, FOR_EACH)
"""The kinds of tasks that a copy of a job is run with, here and on a workspace; here a job of the same bundle is run, too."""

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
class Wheel:
    """A wheel of the project, as far as its source tells what is in it.

    ``package`` is its name, "" where that is computed, ``home`` the folder that describes it. ``folders`` are those that its
    modules are found in, ``modules`` the names at their top that it surely has. ``needs_inits`` says that folders without an
    ``__init__.py`` may be left out of it, and ``packages`` are all that it has, where they are known.
    """

    package: str
    home: str
    folders: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    needs_inits: bool = False
    packages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """What a wheel's task calls: ``value``, "module:function", of a package.

    ``package`` and ``called`` are their names as the task has them. ``home`` is the folder of the project that describes the
    package, "" for one that is only installed here.
    """

    package: str
    called: str
    value: str
    home: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """One task of a job.

    ``kind`` is the name of its field in the API. ``path`` is the absolute path of the file that it runs: of a notebook, whose
    own parameters are ``parameters``, of a Python script, to which ``arguments`` are given, or of the module that ``entry`` is
    in, what a wheel's task calls; this has parameters of one kind or the other. ``timeout_s`` is 0 where it has none,
    ``retries`` what the job asks for. ``compute`` are its fields that say what it runs on, where they are wanted. ``loop`` is
    what a for_each_task does. ``wheels`` are those of the project that it has: the one that its entry point is in, and all that
    it asks for; ``asked`` are the folders of these, by how the task writes them. ``environment`` is that of the job which it
    names for serverless compute, if it is a script or has wheels: these can't do without. ``requires`` are packages asked for
    by name, as pip reads them. ``job`` is what a run_job_task runs, if that is a job of the same bundle: it is given
    ``parameters``. ``unclear`` says why nobody can tell what it would do on Databricks.
    """

    key: str
    kind: str
    after: tuple[Dependency, ...] = ()
    run_if: str = "ALL_SUCCESS"
    path: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    condition: Condition | None = None
    timeout_s: float = 0.0
    retries: int = 0
    compute: Mapping[str, Any] = field(default_factory=dict)
    loop: Loop | None = None
    entry: Entry | None = None
    wheels: tuple[Wheel, ...] = ()
    asked: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    job: Job | None = None
    requires: tuple[str, ...] = ()
    unclear: str = ""

    @property
    def worker(self) -> Task:
        """The task that does the work: that of its loop, or itself."""
        return self.loop.task if self.loop is not None else self

    @property
    def texts(self) -> dict[str, str]:
        """All that it is given, by name; arguments by their numbers from 1, as ``sys.argv`` counts them."""
        return {**self.parameters, **{str(number): text for number, text in enumerate(self.arguments, 1)}}

    @property
    def all_texts(self) -> tuple[str, ...]:
        """All in which references may stand: what it is given, the sides of a condition, the inputs of a loop."""
        sides = (self.condition.left, self.condition.right) if self.condition is not None else ()
        return (*self.worker.texts.values(), *sides, *((self.loop.inputs,) if self.loop is not None else ()))

    @property
    def unserved(self) -> str:
        """Its kind, or that of the task in its loop, if no copy is run with such; else ""."""
        if self.kind not in SERVED and self.job is None:
            return self.kind
        return self.worker.kind if self.loop is not None and self.worker.kind not in RUNS and self.worker.job is None else ""


@dataclass(frozen=True, slots=True)
class Loop:
    """What a for_each_task does: run ``task`` for each element of ``inputs``, a JSON array as text or a reference to one.

    ``concurrency`` is how many a workspace runs at once.
    """

    inputs: str
    task: Task
    concurrency: int = 1


@dataclass(frozen=True, slots=True)
class Job:
    """A job: ``path`` is the file that describes it, ``parameters`` its own with their defaults, ``tasks`` in running order.

    ``timeout_s`` is 0 where it has none. ``environments`` are those of its tasks on serverless compute. ``notes`` are what a
    copy leaves out, such as retries. ``files`` is the folder that ``${workspace.file_path}`` stands for. ``without`` are those
    that its test leaves out, by their keys; they are none of ``tasks``.
    """

    name: str
    path: str
    tasks: tuple[Task, ...]
    parameters: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = 0.0
    environments: tuple[Mapping[str, Any], ...] = ()
    notes: tuple[str, ...] = ()
    files: str = ""
    without: tuple[str, ...] = ()
