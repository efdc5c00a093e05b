"""What became of a job's run and of each of its tasks: the same here and on a workspace."""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from harness.jobs.errors import TaskValuesUnknownError
from harness.model import GREEN, Judged, in_words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.model import Location, NotebookRun

PASSED, EXITED, FAILED, TIMED_OUT, CANCELLED = "passed", "exited", "failed", "timed_out", "cancelled"
UNSUPPORTED, LOST = "unsupported", "infrastructure_failed"
SKIPPED, EXCLUDED = "skipped", "excluded"
WITH_FAILURES = "passed_with_failures"
NOT_RUN = frozenset({SKIPPED, EXCLUDED})


@dataclass(frozen=True, slots=True, repr=False)
class TaskRun(Judged[str]):
    """One task of a job's run.

    ``ended`` is how: as a notebook's run, or ``skipped`` (what it depends on failed or was cancelled) or ``excluded`` (a
    condition, or its ``run_if``, left it out); neither of these two is passed. ``why`` says by what it is red, or why it wasn't
    run. ``run`` is the notebook's run, or the script's, None where neither ran. ``result`` is what a condition came to.
    ``iterations`` are those of a loop in the order of its inputs, each with its ``input`` (what ``{{input}}`` stood for, None
    where a workspace doesn't tell). ``parameters`` are those that a notebook was given, and ``arguments`` those that a script
    was, with all references filled in. ``waits_for_open`` says of a skipped one that it hangs on a task that can't run here.
    ``job`` is the run of the job that a run_job_task ran.
    """

    key: str
    kind: str
    ended: str
    why: str = ""
    run: NotebookRun | None = None
    result: bool | None = None
    input: str | None = None
    iterations: tuple[TaskRun, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    held: Mapping[str, Any] | None = field(default=None, repr=False)
    waits_for_open: bool = False
    job: JobRun | None = None
    _read: list[bool] = field(default_factory=list, repr=False, compare=False)

    def __repr__(self) -> str:
        return f"<task {self.key}: {self.summary}>"

    @property
    def is_red(self) -> bool:
        """Whether it failed, was lost, or wasn't run because of one that did."""
        return self.ended not in GREEN and self.ended != EXCLUDED

    @property
    def is_open(self) -> bool:
        """Whether nobody knows how it would end: it can't run here, or hangs on such a one."""
        return self.ended == UNSUPPORTED or self.waits_for_open

    @property
    def is_looked_at(self) -> bool:
        """Whether somebody has looked at how it ended, or at how each that is red of its iterations, or its tasks, did."""
        if self.is_read or (self.job is not None and self.ended == self.job.ended and not self.job.is_unread_red):
            return True
        red = [one for one in self.iterations if one.is_red]
        return bool(red) and all(one.is_looked_at for one in red)

    @property
    def exit_value(self) -> str | None:
        """What ``dbutils.notebook.exit`` was given, None if it wasn't called."""
        return self.run.exit_value if self.run is not None else None

    @property
    def error(self) -> str:
        """What ended a red one."""
        return self.why if self.ended not in GREEN and self.ended not in NOT_RUN else ""

    @property
    def location(self) -> Location | None:
        """Where in the notebook it ended, as far as that is known; of a job where the first of its tasks did that is red."""
        if self.job is not None:
            return next((one.location for one in self.job.held.values() if one.is_red), None)
        return self.run.location if self.run is not None else None

    @property
    def values(self) -> Mapping[str, Any]:
        """The task values that it set.

        Raises:
            TaskValuesUnknownError: A workspace ran it, which hands task values to tasks only.
        """
        if self.held is None:
            raise TaskValuesUnknownError(
                f'the task values of "{self.key}" aren\'t known',
                cause="the Jobs API hands them to other tasks, and to nobody else",
                mend="have the notebook exit with what the test is to see, or mark the test @pytest.mark.nbh_local_only",
            )
        return self.held

    @property
    def summary(self) -> str:
        """One clause for people."""
        if self.result is not None and self.ended == PASSED:
            return f"came to {str(self.result).lower()}"
        if self.run is not None:
            return self.run.summary
        if self.job is not None and self.job.ended == self.ended:
            return self.job.summary
        return f"{_words(self.ended)}{f': {self.why}' if self.why else ''}"


class Tasks(dict[str, TaskRun]):
    """The tasks of a run by key."""

    def __missing__(self, key: str) -> TaskRun:
        near = get_close_matches(str(key), self, n=1)
        hint = f'did you mean "{near[0]}"? ' if near else ""
        raise KeyError(f'the job has no task "{key}"; {hint}it has: {", ".join(self)}')


@dataclass(frozen=True, slots=True, repr=False)
class JobRun(Judged[str]):
    """One run of a throw-away copy of a job.

    ``ended`` is "passed" where each task passed or was excluded and at least one did work, "excluded" where none did,
    "passed_with_failures" where tasks failed, none is unsupported, and all that nothing depends on passed; else how the worst
    of its tasks ended.
    ``path`` is the job's name. ``link`` is the run's page on a workspace, ``notes`` what else there is to know. ``without`` are
    the tasks that the test left out, by ``skip_tasks``.
    """

    path: str
    ended: str
    held: Tasks
    error: str = ""
    duration_s: float = 0.0
    link: str = ""
    notes: tuple[str, ...] = ()
    location: Location | None = None
    without: tuple[str, ...] = ()
    _read: list[bool] = field(default_factory=list, repr=False, compare=False)

    def __repr__(self) -> str:
        return f"<job {self.path} {self.summary}>"

    @property
    def passed(self) -> bool:
        """Whether no task failed and at least one did work; to read it is to look at the outcome."""
        return self.outcome == PASSED

    @property
    def tasks(self) -> Tasks:
        """Its tasks by key, in running order; a job that did nothing counts as looked at by this."""
        if self.ended == EXCLUDED:
            self._read.append(True)
        return self.held

    @property
    def is_unread_red(self) -> bool:
        """Whether it isn't passed, and nobody has looked at its outcome or at each red task's."""
        if self.ended == PASSED or self.is_read:
            return False
        red = [task for task in self.held.values() if task.is_red and task.ended != SKIPPED]
        return not red or not all(task.is_looked_at for task in red)

    @property
    def summary(self) -> str:
        """One line for people: how it ended, and each task."""
        is_told = any(task.is_red for task in self.held.values())  # by the task itself
        why = f": {self.error}" if self.error and not is_told else ""
        tasks = "; ".join(f"{task.key} {task.summary.partition(chr(10))[0]}" for task in self.held.values())
        left_out = f"; without {', '.join(self.without)}" if self.without else ""
        return f"{_words(self.ended)}{why} ({tasks}{left_out}){f' [{self.link}]' if self.link else ''}"


def _words(ended: str) -> str:
    return f"was {ended}" if ended in NOT_RUN else in_words(ended)
