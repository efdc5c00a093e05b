"""What the fixture ``run_notebook`` gives, wherever notebooks run: to be called, or submitted and waited for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from harness.errors import UnreadRunError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence

    import pytest

    from harness.collect.job_runs import StartedJob
    from harness.jobs.result import JobRun
    from harness.model import NotebookRun

# Tracebacks show the user's lines, not these.
__tracebackhide__ = True

_Run = TypeVar("_Run")

TIMEOUT_S = 600.0
"""How long a run may take where the test says nothing else."""


class Started(Protocol):
    """A run that was started; it may have ended already."""

    @property
    def path(self) -> str:
        """The notebook, as the test named it."""

    def result(self) -> NotebookRun:
        """Wait for its end."""

    @property
    def run(self) -> NotebookRun | None:
        """What became of it, None as long as nobody has waited for it."""


class Ended(Generic[_Run]):
    """A run that had ended when it was handed out. As on a workspace, a test knows what became of it once it has waited."""

    def __init__(self, path: str, run: _Run) -> None:
        self.path = path
        self.run: _Run | None = None
        self._run = run

    def result(self) -> _Run:
        """What became of it."""
        self.run = self._run
        return self._run


class RunNotebook(Protocol):
    """Runs a notebook whole; a name that a workspace has nothing for is refused there."""

    def __call__(
        self,
        path: str | os.PathLike[str],
        *,
        widgets: Mapping[str, str] | None = None,
        timeout_s: float | None = TIMEOUT_S,
        skip_cells: Sequence[int | str] = (),
        task_key: str = "",
        task_values: Mapping[str, Mapping[str, Any]] | None = None,
        allow: Sequence[str] = (),
    ) -> NotebookRun:
        """Run it, and wait for its end."""

    def submit(self, path: str | os.PathLike[str], **how: Any) -> Started:
        """Start it with the same arguments, and go on."""


def check_given(path: str, widgets: Mapping[str, str] | None, *, root: str) -> dict[str, str]:
    """Look at what a test gives to a notebook's widgets, before anything is run; gives it.

    Raises:
        WidgetValueError: It is no names with texts.
        WidgetNotDefinedError: A name is one of the notebook's, misspelt.
    """
    if widgets is None:
        return {}
    from harness.extract.misspelt import check_names
    from harness.runtime.dbutils import check_widgets

    check_widgets(widgets)
    check_names(path, widgets, root=root)
    return dict(widgets)


def check_how(
    *,
    timeout_s: object,
    skip_cells: Sequence[object] = (),
    task_key: object = "",
    allow: object = (),
    task_values: object = None,
) -> None:
    """See that what a test asks of a run is of the kinds that it has to be, before anything is run.

    Raises:
        TypeError: Something isn't.
        ValueError: There is no time for it.
    """
    if timeout_s is not None:
        if isinstance(timeout_s, bool) or not isinstance(timeout_s, int | float):
            raise TypeError(f"timeout_s is {timeout_s!r}: it is a number of seconds, or None for no limit")
        if not timeout_s > 0:
            raise ValueError(f"timeout_s is {timeout_s}: it is more than 0, or None for no limit")
    for name, given in (("skip_cells", skip_cells), ("allow", allow)):
        if isinstance(given, str):
            raise TypeError(f"{name} takes several: [{given!r}]")
    for cell in skip_cells:
        if isinstance(cell, bool) or not isinstance(cell, int | str):
            raise TypeError(f"skip_cells has {cell!r}: a cell is named by its number, or by its title")
    if not isinstance(task_key, str):
        raise TypeError(f"task_key is {task_key!r}: it is a text")
    values = task_values or {}
    if not isinstance(values, Mapping) or not all(isinstance(held, Mapping) for held in values.values()):
        raise TypeError(f'task_values is {task_values!r}: it has values by task and name, as {{"prepare": {{"rows": 3}}}}')


def check_read(started: Started | StartedJob) -> None:
    """Look whether a test has looked at how a run of its ended.

    Raises:
        UnreadRunError: It hasn't, and the run is red or was never waited for.
    """
    run = started.run
    if run is None:
        raise UnreadRunError(
            f"{started.path} was submitted, and the test doesn't wait for its end",
            cause="what became of the run isn't known to the test",
            mend="keep what submit(…) gives, and assert on its result()",
        )
    if run.is_unread_red:
        raise UnreadRunError(
            f"{run.path} {_how(run)}, and the test doesn't look at it",
            cause=run.error or f"the run's outcome is {run.ended}",
            mend="assert run.passed, or compare run.outcome with what you expect",
            location=run.location,
        )


def _how(run: NotebookRun | JobRun) -> str:
    """How it ended, of a notebook with the place; without the cause and a job's tasks."""
    from harness.model import NotebookRun

    said = run.summary if isinstance(run, NotebookRun) else run.summary.partition(" (")[0]
    return said.partition(": ")[0]


def tell_red(report: pytest.TestReport, started: Iterable[Started | StartedJob]) -> None:
    """Add to a failed test's report how its red runs ended, where pytest has shortened what the assert is about."""
    from harness.model import GREEN

    runs = [one.run for one in started if one.run is not None]
    red = [run for run in runs if run.ended not in GREEN and run.error.partition("\n")[0] not in report.longreprtext]
    if red and report.failed:
        report.sections.append(("red runs of this test", "\n".join(f"{run.path} {run.summary}" for run in red)))
