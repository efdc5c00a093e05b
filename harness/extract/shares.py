"""Which names share an object with an expression's value, and how."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

from harness.extract.quiet import dotted_name

if TYPE_CHECKING:
    from collections.abc import Iterator

# Calls that give a new object, which holds nothing of what it was made of.
_NEW = frozenset(
    """
    abs all any bool bytes chr complex deepcopy divmod float format hash hex id int isinstance len ord pow range repr round
    str sum
    """.split()  # noqa: SIM905 - a list this long is read as a text
)

# Methods that give a part of their object.
_GIVE_PARTS = frozenset({"get", "setdefault", "pop", "popitem", "values", "items"})

SAME, PERHAPS, HELD, PART = "same", "perhaps", "held", "part"


def shared(value: ast.expr, how: str = SAME) -> Iterator[tuple[str, str]]:
    """Give the names that share an object with the value, and how.

    It is the same object, or may be, it is held by the value, or the value is a part of it.
    """
    inside = PART if how == PART else HELD
    for part, part_how in _parts_of(value, how, inside):
        yield from shared(part, part_how)
    match value:
        case ast.Name():
            yield value.id, how
        case ast.Call():
            name = dotted_name(value.func).rpartition(".")[2]
            if name in _NEW:
                return
            for argument in (*value.args, *(keyword.value for keyword in value.keywords)):
                yield from shared(argument, inside)
                if how in {SAME, PERHAPS}:
                    yield from shared(argument, PERHAPS)  # it may give back its argument
            if isinstance(value.func, ast.Attribute) and name in _GIVE_PARTS:
                yield from shared(value.func.value, PART)


def _parts_of(value: ast.expr, how: str, inside: str) -> Iterator[tuple[ast.expr, str]]:
    """Give the expressions that an expression's value is made of, with how they share."""
    match value:
        case ast.Attribute() | ast.Subscript():
            yield value.value, PART
        case ast.IfExp():
            yield from ((value.body, how), (value.orelse, how))
        case ast.BoolOp():
            yield from ((part, how) for part in value.values)
        case ast.Starred() | ast.NamedExpr():
            yield value.value, how
        case ast.Tuple() | ast.List() | ast.Set():
            yield from ((part, inside) for part in value.elts)
        case ast.Dict():
            yield from ((part, inside) for part in value.values)
        case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
            yield (value.value if isinstance(value, ast.DictComp) else value.elt), HELD
            yield from ((generator.iter, PART) for generator in value.generators)


def is_plain(value: ast.expr | None) -> bool:
    """Say whether an expression gives what can't be changed in place, like a number or a text."""
    match value:
        case None | ast.Constant() | ast.JoinedStr() | ast.Compare():
            return True
        case ast.UnaryOp():
            return is_plain(value.operand)
        case ast.BinOp():
            return is_plain(value.left) and is_plain(value.right)
        case ast.Tuple():
            return all(map(is_plain, value.elts))
        case ast.Call(func=ast.Name(id=name)):
            return name in {"int", "float", "str", "bool", "len", "round", "repr"}
    return False


class Inside(NamedTuple):
    """What stands inside a function or class.

    Its ``global`` names, the names it binds, what shares the values of these and how, and the expressions it gives back.
    """

    declared: set[str]
    local: set[str]
    made_of: dict[str, set[tuple[str, str]]]
    given: list[ast.expr]


def look_inside(definition: ast.AST) -> Inside:
    """Look through a function or class, and the functions in it."""
    found = Inside(set(), set(), {}, [])
    for part in ast.walk(definition):
        kind = type(part)
        if kind is ast.Name:
            if type(part.ctx) is ast.Store:  # type: ignore[attr-defined]  # told above
                found.local.add(part.id)  # type: ignore[attr-defined]  # told above
        elif kind is ast.arg:
            found.local.add(part.arg)  # type: ignore[attr-defined]  # told above
        elif kind is ast.Global:
            found.declared.update(part.names)  # type: ignore[attr-defined]  # told above
        elif kind is ast.Return or kind is ast.Yield:
            if part.value is not None:  # type: ignore[attr-defined]  # told above
                found.given.append(part.value)  # type: ignore[attr-defined]  # told above
        elif kind is ast.Assign or kind is ast.For:
            targets = part.targets if isinstance(part, ast.Assign) else [part.target]  # type: ignore[attr-defined]  # told above
            value = part.value if isinstance(part, ast.Assign) else part.iter  # type: ignore[attr-defined]  # told above
            for target in targets:
                if isinstance(target, ast.Name) and type(value) is not ast.Constant:
                    found.made_of.setdefault(target.id, set()).update(shared(value))
    return found


def root(node: ast.expr) -> str:
    """Give the name at the left of `a.b[c].d`; "" where there is none."""
    return dotted_name(node).partition(".")[0]


def walk(node: ast.AST) -> list[ast.AST]:
    """Give the nodes of what runs with the statement: not the bodies of the functions it defines."""
    parts = [node]
    for part in parts:  # grows as it is walked
        kind = type(part)
        fields = _CHILDREN.get(kind)
        if fields is None:
            fields = _CHILDREN[kind] = tuple(name for name in part._fields if name not in _LEAVES)
        for name in fields:
            value = getattr(part, name, None)
            if type(value) is list:
                parts += value
            elif value is not None:
                parts.append(value)
    return parts


# Which fields of a kind of node hold nodes that run. Of a function those are its decorators and defaults.
_CHILDREN: dict[type, tuple[str, ...]] = {
    ast.FunctionDef: ("decorator_list", "args"),
    ast.AsyncFunctionDef: ("decorator_list", "args"),
    ast.arguments: ("defaults", "kw_defaults"),
    ast.Constant: (),
    ast.Name: (),
    ast.Global: (),
    ast.Nonlocal: (),
    ast.Import: (),
    ast.ImportFrom: (),
    ast.MatchSingleton: (),  # its value is True, False or None itself, and no node
    type(None): (),  # stands among a dict's keys for `**`, and among keyword-only defaults for none
}
_LEAVES = frozenset(
    {
        "ctx",
        "op",
        "ops",
        "id",
        "attr",
        "arg",
        "name",
        "rest",
        "kwd_attrs",
        "kind",
        "type_comment",
        "is_async",
        "simple",
        "conversion",
        "type_params",
    }
)
