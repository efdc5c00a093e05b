"""What a cell shows, in the forms in which Databricks keeps it in a notebook.

They are those of public exports; ``tests/data/exports`` holds them and says more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

TABLE = "application/vnd.databricks.v1+output"
"""Under this name a displayed table's metadata hold its columns and rows."""

_COMMON: dict[str, Any] = {"arguments": {}, "addedWidgets": {}, "removedWidgets": [], "datasetInfos": [], "metadata": {}}
_OF_TABLE: dict[str, Any] = {
    "aggData": [],
    "aggSchema": [],
    "aggOverflow": False,
    "aggSeriesLimitReached": False,
    "aggError": "",
    "aggType": "",
    "plotOptions": None,
    "isJsonSchema": True,
    "dbfsResultPath": None,
    "columnCustomDisplayInfos": {},
}


def results_of(outputs: Iterable[Mapping[str, Any]], *, shown: Callable[[str], str]) -> dict[str, Any]:
    """All that a cell shows, but for its error; ``shown`` tells texts as a workspace does."""
    found = [_result(output, shown) for output in outputs if output.get("output_type") != "error"]
    return {"type": "listResults", "data": found, **_COMMON, "metadata": {"isDbfsCommandResult": False}}


def sizes_of(results: Mapping[str, Any]) -> list[list[Any]]:
    """For each result its kind, and how many rows or characters it has."""
    return [[one["type"], None if one["type"] == "mimeBundle" else len(one["data"])] for one in results["data"]]


def printed(text: str, name: str | None = "stdout") -> dict[str, Any]:
    """A text."""
    return {"type": "ansi", "data": text, "name": name, **_COMMON}


def _result(output: Mapping[str, Any], shown: Callable[[str], str]) -> dict[str, Any]:
    if output["output_type"] == "stream":
        return printed(shown("".join(output.get("text", ""))), output.get("name"))
    held = (output.get("metadata") or {}).get(TABLE)
    if held is not None:
        return {**held, "data": _without_paths(held["data"], shown), **_OF_TABLE, **_COMMON}
    data = {kind: _without_paths(_whole(kind, value), shown) for kind, value in (output.get("data") or {}).items()}
    if set(data) == {"text/html", "text/plain"} and data["text/plain"].startswith("<IPython.core.display.HTML"):
        return {"type": "htmlSandbox", "data": data["text/html"], "textData": None, **_COMMON}
    count = {"executionCount": output["execution_count"]} if output["output_type"] == "execute_result" else {}
    return {"type": "mimeBundle", "data": data, **count, **_COMMON}


def _whole(kind: str, value: Any) -> Any:
    """A text in one piece: a file has it line by line."""
    return "".join(value) if isinstance(value, list) and not kind.endswith("json") else value


def _without_paths(value: Any, shown: Callable[[str], str]) -> Any:
    """The same without paths of this machine."""
    match value:
        case str():
            return shown(value)
        case list():
            return [_without_paths(one, shown) for one in value]
        case dict():
            return {key: _without_paths(one, shown) for key, one in value.items()}
    return value
