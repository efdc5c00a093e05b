"""What a name needs: who binds it, which statements must run for it, and what of a test they take. Nothing is executed here."""

from __future__ import annotations

import ast
import builtins
from bisect import bisect_left
from inspect import CO_OPTIMIZED
from types import CodeType
from typing import TYPE_CHECKING, NamedTuple

from harness.extract.effects import Effects
from harness.extract.fit import fit_for_test
from harness.extract.kinds import DEFERRED, FIXTURE_FIRST, HELD, INJECTED, KEPT
from harness.extract.loggers import logger_name
from harness.extract.names import all_names, names_read
from harness.extract.purity import WIDGET_DEFINITIONS
from harness.extract.quiet import bound_names, dotted_name, with_nested
from harness.extract.safe import TOO_DEEP, Names, Verdict, judge

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.extract.run import Entry

_BUILTINS = frozenset(dir(builtins)) | {"__file__", "__spec__", "__package__"}


class Needs(NamedTuple):
    """What a unit takes to be called.

    ``given`` of the test ("spark", "dbutils", "widget", "display", …), ``computed`` names with the index of the entry that
    must run and why it may not, and names ``unresolved`` anywhere; ``reads`` are all names that were met.
    """

    given: frozenset[str]
    computed: tuple[tuple[str, int, str], ...]
    unresolved: tuple[str, ...]
    reads: frozenset[str] = frozenset()


class Outline:
    """A flattened notebook as a graph of names: built once, asked often."""

    def __init__(self, entries: list[Entry]) -> None:
        self.entries = entries
        self.binders: dict[str, list[int]] = {}
        self.stars: list[tuple[int, str]] = []
        self._imports: dict[tuple[int, str], str] = {}
        self._definitions: dict[tuple[int, str], ast.stmt] = {}
        self._made: dict[str, str] | None = None
        self._verdicts: dict[int, Verdict] = {}
        self._codes: dict[int, CodeType] = {}
        self._running: dict[int, CodeType] = {}
        self._refused: dict[int, str] = {}
        self._reach: dict[int, frozenset[str]] = {}
        self._otherwise: dict[int, frozenset[str]] = {}
        self._readers: dict[int, tuple[int, ...]] = {}
        for index, entry in enumerate(entries):
            row = entry.row
            for name in (*row.binds, *row.changes):
                if name == "*":
                    continue
                self.binders.setdefault(name, []).append(index)
            if row.what in {"import", "def", "class", "group", "other"} and row.kind in {KEPT, DEFERRED} and row.number >= 0:
                self._note(index, entry)

    def _note(self, index: int, entry: Entry) -> None:
        for node in self.nodes(entry):
            match node:
                case ast.Import():
                    for alias in node.names:
                        name = alias.asname or alias.name.partition(".")[0]
                        self._imports[index, name] = alias.name if alias.asname else name
                case ast.ImportFrom():
                    for alias in node.names:
                        if alias.name == "*":
                            self.stars.append((index, node.module or ""))
                        else:
                            origin = f"{'.' * node.level}{node.module or ''}.{alias.name}"
                            self._imports[index, alias.asname or alias.name] = origin
                case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                    self._definitions[index, node.name] = node

    @staticmethod
    def nodes(entry: Entry) -> Iterator[ast.stmt]:
        """Give the statements of a row: all of a group, and what is nested in an ``if``, ``try``, ``with`` or loop."""
        parsed = entry.source.parsed()
        row = entry.row
        at = row.number
        while at < len(parsed) and parsed[at].line <= row.end_line:
            node = parsed[at].node
            if isinstance(node, ast.stmt):
                yield from with_nested(node)
            at += 1
            if row.what != "group":
                return

    def definition(self, entry: Entry, name: str) -> ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | None:
        """Find the definition of a name in its row."""
        found = None
        for node in self.nodes(entry):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.name == name:
                found = node
        return found

    def is_definition(self, name: str) -> bool:
        """Say whether the notebook defines a function or class of that name."""
        return any(name == defined for _, defined in self._definitions)

    def all_names(self) -> set[str]:
        """Give every name that a statement binds or reads."""
        names = set(self.binders)
        for index, entry in enumerate(self.entries):
            if entry.row.number >= 0:
                names |= all_names(self.code(index))
        return names

    def imports(self, entry: Entry) -> Iterator[tuple[ast.stmt, str]]:
        """Give a row's import as one statement a name, with the name."""
        node = entry.source.node(entry.row)
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield ast.copy_location(ast.Import([alias]), node), alias.asname or alias.name.partition(".")[0]
        else:
            assert isinstance(node, ast.ImportFrom), "the row is an import"  # noqa: S101 - for the type checker
            for alias in node.names:
                yield ast.copy_location(ast.ImportFrom(node.module, [alias], node.level), node), alias.asname or alias.name

    def _names_at(self, before: int) -> Names:
        """Give what the checker asks about names, as they were at a statement."""

        def bound_at(name: str) -> int:
            at = self._last_of(name, before)
            while at is not None and self.entries[at].row.kind == HELD and name in self.entries[at].row.changes:
                at = self._last_of(name, at)  # changed since, or bound anew in a branch: what it was tells how to judge it
            return -1 if at is None else at

        return Names(
            lambda name: self._imports.get((bound_at(name), name), ""),
            self._made_by,
            lambda name: self._definitions.get((bound_at(name), name)),
            lambda name: self._instance(name, before),
            lambda node, inner: self._only_acts(node, before, inner),
            INJECTED,
            tuple(module for _, module in self.stars),
        )

    def _made_by(self, name: str) -> str:
        """Give the dotted path of the class a name's value is made by, as in ``fake = Faker()``; "" where that isn't so."""
        if self._made is None:
            self._made = {}
            for entry in self.entries:
                if entry.row.kind == HELD and len(entry.row.binds) == 1:
                    node = entry.source.node(entry.row)
                    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
                        root, dot, rest = dotted_name(node.value.func).partition(".")
                        origin = self._names_at(len(self.entries)).origin(root)
                        self._made[entry.row.binds[0]] = f"{origin}{dot}{rest}" if origin else ""
        return self._made.get(name, "")

    def _only_acts(self, node: ast.stmt, before: int, inner: Mapping[str, list[ast.stmt]]) -> bool:
        """Say whether a statement gives no name of the notebook a value and changes none."""
        definitions = {name: node for (index, name), node in self._definitions.items() if index < before}
        definitions.update((name, nodes[-1]) for name, nodes in inner.items())
        bound: set[str] = set()
        changed = Effects(definitions).in_place(node, bound, [])
        if bound or not FIXTURE_FIRST.issuperset(changed):
            return False
        # Settings and code in a text may well be what a later value comes from.
        return not any(
            (isinstance(part, ast.Attribute) and part.attr == "conf")
            or (isinstance(part, ast.Name) and part.id in {"exec", "eval"})
            for part in ast.walk(node)
        )

    def _instance(self, name: str, before: int) -> ast.ClassDef | None:
        """Give the notebook's own class of which a name's value is an object, as in ``box = Box()``, if that is sure."""
        at = self._last_of(name, before)
        while at is not None and name not in self.entries[at].row.binds:
            if _stores(self.entries[at].source.node(self.entries[at].row), name):
                return None
            at = self._last_of(name, at)
        if at is None or self.entries[at].row.kind != HELD or any(name in entry.source.rebound for entry in self.entries):
            return None
        match self.entries[at].source.node(self.entries[at].row):
            case ast.Assign(targets=[ast.Name()], value=ast.Call(func=ast.Name(id=class_name))):
                definition = self._names_at(self.start(at)).definition(class_name)
                return definition if isinstance(definition, ast.ClassDef) else None
        return None

    def binder(self, name: str, before: int) -> int | None:
        """Give the last entry before an index that binds or may change the name."""
        return self._last_of(name, before)

    def _last_of(self, name: str, before: int) -> int | None:
        found = self.binders.get(name)
        if not found:
            return None
        at = bisect_left(found, before)
        return found[at - 1] if at else None

    def start(self, index: int) -> int:
        """Give the first entry of a statement: one that is kept in part and held back in part has several."""
        entry = self.entries[index]
        while index and entry.row.kind == HELD:
            before = self.entries[index - 1]
            if before.source is not entry.source or before.row.number != entry.row.number:
                break
            index -= 1
        return index

    def reach(self, index: int) -> frozenset[str]:
        """Give the names that a statement may read when it runs, also through the notebook's functions that it may call."""
        if index not in self._reach:
            found: set[str] = set()
            before = self.start(index)
            todo = list(all_names(self.code(index)))
            while todo:
                name = todo.pop()
                if name in found:
                    continue
                found.add(name)
                at = self.binder(name, before)
                while at is not None:
                    todo.extend(self._names_in(name, at))
                    row = self.entries[at].row
                    # What only changes a value leaves its functions as they were.
                    at = self.binder(name, at) if row.kind == HELD and name in row.changes else None
            self._reach[index] = frozenset(found)
        return self._reach[index]

    def _names_in(self, name: str, at: int) -> frozenset[str]:
        """Give the names that calling a value may read: those of its function or class, or of the statement that makes it."""
        row = self.entries[at].row
        if row.what == "group" and row.code is not None:
            own = [c for c in row.code.co_consts if isinstance(c, CodeType) and c.co_name == name]
            return frozenset().union(*map(all_names, own))
        return all_names(self.code(at))

    def bound_otherwise(self, index: int) -> frozenset[str]:
        """Give the names within a statement's reach that were bound by another statement then than at the notebook's end."""
        if index not in self._otherwise:
            start, end = self.start(index), len(self.entries)
            self._otherwise[index] = frozenset(
                name
                for name in self.reach(index)
                if name in self.binders and self.binder(name, start) != self.binder(name, end)
            )
        return self._otherwise[index]

    def read_by_classes(self, index: int) -> tuple[str, ...]:
        """Give the names of the notebook that the bodies of classes in a statement read when it runs."""
        names: set[str] = set()
        todo = [c for c in self.code(index).co_consts if isinstance(c, CodeType)]
        while todo:
            code = todo.pop()
            if not code.co_flags & CO_OPTIMIZED:
                names |= names_read(code)[0]
                todo += [c for c in code.co_consts if isinstance(c, CodeType)]
        return tuple(sorted(name for name in names if name in INJECTED or self.binder(name, index) is not None))

    def is_changed_later(self, index: int) -> bool:
        """Say whether a later statement may change in place what this one binds."""
        row = self.entries[index].row
        for name in (*row.binds, *row.changes):
            found = self.binders.get(name, [])
            for at in found[bisect_left(found, index) + 1 :]:
                if name in self.entries[at].row.changes:
                    return True
                if not self._goes_on(at, name):
                    break
        return False

    def _goes_on(self, index: int, name: str) -> bool:
        """Say whether a statement that binds a name anew may bind it to the object that it had: `rows = rows or []`."""
        return self.entries[index].row.what not in {"def", "class"} and name in names_read(self.code(index))[0]

    def readers_before(self, index: int) -> tuple[int, ...]:
        """Give the statements that read what a statement may change in place, from where that was bound on."""
        if index not in self._readers:
            self._readers[index] = tuple(dict.fromkeys(self._find_readers(index)))
        return self._readers[index]

    def _find_readers(self, index: int) -> Iterator[int]:
        start, changed = self.start(index), self.entries[index].row.changes
        for name in changed:
            since = self.binder(name, start)
            bound = {since}
            while since is not None and self._goes_on(since, name):
                earlier = self.binder(name, self.start(since))
                if earlier is None:
                    break
                since = earlier
                bound.add(since)
            for at in range(start if since is None else since, start):
                row = self.entries[at].row
                if row.what in {"def", "class"}:
                    if not names_read(self.code(at))[0].isdisjoint(changed):  # in a default, a decorator, a class body
                        yield at
                elif (
                    row.what in {"constant", "other"} and (row.binds or row.changes) and (at in bound or name in self.reach(at))
                ):
                    yield at

    def verdict(self, index: int) -> Verdict:
        """Say whether a held-back entry is safe to run inside a test."""
        if index not in self._verdicts:
            entry = self.entries[index]
            node = entry.source.node(entry.row)
            verdict = self._verdicts[index] = judge(node, self._names_at(self.start(index)))
            verdict.reason = verdict.reason or self.refusal(index)
            if verdict.reason and not entry.row.changes:
                verdict.logger = logger_name(node) or ""
        return self._verdicts[index]

    def refusal(self, index: int) -> str:
        """Say why Python can't compile an entry by itself; "" if it can."""
        self.code(index)
        return self._refused.get(index, "")

    def code(self, index: int) -> CodeType:
        """Give an entry's code as it runs in a test: what only shows is left out, sessions of its own are the test's."""
        if index not in self._codes:
            entry = self.entries[index]
            if entry.row.code is not None and entry.row.kind == KEPT:
                self._codes[index] = entry.row.code
            else:
                own = self.definition(entry, entry.row.binds[0]) if entry.row.kind == DEFERRED else None
                node = own or entry.source.node(entry.row)
                try:
                    self._codes[index] = entry.source.compile(fit_for_test(node))
                except (SyntaxError, ValueError, RecursionError, MemoryError) as exc:  # it only tells which names it reads
                    refusal = getattr(exc, "msg", None)
                    self._refused[index] = f"is refused by Python ({refusal})" if refusal else TOO_DEEP
                    self._codes[index] = _reading(node)
        return self._codes[index]

    def running(self, index: int) -> CodeType:
        """Give an entry's code without the calls in its blocks that only act."""
        left_out = self.verdict(index).left_out if self.entries[index].row.kind == HELD else None
        if not left_out:
            return self.code(index)
        if index not in self._running:
            entry = self.entries[index]
            self._running[index] = entry.source.compile(fit_for_test(entry.source.node(entry.row), left_out))
        return self._running[index]

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
                if verdict.logger:
                    continue
                given |= verdict.needs
                if verdict.reason:
                    computed.setdefault(name, (at, verdict.reason))
                    continue
                own = {*row.binds, *row.changes}
                # A name that the statement itself binds is its own, unless an earlier statement bound it too.
                todo.extend(
                    (read, at)
                    for read in sorted(own | self._read_when_run(at))
                    if read not in own or (read not in row.binds and self.binder(read, at) is not None)
                )
            elif row.kind == DEFERRED:
                todo.extend((read, len(self.entries)) for read in sorted(all_names(self.code(at))))
            else:
                todo.extend(self._of_kept(name, at))
        return Needs(
            frozenset(given),
            tuple((name, at, why) for name, (at, why) in sorted(computed.items())),
            tuple(unresolved),
            frozenset(name for name, _ in seen),
        )

    def _read_when_run(self, at: int) -> frozenset[str]:
        """Give the names that a held-back statement reads, without those of a branch that the notebook's constants rule out."""
        entry = self.entries[at]
        node = entry.source.node(entry.row)
        decided = self._decided(node, at) if isinstance(node, ast.If) and not self.refusal(at) else node
        left_out = self.verdict(at).left_out
        code = self.running(at) if decided is node else entry.source.compile(fit_for_test(decided, left_out))
        return names_read(code)[0]

    def _decided(self, node: ast.If, at: int) -> ast.If:
        """Give an ``if`` with the tests that constants decide in their place."""
        orelse = node.orelse
        if len(orelse) == 1 and isinstance(orelse[0], ast.If):
            inner = self._decided(orelse[0], at)
            orelse = orelse if inner is orelse[0] else [inner]
        value = self._constant(node.test, at)
        if value is None and orelse is node.orelse:
            return node
        test = node.test if value is None else ast.copy_location(ast.Constant(value), node.test)
        return ast.copy_location(ast.If(test, node.body, orelse), node)

    def _constant(self, test: ast.expr, at: int) -> bool | None:
        """Say what a test is, as in ``DEBUG = False`` and ``if DEBUG:``; None where that takes more than a constant."""
        match test:
            case ast.Constant():
                return bool(test.value)
            case ast.UnaryOp(op=ast.Not()):
                value = self._constant(test.operand, at)
                return None if value is None else not value
            case ast.Name():
                bound = self.binder(test.id, self.start(at))
                row = self.entries[bound].row if bound is not None else None
                if bound is not None and row is not None and row.kind == KEPT and row.what in {"constant", "group"}:
                    node = [node for node in self.nodes(self.entries[bound]) if test.id in bound_names(node)[0]][-1]
                    if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Constant):
                        return bool(node.value.value)
        return None

    def _of_kept(self, name: str, at: int) -> list[tuple[str, int]]:
        """The names behind a kept binding: all that its function reads when called, at the state the notebook ends in."""
        row = self.entries[at].row
        assert row.code is not None, "kept rows have code"  # noqa: S101 - for the type checker
        if row.what == "group":
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


def _stores(node: ast.AST, name: str) -> bool:
    return any(isinstance(part, ast.Name) and part.id == name and isinstance(part.ctx, ast.Store) for part in ast.walk(node))


def _reading(node: ast.stmt) -> CodeType:
    """Give code that reads the names that a statement mentions."""
    names = sorted({part.id for part in ast.walk(node) if isinstance(part, ast.Name)})
    return compile("\n".join(names), "<names>", "exec")
