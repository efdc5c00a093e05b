"""What a command of an exported notebook shows, as the outputs of a Jupyter notebook: the same form as of a run here.

The forms are those of public exports of Databricks' own, see ``tests/data/exports``. What isn't one of them is never left out:
then what the cell put out isn't known, and a look at it says so.
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any

from harness.model import TABLE
from harness.remote.errors import LeftUnknownError
from harness.remote.later import unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_INLINE = "INLINED_IN_TREE"
_LISTS = frozenset({"listResults", "images"})
_TAGS = re.compile(r"</?(?:div|span|code|pre|br)\b[^>]*>")
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_NAME = re.compile(r"([A-Za-z_][\w.$]*): ")
_IMAGE = re.compile(r"data:(image/[\w.+-]+);base64,(.*)", re.DOTALL)
_HELD_BACK = ("Command skipped", "Cancelled")


def is_held_back(command: Mapping[str, Any]) -> bool:
    """Whether a command in the state "error" has none of its own: one before it failed, or the run was ended."""
    return str(command.get("errorSummary") or "").startswith(_HELD_BACK)


def outputs_of(command: Mapping[str, Any]) -> Sequence[dict[str, Any]]:
    """The outputs of a command; where they can't be told, a look at them raises why."""
    try:
        return tuple(_outputs(command))
    except LeftUnknownError as error:
        return unknown(error)


def text_of(command: Mapping[str, Any]) -> str:
    """What a command printed, as far as it can be told."""
    try:
        return "".join(str(output["text"]) for output in _outputs(command) if output["output_type"] == "stream")
    except LeftUnknownError:
        return ""


def _outputs(command: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    state, where = command.get("state"), command.get("resultDbfsStatus") or _INLINE
    if state not in {"finished", "error", "input"}:
        raise _lost(f"the workspace says of the cell that it is {state!r}")
    if where != _INLINE or command.get("resultDbfsErrorMessage"):
        raise _lost(f"the workspace keeps it elsewhere: {where} {command.get('resultDbfsErrorMessage') or ''}".rstrip())
    items = list(_items(command.get("results")))
    for item, told in zip(items, command.get("listResultMetadata") or (), strict=False):
        _check_whole(item, told)
    for item in items:
        yield from _read(item)
    if state == "error" and not is_held_back(command):
        yield _error(command.get("errorSummary"), command.get("error"))


def _items(results: Any) -> Iterator[dict[str, Any]]:
    if results is None:
        return
    if not isinstance(results, dict):
        raise _lost(f"an output is a {type(results).__name__}")
    if results.get("type") not in _LISTS:
        yield results
        return
    if not isinstance(results.get("data"), list):
        raise _lost("a list of outputs is none")
    for item in results["data"]:
        yield from _items(item)


def _check_whole(item: Mapping[str, Any], told: Any) -> None:
    """Raise if an output is shorter than the export itself says: rows of a table, characters of a text."""
    size = told[1] if isinstance(told, list) and len(told) == 2 and told[0] == item.get("type") else None  # noqa: PLR2004 - a pair
    data = item.get("data")
    # Java counts a character beyond the first 65,536 as two.
    given = len(data.encode("utf-16-le", "surrogatepass")) // 2 if isinstance(data, str) else len(data) if data else 0
    if isinstance(size, int) and given < size:
        raise _lost(f"the workspace gave {given:,} of {size:,} rows or characters")


def _read(item: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    kind, data = item.get("type"), item.get("data")
    match kind, data:
        case "ansi" | "text" | "raw", str():
            yield from _printed(data, str(item.get("name") or "stdout"))
        case "html", str() if data.startswith('<div class="ansiout">'):
            yield from _printed(_untagged(data), "stdout")
        case "html" | "htmlSandbox", str():
            yield _shown({"text/html": data, "text/plain": item.get("textData") or "<IPython.core.display.HTML object>"})
        case "image", str() if found := _IMAGE.fullmatch(data):
            yield _shown({found[1]: found[2]})
        case "mimeBundle", dict():
            count = item.get("executionCount")
            result = {"output_type": "execute_result", "execution_count": count} if isinstance(count, int) else {}
            yield {**_shown(dict(data)), **result}
        case "table", list():
            yield _table(item, data)
        case "ipynbError", _:
            yield _error(item.get("errorSummary"), data)
        case _:
            raise _lost(f"it is of a form that isn't known: {kind} of {type(data).__name__}")


def _printed(text: str, name: str) -> Iterator[dict[str, Any]]:
    if text:
        yield {"output_type": "stream", "name": "stderr" if name == "stderr" else "stdout", "text": text}


def _shown(data: dict[str, Any]) -> dict[str, Any]:
    return {"output_type": "display_data", "data": data, "metadata": {}}


def _table(item: Mapping[str, Any], rows: list[Any]) -> dict[str, Any]:
    schema = item.get("schema")
    if not isinstance(schema, list) or not all(isinstance(column, dict) and "name" in column for column in schema):
        raise _lost("a table has no columns")
    if not all(isinstance(row, list) and len(row) == len(schema) for row in rows):
        raise _lost("a table's rows don't fit its columns")
    import pandas as pd

    frame = pd.DataFrame(rows, columns=[str(column["name"]) for column in schema])
    kept = {"type": "table", "schema": schema, "data": rows, "overflow": bool(item.get("overflow"))}
    # pandas makes both texts here, too.
    return {**_shown({"text/plain": repr(frame), "text/html": frame._repr_html_()}), "metadata": {TABLE: kept}}


def _error(summary: Any, trace: Any) -> dict[str, Any]:
    text = _ANSI.sub("", _untagged(str(summary or ""))).strip()
    named = _NAME.match(text)
    lines = _untagged(str(trace or "")).splitlines()
    name, value = (named[1], text[named.end() :]) if named else ("Error", text)
    return {"output_type": "error", "ename": name, "evalue": value, "traceback": lines}


def _untagged(text: str) -> str:
    """A text that is written as HTML, without it; any other as it is."""
    return html.unescape(_TAGS.sub("", text)) if text.startswith("<") else text


def _lost(cause: str) -> LeftUnknownError:
    return LeftUnknownError("what a cell of the run put out isn't known", cause=cause, mend="see the run's page")
