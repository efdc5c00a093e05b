"""What texts Python makes, as far as it shows: constants, f-strings, texts put together, names that stand for a known text."""

from __future__ import annotations

import ast
import re
import string
import warnings
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

UNKNOWN = "{}"
"""What stands in a text for a part that doesn't show."""

_HAS_DEFAULT = frozenset({"get", "getenv", "getArgument", "pop", "setdefault"})
_AS_IT_IS = frozenset({"lower", "upper", "strip", "casefold"})


class Bound(NamedTuple):
    """A value that is bound to a name, an attribute (``.name``) or a key (``[name]``)."""

    name: str
    value: ast.expr


class Texts:
    """Tells the texts of expressions. ``used`` are the parts that went into a text, and are none by themselves.

    Args:
        known: The text that a name, or an attribute (``.name``), stands for, or None.
        default: That of a widget.
    """

    def __init__(self, known: Callable[[str], str | None], default: Callable[[str], str | None]) -> None:
        self.used: set[ast.AST] = set()
        self._known, self._default = known, default

    def of(self, node: ast.expr) -> str | None:
        """The text that an expression makes; None where nothing of it shows."""
        match node:
            case ast.Constant(value=str() as text):
                found: str | None = text
            case ast.Name(id=name):
                found = self._known(name)
            case ast.Attribute(attr=name):
                found = self._known(f".{name}")
            case ast.JoinedStr(values=parts):
                found = "".join(map(self._part, parts))
            case ast.FormattedValue(value=value):
                found = self._part(value)
            case ast.BinOp(op=ast.Add()):
                found = self._sum(node)
            case ast.BinOp(left=ast.Constant(value=str() as form) as left, op=ast.Mod(), right=right):
                self.used.add(left)
                values = iter(right.elts if isinstance(right, ast.Tuple) else [right])
                found = re.sub("%s", lambda _: self._next(values), form)
            case ast.Call():
                found = self._of_call(node)
            case _:
                found = None
        return found

    def _sum(self, node: ast.expr) -> str:
        """Of a sum as long as it likes: the Python of a notebook that some tool has written may be deep."""
        parts: list[ast.expr] = []
        while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            self.used.add(node)
            parts.append(node.right)
            node = node.left
        return "".join(map(self._part, (node, *reversed(parts))))

    def _of_call(self, call: ast.Call) -> str | None:
        match call:
            case ast.Call(func=ast.Attribute(value=ast.Constant(value=str() as form) as left, attr="format")):
                self.used.add(left)
                return self._formatted(form, call)
            case ast.Call(
                func=ast.Attribute(value=ast.Constant(value=str() as form) as left, attr="join"),
                args=[ast.List(elts=parts) | ast.Tuple(elts=parts)],
            ):
                self.used.add(left)
                return form.join(map(self._part, parts))
            case ast.Call(func=function, args=[ast.Constant(value=str() as widget)]) if _asks_widget(function):
                return self._default(widget)
        return None

    def _part(self, node: ast.expr) -> str:
        text = self.of(node)
        if text is None:
            return UNKNOWN
        self.used.add(node)
        return text

    def _next(self, parts: Iterator[ast.expr]) -> str:
        part = next(parts, None)
        return UNKNOWN if part is None else self._part(part)

    def _formatted(self, form: str, call: ast.Call) -> str:
        given = {one.arg: one.value for one in call.keywords} | {str(number): one for number, one in enumerate(call.args)}
        made, count = [], 0
        try:
            for text, name, _, _ in string.Formatter().parse(form):
                made.append(text)
                if name is not None:
                    value = given.get(name or str(count))
                    count += not name
                    made.append(UNKNOWN if value is None else self._part(value))
        except ValueError:
            return form  # it fails, if it gets there
        return "".join(made)


def tree_of(source: str) -> ast.Module | None:
    """Read Python; None where it is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def bound(nodes: Iterable[ast.AST]) -> Iterator[Bound]:
    """What these nodes bind, not what is in them; the defaults of a function's parameters are bound to these."""
    for node in nodes:
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    yield from _pairs(target, value)
            case ast.AnnAssign(target=target, value=ast.expr() as value) | ast.NamedExpr(target=target, value=value):
                yield from _pairs(target, value)
            case ast.arguments():
                named = [*node.posonlyargs, *node.args]
                for argument, default in zip(named[len(named) - len(node.defaults) :], node.defaults, strict=True):
                    yield Bound(argument.arg, default)
                for argument, only in zip(node.kwonlyargs, node.kw_defaults, strict=True):
                    if only is not None:
                        yield Bound(argument.arg, only)


def leaves(value: ast.expr) -> Iterator[ast.expr]:
    """The expressions of which a value is one: the sides of a condition, the default of ``get``."""
    match value:
        case ast.IfExp(body=body, orelse=other):
            yield from (*leaves(body), *leaves(other))
        case ast.BoolOp(values=values):
            for one in values:
                yield from leaves(one)
        case ast.NamedExpr(value=inner):
            yield from leaves(inner)
        case ast.Call(func=ast.Attribute(value=inner, attr=name)) if name in _AS_IT_IS:
            yield from leaves(inner)
        case ast.Call(func=function, args=[_, default, *_]) if name_of(function) in _HAS_DEFAULT:
            yield from leaves(default)
        case _:
            yield value


def name_of(function: ast.expr) -> str:
    """The last part of a function's name."""
    match function:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[Bound]:
    match target, value:
        case ((ast.Tuple(elts=targets) | ast.List(elts=targets)), (ast.Tuple(elts=values) | ast.List(elts=values))):
            if len(targets) == len(values):
                for one, its in zip(targets, values, strict=True):
                    yield from _pairs(one, its)
        case ast.Name(id=name), _:
            yield Bound(name, value)
        case ast.Attribute(attr=name), _:
            yield Bound(f".{name}", value)
        case ast.Subscript(slice=ast.Constant(value=str() as name)), _:
            yield Bound(f"[{name}]", value)


def _asks_widget(function: ast.expr) -> bool:
    match function:
        case ast.Attribute(value=ast.Attribute(attr="widgets"), attr="get") | ast.Name(id="getArgument"):
            return True
    return False
