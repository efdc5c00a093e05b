"""Magic lines and the language of a cell: recognised, never run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from harness.model import Magic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.model import Cell

# A magic that says what the whole cell is written in.
_CELL_LANGUAGES = {
    "sql": "sql",
    "environment": "markdown",  # what a notebook for serverless asks for, which Databricks writes at its end
    "md": "markdown",
    "md-sandbox": "markdown",
    "markdown": "markdown",
    "sh": "shell",
    "bash": "shell",
    "script": "shell",
    "fs": "fs",
    "scala": "scala",
    "r": "r",
    "python": "python",
    "py": "python",
}
# `%bash` and the like are no Databricks magics: only their `%%` form takes the whole cell.
_DOUBLE_ONLY = {"bash", "script", "markdown"}
# Magics that stand on lines of their own; the rest of the cell, if any, is code.
_ALONE = {"run": "run", "pip": "pip", "conda": "pip"}
# `%%time` and the like run their body as this notebook's Python.
_BODY_IS_PYTHON = {"time", "timeit", "capture", "python", "py", "prun"}
_LANGUAGE_LINE = {"python", "py"}

# At a place where a statement can begin, no Python starts with % or !.
_LATER_LINE = re.compile(r"\n[ \t]*[%!]")
_ASSIGNED = re.compile(r"=[ \t]*[%!](?!=)")
_HEAD = re.compile(r"(?:[ \t]*(?:(?:\#|--|//)[^\n]*)?\n)*[ \t]*(?P<mark>%%|%|!)", re.VERBOSE)
_TARGET = r"[^\W\d][\w.]*(?:\[[^\]\n]*\])?"
_MAGIC_LINE = re.compile(
    rf"(?P<indent>[ \t]*)(?P<targets>{_TARGET}(?:[ \t]*,[ \t]*{_TARGET})*[ \t]*=[ \t]*)?"
    r"(?P<mark>%%|%|!!|!)(?P<name>[^\W\d]\w*(?:-[^\W\d]\w*)*)?",
)
# What decides where a logical line of Python ends: comments, strings, brackets, joined lines. Prefixes (r, b, f) don't
# matter: a backslash keeps the next quote from closing in each of them.
_TOKEN = re.compile(
    r"""
      (?P<skip>
          \#[^\n]*
        | \"{3}[^"\\]*(?:(?:\\.|"(?!""))[^"\\]*)*(?:\"{3}|\Z)
        | '{3}[^'\\]*(?:(?:\\.|'(?!''))[^'\\]*)*(?:'{3}|\Z)
        | "[^"\\\n]*(?:\\.[^"\\\n]*)*"?
        | '[^'\\\n]*(?:\\.[^'\\\n]*)*'?
        | \\\n
      )
    | (?P<open>[\[({])
    | (?P<close>[\])}])
    | (?P<newline>\n)
    """,
    re.VERBOSE | re.DOTALL,
)
# IPython takes a cell of one line that begins with a magic's name for the magic; of these only pip's is no Python at all.
_BARE_PIP = re.compile(r"\s*pip[ \t]+(?P<argument>(?:un)?install\b[^\n]*?)\s*")
_UNREADABLE = re.compile("[\0\ud800-\udfff]")
_INDENTED = re.compile(r"(?:[ \t\f]*\n)*([ \t]+)\S")


class Reading(NamedTuple):
    """What the magics of a cell say about it; ``doubt`` is a clause where the language can't be told."""

    language: str
    magics: tuple[Magic, ...] = ()
    skipped: bool = False
    doubt: str = ""


class _Line(NamedTuple):
    """One magic line at a place where a statement can begin, counted in the cell from 0."""

    first: int
    last: int
    indent: str
    targets: str
    mark: str
    name: str
    argument: str


def read_magics(source: str, *, default: str, first_line: int) -> Reading:
    """Tell the language of a code cell and list its magics.

    The first magic decides, comments before it aside; a cell without one has the notebook's default language.
    """
    if default == "python" and (bare := _BARE_PIP.fullmatch(source)) is not None:
        return Reading("pip", (Magic("pip", bare["argument"], first_line + source.count("\n", 0, bare.start("argument"))),))
    if not _may_hold_magics(source):
        return Reading(default)
    head = _HEAD.match(source)
    if head is None:
        return Reading(default, _line_magics(source, default=default, first_line=first_line))
    return _read_headed(source, head.start("mark"), default=default, first_line=first_line)


def _read_headed(source: str, at: int, *, default: str, first_line: int) -> Reading:
    """Read a cell whose first line, comments aside, is a magic that begins at ``at``."""
    found = _MAGIC_LINE.match(source, at)
    assert found is not None  # noqa: S101  # the caller matched the mark that this pattern begins with
    mark, name = found["mark"], found["name"] or ""
    key = name.lower()
    index = source.count("\n", 0, at)
    whole = Magic(name, _first_line_argument(source, found.end()), first_line + index, whole_cell=True)
    if key == "skip" and mark == "%":
        rest = source.find("\n", at)
        inner = read_magics(source[rest + 1 :] if rest >= 0 else "", default=default, first_line=first_line)
        return Reading(inner.language, (whole,), skipped=True, doubt=inner.doubt)
    language = _CELL_LANGUAGES.get(key)
    if mark == "%%" or (language is not None and mark == "%" and key not in _DOUBLE_ONLY):
        if language == "python" or (mark == "%%" and key in _BODY_IS_PYTHON):
            body = (magic for magic in _line_magics(source, default="python", first_line=first_line) if magic.line > whole.line)
            return Reading("python", (whole, *body))
        return Reading(language or default, (whole,))
    if mark == "%" and key in _ALONE:
        lines = list(_scan(source))
        magics = tuple(_as_magic(line, first_line) for line in lines)
        if _only_magics(source, lines):
            return Reading(_ALONE[key], magics)
        return Reading("python" if _ALONE[key] == "pip" else default, magics)
    if default == "python":
        return Reading("python", _line_magics(source, default=default, first_line=first_line))
    if mark == "%" and name:
        return Reading("unknown", (whole,), doubt=f"%{name} is no magic of a notebook whose language is {default}")
    return Reading(default)


def python_text(cell: Cell) -> str | None:
    """Give the Python of a python cell, ready for ``ast.parse``, with exactly as many lines as ``cell.source``.

    Magic lines become ``pass  # %…`` at the same indent, and so does ``names = !ls`` or ``names = %magic``: what they would
    compute is not there, and ``assigned_by_magic`` lists those names. A cell that is indented as a whole is shifted left, as
    IPython does. None means that the cell holds no Python of this notebook: another language, ``%skip``, ``%%writefile``.
    """
    if cell.language != "python" or cell.skipped:
        return None
    if any(magic.whole_cell and not _keeps_python(magic) for magic in cell.magics):
        return None
    source = _dedented(cell.source)
    if not _may_hold_magics(source):
        return source
    lines = source.split("\n")
    for found in _scan(source):
        lines[found.first] = _replacement(lines[found.first], found)
        for index in range(found.first + 1, found.last + 1):
            lines[index] = f"# {lines[index]}"
    return "\n".join(lines)


def assigned_by_magic(cell: Cell) -> dict[str, int]:
    """Give the names that lines such as ``files = !ls`` bind, each with its line in the file."""
    names: dict[str, int] = {}
    if python_text(cell) is None or not _may_hold_magics(cell.source):
        return names
    for found in _scan(_dedented(cell.source)):
        # `a.b` and `a[0]` bind no name.
        targets = (target.strip(" \t=") for target in found.targets.split(","))
        names.update((target, cell.first_line + found.first) for target in targets if target.isidentifier())
    return names


def begins_with_magic(source: str) -> bool:
    """Tell whether the first line, blank lines and comments aside, is a ``%`` magic."""
    head = _HEAD.match(source)
    return head is not None and head["mark"] != "!"


def takes_whole_cell(source: str) -> bool:
    """Tell whether the cell's first magic makes all of its text something else than this notebook's Python."""
    head = _HEAD.match(source)
    if head is None:
        return False
    reading = _read_headed(source, head.start("mark"), default="python", first_line=1)
    return any(magic.whole_cell and not _keeps_python(magic) for magic in reading.magics)


def _keeps_python(magic: Magic) -> bool:
    return magic.name.lower() in _BODY_IS_PYTHON


def unreadable(source: str) -> str:
    """Say what the text holds that no Python source can (NUL, half a surrogate pair); empty where all is well."""
    if source.isascii() and "\0" not in source:
        return ""
    found = _UNREADABLE.search(source)
    return f"it holds {found[0]!r}, which no source text can" if found is not None else ""


def _may_hold_magics(source: str) -> bool:
    """Rule out cheaply the cells, nearly all of them, in which no line can be a magic."""
    if "%" not in source and "!" not in source:
        return False
    return source.lstrip()[:1] in ("%", "!") or _LATER_LINE.search(source) is not None or _ASSIGNED.search(source) is not None


def _line_magics(source: str, *, default: str, first_line: int) -> tuple[Magic, ...]:
    if default == "python":
        return tuple(_as_magic(line, first_line) for line in _scan(source))
    # Our scanner knows Python only. In other languages a line that is a %run can't be anything else.
    return tuple(
        Magic("run", found[1].strip(), first_line + source.count("\n", 0, found.start()))
        for found in re.finditer(r"^%run[ \t]+([^\n]*)", source, re.MULTILINE)
    )


def _as_magic(line: _Line, first_line: int) -> Magic:
    name = line.name if line.mark.startswith("%") else "!"
    return Magic(name, line.argument, first_line + line.first)


def _scan(source: str) -> Iterator[_Line]:
    """Find the magic lines: those that begin where a Python statement can begin."""
    at, index = 0, 0
    while at < len(source):
        found = _MAGIC_LINE.match(source, at)
        if found is None:
            end = _end_of_statement(source, at)
        else:
            end, argument = _joined(source, found.end("mark") if found["mark"][0] == "!" else found.end())
            last = index + source.count("\n", at, end)
            yield _Line(index, last, found["indent"], found["targets"] or "", found["mark"], found["name"] or "", argument)
        index += source.count("\n", at, end) + 1
        at = end + 1


def _end_of_statement(source: str, at: int) -> int:
    """Find the newline that ends the logical line of Python which begins at ``at``, or the end of the text."""
    depth = 0
    for token in _TOKEN.finditer(source, at):
        kind = token.lastgroup
        if kind == "newline":
            if depth <= 0:
                return token.start()
        elif kind == "open":
            depth += 1
        elif kind == "close":
            depth -= 1
    return len(source)


def _joined(source: str, at: int) -> tuple[int, str]:
    """Give the end of the magic line that goes on at ``at``, and its text with continued lines joined by a blank."""
    parts: list[str] = []
    while True:
        end = source.find("\n", at)
        end = len(source) if end < 0 else end
        part = source[at:end]
        if not part.endswith("\\") or end == len(source):
            parts.append(part.strip())
            return end, " ".join(part for part in parts if part)
        parts.append(part[:-1].strip())
        at = end + 1


def _first_line_argument(source: str, at: int) -> str:
    end = source.find("\n", at)
    return (source[at:] if end < 0 else source[at:end]).strip()


def _only_magics(source: str, magics: list[_Line]) -> bool:
    covered = {index for line in magics for index in range(line.first, line.last + 1)}
    return all(
        index in covered or not text or text.startswith(("#", "--", "//"))
        for index, text in enumerate(map(str.strip, source.split("\n")))
    )


def _replacement(text: str, found: _Line) -> str:
    if found.name.lower() in _LANGUAGE_LINE and not found.targets:
        return found.argument if found.mark == "%" else ""
    return f"{found.indent}pass  # {text[len(found.indent) :]}"


def _dedented(source: str) -> str:
    if source[:1] not in ("", " ", "\t", "\n", "\f"):
        return source
    found = _INDENTED.match(source)
    if found is None:
        return source
    indent = found[1]
    return "\n".join(line.removeprefix(indent) for line in source.split("\n"))
