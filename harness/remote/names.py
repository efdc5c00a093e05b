"""What a Python file or notebook names of others: what it imports, what it ``%run``s, which notebooks it starts."""

from __future__ import annotations

import ast
import re
import warnings
from typing import TYPE_CHECKING, NamedTuple

from harness.extract.quiet import dotted_name
from harness.extract.run import parse_run
from harness.extract.search_path import added_folders
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
    """A notebook that another one runs; ``target`` is None where it is computed.

    ``given`` are the names of the widgets that it is given, None where these are computed.
    """

    how: str  # "%run" or "dbutils.notebook.run"
    target: str | None
    line: int
    cell: int | None = None
    cell_line: int | None = None
    given: frozenset[str] | None = None


class _Call(NamedTuple):
    """A start in one text; ``line`` counts there."""

    line: int
    target: str | None
    given: frozenset[str] | None = None


class Names(NamedTuple):
    """What one file names of others; ``folders`` are those that it puts on ``sys.path``, each with whether it comes first."""

    imports: tuple[Import, ...] = ()
    starts: tuple[Start, ...] = ()
    folders: tuple[tuple[str, bool], ...] = ()


_STARTS = "dbutils.notebook.run"
_STARTS_IN_TEXT = re.compile(r"""\bdbutils\.notebook\.run\b(?:\s*\(\s*(?:path\s*=\s*)?["']([^"'\n]*)["']\s*[,)])?""")
_OTHERS = frozenset({"scala", "r"})


def of_module(source: bytes) -> Names:
    """What a plain Python file imports and starts; nothing where it is no valid Python."""
    tree = _tree(source)
    starts = (Start(_STARTS, one.target, one.line, given=one.given) for one in _starts(tree))
    return Names(tuple(_imports(tree)), tuple(starts), _folders([tree]))


def of_notebook(notebook: Notebook) -> Names:
    """What a notebook's cells import, ``%run`` and start; a cell that is no valid Python names nothing."""
    imports: list[Import] = []
    starts: list[Start] = []
    trees: list[ast.Module] = []
    for cell in notebook.cells:
        if cell.skipped:
            continue
        for magic in cell.magics:
            if magic.name.lower() == "run":
                run = parse_run(magic.argument)
                target, given = run.target or None, frozenset(name for name, _ in run.arguments)
                if target is not None and ("$" in target or "{" in target):
                    target = None
                starts.append(Start("%run", target, magic.line, cell.number, magic.line - cell.first_line + 1, given))
        text = python_text(cell)
        if text is None:
            found = _in_text(cell.source) if cell.language in _OTHERS else ()
        else:
            tree = _tree(text)
            trees.append(tree)
            imports.extend(_imports(tree))
            found = _starts(tree)
        starts.extend(
            Start(_STARTS, one.target, cell.first_line + one.line - 1, cell.number, one.line, one.given) for one in found
        )
    return Names(tuple(dict.fromkeys(imports)), tuple(starts), _folders(trees))


def _folders(trees: list[ast.Module]) -> tuple[tuple[str, bool], ...]:
    return tuple(dict.fromkeys((path, is_first) for _, path, is_first in added_folders(trees)))


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


def _starts(tree: ast.Module) -> Iterator[_Call]:
    """All starts. Where `run` or all of `dbutils.notebook` is handed on, that may start anything."""
    calls: dict[ast.expr, ast.Call] = {}
    inner: set[ast.expr] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=function):
                calls[function] = node
            case ast.Attribute(value=value):
                inner.add(value)
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr="run", value=ast.Attribute(attr="notebook")):
                yield (
                    _Call(node.lineno, _target(calls[node]), _given(calls[node])) if node in calls else _Call(node.lineno, None)
                )
            case ast.Attribute(attr="notebook") if node not in inner and dotted_name(node).endswith("dbutils.notebook"):
                yield _Call(node.lineno, None)


def _in_text(source: str) -> Iterator[_Call]:
    """The same in Scala and R, as far as a text shows it."""
    for found in _STARTS_IN_TEXT.finditer(source):
        yield _Call(source.count("\n", 0, found.start()) + 1, found[1])


def _target(call: ast.Call) -> str | None:
    given = [*call.args[:1], *(keyword.value for keyword in call.keywords if keyword.arg == "path")]
    match given:
        case [ast.Constant(value=str() as target)]:
            return target
    return None


def _given(call: ast.Call) -> frozenset[str] | None:
    match [*call.args[2:3], *(keyword.value for keyword in call.keywords if keyword.arg in {"arguments", None})]:
        case []:
            return frozenset()
        case [ast.Dict(keys=keys)] if all(isinstance(key, ast.Constant) for key in keys):
            return frozenset(str(key.value) for key in keys if isinstance(key, ast.Constant))
    return None
