"""Names that may stand for one object: what changes one of them in place changes the others."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


class Aliases:
    """Groups of names joined by assignments such as ``x = y``, ``x = [y]`` or ``x = own_function(y)``."""

    def __init__(self, nodes: Iterable[ast.stmt], own: Mapping[str, ast.stmt]) -> None:
        self._group: dict[str, set[str]] = {}
        for node in nodes:
            for part in _assignments(node):
                targets = part.targets if isinstance(part, ast.Assign) else [part.target]
                names = {target.id for target in targets if isinstance(target, ast.Name)}
                if names and part.value is not None:
                    self._join(names | set(shared_names(part.value, own)))

    def _join(self, names: set[str]) -> None:
        joined = set(names)
        for name in names:
            joined |= self._group.get(name, set())
        if len(joined) > 1:
            for name in joined:
                self._group[name] = joined

    def of(self, names: Iterable[str]) -> set[str]:
        """Give the names and all that may stand for the same objects."""
        found: set[str] = set()
        for name in names:
            found |= self._group.get(name, {name})
        return found


def captured_names(node: ast.stmt, own: Mapping[str, ast.stmt]) -> set[str]:
    """Give the names whose objects a definition keeps: by a default, or as an attribute of a class."""
    if isinstance(node, ast.ClassDef):
        values = [part.value for part in node.body if isinstance(part, ast.Assign | ast.AnnAssign) and part.value is not None]
        inner = [name for part in node.body for name in captured_names(part, own)]
        return {*inner, *(name for value in values for name in shared_names(value, own))}
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        defaults = [*node.args.defaults, *(default for default in node.args.kw_defaults if default is not None)]
        return {name for default in defaults for name in shared_names(default, own)}
    return set()


def shared_names(node: ast.expr, own: Mapping[str, ast.stmt]) -> Iterator[str]:
    """Give the names whose objects an expression may hand on as they are."""
    match node:
        case ast.Name():
            yield node.id
        case ast.Tuple() | ast.List() | ast.Set():
            for element in node.elts:
                yield from shared_names(element, own)
        case ast.Dict():
            for value in node.values:
                yield from shared_names(value, own)
        case ast.Attribute() | ast.Subscript() | ast.Starred() | ast.NamedExpr():
            yield from shared_names(node.value, own)
        case ast.IfExp():
            yield from shared_names(node.body, own)
            yield from shared_names(node.orelse, own)
        case ast.BoolOp():
            for value in node.values:
                yield from shared_names(value, own)
        case ast.Call(func=ast.Name(id=name)) if name in own:
            for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
                yield from shared_names(argument, own)


def _assignments(node: ast.stmt) -> Iterator[ast.Assign | ast.AnnAssign]:
    if isinstance(node, ast.Assign | ast.AnnAssign):
        yield node
    elif isinstance(node, ast.If | ast.For | ast.While | ast.Try | ast.With):
        for part in ast.walk(node):
            if isinstance(part, ast.Assign | ast.AnnAssign):
                yield part
