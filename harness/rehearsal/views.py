"""A run's notebook as Databricks exports it: an HTML page whose script holds the cells, their results and their errors."""

from __future__ import annotations

import base64
import html
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from harness.rehearsal.results import printed, results_of, sizes_of
from harness.rehearsal.traces import command_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.rehearsal.runner import Ran
    from harness.rehearsal.tree import Item

_PAGE = """<!DOCTYPE html>
<html>
<head>
<meta charset="utf-8">
<title>{title} - Databricks</title>
<script>window.settings = {{"enableNotebookExport": true}};</script>
<script>var __DATABRICKS_NOTEBOOK_MODEL = '{model}'</script>
</head>
<body></body>
</html>
"""


def page(item: Item, ran: Ran, *, began_ms: int, shown: Callable[[str], str], trace: Callable[[list[str]], str]) -> str:
    """The page of an executed notebook; ``shown`` and ``trace`` tell texts and tracebacks as a workspace does."""
    name = item.path.rpartition("/")[2]
    told = {int(one["number"]): one for one in ran.facts.get("cells", ())}
    commands = []
    for number, cell in enumerate(ran.executed.get("cells", ()), 1):
        facts = told.get(number, {})
        command = _command(item, number, cell, facts, began_ms=began_ms, shown=shown)
        commands.append(command | _end(cell, facts, ran, shown=shown, trace=trace))
        began_ms += int(float(facts.get("duration_s") or 0) * 1000)
    model = {
        "version": "NotebookV1",
        "origId": item.id,
        "name": name,
        "language": item.language.lower(),
        "commands": commands,
    }
    packed = base64.b64encode(quote(json.dumps(model), safe="").encode()).decode()
    return _PAGE.format(title=html.escape(name), model=packed)


def _command(
    item: Item,
    number: int,
    cell: Mapping[str, Any],
    facts: Mapping[str, Any],
    *,
    began_ms: int,
    shown: Callable[[str], str],
) -> dict[str, Any]:
    text = "".join(cell.get("source", ""))
    is_markdown = cell.get("cell_type") == "markdown"
    has_run = cell.get("execution_count") is not None and not is_markdown
    results = results_of(cell.get("outputs", ()), shown=shown) if has_run else None
    return {
        "version": "CommandV1",
        "origId": command_id(item, number),
        "subtype": "command",
        "commandType": "auto",
        "position": float(number),
        "command": f"%md\n{text}" if is_markdown else text,
        "state": "finished",
        "results": results,
        "resultDbfsStatus": "INLINED_IN_TREE",
        "resultDbfsErrorMessage": None,
        "errorSummary": None,
        "errorTraceType": None,
        "error": None,
        "startTime": began_ms if has_run else 0,
        "finishTime": began_ms + int(float(facts.get("duration_s") or 0) * 1000) if has_run else 0,
        "metadata": {"rowLimit": 10000, "byteLimit": 2048000},
        "listResultMetadata": sizes_of(results) if results is not None else None,
    }


def _end(
    cell: Mapping[str, Any],
    facts: Mapping[str, Any],
    ran: Ran,
    *,
    shown: Callable[[str], str],
    trace: Callable[[list[str]], str],
) -> dict[str, Any]:
    """What of a command tells how it ended."""
    errors = [one for one in cell.get("outputs", ()) if one.get("output_type") == "error"]
    if facts.get("outcome") == "exited":
        # The exit value stands in place of all that the cell had shown before.
        left = results_of((), shown=shown)
        left["data"].append(printed(f"Notebook exited: {ran.facts.get('exit_value') or ''}\n"))
        return {"results": left, "listResultMetadata": sizes_of(left)}
    if errors:
        last = errors[-1]
        summary = f'<span class="ansi-red-fg">{html.escape(last["ename"])}</span>: {html.escape(shown(last["evalue"]))}'
        return {"state": "error", "errorSummary": summary, "errorTraceType": "ansi", "error": trace(last["traceback"])}
    if facts.get("outcome") in {"failed", "unsupported"}:  # the one that was on when the run was ended
        return {"state": "error", "errorSummary": "Cancelled"}
    if facts.get("outcome") != "not_run" or cell.get("cell_type") == "markdown":
        return {}
    if ran.outcome == "exited":
        return {"state": "input"}
    return {"state": "error", "errorSummary": "Command skipped" if ran.outcome == "failed" else "Cancelled"}
