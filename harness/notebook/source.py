"""The Databricks source formats (.py .sql .scala .r): text to cells, and a changed cell back to text."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import CellLanguageError, CellWriteError, NotANotebookError, NotebookReadError
from harness.model import Cell, Location, Notebook, Problem
from harness.notebook.magics import begins_with_magic, read_magics, takes_whole_cell

if TYPE_CHECKING:
    import os

_BOM = b"\xef\xbb\xbf"
_COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_BLANK_LINES = re.compile(rb"(?:[ \t\f]*\n)*")
_BLANK = b" \t\f\n"


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one source format writes the header, the separators and the magics: each in a comment of its language."""

    language: str
    comment: str
    header: bytes
    separator: bytes
    magic: str
    title: re.Pattern[bytes]
    script: re.Pattern[bytes]


def _dialect(language: str, comment: str) -> Dialect:
    mark = comment.encode()
    return Dialect(
        language=language,
        comment=comment,
        header=mark + b" Databricks notebook source",
        separator=b"\n" + mark + b" COMMAND ----------",
        magic=f"{comment} MAGIC",
        title=re.compile(mark + rb" DBTITLE(?=[ \t])[ \t]*(?:\d+[ \t]*,)?([^\n]*)"),
        script=re.compile(
            rb"[ \t\f\n]*%(mark)b /// script[ \t]*\n((?:%(mark)b[^\n]*\n)*?)%(mark)b ///[ \t]*(?:\n|\Z)" % {b"mark": mark}
        ),
    )


_PYTHON = _dialect("python", "#")
DIALECTS: dict[str, Dialect] = {
    ".py": _PYTHON,
    ".sql": _dialect("sql", "--"),
    ".scala": _dialect("scala", "//"),
    ".r": _dialect("r", "#"),
}


def has_header(head: bytes, dialect: Dialect) -> bool:
    """Tell whether the file's first bytes are the header that makes it a notebook."""
    return head.removeprefix(_BOM).startswith(dialect.header)


def has_markers(raw: bytes, dialect: Dialect) -> bool:
    """Tell whether the text holds a cell separator or a magic line, as notebooks without a header do."""
    data = b"\n" + _normalised(raw.removeprefix(_BOM))
    return _next_separator(data, 0, dialect) is not None or b"\n" + dialect.magic.encode() + b" " in data


def parse_source(raw: bytes, path: str | os.PathLike[str], *, headerless: bool = False) -> Notebook:
    """Split the text of a source notebook into its cells.

    Raises:
        NotANotebookError: Line 1 isn't the notebook header (and ``headerless`` found no cell markers either).
        NotebookReadError: The bytes are not text.
    """
    path = Path(path)
    dialect = DIALECTS.get(path.suffix.lower(), _PYTHON)
    if b"\0" in raw:
        raise _binary(raw, path)
    start = len(_BOM) if raw.startswith(_BOM) else 0
    headed = raw.startswith(dialect.header, start)
    if not headed and not (headerless and has_markers(raw, dialect)):
        raise _no_header(raw, path, dialect, headerless=headerless)
    encoding = _encoding(raw, path)
    data = _normalised(raw)
    if headed:
        # The newline of the header line: a separator may stand on the very next one.
        start = data.find(b"\n", start)
        start = len(data) if start < 0 else start
    cells, problems, dependencies = _split(data, start, headed, path, dialect, encoding)
    if len(data) != len(raw):
        cells = _at_raw_offsets(cells, raw)
    return Notebook(path, "source", dialect.language, tuple(cells), raw, True, tuple(problems), dependencies)


def replace_in_source(notebook: Notebook, number: int, source: str) -> Notebook:
    """Give the notebook with the text of one cell replaced; the ``# MAGIC`` prefixes are put back where they belong.

    Raises:
        CellWriteError: The text can't stand in one cell, or not in the file's encoding.
    """
    cell = notebook.cells[number - 1]
    raw = notebook.raw
    dialect = DIALECTS.get(notebook.path.suffix.lower(), _PYTHON)
    location = Location(notebook.path.as_posix(), cell.first_line, number)
    newline = b"\r\n" if b"\r\n" in raw else b"\r" if b"\r" in raw and b"\n" not in raw else b"\n"
    text = _trimmed(source)
    old = raw[cell.start : cell.end]
    if begins_with_magic(text) and (old.startswith(dialect.magic.encode()) or not begins_with_magic(cell.source)):
        text = "\n".join(
            f"{dialect.magic} {line}".rstrip() if not line else f"{dialect.magic} {line}" for line in text.split("\n")
        )
    try:
        body = text.encode(_encoding(raw, notebook.path))
    except UnicodeEncodeError as exc:
        raise CellWriteError(
            "the cell's new text can't be written in the file's encoding",
            cause=f"{exc.object[exc.start]!r} has no place in {exc.encoding}",
            mend="save the notebook as UTF-8 first",
            location=location,
        ) from exc
    before, after = raw[: cell.start], raw[cell.end :]
    if body and cell.start and before[-1:] not in (b"\n", b"\r"):
        body = b"\n" + body if before != _BOM else body
    if body and after and after[:1] not in (b"\n", b"\r") and not after[:1].isspace():
        body += b"\n"
    changed = before + body.replace(b"\n", newline) + after
    return _reread(notebook, changed, number, _trimmed(source), location)


def _reread(notebook: Notebook, changed: bytes, number: int, source: str, location: Location) -> Notebook:
    """Read the changed text, and refuse it unless it holds exactly the cells it should."""
    again = parse_source(changed, notebook.path, headerless=True)
    wanted = [cell.source for cell in notebook.cells]
    wanted[number - 1] = source
    if [cell.source for cell in again.cells] != wanted or [cell.title for cell in again.cells] != [
        cell.title for cell in notebook.cells
    ]:
        raise CellWriteError(
            "the new text can't stand in one cell",
            cause=_why_not(source, DIALECTS.get(notebook.path.suffix.lower(), _PYTHON)),
            mend="leave out the lines that Databricks reads as marks of its own, or make two cells",
            location=location,
        )
    return again


def _why_not(source: str, dialect: Dialect) -> str:
    marks = (dialect.separator[1:].decode(), f"{dialect.comment} DBTITLE", dialect.magic, f"{dialect.comment} /// script")
    for index, line in enumerate(source.split("\n"), start=1):
        for mark in marks:
            if line.startswith(mark):
                return f"line {index} of it is {line!r}"
    return "read again, the file would not give the same cells"


def _split(
    data: bytes, at: int, headed: bool, path: Path, dialect: Dialect, encoding: str
) -> tuple[list[Cell], list[Problem], tuple[str, ...]]:
    """Cut the text at its separators. ``at`` is the newline of the header line, or the first byte of a headerless text."""
    cells: list[Cell] = []
    problems: list[Problem] = []
    dependencies: tuple[str, ...] = ()
    line, counted = 1, 0
    if headed:
        begin = min(at + 1, len(data))
        script = dialect.script.match(data, begin)
        if script is not None:
            dependencies = _dependencies(script[1], path, dialect, encoding, problems)
            begin = script.end()
            at = begin - 1
    else:
        begin = at
        if data.startswith(dialect.separator[1:], at):
            # Lets the search below find a separator on the very first line, without a newline before it.
            first = _next_separator(b"\n" + data[at:], 0, dialect)
            if first is not None and first[0] == 0:
                cells.append(Cell(1, dialect.language, "", 1, 1, at, at))
                at += first[1] - 1
                begin = min(at + 1, len(data))
    while True:
        found = _next_separator(data, at, dialect)
        stop, after = found if found is not None else (len(data), len(data))
        stop = max(begin, stop)
        line += data.count(b"\n", counted, begin)
        counted = begin
        cell, line, counted = _cell(data, begin, stop, len(cells) + 1, line, dialect, encoding, path, problems)
        cells.append(cell)
        if found is None:
            return cells, problems, dependencies
        at = after
        begin = min(after + 1, len(data))


def _next_separator(data: bytes, at: int, dialect: Dialect) -> tuple[int, int] | None:
    """Find the next separator line: the newline before it and the one that ends it (or the end of the text)."""
    mark = dialect.separator
    while True:
        start = data.find(mark, at)
        if start < 0:
            return None
        end = data.find(b"\n", start + len(mark))
        end = len(data) if end < 0 else end
        if not data[start + len(mark) : end].strip():
            return start, end
        at = end


def _cell(
    data: bytes,
    begin: int,
    stop: int,
    number: int,
    line: int,
    dialect: Dialect,
    encoding: str,
    path: Path,
    problems: list[Problem],
) -> tuple[Cell, int, int]:
    """Make the cell whose lines stand between ``begin`` and ``stop``; also give the line of its text and where it begins."""
    title = None
    start = _skip_blank(data, begin, stop)
    found = dialect.title.match(data, start, stop)
    if found is not None:
        title = found[1].decode(encoding).strip() or None
        line += data.count(b"\n", begin, found.end()) + (1 if found.end() < stop else 0)
        begin = min(found.end() + 1, stop)
        start = _skip_blank(data, begin, stop)
    if start == stop or not data[start:stop].strip(_BLANK):
        return Cell(number, dialect.language, "", line, line, begin, begin, title), line, begin
    line += data.count(b"\n", begin, start)
    end = _end_of_text(data, start, stop)
    text = data[start:end].decode(encoding)
    source, kept = _without_prefixes(text, dialect) if dialect.magic in text else (text, False)
    reading = read_magics(source, default=dialect.language, first_line=line)
    language, doubt = reading.language, reading.doubt
    if kept:
        doubt = f"some of its lines begin with {dialect.magic!r} and set a language, others are code"
        language = language if language == "python" else "unknown"
    if doubt:
        problems.append(language_problem(path, number, line, doubt))
    last = line + source.count("\n")
    cell = Cell(number, language, source, line, last, start, end, title, reading.magics, reading.skipped)
    return cell, line, start


def language_problem(path: Path, number: int, line: int | None, doubt: str) -> Problem:
    """Say that a cell's language can't be told, and what to do."""
    return Problem(
        CellLanguageError.code,
        "what the cell is written in can't be told",
        Location(path.as_posix(), line, number),
        cause=doubt,
        mend="give the cell one language, named by a magic such as %sql on its first line",
    )


def _without_prefixes(text: str, dialect: Dialect) -> tuple[str, bool]:
    """Take the ``# MAGIC`` prefixes off; the flag says that they were left, as code stands beside another language."""
    prefix = f"{dialect.magic} "
    width = len(prefix)
    shown: list[str] = []
    prefixed: list[str] = []
    code = False
    for line in text.split("\n"):
        if line.startswith(prefix) or line.rstrip() == dialect.magic:
            shown.append(line[width:])
            prefixed.append(line[width:])
        else:
            shown.append(line)
            code = code or not (line.isspace() or not line or line.lstrip().startswith(dialect.comment))
    if code and any(map(takes_whole_cell, prefixed)):
        # The prefixed lines are comments of the default language: kept, no code is lost and nothing else is taken for it.
        return text, True
    return "\n".join(shown), False


def _skip_blank(data: bytes, at: int, stop: int) -> int:
    found = _BLANK_LINES.match(data, at, stop)
    return at if found is None else found.end()


def _end_of_text(data: bytes, start: int, stop: int) -> int:
    """Find where the last line that isn't blank ends; blanks at its end stay."""
    last = start + len(data[start:stop].rstrip(_BLANK))
    newline = data.find(b"\n", last, stop)
    return stop if newline < 0 else newline


def _trimmed(source: str) -> str:
    """Give the text with ``\\n`` line ends and no blank lines around it, as a cell of the source formats holds it."""
    data = source.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "surrogatepass")
    start = _skip_blank(data, 0, len(data))
    if not data[start:].strip(_BLANK):
        return ""
    return data[start : _end_of_text(data, start, len(data))].decode("utf-8", "surrogatepass")


def _normalised(raw: bytes) -> bytes:
    """Make every line end ``\\n``: ``\\r\\n`` and a lone ``\\r`` end a line for Python's tokenizer too, and nothing else does."""
    return raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in raw else raw


def _at_raw_offsets(cells: list[Cell], raw: bytes) -> list[Cell]:
    """Move the cells' byte offsets from the text with ``\\n`` line ends to the file's own."""
    ends = [found.start() - index for index, found in enumerate(re.finditer(rb"\r\n", raw))]

    def moved(offset: int) -> int:
        return offset + bisect_left(ends, offset)

    return [replace(cell, start=moved(cell.start), end=moved(cell.end)) for cell in cells]


def _encoding(raw: bytes, path: Path) -> str:
    """Tell the text's encoding: UTF-8, or else what line 1 or 2 names as Python's rules have it.

    Raises:
        NotebookReadError: The bytes are neither.
    """
    if raw.isascii():
        return "utf-8"
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as exc:
        named = _named_encoding(raw)
        if named is not None:
            return named
        line = _normalised(raw[: exc.start]).count(b"\n") + 1
        raise NotebookReadError(
            "the notebook is not UTF-8 text",
            cause=f"byte 0x{raw[exc.start]:02x} at offset {exc.start} (line {line}): {exc.reason}",
            mend="save the file as UTF-8, or name its encoding on line 2, as in '# -*- coding: cp1252 -*-'",
            location=Location(path.as_posix(), line),
        ) from exc
    return "utf-8"


def _named_encoding(raw: bytes) -> str | None:
    for line in _normalised(raw[:400]).split(b"\n")[:2]:
        found = _COOKIE.match(line)
        if found is None:
            continue
        name = found[1].decode("ascii", "replace")
        try:
            readable = b"# COMMAND".decode(name) == "# COMMAND" and raw.decode(name) is not None
        except (LookupError, ValueError):
            continue
        if readable:
            return name
    return None


def _dependencies(script: bytes, path: Path, dialect: Dialect, encoding: str, problems: list[Problem]) -> tuple[str, ...]:
    """Read the packages that a ``# /// script`` header names."""
    import tomllib  # noqa: PLC0415  # few notebooks have such a header

    text = "\n".join(line.removeprefix(dialect.comment).removeprefix(" ") for line in script.decode(encoding).split("\n"))
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as exc:
        problems.append(
            Problem(
                NotebookReadError.code,
                "the '/// script' header can't be read, so the notebook's dependencies are not known",
                Location(path.as_posix(), 2),
                cause=str(exc) or "it is nested too deeply",
                mend="make the lines between '/// script' and '///' valid TOML",
            )
        )
        return ()
    tool = document.get("tool")
    databricks = tool.get("databricks") if isinstance(tool, dict) else None
    environment = databricks.get("environment") if isinstance(databricks, dict) else None
    own = environment.get("dependencies") if isinstance(environment, dict) else None
    return tuple(
        item
        for found in (document.get("dependencies"), own)
        if isinstance(found, list)
        for item in found
        if isinstance(item, str)
    )


def _binary(raw: bytes, path: Path) -> NotebookReadError:
    at = raw.index(b"\0")
    utf16 = raw.startswith((b"\xff\xfe", b"\xfe\xff"))
    return NotebookReadError(
        "the notebook is not text",
        cause="the file is UTF-16" if utf16 else f"byte {at} of the file is NUL, which no text holds",
        mend="save the file as UTF-8" if utf16 else "check what the file is; a notebook is UTF-8 text",
        location=Location(path.as_posix()),
    )


def _no_header(raw: bytes, path: Path, dialect: Dialect, *, headerless: bool) -> NotANotebookError:
    first = _normalised(raw[:200]).split(b"\n")[0].decode("utf-8", "replace")
    header = dialect.header.decode()
    return NotANotebookError(
        "the file is not a Databricks notebook",
        cause="the file is empty" if not raw else f"line 1 is {first[:80]!r}, not {header!r}",
        mend=f"put {header!r} on line 1"
        + ("" if headerless else ", or allow notebooks without a header (headerless=True) if it has cell separators"),
        location=Location(path.as_posix(), 1),
    )
