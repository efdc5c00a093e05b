"""What a Python file or notebook names of others: what it imports, what it ``%run``s, which notebooks it starts."""

from __future__ import annotations

import ast
import warnings
from typing import TYPE_CHECKING, NamedTuple

from harness.extract.quiet import dotted_name
from harness.extract.run import parse_run
from harness.notebook import python_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.model import Notebook


class Import(NamedTuple):
    """An import as it is written: ``from ..a.b import c, d`` is level 2, module "a.b", names ("c", "d")."""

    module: str
    level: int = 0
    names: tuple[str, ...] = ()


class Start(NamedTuple):
    """A notebook that another one runs; ``target`` is None where it is computed."""

    how: str  # "%run" or "dbutils.notebook.run"
    target: str | None
    line: int
    cell: int | None = None
    cell_line: int | None = None


class Names(NamedTuple):
    """What one file names of others."""

    imports: tuple[Import, ...] = ()
    starts: tuple[Start, ...] = ()


def of_module(source: bytes) -> Names:
    """What a plain Python file imports; nothing where it is no valid Python."""
    return Names(tuple(_imports(_tree(source))))


def of_notebook(notebook: Notebook) -> Names:
    """What a notebook's cells import, ``%run`` and start; a cell that is no valid Python names nothing."""
    imports: list[Import] = []
    starts: list[Start] = []
    for cell in notebook.cells:
        if cell.skipped:
            continue
        for magic in cell.magics:
            if magic.name.lower() == "run":
                target = parse_run(magic.argument).target or None
                if target is not None and ("$" in target or "{" in target):
                    target = None
                starts.append(Start("%run", target, magic.line, cell.number, magic.line - cell.first_line + 1))
        text = python_text(cell)
        if text is None:
            continue
        tree = _tree(text)
        imports.extend(_imports(tree))
        for call in _starts(tree):
            at = cell.first_line + call.lineno - 1
            starts.append(Start("dbutils.notebook.run", _target(call), at, cell.number, call.lineno))
    return Names(tuple(dict.fromkeys(imports)), tuple(starts))


def _tree(source: str | bytes) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module([], [])


def _imports(tree: ast.Module) -> Iterator[Import]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (Import(alias.name) for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                yield Import(module or "", level, tuple(alias.name for alias in names))
            case ast.Call(func=function, args=[ast.Constant(value=str() as name), *_]) if dotted_name(function) in {
                "importlib.import_module",
                "import_module",
                "__import__",
            }:
                level = len(name) - len(name.lstrip("."))
                yield Import(name[level:], level)


def _starts(tree: ast.Module) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and dotted_name(node.func) == "dbutils.notebook.run":
            yield node


def _target(call: ast.Call) -> str | None:
    given = [*call.args[:1], *(keyword.value for keyword in call.keywords if keyword.arg == "path")]
    match given:
        case [ast.Constant(value=str() as target)]:
            return target
    return None
