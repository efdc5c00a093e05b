"""What a statement changes in place, and what calling the notebook's own functions does."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

from harness.extract.quiet import MUTATORS
from harness.extract.shares import PART, PERHAPS, SAME, look_inside, root, shared, walk

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Methods that change their object; MUTATORS are those that a test may also run.
_CHANGERS = MUTATORS.union(
    """
    __delitem__ __setitem__ add_argument appendleft difference_update extendleft fit intersection_update load_state_dict
    move_to_end partial_fit popleft put read_dict read_string rotate set_params subtract symmetric_difference_update
    """.split()  # noqa: SIM905 - a list this long is read as a text
)

# Functions that change their first argument.
_CHANGE_FIRST = frozenset(
    """
    delattr heapify heappop heappush heappushpop heapreplace insort insort_left insort_right next setattr setitem shuffle
    """.split()  # noqa: SIM905 - as above
)

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


# How a name's value is changed. What holds it holds a changed thing; of a part that was taken out by an expression it is
# not known which one it is, so it changes with every part.
ITSELF, SOMETHING_INSIDE, ANYTHING_INSIDE = range(3)


class _Effect(NamedTuple):
    """What calling a function changes, and how: module names, its own parameters, and the module names it binds anew."""

    names: Mapping[str, int]
    parameters: Mapping[str, int]
    rebinds: frozenset[str] = frozenset()


_NONE = _Effect({}, {})


class Effects:
    """Tells what running a statement changes; ``definitions`` are the notebook's functions and classes so far."""

    def __init__(self, definitions: Mapping[str, ast.stmt]) -> None:
        self._definitions = definitions
        self._effects: dict[int, _Effect] = {}
        self._methods: dict[str, list[ast.FunctionDef | ast.AsyncFunctionDef]] | None = None

    def in_place(self, node: ast.AST, bound: set[str], named: list[ast.NamedExpr]) -> dict[str, int]:
        """Give the names whose values the statement itself changes, and how.

        ``bound`` gets the names that it binds in expressions or by the functions it calls, ``named`` each ``:=``.
        """
        found: dict[str, int] = {}
        for part in walk(node):
            kind = type(part)
            if kind is ast.Name:
                if part.id in self._definitions and type(part.ctx) is ast.Load:  # type: ignore[attr-defined]  # told above
                    effect = self._effect_of(part.id)  # type: ignore[attr-defined]  # told above
                    bound |= effect.rebinds
                    for changed, how in effect.names.items():
                        _merge(found, changed, how)
            elif kind is ast.Call:
                self._called(part, found, bound)  # type: ignore[arg-type]  # told above
            elif kind is ast.Attribute or kind is ast.Subscript:
                if type(part.ctx) is not ast.Load:  # type: ignore[attr-defined]  # told above
                    _merge_owner(found, part.value)  # type: ignore[attr-defined]  # told above
                    name = _name_in_globals(part)  # type: ignore[arg-type]  # told above
                    if name is not None:
                        bound.add(name)
            elif kind is ast.NamedExpr:
                bound.add(part.target.id)  # type: ignore[attr-defined]  # told above
                named.append(part)  # type: ignore[arg-type]  # told above
            elif kind is ast.AugAssign and type(part.target) is ast.Name:  # type: ignore[attr-defined]  # told above
                bound.add(part.target.id)  # type: ignore[attr-defined]  # told above
                _merge(found, part.target.id, ITSELF)  # type: ignore[attr-defined]  # told above
        found.pop("", None)
        return found

    def _called(self, node: ast.Call, found: dict[str, int], bound: set[str]) -> None:
        function = node.func
        if isinstance(function, ast.Attribute):
            last = function.attr
            if last in _CHANGERS or any(keyword.arg == "inplace" for keyword in node.keywords):
                _merge_owner(found, function.value)
            for method in self._own_methods().get(last, ()):
                effect = self._effect(method)
                bound |= effect.rebinds
                for name, how in (*effect.names.items(), *_arguments(node, _parameters(method)[1:], effect.parameters)):
                    _merge(found, name, how)
                for itself in _parameters(method)[:1]:
                    if itself in effect.parameters:
                        _merge_owner(found, function.value, effect.parameters[itself])
        else:
            last = function.id if isinstance(function, ast.Name) else ""
            definition = self._definitions.get(last)
            if isinstance(definition, _FUNCTIONS):
                for name, how in _arguments(node, _parameters(definition), self._effect(definition).parameters):
                    _merge(found, name, how)
        if last in _CHANGE_FIRST and node.args:
            _merge_owner(found, node.args[0])

    def forget_methods(self) -> None:
        """A definition has come: the methods of the notebook's classes are to be looked up anew."""
        self._methods = None

    def _own_methods(self) -> dict[str, list[ast.FunctionDef | ast.AsyncFunctionDef]]:
        if self._methods is None:
            self._methods = {}
            for definition in self._definitions.values():
                if isinstance(definition, ast.ClassDef):
                    for part in definition.body:
                        if isinstance(part, _FUNCTIONS):
                            self._methods.setdefault(part.name, []).append(part)
        return self._methods

    def _effect_of(self, name: str) -> _Effect:
        definition = self._definitions.get(name)
        if isinstance(definition, _FUNCTIONS):
            return self._effect(definition)
        names: dict[str, int] = {}
        rebinds: frozenset[str] = frozenset()
        for part in getattr(definition, "body", ()):
            if isinstance(part, _FUNCTIONS) and part.name in {"__init__", "__new__", "__post_init__"}:
                rebinds |= self._effect(part).rebinds
                for changed, how in self._effect(part).names.items():
                    _merge(names, changed, how)
        return _Effect(names, {}, rebinds)

    def _effect(self, function: ast.FunctionDef | ast.AsyncFunctionDef) -> _Effect:
        """Say what calling a function changes."""
        known = self._effects.get(id(function))
        if known is not None:
            return known
        self._effects[id(function)] = _NONE  # for functions that call themselves
        declared, local, made_of, _ = look_inside(function)
        rebinds = declared & local
        local -= declared
        changed: dict[str, int] = {}
        bound: set[str] = set()
        for statement in function.body:
            for name, how in self.in_place(statement, bound, []).items():
                _merge(changed, name, how)
        rebinds |= bound - local
        todo = list(changed)
        while todo:
            name = todo.pop()
            for source, share in made_of.get(name, ()):
                how = _through(share, changed[name])
                if how > changed.get(source, -1):
                    changed[source] = how
                    todo.append(source)
        effect = _Effect(
            {name: how for name, how in changed.items() if name not in local},
            {name: how for name, how in changed.items() if name in _parameters(function)},
            frozenset(rebinds),
        )
        self._effects[id(function)] = effect
        return effect


def _merge(found: dict[str, int], name: str, how: int) -> None:
    found[name] = max(found.get(name, how), how)


def _merge_owner(found: dict[str, int], owner: ast.expr, how: int = ITSELF) -> None:
    """Note a change of what an expression gives: of the name itself, or of some part of its value."""
    name = root(owner)
    if name == "super":
        _merge(found, "self", ITSELF)
    else:
        _merge(found, name, how if isinstance(owner, ast.Name) else ANYTHING_INSIDE)


def _through(share: str, how: int) -> int:
    """Say how a value changes if another does that shares it so; -1 if it doesn't."""
    if share in {SAME, PERHAPS}:
        return how
    if share == PART:
        return ANYTHING_INSIDE
    return -1 if how == ITSELF else ANYTHING_INSIDE


def _parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    arguments = function.args
    return [argument.arg for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]


def _arguments(call: ast.Call, parameters: list[str], changed: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    """Give the names passed for parameters that the function changes, and how they change."""
    if not changed:
        return
    passed = [*zip(parameters, call.args, strict=False), *((keyword.arg, keyword.value) for keyword in call.keywords)]
    for parameter, value in passed:
        if parameter is not None and parameter in changed:
            for name, share in shared(value):
                how = _through(share, changed[parameter])
                if how >= 0:
                    yield name, how


def _name_in_globals(node: ast.expr) -> str | None:
    """Give the name that ``globals()["name"]`` binds."""
    match node:
        case ast.Subscript(value=ast.Call(func=ast.Name(id="globals")), slice=ast.Constant(value=str() as name)):
            return name
    return None
