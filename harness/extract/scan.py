"""Read a notebook's Python into top-level statements, and say of each whether it is kept, deferred, held back or a ``%run``.

* *kept*: imports, definitions and constants; executed when the notebook is loaded.
* *deferred*: a definition whose decorators, defaults or class body do more than define; executed inside the test that uses it.
* *held back*: everything else; executed only if a test needs a name from it and it is safe (see ``harness.extract.safe``).
* *run*: a ``%run`` line; the target's statements take its place.

No statement is executed here.
"""

from __future__ import annotations

import ast
import warnings
from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

from harness.extract.changes import Changes
from harness.extract.kinds import DEFERRED, FIXTURE_FIRST, HELD, INJECTED, KEPT, RUN
from harness.extract.quiet import bound_names, executed_parts, is_constant, is_main_guard, is_quiet_definition, with_nested
from harness.extract.shares import walk
from harness.extract.unparsed import told
from harness.model import Cell, Location, Notebook, Problem
from harness.notebook import python_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Databricks' pipeline modules exist only while a pipeline runs; our stand-ins give back the plain function.
_PIPELINE_MODULES = {"dlt": "harness.extract.pipelines", "pyspark.pipelines": "harness.extract.pipelines"}
_BINDS_BY_NAME = (
    ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.ExceptHandler, ast.MatchAs, ast.MatchStar
)  # fmt: skip
_RUNTIME_MODULE = "databricks.sdk.runtime"


class Parsed(NamedTuple):
    """One top-level statement, or a ``%run`` (then ``node`` is the argument text), with its place."""

    cell: int
    line: int
    node: ast.stmt | str


class Statement(NamedTuple):
    """What extraction knows of one top-level statement; ``number`` finds its ``Parsed`` again.

    ``binds`` are names it surely binds, ``changes`` names it may bind or change in place. ``what`` is "import", "def",
    "class", "constant" or "other"; for a ``%run`` it is the argument text.
    """

    kind: str
    what: str
    number: int
    cell: int
    line: int
    end_line: int
    binds: tuple[str, ...]
    changes: tuple[str, ...]


class Scanned(NamedTuple):
    """A notebook's statements with the nodes to compile for those kept (others None), and its held-back line ranges."""

    statements: list[tuple[Statement, ast.stmt | None]]
    problems: list[Problem]
    held: list[tuple[int, int]]
    future_annotations: bool


def parse(notebook: Notebook) -> tuple[list[Parsed], list[Problem]]:
    """Parse the notebook's Python cells, at the file's own lines; a broken cell costs only itself."""
    texts = [(cell, text) for cell in notebook.cells if (text := python_text(cell)) is not None and not text.isspace() and text]
    problems: list[Problem] = []
    if b"\\" in notebook.raw:
        # An invalid escape such as "\d" warns; where warnings are errors, the cell would be lost.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parsed = _parse_all(notebook, texts, problems)
    else:
        parsed = _parse_all(notebook, texts, problems)
    runs = [
        Parsed(cell.number, magic.line, magic.argument)
        for cell in notebook.cells
        if cell.magics and not cell.skipped
        for magic in cell.magics
        if magic.name == "run"
    ]
    if runs:
        parsed = sorted([*parsed, *runs], key=lambda p: p.line)
    return parsed, problems


def _parse_all(notebook: Notebook, texts: list[tuple[Cell, str]], problems: list[Problem]) -> list[Parsed]:
    parsed = _parse_whole(texts)
    if parsed is None:
        parsed = [item for cell, text in texts for item in _parse_cell(notebook, cell, text, problems)]
    return parsed


def _parse_whole(texts: list[tuple[Cell, str]]) -> list[Parsed] | None:
    """Parse all cells as one text, which is several times faster; None where that isn't the same as parsing each."""
    parts: list[str] = []
    starts: list[int] = []
    line = 1
    for cell, text in texts:
        parts.append("\n" * (cell.first_line - line))
        parts.append(text if text.endswith("\n") else text + "\n")
        starts.append(cell.first_line)
        line = cell.first_line + parts[-1].count("\n")
    try:
        body = ast.parse("".join(parts)).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    found = []
    for node in body:
        at = bisect_right(starts, node.lineno) - 1
        if at + 1 < len(starts) and (node.end_lineno or 0) >= starts[at + 1]:
            return None  # an open bracket or quote joined two cells
        found.append(Parsed(texts[at][0].number, node.lineno, node))
    return found


def _parse_cell(notebook: Notebook, cell: Cell, text: str, problems: list[Problem]) -> Iterator[Parsed]:
    try:
        body = ast.parse("\n" * (cell.first_line - 1) + text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as exc:
        line = getattr(exc, "lineno", None) or cell.first_line
        cause, mend = told(exc, (text.split("\n")[line - cell.first_line :] or [""])[0])
        problems.append(
            Problem(
                code="NBH102",
                what="the cell is not valid Python",
                location=Location(
                    str(notebook.path), line if notebook.exact_lines else None, cell.number, max(1, line - cell.first_line + 1)
                ),
                cause=cause,
                mend=mend,
            )
        )
        return
    for node in body:
        yield Parsed(cell.number, node.lineno, node)


def scan(parsed: list[Parsed], problems: list[Problem]) -> Scanned:
    """Sort the statements into kept, deferred and held back."""
    return _Scan(parsed).result(problems)


class _Scan:
    def __init__(self, parsed: list[Parsed]) -> None:
        self.parsed = parsed
        self.statements: list[tuple[Statement, ast.stmt | None]] = []
        self.held: list[tuple[int, int]] = []
        self.changes = Changes()
        self.imported: set[str] = set()
        self.bound: set[str] = set()
        self.keeps_constants = True
        self.future_annotations = False

    def result(self, problems: list[Problem]) -> Scanned:
        for number, item in enumerate(self.parsed):
            if isinstance(item.node, str):
                self.statements.append((Statement(RUN, item.node, number, item.cell, item.line, item.line, (), ()), None))
            else:
                self._one_of_any_depth(number, item.cell, item.node)
        return Scanned(self.statements, problems, self.held, self.future_annotations)

    def _one_of_any_depth(self, number: int, cell: int, node: ast.stmt) -> None:
        known, held = len(self.statements), len(self.held)
        try:
            self._one(number, cell, node)
        except RecursionError:  # a sum of thousands, say: valid, but too deep to look into
            del self.statements[known:], self.held[held:]
            binds, changes = bound_names(node)
            first, end = _first_line(node), node.end_lineno or node.lineno
            self.bound.update(binds, changes)
            self.statements.append((Statement(HELD, "other", number, cell, first, end, binds, changes), None))
            self.held.append((first, end))

    def _add(self, kind: str, what: str, number: int, cell: int, node: ast.stmt, *, held: bool = True) -> None:
        binds, changes = bound_names(node)
        if kind == HELD:
            changes = (*changes, *sorted(self.changes.of(node).difference(binds, changes)))
        if changes:
            if kind == KEPT:
                self.bound.update(changes)  # what is kept changes nothing but by binding it
            changes = tuple(name for name in changes if self._is_ours(name))
        self.changes.note(node)
        self.bound.update(binds, changes)
        first = _first_line(node)
        end = node.end_lineno or node.lineno
        if what == "import":
            self.imported.update(binds)
        self.statements.append(
            (Statement(kind, what, number, cell, first, end, binds, changes), node if kind != HELD else None)
        )
        if kind == HELD and held:
            self.held.append((first, end))

    def _one(self, number: int, cell: int, node: ast.stmt) -> None:
        kind = type(node)
        if kind is ast.Assign:
            constant = is_constant(node.value) and all(map(_is_plain_target, node.targets))  # type: ignore[attr-defined]  # told above
            self._assignment(number, cell, node, constant=constant)
        elif kind is ast.Expr:
            if type(node.value) is not ast.Constant:  # type: ignore[attr-defined]  # told above
                self._add(HELD, "other", number, cell, node)
        elif kind is ast.FunctionDef or kind is ast.AsyncFunctionDef or kind is ast.ClassDef:
            quiet = is_quiet_definition(node, self.changes.definitions)  # type: ignore[arg-type]  # told above
            self.changes.define(node)  # type: ignore[arg-type]  # told above
            self._add(KEPT if quiet else DEFERRED, "class" if kind is ast.ClassDef else "def", number, cell, node)
        elif kind is ast.Import or kind is ast.ImportFrom:
            for plain in self._imports(node):  # type: ignore[arg-type]  # told above
                self._add(KEPT, "import" if isinstance(plain, ast.Import | ast.ImportFrom) else "constant", number, cell, plain)
        elif isinstance(node, ast.AnnAssign):
            constant = isinstance(node.target, ast.Name) and (node.value is None or is_constant(node.value))
            self._assignment(number, cell, node, constant=constant)
        elif isinstance(node, ast.If | ast.Try | ast.With | ast.For | ast.While):
            self._compound(number, cell, node)
        elif kind is not ast.Pass:
            kept = kind.__name__ == "TypeAlias"
            self._add(KEPT if kept else HELD, "constant" if kept else "other", number, cell, node)

    def _assignment(self, number: int, cell: int, node: ast.stmt, *, constant: bool) -> None:
        if constant:
            self._add(KEPT, "constant", number, cell, node)
        else:
            self._add(HELD, "other", number, cell, node)

    def _imports(self, node: ast.Import | ast.ImportFrom) -> Iterator[ast.stmt]:
        """Give the import as it is to be executed: pipelines from our module, runtime names from the test."""
        if isinstance(node, ast.ImportFrom):
            if node.module == "__future__":
                self.future_annotations |= any(alias.name == "annotations" for alias in node.names)
                return
            if node.module == _RUNTIME_MODULE:
                for alias in node.names:
                    if alias.asname and alias.asname != alias.name:
                        renamed = ast.Assign([ast.Name(alias.asname, ast.Store())], ast.Name(alias.name, ast.Load()))
                        yield ast.fix_missing_locations(ast.copy_location(renamed, node))
                return
            if node.module == "pyspark" and any(alias.name == "pipelines" for alias in node.names):
                for alias in node.names:
                    if alias.name == "pipelines":
                        yield _import_as(_PIPELINE_MODULES["dlt"], alias.asname or alias.name, node)
                    else:
                        yield ast.copy_location(ast.ImportFrom(node.module, [alias], node.level), node)
                return
            if node.module in _PIPELINE_MODULES and not node.level:
                # One name a statement: one that our module lacks costs only itself.
                ours = _PIPELINE_MODULES[node.module]
                yield from (ast.copy_location(ast.ImportFrom(ours, [alias], 0), node) for alias in node.names)
                return
        elif any(alias.name in _PIPELINE_MODULES for alias in node.names):
            for alias in node.names:
                if alias.name in _PIPELINE_MODULES and (alias.asname or "." not in alias.name):
                    yield _import_as(_PIPELINE_MODULES[alias.name], alias.asname or alias.name, node)
                else:
                    yield ast.copy_location(ast.Import([alias]), node)
            return
        yield node

    def _compound(self, number: int, cell: int, node: ast.stmt) -> None:
        """Keep what defines in an ``if``, ``try``, ``with`` or loop, and hold back the rest."""
        held: list[ast.stmt] = []
        skipped = set(self.bound) if is_main_guard(node) else set()  # what had a value before keeps it
        kept = self._filtered(node, held)
        if held and kept is not None:
            # Assignments keep their place among what is held back: only what defines can be taken out.
            held.clear()
            self.keeps_constants = False
            kept = self._filtered(node, held)
            self.keeps_constants = True
        if kept is not None:
            self._add(KEPT, "other", number, cell, kept)
        if held:
            whole = held == [node]
            first, last = _first_line(node), node.end_lineno or node.lineno
            names = {name for part in held for names in bound_names(part) for name in names}
            if whole:
                # A definition is taken out where it is the only one of its name: whatever the way there, it is the one.
                definitions = list(_definitions([node]))
                taken = self.bound if not isinstance(node, ast.With) else set()
                once = [d for d in definitions if sum(d.name == o.name for o in definitions) == 1 and d.name not in taken]
                for definition in once:
                    self._one(number, cell, definition)
                names -= {d.name for d in once}
                imports, imported = self._imports_of(node)
                for one in imports:
                    self._one(number, cell, one)
                names -= imported
                self._hold_around(node, [*once, *imports])
            else:
                self.held.extend((_first_line(part), part.end_lineno or part.lineno) for part in held)
            self.changes.note(node, surely=False)
            for part in held:
                names |= self.changes.of(part)
            names -= skipped
            self.bound |= names
            changed = tuple(sorted(filter(self._is_ours, names)))
            self.statements.append((Statement(HELD, "other", number, cell, first, last, (), changed), None))

    def _imports_of(self, node: ast.stmt) -> tuple[list[ast.stmt], set[str]]:
        """Give the imports in a compound statement that are all that their names can be, a name each, and these names.

        Whatever the way there, the name is that import: nothing else in the statement binds it, and before the statement
        nothing does or the same import did.
        """
        origins: dict[str, set[str]] = {}
        found: list[tuple[str, ast.stmt]] = []
        for part in with_nested(node):
            if isinstance(part, ast.Import | ast.ImportFrom):
                for one, name, origin in _one_by_one(part):
                    origins.setdefault(name, set()).add(origin)
                    found.append((name, one))
        if not found:
            return [], set()
        parts = walk(node)
        bound = {part.id for part in parts if isinstance(part, ast.Name) and not isinstance(part.ctx, ast.Load)}
        bound.update(part.name for part in parts if isinstance(part, _BINDS_BY_NAME) and part.name is not None)
        names = {
            name
            for name, given in origins.items()
            if len(given) == 1 and name not in bound and name != "*" and (name not in self.bound or self._origin(name) in given)
        }
        return [one for name, one in found if name in names], names

    def _origin(self, name: str) -> str:
        """Give what the last statement that binds a name imports; "" if that is no import."""
        for statement, node in reversed(self.statements):
            if name in statement.binds or name in statement.changes:
                if not isinstance(node, ast.Import | ast.ImportFrom):
                    return ""
                return next(origin for _, bound, origin in _one_by_one(node) if bound == name)
        return ""

    def _is_ours(self, name: str) -> bool:
        """Say whether a change of the name is one of the notebook's own state: not of an imported module, nor of `spark`."""
        if name in self.imported or name in FIXTURE_FIRST:
            return False
        return name not in INJECTED or name in self.bound  # a notebook may well call a list `table`

    def _filtered(self, node: ast.stmt, held: list[ast.stmt]) -> ast.stmt | None:
        """Give the statement with only its keepable parts, or None where none or its condition isn't constant."""
        match node:
            case ast.If() if is_constant(node.test):
                body, orelse = self._block(node.body, held), self._block(node.orelse, held)
                if not body and not orelse:
                    held[:] = [*[h for h in held if not _inside(h, node)], node]
                    return None
                filtered: ast.stmt = ast.If(node.test, body or [ast.copy_location(ast.Pass(), node.body[0])], orelse)
            case ast.Try() if not node.finalbody:
                body = self._block(node.body, held)
                handlers = [
                    ast.copy_location(
                        ast.ExceptHandler(h.type, h.name, self._block(h.body, held) or [ast.copy_location(ast.Pass(), h)]), h
                    )
                    for h in node.handlers
                ]
                orelse = self._block(node.orelse, held)
                if not body and not orelse:
                    held[:] = [*[h for h in held if not _inside(h, node)], node]
                    return None
                filtered = ast.Try(body or [ast.copy_location(ast.Pass(), node.body[0])], handlers, orelse, [])
            case _:
                held.append(node)
                return None
        return ast.fix_missing_locations(ast.copy_location(filtered, node))

    def _block(self, body: Iterable[ast.stmt], held: list[ast.stmt]) -> list[ast.stmt]:
        kept: list[ast.stmt] = []
        unknown: set[str] = set()  # names that what is held back gives: whoever reads them is held back too
        seen = 0
        for node in body:
            while seen < len(held):
                unknown.update(*bound_names(held[seen]), self.changes.of(held[seen]))
                seen += 1
            match node:
                case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                    if is_quiet_definition(node, self.changes.definitions) and not _reads(executed_parts(node), unknown):
                        kept.append(node)
                        self.changes.define(node)
                        self.changes.note(node)
                    else:
                        held.append(node)
                case ast.Import() | ast.ImportFrom():
                    kept.extend(self._imports(node))
                case ast.Assign() if (
                    self.keeps_constants and is_constant(node.value) and all(map(_is_plain_target, node.targets))
                ):
                    kept.append(node)
                case ast.Pass():
                    kept.append(node)
                case ast.Expr() if isinstance(node.value, ast.Constant):
                    pass
                case ast.If() | ast.Try() if not (isinstance(node, ast.If) and _reads([node.test], unknown)):
                    inner = self._filtered(node, held)
                    if inner is not None:
                        kept.append(inner)
                case _:
                    held.append(node)
        return [] if all(isinstance(n, ast.Pass) for n in kept) else kept

    def _hold_around(self, node: ast.stmt, taken: list[ast.stmt]) -> None:
        """Record the lines of a held-back statement, without those of what is taken out of it."""
        line, end = _first_line(node), node.end_lineno or node.lineno
        for part in sorted(taken, key=lambda part: part.lineno):
            if _first_line(part) > line:
                self.held.append((line, _first_line(part) - 1))
            line = (part.end_lineno or part.lineno) + 1
        if line <= end:
            self.held.append((line, end))


def _definitions(body: Iterable[ast.stmt]) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    """Give the definitions nested in compound statements, but not those inside functions or classes."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node
        else:
            for block in ("body", "orelse", "finalbody"):
                yield from _definitions(getattr(node, block, ()))
            for handler in getattr(node, "handlers", ()):
                yield from _definitions(handler.body)


def _one_by_one(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[ast.stmt, str, str]]:
    """Give an import as one statement a name, each with the name that it binds and what that stands for."""
    for alias in node.names:
        if isinstance(node, ast.Import):
            name = alias.asname or alias.name.partition(".")[0]
            yield ast.copy_location(ast.Import([alias]), node), name, alias.name if alias.asname else name
        else:
            one = ast.copy_location(ast.ImportFrom(node.module, [alias], node.level), node)
            yield one, alias.asname or alias.name, f"{'.' * node.level}{node.module or ''}:{alias.name}"


def _inside(part: ast.stmt, whole: ast.stmt) -> bool:
    return whole.lineno <= part.lineno and (part.end_lineno or 0) <= (whole.end_lineno or 0)


def _reads(nodes: Iterable[ast.AST], names: set[str]) -> bool:
    return bool(names) and any(isinstance(part, ast.Name) and part.id in names for node in nodes for part in ast.walk(node))


def _is_plain_target(target: ast.expr) -> bool:
    if isinstance(target, ast.Name):
        return True
    return isinstance(target, ast.Tuple | ast.List) and all(map(_is_plain_target, target.elts))


def _first_line(node: ast.stmt) -> int:
    decorators: list[ast.expr] | None = getattr(node, "decorator_list", None)
    return decorators[0].lineno if decorators else node.lineno


def _import_as(module: str, name: str, at: ast.stmt) -> ast.stmt:
    return ast.fix_missing_locations(ast.copy_location(ast.Import([ast.alias(module, name)]), at))
