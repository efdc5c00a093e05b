"""Which folders a notebook puts on ``sys.path``, as far as its text shows it: nothing is executed.

On Databricks relative ones count from the notebook's own folder, in which it runs, whoever ``%run``s or imports the statement:
https://docs.databricks.com/files/workspace-modules.html.
"""

from __future__ import annotations

import ast
import posixpath
from typing import TYPE_CHECKING

from harness.extract.quiet import dotted_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_HERE = frozenset({"os.getcwd", "getcwd", "Path.cwd", "pathlib.Path.cwd"})
_SAME = frozenset({"os.path.abspath", "os.path.realpath", "os.path.normpath", "path.abspath", "abspath", "str", "os.fspath"})
_JOINED = frozenset({"os.path.join", "path.join", "join", "Path", "pathlib.Path", "PurePath"})
_DIRECTORY = frozenset({"os.path.dirname", "path.dirname", "dirname"})
_LATER = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_SAME_METHODS = frozenset({"resolve", "absolute", "as_posix"})


def added_folders(statements: Iterable[ast.AST]) -> tuple[tuple[int, str, bool], ...]:
    """The folders with the line of each, and whether it comes first: from the notebook's own ("../src"), or absolute.

    What is computed from anything but texts, the current folder and names that are bound to such is left out, and so is what
    only a function does.
    """
    known: dict[str, str] = {}
    found: list[tuple[int, str, bool]] = []
    for statement in statements:
        for node in _in_order(statement):
            match node:
                case (
                    ast.Assign(targets=[ast.Name(id=name)], value=value) | ast.AnnAssign(target=ast.Name(id=name), value=value)
                ):
                    path = _path(value, known) if value is not None else None
                    if path is None:
                        known.pop(name, None)
                    else:
                        known[name] = path
                case ast.Call(func=function, args=[folder]) if dotted_name(function) == "sys.path.append":
                    found += ((node.lineno, path, False) for path in _paths([folder], known))
                case ast.Call(func=function, args=[place, folder]) if dotted_name(function) == "sys.path.insert":
                    is_first = isinstance(place, ast.Constant)
                    found += ((node.lineno, path, is_first) for path in _paths([folder], known))
                case ast.Call(func=function, args=[ast.List(elts=folders)]) if dotted_name(function) == "sys.path.extend":
                    found += ((node.lineno, path, False) for path in _paths(folders, known))
                case ast.AugAssign(target=target, value=ast.List(elts=folders)) if dotted_name(target) == "sys.path":
                    found += ((node.lineno, path, False) for path in _paths(folders, known))
    return tuple(dict.fromkeys(found))


def _in_order(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    if not isinstance(node, _LATER):
        for inner in ast.iter_child_nodes(node):
            yield from _in_order(inner)


def _paths(folders: Iterable[ast.expr], known: Mapping[str, str]) -> Iterator[str]:
    for folder in folders:
        path = _path(folder, known)
        if path:
            yield posixpath.normpath(path)


def _path(node: ast.expr, known: Mapping[str, str]) -> str | None:  # noqa: PLR0911 -- one for each way to write it
    """What an expression of texts and paths comes to, where the current folder is "."."""
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.Name(id=name):
            return known.get(name)
        case ast.JoinedStr(values=parts):
            return _joined(parts, known, "")
        case ast.FormattedValue(value=value, conversion=-1, format_spec=None):
            return _path(value, known)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _joined([left, right], known, "")
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            return _joined([left, right], known, "/")
        case ast.Attribute(value=value, attr="parent"):
            return _above(_path(value, known))
        case ast.Subscript(value=ast.Attribute(value=value, attr="parents"), slice=ast.Constant(value=int() as number)):
            path = _path(value, known)
            for _ in range(number + 1):
                path = _above(path)
            return path
        case ast.Call(func=function, args=args, keywords=[]):
            return _called(function, args, known)
    return None


def _called(function: ast.expr, args: list[ast.expr], known: Mapping[str, str]) -> str | None:
    name = dotted_name(function)
    if name in _HERE:
        return "."
    if name in _JOINED:
        return _joined(args, known, "/") if args else "."
    if name in _SAME and len(args) == 1:
        return _path(args[0], known)
    if name in _DIRECTORY and len(args) == 1:
        return _above(_path(args[0], known))
    if isinstance(function, ast.Attribute) and function.attr in _SAME_METHODS:
        return _path(function.value, known)
    if isinstance(function, ast.Attribute) and function.attr == "joinpath":
        return _joined([function.value, *args], known, "/")
    return None


def _joined(parts: Iterable[ast.expr], known: Mapping[str, str], by: str) -> str | None:
    texts = [_path(part, known) for part in parts]
    known_texts = [text for text in texts if text is not None]
    if len(known_texts) != len(texts):
        return None
    return posixpath.join(*known_texts) if by else "".join(known_texts)


def _above(path: str | None) -> str | None:
    """The folder above: of a relative path it may be one above the current folder."""
    if path is None:
        return None
    path = posixpath.normpath(path)
    return posixpath.join(path, "..") if path == "." or path.endswith("..") else posixpath.dirname(path) or "."
