"""Notebooks that a test runs whole on a workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.called import AS_WIDGETS, plainly, unexpected
from harness.collect.remote import environment_here, remote_of
from harness.collect.runs import check_given, check_how
from harness.collect.session import SESSION
from harness.collect.waiting import result_of
from harness.errors import EnvironmentUseError

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    import pytest

    from harness.collect.runs import Started
    from harness.model import NotebookRun
    from harness.remote.runs import Handle

# Tracebacks show the user's lines, not these.
__tracebackhide__ = True

_ONLY_HERE = {
    "skip_cells": "a workspace runs a notebook with all its cells",
    "task_key": "a run on a workspace is a job of its own, with one task",
    "task_values": "a run on a workspace is a job of its own, without the values of other tasks",
}


class Submitted:
    """A run on the workspace; what became of it is known once somebody has waited."""

    def __init__(self, path: str, handle: Handle, config: pytest.Config) -> None:
        self.path = path
        self._config = config
        self.run: NotebookRun | None = None
        self._handle = handle

    def result(self) -> NotebookRun:
        """Wait for its end."""
        if self.run is None:
            self.run = result_of(self._config, self.path, self._handle)
        return self.run


class WorkspaceRuns:
    """Sends notebooks with all that they need to the workspace, and runs them there; see the fixture ``run_notebook``."""

    def __init__(self, config: pytest.Config, beside: str, runs: list[Started]) -> None:
        self._config = config
        self._beside = beside
        self._runs = runs

    @property
    def links(self) -> list[str]:
        """The pages of the runs that have ended."""
        return [link for started in self._runs if (link := str(getattr(started.run, "link", "")))]

    @plainly("run_notebook")
    def __call__(self, path: str | os.PathLike[str], **how: Any) -> NotebookRun:
        """Run it, and wait for its end."""
        return self.submit(path, **how).result()

    @plainly("run_notebook.submit")
    def submit(
        self,
        path: str | os.PathLike[str],
        *,
        widgets: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
        allow: object = (),  # it is about this machine; a workspace has its own rules
        **only_here: Any,
    ) -> Submitted:
        """Start it, and go on; without ``timeout_s`` it may take as long as the environment's ``timeout_minutes`` say.

        Raises:
            EnvironmentUseError: An argument was given that a workspace has nothing for.
        """
        from harness.extract.public import find_notebook

        config = self._config
        for name, value in only_here.items():
            if name not in _ONLY_HERE:
                known = ["widgets", "timeout_s", *_ONLY_HERE, "allow"]
                raise TypeError(unexpected("run_notebook", name, known, meant=AS_WIDGETS))
            if value:
                raise EnvironmentUseError(
                    f"{name}= has no meaning in the environment {environment_here(config).name!r}",
                    cause=_ONLY_HERE[name],
                    mend="mark the test @pytest.mark.nbh_local_only, or leave the argument out",
                )
        check_how(timeout_s=timeout_s, allow=allow)
        found = find_notebook(path, config.stash[SESSION].loader, beside=self._beside)
        given = check_given(found, widgets, root=str(config.rootpath))
        remote = remote_of(config)
        started = Submitted(str(path), remote.submit(found, widgets=given, timeout_s=timeout_s), config)
        self._runs.append(started)
        return started
