"""Read a run as the workspace exports it: which cell is the one that failed, where no traceback tells."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

if TYPE_CHECKING:
    from harness.model import Notebook

_MODEL = re.compile(r"__DATABRICKS_NOTEBOOK_MODEL\s*=\s*['\"]([A-Za-z0-9+/=\s]+)['\"]")


def failed_cell(page: str, notebook: Notebook) -> int | None:
    """The number of the cell that a page of an executed notebook shows as failed; None if that isn't sure."""
    commands = _commands(page)
    failed = [at for at, command in enumerate(commands) if str(command.get("state")) == "error"]
    if not failed:
        return None
    at = failed[-1]
    text = _plain(str(commands[at].get("command") or ""))
    cells = notebook.cells
    if len(cells) == len(commands) and _plain(cells[at].source) == text:
        return cells[at].number
    fitting = [cell.number for cell in cells if _plain(cell.source) == text]
    return fitting[0] if len(fitting) == 1 else None


def _commands(page: str) -> list[dict[str, Any]]:
    found = _MODEL.search(page)
    if found is None:
        return []
    try:
        model = json.loads(unquote(base64.b64decode(found[1]).decode()))
        return sorted(model["commands"], key=lambda command: float(command["position"]))
    except (ValueError, KeyError, TypeError):
        return []


def _plain(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())
