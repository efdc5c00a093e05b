"""What a name needs: who binds it, which statements must run for it, and what of a test they take. Nothing is executed here."""

from __future__ import annotations

import ast
import builtins
from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

from harness.extract.kinds import DEFERRED, FIXTURE_FIRST, HELD, INJECTED, KEPT, RUN
from harness.extract.names import all_names, names_read
from harness.extract.purity import WIDGET_DEFINITIONS
from harness.extract.quiet import dotted_name
from harness.extract.safe import Names, Verdict, is_session, is_showing, judge

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import CodeType

    from harness.extract.run import Entry

_BUILTINS = frozenset(dir(builtins)) | {"__file__", "__spec__", "__package__"}


class Needs(NamedTuple):
    """What a unit takes to be called.

    ``given`` of the test ("spark", "dbutils", "widget", "display", …), ``computed`` names with the index of the entry that
    must run and why it may not, and names ``unresolved`` anywhere.
    """

    given: frozenset[str]
    computed: tuple[tuple[str, int, str], ...]
    unresolved: tuple[str, ...]

    @property
    def callable_as_is(self) -> bool:
        """Say whether a test can call the unit without giving it any value by hand."""
        return not self.computed and not self.unresolved


class Outline:
    """A flattened notebook as a graph of names: built once, asked often."""

    def __init__(self, entries: list[Entry]) -> None:
        self.entries = entries
        self.binders: dict[str, list[int]] = {}
        self.stars: list[tuple[int, str]] = []
        self._imports: dict[str, str] = {}
        self._definitions: dict[str, ast.stmt] = {}
        self._made: dict[str, str] | None = None
        self._verdicts: dict[int, Verdict] = {}
        self._codes: dict[int, CodeType] = {}
        for index, entry in enumerate(entries):
            row = entry.row
            for name in (*row.binds, *row.changes):
                if name == "*":
                    continue
                self.binders.setdefault(name, []).append(index)
            if row.what in {"import", "def", "class", "group", "other"} and row.kind in {KEPT, DEFERRED} and row.number >= 0:
                self._note(index, entry)
        self._names = Names(
            self._origin, self._made_by, self._definitions.get, INJECTED, tuple(module for _, module in self.stars)
        )

    def _note(self, index: int, entry: Entry) -> None:
        for node in self.nodes(entry):
            match node:
                case ast.Import():
                    for alias in node.names:
                        name = alias.asname or alias.name.partition(".")[0]
                        self._imports[name] = alias.name if alias.asname else name
                        self._definitions.pop(name, None)
                case ast.ImportFrom():
                    for alias in node.names:
                        if alias.name == "*":
                            self.stars.append((index, node.module or ""))
                        else:
                            self._imports[alias.asname or alias.name] = f"{'.' * node.level}{node.module or ''}.{alias.name}"
                            self._definitions.pop(alias.asname or alias.name, None)
                case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                    self._definitions[node.name] = node
                    self._imports.pop(node.name, None)

    @staticmethod
    def nodes(entry: Entry) -> Iterator[ast.stmt]:
        """Give the statements of a row: all of a group, and what is nested in an ``if``, ``try``, ``with`` or loop."""
        parsed = entry.source.parsed()
        row = entry.row
        at = row.number
        while at < len(parsed) and parsed[at].line <= row.end_line:
            node = parsed[at].node
            if isinstance(node, ast.stmt):
                yield from _with_nested(node)
            at += 1
            if row.what != "group":
                return

    def definition(self, entry: Entry, name: str) -> ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | None:
        """Find the definition of a name in its row."""
        found = None
        for node in self.nodes(entry):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.name == name:
                first = node.decorator_list[0].lineno if node.decorator_list else node.lineno
                if entry.row.line <= first <= entry.row.end_line:
                    found = node
        return found

    def is_definition(self, name: str) -> bool:
        """Say whether the notebook defines a function or class of that name."""
        return name in self._definitions

    def all_names(self) -> set[str]:
        """Give every name that a statement binds or reads."""
        names = set(self.binders)
        for index, entry in enumerate(self.entries):
            if entry.row.number >= 0 and entry.row.kind != RUN:
                names |= all_names(self.code(index))
        return names

    def imports(self, entry: Entry) -> Iterator[tuple[ast.stmt, str]]:
        """Give a row's import as one statement a name, with the name."""
        for node in self.nodes(entry):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield ast.copy_location(ast.Import([alias]), node), alias.asname or alias.name.partition(".")[0]
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    yield ast.copy_location(ast.ImportFrom(node.module, [alias], node.level), node), alias.asname or alias.name

    def _origin(self, name: str) -> str:
        return self._imports.get(name, "")

    def _made_by(self, name: str) -> str:
        """Give the dotted path of the class a name's value is made by, as in ``fake = Faker()``; "" where that isn't so."""
        if self._made is None:
            self._made = {}
            for entry in self.entries:
                if entry.row.kind == HELD and len(entry.row.binds) == 1:
                    node = entry.source.node(entry.row)
                    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
                        root, dot, rest = dotted_name(node.value.func).partition(".")
                        origin = self._imports.get(root, "")
                        self._made[entry.row.binds[0]] = f"{origin}{dot}{rest}" if origin else ""
        return self._made.get(name, "")

    def binder(self, name: str, before: int) -> int | None:
        """Give the last entry before an index that binds or may change the name."""
        found = self.binders.get(name)
        if not found:
            return None
        at = bisect_left(found, before)
        return found[at - 1] if at else None

    def verdict(self, index: int) -> Verdict:
        """Say whether a held-back entry is safe to run inside a test."""
        if index not in self._verdicts:
            entry = self.entries[index]
            node = entry.source.node(entry.row)
            verdict = judge(node, self._names)
            verdict.reason = verdict.reason or self._reads_unfinished(node, index)
            self._verdicts[index] = verdict
        return self._verdicts[index]

    def readers(self, names: Iterable[str], before: int) -> Iterator[int]:
        """Give the entries before an index that read or change one of the names, and that loading left open."""
        wanted = set(names)
        for index, entry in enumerate(self.entries[:before]):
            row = entry.row
            if row.kind == HELD and row.what == "other":
                if wanted & {*row.changes, *names_read(self.code(index))[0]} and not self.verdict(index).reason:
                    yield index
            elif (
                row.kind == KEPT
                and row.what in {"constant", "other"}
                and row.code is not None
                and wanted & names_read(row.code)[0]
            ):
                yield index

    def _reads_unfinished(self, node: ast.stmt, index: int) -> str:
        """Say which name a function that the statement calls reads although it is bound or changed again later."""
        todo = [part.func.id for part in ast.walk(node) if isinstance(part, ast.Call) and isinstance(part.func, ast.Name)]
        seen: set[str] = set()
        while todo:
            name = todo.pop()
            at = self.binder(name, len(self.entries))
            if name in seen or name not in self._definitions or at is None:
                continue
            seen.add(name)
            for read, _ in self._of_kept(name, at) if self.entries[at].row.code is not None else ():
                if read in self._definitions:
                    todo.append(read)
                elif any(binder > index for binder in self.binders.get(read, ())):
                    return f"calls {name}(), which reads {read} before it has its last value"
        return ""

    def code(self, index: int) -> CodeType:
        """Give an entry's code as it runs in a test: what only shows is left out, sessions of its own are the test's."""
        if index not in self._codes:
            entry = self.entries[index]
            if entry.row.code is not None and entry.row.kind == KEPT:
                self._codes[index] = entry.row.code
            else:
                own = self.definition(entry, entry.row.binds[0]) if entry.row.kind == DEFERRED else None
                node = _ForTest().visit(_copy(own or entry.source.node(entry.row)))
                self._codes[index] = entry.source.compile(ast.fix_missing_locations(node))
        return self._codes[index]

    def widget_definitions(self, before: int) -> Iterator[int]:
        """Give the entries that define widgets (``dbutils.widgets.text`` and its kind), in order."""
        for index, entry in enumerate(self.entries[:before]):
            if entry.row.kind != HELD or entry.row.what != "other":
                continue
            node = entry.source.node(entry.row)
            if (
                isinstance(node, ast.Expr)
                and isinstance(node.value, ast.Call)
                and dotted_name(node.value.func) in WIDGET_DEFINITIONS
            ):
                yield index

    def needs(self, code: CodeType) -> Needs:
        """Work out what a unit needs to be called, through sibling functions, computed values and ``%run``."""
        given: set[str] = set()
        computed: dict[str, tuple[int, str]] = {}
        unresolved: list[str] = []
        todo = [(name, len(self.entries)) for name in sorted(all_names(code), reverse=True)]
        seen: set[tuple[str, int | None]] = set()
        while todo:
            name, before = todo.pop()
            if name in FIXTURE_FIRST:
                given.add("spark" if name != "dbutils" else name)
                continue
            at = self.binder(name, before)
            if (name, at) in seen:
                continue
            seen.add((name, at))
            if at is None:
                self._free_name(name, given, unresolved)
                continue
            entry = self.entries[at]
            row = entry.row
            if row.kind == HELD:
                verdict = self.verdict(at)
                given |= verdict.needs
                if verdict.reason:
                    computed.setdefault(name, (at, verdict.reason))
                    continue
                own = {*row.binds, *row.changes}
                # A name that the statement itself binds is its own, unless an earlier statement bound it too.
                todo.extend(
                    (read, at)
                    for read in sorted(own | names_read(self.code(at))[0])
                    if read not in own or (read not in row.binds and self.binder(read, at) is not None)
                )
            elif row.kind == DEFERRED:
                todo.extend((read, len(self.entries)) for read in sorted(all_names(self.code(at))))
            elif row.code is not None:
                todo.extend(self._of_kept(name, at))
        return Needs(
            frozenset(given), tuple((name, at, why) for name, (at, why) in sorted(computed.items())), tuple(unresolved)
        )

    def _of_kept(self, name: str, at: int) -> list[tuple[str, int]]:
        """The names behind a kept binding: all that its function reads when called, at the state the notebook ends in."""
        row = self.entries[at].row
        assert row.code is not None, "kept rows have code"  # noqa: S101 - for the type checker
        if row.what == "group":
            from types import CodeType

            own = [c for c in row.code.co_consts if isinstance(c, CodeType) and c.co_name == name]
            return [(read, len(self.entries)) for code in own for read in sorted(all_names(code))]
        now, later = names_read(row.code)
        return [*((read, at) for read in sorted(now)), *((read, len(self.entries)) for read in sorted(later))]

    def _free_name(self, name: str, given: set[str], unresolved: list[str]) -> None:
        if name in INJECTED:
            given.add(
                name if name in {"dbutils", "display", "displayHTML"} else "dbutils" if name == "getArgument" else "spark"
            )
        elif name not in _BUILTINS and name not in unresolved and not self.stars and not name.startswith("@"):
            unresolved.append(name)


def _with_nested(node: ast.stmt) -> Iterator[ast.stmt]:
    yield node
    if isinstance(node, ast.If | ast.Try | ast.With | ast.For | ast.While):
        for block in ("body", "orelse", "finalbody"):
            for part in getattr(node, block, ()):
                yield from _with_nested(part)
        for handler in getattr(node, "handlers", ()):
            for part in handler.body:
                yield from _with_nested(part)


class _ForTest(ast.NodeTransformer):
    """Make a held-back statement fit for a test."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        if is_showing(node):
            return ast.copy_location(ast.Pass(), node)
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if is_session(node):
            return ast.copy_location(ast.Name("spark", ast.Load()), node)
        return self.generic_visit(node)


def _copy(node: ast.stmt) -> ast.stmt:
    import copy

    return copy.deepcopy(node)
