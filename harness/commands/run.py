"""``nbh run``: one notebook, run whole here, cell by cell before one's eyes."""

from __future__ import annotations

import json
import os
import signal
import tempfile
import threading
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from harness.commands.project import project_of, root_of
from harness.errors import SettingsError
from harness.model import GREEN, CellRun
from harness.notebook.discover import is_notebook
from harness.runtime import kept_files
from harness.runtime.files import prepare
from harness.runtime.surroundings import Surroundings
from harness.settings import LOCAL_USER

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping, Sequence

    from rich.console import Console

    from harness.execute.progress import Progress
    from harness.jobs.entries import Found
    from harness.model import NotebookRun
    from harness.spark.choose import Session

_NAMED = 10
"""So many of a run's tables, and of its files, are named for people."""

_SHOWN = 2_000
"""So many letters of an exit value are shown to people; ``--json`` has all."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks for: ``outputs`` are files for the executed notebook, by their suffix .ipynb or .html.

    ``arguments`` make of it a Python script, None is that it is a notebook. With an ``entry_point`` it is the name of a
    package, whose entry point is called with these arguments.

    ``space`` names catalogs that another process holds on the warm engine, and ``files`` is the folder of its dbfs and volumes;
    without them the run has its own, which go with it. ``user`` is who runs it, and ``principal`` one to whom only what was
    granted there is open. Runs that name the same folder as ``kernels`` share the work of getting warm. ``task_key`` is that of
    the task that it is in a job, ``task_values`` those that it finds, by task.
    """

    notebook: str
    widgets: Mapping[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] | None = None
    entry_point: str = ""
    timeout_s: float | None = 600.0
    skip_cells: tuple[int | str, ...] = ()
    outputs: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    as_json: bool = False
    space: str = ""
    files: str = ""
    user: str = LOCAL_USER
    principal: str = ""
    kernels: str = ""
    task_key: str = ""
    task_values: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def read_values(path: str) -> dict[str, dict[str, Any]]:
    """Read task values from a file: JSON, by task and key.

    Raises:
        SettingsError: It isn't that.
    """
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise SettingsError(f"--task-values {path} can't be read", cause=str(exc), mend="write JSON there") from exc
    if not isinstance(found, dict) or not all(isinstance(held, dict) for held in found.values()):
        raise SettingsError(
            f"--task-values {path} has another shape",
            cause=f"it begins with {str(found)[:80]}",
            mend='write {"task": {"key": value}}',
        )
    return found


def parameters(given: Sequence[str]) -> dict[str, str]:
    """Read ``name=value`` texts.

    Raises:
        SettingsError: One has no equals sign or no name, or a name is given twice.
    """
    found: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise SettingsError(
                f"-p {text} gives no value", cause="a parameter is NAME=VALUE", mend=f"write -p {name or 'name'}=…"
            )
        if name in found:
            raise SettingsError(f'"{name}" is given twice', cause=f'as "{found[name]}" and "{value}"', mend="leave one out")
        found[name] = value
    return found


def arguments(options: argparse.Namespace) -> tuple[str, ...] | None:
    """What a script is given, or an entry point, None for a notebook.

    Raises:
        SettingsError: A notebook is given arguments, or another what only notebooks have; it is said to be both others; or
            a notebook is said to be a script.
    """
    if options.script and options.entry_point:
        raise SettingsError(
            "--script and --entry-point are given", cause="one names a file, the other a package", mend="leave one out"
        )
    if not options.script and not options.entry_point:
        if options.argument:
            raise SettingsError(
                "--argument is given to a notebook", cause="a notebook has widgets", mend="write -p name=value, or --script too"
            )
        return None
    if options.parameters or options.skip_cell:
        raise SettingsError(
            f"{'-p' if options.parameters else '--skip-cell'} is given to {'a script' if options.script else 'an entry point'}",
            cause="it has neither widgets nor cells",
            mend="write --argument=TEXT",
        )
    # A workspace can hold such a file as a plain one; whose catalogs these are knows which it is.
    if options.script and not options.space and is_notebook(options.notebook):
        raise SettingsError(
            f"--script is given for a notebook: {options.notebook}",
            cause="to Python its %run, its SQL and all its other magics are comments: nothing of them would be run",
            mend="leave --script out",
        )
    return tuple(options.argument)


def check_outputs(paths: Sequence[str]) -> tuple[str, ...]:
    """Look whether a run can be written to these files, before it is run.

    Raises:
        SettingsError: The suffix is neither .ipynb nor .html, or the folder isn't there.
    """
    for path in paths:
        if Path(path).suffix.lower() not in {".ipynb", ".html"}:
            raise SettingsError(
                f"--output {path} has no known format",
                cause="it ends in neither .ipynb nor .html",
                mend="write --output run.ipynb",
            )
        if not Path(path).absolute().parent.is_dir():
            raise SettingsError(f"--output {path} can't be written", cause="there is no such folder", mend="make the folder")
    return tuple(paths)


def run_once(wanted: Wanted, *, current: str, out: IO[str], tell: Callable[[str], None]) -> NotebookRun:
    """Run the notebook; its outputs are shown as they come, and how it ended at the end (as JSON: that alone).

    Raises:
        HarnessError: It can't be read, or what it needs of this machine isn't there.
    """
    from harness.execute.start import kernels

    path = os.path.normpath(os.path.join(current, wanted.notebook))
    root = root_of([current if wanted.entry_point else path], current=current)
    found = _entry(wanted, path, root=root, current=current)
    roots = project_of(root if found is not None else path, root).roots
    # Spark is told of the folder with the run's first session, and all that the notebook runs has to see the same.
    files = wanted.files or os.path.realpath(tempfile.mkdtemp(prefix=f"nbh-files-{os.getpid()}-"))
    own_files = "" if wanted.files else files
    prepare(files)
    spark = _Spark(lambda: _open(wanted, root, roots, tell, files=files))
    screen = _Screen(wanted, out)
    runner = kernels(root=root, roots=roots, shared=wanted.kernels, files=own_files)
    is_workspaces = wanted.user != LOCAL_USER or bool(wanted.principal)
    around = Surroundings(user=wanted.principal or wanted.user, is_workspaces=is_workspaces)
    around.tasks.give(wanted.task_values)
    before = signal.signal(signal.SIGTERM, _interrupt)  # what ends a job in CI
    try:
        run = runner.run(
            path if found is None else found.path,
            widgets=wanted.widgets,
            arguments=wanted.arguments,
            entry=found.entry if found is not None else None,
            wheels=found.wheels if found is not None else (),
            timeout_s=wanted.timeout_s,
            skip_cells=wanted.skip_cells,
            session=spark.session,
            watch=screen.show,
            may_cancel=True,
            allow=wanted.allow,
            files=files,
            around=around,
            task_key=wanted.task_key,
        )
    finally:
        signal.signal(signal.SIGTERM, before)
        screen.clear()
        runner.stop()
        if spark.stop():
            _end_engine(root)
        if own_files:
            kept_files.remove(own_files)
    task = wanted.task_key or Path(path).stem
    screen.finish(run, around.redactor.data(around.tasks.of(task)))
    for output in wanted.outputs:
        write_output(run, output)
        if not wanted.as_json:
            tell(f"written to {output}")
    return run


def _entry(wanted: Wanted, path: str, *, root: str, current: str) -> Found | None:
    """The package's entry point that is to be called, None where a file is to be run: a notebook has to know its widgets."""
    if wanted.entry_point:
        from harness.jobs.entries import entry_here

        return entry_here(wanted.notebook, wanted.entry_point, folder=current)
    if wanted.widgets and not (wanted.space or wanted.task_key):  # a job gives its tasks more than they ask for
        from harness.extract.misspelt import check_names

        check_names(path, wanted.widgets, root=root)
    return None


class _Spark:
    """The run's session, opened when it is first asked for."""

    def __init__(self, open_it: Callable[[], Session]) -> None:
        self._open_it = open_it
        self._opened: Session | None = None
        self._lock = threading.Lock()  # what the notebook runs asks too, in threads, and has to find the notebook's own tables

    def session(self) -> Any:
        with self._lock:
            if self._opened is None:
                self._opened = self._open_it()
        return self._opened

    def stop(self) -> bool:
        """Stop it; says whether there was one."""
        if self._opened is not None:
            self._opened.stop()
        return self._opened is not None


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _open(wanted: Wanted, root: str, roots: Sequence[str], tell: Callable[[str], None], *, files: str) -> Session:
    from harness.settings import settings_for
    from harness.spark import choose
    from harness.spark.conf import whose

    settings = settings_for(os.path.join(root, "x"))
    return choose.open_session(
        "connect",
        settings,
        roots=[Path(one) for one in roots],
        progress=tell,
        run_pid=os.getpid(),
        files=files,
        space=wanted.space,
        whose=whose(wanted.user, principal=wanted.principal),
    )


def _end_engine(root: str) -> None:
    from harness.settings import settings_for
    from harness.spark.choose import end_own_engine

    end_own_engine(settings_for(os.path.join(root, "x")), run_pid=os.getpid())


class _Screen:
    """Shows cells as they end, and on a terminal the one that is on."""

    def __init__(self, wanted: Wanted, out: IO[str]) -> None:
        from rich.console import Console

        self._wanted = wanted
        self._out = out
        self._console = Console(file=out, soft_wrap=True, highlight=False, markup=False, emoji=False)
        self._shown = 0
        self._status: Any = None
        on_screen = Console(stderr=True, highlight=False)
        if not wanted.as_json and on_screen.is_terminal:
            self._status = on_screen.status("starting")

    def show(self, progress: Progress) -> None:
        """Show what has ended since the last look."""
        if self._wanted.as_json:
            return
        for number in sorted(progress.ended):
            if number > self._shown:
                self._clear()
                self._cell(number, progress.cells[number - 1].get("outputs", ()), progress.ended[number])
        if self._status is not None:
            at = f"cell {progress.number} of {progress.of}" if progress.number else "starting"
            self._status.update(f"{at}, {progress.elapsed_s:.0f} s")
            self._status.start()

    def _cell(self, number: int, outputs: Sequence[Mapping[str, Any]], took: float) -> None:
        self._shown = number
        text = CellRun(number, "", "", tuple(dict(one) for one in outputs)).text
        errors = ["\n".join(one["traceback"]) for one in outputs if one["output_type"] == "error"]
        if text or errors:
            self._console.print(f"cell {number}, {took:.1f} s", style="dim")
            for part in filter(None, [text.rstrip("\n"), *errors]):
                self._console.print(part)

    def _clear(self) -> None:
        if self._status is not None:
            self._status.stop()

    clear = _clear

    def finish(self, run: NotebookRun, task_values: Mapping[str, Any]) -> None:
        """Show the rest, and how it ended."""
        if self._wanted.as_json:
            json.dump({**facts(run), "task_values": task_values}, self._out, ensure_ascii=False)
            self._out.write("\n")
            return
        for cell in run.cells:
            if cell.number > self._shown and cell.outcome != "not_run":
                self._cell(cell.number, cell.outputs, cell.duration_s)
        _conclude(run, self._console)


def _conclude(run: NotebookRun, console: Console) -> None:
    from harness.execute.hints import hint_of, in_short

    style = "bold green" if run.ended in GREEN else "bold red"
    console.print(f"{run.path} {_verdict(run)}", style=style)
    outcomes = [cell.outcome for cell in run.cells]
    counted = ", ".join(f"{outcomes.count(name)} {name.replace('_', ' ')}" for name in dict.fromkeys(outcomes))
    lines = {
        "error": in_short(run.error),
        "hint": hint_of(run.error),
        "cells": counted,
        "tables": _few(run.tables),
        "files": _few(run.files),
    }
    for what, text in lines.items():
        if text:
            console.print(f"  {what + ':':7} {text}")


def _few(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more, which --json names" if more > 0 else "")


def _verdict(run: NotebookRun) -> str:
    from harness.execute.job import clipped

    how = run.summary.removesuffix(f": {run.error}")
    value = f" with {clipped(repr(run.exit_value), _SHOWN)}" if run.exit_value is not None else ""
    return f"{how}{value}, after {run.duration_s:.1f} s"


def facts(run: NotebookRun) -> dict[str, Any]:
    """What became of a run, as plain data for other programs."""
    place = run.location
    return {
        "path": run.path,
        "outcome": run.ended,
        "passed": run.ended in GREEN,
        "exit_value": run.exit_value,
        "error": run.error,
        "location": {"path": place.path, "line": place.line, "cell": place.cell, "cell_line": place.cell_line}
        if place
        else None,
        "duration_s": round(run.duration_s, 3),
        "tables": list(run.tables),
        "files": list(run.files),
        "left_out": list(run.left_out),
        "cells": [
            {"number": cell.number, "language": cell.language, "outcome": cell.outcome, "duration_s": round(cell.duration_s, 3)}
            for cell in run.cells
        ],
    }


def write_output(run: NotebookRun, path: str) -> None:
    """Write the executed notebook as .ipynb, or as one HTML file that needs no network."""
    import nbformat

    node = nbformat.from_dict(run.executed)  # type: ignore[no-untyped-call]  # nbformat's
    if path.lower().endswith(".ipynb"):
        Path(path).write_text(nbformat.writes(node) + "\n", encoding="utf-8")  # type: ignore[no-untyped-call]  # as above
        return
    from nbconvert import HTMLExporter
    from nbformat.v4 import new_markdown_cell

    from harness.notebook.ipynb import CELL_KEY

    def heading(text: str) -> Any:
        return new_markdown_cell(text)  # type: ignore[no-untyped-call]  # nbformat's

    cells = [heading(f"**{run.path}**: {_verdict(run)}")]
    for cell in node.cells:
        if title := cell.metadata.get(CELL_KEY, {}).get("title"):  # Jupyter's pages know no titles
            cells.append(heading(f"<div><strong>{escape(title)}</strong></div>"))
        cells.append(cell)
    node.cells = cells

    # Both of these would be fetched from the network when the page is opened.
    exporter = HTMLExporter(mathjax_url="", require_js_url="", jquery_url="")
    body, _ = exporter.from_notebook_node(node, resources={"metadata": {"name": run.path}})
    Path(path).write_text(body, encoding="utf-8")


def exit_code(run: NotebookRun) -> int:
    """0 green, 1 the notebook's own fault, 3 what couldn't be found out, 130 interrupted."""
    if run.ended in GREEN:
        return 0
    return {"failed": 1, "timed_out": 1, "cancelled": 130}.get(run.ended, 3)
