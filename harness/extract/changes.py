"""Which names a statement changes without binding them: in place, through functions it calls, by another name of one object."""

from __future__ import annotations

import ast
from contextlib import suppress
from typing import TYPE_CHECKING

from harness.extract.effects import ANYTHING_INSIDE, ITSELF, SOMETHING_INSIDE, Effects
from harness.extract.shares import HELD, PART, PERHAPS, is_plain, look_inside, root, shared, walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

# Methods that put their arguments into their object.
_STORE = frozenset(
    """
    __setitem__ add append appendleft extend extendleft insert put setdefault update
    """.split()  # noqa: SIM905 - as above
)


class Changes:
    """Follows a notebook's statements in order and tells what each changes."""

    def __init__(self) -> None:
        self._definitions: dict[str, ast.stmt] = {}
        self._effects = Effects(self._definitions)
        self._noted: list[tuple[ast.stmt, bool]] = []  # not looked into: most notebooks change nothing that this would tell
        self._same: dict[str, set[str]] = {}  # name -> names whose value is the same object
        self._perhaps: dict[str, set[str]] = {}  # name -> names of which its value may be one: it was called with them
        self._holders: dict[str, set[str]] = {}  # name -> names whose value holds it
        self._held: dict[str, set[str]] = {}  # name -> names whose value it was given to hold
        self._taken: dict[str, set[str]] = {}  # name -> names whose value was taken out of it
        self._plain: set[str] = set()  # names of numbers, texts and the like, which nothing can change in place
        self._nameless = 0
        self._results: dict[int, tuple[list[tuple[str, str]], list[ast.expr]]] = {}

    def of(self, node: ast.AST) -> set[str]:
        """Give the names that running the statement may change in place, or bind in an expression (``:=``)."""
        bound: set[str] = set()
        named: list[ast.NamedExpr] = []
        changed = self._effects.in_place(node, bound, named)
        if changed or named:
            self._look_into_noted()
        found = {name: how for name, how in changed.items() if name not in self._plain}
        for part in named:
            self._bind(part.target, part.value, surely=False)
        if found and self._is_linked:
            seen = set(found.items())
            todo = list(seen)
            while todo:
                new = set(self._follow(*todo.pop())) - seen
                seen |= new
                todo += new
            return bound.union(name for name, _ in seen if "#" not in name)
        return bound.union(found)

    @property
    def _is_linked(self) -> bool:
        return bool(self._same or self._holders)

    def _follow(self, name: str, how: int) -> Iterator[tuple[str, int]]:
        """Give the names whose values change with this one's, and how they do."""
        for same in self._same.get(name, ()):
            yield same, how
        for holder in self._holders.get(name, ()):
            yield holder, SOMETHING_INSIDE
        if how != SOMETHING_INSIDE:
            # Not where one of them is what has changed: that doesn't change the others.
            for one in self._perhaps.get(name, ()):
                yield one, how
        if how != ITSELF:
            for taken in self._taken.get(name, ()):
                yield taken, how
        if how == ANYTHING_INSIDE:
            for held in self._held.get(name, ()):
                yield held, how

    def define(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        """Take in a function or class: calls of its name are calls of this one from here on."""
        if node.name in self._definitions:
            self._look_into_noted()  # by what the name was until now
        self._definitions[node.name] = node
        self._effects.forget_methods()

    @property
    def definitions(self) -> Mapping[str, ast.stmt]:
        """The functions and classes so far."""
        return self._definitions

    def note(self, node: ast.stmt, *, surely: bool = True) -> None:
        """Remember which names the statement makes hold one object; ``surely`` says that it is not in a branch."""
        self._noted.append((node, surely))

    def _look_into_noted(self) -> None:
        noted, self._noted = self._noted, []
        for node, surely in noted:
            with suppress(RecursionError):  # too deep to look into: what is held back of it is asked for as a whole
                self._note(node, surely=surely)

    def _note(self, node: ast.stmt, *, surely: bool) -> None:
        # The common kinds first, told by type: this runs for most statements.
        kind = type(node)
        if kind is ast.Assign:
            value = node.value  # type: ignore[attr-defined]  # told above
            for target in node.targets:  # type: ignore[attr-defined]  # told above
                self._bind(target, value, surely=surely)
        elif kind is ast.FunctionDef or kind is ast.AsyncFunctionDef:
            arguments = node.args  # type: ignore[attr-defined]  # told above
            if arguments.defaults or arguments.kw_defaults:
                self._hold(node.name, [*arguments.defaults, *(d for d in arguments.kw_defaults if d is not None)], inside=True)  # type: ignore[attr-defined]  # told above
        elif kind is not ast.Import and kind is not ast.ImportFrom:
            self._note_other(node, surely=surely)

    def _note_other(self, node: ast.stmt, *, surely: bool) -> None:
        match node:
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=owner, attr=attr), args=args)) if attr in _STORE:
                self._hold(root(owner), args, inside=True)
            case ast.AnnAssign() if node.value is not None:
                self._bind(node.target, node.value, surely=surely)
            case ast.ClassDef():
                parts = [part for part in node.body if isinstance(part, ast.Assign | ast.AnnAssign)]
                self._hold(node.name, [part.value for part in parts if part.value is not None], inside=True)
            case ast.AugAssign():
                self._hold(root(node.target), [node.value], inside=True)
            case ast.For():
                self._bind(node.target, node.iter, surely=False)
                self._inside(node)
            case ast.If() | ast.While() | ast.Try() | ast.With() | ast.Match():
                self._inside(node)

    # -- one object under several names --

    def _inside(self, node: ast.stmt) -> None:
        for part in ast.iter_child_nodes(node):
            if isinstance(part, ast.stmt):
                self._note(part, surely=False)
            elif isinstance(part, ast.ExceptHandler | ast.match_case):
                for inner in part.body:
                    self._note(inner, surely=False)

    def _bind(self, target: ast.expr, value: ast.expr, *, surely: bool) -> None:
        if isinstance(target, ast.Name):
            if surely and is_plain(value):
                self._plain.add(target.id)
            else:
                self._plain.discard(target.id)
            shared = [] if type(value) is ast.Constant else list(self._shared(value))
            if surely and self._is_linked and all(name != target.id for name, _ in shared):
                self._let_go(target.id)
            self._link(target.id, shared)
        elif isinstance(target, ast.Tuple | ast.List):
            for element in target.elts:
                self._bind(element, value, surely=False)
        elif isinstance(target, ast.Starred):
            self._bind(target.value, value, surely=surely)
        else:  # `x.part = value`: holds it from now on, besides what it held
            self._hold(root(target), [value], inside=True)

    def _let_go(self, name: str) -> None:
        """The name is bound anew: its object lives on without it, for those that share it."""
        self._nameless += 1
        old = f"{name}#{self._nameless}"
        for links in (self._same, self._perhaps, self._holders, self._held, self._taken):
            if name in links:
                links[old] = links.pop(name)
            for names in links.values():
                if name in names:
                    names.remove(name)
                    names.add(old)

    def _shared(self, value: ast.expr) -> Iterator[tuple[str, str]]:
        """Give the names that share an object with the value, also through what the notebook's own functions give back."""
        yield from shared(value)
        if not self._definitions:
            return
        seen: set[str] = set()
        todo: list[ast.AST] = [value]
        while todo:
            for part in walk(todo.pop()):
                if type(part) is ast.Name and part.id in self._definitions and part.id not in seen:
                    seen.add(part.id)
                    definition = self._definitions[part.id]
                    if isinstance(definition, ast.ClassDef) and self._has_values(definition):
                        yield part.id, HELD
                    given, values = self._given_back(definition)
                    todo += values
                    yield from given

    def _has_values(self, definition: ast.ClassDef) -> bool:
        """Say whether a class, or one that it inherits from, has attributes that its objects could change in place."""
        if any(isinstance(part, ast.Assign | ast.AnnAssign) and not is_plain(part.value) for part in definition.body):
            return True
        bases = (self._definitions.get(base.id) for base in definition.bases if isinstance(base, ast.Name))
        return any(isinstance(base, ast.ClassDef) and base is not definition and self._has_values(base) for base in bases)

    def _given_back(self, definition: ast.stmt) -> tuple[list[tuple[str, str]], list[ast.expr]]:
        """Give the module's names that a function gives back, or a class's methods do, and the expressions for them."""
        known = self._results.get(id(definition))
        if known is None:
            found = look_inside(definition)
            values = found.given
            given = [(name, HELD) for value in values for name, _ in shared(value) if name not in found.local]
            known = self._results[id(definition)] = (given, values)
        return known

    def _hold(self, holder: str, values: Iterable[ast.expr], *, inside: bool = False) -> None:
        for value in values:
            if type(value) is not ast.Constant:
                self._link(holder, self._shared(value), inside=inside)

    def _link(self, holder: str, shared: Iterable[tuple[str, str]], *, inside: bool = False) -> None:
        for name, how in shared:
            if name == holder or not name or not holder or name in self._plain:
                continue
            if how == PART:
                self._holders.setdefault(holder, set()).add(name)
                self._taken.setdefault(name, set()).add(holder)
            elif how == PERHAPS and not inside:
                self._holders.setdefault(name, set()).add(holder)
                self._perhaps.setdefault(holder, set()).add(name)
            elif inside or how == HELD:
                self._holders.setdefault(name, set()).add(holder)
                self._held.setdefault(holder, set()).add(name)
            else:
                self._same.setdefault(name, set()).add(holder)
                self._same.setdefault(holder, set()).add(name)
