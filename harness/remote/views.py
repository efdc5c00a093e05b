"""Read a run as the workspace exports it: what became of each cell, and which is the one that failed."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from harness.model import CellRun
from harness.remote.errors import LeftUnknownError
from harness.remote.outputs import is_held_back, outputs_of, text_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.model import Cell, Notebook

_MODEL = re.compile(r"__DATABRICKS_NOTEBOOK_MODEL\s*=\s*['\"]([A-Za-z0-9+/=\s]+)['\"]")
_MARKDOWN = re.compile(r"%md(-sandbox)?\b[ \t]*")


def failed_cell(page: str, notebook: Notebook) -> int | None:
    """The number of the cell that a page of an executed notebook shows as failed; None if that isn't sure."""
    commands = _commands(page)
    failed = [at for at, command in enumerate(commands) if command.get("state") == "error" and not is_held_back(command)]
    if not failed:
        return None
    at = failed[-1]
    text = _plain(str(commands[at].get("command") or ""))
    cells = notebook.cells
    if len(cells) == len(commands) and _plain(cells[at].source) == text:
        return cells[at].number
    fitting = [cell.number for cell in cells if _plain(cell.source) == text]
    return fitting[0] if len(fitting) == 1 else None


def cells_of(page: str, notebook: Notebook, *, exit_value: str | None = None) -> tuple[CellRun, ...]:
    """What became of each cell, as a page of an executed notebook tells it.

    Raises:
        LeftUnknownError: The page can't be read, or its cells aren't the notebook's.
    """
    commands = _commands(page)
    if not commands:
        raise LeftUnknownError(
            "the cells of the run aren't known",
            cause="the workspace gave " + ("a page that holds no notebook" if page.strip() else "no page of it"),
            mend="see the run's page",
        )
    told = _side_by_side(notebook, commands)
    found: list[CellRun] = []
    for cell in notebook.cells:
        has_come = all(one.outcome in {"passed", "skipped"} for one in found)
        found.append(_cell_run(cell, told.get(cell.number), exit_value, has_come=has_come))
    return tuple(found)


def _cell_run(cell: Cell, command: Mapping[str, Any] | None, exit_value: str | None, *, has_come: bool) -> CellRun:
    """What became of a cell; of one without anything to run, whether the run has come to it, as of a run here."""
    if cell.skipped:
        return CellRun(cell.number, cell.language, "skipped")
    if command is None or cell.language == "markdown":
        return CellRun(cell.number, cell.language, "passed" if has_come else "not_run")
    began, ended = (float(command.get(key) or 0) for key in ("startTime", "finishTime"))
    took = (ended - began) / 1000 if 0 < began < ended else 0.0
    return CellRun(cell.number, cell.language, _outcome(command, exit_value), outputs_of(command), took)


def _outcome(command: Mapping[str, Any], exit_value: str | None) -> str:
    match command.get("state"):
        case "finished":  # what it says of errors then is of a run before this one
            has_exited = exit_value is not None and f"Notebook exited: {exit_value}" in text_of(command)
            return "exited" if has_exited else "passed"
        case "error":
            has_begun = command.get("errorSummary") == "Cancelled" and bool(command.get("startTime"))
            return "failed" if has_begun or not is_held_back(command) else "not_run"
        case "input":
            return "not_run"
    return "unknown"


def _side_by_side(notebook: Notebook, commands: Sequence[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """The page's command for each cell; of cells without a text there may be none."""
    told = commands
    cells = notebook.cells
    if len(cells) != len(commands):
        told = [command for command in commands if _plain(str(command.get("command") or ""))]
        cells = tuple(cell for cell in cells if _plain(cell.source))
    same = [_is_of(command, cell) for command, cell in zip(told, cells, strict=False)]
    if len(told) != len(cells) or not all(same):
        raise LeftUnknownError(
            "the cells of the run aren't known",
            cause=f"its page shows {len(commands)} cells, and not the {len(notebook.cells)} of {notebook.path.name}",
            mend="see the run's page",
        )
    return {cell.number: command for command, cell in zip(told, cells, strict=True)}


def _is_of(command: Mapping[str, Any], cell: Cell) -> bool:
    shown, text = _plain(str(command.get("command") or "")), _plain(cell.source)
    if cell.language == "markdown":  # which of a Jupyter notebook has no magic line in the file
        return _plain(_MARKDOWN.sub("", shown, count=1)) == _plain(_MARKDOWN.sub("", text, count=1))
    return shown == text


def _commands(page: str) -> list[dict[str, Any]]:
    found = _MODEL.search(page)
    if found is None:
        return []
    try:
        model = json.loads(unquote(base64.b64decode(found[1]).decode()))
        commands = sorted(model["commands"], key=lambda command: float(command["position"]))
    except (ValueError, KeyError, TypeError):
        return []
    # A script is what %run brings along: no cell of this notebook.
    return [command for command in commands if command.get("subtype") != "script"]


def _plain(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())
