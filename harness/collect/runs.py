"""What the fixture ``run_notebook`` gives, wherever notebooks run: to be called, or submitted and waited for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from harness.errors import UnreadRunError

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from harness.collect.job_runs import StartedJob
    from harness.model import NotebookRun

# Tracebacks show the user's lines, not these.
__tracebackhide__ = True

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
            f"{run.path} {run.summary.partition(': ')[0]}, and the test doesn't look at it",
            cause=run.error or f"the run's outcome is {run.ended}",
            mend="assert run.passed, or compare run.outcome with what you expect",
            location=run.location,
        )
