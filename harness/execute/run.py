"""``run_notebook``: one notebook, run whole in a process of its own, and what became of it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import WidgetValueError
from harness.execute.client import Course, run_cells
from harness.execute.ended import last_place, last_words
from harness.execute.job import Job, clipped, told
from harness.execute.lines import ask_line
from harness.execute.measure import WARM, saved
from harness.execute.memory import memory_limit
from harness.execute.needs import needs_spark
from harness.execute.provision import Parent, manager
from harness.execute.steps import step_of
from harness.model import CellRun, Location, NotebookRun
from harness.notebook import read_notebook
from harness.settings import settings_for

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from nbformat import NotebookNode

    from harness.execute.measure import Measure
    from harness.model import Cell, Notebook, Outcome

TIMEOUT_S = 600.0
"""How long a run may take where nothing else is said."""

SKIP = "skip-execution"
"""nbclient's own tag for a cell that isn't to be run."""


class Kernels:
    """Runs notebooks for one process; its warm parent starts with the first, and ends with ``stop``."""

    def __init__(self, *, root: str, roots: Sequence[str] = (), measure: Measure | None = None) -> None:
        self._parent = Parent(more=WARM if measure is not None and measure.wanted() is not None else ())
        self._measure = measure
        self._root, self._roots = os.path.abspath(root), tuple(roots)

    def run(
        self,
        path: str,
        *,
        widgets: Mapping[str, str] | None = None,
        timeout_s: float | None = TIMEOUT_S,
        skip_cells: Sequence[int | str] = (),
        space: Callable[[], str],
        progress: Callable[[int, int], None] = lambda _number, _of: None,
    ) -> NotebookRun:
        """Run a notebook; whatever becomes of it is in the result.

        ``space`` gives the name of the catalogs that it sees; it is asked only for a notebook that may use Spark.

        Raises:
            NotebookError: It can't be read.
            WidgetValueError: A widget's value is no text.
            ValueError: ``skip_cells`` names a cell that the notebook doesn't have.
        """
        for name, value in (widgets or {}).items():
            if not isinstance(value, str):
                raise WidgetValueError(
                    f'the value given for the widget "{name}" is not a text',
                    cause=f"it is {value!r}, of type {type(value).__name__}; Databricks takes texts only",
                    mend=f'write widgets={{"{name}": "{value}"}}',
                )
        notebook = read_notebook(path)
        skipped = _numbers(notebook, skip_cells)
        node = _node(notebook, skipped)
        settings = settings_for(path)
        folder = Path(tempfile.mkdtemp(dir=self._parent.folder(), prefix="r"))
        try:
            work = folder / "work"
            work.mkdir()
            job = Job(
                path=os.path.abspath(path),
                root=self._root,
                project=settings.folder,
                folder=str(folder),
                work=str(_beside(work, os.path.abspath(path), self._root)),
                space=space() if needs_spark(notebook, self._roots) else "",
                widgets=dict(widgets or {}),
                run_prefixes=dict(settings.run_prefixes),
                roots=self._roots,
                measure=None if self._measure is None else self._measure.wanted(),
            )
            course, begun = Course(), time.monotonic()
            km = manager(self._parent, sockets=str(folder), job=str(job.save()), log=str(folder / "log"))
            count = len(node.cells)
            running = run_cells(
                node,
                km,
                course=course,
                timeout_s=timeout_s,
                memory=memory_limit(settings.notebook_memory),
                progress=lambda number: progress(number, count),
            )
            try:
                _finish(running, kill=lambda: _kill(km, job.folder))
            except KeyboardInterrupt:
                shown = os.path.relpath(path, self._root).replace(os.sep, "/")
                place = last_place(notebook, job, shown=shown, cell=max(course.began, default=None))
                raise KeyboardInterrupt(f"{shown} was interrupted at {place}") from None
            took = time.monotonic() - begun
            return _result(notebook, node, job, course=course, skipped=skipped, took=took, timeout_s=timeout_s)
        finally:
            if self._measure is not None and (measured := saved(str(folder))) is not None:
                self._measure.add(measured)
            shutil.rmtree(folder, ignore_errors=True)

    def stop(self) -> None:
        """End the warm parent."""
        self._parent.stop()


def _finish(running: Any, *, kill: Callable[[], None]) -> None:
    """Wait for a run in a thread of its own: nbclient takes Ctrl-C for itself where it runs in the main one."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            asyncio.run(running)
        except BaseException as exc:  # noqa: BLE001 -- it is raised again where it is waited for
            failed.append(exc)

    thread = threading.Thread(target=run, name="nbh-run", daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(0.2)
    except BaseException:
        kill()
        thread.join(10)
        raise
    if failed:
        raise failed[0]


def _kill(km: Any, folder: str) -> None:
    process = km.provisioner.process
    if process is not None:
        ask_line(process.pid, folder)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, 9)


def _beside(work: Path, path: str, root: str) -> Path:
    """A folder of the run's own in which all lies that lies beside the notebook, and above it up to the root.

    What the notebook writes there goes with the run; what it reads by a relative path is there as on Databricks.
    """
    inside = os.path.relpath(os.path.dirname(path), root)
    parts = [] if inside == "." or inside.startswith("..") else inside.split(os.sep)
    source = Path(root if parts or inside == "." else os.path.dirname(path))
    for index in range(len(parts) + 1):
        following = parts[index] if index < len(parts) else None
        for entry in sorted(source.iterdir()):
            if entry.name not in (following, ".git"):
                (work / entry.name).symlink_to(entry)
        if following is not None:
            source, work = source / following, work / following
            work.mkdir()
    return work


def _numbers(notebook: Notebook, names: Sequence[int | str]) -> frozenset[int]:
    """The cells that are named by number or title."""
    found = set()
    for name in names:
        numbers = [cell.number for cell in notebook.cells if name in (cell.number, cell.title)]
        if not numbers:
            raise ValueError(f"{notebook.path.name} has no cell {name!r}: it has cells 1 to {len(notebook.cells)}")
        found.update(numbers)
    return frozenset(found)


def _node(notebook: Notebook, skipped: frozenset[int]) -> NotebookNode:
    """The notebook as nbformat's, cell for cell."""
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

    cells = []
    for cell in notebook.cells:
        if step_of(cell).kind == "nothing" and cell.language == "markdown":
            cells.append(new_markdown_cell(cell.source))  # type: ignore[no-untyped-call]  # nbformat's
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
    events = told(job.folder)
    shown = os.path.relpath(job.path, job.root).replace(os.sep, "/")
    last = max(course.began, default=None)
    ended: Outcome = "passed"
    error, exit_value, event = "", None, None
    if course.ended == "timed_out":
        ended, error = "timed_out", f"it was still at it after {timeout_s:g} s"
    elif course.ended not in ("", "error"):
        ended, error = "infrastructure_failed", last_words(events, course)
    elif course.ended == "error":
        of_cell = [one for one in events if one["event"] in ("exit", "unsupported", "failed") and one["cell"] == last]
        event = of_cell[-1] if of_cell else None
        if event is None:
            ended, error = "failed", clipped(course.error)  # what it told is gone, or never came to be: so much is sure
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
        place = last_place(notebook, job, shown=shown, cell=last)
    cells = tuple(
        _cell_run(cell, node.cells[cell.number - 1], course, skipped=cell.number in skipped, ended=ended, last=last)
        for cell in notebook.cells
    )
    return NotebookRun(
        path=shown, ended=ended, exit_value=exit_value, error=error, location=place, cells=cells, duration_s=took, executed=node
    )


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
