"""Notebooks that a test runs whole on this machine."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from harness.called import AS_WIDGETS, plainly
from harness.collect.board import line_of
from harness.collect.runs import TIMEOUT_S, Ended, check_given, check_how
from harness.collect.session import SESSION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pytest

    from harness.collect.runs import Started
    from harness.execute.run import Kernels
    from harness.model import NotebookRun
    from harness.runtime.surroundings import Surroundings

# Tracebacks show the user's lines, not these.
__tracebackhide__ = True


class LocalRuns:
    """Runs notebooks in processes forked for them, one at a time; see the fixture ``run_notebook``."""

    def __init__(self, request: pytest.FixtureRequest, runs: list[Started], kernels: Kernels, files: str) -> None:
        self._request = request
        self._runs = runs
        self._kernels = kernels
        self._files = files

    @plainly("run_notebook", meant=AS_WIDGETS)
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
        from harness.collect.surroundings import surroundings_of
        from harness.extract.public import find_notebook

        check_how(timeout_s=timeout_s, skip_cells=skip_cells, task_key=task_key, allow=allow, task_values=task_values)
        found = find_notebook(path, self._request.config.stash[SESSION].loader, beside=str(self._request.path))
        around = surroundings_of(self._request.node)
        around.tasks.give(task_values or {})
        done = self.run(
            found,
            around,
            shown=str(path),
            allow=allow,
            widgets=check_given(found, widgets, root=str(self._request.config.rootpath)),
            timeout_s=timeout_s,
            skip_cells=skip_cells,
            task_key=task_key,
        )
        started = Ended(str(path), done)
        self._runs.append(started)
        return started.result()

    def run(self, found: str, around: Surroundings, *, shown: str = "", allow: Sequence[str] = (), **how: Any) -> NotebookRun:
        """Run a notebook that was found, among these surroundings; its outcome isn't waited for to be read."""
        from harness.collect.surroundings import session_of

        config = self._request.config
        line = line_of(config, shown or os.path.relpath(found, config.rootpath))
        try:
            return self._kernels.run(
                found,
                session=lambda: session_of(self._request),
                files=self._files,
                watch=line.show,
                around=around,
                allow=sorted({*config.getoption("--nbh-allow"), *allow}),
                **how,
            )
        except KeyboardInterrupt as exc:
            raise KeyboardInterrupt(*exc.args) from None  # from here: pytest shows the last line that isn't hidden
        finally:
            line.clear()

    @plainly("run_notebook.submit")
    def submit(self, path: str | os.PathLike[str], **how: Any) -> Started:
        """Run it at once, and hand out its end: two cores have nothing to gain from runs side by side."""
        self._runs[-1] = started = Ended(str(path), self(path, **how))
        return started
