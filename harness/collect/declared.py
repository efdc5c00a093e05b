"""Runs that tests declare by the mark ``nbh_run``: on a workspace all of them start with the session, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from harness.collect.remote import environment_here, is_left_out, refuse_writing
from harness.errors import HarnessError, UnreadRunError

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.collect.runs import RunNotebook, Started
    from harness.model import NotebookRun

# Tracebacks show the user's lines, not these.
__tracebackhide__ = True

_MARK, _FIXTURE = "nbh_run", "notebook_run"
_WRONG = (HarnessError, pytest.UsageError, TypeError, ValueError)
"""What a mark that can't be followed ends in: told by the test that has it, and by no other."""

_DECLARED: pytest.StashKey[Started | Exception] = pytest.StashKey()
_LOOKED_AT: pytest.StashKey[bool] = pytest.StashKey()


def begin(session: pytest.Session) -> None:
    """Start what this process's tests declare; a worker of xdist learns only later which tests are its own."""
    if not environment_here(session.config).is_remote or hasattr(session.config, "workerinput"):
        return
    from harness.collect.workspace_runs import WorkspaceRuns

    for item in session.items:
        # Where a condition decides, it begins with the test, if that runs.
        may_begin = item.get_closest_marker("skipif") is None and not is_left_out(item)
        if not may_begin or _FIXTURE not in getattr(item, "fixturenames", ()):
            continue
        try:
            asked = _asked(item)
            if asked is not None:
                path, how = asked
                refuse_writing(item.config, "a notebook that is run whole")
                item.stash[_DECLARED] = WorkspaceRuns(item.config, str(item.path), []).submit(path, **how)
        except _WRONG as exc:
            item.stash[_DECLARED] = exc


def result(item: pytest.Item, run_notebook: Callable[[], RunNotebook], runs: list[Started]) -> NotebookRun:
    """Wait for the end of the run that a test declares; where it hasn't begun yet it begins now.

    Raises:
        Exception: It couldn't be started.
        pytest.UsageError: The test declares none.
    """
    item.stash[_LOOKED_AT] = True
    started = item.stash.get(_DECLARED, None)
    if isinstance(started, Exception):
        raise started.with_traceback(None)
    if started is not None:
        runs.append(started)
        return started.result()
    asked = _asked(item)
    if asked is None:
        raise pytest.UsageError(f'{item.nodeid} declares no run; write @pytest.mark.nbh_run("notebooks/etl.py", widgets={{…}})')
    path, how = asked
    return run_notebook()(path, **how)


def check_asked_for(item: pytest.Item) -> None:
    """Look whether a test that declares a run has asked for it; one of a class or module is for those tests that do.

    Raises:
        UnreadRunError: It hasn't, and what it declares may not even have been run.
    """
    if _LOOKED_AT not in item.stash and any(marker.name == _MARK for marker in item.own_markers):
        raise UnreadRunError(
            "the test declares a run, and doesn't ask for it",
            cause="the mark nbh_run alone looks at nothing",
            mend="take the fixture notebook_run, and assert on it; or take the mark away",
        )


def _asked(item: pytest.Item) -> tuple[str, dict[str, Any]] | None:
    marker = item.get_closest_marker(_MARK)
    if marker is None:
        return None
    if sum(own.name == _MARK for own in item.own_markers) > 1:
        raise pytest.UsageError(f"{item.nodeid} declares two runs, and notebook_run is one: run the other by run_notebook")
    if len(marker.args) != 1:
        raise pytest.UsageError(f'{item.nodeid}: nbh_run names one notebook: nbh_run("notebooks/etl.py", widgets={{…}})')
    return str(marker.args[0]), dict(marker.kwargs)
