"""Which held-back statements may run inside a test to give a name its value: those that only compute.

Allowed are literals, operators and loops over them, pure functions of the standard library, constructors of Spark types and
expressions, reads through the test's own ``spark`` and ``dbutils``, and the notebook's own functions made of such. Everything
else (network, files, training, services) stays held back, and its names are placeholders.
"""

from __future__ import annotations

import ast
import builtins
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.extract.calls import first_sql, is_chained, is_query, is_super, method_of_class, writes
from harness.extract.files import ASK_FOR_FILE, READING_METHODS, makes_of_file, opens_to_read
from harness.extract.purity import (
    AROUND,
    AROUND_LAST,
    INJECTED_READS,
    PURE_BUILTINS,
    PURE_METHODS,
    PURE_OBJECTS,
    PURE_PREFIXES,
    READ_ONLY_EXCEPT,
    SESSION_BUILDERS,
    SHOWING,
    SHOWING_METHODS,
    SPARK_PREFIXES,
    SPARK_ROOTS,
    WIDGET_DEFINITIONS,
)
from harness.extract.quiet import dotted_name, executed_parts, is_main_guard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

TOO_DEEP = "is nested too deeply"
# Of what a star import of Spark's functions gives, what looks like another module's class or method.
_MIXED_CASE = {"Window", "approxCountDistinct", "countDistinct", "sumDistinct", "toDegrees", "toRadians"}
_MIXED_CASE |= {"ArrayType", "DataType", "StringType", "StructType"}


@dataclass(slots=True)
class Names:
    """What the checker asks about names.

    ``origin`` gives an import's dotted path ("" if it is none), ``made_by`` that of the class a name's value is made by,
    ``definition`` the notebook's own ``def`` or ``class``, ``instance`` its own class whose object a name is, ``stars`` the
    modules that were star-imported. ``only_acts`` says of a statement, and of what is defined around it, that it gives no name
    a value and changes none.
    """

    origin: Callable[[str], str]
    made_by: Callable[[str], str]
    definition: Callable[[str], ast.stmt | None]
    instance: Callable[[str], ast.ClassDef | None]
    only_acts: Callable[[ast.stmt, Mapping[str, list[ast.stmt]]], bool]
    injected: frozenset[str]
    stars: tuple[str, ...] = ()


@dataclass(slots=True)
class Verdict:
    """Why a statement is not safe ("" if it is), and what of a test it needs: ``spark``, ``dbutils``, ``widget``.

    ``logger`` names the logger that the statement would give, where only a stand-in for it can be had; ``reads_file`` says
    that it opens a file of this machine, ``reads_around`` that it asks the environment, the clock or chance, which a test may
    have set for itself; ``left_out`` has the places (line, column) of calls in its blocks that only act.
    """

    reason: str = ""
    logger: str = ""
    reads_file: bool = False
    reads_around: bool = False
    left_out: set[tuple[int, int]] = field(default_factory=set)
    needs: set[str] = field(default_factory=set)


def judge(node: ast.stmt, names: Names) -> Verdict:
    """Say whether the statement only computes."""
    verdict = Verdict()
    checker = _Checker(names, verdict)
    try:
        checker.statement(node)
        if verdict.reads_file and checker.asks_for_file:
            verdict.reason = "reads a file only if it is there"
    except _UnsafeError as unsafe:
        verdict.reason = str(unsafe)
    except RecursionError:
        verdict.reason = TOO_DEEP
    return verdict


def is_showing(node: ast.stmt) -> bool:
    """Say whether the statement only shows something (``print``, ``display``, a log line)."""
    if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)):
        return False
    name = dotted_name(node.value.func)
    root, _, method = name.rpartition(".")
    return name in SHOWING or (method in SHOWING_METHODS and bool(root) and root.partition(".")[0] not in {"spark", "dbutils"})


def is_session(node: ast.AST) -> bool:
    """Say whether the expression makes a Spark session of its own: in a test that is the test's."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"getOrCreate", "create"}
        and dotted_name(node.func).startswith(SESSION_BUILDERS)
    )


class _UnsafeError(Exception):
    """Carries the reason up; never leaves this module."""


class _Checker:
    def __init__(self, names: Names, verdict: Verdict) -> None:
        self.names = names
        self.verdict = verdict
        self.called: set[str] = set()
        self.classes: list[ast.ClassDef] = []
        self.imported: dict[str, str] = {}  # by the functions looked into
        self.made: dict[str, str] = {}
        self.inner: dict[str, list[ast.stmt]] = {}  # what the statement itself, or a function looked into, defines
        self.files: set[str] = set()  # names of files that are open
        self.opened: set[int] = set()  # calls of `open` that only read
        self.tries = 0  # how many `try` there are around: one that goes on without a file would go on to another value
        self.asks_for_file = False
        self.blocks = self.functions = 0  # how many there are around

    def statement(self, node: ast.stmt) -> None:  # noqa: C901, PLR0912 - one line or two for each kind of statement
        match node:
            case ast.Assign():
                for target in node.targets:
                    self.target(target)
                self.expression(node.value)
                if isinstance(node.targets[0], ast.Name) and isinstance(node.value, ast.Call):
                    self.made[node.targets[0].id] = self.dotted(node.value.func)
            case ast.AnnAssign():
                self.target(node.target)
                if node.value is not None:
                    self.expression(node.value)
            case ast.AugAssign():
                self.target(node.target)
                self.expression(node.value)
            case ast.Expr():
                if not is_showing(node):
                    self.act(node)
            case ast.Return():
                if node.value is not None:
                    self.expression(node.value)
            case ast.Assert():
                self.expression(node.test)
            case ast.Raise():
                if node.exc is not None:
                    self.expression(node.exc)
            case ast.Delete():
                for target in node.targets:
                    self.target(target)
            case ast.ImportFrom():
                self.imported.update({alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names})
            case ast.Import():
                self.imported.update(
                    {
                        alias.asname or alias.name.partition(".")[0]: alias.name
                        for alias in node.names
                        if alias.asname or "." not in alias.name
                    }
                )
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                for executed in executed_parts(node):
                    self.expression(executed)
                self.inner.setdefault(node.name, []).append(node)
            case ast.Pass() | ast.Break() | ast.Continue():
                pass
            case _:
                self.compound(node)

    def compound(self, node: ast.stmt) -> None:
        """A statement with blocks: as safe as they are, and what decides between them."""
        match node:
            case ast.If() if is_main_guard(node):
                raise _UnsafeError('is under `if __name__ == "__main__"`, which a module skips')
            case ast.If():
                self.expression(node.test)
                self.block([*node.body, *node.orelse])
            case ast.For():
                self.target(node.target)
                self.expression(node.iter)
                self.block([*node.body, *node.orelse])
            case ast.Try():
                self.attempt(node)
            case ast.Match():
                self.expression(node.subject)
                for case in node.cases:
                    self.case(case)
            case ast.With() | ast.AsyncWith():
                self.context(node)
            case ast.While():
                raise _UnsafeError("loops with `while`")
            case ast.Global():
                raise _UnsafeError(f"changes the global {node.names[0]}")
            case _:
                raise _UnsafeError(f"is a `{type(node).__name__.lower()}` statement")

    def attempt(self, node: ast.Try) -> None:
        self.tries += bool(node.handlers)
        try:
            self.block([*node.body, *node.orelse, *node.finalbody])
            for handler in node.handlers:
                self.block(handler.body)
        finally:
            self.tries -= bool(node.handlers)

    def case(self, node: ast.match_case) -> None:
        for part in (node.pattern, node.guard):
            if part is not None:
                self.expression(part)
        self.block(node.body)

    def context(self, node: ast.With | ast.AsyncWith) -> None:
        if isinstance(node, ast.AsyncWith) or not all(self.is_file(item.context_expr) for item in node.items):
            opened = dotted_name(node.items[0].context_expr)
            raise _UnsafeError(f"enters `with {opened or '…'}`")
        for item in node.items:
            self.expression(item.context_expr)
            if isinstance(item.optional_vars, ast.Name):
                self.files.add(item.optional_vars.id)
        self.block(node.body)

    def block(self, body: Iterable[ast.stmt]) -> None:
        self.blocks += 1
        try:
            for node in body:
                self.statement(node)
        finally:
            self.blocks -= 1

    def body(self, function: ast.FunctionDef) -> None:
        """Judge what a function does when it is called."""
        self.functions += 1
        try:
            self.block(function.body)
        finally:
            self.functions -= 1

    def act(self, node: ast.Expr) -> None:
        """A call in a block that isn't safe, and that no value depends on, is left out, as it is outside of blocks."""
        called = set(self.called)
        try:
            self.expression(node.value)
        except _UnsafeError:
            # In a `try`, what comes next depends on how the call ends; and a function runs as it is.
            if self.functions or not self.blocks or self.tries or not self.names.only_acts(node, self.inner):
                raise
            self.called = called  # what was looked into may be unsafe where its value is needed
            self.verdict.left_out.add((node.lineno, node.col_offset))

    def target(self, target: ast.expr) -> None:
        match target:
            case ast.Name():
                return
            case ast.Tuple() | ast.List():
                for element in target.elts:
                    self.target(element)
            case ast.Starred():
                self.target(target.value)
            case _:  # an attribute or an item
                name = dotted_name(target)
                root = name.partition(".")[0]
                if root in self.names.injected or self.names.origin(root):
                    raise _UnsafeError(f"changes {name}")
                for part in ast.iter_child_nodes(target):
                    self.expression(part)

    def expression(self, node: ast.AST) -> None:
        match node:
            case ast.Call():
                self.call(node)
                for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
                    self.expression(argument)
            case ast.Name():
                self.name(node.id)
            case ast.Attribute() if self.dotted(node).startswith(AROUND):
                self.verdict.reads_around = True
            case ast.Await() | ast.Yield() | ast.YieldFrom():
                raise _UnsafeError(f"uses `{type(node).__name__.lower()}`")
            case ast.Lambda():
                self.expression(node.body)
            case ast.BinOp(op=ast.Pow()) if not isinstance(node.right, ast.Constant | ast.Name | ast.UnaryOp):
                raise _UnsafeError("raises to a computed power")
            case _:
                for child in ast.iter_child_nodes(node):
                    self.expression(child)

    def name(self, name: str) -> None:
        self.verdict.reads_around |= self.origin(name).startswith(AROUND)
        if name in self.names.injected and not self.names.origin(name) and self.names.definition(name) is None:
            self.verdict.needs.add("spark" if name in SPARK_ROOTS else "dbutils" if name == "getArgument" else name)

    def call(self, node: ast.Call) -> None:
        if is_session(node):
            self.verdict.needs.add("spark")
            return
        if id(node) in self.opened:
            return
        name = dotted_name(node.func)
        self.asks_for_file |= name.rpartition(".")[2] in ASK_FOR_FILE
        root, _, rest = name.partition(".")
        origin = self.origin(root)
        own = [] if origin else self.definitions(root)
        if own:
            for definition in own:
                self.own(definition, root, rest, node)
        elif not origin and root in self.names.injected:
            self.injected(name, node)
        elif origin:
            self.library(f"{origin}.{rest}" if rest else origin, node)
        elif root == "self" and self.classes and "." not in rest:
            self.own_method(rest)
        elif root == "super" and self.classes and is_super(node):
            self.own_method_of_bases(rest)
        elif (
            rest.isidentifier()
            and (method := method_of_class(self.names.instance(root), rest)) is not None
            and not is_chained(node)
        ):
            self.method_of(*method)
        elif (self.made.get(root) or self.names.made_by(root)).startswith(PURE_OBJECTS) or (root in PURE_BUILTINS and not rest):
            self.rest_of_chain(node)
        elif not rest and root:
            self.starred(root)
        else:
            self.method(node)

    def definitions(self, name: str) -> list[ast.stmt]:
        """Give all that the notebook's own function or class of a name may be where it is called."""
        definition = self.names.definition(name)
        return [*self.inner.get(name, ()), *([definition] if definition is not None else [])]

    def own(self, node: ast.stmt, name: str, rest: str, call: ast.Call) -> None:
        """A call of the notebook's own function or class: as safe as its body."""
        own_methods = (
            {part.name for part in node.body if isinstance(part, ast.FunctionDef)} if isinstance(node, ast.ClassDef) else ()
        )
        if is_chained(call):
            if rest.rpartition(".")[2] not in own_methods:
                self.method(call)
                return
            self.rest_of_chain(call)
        key = f"{name}.{rest} {id(node)} {self.tries > 0}"
        if key in self.called:
            return
        self.called.add(key)
        if isinstance(node, ast.ClassDef):
            bodies = [
                part
                for part in node.body
                if isinstance(part, ast.FunctionDef)
                and (part.name in {"__init__", "__new__", "__post_init__"} or part.name in rest.split("."))
            ]
        else:
            bodies = [node] if isinstance(node, ast.FunctionDef) else []
            if not bodies:
                raise _UnsafeError(f"calls {name}()")
        if isinstance(node, ast.ClassDef):
            self.classes.append(node)
        try:
            for body in bodies:
                self.body(body)
        except _UnsafeError as unsafe:
            raise _UnsafeError(f"calls {name}(), which {unsafe}") from None
        finally:
            if isinstance(node, ast.ClassDef):
                self.classes.pop()

    def origin(self, name: str) -> str:
        """Give the dotted path a name was imported from, in the notebook or in a function looked into."""
        return self.imported.get(name) or self.names.origin(name)

    def dotted(self, node: ast.expr) -> str:
        """Give the dotted path of what an expression names, "" where no import is behind it."""
        root, dot, rest = dotted_name(node).partition(".")
        origin = self.origin(root)
        return f"{origin}{dot}{rest}" if origin else ""

    def own_method(self, name: str) -> None:
        """A call of ``self.name()`` inside the notebook's own class."""
        key = f"{self.classes[-1].name}.{name} {self.tries > 0}"
        if key in self.called:
            return
        self.called.add(key)
        for part in self.classes[-1].body:
            if isinstance(part, ast.FunctionDef) and part.name == name:
                self.body(part)
                return
        if name not in {"__setattr__", "__init__"}:
            raise _UnsafeError(f"calls self.{name}()")

    def own_method_of_bases(self, name: str) -> None:
        """A call of ``super().name()`` inside the notebook's own class: as safe as that of each of its bases."""
        for base in self.classes[-1].bases:
            dotted = dotted_name(base)
            own = [] if self.origin(dotted) else [node for node in self.definitions(dotted) if isinstance(node, ast.ClassDef)]
            for node in own:
                self.classes.append(node)
                try:
                    if any(isinstance(part, ast.FunctionDef) and part.name == name for part in node.body):
                        self.own_method(name)
                    else:
                        self.own_method_of_bases(name)
                finally:
                    self.classes.pop()
            if not own and not (name == "__init__" and self.is_plain_base(base)):
                raise _UnsafeError(f"calls super().{name}()")

    def is_plain_base(self, base: ast.expr) -> bool:
        """Say whether a base class is one whose ``__init__`` only keeps what it is given."""
        kind = getattr(builtins, base.id, None) if isinstance(base, ast.Name) and not self.origin(base.id) else None
        plain = isinstance(kind, type) and (kind is object or issubclass(kind, BaseException | dict | list))
        return plain or self.dotted(base) == "abc.ABC"

    def method_of(self, owner: ast.ClassDef, method: ast.FunctionDef) -> None:
        """A call of a method on an object of the notebook's own class."""
        self.classes.append(owner)
        try:
            self.own_method(method.name)
        except _UnsafeError as unsafe:
            raise _UnsafeError(f"calls {owner.name}.{method.name}(), which {unsafe}") from None
        finally:
            self.classes.pop()

    def injected(self, name: str, node: ast.Call) -> None:
        if name == "getArgument" or name.startswith("dbutils.widgets."):
            self.verdict.needs.add("widget")
        elif name.startswith("dbutils"):
            self.verdict.needs.add("dbutils")
        elif name.partition(".")[0] in SPARK_ROOTS:
            self.verdict.needs.add("spark")
        if name in WIDGET_DEFINITIONS:
            return
        if name.startswith(INJECTED_READS) and not writes(node):
            self.rest_of_chain(node)
            return
        if name.startswith(("spark.sql", "sql", "sqlContext.sql")):
            if is_query(first_sql(node)):
                self.rest_of_chain(node)
                return
            raise _UnsafeError("runs SQL that may change something")
        if name == "spark.sparkContext" or name.startswith("spark.sparkContext.setLogLevel"):
            return
        raise _UnsafeError(f"calls {name}()")

    def rest_of_chain(self, node: ast.Call) -> None:
        """The receivers of a chained call are expressions with arguments of their own."""
        receiver = node.func
        while isinstance(receiver, ast.Attribute | ast.Subscript | ast.Call):
            if isinstance(receiver, ast.Call):
                for argument in (*receiver.args, *(keyword.value for keyword in receiver.keywords)):
                    self.expression(argument)
                receiver = receiver.func
            else:
                if isinstance(receiver, ast.Subscript):
                    self.expression(receiver.slice)
                receiver = receiver.value

    def library(self, dotted: str, node: ast.Call) -> None:
        self.verdict.reads_around |= dotted.startswith(AROUND) or dotted.endswith(AROUND_LAST)
        if dotted.startswith(SPARK_PREFIXES):
            self.verdict.needs.add("spark")
        elif not dotted.startswith(PURE_PREFIXES) and not (makes_of_file(dotted, node) and self.is_file(node.args[0])):
            prefix = next((p for p in READ_ONLY_EXCEPT if dotted.startswith(p)), None)
            last = dotted.rpartition(".")[2]
            if prefix is None or last.startswith(READ_ONLY_EXCEPT[prefix]) or writes(node):
                raise _UnsafeError(f"calls {dotted}()")
        if is_chained(node):
            self.method(node)

    def is_file(self, node: ast.expr) -> bool:
        """Say whether an expression is a file that can only be read, one that it opens or one that is open."""
        if isinstance(node, ast.Name):
            return node.id in self.files
        if not (isinstance(node, ast.Call) and opens_to_read(node)):
            return False
        if self.names.definition("open") is not None or self.origin("open"):
            return False
        if self.tries:
            raise _UnsafeError("reads a file, or goes on without it")
        self.opened.add(id(node))
        self.verdict.reads_file = True
        self.verdict.needs.add("file")
        return True

    def starred(self, name: str) -> None:
        """A bare name that nothing here binds may come from a star import of Spark."""
        if "pyspark.sql.types" in self.names.stars and (name.endswith("Type") or name in {"StructField", "Row"}):
            return
        if any(star.startswith(("pyspark.sql.functions", "pyspark.sql")) for star in self.names.stars) and (
            name.islower() or "_" in name or name in _MIXED_CASE
        ):
            self.verdict.needs.add("spark")
            return
        if self.names.stars and all(f"{star}.{name}".startswith(PURE_PREFIXES) for star in self.names.stars):
            return
        raise _UnsafeError(f"calls {name}()")

    def method(self, node: ast.Call) -> None:
        if not isinstance(node.func, ast.Attribute):
            raise _UnsafeError(f"calls {ast.unparse(node.func)[:40]}()")
        if node.func.attr in READING_METHODS and self.is_file(node.func.value):
            pass
        elif node.func.attr not in PURE_METHODS or writes(node):
            raise _UnsafeError(f"calls .{node.func.attr}()")
        self.expression(node.func.value)
