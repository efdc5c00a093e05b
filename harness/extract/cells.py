"""One cell as a unit: found by title or number, run on given names, giving back the names it made."""

from __future__ import annotations

import ast
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from harness.errors import CellNotFoundError, CellRunError, UnknownValueError
from harness.extract.awaits import awaits
from harness.extract.names import all_names
from harness.extract.scan import parse
from harness.model import Cell, Location, Notebook

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.extract.scan import Parsed
    from harness.extract.units import Units

_DOES = frozenset(("!", "run", "sql", "fs", "sh", "cd", "env", "set_env", "time", "timeit", "prun"))
"""Magics that do something beside or around a cell's Python; others, as %pip and %matplotlib, are about what is around it."""

# Tracebacks in pytest show the user's lines, not these.
__tracebackhide__ = True


class CellNames:
    """The names a cell made, as attributes and as items: ``made.customers``, ``made["customers"]``."""

    def __init__(self, names: dict[str, Any], where: str) -> None:
        self._names = names
        self._where = where

    def __getattr__(self, name: str) -> Any:
        try:
            return self._names[name]
        except KeyError:
            near = get_close_matches(name, self._names, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise AttributeError(
                f"{self._where} made no name {name!r}{hint}; it made: {', '.join(sorted(self._names)) or 'none'}"
            ) from None

    def __getitem__(self, name: str) -> Any:
        return self.__getattr__(name)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Any:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return f"<names made by {self._where}: {', '.join(sorted(self._names)) or 'none'}>"


class CellUnit:
    """A Python cell that a test can run by itself."""

    def __init__(self, units: Units, cell: Cell) -> None:
        self._units = units
        self.number = cell.number
        self.title = cell.title
        self.source = cell.source
        self._cell = cell

    def __repr__(self) -> str:
        title = f" {self.title!r}" if self.title else ""
        return f"<cell {self.number}{title} of {self._units.loader.show(self._units.path)}>"

    def execute(self, **names: Any) -> CellNames:
        """Run the cell's statements, all of them, on the names given; other names are the notebook's own units.

        Gives the names the cell bound. The cell's ``spark``, ``dbutils`` and ``display`` are the test's; nothing it binds stays
        behind in the notebook.

        Raises:
            CellRunError: The cell isn't Python, or holds what isn't: it would be passed over. Or it holds nothing to run.
            CellSyntaxError: It isn't valid Python.
            UnknownValueError: A name was given that the cell doesn't use.
        """
        from harness.extract.build import as_error

        units, cell = self._units, self._cell
        where = units.loader.shown(Location(units.path, cell.first_line if units.source.exact_lines else None, cell.number))
        notebook = _only(read(units), cell)
        parsed, problems = parse(notebook)
        if problems:
            raise as_error(problems[0])
        if cell.language != "python":
            raise CellRunError(
                f"a {cell.language} cell can't be run by itself",
                cause=f"cell {cell.number} is written in {cell.language}",
                mend="choose a Python cell",
                location=where,
            )
        why = why_not(cell, parsed, units.path)
        if why:
            mend = "run the notebook whole by run_notebook, or give what is to be tested a cell of its own"
            raise CellRunError("the cell can't be run by itself", cause=why, mend=mend, location=where)
        codes = [units.source.compile(item.node) for item in parsed if not isinstance(item.node, str)]
        used = {name for code in codes for name in all_names(code)}
        for name in names:
            if name not in used:
                near = get_close_matches(name, used, n=1)
                raise UnknownValueError(
                    f"the cell doesn't use the name {name!r}",
                    cause=f"it uses: {', '.join(sorted(used))}" if used else "it uses no name",
                    mend=f"did you mean {near[0]!r}?" if near else "leave the name out",
                    location=where,
                )
        namespace = _CellNamespace(units, names, before=_position(units, cell.number))
        for code in codes:
            exec(code, namespace)
        made = {name: value for name, value in namespace.items() if not name.startswith("__") and namespace.is_new(name, value)}
        return CellNames(made, str(where))


def why_not(cell: Cell, parsed: Sequence[Parsed], path: str) -> str:
    """Why what a cell does can't be done here, or is nothing; "" where it can."""
    if cell.skipped:
        return "%skip leaves it out"
    for magic in cell.magics:
        if magic.name in _DOES and not magic.whole_cell:
            line = f"{'' if magic.name == '!' else '%'}{magic.name} {magic.argument}".rstrip()
            return f"it has {line} on line {magic.line}, and only its Python would be run"
    nodes = [item.node for item in parsed if isinstance(item.node, ast.stmt)]
    if not nodes:
        return "there is nothing in it to run"
    may_await = "await" in cell.source or "async" in cell.source  # to compile is not for nothing
    return "it has an await outside of functions" if may_await and awaits(ast.Module(nodes, []), path) else ""


class _CellNamespace(dict[str, Any]):
    """A cell's globals: what the test gave, then what the notebook has where the cell stands."""

    def __init__(self, units: Units, given: dict[str, Any], *, before: int) -> None:
        super().__init__({key: value for key, value in dict.items(units.namespace) if key.startswith("__")})
        self["__annotations__"] = {}
        self.update(given)
        self.units = units
        self.before = before
        self.looked_up: dict[str, Any] = dict(given)

    def __missing__(self, name: str) -> Any:
        values = self.units.values
        if values.outline.binder(name, self.before) is None and values.outline.is_definition(name):
            value = self.units.namespace[name]  # a function of a later cell: in a notebook that was run before, it is there
        else:
            value = values.at(name, self.before)
        self.looked_up[name] = value
        return value

    def is_new(self, name: str, value: Any) -> bool:
        return name not in self.looked_up or self.looked_up[name] is not value


def find_cell(units: Units, key: str | int) -> CellUnit:
    """Find a cell by its title or its number (from 1, markdown cells too).

    Raises:
        CellNotFoundError: None fits, or more than one has the title.
    """
    return CellUnit(units, pick(read(units).cells, key, Location(units.loader.show(units.path))))


def pick(cells: Sequence[Cell], key: str | int, where: Location) -> Cell:
    """Find the cell of a notebook, which is at ``where``, by its title or its number.

    Raises:
        CellNotFoundError: None fits, or more than one has the title.
    """
    if isinstance(key, int):
        fitting = [cell for cell in cells if cell.number == key]
        if not fitting:
            raise CellNotFoundError(
                f"there is no cell {key}",
                cause=f"the notebook has {len(cells)} cells",
                mend="use a number from 1 on, or a title",
                location=where,
            )
    else:
        fitting = [cell for cell in cells if cell.title == key]
        if not fitting:
            folded = {cell.title.casefold().strip(): cell.title for cell in cells if cell.title}
            near = [folded[m] for m in get_close_matches(key.casefold().strip(), folded, n=2, cutoff=0.5)]
            titles = ", ".join(repr(cell.title) for cell in cells if cell.title)
            raise CellNotFoundError(
                f"no cell has the title {key!r}",
                cause=f"the titles are: {titles}" if titles else "no cell of the notebook has a title",
                mend=f"did you mean {near[0]!r}?" if near else "give the cell a title in the notebook, or use its number",
                location=where,
            )
        if len(fitting) > 1:
            raise CellNotFoundError(
                f"{len(fitting)} cells have the title {key!r}",
                cause=f"they are cells {', '.join(str(cell.number) for cell in fitting)}",
                mend="use the number, or give each a title of its own",
                location=where,
            )
    return fitting[0]


def read(units: Units) -> Notebook:
    """Read the notebook's cells again."""
    from harness.notebook import read_notebook

    units.source.parsed()  # refuses a file that changed since it was loaded
    return read_notebook(units.path)


def _only(notebook: Notebook, cell: Cell) -> Notebook:
    from dataclasses import replace

    return replace(notebook, cells=(cell,))


def _position(units: Units, cell: int) -> int:
    """Give the index of the first statement that stands in a cell or after it."""
    for index, entry in enumerate(units.entries):
        if entry.source is units.source and entry.row.cell >= cell and entry.row.number >= 0:
            return index
    return len(units.entries)
