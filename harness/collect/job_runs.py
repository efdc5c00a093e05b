"""Jobs of the project that a test runs as throw-away copies, here or on a workspace; see the fixture ``run_job``."""

from __future__ import annotations

import os
from types import EllipsisType
from typing import TYPE_CHECKING, Any, Protocol

from harness.called import plainly
from harness.collect.files import deployed
from harness.collect.remote import environment_here, remote_of
from harness.collect.runs import TIMEOUT_S, Ended, check_how
from harness.settings import LOCAL_USER, settings_for

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    import pytest

    from harness.collect.local_runs import LocalRuns
    from harness.jobs.job import Job
    from harness.jobs.result import JobRun
    from harness.remote.runs import Handle

# Tracebacks show the user's lines, not these.
__tracebackhide__ = True


_MEANT = {"widgets": "parameters"}


class StartedJob(Protocol):
    """A job's run that was started; it may have ended already."""

    @property
    def path(self) -> str:
        """The job, as the test named it."""

    def result(self) -> JobRun:
        """Wait for its end."""

    @property
    def run(self) -> JobRun | None:
        """What became of it, None as long as nobody has waited for it."""


class RunJob:
    """Runs a job of the project as a copy that goes with the run."""

    def __init__(
        self,
        config: pytest.Config,
        beside: str,
        runs: list[Any],
        start: Callable[[Job, dict[str, str], float | None, str], Any],
        *,
        limit_s: float | None,
    ) -> None:
        self._config, self._beside, self._runs, self._start = config, beside, runs, start
        self._limit_s = limit_s  # where the test says nothing; None is for the environment to say

    @plainly("run_job", meant=_MEANT)
    def __call__(
        self,
        job: str | os.PathLike[str],
        *,
        parameters: Mapping[str, str] | None = None,
        timeout_s: float | EllipsisType | None = ...,
        compute: str = "environment",
        skip_tasks: Collection[str] = (),
    ) -> JobRun:
        """Run it, and wait for its end."""
        return self.submit(job, parameters=parameters, timeout_s=timeout_s, compute=compute, skip_tasks=skip_tasks).result()

    @plainly("run_job.submit", meant=_MEANT)
    def submit(
        self,
        job: str | os.PathLike[str],
        *,
        parameters: Mapping[str, str] | None = None,
        timeout_s: float | EllipsisType | None = ...,
        compute: str = "environment",
        skip_tasks: Collection[str] = (),
    ) -> StartedJob:
        """Start it, and go on; here it is run at once.

        Raises:
            JobError: There is no such job, or it can't be run.
            ValueError: ``compute`` is neither "environment" nor "job".
            TypeError: ``skip_tasks`` is one name, not several, or ``timeout_s`` no number.
        """
        from harness.jobs.given import given
        from harness.jobs.loops import check_inputs

        if compute not in ("environment", "job"):
            raise ValueError(f'compute is {compute!r}: "environment" takes the environment\'s, "job" the job\'s own')
        if isinstance(skip_tasks, str):
            raise TypeError(f"skip_tasks takes several names: [{skip_tasks!r}]")
        limit_s = self._limit_s if isinstance(timeout_s, EllipsisType) else timeout_s
        check_how(timeout_s=limit_s)
        config, asked = self._config, os.fspath(job)
        found = read(config, asked, self._beside, with_compute=compute == "job", given=parameters or {}, skip=tuple(skip_tasks))
        known = given(found, parameters or {})
        check_inputs(found, known, root=str(self._config.rootpath))
        started: StartedJob = self._start(found, known, limit_s, compute)
        self._runs.append(started)
        return started


def read(
    config: pytest.Config,
    asked: str,
    beside: str,
    *,
    with_compute: bool = False,
    given: Collection[str] = (),
    skip: Collection[str] = (),
) -> Job:
    """The job of that key in the bundle around a test, or in that file.

    ``given`` are parameters that need no default, ``skip`` tasks that are left out.

    Raises:
        JobError: There is none, or it can't be run.
    """
    from harness.extract.run import find_target
    from harness.jobs.described import describe
    from harness.jobs.read import read_job
    from harness.jobs.variables import FILES, ROOT
    from harness.notebook import is_notebook

    root, environment = str(config.rootpath), environment_here(config)

    def user() -> str:
        return str(remote_of(config).identity.name) if environment.is_remote else LOCAL_USER

    described = describe(asked, beside=beside, root=root, target=environment.name, environ=os.environ, user=user)
    settings = settings_for(described.path)
    # A workspace's run has the files below the project's folder: of a bundle's that lie above it only some, or none.
    is_whole = not os.path.relpath(described.files, root).startswith(os.pardir)
    files = described.files if not environment.is_remote else FILES if is_whole else ""
    if environment.is_remote:
        above = ROOT if os.path.samefile(described.files, root) else ""
    else:
        above = deployed(config, described.files)

    def find(target: str, names_it: str) -> str | None:
        return find_target(target, beside=names_it, prefixes=settings.run_prefixes, root=settings.folder)

    return read_job(
        described,
        root=root,
        find=find,
        is_notebook=is_notebook,
        with_compute=with_compute and environment.is_remote,
        given=given,
        skip=skip,
        files=files,
        above=above,
    )


class _Submitted:
    """A run on the workspace."""

    def __init__(self, job: Job, handle: Handle, config: pytest.Config) -> None:
        self.path = job.name
        self._config = config
        self.run: JobRun | None = None
        self._job, self._handle = job, handle

    def result(self) -> JobRun:
        """Wait for its end."""
        if self.run is None:
            from harness.collect.waiting import result_of
            from harness.remote.job_outcome import job_run

            self.run = job_run(self._job, result_of(self._config, self.path, self._handle))
        return self.run


def local(request: pytest.FixtureRequest, runs: list[Any], notebooks: LocalRuns) -> RunJob:
    """What runs jobs on this machine; ``notebooks`` runs those of their tasks."""

    def start(job: Job, parameters: dict[str, str], timeout_s: float | None, _compute: str) -> StartedJob:
        return Ended(job.name, run(job, parameters, timeout_s))

    def run(job: Job, parameters: Mapping[str, str], timeout_s: float | None) -> JobRun:
        from harness.collect.surroundings import surroundings_of
        from harness.execute.jobs import run_job
        from harness.jobs.job import NOTEBOOK
        from harness.runtime.context import workspace_path

        around = surroundings_of(request.node).of_job()
        settings, root = settings_for(job.path), str(request.config.rootpath)
        return run_job(
            job,
            parameters,
            around=around,
            run=lambda task, left: notebooks.run(
                task.path,
                around,
                widgets=task.parameters if task.kind == NOTEBOOK else None,
                arguments=None if task.kind == NOTEBOOK else task.arguments,
                entry=task.entry,
                wheels=task.wheels,
                timeout_s=left,
                task_key=task.key,
            ),
            run_other=run,
            timeout_s=timeout_s,
            shown=lambda path: workspace_path(path, root=root, folder=settings.folder, prefixes=settings.run_prefixes),
        )

    return RunJob(request.config, str(request.path), runs, start, limit_s=TIMEOUT_S)


def remote(config: pytest.Config, beside: str, runs: list[Any]) -> RunJob:
    """What runs jobs on the workspace."""

    def start(job: Job, parameters: dict[str, str], timeout_s: float | None, compute: str) -> StartedJob:
        from harness.remote.job_request import check_kinds

        check_kinds(job, root=str(config.rootpath))  # before anybody signs in
        handle = remote_of(config).submit_job(job, parameters, timeout_s, its_compute=compute == "job")
        return _Submitted(job, handle, config)

    return RunJob(config, beside, runs, start, limit_s=None)


def needs_kernels(item: pytest.Item) -> bool:
    """Whether a test will run a notebook whole."""
    return not {"run_notebook", "run_job"}.isdisjoint(getattr(item, "fixturenames", ()))
