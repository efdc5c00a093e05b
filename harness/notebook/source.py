"""The Databricks source formats (.py .sql .scala .r): text to cells, and a changed cell back to text."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import CellLanguageError, CellSyntaxError, CellWriteError, NotANotebookError, NotebookReadError
from harness.model import Cell, Location, Notebook, Problem
from harness.notebook.magics import begins_with_magic, read_magics, takes_whole_cell, unreadable

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
    reader = _Reader(data, path, dialect, encoding)
    reader.read(start, headed=headed)
    cells = reader.cells if len(data) == len(raw) else _at_raw_offsets(reader.cells, raw)
    problems = tuple(reader.problems)
    return Notebook(path, "source", dialect.language, tuple(cells), raw, problems=problems, dependencies=reader.dependencies)


def replace_in_source(notebook: Notebook, number: int, source: str) -> Notebook:
    """Give the notebook with the text of one cell replaced; the ``# MAGIC`` prefixes are put back where they belong.

    Raises:
        CellWriteError: The text can't stand in one cell, or not in the file's encoding.
    """
    cell = notebook.cells[number - 1]
    raw = notebook.raw
    dialect = DIALECTS.get(notebook.path.suffix.lower(), _PYTHON)
    location = Location(notebook.path.as_posix(), cell.first_line, number)
    encoding = _encoding(raw, notebook.path)
    shown = source.replace("\r\n", "\n").replace("\r", "\n")
    if doubt := unreadable(shown):
        raise CellWriteError(
            "the cell's new text can't be written", cause=doubt, mend="leave that character out", location=location
        )
    old = _normalised(raw[cell.start : cell.end]).decode(encoding).split("\n")
    was_prefixed = any(line.startswith(dialect.magic) for line in old)
    if begins_with_magic(shown) and (was_prefixed or not begins_with_magic(cell.source)):
        blank = f"{dialect.magic} " if f"{dialect.magic} " in old else dialect.magic
        text = "\n".join(f"{dialect.magic} {line}" if line else blank for line in shown.split("\n"))
    else:
        text = shown = _trimmed(shown)
    try:
        body = text.encode(encoding)
    except UnicodeEncodeError as exc:
        raise CellWriteError(
            "the cell's new text can't be written in the file's encoding",
            cause=f"{exc.object[exc.start]!r} has no place in {encoding}",
            mend="save the notebook as UTF-8 first",
            location=location,
        ) from exc
    before, after = raw[: cell.start], raw[cell.end :]
    # An empty cell may have no line of its own between two separators, or at the end of the file.
    if body and before not in (b"", _BOM) and not before.endswith((b"\n", b"\r")):
        body = b"\n" + body
    if body and cell.start == cell.end and after and not after.startswith((b"\n", b"\r")):
        body += b"\n"
    newline = b"\r\n" if b"\r\n" in raw else b"\r" if b"\r" in raw and b"\n" not in raw else b"\n"
    return _reread(notebook, before + body.replace(b"\n", newline) + after, number, shown, location)


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


class _Reader:
    r"""Cuts one text, its line ends all ``\n``, at the separators; ``at`` and ``line`` say how far the lines are counted."""

    def __init__(self, data: bytes, path: Path, dialect: Dialect, encoding: str) -> None:
        self.data = data
        self.path = path
        self.dialect = dialect
        self.encoding = encoding
        self.at = 0
        self.line = 1
        self.cells: list[Cell] = []
        self.problems: list[Problem] = []
        self.dependencies: tuple[str, ...] = ()

    def read(self, begin: int, *, headed: bool) -> None:
        """Read all cells of a text whose header, if it has one, begins at ``begin``."""
        data, dialect = self.data, self.dialect
        # Separators are looked for with the newline before them, so the search begins at the one before the first cell.
        search = begin
        if headed:
            search = data.find(b"\n", begin)
            search = len(data) if search < 0 else search
            begin = min(search + 1, len(data))
            script = dialect.script.match(data, begin)
            if script is not None:
                self.dependencies = self._dependencies(script[1])
                begin = script.end()
                search = begin - 1
        elif data.startswith(dialect.separator[1:], begin):
            # Without a header the first line can be a separator, with no newline before it.
            first = _next_separator(b"\n" + data[begin:], 0, dialect)
            if first is not None and first[0] == 0:
                self._add(begin, begin)
                search = begin + first[1] - 1
                begin = min(search + 1, len(data))
        while True:
            found = _next_separator(data, search, dialect)
            if found is None:
                self._add(begin, len(data))
                return
            stop, search = found
            self._add(begin, max(begin, stop))
            begin = min(search + 1, len(data))

    def _move_to(self, at: int) -> None:
        self.line += self.data.count(b"\n", self.at, at)
        self.at = at

    def _add(self, begin: int, stop: int) -> None:
        """Make the cell whose lines stand between ``begin`` and ``stop``."""
        data, dialect, number = self.data, self.dialect, len(self.cells) + 1
        title = None
        start = _skip_blank(data, begin, stop)
        found = dialect.title.match(data, start, stop)
        if found is not None:
            title = found[1].decode(self.encoding).strip() or None
            begin = min(found.end() + 1, stop)
            start = _skip_blank(data, begin, stop)
        if start == stop or not data[start:stop].strip(_BLANK):
            self._move_to(begin)
            self.cells.append(Cell(number, dialect.language, "", self.line, self.line, begin, begin, title))
            return
        self._move_to(start)
        line = self.line
        end = _end_of_text(data, start, stop)
        text = data[start:end].decode(self.encoding)
        source, kept = _without_prefixes(text, dialect) if dialect.magic in text else (text, False)
        reading = read_magics(source, default=dialect.language, first_line=line)
        language, doubt = reading.language, reading.doubt
        if kept:
            doubt = f"some of its lines begin with {dialect.magic!r} and set a language, others are code"
            language = language if language == "python" else "unknown"
        if doubt:
            self.problems.append(language_problem(self.path, number, line, doubt))
        last = line + source.count("\n")
        self.cells.append(Cell(number, language, source, line, last, start, end, title, reading.magics, reading.skipped, doubt))

    def _dependencies(self, script: bytes) -> tuple[str, ...]:
        """Read the packages that a ``# /// script`` header names."""
        import tomllib  # few notebooks have such a header

        lines = script.decode(self.encoding).split("\n")
        try:
            document = tomllib.loads("\n".join(line.removeprefix(self.dialect.comment).removeprefix(" ") for line in lines))
        except (tomllib.TOMLDecodeError, RecursionError) as exc:
            self.problems.append(
                Problem(
                    NotebookReadError.code,
                    "the '/// script' header can't be read, so the notebook's dependencies are not known",
                    Location(self.path.as_posix(), 2),
                    cause=str(exc)[:1].lower() + str(exc)[1:],
                    mend="make the lines between '/// script' and '///' valid TOML",
                )
            )
            return ()
        environment = _table(_table(document, "tool"), "databricks")
        named = (document.get("dependencies"), _table(environment, "environment").get("dependencies"))
        return tuple(item for found in named if isinstance(found, list) for item in found if isinstance(item, str))


def _table(document: dict[str, Any], key: str) -> dict[str, Any]:
    value = document.get(key)
    return value if isinstance(value, dict) else {}


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


def language_problem(path: Path, number: int, line: int | None, doubt: str) -> Problem:
    """Say that a cell's language can't be told, and what to do."""
    return Problem(
        CellLanguageError.code,
        "what the cell is written in can't be told",
        Location(path.as_posix(), line, number),
        cause=doubt,
        mend="give the cell one language, named by a magic such as %sql on its first line",
    )


def broken_cell(path: Path, number: int, line: int | None, cause: str) -> Problem:
    """Say that a cell's text can't be used by anyone."""
    return Problem(
        CellSyntaxError.code,
        "the cell's text can't be used",
        Location(path.as_posix(), line, number),
        cause=cause,
        mend="write the cell's text anew",
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
    r"""Give the text with ``\n`` line ends and no blank lines around it, as a cell of the source formats holds it."""
    data = source.replace("\r\n", "\n").replace("\r", "\n").encode()
    start = _skip_blank(data, 0, len(data))
    if not data[start:].strip(_BLANK):
        return ""
    return data[start : _end_of_text(data, start, len(data))].decode()


def _normalised(raw: bytes) -> bytes:
    r"""Make every line end ``\n``: ``\r\n`` and a lone ``\r`` end a line for Python's tokenizer too, and nothing else does."""
    return raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in raw else raw


def _at_raw_offsets(cells: list[Cell], raw: bytes) -> list[Cell]:
    r"""Move the cells' byte offsets from the text with ``\n`` line ends to the file's own."""
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
    if has_markers(raw, dialect):
        other = "" if headerless else ", or read it by read_notebook(…, headerless=True)"
    else:
        other = "; if it is a Python module, import it as any other" if dialect.language == "python" else ""
    return NotANotebookError(
        "the file is not a Databricks notebook",
        cause="the file is empty" if not raw else f"line 1 is {first[:80]!r}, not {header!r}",
        mend=f"put {header!r} on line 1{other}",
        location=Location(path.as_posix(), 1),
    )
