"""A pytest process's way to a workspace: what its fixtures ask for, made at first use and removed at the end."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.environments import REHEARSAL, found_at, is_this_machine
from harness.errors import SettingsError
from harness.remote.client import connect
from harness.remote.closure import Closures
from harness.remote.compute import Computes
from harness.remote.costs import Costs
from harness.remote.errors import AnswerError, RemoteError, SignInError
from harness.remote.job_request import check_kinds
from harness.remote.marks import name_of
from harness.remote.poller import Poller
from harness.remote.preflight import check_identity
from harness.remote.removal import Removed, remove
from harness.remote.secrets import Masker
from harness.remote.sender import Sender
from harness.remote.slots import Slots
from harness.remote.state import SharedRun, new_run_id
from harness.remote.turns import standing
from harness.remote.wheels import Wheels

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from harness.environments import Environment
    from harness.jobs.job import Job
    from harness.remote.ledger import Ledger
    from harness.remote.on_cluster import Order
    from harness.remote.outcome import RemoteRun
    from harness.remote.parts import Closure
    from harness.remote.protocol import Identity, Workspace
    from harness.remote.runs import Handle
    from harness.remote.spark import RemoteSpark
    from harness.remote.travel import Package

CALLS_PER_S = 1.0
CALLS_PER_S_OF_REHEARSAL = 10.0
EXPIRES_AFTER_S = 24 * 3600.0
"""After so long anybody's sweep may take what a run left."""
LEAST_EXPIRY_S = 2 * 3600.0
_OVER = "over"
_KEPT = frozenset({"folder", "schema", "catalog"})


class Remote:
    """One pytest process's use of one environment.

    Args:
        environment: Where.
        project_root: The project's folder; notebooks' paths count from it.
        roots: The folders that imports count from beside it.
        progress: Is told what goes on, from any thread.
        of_runs: Is told in its place what goes on with each run and upload.
        run_id: One name for all processes of a pytest run (that of xdist), so that they share folder, cluster and slots.
        run_prefixes: The settings' own.
        allowed_catalogs: Catalogs of other environments that notebooks may name.
        pip_env: The variables that pip has where it builds wheels, in place of this process's: those of a rehearsal have
            nothing trusted but itself, and no index then answers.
        workspace: Instead of signing in by databricks-sdk.
        calls_per_s: How often the workspace may be asked about runs; by default once, and a rehearsal oftener.
    """

    def __init__(
        self,
        environment: Environment,
        project_root: str | os.PathLike[str],
        roots: Iterable[str | os.PathLike[str]] = (),
        progress: Callable[[str], None] = lambda _: None,
        *,
        of_runs: Callable[[str], None] | None = None,
        run_id: str = "",
        run_prefixes: Mapping[str, str] | None = None,
        allowed_catalogs: Collection[str] = (),
        pip_env: Mapping[str, str] | None = None,
        workspace: Workspace | None = None,
        calls_per_s: float = 0.0,
    ) -> None:
        self.environment = environment
        self.notes: tuple[str, ...] = ()
        self._root = os.path.abspath(project_root)  # noqa: PTH100 - the closure has paths as texts
        self._progress = progress
        self._of_runs = of_runs or progress
        self._run_id = run_id or new_run_id()
        self._allowed = tuple(allowed_catalogs)
        self._pip_env = pip_env
        self._workspace = workspace
        often = CALLS_PER_S_OF_REHEARSAL if environment.name == REHEARSAL else CALLS_PER_S
        self._calls_per_s = calls_per_s or often
        self._closures = Closures(project_root, roots, run_prefixes=run_prefixes, data=environment.data_files)
        self._error: RemoteError | SettingsError | None = None
        self._ready: _Ready | None = None
        self._held: SharedRun | None = None
        self._spark: RemoteSpark | None = None

    # -- looking ---------------------------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Sign in, and look at cluster and privileges; once, and what stood in the way then still does.

        Raises:
            RemoteError: The workspace, the cluster or the identity can't be used.
        """
        self._made_ready()

    def closure(self, path: str | os.PathLike[str]) -> Closure:
        """What a notebook needs of the project, with its digests; nothing is asked of the workspace."""
        return self._closures.of(path)

    @property
    def identity(self) -> Identity:
        """Who runs."""
        return self._made_ready().identity

    @property
    def workspace(self) -> Workspace:
        """The workspace's calls; ``workspace.client`` is databricks-sdk's own client."""
        return self._made_ready().workspace

    @property
    def mask(self) -> Callable[[str], str]:
        """Takes out of a text what signs in here, and what looks like it."""
        found: Callable[[str], str] = getattr(self._workspace, "mask", None) or Masker()
        return found

    @property
    def ledger(self) -> Ledger:
        """Where to note what is about to be made on the workspace; `close` removes it with the rest, last made first."""
        return self._made_ready().shared.ledger

    @property
    def name(self) -> str:
        """The name that all carry that this run makes, with our mark and its expiry."""
        return self._made_ready().name

    @property
    def shared_folder(self) -> Path:
        """The folder on this machine that all processes of the pytest run share; it goes with the last of them."""
        return self._made_ready().shared.folder

    @property
    def folder(self) -> str:
        """The folder of this run on the workspace."""
        return self._made_ready().folder

    @property
    def costs(self) -> Costs:
        """What this process's runs cost."""
        if self._ready is None:
            return Costs()
        poller = self._ready.poller
        return Costs(self._ready.computes.starts, poller.starts, poller.minutes)

    # -- between the processes of a run ----------------------------------------------------------------------------------------

    def say(self, line: str) -> None:
        """Leave a line for whoever has a terminal; it is lost before there is something that the processes share."""
        if self._held is not None:
            self._held.say(line)

    def said(self, after: int) -> tuple[list[str], int]:
        """The lines that all processes have left since a place in what was said, and the place where they end."""
        return self._held.said(after) if self._held is not None else ([], after)

    def standing(self) -> str:
        """Where the runs of all processes stand, in words; empty if none is on."""
        return standing(self._held, self.environment.name) if self._held is not None else ""

    # -- runs ------------------------------------------------------------------------------------------------------------------

    def submit(
        self, path: str | os.PathLike[str], widgets: Mapping[str, str] | None = None, timeout_s: float | None = None
    ) -> Handle:
        """Bring a notebook to the workspace with all that it needs, and queue its run.

        Raises:
            RemoteError: It can't go there, names what it may not, or the workspace can't be used.
            NotebookError: It, or what it runs, can't be read.
            WidgetValueError: A widget's value is no text.
        """
        return self._made_ready().sender.notebook(path, widgets or {}, timeout_s)

    def submit_job(
        self, job: Job, parameters: Mapping[str, str], timeout_s: float | None = None, *, its_compute: bool = False
    ) -> Handle:
        """Bring the notebooks and scripts of a job's tasks to the workspace with all that they need, and queue one run of all.

        Args:
            job: The job.
            parameters: All of its parameters.
            timeout_s: How long it may take; by default as long as the job says, or else the environment.
            its_compute: Whether tasks run on what the job says, rather than on the environment's compute.

        Raises:
            JobKindError: It holds a task that no copy is run with, or not on this compute.
            CatalogMentionError: A parameter names a protected catalog, or one of another environment.
            RemoteError: A notebook can't go there, names what it may not, or the workspace can't be used.
            NotebookError: A notebook can't be read.
        """
        check_kinds(job, root=self._root)
        return self._made_ready().sender.job(job, parameters, timeout_s, its_compute=its_compute)

    def submit_tests(self, order: Order, packages: Sequence[Package], files: Iterable[str]) -> Handle:
        """Bring tests to the workspace with all that they need, and queue the job that runs them.

        Args:
            order: What the job is to do.
            packages: What goes along, see `harness.remote.travel`.
            files: The tests' files, and what pytest reads beside them, by their paths below the project.

        Raises:
            RemoteError: A file can't go there, names what it may not, or the workspace can't be used.
            NotebookError: A notebook that a test needs can't be read.
        """
        return self._made_ready().sender.tests(order, packages, files)

    def run(
        self, path: str | os.PathLike[str], widgets: Mapping[str, str] | None = None, timeout_s: float | None = None
    ) -> RemoteRun:
        """Run a notebook on the workspace and wait for its end; raises what `submit` does."""
        return self.submit(path, widgets, timeout_s).result()

    def spark(self) -> RemoteSpark:
        """The Spark session of this process on the workspace, and which client it is of.

        Raises:
            RemoteError: None can be had.
        """
        if self._spark is None:
            ready = self._made_ready()
            if not hasattr(ready.workspace, "client"):
                raise AnswerError(
                    "this workspace has no Spark", cause="it isn't one of databricks-sdk's", mend="sign in to one"
                )
            from harness.remote.client import SdkWorkspace
            from harness.remote.spark import open_session

            assert isinstance(ready.workspace, SdkWorkspace)  # noqa: S101 - the only one that has a client
            cluster_id = ready.computes.of_spark()
            self._spark = open_session(ready.workspace, cluster_id=cluster_id, progress=self._progress)
        return self._spark

    def spark_again(self) -> RemoteSpark:
        """Another Spark session in place of one that is over, on another cluster if ours has gone; raises what `spark` does."""
        computes = self._made_ready().computes
        computes.failed(computes.of_spark())
        self._spark = None
        return self.spark()

    # -- the end ---------------------------------------------------------------------------------------------------------------

    def close(self, *, keep: bool = False) -> Removed:
        """End what runs and remove what this pytest run made, last made first; the last of its processes does that for all.

        ``keep`` leaves folders, schemas and catalogs there for a look; they carry their expiry, and stay in no ledger.
        """
        ready, self._ready = self._ready, None
        if self._spark is not None:
            _stop_quietly(self._spark.session)
            self._spark = None
        if ready is not None:
            ready.poller.close()
        shared, self._held = self._held, None
        if shared is None:
            return Removed()
        with shared.locked():
            removed = Removed()
            if not shared.others():
                removed = self._remove(shared, ready, keep=keep)
            shared.leave()
        return removed

    def _remove(self, shared: SharedRun, ready: _Ready | None, *, keep: bool) -> Removed:
        if keep:
            for entry in shared.ledger.entries():
                if entry.kind in _KEPT:
                    shared.ledger.strike(entry)
        entries = [entry for entry in shared.ledger.entries() if not entry.kept_until]
        if not entries:
            return Removed()
        try:
            workspace = ready.workspace if ready is not None else self._connected()
        except RemoteError as error:
            return Removed(left=tuple((entry, error) for entry in entries))
        return remove(entries, workspace, shared.ledger, progress=self._of_runs)

    def hold(self) -> None:
        """Take part in the run without using it: what its processes share stays until this one has closed, too.

        xdist's controller calls it before its workers start, so that the first one to end doesn't take the cluster away.
        """
        if self._held is None and self._ready is None:
            self._held = self._shared_run()

    def stop(self) -> None:
        """Say to the other processes of the run that nobody wants results any more; see `is_over`."""
        if self._held is not None:
            (self._held.folder / _OVER).touch()

    @property
    def is_over(self) -> bool:
        """Whether a process of the run has said so."""
        return self._held is not None and (self._held.folder / _OVER).exists()

    # -- making ready ----------------------------------------------------------------------------------------------------------

    def _made_ready(self) -> _Ready:
        if self._error is not None:
            raise self._error
        if self._ready is None:
            try:
                self._ready = self._make_ready()
            except (RemoteError, SettingsError) as error:
                self._error = error
                raise
        return self._ready

    def _make_ready(self) -> _Ready:
        environment = self.environment
        if environment.profile and not environment.host:
            self._progress(f"signing in to {environment.name} by the profile {environment.profile}")
        else:
            self._progress(f"signing in to {environment.name} at {environment.host or 'the host of the sign-in'}")
        workspace = self._connected()
        self.environment = found_at(environment, workspace.host)
        identity = workspace.me()
        if not identity.name:
            raise SignInError("the workspace doesn't say who is signed in", cause="its answer has no name", mend="sign in anew")
        # From here on there may be something to remove, also where a later step fails.
        self._workspace = workspace
        self._held = self._held or self._shared_run(workspace.host)
        return self._lay_out(workspace, identity, self._held)

    def _connected(self) -> Workspace:
        return self._workspace or connect(self.environment.host, self.environment.profile)

    def _shared_run(self, host: str = "") -> SharedRun:
        about = {"host": host or self.environment.host, "environment": self.environment.name}
        return SharedRun(self._run_id, about=about)

    def _lay_out(self, workspace: Workspace, identity: Identity, shared: SharedRun) -> _Ready:
        environment = self.environment
        with shared.locked():  # by one of the processes for all: that may be many calls
            looked = shared.told("looked")
            if looked.get("at") != identity.name:
                looked = {"at": identity.name, "notes": check_identity(workspace, environment, identity)}
                shared.tell("looked", looked)
            notes = (*_not_real(environment, workspace.host), *looked["notes"])
            told = shared.told("run")
            if not told:
                lasts = max(EXPIRES_AFTER_S, environment.timeout_s + LEAST_EXPIRY_S)
                name = name_of(os.path.basename(self._root), self._run_id, expires=time.time() + lasts)  # noqa: PTH119 - as above
                root = environment.workspace_root.rstrip("/") or f"/Workspace/Users/{identity.name}/.nbh"
                told = {"name": name, "folder": f"{root}/{name}"}
                shared.tell("run", told)
        wheels = Wheels(
            environment,
            self._root,
            workspace=workspace,
            shared=shared,
            folder=told["folder"],
            progress=self._progress,
            pip_env=self._pip_env,
        )
        computes = Computes(environment, workspace, shared, name=told["name"], progress=self._progress, wheels=wheels.there)
        self.notes = (*notes, *computes.check(identity))
        for note in self.notes:
            self._progress(f"note: {note}")
        with shared.locked():
            if not shared.told("folder"):
                shared.ledger.note("folder", told["folder"])
                workspace.make_folder(told["folder"])
                shared.tell("folder", told)
        slots = Slots(shared.folder / "slots", environment.concurrency)
        poller = Poller(workspace, shared, slots, calls_per_s=self._calls_per_s, progress=self._of_runs)
        sender = Sender(
            environment,
            self._root,
            self._closures,
            workspace=workspace,
            name=told["name"],
            folder=told["folder"],
            allowed=self._allowed,
            notes=self.notes,
            computes=computes,
            wheels=wheels,
            poller=poller,
            locked=shared.locked,
            progress=self._of_runs,
        )
        return _Ready(workspace, identity, shared, told["name"], told["folder"], computes, poller, sender)


@dataclass(frozen=True, slots=True)
class _Ready:
    """What is there once the workspace has been looked at."""

    workspace: Workspace
    identity: Identity
    shared: SharedRun
    name: str
    folder: str
    computes: Computes
    poller: Poller
    sender: Sender


def _not_real(environment: Environment, host: str) -> tuple[str, ...]:
    """What is to be known of a rehearsal that is reached under a workspace's name."""
    if environment.name == REHEARSAL or not is_this_machine(host):
        return ()
    return (f"{environment.name} is a workspace on this machine, {host}: what ran there is no proof about a real one",)


def _stop_quietly(session: Any) -> None:
    try:
        session.stop()
    except Exception:  # noqa: BLE001 - it is over anyway, and the server forgets it by itself
        return
