"""What there is to test: the units of notebooks, what each needs, and which tests name it. Nothing is executed."""

from __future__ import annotations

import keyword
import os
from dataclasses import asdict, dataclass
from types import CodeType
from typing import TYPE_CHECKING, Any

from harness.extract.build import Extract
from harness.extract.load import Loader
from harness.extract.need import Outline
from harness.extract.run import Entry, flatten
from harness.extract.kinds import DEFERRED, HELD, INJECTED, KEPT
from harness.extract.names import names_read
from harness.model import Location, Problem
from harness.notebook import read_notebook

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.errors import HarnessError
    from harness.extract.mentions import TestNames
    from harness.model import Notebook


@dataclass(frozen=True, slots=True)
class Unit:
    """A function, class or cell that a test can use.

    ``needs`` is empty for one that needs nothing, else "spark", "dbutils", "widget", "display", "computed NAME (cell n): why" and
    "unresolved NAME". ``importable`` says whether ``from … import`` reaches it, ``reason`` why not. ``tests`` are ids of tests that
    name it.
    """

    name: str
    kind: str
    cell: int
    line: int | None
    needs: tuple[str, ...]
    importable: bool
    reason: str
    tests: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Listed:
    """One notebook in the list; ``cells`` counts all its cells."""

    path: str
    format: str
    language: str
    cells: int
    units: tuple[Unit, ...]
    problems: tuple[Problem, ...]

    def as_json(self) -> dict[str, Any]:
        """Give plain data for ``nbh list --json``."""
        return asdict(self)


def definitions(source: Extract) -> list[tuple[str, str, int, int, int]]:
    """Give a notebook's own functions and classes: (name, kind, cell, line, index of its row); the last of a name counts."""
    found: dict[str, tuple[str, str, int, int, int]] = {}
    for index, row in enumerate(source.rows):
        if row.kind not in {KEPT, DEFERRED} or row.number < 0:
            continue
        if row.what in {"def", "class"}:
            kind = "class" if row.what == "class" else "function"
            found[row.binds[0]] = (row.binds[0], kind, row.cell, row.line, index)
        elif row.code is not None and row.what in {"group", "other"}:
            for code in row.code.co_consts:
                if isinstance(code, CodeType) and code.co_name in (*row.binds, *row.changes):
                    kind = "function" if code.co_flags & 0x01 else "class"
                    found[code.co_name] = (code.co_name, kind, row.cell, code.co_firstlineno, index)
    return sorted(found.values(), key=lambda unit: unit[3])


def list_notebook(path: str, loader: Loader, *, tests: TestNames | None = None) -> Listed:
    """List one notebook's units.

    Raises:
        HarnessError: The notebook can't be read.
    """
    notebook = read_notebook(path)
    source = loader.extract(path)
    shown = loader.show(path)
    entries, problems = flatten(source, read=loader.extract, find=loader.find)
    outline = Outline(entries)
    own = {id(entry.row): index for index, entry in enumerate(entries) if entry.source is source}
    importable, reason = _importable(path, notebook)
    units = []
    for name, kind, cell, line, at in definitions(source):
        index = own[id(source.rows[at])]
        needs = outline.needs(_code(outline, index, name))
        units.append(
            Unit(
                name,
                kind,
                cell,
                line if source.exact_lines else None,
                _in_words(needs, entries),
                importable,
                reason,
                tests.of(path, name) if tests is not None else (),
            )
        )
    units.extend(_cells(path, notebook, source, outline, own, tests))
    units.sort(key=lambda unit: (unit.cell, unit.line or 0, unit.kind == "cell"))
    return Listed(
        shown,
        notebook.format,
        notebook.language,
        len(notebook.cells),
        tuple(units),
        tuple(Problem(p.code, p.what, loader.shown(p.location), p.cause, p.mend) for p in problems),
    )


def _code(outline: Outline, index: int, name: str) -> CodeType:
    code = outline.code(index)
    if outline.entries[index].row.what in {"group", "other"}:
        return next(c for c in code.co_consts if isinstance(c, CodeType) and c.co_name == name)
    return code


def _cells(
    path: str, notebook: Notebook, source: Extract, outline: Outline, own: dict[int, int], tests: TestNames | None
) -> Iterator[Unit]:
    by_cell: dict[int, list[int]] = {}
    for row in source.rows:
        if row.kind == HELD:
            by_cell.setdefault(row.cell, []).append(own[id(row)])
    for cell in notebook.cells:
        indexes = by_cell.get(cell.number)
        if not indexes:
            continue
        first = min(i for i in indexes)
        needs: dict[str, None] = {}
        bound: set[str] = set()
        for index in indexes:
            entry = outline.entries[index]
            try:
                now, _later = names_read(source.compile(source.node(entry.row)))
            except (SyntaxError, ValueError, RecursionError):
                continue
            for name in sorted(now - bound):
                needs.update(dict.fromkeys(_cell_needs(outline, name, first)))
            bound.update(entry.row.binds)
        yield Unit(
            cell.title or f"cell {cell.number}",
            "cell",
            cell.number,
            cell.first_line if notebook.exact_lines else None,
            tuple(sorted(needs)),
            importable=False,
            reason="a cell is used by load_notebook(…).cell(…)",
            tests=tests.of(path, cell.title or cell.number) if tests is not None else (),
        )


def _cell_needs(outline: Outline, name: str, before: int) -> Iterator[str]:
    if name in INJECTED:
        yield {"sc": "spark", "sqlContext": "spark", "sql": "spark", "table": "spark", "udf": "spark", "getArgument": "dbutils"}.get(name, name)
        return
    at = outline.binder(name, before)
    if at is None:
        return
    entry = outline.entries[at]
    if entry.row.kind == HELD:
        verdict = outline.verdict(at)
        if verdict.reason:
            yield f"computed {name} (cell {entry.row.cell}): {verdict.reason}"
        yield from verdict.needs


def _in_words(needs: Any, entries: Sequence[Entry]) -> tuple[str, ...]:
    computed = [f"computed {name} (cell {entries[at].row.cell}): {why}" for name, at, why in needs.computed]
    return (*sorted(needs.given), *computed, *(f"unresolved {name}" for name in needs.unresolved))


def _importable(path: str, notebook: Notebook) -> tuple[bool, str]:
    stem, suffix = os.path.splitext(os.path.basename(path))
    if suffix not in {".py", ".ipynb"}:
        return False, f"Python can't import a {suffix} file: use load_notebook"
    if suffix == ".ipynb" and os.path.isfile(path[: -len(suffix)] + ".py"):
        return False, f"{stem}.py lies beside it and is imported instead: use load_notebook"
    if not stem.isidentifier() or keyword.iskeyword(stem):
        return False, f"{stem!r} is no Python name: use load_notebook"
    return True, ""


def read_error(path: str, error: HarnessError, loader: Loader) -> Listed:
    """Give the list's row for a notebook that can't be read."""
    location = error.location or Location(path)
    problem = Problem(error.code, error.what, loader.shown(location), error.cause, error.mend)
    suffix = os.path.splitext(path)[1].lstrip(".")
    return Listed(loader.show(path), "dbc" if suffix == "dbc" else "ipynb" if suffix == "ipynb" else "source", "unknown", 0, (), (problem,))


