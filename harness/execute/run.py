"""``run_notebook``: one notebook, run whole in a process of its own, and what became of it."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import WidgetValueError
from harness.execute.cases import failures_of, judged
from harness.execute.client import Course, run_cells
from harness.execute.folder import lay_out, written
from harness.execute.job import WORK, Job, told
from harness.execute.needs import needs_spark
from harness.execute.progress import Progress
from harness.execute.provision import Parent, manager
from harness.execute.steps import step_of
from harness.extract.cells import pick
from harness.model import CellRun, Location, NotebookRun
from harness.notebook import read_notebook
from harness.settings import settings_for

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from nbformat import NotebookNode

    from harness.model import Cell, Notebook, Outcome
    from harness.spark.connect import ConnectSession

TIMEOUT_S = 600.0
"""How long a run may take where nothing else is said."""

SKIP = "skip-execution"
"""nbclient's own tag for a cell that isn't to be run."""


class Kernels:
    """Runs notebooks for one process; their warm parent starts with the first, or by ``warm``, and ends with ``stop``."""

    def __init__(self, *, root: str, roots: Sequence[str] = ()) -> None:
        self._parent = Parent()
        self._root, self._roots = os.path.abspath(root), tuple(roots)

    def run(
        self,
        path: str,
        *,
        widgets: Mapping[str, str] | None = None,
        timeout_s: float | None = TIMEOUT_S,
        skip_cells: Sequence[int | str] = (),
        session: Callable[[], ConnectSession],
        watch: Callable[[Progress], None] = lambda _progress: None,
        may_cancel: bool = False,
    ) -> NotebookRun:
        """Run a notebook; whatever becomes of it is in the result.

        ``session`` gives the one whose catalogs it sees; it is asked only for a notebook that may use Spark. ``watch`` is told
        several times a second how far it is. ``may_cancel`` makes of Ctrl-C the outcome "cancelled".

        Raises:
            NotebookError: It can't be read.
            WidgetValueError: A widget's value is no text.
            KeyboardInterrupt: Ctrl-C was pressed, and the run can't be cancelled.
            CellNotFoundError: ``skip_cells`` names a cell that the notebook doesn't have.
        """
        for name, value in (widgets or {}).items():
            if not isinstance(value, str):
                raise WidgetValueError(
                    f'the value given for the widget "{name}" is not a text',
                    cause=f"it is {value!r}, of type {type(value).__name__}; Databricks takes texts only",
                    mend=f'write widgets={{"{name}": "{value}"}}',
                )
        notebook = read_notebook(path)
        shown = Location(os.path.relpath(path, self._root).replace(os.sep, "/"))
        skipped = frozenset(pick(notebook.cells, cell, shown).number for cell in skip_cells)
        node = _node(notebook, skipped)
        settings = settings_for(path)
        spark = session() if needs_spark(notebook, self._roots) else None
        before = spark.relations() if spark is not None else {}
        self._parent.ready()  # its start is no time of the notebook's
        # Short: the path of a socket in it has room for a hundred characters.
        folder = Path(tempfile.mkdtemp(prefix="nbh-"))
        try:
            work = folder / WORK
            work.mkdir()
            job = Job(
                path=os.path.abspath(path),
                root=self._root,
                project=settings.folder,
                folder=str(folder),
                work=str(lay_out(work, os.path.abspath(path), self._root)),
                space=spark.space if spark is not None else "",
                widgets=dict(widgets or {}),
                run_prefixes=dict(settings.run_prefixes),
                roots=self._roots,
            )
            course, begun = Course(), time.monotonic()
            km = manager(self._parent, sockets=str(folder), job=str(job.save()), log=str(folder / "log"))
            _finish(
                run_cells(node, km, course=course, timeout_s=timeout_s),
                course,
                watch=lambda: watch(_progress(node, course, begun)),
                may_cancel=may_cancel,
            )
            took = time.monotonic() - begun
            run = _result(notebook, node, job, course=course, skipped=skipped, took=took, timeout_s=timeout_s)
            after = spark.relations() if spark is not None else {}
            changed = tuple(sorted(name for name, stamp in after.items() if before.get(name) != stamp))
            return replace(run, tables=changed, files=written(work))
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def warm(self) -> None:
        """Start the warm parent, which takes a second or two, and don't wait for it."""
        self._parent.start()

    def stop(self) -> None:
        """End the warm parent."""
        self._parent.stop()


def _finish(running: Any, course: Course, *, watch: Callable[[], None], may_cancel: bool) -> None:
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
    except BaseException as exc:
        course.stop()
        done.wait(10)
        if not (may_cancel and isinstance(exc, KeyboardInterrupt)):
            raise
        course.ended = "cancelled"
    if failed:
        raise failed[0]


def _progress(node: NotebookNode, course: Course, begun: float) -> Progress:
    now = max(course.began, default=0)
    return Progress(now, len(node.cells), time.monotonic() - begun, dict(course.took), node.cells)


def _node(notebook: Notebook, skipped: frozenset[int]) -> NotebookNode:
    """The notebook as nbformat's, cell for cell."""
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

    cells = []
    for cell in notebook.cells:
        if step_of(cell).kind == "nothing" and cell.language == "markdown":
            text = re.sub(r"\A\s*%md(?:-sandbox)?\b[ \t]*(?:--i18n-\S*)?", "", cell.source).strip("\n")
            cells.append(new_markdown_cell(text))  # type: ignore[no-untyped-call]  # nbformat's
            continue
        tags = [SKIP] if cell.number in skipped or step_of(cell).kind in ("nothing", "skipped") else []
        metadata = {"tags": tags} if tags else {}
        cells.append(new_code_cell(cell.source, metadata=metadata))  # type: ignore[no-untyped-call]  # as above
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    made: NotebookNode = new_notebook(cells=cells, metadata={"kernelspec": kernel})  # type: ignore[no-untyped-call]  # nbformat's
    return made


def _result(
    notebook: Notebook,
    node: NotebookNode,
    job: Job,
    *,
    course: Course,
    skipped: frozenset[int],
    took: float,
    timeout_s: float | None,
) -> NotebookRun:
    """What became of a run, from what it told and how it was seen to end."""
    every = told(job.folder)
    events = {event["event"]: event for event in every}
    shown = os.path.relpath(job.path, job.root).replace(os.sep, "/")
    last = max(course.began, default=None)
    ended: Outcome = "passed"
    error, exit_value, event = "", None, None
    if course.ended == "cancelled":
        ended, error = "cancelled", "it was interrupted"
    elif course.ended == "timed_out":
        ended, error = "timed_out", f"it was still at it after {timeout_s:g} s"
    elif course.ended.startswith("lost"):
        ended, error = "infrastructure_failed", _last_words(events, course)
    elif not course.ended and any(number not in course.took for number in _to_run(node)):
        ended, error = "infrastructure_failed", "not all of its cells were run, and nothing tells why"
    elif course.ended == "error":
        for name in ("exit", "unsupported", "failed"):
            if name in events:
                event = events[name]
                break
        if event is None:
            ended, error = "infrastructure_failed", "the kernel told of an error and not of which"
        elif event["event"] == "exit":
            ended, exit_value = "exited", event["value"]
        elif event["event"] == "unsupported":
            ended, error = "unsupported", event["why"]
        else:
            ended, error = "failed", event["error"]
    place = None
    if event is not None:
        place = Location(event["path"], event["line"], event["in_cell"], event["at"])
        last = event["cell"]
    elif ended != "passed":
        place = Location(shown, cell=last)
    for number in course.took:
        node.cells[number - 1]["execution_count"] = number  # as we count cells, and as Databricks shows them
    cells = tuple(
        _cell_run(cell, node.cells[cell.number - 1], course, skipped=cell.number in skipped, ended=ended, last=last)
        for cell in notebook.cells
    )
    run = NotebookRun(
        path=shown, ended=ended, exit_value=exit_value, error=error, location=place, cells=cells, duration_s=took, executed=node
    )
    return judged(run, failures_of(every))


def _to_run(node: NotebookNode) -> list[int]:
    """The numbers of the cells that a whole run runs; of those that it leaves out a reader can see why."""
    return [
        number
        for number, cell in enumerate(node.cells, 1)
        if cell.cell_type == "code" and SKIP not in cell.metadata.get("tags", ())
    ]


def _last_words(events: Mapping[str, Mapping[str, Any]], course: Course) -> str:
    if "lost" in events:
        return f"its process couldn't be set up: {events['lost']['error']}"
    return f"its process ended ({course.ended.partition(': ')[2]})"


def _cell_run(cell: Cell, node: NotebookNode, course: Course, *, skipped: bool, ended: str, last: int | None) -> CellRun:
    outcome = "passed"
    if skipped or cell.skipped:
        outcome = "skipped"
    elif ended != "passed" and last is not None and cell.number == last:
        outcome = {"exited": "exited", "unsupported": "unsupported"}.get(ended, "failed")
    elif cell.number not in course.took or (ended != "passed" and last is not None and cell.number > last):
        outcome = "not_run"
    outputs = tuple(dict(output) for output in node.get("outputs", ()))
    return CellRun(cell.number, cell.language, outcome, outputs, course.took.get(cell.number, 0.0))
