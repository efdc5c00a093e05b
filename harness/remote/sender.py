"""Brings notebooks, jobs and tests to the workspace with all that they need, and queues their runs."""

from __future__ import annotations

import os
import posixpath
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.jobs.given import pushed_down
from harness.jobs.job import SCRIPT
from harness.jobs.variables import ROOT
from harness.model import Location
from harness.notebook import is_notebook, read_notebook
from harness.remote.folders import Folders, mounted
from harness.remote.foreign import ForeignCopies
from harness.remote.job_request import JobRequest, TaskSent, check_environments, values_of
from harness.remote.job_wheels import Placed, check_wheels, files_of, folders_of_job
from harness.remote.on_cluster import FOLDER, stage
from harness.remote.outcome import Sent
from harness.remote.parts import together
from harness.remote.preflight import check_texts, check_values
from harness.remote.runs import Request
from harness.remote.upload import Uploader
from harness.runtime.dbutils import check_widgets

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from harness.environments import Environment
    from harness.jobs.job import Job, Task
    from harness.model import Notebook
    from harness.remote.closure import Closures
    from harness.remote.compute import Computes
    from harness.remote.on_cluster import Order
    from harness.remote.parts import Closure
    from harness.remote.poller import Poller
    from harness.remote.protocol import Workspace
    from harness.remote.runs import Handle
    from harness.remote.travel import Package
    from harness.remote.wheels import Wheels


class Sender:
    """Sends what belongs to one project into the folder of one run.

    Args:
        environment: Where.
        root: The project's folder.
        closures: Gives what a notebook needs of it.
        workspace: The workspace's calls.
        name: What all carries that this run makes.
        folder: The run's own on the workspace.
        allowed: Catalogs of other environments that notebooks may name.
        notes: What is to be told with each run.
        computes: What runs run on.
        wheels: The project's own.
        poller: Runs them.
        locked: Gives what all processes that send into the folder hold one at a time.
        progress: Is told how far an upload is.
    """

    def __init__(
        self,
        environment: Environment,
        root: str,
        closures: Closures,
        *,
        workspace: Workspace,
        name: str,
        folder: str,
        allowed: Collection[str],
        notes: Sequence[str],
        computes: Computes,
        wheels: Wheels,
        poller: Poller,
        locked: Callable[[], AbstractContextManager[Any]],
        progress: Callable[[str], None],
    ) -> None:
        self._environment, self._root, self._closures, self._workspace = environment, root, closures, workspace
        self._name, self._folder, self._allowed, self._notes = name, folder, tuple(allowed), tuple(notes)
        self._computes, self._wheels, self._poller = computes, wheels, poller
        self._locked, self._progress = locked, progress
        self.folders = Folders(workspace, folder, root, locked=locked, progress=progress)
        self._copies = ForeignCopies(workspace, root)

    def notebook(self, path: str | os.PathLike[str], widgets: Mapping[str, str], timeout_s: float | None) -> Handle:
        """Send a notebook; raises what `harness.remote.session.Remote.submit` does."""
        check_widgets(widgets)
        told = [
            (Location(os.path.relpath(path, self._root).replace(os.sep, "/")), f"the widget {name}", value)
            for name, value in widgets.items()
        ]
        check_values(self._environment, told, allowed=self._allowed, mend="give it another by widgets={…}")
        closure = self._closures.of(path)
        (sent,) = self._brought([closure], [tuple(widgets)])
        handle = self._queue(sent, f"{sent.folder}/{closure.first.target}", widgets, timeout_s)
        self.folders.holds(sent.folder, handle)
        return handle

    def job(self, job: Job, parameters: Mapping[str, str], timeout_s: float | None, *, its_compute: bool) -> Handle:
        """Send a job's notebooks, scripts and wheels; raises what `harness.remote.session.Remote.submit_job` does."""
        check_wheels(job, self._computes, its_compute=its_compute, root=self._root)
        check_environments(job, self._computes, its_compute=its_compute, root=self._root)
        named = check_values(self._environment, values_of(job, parameters, root=self._root), allowed=self._allowed)
        installed = {task.key: self._installed(task.worker) for task in job.tasks if task.worker.wheels}
        called = {task.key: installed[task.key] for task in job.tasks if task.worker.entry}
        workers = {task.key: task.worker for task in job.tasks if task.worker.path and task.key not in called}
        closures = {key: self._closures.of(one.path, is_script=one.kind == SCRIPT) for key, one in workers.items()}
        given = [tuple(pushed_down(one, parameters)) for one in workers.values()]
        # As a deployed bundle has them, where a task asks for the folder that these lie in.
        inner = "files" if any(ROOT in text for text in (*parameters.values(), *_texts_of(job))) else ""
        all_sent = dict(zip(closures, self._brought(list(closures.values()), given, inner=inner), strict=True))
        there = next(iter(all_sent.values())).folder if all_sent else posixpath.join(self._folder, inner)
        targets = {key: f"{sent.folder}/{closures[key].first.target}" for key, sent in all_sent.items()}
        placed = Placed(self._wheels.bring(folders_of_job(job)))
        everything = {**{key: _both(sent, installed.get(key)) for key, sent in all_sent.items()}, **called}
        parts = [TaskSent(task, everything.get(task.key), targets.get(task.key, "")) for task in job.tasks]
        notes = dict.fromkeys(f"{one.location}: {one.text} is allowed" for one in named)
        notes |= dict.fromkeys(note for part in parts if part.sent is not None for note in part.sent.notes)
        limits = [one for one in (timeout_s, job.timeout_s) if one]
        handle = self._poller.submit(
            JobRequest(
                Sent(job.name, {}, (), self._folder, tuple(notes)),
                "",
                self._name,
                dict(parameters),
                min(limits) if limits else self._environment.timeout_s,
                self._computes.keys,
                self._computes.failed,
                job=job,
                placed=placed,
                parts=tuple(parts),
                files=self._files_of(job, there),
                above=posixpath.dirname(mounted(there)) if inner else "",
                has_own_compute=its_compute,
            )
        )
        for folder in {sent.folder for sent in all_sent.values()}:
            self.folders.holds(folder, handle)
        return handle

    def _files_of(self, job: Job, folder: str) -> str:
        """What stands there for the folder of the bundle's files."""
        inner = os.path.relpath(job.files or self._root, self._root).replace(os.sep, "/")
        return posixpath.normpath(posixpath.join(mounted(folder), inner))

    def _installed(self, worker: Task) -> Sent:
        """What is sent for a task in wheels, whose texts are looked at here."""
        files = files_of(worker.wheels, self._root)
        texts = {path: (Path(self._root) / path).read_bytes() for path in files.values()}
        named = check_texts(self._environment, notebooks={}, files=texts, allowed=self._allowed)
        notes = [f"{one.location} names {one.text}, which is allowed" for one in named]
        shown = os.path.relpath(worker.path, self._root).replace(os.sep, "/")
        return Sent(shown, {}, (), self._folder, (*self._notes, *notes), installed=files)

    def tests(self, order: Order, packages: Sequence[Package], files: Iterable[str]) -> Handle:
        """Send tests; takes and raises what `harness.remote.session.Remote.submit_tests` does."""
        parts = self._closures.of_files(files)
        _, named = self._checked({part.path: part.kind for part in parts}, lambda _: _Every())
        self._wheels.bring()
        folder = f"{self._folder}/{FOLDER}"
        with tempfile.TemporaryDirectory(prefix="nbh-on-cluster-") as place:
            closure = stage(Path(place), order, root=self._root, parts=parts, packages=packages, there=folder)
            Uploader(self._workspace, folder, place, locked=self._locked, progress=self._progress).upload(closure)
        count = len(order.tests)
        shown = f"{count} test{'s' if count != 1 else ''} on the cluster"
        sent = Sent(shown, {}, (), folder, (*self._notes, *named), closure.digest)
        return self._queue(sent, f"{folder}/{closure.first.target}")

    def _brought(self, closures: Sequence[Closure], given: Sequence[Collection[str]], *, inner: str = "") -> list[Sent]:
        """Bring what belongs together there: a notebook with all that it needs, or all notebooks and scripts of a job.

        ``given`` are for each the widgets that it is given, ``inner`` is a folder's name for all of it to lie in.
        """
        looked = [self._looked_at(closure, widgets) for closure, widgets in zip(closures, given, strict=True)]
        if not looked:
            return []
        self._wheels.bring()
        whole = together(closures)
        uploader = self.folders.uploader(whole, inner=inner)
        uploader.upload(whole)
        sent = []
        for closure, (notebooks, notes) in zip(closures, looked, strict=True):
            files = [part.path for part in closure.parts if part.kind == "file"]
            sent.append(Sent(closure.path, notebooks, files, uploader.folder, (*self._notes, *notes), closure.digest))
        return sent

    def _looked_at(self, closure: Closure, widgets: Collection[str]) -> tuple[dict[str, Notebook], tuple[str, ...]]:
        """The notebooks of a closure, and notes on it; what it takes of the workspace's own is looked at as it is here."""
        uncompared = self._copies.check(closure)
        theirs = [one.local for one in closure.foreign if one.local]
        kinds = {path: "notebook" if is_notebook(Path(self._root) / path) else "file" for path in theirs}
        kinds |= {part.path: part.kind for part in closure.parts}
        notebooks, named = self._checked(kinds, lambda path: closure.given(path, widgets))
        return notebooks, (*named, *uncompared)

    def _checked(
        self, kinds: Mapping[str, str], given: Callable[[str], Container[str]]
    ) -> tuple[dict[str, Notebook], tuple[str, ...]]:
        """The notebooks of what is to run, and notes on catalogs that it names and may name."""
        notebooks = {path: read_notebook(Path(self._root) / path) for path, kind in kinds.items() if kind == "notebook"}
        files = [path for path, kind in kinds.items() if kind == "file" and path.endswith((".py", ".sql"))]
        texts = {path: (Path(self._root) / path).read_bytes() for path in files}
        named = check_texts(self._environment, notebooks=notebooks, files=texts, allowed=self._allowed, given=given)
        return notebooks, tuple(f"{one.location} names {one.text}, which is allowed" for one in named)

    def _queue(
        self, sent: Sent, target: str, widgets: Mapping[str, str] | None = None, timeout_s: float | None = None
    ) -> Handle:
        timeout_s = self._environment.timeout_s if timeout_s is None else timeout_s
        computes = self._computes
        return self._poller.submit(
            Request(sent, target, self._name, dict(widgets or {}), timeout_s, computes.keys, computes.failed)
        )


def _texts_of(job: Job) -> Iterator[str]:
    for task in job.tasks:
        yield from task.all_texts


def _both(sent: Sent, installed: Sent | None) -> Sent:
    """What is sent for a task, with its wheels."""
    if installed is None:
        return sent
    return replace(sent, installed=installed.installed, notes=tuple(dict.fromkeys((*sent.notes, *installed.notes))))


class _Every:
    """All widgets: a test may give any of them its value."""

    def __contains__(self, name: object) -> bool:
        return True
