"""From a notebook's cell to what a kernel does for it; nothing is run here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.model import Cell

_PYTHON_LINE = re.compile(r"[ \t]*%%?(?:python|py)\b", re.IGNORECASE)
_WHOLE = {"sql": "sql", "shell": "nbh_sh", "fs": "fs"}
NO_AWAIT = "an await outside of functions isn't served in a notebook that is %run: put it into the notebook that runs it"
_FOREIGN = {"scala": "Scala", "r": "R"}


@dataclass(frozen=True, slots=True)
class Step:
    """What to do for one cell.

    ``kind`` is "code" (``text`` is for IPython, its line k is line ``first_line + k - 1`` of the file), "nothing" (text for
    people, an empty cell), "skipped" (``%skip``), or "unsupported" (``text`` says why).
    """

    kind: str
    text: str = ""


def step_of(cell: Cell) -> Step:
    """Say what to do for a cell."""
    if cell.skipped:
        return Step("skipped")
    if cell.language == "markdown" or not cell.source.strip():
        return Step("nothing")
    if (foreign := _foreign(cell)) is not None:
        return Step("unsupported", foreign)
    if _is_beside_run(cell):
        return Step("unsupported", "a %run has to be in a cell by itself, or Databricks doesn't run it: give it one")
    if cell.language in _WHOLE and _is_magic_alone(cell):
        return Step(
            "unsupported", f"there is nothing under {cell.source.strip()}: write what it is to do, or take the cell out"
        )
    if cell.language in _WHOLE:
        return Step("code", _whole_cell(cell))
    return Step("code", _without_language(cell.source))


def _foreign(cell: Cell) -> str | None:
    """Say why the cell's language can't run here, if it can't."""
    if cell.language in _FOREIGN:
        return f"{_FOREIGN[cell.language]} can't run here"
    if cell.language == "unknown":
        return f"no rule says what this cell is written in: {cell.source.splitlines()[0][:80]}"
    if cell.doubt:
        return f"{cell.doubt}: what Databricks runs of it can't be told, so give each a cell of its own"
    return None


def _is_beside_run(cell: Cell) -> bool:
    """Whether a cell has a ``%run`` and more: https://docs.databricks.com/notebooks/notebook-workflows rules it out."""
    if not any(magic.name == "run" for magic in cell.magics):
        return False
    return sum(bool(line.strip()) and not line.lstrip().startswith("#") for line in cell.source.split("\n")) > 1


def _is_magic_alone(cell: Cell) -> bool:
    return cell.source.strip().lower() in {f"{percent}{magic.name}".lower() for magic in cell.magics for percent in ("%", "%%")}


def _whole_cell(cell: Cell) -> str:
    """One call with the cell's text, on the cell's first line."""
    source = cell.source
    if cell.magics and cell.magics[0].whole_cell:
        head, _, body = source[source.index("%") :].partition("\n")
        argument = head.lstrip("%").partition(" ")[2].strip()
        if cell.language == "shell" and head.startswith("%%"):  # IPython's own, with its own options
            return f"get_ipython().run_cell_magic({cell.magics[0].name!r}, {argument!r}, {body!r})"
        body = f"{argument}\n{body}" if argument else body
    else:
        body = source
    return f"get_ipython().run_cell_magic({_WHOLE[cell.language]!r}, '', {body!r})"


def _without_language(source: str) -> str:
    """Python of this notebook's: ``%python`` on its first line says nothing more; the line stays, for those below it count."""
    lines = source.split("\n")
    for index, line in enumerate(lines):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = _PYTHON_LINE.match(line)
        if found is not None:
            lines[index] = line[found.end() :].strip()
        break
    return "\n".join(lines)
