"""Facts about one syntax node: is it constant, does defining it do more than define, which names does it bind."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef

# Methods that change the object they are called on.
MUTATORS = frozenset(
    {
        "add", "append", "clear", "discard", "extend", "insert", "pop", "popitem", "remove", "reverse", "setdefault",
        "sort", "update",
    }
)  # fmt: skip

# Calls that no definition should make while it is only being loaded.
_NOISY_NAMES = frozenset(
    {"open", "print", "input", "exec", "eval", "compile", "exit", "quit", "breakpoint", "__import__", "display", "displayHTML"}
)
_NOISY_MODULES = frozenset(
    {
        "os", "sys", "subprocess", "shutil", "socket", "requests", "urllib", "http", "time", "tempfile", "glob", "signal",
        "threading", "multiprocessing", "asyncio", "smtplib", "ftplib", "importlib", "boto3", "httpx",
    }
)  # fmt: skip
_QUIET_DESPITE_MODULE = frozenset({"os.environ.get", "os.getenv", "threading.Lock", "threading.RLock", "threading.local"})

# Enough for 1024**3 and "-" * 80; more could fill the memory of whoever only reads the notebook.
_MAX_POWER = 128
_MAX_REPEAT = 1_000_000


_PLAIN = (ast.Constant, ast.Name, ast.Lambda)


def is_constant(node: ast.expr) -> bool:  # noqa: C901, PLR0911, PLR0912 - one line for each kind of expression
    """Say whether the expression is made of literals, names, attributes and operators: no call, no loop.

    Names are not looked up: one that turns out to have no value yet makes the statement wait for a test.
    """
    if type(node) in _PLAIN:
        return True
    match node:
        case ast.Call():
            return False
        case ast.Attribute():
            return is_constant(node.value)
        case ast.Tuple() | ast.List() | ast.Set():
            return all(map(is_constant, node.elts))
        case ast.Dict():
            return all(key is None or is_constant(key) for key in node.keys) and all(map(is_constant, node.values))
        case ast.JoinedStr():
            return all(map(is_constant, node.values))
        case ast.FormattedValue():
            return is_constant(node.value) and (node.format_spec is None or is_constant(node.format_spec))
        case ast.BinOp():
            return _is_small(node) and is_constant(node.left) and is_constant(node.right)
        case ast.UnaryOp():
            return is_constant(node.operand)
        case ast.BoolOp():
            return all(map(is_constant, node.values))
        case ast.Compare():
            return is_constant(node.left) and all(map(is_constant, node.comparators))
        case ast.IfExp():
            return is_constant(node.test) and is_constant(node.body) and is_constant(node.orelse)
        case ast.Subscript():
            return is_constant(node.value) and is_constant(node.slice)
        case ast.Slice():
            return all(part is None or is_constant(part) for part in (node.lower, node.upper, node.step))
        case ast.Starred():
            return is_constant(node.value)
    return False


def _is_small(node: ast.BinOp) -> bool:
    match node.op:
        case ast.Pow():
            return _literal_below(node.right, _MAX_POWER) and not isinstance(node.left, ast.BinOp)
        case ast.LShift():
            return _literal_below(node.right, _MAX_POWER)
        case ast.Mult():
            numbers = [
                side.value for side in (node.left, node.right) if isinstance(side, ast.Constant) and type(side.value) is int
            ]
            sequences = [
                side
                for side in (node.left, node.right)
                if not (isinstance(side, ast.Constant) and isinstance(side.value, int | float | complex))
            ]
            return not (sequences and any(number > _MAX_REPEAT for number in numbers))
    return True


def _literal_below(node: ast.expr, limit: int) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float) and node.value <= limit


def is_quiet_definition(node: Definition, known: Mapping[str, ast.stmt]) -> bool:
    """Say whether executing the ``def`` or ``class`` only defines.

    ``known`` holds the notebook's own definitions so far: a decorator among them is looked into.
    """
    if not isinstance(node, ast.ClassDef):
        arguments = node.args
        if not (node.decorator_list or arguments.defaults or arguments.kw_defaults):
            return True
    elif not all(_is_quiet_in_class(part, known) for part in node.body):
        return False
    return all(_is_quiet(part, known) for part in executed_parts(node))


def executed_parts(node: Definition) -> Iterable[ast.expr]:
    """Give the expressions that run when the definition does, but for a class's own body."""
    yield from node.decorator_list
    if isinstance(node, ast.ClassDef):
        yield from node.bases
        for keyword in node.keywords:
            yield keyword.value
    else:
        yield from node.args.defaults
        yield from (default for default in node.args.kw_defaults if default is not None)


def _is_quiet_in_class(node: ast.stmt, known: Mapping[str, ast.stmt]) -> bool:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return is_quiet_definition(node, known)
        case ast.Assign() | ast.AugAssign() | ast.AnnAssign():
            return node.value is None or _is_quiet(node.value, known)
        case ast.Pass() | ast.Import() | ast.ImportFrom():
            return True
        case ast.Expr():
            return isinstance(node.value, ast.Constant)
        case ast.If():
            return _is_quiet(node.test, known) and all(_is_quiet_in_class(part, known) for part in [*node.body, *node.orelse])
    return False


def _is_quiet(node: ast.expr, known: Mapping[str, ast.stmt]) -> bool:
    """Say whether evaluating the expression only declares; a library's call does, the notebook's own is looked into."""
    if isinstance(node, ast.Name) and node.id in known:
        return _is_quiet_when_called(known[node.id])  # a bare decorator is a call
    if isinstance(node, ast.Constant | ast.Name | ast.Attribute):
        return True
    for call in ast.walk(node):
        match call:
            case ast.Call():
                name = dotted_name(call.func)
                root = name.partition(".")[0]
                if name in _NOISY_NAMES or (root in _NOISY_MODULES and name not in _QUIET_DESPITE_MODULE):
                    return False
                if root in known and not _is_quiet_when_called(known[root]):
                    return False
            case ast.Await() | ast.Yield() | ast.YieldFrom():
                return False
    return True


def _is_quiet_when_called(node: ast.stmt) -> bool:
    """Say whether calling the notebook's own function (as a decorator, say) is free of calls that act on the outside."""
    if isinstance(node, ast.ClassDef):
        constructors = [
            part
            for part in node.body
            if isinstance(part, ast.FunctionDef) and part.name in {"__init__", "__new__", "__post_init__"}
        ]
        return all(map(_is_quiet_when_called, constructors))
    for inner in _own_nodes(getattr(node, "body", ())):
        if isinstance(inner, ast.Call):
            name = dotted_name(inner.func)
            quiet_method = name.rpartition(".")[2] in MUTATORS | {
                "wraps",
                "get",
                "items",
                "keys",
                "values",
                "format",
                "partial",
            }
            if not quiet_method and name not in {
                "len",
                "str",
                "int",
                "float",
                "isinstance",
                "callable",
                "getattr",
                "hasattr",
                "dict",
                "list",
                "set",
                "tuple",
            }:
                return False
        if isinstance(inner, ast.With | ast.Await | ast.Global | ast.Raise):
            return False
    return True


def _own_nodes(body: Iterable[ast.AST]) -> Iterable[ast.AST]:
    """Walk a function's body but not the functions defined in it: only their decorators and defaults."""
    stack = list(body)
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            stack.extend(getattr(node, "decorator_list", ()))
            stack.extend(node.args.defaults)
        else:
            stack.extend(ast.iter_child_nodes(node))


def dotted_name(node: ast.expr) -> str:
    """Give ``a.b.c`` for such an expression; "" where the root is no name. Calls in between count as their function."""
    parts: list[str] = []
    while True:
        match node:
            case ast.Attribute():
                parts.append(node.attr)
                node = node.value
            case ast.Call():
                node = node.func
            case ast.Subscript():
                node = node.value
            case ast.Name():
                parts.append(node.id)
                return ".".join(reversed(parts))
            case _:
                return ""


def with_nested(node: ast.stmt) -> Iterator[ast.stmt]:
    """Give a statement and those in its blocks, but not those inside functions or classes."""
    yield node
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        for block in ("body", "orelse", "finalbody"):
            for part in getattr(node, block, ()):
                yield from with_nested(part)
        for parts in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
            for part in parts.body:
                yield from with_nested(part)


def is_main_guard(node: ast.AST) -> bool:
    """Say whether the statement is ``if __name__ == "__main__":`` with no other branch: a module isn't that, and skips it."""
    match node:
        case ast.If(
            test=ast.Compare(left=ast.Name(id="__name__"), ops=[ast.Eq()], comparators=[ast.Constant(value="__main__")]),
            orelse=[],
        ):
            return True
    return False


def bound_names(node: ast.stmt) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give the names that the statement surely binds, and those that it may bind or change in place.

    What an expression in it binds or changes (``:=``, calls) is told by ``harness.extract.changes``.
    """
    # The common kinds first, told by type: this runs for every statement of every notebook.
    kind = type(node)
    if kind is ast.Assign:
        if len(node.targets) == 1 and type(node.targets[0]) is ast.Name:  # type: ignore[attr-defined]  # told above
            return (node.targets[0].id,), ()  # type: ignore[attr-defined]  # told above
    elif kind in {ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef}:
        return (node.name,), ()  # type: ignore[attr-defined]  # told above
    elif kind is ast.Import:
        names: list[ast.alias] = node.names  # type: ignore[attr-defined]  # told above
        return tuple([alias.asname or alias.name.partition(".")[0] for alias in names]), ()
    elif kind is ast.ImportFrom:
        return tuple([alias.asname or alias.name for alias in node.names]), ()  # type: ignore[attr-defined]  # told above
    elif kind is ast.Expr:
        call = node.value  # type: ignore[attr-defined]  # told above
        if type(call) is ast.Call and type(call.func) is ast.Attribute and call.func.attr not in MUTATORS:
            return (), ()
    surely: dict[str, None] = {}
    maybe: dict[str, None] = {}
    _collect(node, surely, maybe)
    return tuple(surely), tuple(name for name in maybe if name not in surely)


def _collect(node: ast.stmt, surely: dict[str, None], maybe: dict[str, None]) -> None:  # noqa: C901, PLR0912 - as above
    match node:
        case ast.Assign():
            for target in node.targets:
                _target(target, surely, maybe)
        case ast.AnnAssign():
            if node.value is not None:
                _target(node.target, surely, maybe)
        case ast.AugAssign():
            _target(node.target, maybe, maybe)
        case ast.For() | ast.AsyncFor():
            _target(node.target, maybe, maybe)
            _blocks(node, maybe)
        case ast.With() | ast.AsyncWith():
            for item in node.items:
                if item.optional_vars is not None:
                    _target(item.optional_vars, surely, maybe)
            for part in node.body:
                _collect(part, surely, maybe)
        case ast.If() | ast.While() | ast.Try() | ast.TryStar() | ast.Match():
            _blocks(node, maybe)
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=owner, attr=method))) if method in MUTATORS:
            root = dotted_name(owner).partition(".")[0]
            if root:
                maybe[root] = None
        case ast.Delete():
            for target in node.targets:
                _target(target, maybe, maybe)
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() | ast.Import() | ast.ImportFrom():
            surely.update(dict.fromkeys(bound_names(node)[0]))
        case _ if type(node).__name__ == "TypeAlias":  # pragma: no cover - syntax from Python 3.12 on, and tested there
            _target(node.name, surely, maybe)  # type: ignore[attr-defined]  # ast.TypeAlias exists from Python 3.12 on


def _blocks(node: ast.stmt, maybe: dict[str, None]) -> None:
    for block in ("body", "orelse", "finalbody"):
        for part in getattr(node, block, ()):
            _collect(part, maybe, maybe)
    for handler in getattr(node, "handlers", ()):
        for part in handler.body:
            _collect(part, maybe, maybe)
    for case in getattr(node, "cases", ()):
        captured = (getattr(part, "name", None) or getattr(part, "rest", None) for part in ast.walk(case.pattern))
        maybe.update(dict.fromkeys(filter(None, captured)))
        for part in case.body:
            _collect(part, maybe, maybe)


def _target(target: ast.expr, surely: dict[str, None], maybe: dict[str, None]) -> None:
    match target:
        case ast.Name():
            surely[target.id] = None
        case ast.Tuple() | ast.List():
            for element in target.elts:
                _target(element, surely, maybe)
        case ast.Starred():
            _target(target.value, surely, maybe)
        case _:  # an attribute or an item
            root = dotted_name(target).partition(".")[0]
            if root:
                maybe[root] = None
