"""The plain facts that travel through the harness: frozen, without input or output."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a notebook.

    ``line`` is the file's own line, counted from 1 (for ``.ipynb`` the line of the JSON text), or None where the file has no
    such line (minified JSON). ``cell`` counts from 1 as on the notebook's screen, markdown cells too; ``cell_line`` is the
    line inside that cell.
    """

    path: str
    line: int | None = None
    cell: int | None = None
    cell_line: int | None = None

    def __str__(self) -> str:
        at = f"{self.path}:{self.line}" if self.line is not None else self.path
        if self.cell is None:
            return at
        inside = f", line {self.cell_line}" if self.cell_line is not None else ""
        return f"{at} (cell {self.cell}{inside})"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong that costs only itself: a broken cell, a missing ``%run`` target."""

    code: str
    what: str
    location: Location
    cause: str = ""
    mend: str = ""


@dataclass(frozen=True, slots=True)
class Magic:
    """One magic line, recognised and never run: ``%run ./setup $catalog=dev`` on line ``line`` of the file.

    ``name`` has no percent sign ("run"); for a shell line ``!ls`` it is "!". ``argument`` is the rest of the line, with
    continued lines (a trailing backslash) joined by a blank. ``whole_cell`` is true for ``%%name`` and for a magic that sets
    the cell's language or takes the whole cell as its text.
    """

    name: str
    argument: str
    line: int
    whole_cell: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a notebook.

    ``number`` counts from 1, markdown cells too. ``language`` is what the cell is written in: "python", "sql", "scala", "r",
    "markdown", "shell", "fs", "pip", "run", or "unknown" where no rule applies (then ``Notebook.problems`` says so).
    ``source`` is the text as the notebook editor shows it: without the ``# MAGIC`` prefixes, with the magic line itself.
    ``first_line`` to ``last_line`` are the lines of the file that hold that text, both included; line ``k`` (from 1) of
    ``source`` stands on line ``first_line + k - 1``. ``start`` and ``end`` bound the cell's bytes in ``Notebook.raw``.
    ``skipped`` is true where the cell begins with ``%skip``.
    """

    number: int
    language: str
    source: str
    first_line: int
    last_line: int
    start: int
    end: int
    title: str | None = None
    magics: tuple[Magic, ...] = ()
    skipped: bool = False


@dataclass(frozen=True, slots=True)
class Notebook:
    """A notebook as it was read: its cells, and the bytes to write it back.

    ``format`` is "source" (``.py .sql .scala .r``), "ipynb" or "dbc". ``language`` is the default language of its cells.
    ``exact_lines`` is false where the file has no line of its own for each source line (JSON on one line): lines are then
    counted through the cells, and only cell and line in the cell are shown to users.
    ``dependencies`` are the packages that a ``# /// script`` header or the notebook's metadata names.
    """

    path: Path
    format: str
    language: str
    cells: tuple[Cell, ...]
    raw: bytes = field(repr=False)
    exact_lines: bool = True
    problems: tuple[Problem, ...] = ()
    dependencies: tuple[str, ...] = ()

    def to_bytes(self) -> bytes:
        """Give the file's content: byte for byte what was read, but for cells replaced since."""
        return self.raw

    def with_path(self, path: Path) -> Notebook:
        """Give the same notebook under another path."""
        return replace(self, path=path)
