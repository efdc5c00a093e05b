"""Which tables a notebook's text reads, and to which schemas it writes: for who has to make them before it runs.

Only what stands there in full counts, ``main.sales.orders``: a name that is put together at run time isn't guessed.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, NamedTuple

from harness.notebook import python_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.model import Notebook

_NAME = r"(?P<name>(?:`[^`]+`|\w+)(?:\.(?:`[^`]+`|\w+)){1,2})(?![\w.`{(/])"
_READ = re.compile(rf"\b(?:from|join|using|describe|optimize)\s+(?:table\s+)?{_NAME}", re.IGNORECASE)
_WRITTEN = re.compile(
    rf"\b(?:into|overwrite|create(?:\s+or\s+replace)?(?:\s+temporary)?\s+(?:table|view))\s+(?:table\s+)?(?:if\s+not\s+exists\s+)?{_NAME}",
    re.IGNORECASE,
)
_SQL = re.compile(r"\s*(?:select|with|insert|merge|create|delete|update|optimize|describe|from)\b", re.IGNORECASE)
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_READS, _WRITES = frozenset({"table", "forName"}), frozenset({"saveAsTable", "insertInto", "writeTo", "toTable"})
_FORMATS = frozenset({"avro", "binaryfile", "csv", "delta", "json", "orc", "parquet", "text", "xml"})
"""What stands before a path in SQL, as if it were a schema."""
_FEW = 6


class Named(NamedTuple):
    """The tables that are read and that the notebook doesn't write itself, and the schemas of those that it writes."""

    read: tuple[str, ...] = ()
    written_to: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = []
        if self.read:
            parts.append(f"reads {_few(self.read)}")
        if self.written_to:
            parts.append(f"writes to the schema{'s' if len(self.written_to) > 1 else ''} {_few(self.written_to)}")
        return f"by its text the notebook {' and '.join(parts)}" if parts else ""


def tables_named(notebook: Notebook) -> Named:
    """Read a notebook's cells of SQL, and the texts of SQL and the names of tables in its Python."""
    read, written = dict[str, None](), dict[str, None]()
    for cell in notebook.cells:
        if cell.skipped:
            continue
        python = python_text(cell)
        found = _of_python(python) if python is not None else _of_sql(cell.source) if cell.language == "sql" else ()
        for is_written, name in found:
            if name.partition(".")[0].lower() not in _FORMATS:
                (written if is_written else read)[name.replace("`", "")] = None
    return Named(
        tuple(name for name in read if name not in written), tuple(dict.fromkeys(name.rpartition(".")[0] for name in written))
    )


def _of_sql(text: str) -> Iterator[tuple[bool, str]]:
    bare = _COMMENT.sub(" ", text)
    for is_written, pattern in ((False, _READ), (True, _WRITTEN)):
        yield from ((is_written, found["name"]) for found in pattern.finditer(bare))


def _of_python(text: str) -> Iterator[tuple[bool, str]]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in sorted(ast.walk(tree), key=lambda one: getattr(one, "lineno", 0)):
        match node:
            case ast.Constant(value=str() as sql) if _SQL.match(sql):
                yield from _of_sql(sql)
            case ast.JoinedStr(values=parts):
                whole = "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in parts)
                if _SQL.match(whole):
                    yield from _of_sql(whole.replace("{}.", "{"))  # what follows is the rest of a name
            case ast.Call(func=ast.Attribute(attr=called), args=[*_, ast.Constant(value=str() as name)]) if (
                called in _READS | _WRITES and re.fullmatch(_NAME, name)
            ):
                yield called in _WRITES, name


def _few(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _FEW} more" if len(names) > _FEW else ""
    return ", ".join(names[:_FEW]) + more
