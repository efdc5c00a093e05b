"""Read a notebook's definitions without any code of the harness, so that what it loses is seen."""

from __future__ import annotations

import ast
import json
import re
import textwrap
import warnings
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_COMMENTS = {".py": "#", ".sql": "--", ".scala": "//", ".r": "#"}
_DEFAULTS = {".py": "python", ".sql": "sql", ".scala": "scala", ".r": "r"}
_PYTHON = frozenset({"python", "py", "pyspark"})
# What may stand above Python in one cell without changing the cell's language.
_LINE_MAGICS = frozenset(
    {
        "pip",
        "conda",
        "run",
        "cd",
        "pwd",
        "ls",
        "load_ext",
        "reload_ext",
        "autoreload",
        "matplotlib",
        "config",
        "restart_python",
        "env",
        "time",
    }
)
_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class Defined(NamedTuple):
    """A function or class at a notebook's top level, or under an ``if``, ``try``, ``with`` or loop there."""

    name: str
    is_class: bool
    line: int
    nested: bool
    node: _Definition


class Loose(NamedTuple):
    """A rough reading: the Python cells as (first line, source), which of them parse, and what they define."""

    cells: list[tuple[int, str]]
    parsed: list[list[ast.stmt] | None]
    defined: list[Defined]


def read(path: Path) -> Loose:
    """Read a notebook roughly; a file that is no notebook has no cells."""
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    cells = list(_ipynb(text) if path.suffix == ".ipynb" else _source(text, path.suffix.lower()))
    parsed = [parse(line, source) for line, source in cells]
    defined = [found for body in parsed if body is not None for found in definitions(body)]
    return Loose(cells, parsed, defined)


def parse(line: int, source: str) -> list[ast.stmt] | None:
    """Parse a cell after blanking magic and shell lines; None where it isn't Python."""
    text = textwrap.dedent(re.sub(r"(?m)^(\s*)[%!].*$", r"\1pass", source))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse("\n" * (line - 1) + text).body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def definitions(body: Iterable[ast.stmt], *, nested: bool = False) -> Iterator[Defined]:
    """Give the definitions of a block, also those under compound statements."""
    for node in body:
        if isinstance(node, _Definition):
            yield Defined(node.name, isinstance(node, ast.ClassDef), node.lineno, nested, node)
            continue
        for block in ("body", "orelse", "finalbody"):
            yield from definitions(getattr(node, block, ()), nested=True)
        for handler in getattr(node, "handlers", ()):
            yield from definitions(handler.body, nested=True)


def _source(text: str, suffix: str) -> Iterator[tuple[int, str]]:
    comment = _COMMENTS.get(suffix, "#")
    lines = text.split("\n")
    if not lines[0].startswith(f"{comment} Databricks notebook source"):
        return
    start = 1
    for at in [*(n for n, line in enumerate(lines) if line.startswith(f"{comment} COMMAND ----------")), len(lines)]:
        cell = lines[start:at]
        magic = [line for line in cell if line.startswith(f"{comment} MAGIC")]
        code = [line for line in cell if line.strip() and not line.startswith((f"{comment} MAGIC", f"{comment} DBTITLE"))]
        language = _DEFAULTS.get(suffix, "python")
        if magic and all(line.startswith(comment) for line in code):
            shown = [re.sub(rf"^{re.escape(comment)} MAGIC ?", "", line) if line in magic else "" for line in cell]
        else:
            shown = ["" if line in magic or line.startswith(f"{comment} DBTITLE") else line for line in cell]
        source = _python(shown, language)
        if source is not None:
            yield start + 1, source
        start = at + 1


def _ipynb(text: str) -> Iterator[tuple[int, str]]:
    try:
        document = json.loads(text)
    except ValueError:
        return
    metadata = document.get("metadata", {})
    language = (
        (metadata.get("application/vnd.databricks.v1+notebook") or {}).get("language")
        or metadata.get("language_info", {}).get("name")
        or "python"
    )
    for cell in document.get("cells", ()):
        if cell.get("cell_type") == "code":
            shown = cell.get("source", "")
            source = _python(("".join(shown) if isinstance(shown, list) else str(shown)).split("\n"), language)
            if source is not None:
                yield 1, source


def _python(lines: list[str], language: str) -> str | None:
    """Give a cell's Python, or None where it is of another language."""
    for at, line in enumerate(lines):
        stripped = line.strip()
        if not stripped or (stripped.startswith(("#", "--", "//")) and not stripped.startswith("#%")):
            continue
        found = re.match(r"%%?([A-Za-z_][\w-]*)", stripped)
        if found is None:
            break
        name = found[1].lower()
        if name in _PYTHON or (name in {"time", "timeit", "capture"} and stripped.startswith("%%")):
            return "\n".join([*lines[:at], "", *lines[at + 1 :]])
        if name not in _LINE_MAGICS:
            return None
    return "\n".join(lines) if language.lower() == "python" and any(map(str.strip, lines)) else None
