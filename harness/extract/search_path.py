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
_BARE = "\0"  # begins a path of the workspace's without "/Workspace", as a context tells it: by that no file is found
_ITSELF = _BARE + "./notebook"
_HIGHEST = 50
_DIRECTORY = frozenset({"os.path.dirname", "path.dirname", "dirname"})
_SAME_METHODS = frozenset({"resolve", "absolute", "as_posix"})


def added_folders(statements: Iterable[ast.AST]) -> tuple[tuple[int, str, bool], ...]:
    """The folders with the line of each, and whether it comes first: from the notebook's own ("../src"), or absolute.

    What is computed from anything but texts, the current folder and names that are bound to such is left out, and so is what
    only a function does.
    """
    found: dict[tuple[int, str, bool], None] = {}
    known: dict[str, str] = {}
    for statement in statements:
        _follow(statement, known, found)
    return tuple(found)


def _follow(node: ast.AST, known: dict[str, str], found: dict[tuple[int, str, bool], None]) -> None:
    """Note what a statement adds, and what the names mean after it: none where that depends on which way it went."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            return
        case ast.For() | ast.AsyncFor() | ast.While():
            _forget(node, known)  # a turn may begin with what the one before it made
            _follow_all(ast.iter_child_nodes(node), known, found)
            _forget(node, known)
        case ast.If() | ast.Try() | ast.Match():
            _follow_ways(node, known, found)
        case (
            ast.Assign(targets=[ast.Name(id=name)], value=value)
            | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
        ):
            path = _told(value, known)
            _follow_all(ast.iter_child_nodes(node), known, found)
            if path is not None:
                known[name] = path
        case ast.expr():
            for part in _parts(node):
                match part:
                    case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                        known.pop(name, None)
                    case ast.Call():
                        found.update({(part.lineno, *added): None for added in _added(part, known)})
        case _:
            if isinstance(node, ast.AugAssign):
                found.update({(node.lineno, *added): None for added in _added(node, known)})
            _follow_all(ast.iter_child_nodes(node), known, found)


def _parts(node: ast.expr) -> Iterator[ast.AST]:
    """What an expression is made of, but for what only a function does: without recursion, for chains of calls are long."""
    pending: list[ast.AST] = [node]
    while pending:
        part = pending.pop()
        if not isinstance(part, ast.Lambda):
            yield part
            pending.extend(reversed(list(ast.iter_child_nodes(part))))


def _follow_all(nodes: Iterable[ast.AST], known: dict[str, str], found: dict[tuple[int, str, bool], None]) -> None:
    for node in nodes:
        _follow(node, known, found)


def _follow_ways(node: ast.If | ast.Try | ast.Match, known: dict[str, str], found: dict[tuple[int, str, bool], None]) -> None:
    ways: list[list[ast.AST]]
    match node:
        case ast.If():
            _follow(node.test, known, found)
            ways = [[*node.body], [*node.orelse]]
        case ast.Try():
            ways = [[*node.body, *node.orelse]]
            ways += [[handler] for handler in node.handlers]
        case _:
            ways = [[]]
            ways += [[case] for case in node.cases]
    ends = []
    for way in ways:
        end = dict(known)
        _follow_all(way, end, found)
        ends.append(end)
    _forget(node, known)
    known |= {name: path for name, path in ends[0].items() if all(end.get(name) == path for end in ends)}
    if isinstance(node, ast.Try):
        _follow_all(node.finalbody, known, found)


def _forget(node: ast.AST, known: dict[str, str]) -> None:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name) and not isinstance(inner.ctx, ast.Load):
            known.pop(inner.id, None)


def _added(node: ast.AST, known: Mapping[str, str]) -> Iterator[tuple[str, bool]]:
    match node:
        case ast.Call(func=function, args=[folder]) if dotted_name(function) == "sys.path.append":
            yield from ((path, False) for path in _paths([folder], known))
        case ast.Call(func=function, args=[place, folder]) if dotted_name(function) == "sys.path.insert":
            yield from ((path, isinstance(place, ast.Constant)) for path in _paths([folder], known))
        case ast.Call(func=function, args=[ast.List(elts=folders)]) if dotted_name(function) == "sys.path.extend":
            yield from ((path, False) for path in _paths(folders, known))
        case ast.AugAssign(target=target, value=ast.List(elts=folders)) if dotted_name(target) == "sys.path":
            yield from ((path, False) for path in _paths(folders, known))


def _paths(folders: Iterable[ast.expr], known: Mapping[str, str]) -> Iterator[str]:
    for folder in folders:
        path = _told(folder, known)
        if path and _BARE not in path:
            yield posixpath.normpath(path)


def _told(node: ast.expr, known: Mapping[str, str]) -> str | None:
    try:
        return _path(node, known)
    except RecursionError:  # a text that is put together of hundreds is no folder
        return None


def _path(node: ast.expr, known: Mapping[str, str]) -> str | None:  # noqa: PLR0911 -- one for each way to write it
    """What an expression of texts and paths comes to, where the current folder is "."."""
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.Call(func=ast.Attribute(attr="get", value=ast.Call(func=ast.Attribute(attr="notebookPath")))):
            return _ITSELF
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
        case ast.Subscript(value=ast.Attribute(value=value, attr="parents"), slice=ast.Constant(value=int() as number)) if (
            0 <= number < _HIGHEST
        ):
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
    path = posixpath.join(*known_texts) if by else "".join(known_texts)
    return path.removeprefix("/Workspace" + _BARE)


def _above(path: str | None) -> str | None:
    """The folder above: of a relative path it may be one above the current folder."""
    if path is None:
        return None
    if path.startswith(_BARE):
        return f"{_BARE}{_above(path.removeprefix(_BARE))}"
    path = posixpath.normpath(path)
    return posixpath.join(path, "..") if path == "." or path.endswith("..") else posixpath.dirname(path) or "."
