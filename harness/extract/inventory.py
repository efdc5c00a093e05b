"""What there is to test: the units of notebooks, what each needs, and which tests name it. Nothing is executed."""

from __future__ import annotations

import ast
import keyword
import os
import sys
from dataclasses import asdict, dataclass
from types import CodeType
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.extract.build import Extract, build
from harness.extract.cells import why_not
from harness.extract.imported import imported_notebooks
from harness.extract.kinds import DEFERRED, FIXTURE_FIRST, HELD, INJECTED, KEPT, RUN, SQLDF
from harness.extract.names import names_read
from harness.extract.need import Outline
from harness.extract.run import Entry, flatten
from harness.extract.scan import parse
from harness.extract.top_settings import SPARK, TopSetting, top_settings
from harness.extract.widget_names import dbutils_use
from harness.model import Location, Problem
from harness.notebook import read_archive, read_notebook

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from harness.errors import HarnessError
    from harness.extract.load import Loader
    from harness.extract.mentions import TestNames
    from harness.extract.need import Needs
    from harness.model import Notebook

_CELL = "a cell has no name to import: use load_notebook(…).cell(…)"
_ARCHIVED = "archives are only read: export the notebook as source"


@dataclass(frozen=True, slots=True)
class Unit:
    """A function, class or cell that a test can use.

    ``needs`` is empty for one that needs nothing, else holds "spark", "dbutils", "widget", "display", "displayHTML",
    "computed NAME (cell n): why", "settings of NAME (cell n)" and "unresolved NAME". ``importable`` says whether
    ``from … import`` reaches it, ``reason`` why not. ``tests`` are ids of tests that name it.
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


def list_notebook(path: str, loader: Loader, *, tests: TestNames | None = None, roots: Sequence[str] | None = None) -> Listed:
    """List one notebook's units; ``roots`` are the folders that imports count from, by default the loader's root.

    Raises:
        HarnessError: The notebook can't be read.
    """
    notebook = read_notebook(path)
    source = loader.extract(path)
    entries, problems = flatten(source, read=loader.extract, find=loader.find, why=loader.why_missing)
    roots = (loader.root,) if roots is None else roots
    problems.extend(imported_notebooks(entries, roots))
    _module, reason = import_name(path, roots)
    return _listed(notebook, source, entries, problems, loader, reason=reason, tests=tests)


def list_archive(path: str, loader: Loader) -> list[Listed]:
    """List the notebooks of a .dbc archive, which are only read: no test can name them.

    Raises:
        HarnessError: The archive can't be read.
    """
    notebooks = {str(notebook.path): notebook for notebook in read_archive(path)}
    by_stem = {os.path.splitext(name)[0]: name for name in notebooks}
    extracts: dict[str, Extract] = {}

    def read(name: str) -> Extract:
        if name not in extracts:
            extracts[name] = build(notebooks[name])
            extracts[name].keep(parse(notebooks[name])[0])
        return extracts[name]

    def find(target: str, beside: str) -> str | None:
        return by_stem.get(os.path.normpath(os.path.join(os.path.dirname(beside), target)))

    def why(_target: str, beside: str) -> tuple[str, str]:
        return (
            f"the archive has no notebook of that path, seen from {beside}",
            "correct the path, or export the folder that holds it",
        )

    found = []
    for name, notebook in notebooks.items():
        entries, problems = flatten(read(name), read=read, find=find, why=why)
        found.append(_listed(notebook, read(name), entries, problems, loader, reason=_ARCHIVED, tests=None))
    return found


def _listed(
    notebook: Notebook,
    source: Extract,
    entries: list[Entry],
    problems: list[Problem],
    loader: Loader,
    *,
    reason: str,
    tests: TestNames | None,
) -> Listed:
    outline = Outline(entries)
    around = _Around(
        top_settings(outline, source), [cell.number for cell in notebook.cells if cell.language == "sql" and not cell.skipped]
    )
    own = {id(entry.row): index for index, entry in enumerate(entries) if entry.source is source}
    units = []
    for name, kind, cell, line, at in definitions(source):
        index = own[id(source.rows[at])]
        units.append(
            Unit(
                name,
                kind,
                cell,
                line if source.exact_lines else None,
                _unit_needs(outline, index, name, around),
                not reason,
                reason,
                tests.of(source.path, name) if tests is not None else (),
            )
        )
    units.extend(_cells(notebook, source, outline, own, around=around, tests=tests, archived=reason == _ARCHIVED))
    units.sort(key=lambda unit: (unit.cell, unit.line or 0, unit.kind == "cell"))
    return Listed(
        loader.show(source.path),
        notebook.format,
        notebook.language,
        len(notebook.cells),
        tuple(units),
        tuple(dict.fromkeys(Problem(p.code, p.what, loader.shown(p.location), p.cause, p.mend) for p in problems)),
    )


class _Around(NamedTuple):
    """What a notebook does at its top level that isn't done for a unit: the settings that it makes, and its cells of SQL."""

    settings: list[TopSetting]
    sql: list[int]

    def told(self, needs: Iterable[str], reads: Collection[str], *, index: int, cell: int) -> Iterator[str]:
        """Give the needs, with the SQL cell before that gives ``_sqldf``, and the settings made before of what is read."""
        last = max((number for number in self.sql if number < cell), default=None)
        for need in needs:
            is_of_sql = last is not None and need == f"unresolved {SQLDF}"
            yield f"computed {SQLDF} (cell {last}): is SQL, which a unit test doesn't run" if is_of_sql else need
        for setting in self.settings:
            if setting.at < index and (setting.whose in needs if setting.whose == SPARK else setting.whose in reads):
                yield f"settings of {setting.whose} ({setting.place})"


def _unit_needs(outline: Outline, index: int, name: str, around: _Around) -> tuple[str, ...]:
    entry = outline.entries[index]
    code = outline.code(index)
    if entry.row.what in {"group", "other"}:
        code = next(c for c in code.co_consts if isinstance(c, CodeType) and c.co_name == name)
    needs = outline.needs(code)
    # It is called at the state that the notebook ends in.
    found = set(around.told(set(_in_words(needs, outline.entries)), needs.reads, index=len(outline.entries), cell=sys.maxsize))
    return _ordered(
        _only_widgets(found, outline, [(entry.source, outline.definition(entry, name) or entry.source.node(entry.row))])
    )


def _only_widgets(needs: set[str], outline: Outline, nodes: Iterable[tuple[Extract, ast.stmt]]) -> set[str]:
    """Say "widget" where all that is asked of dbutils is a widget's value."""
    if "dbutils" in needs:
        use = dbutils_use(outline, nodes)
        if use.uses_widgets:
            return (needs if use.more else needs - {"dbutils"}) | {"widget"}
    return needs


def _ordered(needs: Iterable[str]) -> tuple[str, ...]:
    first = ("spark", "dbutils", "widget", "display", "displayHTML")
    return tuple(sorted(needs, key=lambda need: (first.index(need) if need in first else len(first), need)))


def _cells(
    notebook: Notebook,
    source: Extract,
    outline: Outline,
    own: dict[int, int],
    *,
    around: _Around,
    tests: TestNames | None,
    archived: bool,
) -> Iterator[Unit]:
    by_cell: dict[int, list[int]] = {}
    for row in source.rows:
        if row.kind != RUN:
            by_cell.setdefault(row.cell, []).append(own[id(row)])
    for cell in notebook.cells:
        indexes = by_cell.get(cell.number, [])
        if not any(outline.entries[index].row.kind == HELD for index in indexes):
            continue
        if why_not(cell, [item for item in source.parsed() if item.cell == cell.number], source.path):
            continue
        names: tuple[str | int, ...] = (cell.title, cell.number) if cell.title else (cell.number,)
        yield Unit(
            cell.title or f"cell {cell.number}",
            "cell",
            cell.number,
            cell.first_line if source.exact_lines else None,
            _cell_needs(outline, indexes, around, cell.number),
            importable=False,
            reason=_ARCHIVED if archived else _CELL,
            tests=tests.of(source.path, *names) if tests is not None else (),
        )


def _cell_needs(outline: Outline, indexes: list[int], around: _Around, cell: int) -> tuple[str, ...]:
    found: set[str] = set()
    names = names_from_outside(outline, indexes)
    for name in names:
        found.update(name_needs(outline, name, indexes[0]))
    found = set(around.told(found, names, index=indexes[0], cell=cell))
    held = [outline.entries[index] for index in indexes if outline.entries[index].row.kind == HELD]
    return _ordered(_only_widgets(found, outline, [(entry.source, entry.source.node(entry.row)) for entry in held]))


def names_from_outside(outline: Outline, indexes: Sequence[int]) -> list[str]:
    """Give the names that a cell's statements read and the cell itself doesn't bind before, sorted.

    ``indexes`` are the cell's entries in their order.
    """
    found: set[str] = set()
    bound: set[str] = set()
    for index in indexes:
        entry = outline.entries[index]
        if entry.row.kind != HELD:
            if entry.row.what == "constant" and entry.row.code is not None:  # it may be made of other values
                found |= names_read(entry.row.code)[0] - bound
            bound.update(entry.row.binds)
            continue
        node = entry.source.node(entry.row)
        try:
            now, later = names_read(entry.source.compile(node))
        except (SyntaxError, ValueError, RecursionError):
            continue
        own = {part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}
        own |= {part.name for part in ast.walk(node) if isinstance(part, ast.ExceptHandler) and part.name}
        # A name that the statement itself binds is no need, unless it had a value before the cell.
        found.update(name for name in (now | later) - bound if name not in own or outline.binder(name, indexes[0]) is not None)
        bound.update(entry.row.binds, entry.row.changes)
    return sorted(found)


def name_needs(outline: Outline, name: str, before: int, seen: set[tuple[str, int]] | None = None) -> Iterator[str]:
    """What a name needs that a cell reads: its value is the one that the notebook has before the cell."""
    at = outline.binder(name, before)
    seen = set() if seen is None else seen
    if name not in FIXTURE_FIRST and at is not None and outline.entries[at].row.kind == KEPT:
        row = outline.entries[at].row
        if row.what == "constant" and row.code is not None:  # what later cells make of the name is no concern of this one
            for read in names_read(row.code)[0]:
                yield from name_needs(outline, read, at, seen)
            return
    if name in FIXTURE_FIRST or at is None or outline.entries[at].row.kind != HELD:
        yield from _in_words(outline.needs(compile(name, "<name>", "eval")), outline.entries)
        return
    if (name, at) in seen:
        return
    seen.add((name, at))
    verdict = outline.verdict(at)
    if verdict.logger:
        return
    yield from verdict.needs
    if verdict.reason:
        yield f"computed {name} (cell {outline.entries[at].row.cell}): {verdict.reason}"
        return
    row = outline.entries[at].row
    # What the statement asks of the test itself, its verdict told.
    for read in (names_read(outline.running(at))[0] | set(row.changes)) - set(row.binds) - INJECTED:
        if read not in row.changes or outline.binder(read, at) is not None:
            yield from name_needs(outline, read, at, seen)


def _in_words(needs: Needs, entries: Sequence[Entry]) -> Iterator[str]:
    yield from needs.given
    for name, at, why in needs.computed:
        yield f"computed {name} (cell {entries[at].row.cell}): {why}"
    for name in needs.unresolved:
        yield f"unresolved {name}"


def import_name(path: str, roots: Sequence[str]) -> tuple[str, str]:
    """Give the name that ``import`` reaches a notebook by from the roots, or why it can't."""
    stem, suffix = os.path.splitext(os.path.basename(path))
    if suffix not in {".py", ".ipynb"}:
        return "", f"Python can't import a {suffix} file: use load_notebook"
    base = path[: -len(suffix)]
    if suffix == ".ipynb" and os.path.isfile(base + ".py"):
        return "", f"{stem}.py lies beside it and is imported instead: use load_notebook"
    if os.path.isfile(os.path.join(base, "__init__.py")) or (suffix == ".ipynb" and os.path.isdir(base)):
        return "", f"the folder {stem} lies beside it and is imported instead: use load_notebook"
    below = [root for root in roots if path.startswith(root.rstrip(os.sep) + os.sep)]
    if not below:
        return "", "it lies outside the folders that imports count from: use load_notebook"
    parts = os.path.relpath(base, max(below, key=len)).split(os.sep)
    for part in parts:
        if not part.isidentifier() or keyword.iskeyword(part):
            return "", f"{part!r} is no Python name: use load_notebook"
    if parts[0] in sys.stdlib_module_names:
        return "", f"Python has a module {parts[0]!r} of its own: use load_notebook"
    return ".".join(parts), ""


def read_error(path: str, error: HarnessError, loader: Loader) -> Listed:
    """Give the list's row for a notebook that can't be read."""
    location = error.location or Location(path)
    problem = Problem(error.code, error.what, loader.shown(location), error.cause, error.mend)
    suffix = os.path.splitext(path)[1].lower().lstrip(".")
    return Listed(loader.show(path), suffix if suffix in {"dbc", "ipynb"} else "source", "unknown", 0, (), (problem,))
