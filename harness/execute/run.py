"""``run_notebook``: one notebook, run whole in a process of its own, and what became of it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import tempfile
import threading
import time
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import EngineLostError
from harness.execute.changes import Changes
from harness.execute.client import Course, run_cells
from harness.execute.ended import last_place
from harness.execute.folder import Work, Works, empty
from harness.execute.hints import MARK
from harness.execute.host import Host, Place
from harness.execute.job import WORK, Job
from harness.execute.line import answering
from harness.execute.measure import saved
from harness.execute.memory import memory_limit
from harness.execute.needs import needs_spark, warmed
from harness.execute.node import node_of
from harness.execute.outcomes import redacted
from harness.execute.progress import Progress
from harness.execute.provision import manager
from harness.execute.quota import Quota
from harness.execute.result import result_of
from harness.extract.cells import pick
from harness.model import Location
from harness.notebook import read_notebook
from harness.notebook.script import read_script
from harness.runtime.dbutils import check_widgets
from harness.runtime.files import prepare
from harness.runtime.surroundings import Surroundings
from harness.settings import settings_for
from harness.spark.home import version_here
from harness.spark.versions import runtime_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from nbformat import NotebookNode

    from harness.execute.measure import Measure
    from harness.execute.warm import Parent
    from harness.jobs.job import Entry, Wheel
    from harness.model import Notebook, NotebookRun
    from harness.runtime.redact import Redactor
    from harness.settings import Settings
    from harness.spark.connect import ConnectSession

TIMEOUT_S = 600.0
"""How long a run may take where nothing else is said."""

ALLOWED = {
    "pip": "%pip installs what is missing, into a folder of the run's own that goes with it",
    "shell": "%sh and ! run a shell of this machine",
}
"""What a run may do only where it is allowed to."""


class Kernels:
    """Runs notebooks for one process, in forks of their warm parent, which ends with ``stop``.

    ``heavy`` is a second one, for those that import what takes long: it stays in there for the next.
    """

    def __init__(
        self,
        parent: Parent,
        *,
        heavy: Parent | None = None,
        root: str,
        roots: Sequence[str] = (),
        measure: Measure | None = None,
    ) -> None:
        self._parent, self._heavy = parent, heavy
        self._measure = measure
        self._root, self._roots = os.path.abspath(root), tuple(roots)
        self._works = Works()

    def run(
        self,
        path: str,
        *,
        widgets: Mapping[str, str] | None = None,
        arguments: Sequence[str] | None = None,
        entry: Entry | None = None,
        wheels: Sequence[Wheel] = (),
        timeout_s: float | None = TIMEOUT_S,
        skip_cells: Sequence[int | str] = (),
        session: Callable[[], ConnectSession],
        files: str = "",
        watch: Callable[[Progress], None] = lambda _progress: None,
        may_cancel: bool = False,
        around: Surroundings | None = None,
        task_key: str = "",
        allow: Collection[str] = (),
        above: tuple[str, ...] = (),
        stop: threading.Event | None = None,
    ) -> NotebookRun:
        """Run a notebook; whatever becomes of it is in the result.

        ``arguments`` make of it a Python script, which is run as a job's task, with these in ``sys.argv``; ``entry`` is what is
        called in its place, of the module that it then is. ``wheels`` are those of the project that it finds installed.
        ``session`` gives the one whose catalogs it sees; it is asked only for a notebook that may use Spark. ``files`` is the
        folder of the dbfs and volumes that it sees; without one it has its own, which goes with the run. ``watch`` is told
        several times a second how far it is. ``may_cancel`` makes of Ctrl-C the outcome "cancelled". ``around`` is what its
        test gives to all its runs, ``task_key`` by which name others know its task values, and ``allow`` says what of
        `ALLOWED` it may do. ``above`` are the notebooks that led to this one, and ``stop`` is set to cancel it.

        Raises:
            NotebookError: It can't be read.
            WidgetValueError: A widget's value is no text.
            KeyboardInterrupt: Ctrl-C was pressed, and the run can't be cancelled.
            CellNotFoundError: ``skip_cells`` names a cell that the notebook doesn't have.
            ValueError: ``allow`` names what nobody knows.
        """
        check_widgets(widgets or {})
        _check_allowed(allow)
        notebook = read_notebook(path) if arguments is None else read_script(path)
        shown = Location(os.path.relpath(path, self._root).replace(os.sep, "/"))
        skipped = frozenset(pick(notebook.cells, cell, shown).number for cell in skip_cells)
        settings = settings_for(path)
        spark = session() if entry is not None or needs_spark(notebook, self._roots) else None
        parent, imports = self._parent_for(notebook)
        parent.ready()  # its start is no time of the notebook's
        around = around if around is not None else Surroundings()
        place = Place(os.path.abspath(path), task_key or Path(path).stem, number=around.next_run(), above=above)
        if not above:
            around.tasks.begin(place.task)
        begun = time.monotonic()
        host = Host(
            around,
            place=lambda: place,
            settings=lambda: settings,
            run=partial(self.run, session=session, files=files, around=around, allow=allow, wheels=wheels),
            root=self._root,
            deadline=None if timeout_s is None else begun + timeout_s,
        )
        folder = Path(tempfile.mkdtemp(dir=parent.folder(), prefix="r"))
        work: Work | None = None
        try:
            at = str(folder / WORK)  # nothing of the project lies where a wheel works
            work = self._works.take(place.path, self._root, at) if entry is None else empty(at)
            job = self._job(
                place.path,
                settings,
                folder,
                work,
                spark=spark,
                widgets=widgets or {},
                arguments=arguments,
                is_task=bool(task_key),
                entry=entry,
                wheels=wheels,
                allow=allow,
                files=files,
            )
            # What a child makes its parent's run tells.
            changes = Changes(spark if not above else None, job.files)
            node, course = node_of(notebook, skipped), Course(resume=lambda: _resume(host, job))
            with (
                answering(job.host, host.answer),
                _placed(lambda: last_place(notebook, job, shown=shown.path, cell=_now(course))),
                _quota(job, spark, files, settings, course) as quota,
            ):
                _finish(
                    run_cells(
                        node,
                        manager(parent, sockets=job.folder, job=str(job.save()), log=str(folder / "log"), imports=imports),
                        course=course,
                        timeout_s=timeout_s,
                        memory=memory_limit(settings.notebook_memory),
                    ),
                    course,
                    watch=lambda: watch(_progress(node, course, begun, around.redactor)),
                    may_cancel=may_cancel,
                    stop=stop,
                )
                host.close()
            tables = _made(changes)  # asked before what became of Spark, which may end over the question
            run = result_of(
                notebook,
                node,
                job,
                course=course,
                skipped=skipped,
                took=time.monotonic() - begun,
                timeout_s=timeout_s,
                full=quota.exceeded,
                lost=_lost(spark),
                is_child=bool(above),
                is_workspaces=around.is_workspaces,
            )
            told = replace(run, tables=tables, files=changes.files(work), children=tuple(host.children))
            return redacted(told, around.redactor)
        finally:
            host.close()
            if self._measure is not None and (measured := saved(str(folder))) is not None:
                self._measure.add(measured)
            if work is not None and entry is None and work.is_untouched():
                self._works.keep(work, place.path, self._root, str(folder.with_name(f"w{folder.name}")))
            shutil.rmtree(folder, ignore_errors=True)

    def _parent_for(self, notebook: Notebook) -> tuple[Parent, Sequence[str]]:
        """What its kernel is forked from, and what has to be imported there."""
        imports = warmed(notebook, self._roots) if self._heavy is not None else ()
        return (self._heavy, imports) if self._heavy is not None and imports else (self._parent, ())

    def _job(
        self,
        path: str,
        settings: Settings,
        folder: Path,
        work: Work,
        *,
        spark: ConnectSession | None,
        widgets: Mapping[str, str],
        arguments: Sequence[str] | None,
        is_task: bool,
        entry: Entry | None,
        wheels: Sequence[Wheel],
        allow: Collection[str],
        files: str,
    ) -> Job:
        """Say what the kernel is told."""
        return Job(
            path=path,
            root=self._root,
            project=settings.folder,
            folder=str(folder),
            work=work.folder,
            space=spark.space if spark is not None else "",
            widgets=dict(widgets),
            arguments=None if arguments is None else tuple(arguments),
            is_task=is_task,
            entry=entry,
            wheels=tuple(wheels),
            run_prefixes=dict(settings.run_prefixes),
            roots=self._roots,
            host=str(folder / "host"),
            allow=tuple(allow),
            measure=None if self._measure is None else self._measure.wanted(),
            files=files or _own_files(folder),
            writes=settings.workspace_writes,
            time_zone=settings.time_zone,
            runtime=_runtime(settings.runtime),
            whose=dict(spark.whose) if spark is not None else {},
        )

    @property
    def pid(self) -> int | None:
        """The warm parent's process, if it runs."""
        return self._parent.pid

    def stop(self) -> None:
        """End the warm parents."""
        if self._heavy is not None:
            self._heavy.stop()
        self._parent.stop()


def _made(changes: Changes) -> tuple[str, ...]:
    """The run's tables; of a Spark that is lost nothing can be told."""
    try:
        return changes.tables()
    except EngineLostError:
        return ()


def _lost(spark: ConnectSession | None) -> str:
    """What became of Spark; "" if it is there still. Without it whatever the notebook made of its errors is no result."""
    if spark is None or not spark.is_lost:
        return ""
    error = spark.lost_error()
    return f"the Spark engine was lost during this run: {error.cause}\n{MARK}{error.mend}"


def _quota(job: Job, spark: ConnectSession | None, files: str, settings: Settings, course: Course) -> Quota:
    """What a run may fill, wherever: a folder of files of its own lies in its own folder."""
    filled = {"in its working folder": job.folder, **({"in dbfs and volumes": files} if files else {})}
    if spark is not None:
        filled["in tables"] = str(spark.folder)
    return Quota(filled, gigabytes=settings.run_disk_gb, end=course.stop)


@lru_cache
def _runtime(wanted: str) -> str:
    found = runtime_of(wanted, version_here())
    return found.name if found is not None else ""


def _own_files(folder: Path) -> str:
    made = str(folder / "files")
    prepare(made)
    return made


def _check_allowed(allow: Collection[str]) -> None:
    for name in allow:
        if name not in ALLOWED:
            raise ValueError(f"allow names {name!r}: a run can be allowed {' and '.join(ALLOWED)}")


def _finish(running: Any, course: Course, *, watch: Callable[[], None], may_cancel: bool, stop: threading.Event | None) -> None:
    """Wait for a run in a thread of its own: nbclient takes Ctrl-C for itself where it runs in the main one."""
    failed: list[BaseException] = []
    done = threading.Event()  # a thread's own join forgets after Ctrl-C that the thread still runs

    def run() -> None:
        try:
            asyncio.run(running)
        except BaseException as exc:  # noqa: BLE001 -- it is raised again where it is waited for
            failed.append(exc)
        finally:
            done.set()

    threading.Thread(target=run, name="nbh-run", daemon=True).start()
    try:
        while not done.wait(0.2):
            watch()
            if stop is not None and stop.is_set():
                course.stop()
                stop = None  # once: a second one would end what cleans up after the first
    except BaseException as exc:
        course.stop()
        done.wait(10)
        if not (may_cancel and isinstance(exc, KeyboardInterrupt)):
            raise
        course.ended = "cancelled"
    if failed:
        raise failed[0]


def _resume(host: Host, job: Job) -> bool | None:
    """Ready the job for the new Python that its kernel asked for; says whether the cell goes on there, None if it didn't."""
    state, host.resumed = host.resumed, None
    if state is None:
        return None
    replace(job, resumed=state).save()
    return bool(state["within"])


@contextlib.contextmanager
def _placed(place: Callable[[], Location]) -> Iterator[None]:
    """Have Ctrl-C say where the notebook was.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed.
    """
    try:
        yield
    except KeyboardInterrupt:
        at = place()
        raise KeyboardInterrupt(f"{at.path} was interrupted at {at}") from None


def _now(course: Course) -> int | None:
    return max(course.began, default=None)


def _progress(node: NotebookNode, course: Course, begun: float, redactor: Redactor) -> Progress:
    return Progress(_now(course) or 0, len(node.cells), time.monotonic() - begun, dict(course.took), redactor.data(node.cells))
