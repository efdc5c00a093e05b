"""The plain facts that travel through the harness: frozen, without input or output."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeVar

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

_Ended = TypeVar("_Ended", bound=str)

Outcome = Literal["passed", "failed", "exited", "timed_out", "cancelled", "unsupported", "infrastructure_failed"]
"""How a notebook's run ended: `failed` is the notebook's own error, `exited` its ``dbutils.notebook.exit``, `unsupported` a
cell that can't run there, and `infrastructure_failed` what is nobody's error in it: its process or Spark was lost."""

GREEN = frozenset({"passed", "exited"})

NOTHING_RUN = "all its cells with code are left out, by skip_cells or %skip"
"""Why a run in which nothing could fail isn't green; it is `unsupported`."""

TABLE = "application/vnd.databricks.v1+output"
"""Under this name a displayed table's metadata hold its columns and rows, as in Databricks' own .ipynb files."""


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


_COMMENTS = {"sql": "--", "scala": "//"}


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
    ``skipped`` is true where the cell begins with ``%skip``. ``doubt`` is a clause where a cell holds lines of two languages,
    so that nobody can tell which of them Databricks runs.
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
    doubt: str = ""

    @property
    def has_code(self) -> bool:
        """Whether there is anything in it to run: comments alone are nothing, and neither is the magic above them."""
        comment = _COMMENTS.get(self.language, "#")
        heads = {f"%{magic.name}" for magic in self.magics if magic.whole_cell}
        lines = (line.strip() for line in self.source.splitlines())
        return self.language != "markdown" and any(
            line and line not in heads and not line.startswith(comment) for line in lines
        )


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

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing in it to run."""
        return not any(cell.has_code for cell in self.cells)

    def left_out(self, named: Collection[int] = ()) -> tuple[int, ...]:
        """The cells with code that a run leaves out: by ``%skip``, or because they are named."""
        return tuple(cell.number for cell in self.cells if cell.has_code and (cell.skipped or cell.number in named))

    def is_left_out(self, named: Collection[int] = ()) -> bool:
        """Whether a run leaves out all that there is to run."""
        return not self.is_empty and len(self.left_out(named)) == sum(cell.has_code for cell in self.cells)


@dataclass(frozen=True, slots=True)
class CellRun:
    """What one cell of a run did.

    ``number`` and ``language`` are the cell's. ``outcome`` is "passed", "failed", "exited", "unsupported", "skipped" (named so
    by the test, or by ``%skip``), "not_run", or "unknown" (on a workspace that says something else). ``outputs`` are as in a
    Jupyter notebook: dictionaries with ``output_type``. Of a run on a workspace a look at outputs that it doesn't tell, or not
    whole, is an error.
    """

    number: int
    language: str
    outcome: str
    outputs: Sequence[dict[str, Any]] = ()
    duration_s: float = 0.0

    @property
    def text(self) -> str:
        """All that the cell showed as text: what it printed, and the text form of what it displayed."""
        parts = [
            str(output.get("text", "") if output["output_type"] == "stream" else output.get("data", {}).get("text/plain", ""))
            for output in self.outputs
        ]
        return "".join(part if part.endswith("\n") or not part else f"{part}\n" for part in parts)


class Judged(Generic[_Ended]):
    """What ended in some way that a test has to look at: ``ended`` is how, and ``outcome`` is that with a look noted."""

    __slots__ = ()

    ended: _Ended
    _read: list[bool]

    @property
    def outcome(self) -> _Ended:
        """How it ended; a test that doesn't look at a red one fails."""
        self._read.append(True)
        return self.ended

    @property
    def passed(self) -> bool:
        """Whether it passed, or exited by ``dbutils.notebook.exit``; to read it is to look at the outcome."""
        return self.outcome in GREEN

    @property
    def is_read(self) -> bool:
        """Whether somebody has looked at how it ended."""
        return bool(self._read)


def in_words(ended: str) -> str:
    """How something ended, for people."""
    return {"infrastructure_failed": "was lost", "unsupported": "holds what can't run here"}.get(ended, ended.replace("_", " "))


@dataclass(frozen=True, slots=True, repr=False)
class NotebookRun(Judged[Outcome]):
    """One notebook run whole: here or on a workspace, the result is the same.

    ``path`` is the notebook's, relative to the root. ``exit_value`` is what ``dbutils.notebook.exit`` was given, None if it
    wasn't called. ``error`` says what ended a red run, ``location`` where, as far as that is known. ``executed`` is the
    notebook with its outputs, as nbformat's dictionary. ``tables`` are the full names of those (and of views) that were made
    or changed while it ran, as far as that is known; ``files`` those that it wrote: in its copy of the project, in dbfs, in
    volumes. ``children`` are the runs of the notebooks that it ran by ``dbutils.notebook.run``, in the order in which they
    ended. ``left_out`` are the numbers of the cells with code that weren't run because the test or ``%skip`` says so, and
    ``is_empty`` says that there is no code in it. Of a run on a workspace ``cells`` are asked for when somebody looks,
    ``executed`` is empty, and a look at ``tables``, ``files`` or ``children`` is an error, for nobody knows them.
    """

    path: str
    ended: Outcome
    exit_value: str | None = None
    error: str = ""
    location: Location | None = None
    cells: Sequence[CellRun] = ()
    duration_s: float = 0.0
    tables: Sequence[str] = ()
    files: Sequence[str] = ()
    executed: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    children: Sequence[NotebookRun] = ()
    left_out: Sequence[int] = ()
    is_empty: bool = False
    _read: list[bool] = field(default_factory=list, repr=False, compare=False)

    def __repr__(self) -> str:
        """Short: pytest shows it where `assert run.passed` fails."""
        return f"<{self.path} {self.summary}>"

    @property
    def is_unread_red(self) -> bool:
        """Whether the run is red and nobody has looked at its outcome."""
        return self.ended not in GREEN and not self.is_read

    def exit_json(self) -> Any:
        """Give the exit value read as JSON.

        Raises:
            ValueError: There is no exit value, or it is no JSON; the message says which, and how the run ended.
        """
        if self.exit_value is None:
            raise ValueError(f"{self.path} gave no exit value: it {self.summary}")
        try:
            return json.loads(self.exit_value)
        except json.JSONDecodeError as exc:
            raise ValueError(f"{self.path} exited with what is no JSON: {self.exit_value[:200]!r} ({exc})") from exc

    @property
    def summary(self) -> str:
        """One clause for people: how it ended, where and by what; and of a green one what of it wasn't run."""
        count = len(self.left_out) if self.ended in GREEN else 0
        aside = f" ({count} {'cell' if count == 1 else 'cells'} left out)" if count else ""
        if self.ended == "passed" and self.is_empty:
            aside = " (there is no code in it)"
        at = f" at {self.location}" if self.location is not None else ""
        why = f": {self.error}" if self.error else ""
        how = "was not run" if self.error == NOTHING_RUN else in_words(self.ended)
        return f"{how}{aside}{at}{why}"


@dataclass(frozen=True, slots=True)
class PytestRun:
    """Tests that a notebook's cell ran.

    ``counts`` has how many there are of each kind. ``failures`` are a test's id (or a file's, that can't be read) and the
    first line of its error. ``exit_code`` is pytest's own.
    """

    KINDS: ClassVar[tuple[str, ...]] = (
        *("failed", "error", "passed", "skipped", "xfailed", "xpassed"),
        *("deselected", "not run"),
    )

    exit_code: int
    counts: dict[str, int] = field(default_factory=dict)
    failures: tuple[tuple[str, str], ...] = ()
    duration_s: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether tests passed, none failed, and none of those that were to be run is left."""
        passed = self.counts.get("passed", 0) + self.counts.get("xpassed", 0)
        return self.exit_code == 0 and not self.failures and passed > 0 and not self.counts.get("not run")

    @property
    def summary(self) -> str:
        """The numbers, in one line."""
        return ", ".join(f"{count} {kind}" for kind, count in self.counts.items()) or "no test"

    def __repr__(self) -> str:
        return f"<tests: {self.summary} in {self.duration_s:.1f} s>"
