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
from harness.execute.job import Job, told
from harness.execute.needs import needs_spark
from harness.execute.provision import Parent, manager
from harness.execute.quota import Quota
from harness.execute.steps import step_of
from harness.model import CellRun, Location, NotebookRun
from harness.notebook import read_notebook
from harness.settings import settings_for

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from nbformat import NotebookNode

    from harness.model import Cell, Notebook, Outcome

TIMEOUT_S = 600.0
"""How long a run may take where nothing else is said."""

SKIP = "skip-execution"
"""nbclient's own tag for a cell that isn't to be run."""


class Kernels:
    """Runs notebooks for one process; its warm parent starts with the first, and ends with ``stop``."""

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
        space: Callable[[], str],
        files: str = "",
        tables: Callable[[], str] = lambda: "",
        progress: Callable[[int, int], None] = lambda _number, _of: None,
    ) -> NotebookRun:
        """Run a notebook; whatever becomes of it is in the result.

        ``space`` gives the name of the catalogs that it sees; it is asked only for a notebook that may use Spark. ``files`` is
        the folder of the dbfs and volumes that it sees; without one it has its own, which goes with the run. ``tables`` gives
        the folder where Spark puts its tables, which count for the disk that it may fill.

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
        # Short: the path of a socket in it has room for a hundred characters.
        folder = Path(tempfile.mkdtemp(prefix="nbh-"))
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
                files=files or str(folder / "files"),
            )
            course, begun = Course(), time.monotonic()
            km = manager(self._parent, sockets=str(folder), job=str(job.save()), log=str(folder / "log"))
            count = len(node.cells)
            filled = {
                "in its working folder": str(folder),
                "in dbfs and volumes": files,
                "in tables": tables() if job.space else "",
            }
            filled = {name: where for name, where in filled.items() if where}
            with Quota(filled, gigabytes=settings.run_disk_gb, end=lambda: _kill(km)) as quota:
                _finish(
                    run_cells(node, km, course=course, timeout_s=timeout_s, progress=lambda number: progress(number, count)),
                    kill=lambda: _kill(km),
                )
            took = time.monotonic() - begun
            full = quota.exceeded
            return _result(notebook, node, job, course=course, skipped=skipped, took=took, timeout_s=timeout_s, full=full)
        finally:
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


def _kill(km: Any) -> None:
    process = km.provisioner.process
    if process is not None:
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
    full: str,
) -> NotebookRun:
    """What became of a run, from what it told and how it was seen to end."""
    events = {event["event"]: event for event in told(job.folder)}
    shown = os.path.relpath(job.path, job.root).replace(os.sep, "/")
    last = max(course.began, default=None)
    ended: Outcome = "passed"
    error, exit_value, event = "", None, None
    if full:
        ended, error = "failed", full
    elif course.ended == "timed_out":
        ended, error = "timed_out", f"it was still at it after {timeout_s:g} s"
    elif course.ended.startswith("lost"):
        ended, error = "infrastructure_failed", _last_words(events, course)
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
    cells = tuple(
        _cell_run(cell, node.cells[cell.number - 1], course, skipped=cell.number in skipped, ended=ended, last=last)
        for cell in notebook.cells
    )
    return NotebookRun(
        path=shown, ended=ended, exit_value=exit_value, error=error, location=place, cells=cells, duration_s=took, executed=node
    )


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
