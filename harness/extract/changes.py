"""Which names a statement changes without binding them: in place, through functions it calls, by another name of one object."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

from harness.extract.quiet import MUTATORS, dotted_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

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

# Calls that give a new object, which holds nothing of what it was made of.
_NEW = frozenset(
    """
    abs all any bool bytes chr complex deepcopy divmod float format hash hex id int isinstance len ord pow range repr round
    str sum
    """.split()  # noqa: SIM905 - as above
)

# Methods that give a part of their object.
_GIVE_PARTS = frozenset({"get", "setdefault", "pop", "popitem", "values", "items"})

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


# Methods that put their arguments into their object.
_STORE = frozenset(
    """
    __setitem__ add append appendleft extend extendleft insert put setdefault update
    """.split()  # noqa: SIM905 - as above
)

# How a name's value is changed. What holds it holds a changed thing; of a part that was taken out by an expression it is
# not known which one it is, so it changes with every part.
_ITSELF, _SOMETHING_INSIDE, _ANYTHING_INSIDE = range(3)


class _Effect(NamedTuple):
    """What calling a function changes, and how: module names, its own parameters, and the module names it binds anew."""

    names: Mapping[str, int]
    parameters: Mapping[str, int]
    rebinds: frozenset[str] = frozenset()


_NONE = _Effect({}, {})


class Changes:
    """Follows a notebook's statements in order and tells what each changes.

    ``definitions`` are its functions and classes so far.
    """

    def __init__(self, definitions: Mapping[str, ast.stmt]) -> None:
        self._definitions = definitions
        self._same: dict[str, set[str]] = {}  # name -> names whose value is the same object
        self._perhaps: dict[str, set[str]] = {}  # name -> names of which its value may be one: it was called with them
        self._holders: dict[str, set[str]] = {}  # name -> names whose value holds it
        self._held: dict[str, set[str]] = {}  # name -> names whose value it was given to hold
        self._taken: dict[str, set[str]] = {}  # name -> names whose value was taken out of it
        self._plain: set[str] = set()  # names of numbers, texts and the like, which nothing can change in place
        self._nameless = 0
        self._effects: dict[int, _Effect] = {}
        self._results: dict[int, tuple[list[tuple[str, str]], list[ast.expr]]] = {}
        self._methods: dict[str, list[ast.FunctionDef | ast.AsyncFunctionDef]] | None = None

    def of(self, node: ast.AST) -> set[str]:
        """Give the names that running the statement may change in place, or bind in an expression (``:=``)."""
        bound: set[str] = set()
        named: list[ast.NamedExpr] = []
        found = {name: how for name, how in self._in_place(node, bound, named).items() if name not in self._plain}
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
            yield holder, _SOMETHING_INSIDE
        if how != _SOMETHING_INSIDE:
            # Not where one of them is what has changed: that doesn't change the others.
            for one in self._perhaps.get(name, ()):
                yield one, how
        if how != _ITSELF:
            for taken in self._taken.get(name, ()):
                yield taken, how
        if how == _ANYTHING_INSIDE:
            for held in self._held.get(name, ()):
                yield held, how

    def note(self, node: ast.stmt, *, surely: bool = True) -> None:
        """Remember which names the statement makes hold one object; ``surely`` says that it is not in a branch."""
        # The common kinds first, told by type: this runs for every statement of every notebook.
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
                self._hold(_root(owner), args, inside=True)
            case ast.AnnAssign() if node.value is not None:
                self._bind(node.target, node.value, surely=surely)
            case ast.ClassDef():
                self._methods = None
                parts = [part for part in node.body if isinstance(part, ast.Assign | ast.AnnAssign)]
                self._hold(node.name, [part.value for part in parts if part.value is not None], inside=True)
            case ast.AugAssign():
                self._hold(_root(node.target), [node.value], inside=True)
            case ast.For():
                self._bind(node.target, node.iter, surely=False)
                self._inside(node)
            case ast.If() | ast.While() | ast.Try() | ast.With() | ast.Match():
                self._inside(node)

    # -- one object under several names --

    def _inside(self, node: ast.stmt) -> None:
        for part in ast.iter_child_nodes(node):
            if isinstance(part, ast.stmt):
                self.note(part, surely=False)
            elif isinstance(part, ast.ExceptHandler | ast.match_case):
                for inner in part.body:
                    self.note(inner, surely=False)

    def _bind(self, target: ast.expr, value: ast.expr, *, surely: bool) -> None:
        if isinstance(target, ast.Name):
            if surely and _is_plain(value):
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
            self._hold(_root(target), [value], inside=True)

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
        yield from _shared(value)
        if not self._definitions:
            return
        seen: set[str] = set()
        todo: list[ast.AST] = [value]
        while todo:
            for part in _walk(todo.pop()):
                if type(part) is ast.Name and part.id in self._definitions and part.id not in seen:
                    seen.add(part.id)
                    definition = self._definitions[part.id]
                    if isinstance(definition, ast.ClassDef) and self._has_values(definition):
                        yield part.id, _HELD
                    given, values = self._given_back(definition)
                    todo += values
                    yield from given

    def _has_values(self, definition: ast.ClassDef) -> bool:
        """Say whether a class, or one that it inherits from, has attributes that its objects could change in place."""
        if any(isinstance(part, ast.Assign | ast.AnnAssign) and not _is_plain(part.value) for part in definition.body):
            return True
        bases = (self._definitions.get(base.id) for base in definition.bases if isinstance(base, ast.Name))
        return any(isinstance(base, ast.ClassDef) and base is not definition and self._has_values(base) for base in bases)

    def _given_back(self, definition: ast.stmt) -> tuple[list[tuple[str, str]], list[ast.expr]]:
        """Give the module's names that a function gives back, or a class's methods do, and the expressions for them."""
        known = self._results.get(id(definition))
        if known is None:
            local: set[str] = set()
            values: list[ast.expr] = []
            for part in ast.walk(definition):
                kind = type(part)
                if kind is ast.Name:
                    if type(part.ctx) is ast.Store:  # type: ignore[attr-defined]  # told above
                        local.add(part.id)  # type: ignore[attr-defined]  # told above
                elif kind is ast.arg:
                    local.add(part.arg)  # type: ignore[attr-defined]  # told above
                elif (kind is ast.Return or kind is ast.Yield) and part.value is not None:  # type: ignore[attr-defined]  # told above
                    values.append(part.value)  # type: ignore[attr-defined]  # told above
            given = [(name, _HELD) for value in values for name, _ in _shared(value) if name not in local]
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
            if how == _PART:
                self._holders.setdefault(holder, set()).add(name)
                self._taken.setdefault(name, set()).add(holder)
            elif how == _PERHAPS and not inside:
                self._holders.setdefault(name, set()).add(holder)
                self._perhaps.setdefault(holder, set()).add(name)
            elif inside or how == _HELD:
                self._holders.setdefault(name, set()).add(holder)
                self._held.setdefault(holder, set()).add(name)
            else:
                self._same.setdefault(name, set()).add(holder)
                self._same.setdefault(holder, set()).add(name)

    # -- changes in place --

    def _in_place(self, node: ast.AST, bound: set[str], named: list[ast.NamedExpr]) -> dict[str, int]:
        """Give the names whose values the statement itself changes, and how.

        ``bound`` gets the names that it binds in expressions or by the functions it calls, ``named`` each ``:=``.
        """
        found: dict[str, int] = {}
        for part in _walk(node):
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
                _merge(found, part.target.id, _ITSELF)  # type: ignore[attr-defined]  # told above
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
        declared, local, made_of = _names_of(function)
        rebinds = declared & local
        local -= declared
        changed: dict[str, int] = {}
        bound: set[str] = set()
        for statement in function.body:
            for name, how in self._in_place(statement, bound, []).items():
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


def _names_of(function: ast.AST) -> tuple[set[str], set[str], dict[str, set[tuple[str, str]]]]:
    """Give a function's ``global`` names, the names it binds, and what shares the values of these, and how."""
    declared: set[str] = set()
    local: set[str] = set()
    made_of: dict[str, set[tuple[str, str]]] = {}
    for part in ast.walk(function):
        kind = type(part)
        if kind is ast.Name:
            if type(part.ctx) is ast.Store:  # type: ignore[attr-defined]  # told above
                local.add(part.id)  # type: ignore[attr-defined]  # told above
        elif kind is ast.arg:
            local.add(part.arg)  # type: ignore[attr-defined]  # told above
        elif kind is ast.Global:
            declared.update(part.names)  # type: ignore[attr-defined]  # told above
        elif kind is ast.Assign or kind is ast.For:
            targets = part.targets if isinstance(part, ast.Assign) else [part.target]  # type: ignore[attr-defined]  # told above
            value = part.value if isinstance(part, ast.Assign) else part.iter  # type: ignore[attr-defined]  # told above
            for target in targets:
                if isinstance(target, ast.Name) and type(value) is not ast.Constant:
                    made_of.setdefault(target.id, set()).update(_shared(value))
    return declared, local, made_of


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    """Walk what runs with the statement: not the bodies of the functions it defines."""
    todo = [node]
    while todo:
        part = todo.pop()
        yield part
        kind = type(part)
        fields = _CHILDREN.get(kind)
        if fields is None:
            fields = _CHILDREN[kind] = tuple(name for name in part._fields if name not in _LEAVES)
        for name in fields:
            value = getattr(part, name, None)
            if type(value) is list:
                todo += value
            elif value is not None:
                todo.append(value)


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


_SAME, _PERHAPS, _HELD, _PART = "same", "perhaps", "held", "part"


def _shared(value: ast.expr, how: str = _SAME) -> Iterator[tuple[str, str]]:
    """Give the names that share an object with the value, and how.

    It is the same object, or may be, it is held by the value, or the value is a part of it.
    """
    inside = _PART if how == _PART else _HELD
    for part, part_how in _parts_of(value, how, inside):
        yield from _shared(part, part_how)
    match value:
        case ast.Name():
            yield value.id, how
        case ast.Call():
            name = dotted_name(value.func).rpartition(".")[2]
            if name in _NEW:
                return
            for argument in (*value.args, *(keyword.value for keyword in value.keywords)):
                yield from _shared(argument, inside)
                if how in {_SAME, _PERHAPS}:
                    yield from _shared(argument, _PERHAPS)  # it may give back its argument
            if isinstance(value.func, ast.Attribute) and name in _GIVE_PARTS:
                yield from _shared(value.func.value, _PART)


def _parts_of(value: ast.expr, how: str, inside: str) -> Iterator[tuple[ast.expr, str]]:
    """Give the expressions that an expression's value is made of, with how they share."""
    match value:
        case ast.Attribute() | ast.Subscript():
            yield value.value, _PART
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
            yield (value.value if isinstance(value, ast.DictComp) else value.elt), _HELD
            yield from ((generator.iter, _PART) for generator in value.generators)


def _is_plain(value: ast.expr | None) -> bool:
    """Say whether an expression gives what can't be changed in place, like a number or a text."""
    match value:
        case None | ast.Constant() | ast.JoinedStr() | ast.Compare():
            return True
        case ast.UnaryOp():
            return _is_plain(value.operand)
        case ast.BinOp():
            return _is_plain(value.left) and _is_plain(value.right)
        case ast.Tuple():
            return all(map(_is_plain, value.elts))
        case ast.Call(func=ast.Name(id=name)):
            return name in {"int", "float", "str", "bool", "len", "round", "repr"}
    return False


def _root(node: ast.expr) -> str:
    return dotted_name(node).partition(".")[0]


def _merge(found: dict[str, int], name: str, how: int) -> None:
    found[name] = max(found.get(name, how), how)


def _merge_owner(found: dict[str, int], owner: ast.expr, how: int = _ITSELF) -> None:
    """Note a change of what an expression gives: of the name itself, or of some part of its value."""
    _merge(found, _root(owner), how if isinstance(owner, ast.Name) else _ANYTHING_INSIDE)


def _through(share: str, how: int) -> int:
    """Say how a value changes if another does that shares it so; -1 if it doesn't."""
    if share in {_SAME, _PERHAPS}:
        return how
    if share == _PART:
        return _ANYTHING_INSIDE
    return -1 if how == _ITSELF else _ANYTHING_INSIDE


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
            for name, share in _shared(value):
                how = _through(share, changed[parameter])
                if how >= 0:
                    yield name, how


def _name_in_globals(node: ast.expr) -> str | None:
    """Give the name that ``globals()["name"]`` binds."""
    match node:
        case ast.Subscript(value=ast.Call(func=ast.Name(id="globals")), slice=ast.Constant(value=str() as name)):
            return name
    return None
