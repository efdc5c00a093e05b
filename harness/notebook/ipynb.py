"""Jupyter notebooks: JSON to cells at the lines of the file, and a changed cell back into the JSON text."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import CellLanguageError, CellWriteError, NotANotebookError, NotebookReadError
from harness.model import Cell, Location, Notebook, Problem
from harness.notebook.magics import Reading, read_magics, unreadable
from harness.notebook.source import broken_cell, language_problem

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator

_BOM = "\ufeff"
_NOTEBOOK_KEY = "application/vnd.databricks.v1+notebook"
CELL_KEY = "application/vnd.databricks.v1+cell"
"""Where a cell's metadata have what Databricks adds to Jupyter's: its title."""
_LANGUAGES = {"python", "sql", "scala", "r"}
_WHITESPACE = re.compile(r"[ \t\n\r]*")
_SOURCE_KEY = re.compile(r"(?P<newline>\r\n|\n|\r)(?P<indent>[ \t]+)\"source\"[ \t]*:[ \t]*\Z")
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class _Found:
    """One cell of the JSON text: what it holds, and where its ``source`` value stands in the text (None: nowhere)."""

    values: dict[str, Any]
    span: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class _Source:
    r"""A cell's text with ``\n`` line ends, its lines in the file, and whether each line has a line of its own there."""

    text: str
    line: int
    last: int
    doubt: str = ""
    exact: bool = True


def parse_ipynb(raw: bytes, path: str | os.PathLike[str]) -> Notebook:
    """Read the JSON of a Jupyter notebook into cells, each line at its line of the file where it has one.

    ``exact_lines`` speaks of the code: a markdown cell written otherwise doesn't cost the other cells their lines.

    Raises:
        NotebookReadError: The bytes are not UTF-8 JSON.
        NotANotebookError: The JSON is no notebook.
    """
    path = Path(path)
    text = _decoded(raw, path)
    try:
        document, found = _walk(text)
    except json.JSONDecodeError as exc:
        raise _not_json(path, f"{exc.msg} (line {exc.lineno}, column {exc.colno})", exc.lineno) from exc
    except RecursionError as exc:
        raise _not_json(path, "it is nested too deeply", None) from exc
    except ValueError as exc:
        raise _not_json(path, str(exc), None) from exc
    if found is None:
        if isinstance(document.get("worksheets"), list):
            document, found = _upgraded(text, path)
        else:
            raise NotANotebookError(
                "the file is not a Jupyter notebook",
                cause="its JSON has no list of cells",
                mend="check what the file is; a notebook's JSON is an object with the list 'cells'",
                location=Location(path.as_posix()),
            )
    return _build(raw, text, path, document, found)


def _decoded(raw: bytes, path: Path) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as exc:
        line = raw.count(b"\n", 0, exc.start) + 1
        raise NotebookReadError(
            "the notebook is not UTF-8 text",
            cause=f"byte 0x{raw[exc.start]:02x} at offset {exc.start} (line {line}): {exc.reason}",
            mend="save the file as UTF-8, which is what Jupyter notebooks are",
            location=Location(path.as_posix(), line),
        ) from exc


def _not_json(path: Path, cause: str, line: int | None) -> NotebookReadError:
    return NotebookReadError(
        "the notebook is not valid JSON",
        cause=cause[:1].lower() + cause[1:],
        mend="mend the JSON, or take the last version that opens; a merge may have left its marks in it",
        location=Location(path.as_posix(), line),
    )


# The text is walked by hand only where a cell's source can be; the C scanner takes each other value as a whole. So the
# outputs, nearly all of a large file, cost what json.loads costs, and are dropped at once.


def _walk(text: str) -> tuple[dict[str, Any], list[_Found] | None]:
    """Give the notebook's own values, and its cells, or None where there is no list of cells."""
    cells: list[_Found] | None = None

    def take(key: str, start: int) -> tuple[Any, int]:
        nonlocal cells
        if key == "cells" and text.startswith("[", start):
            cells = []
            return None, _list(text, start, lambda at: _walk_cell(text, at, cells))
        return _DECODER.raw_decode(text, start)

    start = _blank(text, 1 if text.startswith(_BOM) else 0)
    document: dict[str, Any] = {}
    if text.startswith("{", start):
        document, end = _object(text, start, take)
    else:
        _, end = _DECODER.raw_decode(text, start)
    end = _blank(text, end)
    if end != len(text):
        raise json.JSONDecodeError("Extra data", text, end)
    return document, cells


def _walk_cell(text: str, start: int, cells: list[_Found] | None) -> int:
    span: tuple[int, int] | None = None

    def take(key: str, at: int) -> tuple[Any, int]:
        nonlocal span
        value, end = _DECODER.raw_decode(text, at)
        if key == "source":
            span = at, end
        elif key not in ("cell_type", "metadata"):
            value = None
        return value, end

    if not text.startswith("{", start):
        raise json.JSONDecodeError("Expecting a cell, which is an object", text, start)
    values, end = _object(text, start, take)
    assert cells is not None  # noqa: S101  # made by the caller just before
    cells.append(_Found(values, span))
    return end


def _object(text: str, at: int, take: Callable[[str, int], tuple[Any, int]]) -> tuple[dict[str, Any], int]:
    """Read the object that begins at ``at``, its values by ``take``; a repeated key counts as its last one."""
    values: dict[str, Any] = {}
    at = _blank(text, at + 1)
    if text.startswith("}", at):
        return values, at + 1
    while True:
        if not text.startswith('"', at):
            raise json.JSONDecodeError("Expecting property name enclosed in double quotes", text, at)
        key, at = _DECODER.raw_decode(text, at)
        at = _blank(text, at)
        if not text.startswith(":", at):
            raise json.JSONDecodeError("Expecting ':' delimiter", text, at)
        values[key], at = take(key, _blank(text, at + 1))
        at = _blank(text, at)
        if text.startswith("}", at):
            return values, at + 1
        if not text.startswith(",", at):
            raise json.JSONDecodeError("Expecting ',' delimiter", text, at)
        at = _blank(text, at + 1)


def _list(text: str, at: int, take: Callable[[int], int]) -> int:
    """Read the list that begins at ``at``, its items by ``take``, and give its end."""
    at = _blank(text, at + 1)
    if text.startswith("]", at):
        return at + 1
    while True:
        at = _blank(text, take(at))
        if text.startswith("]", at):
            return at + 1
        if not text.startswith(",", at):
            raise json.JSONDecodeError("Expecting ',' delimiter", text, at)
        at = _blank(text, at + 1)


def _blank(text: str, at: int) -> int:
    found = _WHITESPACE.match(text, at)
    return at if found is None else found.end()


def _upgraded(text: str, path: Path) -> tuple[dict[str, Any], list[_Found]]:
    """Convert a notebook of nbformat 2 or 3, which keeps its cells in worksheets."""
    import nbformat  # heavy, and such notebooks are from before 2015
    from nbformat import converter, reader

    try:
        document = converter.convert(reader.reads(text), 4)  # type: ignore[no-untyped-call]  # nbformat is untyped here
        found = [_Found(dict(cell), None) for cell in document["cells"]]
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, nbformat.ValidationError) as exc:
        raise NotebookReadError(
            "the old Jupyter notebook can't be converted",
            cause=f"nbformat says {type(exc).__name__}: {exc}",
            mend="open it in Jupyter once and save it",
            location=Location(path.as_posix()),
        ) from exc
    return dict(document), found


def _build(raw: bytes, text: str, path: Path, document: dict[str, Any], found: list[_Found]) -> Notebook:
    """Make the notebook from what was found in its JSON."""
    metadata = _as_dict(document.get("metadata"))
    databricks = _as_dict(metadata.get(_NOTEBOOK_KEY))
    language = _default_language(metadata, databricks)
    problems: list[Problem] = []
    if language == "unknown":
        problems.append(_foreign_kernel(path, metadata))
    sources = list(_sources(text, found))
    exact = _all_exact(found, sources)
    if not exact:
        sources = list(_counted_through(sources))
    cells: list[Cell] = []
    offsets = _byte_offsets(raw, text, found)
    for number, (item, source, (start, end)) in enumerate(zip(found, sources, offsets, strict=True), start=1):
        reading = _read_cell(item, source, language)
        line = source.line if exact else None
        if source.doubt:
            problems.append(broken_cell(path, number, line, source.doubt))
        elif reading.doubt:
            problems.append(language_problem(path, number, line, reading.doubt))
        cells.append(
            Cell(
                number,
                reading.language,
                source.text,
                source.line,
                source.last,
                start,
                end,
                _title(item.values),
                reading.magics,
                reading.skipped,
            )
        )
    environment = _as_dict(databricks.get("environmentMetadata"))
    dependencies = environment.get("dependencies")
    named = tuple(item for item in dependencies if isinstance(item, str)) if isinstance(dependencies, list) else ()
    return Notebook(path, "ipynb", language, tuple(cells), raw, exact, tuple(problems), named)


def _read_cell(item: _Found, source: _Source, default: str) -> Reading:
    if source.doubt:
        return Reading("unknown")
    kind = item.values.get("cell_type", "code")
    if kind != "code":
        # A raw cell is text that nothing runs, as markdown is.
        return Reading("markdown")
    return read_magics(source.text, default=default, first_line=source.line)


def _as_dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _title(values: dict[str, Any]) -> str | None:
    title = _as_dict(_as_dict(values.get("metadata")).get(CELL_KEY)).get("title")
    return title.strip() or None if isinstance(title, str) else None


def _default_language(metadata: dict[str, Any], databricks: dict[str, Any]) -> str:
    for name in _named_languages(metadata, databricks):
        return "python" if name.startswith(("python", "ipython")) else name if name in _LANGUAGES else "unknown"
    return "python"


def _named_languages(metadata: dict[str, Any], databricks: dict[str, Any]) -> Iterator[str]:
    kernel = _as_dict(metadata.get("kernelspec"))
    for value in (
        databricks.get("language"),
        kernel.get("language"),
        _as_dict(metadata.get("language_info")).get("name"),
        kernel.get("name"),
    ):
        if isinstance(value, str) and value.strip():
            yield value.strip().lower()


def _foreign_kernel(path: Path, metadata: dict[str, Any]) -> Problem:
    name = next(_named_languages(metadata, _as_dict(metadata.get(_NOTEBOOK_KEY))), "")
    return Problem(
        CellLanguageError.code,
        "the notebook's language is none of Databricks",
        Location(path.as_posix()),
        cause=f"its metadata names {name!r}; known: {', '.join(sorted(_LANGUAGES))}",
        mend="choose a kernel of one of these languages",
    )


def _sources(text: str, found: list[_Found]) -> Iterator[_Source]:
    """Give each cell's text with the lines of the JSON where it stands."""
    returns = "\r" in text
    line, counted = 1, 0
    for item in found:
        value = item.values.get("source", "")
        whole, doubt = _joined(value)
        if item.span is None:
            yield _Source(whole, line, line, doubt, exact=False)
            continue
        start, end = item.span
        line += _count_lines(text, counted, start, returns=returns)
        counted = start
        further = _further_lines(whole)
        if further == 0:
            # One source line stands where its text begins, be it in a list or not.
            quote = text.find('"', start, end)
            first = line + (_count_lines(text, start, quote, returns=returns) if quote >= 0 else 0)
            yield _Source(whole, first, first, doubt)
        elif isinstance(value, list) and not doubt and _is_line_by_line(text[start:end], value, whole):
            yield _Source(whole, line + 1, line + 1 + further, doubt)
        else:
            yield _Source(whole, line, line + _count_lines(text, start, end, returns=returns), doubt, exact=False)


def _joined(value: object) -> tuple[str, str]:
    """Give the text of a ``source`` value, and why it can't be used."""
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        text = "".join(value)
    elif isinstance(value, str):
        text = value
    else:
        return "", "its source is neither text nor a list of texts"
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text, unreadable(text)


def _is_line_by_line(json_text: str, items: list[str], whole: str) -> bool:
    """Tell whether the JSON list has one line for each source line, as nbformat writes it."""
    if "\r" in json_text:
        json_text = json_text.replace("\r\n", "\n").replace("\r", "\n")
    lines = json_text.split("\n")
    if len(lines) != len(items) + 2 or whole.count("\n") != len(items) - (not items[-1].endswith("\n")):
        return False
    # A JSON string can't hold a line end, so n items on n lines that each begin with a quote are one item a line.
    return all(line.lstrip().startswith('"') for line in lines[1:-1]) and all(item.endswith("\n") for item in items[:-1])


def _count_lines(text: str, start: int, end: int, *, returns: bool) -> int:
    count = text.count("\n", start, end)
    if returns:
        count += text.count("\r", start, end) - text.count("\r\n", start, end)
    return count


def _further_lines(text: str) -> int:
    """Count the lines after the first; a final newline ends the last line and begins no other."""
    return max(text.count("\n") - text.endswith("\n"), 0)


def _all_exact(found: list[_Found], sources: list[_Source]) -> bool:
    """Tell whether each line of code has a line of the file that it shares with no other; text cells run nowhere."""
    free = 1
    for item, source in zip(found, sources, strict=True):
        if item.span is None:
            return False
        if source.text and item.values.get("cell_type", "code") == "code":
            if not source.exact or source.line < free:
                return False
            free = source.last + 1
    return True


def _counted_through(sources: list[_Source]) -> Iterator[_Source]:
    """Number the lines through all cells, where the file has no line for each of them."""
    line = 1
    for source in sources:
        yield replace(source, line=line, last=line + _further_lines(source.text), exact=False)
        line += source.text.count("\n") + 1


def _byte_offsets(raw: bytes, text: str, found: list[_Found]) -> Iterator[tuple[int, int]]:
    same = len(raw) == len(text)
    offset, counted = 0, 0
    for item in found:
        if item.span is None:
            yield 0, 0
        elif same:
            yield item.span
        else:
            start, end = item.span
            offset += len(text[counted:start].encode())
            counted = start
            yield offset, offset + len(text[start:end].encode())


def replace_in_ipynb(notebook: Notebook, number: int, source: str) -> Notebook:
    """Give the notebook with the text of one cell replaced, in the style that the JSON text has.

    Raises:
        CellWriteError: The cell has no ``source`` of its own in the JSON text.
    """
    cell = notebook.cells[number - 1]
    raw = notebook.raw
    location = Location(notebook.path.as_posix(), cell.first_line if notebook.exact_lines else None, number)
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    if cell.end <= cell.start:
        raise CellWriteError(
            "the cell has no place in the file to write to",
            cause="the notebook has an old format, or the cell no 'source'",
            mend="open the notebook in Jupyter once and save it",
            location=location,
        )
    # Half a surrogate pair has no UTF-8, but JSON can escape it.
    ascii_only = (raw.isascii() and b"\\u" in raw) or bool(unreadable(source))
    before, old = raw[: cell.start].decode(), raw[cell.start : cell.end].decode()
    new = _as_json(source, before, old, by_line=notebook.exact_lines, ascii_only=ascii_only)
    again = parse_ipynb(before.encode() + new.encode() + raw[cell.end :], notebook.path)
    if [cell.source for cell in again.cells] != [source if cell.number == number else cell.source for cell in notebook.cells]:
        raise CellWriteError(
            "the new text can't stand in one cell",
            cause="read again, the file would not give the same cells",
            mend="check the text",
            location=location,
        )
    return again


def _as_json(source: str, before: str, old: str, *, by_line: bool, ascii_only: bool) -> str:
    """Write a ``source`` value in the style of the old one: text or list, on one line or a line each, the same indent."""
    if not old.startswith("["):
        return json.dumps(source, ensure_ascii=ascii_only)
    lines = source.split("\n")
    items = [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
    if not items:
        return "[]"
    opening, between, closing = _layout(before, old, by_line=by_line and len(items) > 1)
    return "[" + opening + between.join(json.dumps(item, ensure_ascii=ascii_only) for item in items) + closing + "]"


def _layout(before: str, old: str, *, by_line: bool) -> tuple[str, str, str]:
    """Give what stands before the first item, between two, and after the last."""
    opening = old[1 : _blank(old, 1)]
    if ("\n" in opening or "\r" in opening) and len(old) > len(opening) + 2:
        return opening, f",{opening}", old[len(old[:-1].rstrip(" \t\r\n")) : -1]
    key = _SOURCE_KEY.search(before)
    if key is not None and (by_line or old == "[]"):
        newline, indent = key["newline"], key["indent"]
        # The key stands three levels deep: notebook, cells, cell.
        deeper = newline + indent + indent[: max(len(indent) // 3, 1)]
        return deeper, f",{deeper}", newline + indent
    return opening, "," if before.endswith(":") else ", ", opening
