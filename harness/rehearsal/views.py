"""A run's notebook as Databricks exports it: an HTML page whose script holds the cells, their results and their errors."""

from __future__ import annotations

import base64
import html
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from harness.rehearsal.traces import command_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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


def page(item: Item, executed: Mapping[str, Any], *, shown: Callable[[str], str], trace: Callable[[list[str]], str]) -> str:
    """The page of an executed notebook; ``shown`` and ``trace`` tell texts and tracebacks as a workspace does."""
    name = item.path.rpartition("/")[2]
    commands = [
        _command(item, number, cell, shown=shown, trace=trace) for number, cell in enumerate(executed.get("cells", ()), 1)
    ]
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
    item: Item, number: int, cell: Mapping[str, Any], *, shown: Callable[[str], str], trace: Callable[[list[str]], str]
) -> dict[str, Any]:
    outputs = cell.get("outputs", ())
    errors = [one for one in outputs if one.get("output_type") == "error"]
    texts = [text for one in outputs if (text := _text(one))]
    command: dict[str, Any] = {
        "version": "CommandV1",
        "origId": command_id(item, number),
        "subtype": "command",
        "commandType": "auto",
        "position": float(number),
        "command": "".join(cell.get("source", "")),
        "state": "finished" if cell.get("execution_count") is not None else "input",
        "results": None,
        "errorSummary": None,
        "error": None,
    }
    if texts:
        data: list[dict[str, Any]] = [
            {"type": "ansi", "data": shown(text), "name": None, "arguments": {}, "addedWidgets": {}} for text in texts
        ]
        command["results"] = {"type": "listResults", "data": data, "arguments": {}, "addedWidgets": {}}
    if errors:
        last = errors[-1]
        summary = f'<span class="ansi-red-fg">{html.escape(last["ename"])}</span>: {html.escape(shown(last["evalue"]))}'
        command |= {"state": "error", "errorSummary": summary, "error": trace(last["traceback"])}
    return command


def _text(output: Mapping[str, Any]) -> str:
    if output.get("output_type") == "stream":
        return "".join(output.get("text", ""))
    return "".join(output.get("data", {}).get("text/plain", ""))
