"""Runs that tests declare by the mark ``nbh_run``: on a workspace all of them start with the session, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from harness.collect.remote import environment_here, is_left_out, refuse_writing
from harness.errors import HarnessError

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.collect.runs import RunNotebook, Started
    from harness.model import NotebookRun

# Tracebacks show the user's lines, not these.
__tracebackhide__ = True

_DECLARED: pytest.StashKey[Started | HarnessError] = pytest.StashKey()


def begin(session: pytest.Session) -> None:
    """Start what this process's tests declare; a worker of xdist learns only later which tests are its own."""
    if not environment_here(session.config).is_remote or hasattr(session.config, "workerinput"):
        return
    from harness.collect.workspace_runs import WorkspaceRuns

    for item in session.items:
        # Where a condition decides, it begins with the test, if that runs.
        may_begin = item.get_closest_marker("skipif") is None and not is_left_out(item)
        asked = _asked(item) if may_begin else None
        if asked is not None:
            path, how = asked
            try:
                refuse_writing(item.config, "a notebook that is run whole")
                item.stash[_DECLARED] = WorkspaceRuns(item.config, str(item.path), []).submit(path, **how)
            except HarnessError as exc:  # told by the test that declares it
                item.stash[_DECLARED] = exc


def result(item: pytest.Item, run_notebook: Callable[[], RunNotebook], runs: list[Started]) -> NotebookRun:
    """Wait for the end of the run that a test declares; where it hasn't begun yet it begins now.

    Raises:
        HarnessError: It couldn't be started.
        pytest.UsageError: The test declares none.
    """
    started = item.stash.get(_DECLARED, None)
    if isinstance(started, HarnessError):
        raise started.with_traceback(None)
    if started is not None:
        runs.append(started)
        return started.result()
    asked = _asked(item)
    if asked is None:
        raise pytest.UsageError(f'{item.nodeid} declares no run; write @pytest.mark.nbh_run("notebooks/etl.py", widgets={{…}})')
    path, how = asked
    return run_notebook()(path, **how)


def _asked(item: pytest.Item) -> tuple[str, dict[str, Any]] | None:
    marker = item.get_closest_marker("nbh_run")
    if marker is None:
        return None
    if len(marker.args) != 1:
        raise pytest.UsageError(f'{item.nodeid}: nbh_run names one notebook: nbh_run("notebooks/etl.py", widgets={{…}})')
    return str(marker.args[0]), dict(marker.kwargs)
