"""Compile a notebook's kept statements under its own path and lines, and keep the result in Python's cache folder."""

from __future__ import annotations
import __future__

import ast
import importlib.util
import marshal
import os
import sys
from typing import TYPE_CHECKING, NamedTuple, Protocol

from harness.errors import HarnessError, NotebookError, UnitChangedError
from harness.extract.kinds import DEFERRED, HELD, KEPT
from harness.model import Location, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import CodeType

    from harness.extract.scan import Parsed, Statement
    from harness.model import Notebook

# Part of every cache file's name and head: raise it when what is compiled changes.
_FORMAT = 5
_HEAD = b"nbh%d:" % _FORMAT + importlib.util.MAGIC_NUMBER
_CHECK = 8  # bytes of importlib's hash
_ANNOTATIONS = __future__.annotations.compiler_flag


class Rewriter(Protocol):
    """Rewrite a module's asserts in place; ``tag`` names the rewriting, so that caches never mix."""

    tag: str

    def __call__(self, tree: ast.Module, source: bytes, path: str) -> None:
        """Rewrite the asserts of a module parsed from ``source``."""


class Row(NamedTuple):
    """A statement with its code: compiled for kept ones, None for all others. One row may hold several kept statements.

    ``imports`` are the first parts of what these import, or functions in them, but for Python's own modules.
    """

    kind: str
    what: str
    number: int
    cell: int
    line: int
    end_line: int
    binds: tuple[str, ...]
    changes: tuple[str, ...]
    code: CodeType | None
    imports: tuple[str, ...] = ()


class Extract:
    """What was made of one notebook file: its rows, problems and held-back lines. Plain data; nothing was executed.

    ``rebound`` are the module's names that its functions bind anew (``global``), ``added`` the folders that it puts on
    ``sys.path``, see `harness.extract.search_path`.
    """

    __slots__ = (
        "_parsed", "added", "cells", "exact_lines", "flags", "held", "mtime_ns", "path", "problems", "rebound", "rows",
        "size", "texts",
    )  # fmt: skip

    def __init__(
        self,
        path: str,
        stamp: tuple[int, int],
        *,
        rows: list[Row],
        problems: tuple[Problem, ...],
        held: tuple[tuple[int, int], ...],
        cells: tuple[tuple[int, int, int], ...],
        exact_lines: bool,
        flags: int,
        texts: tuple[tuple[int, str], ...],
        rebound: tuple[str, ...],
        added: tuple[tuple[int, str, bool], ...],
    ) -> None:
        self.path = path
        self.mtime_ns, self.size = stamp
        self.rows = rows
        self.problems = problems
        self.held = held
        self.cells = cells
        self.exact_lines = exact_lines
        self.flags = flags
        self.texts = texts
        self.rebound = rebound
        self.added = added
        self._parsed: list[Parsed] | None = None

    def parsed(self) -> list[Parsed]:
        """Parse the notebook again, for statements that were not compiled.

        Raises:
            UnitChangedError: The file is no longer the one that was loaded.
        """
        if self._parsed is None:
            if _stamp(self.path) != (self.mtime_ns, self.size):
                raise UnitChangedError(
                    "the notebook changed on disk while its units were in use",
                    cause="its time or size differ from those at loading",
                    mend="run the tests again",
                    location=Location(self.path),
                )
            from harness.extract.scan import parse
            from harness.notebook import read_notebook

            self._parsed, _ = parse(read_notebook(self.path))
        return self._parsed

    def keep(self, parsed: list[Parsed]) -> None:
        """Take what was parsed already: a notebook of an archive has no file to be read again."""
        self._parsed = parsed

    def node(self, row: Row) -> ast.stmt:
        """Give the row's own syntax node."""
        node = self.parsed()[row.number].node
        assert not isinstance(node, str), "a %run has no syntax node"  # noqa: S101 - callers ask for statements
        return node

    def compile(self, node: ast.stmt, *, flags: int = 0) -> CodeType:
        """Compile one statement under the notebook's path."""
        code: CodeType = compile(ast.Module([node], []), self.path, "exec", flags=self.flags | flags, dont_inherit=True)
        return code

    def lines(self) -> list[str]:
        """Give the cells' Python at the lines it has in the file, all others blank: for files that aren't Python."""
        last = max((first + text.count("\n") for first, text in self.texts), default=0)
        lines = ["\n"] * last
        for first, text in self.texts:
            own = text.split("\n")
            lines[first - 1 : first - 1 + len(own)] = [line + "\n" for line in own]
        return lines

    def locate(self, line: int) -> Location:
        """Give the place of a line of the file: its cell, and the line in that cell."""
        for number, first, last in self.cells:
            if first <= line <= last:
                return Location(self.path, line if self.exact_lines else None, number, line - first + 1)
        return Location(self.path, line if self.exact_lines else None)


def extract(
    path: str, *, rewriter: Rewriter | None = None, raw: bytes | None = None, stamp: tuple[int, int] | None = None
) -> Extract:
    """Read a notebook into rows, from the cache where it is current.

    ``raw`` is its content where that was read already (and found in no cache), ``stamp`` the (mtime in ns, size) it had before.

    Raises:
        NotebookError: The file can't be read as a notebook.
    """
    # The stamp comes first: what is written in between is then read again, never taken for what was read.
    stamp = stamp or _stamp(path)
    if raw is None:
        found = cached(path, rewriter=rewriter, stamp=stamp)
        if found is not None:
            return found
    from harness.notebook import parse_source, read_notebook  # only what isn't cached pays for reading

    built = build(read_notebook(path) if raw is None else parse_source(raw, path), stamp, rewriter=rewriter)
    if not sys.dont_write_bytecode:
        _write(built, _cache_file(path, rewriter))
    return built


def build(notebook: Notebook, stamp: tuple[int, int] = (0, 0), *, rewriter: Rewriter | None = None) -> Extract:
    """Compile a notebook's kept statements; ``stamp`` is the file's (mtime in ns, size)."""
    from harness.extract.scan import parse, scan
    from harness.notebook import python_text

    path = str(notebook.path)
    parsed, problems = parse(notebook)
    scanned = scan(parsed, [*notebook.problems, *problems])
    if rewriter is not None and b"assert" in notebook.raw:
        _rewrite(scanned.statements, notebook, rewriter)
    flags = _ANNOTATIONS if scanned.future_annotations else 0
    rows = list(_rows(scanned.statements, path, flags, scanned.problems, exact=notebook.exact_lines))
    return Extract(
        path,
        stamp,
        rows=rows,
        problems=tuple(scanned.problems),
        held=tuple(scanned.held),
        cells=tuple((cell.number, cell.first_line, cell.last_line) for cell in notebook.cells),
        exact_lines=notebook.exact_lines,
        flags=flags,
        texts=()
        if path.endswith(".py")
        else tuple((cell.first_line, text) for cell in notebook.cells if (text := python_text(cell))),
        rebound=_rebound(parsed) if b"global" in notebook.raw else (),
        added=_added(parsed) if b"sys.path" in notebook.raw else (),
    )


def _rebound(parsed: list[Parsed]) -> tuple[str, ...]:
    nodes = (part for item in parsed if not isinstance(item.node, str) for part in ast.walk(item.node))
    return tuple(sorted({name for node in nodes if isinstance(node, ast.Global) for name in node.names}))


def _added(parsed: list[Parsed]) -> tuple[tuple[int, str, bool], ...]:
    from harness.extract.search_path import added_folders

    return added_folders(item.node for item in parsed if not isinstance(item.node, str))


def _rewrite(statements: list[tuple[Statement, ast.stmt | None]], notebook: Notebook, rewriter: Rewriter) -> None:
    """Rewrite asserts inside kept definitions; the two imports the rewriter adds become a row of their own."""
    from harness.extract.scan import Statement

    kept = [node for _, node in statements if node is not None]
    module = ast.Module(list(kept), [])
    try:
        rewriter(module, notebook.raw, str(notebook.path))
    except Exception as exc:  # noqa: BLE001 - pytest's own private code; without it asserts are plain, not wrong
        import warnings

        warnings.warn(f"asserts in {notebook.path} are shown without details: {exc!r}", stacklevel=2)
        return
    added = [node for node in module.body if node not in kept]
    for node in reversed(added):
        statements.insert(0, (Statement(KEPT, "support", -1, 0, node.lineno, node.lineno, (), ()), node))


def _rows(
    statements: list[tuple[Statement, ast.stmt | None]], path: str, flags: int, problems: list[Problem], *, exact: bool
) -> Iterator[Row]:
    """Compile; neighbours of one cell that can't fail share one code object, which is what keeps loading cheap."""
    group: list[tuple[Statement, ast.stmt]] = []
    for statement, node in statements:
        if node is not None and statement.kind == KEPT and _cannot_fail(node, flags):
            group.append((statement, node))
            continue
        yield from _group(group, path, flags, problems, exact=exact)
        group.clear()
        if node is None or statement.kind == DEFERRED:
            yield Row(*statement, None)
        else:
            yield from _group([(statement, node)], path, flags, problems, exact=exact)
    yield from _group(group, path, flags, problems, exact=exact)


def _group(
    group: list[tuple[Statement, ast.stmt]], path: str, flags: int, problems: list[Problem], *, exact: bool
) -> Iterator[Row]:
    if not group:
        return
    first, last = group[0][0], group[-1][0]
    try:
        code = compile(ast.Module([node for _, node in group], []), path, "exec", flags=flags, dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as exc:
        # What only the compiler sees: `return` outside a function, `nonlocal x` at top level, nesting without end.
        if len(group) > 1:
            for one in group:
                yield from _group([one], path, flags, problems, exact=exact)
            return
        line = getattr(exc, "lineno", None) or first.line
        problems.append(
            Problem(
                "NBH102",
                "the statement can't be compiled",
                Location(path, line if exact else None, first.cell),
                cause=getattr(exc, "msg", None) or str(exc) or type(exc).__name__,
                mend='mend the cell, or put "%skip" on its first line; the other statements are used as they are',
            )
        )
        yield Row(HELD, first.what, first.number, first.cell, first.line, first.end_line, first.binds, first.changes, None)
        return
    imports = _imports(node for _, node in group)
    if len(group) == 1:
        yield Row(*first, code, imports)
        return
    binds = tuple(dict.fromkeys(name for statement, _ in group for name in statement.binds))
    yield Row(KEPT, "group", first.number, first.cell, first.line, last.end_line, binds, (), code, imports)


def _imports(nodes: Iterable[ast.stmt]) -> tuple[str, ...]:
    found: set[str] = set()
    for node in (inner for one in nodes for inner in ast.walk(one)):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return tuple(sorted(found - sys.stdlib_module_names))


def _cannot_fail(node: ast.stmt, flags: int) -> bool:
    """Say whether executing the statement can neither raise nor read a name."""
    if isinstance(node, ast.Import):
        return all(alias.name.partition(".")[0] in sys.stdlib_module_names for alias in node.names)
    if isinstance(node, ast.FunctionDef):
        arguments = node.args
        if node.decorator_list or any(
            default is not None and not isinstance(default, ast.Constant)
            for default in (*arguments.defaults, *arguments.kw_defaults)
        ):
            return False
        if flags & _ANNOTATIONS:
            return True
        every = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg)
        return node.returns is None and all(arg is None or arg.annotation is None for arg in every)
    return (
        isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Constant)
        and all(isinstance(target, ast.Name) for target in node.targets)
    )


def _stamp(path: str) -> tuple[int, int]:
    try:
        stat = os.stat(path)
    except OSError:
        return 0, 0  # reading the notebook tells what is wrong with it
    return stat.st_mtime_ns, stat.st_size


def _cache_file(path: str, rewriter: Rewriter | None) -> str:
    # The full name, suffix too, goes in front: etl.py and etl.ipynb may lie side by side.
    tag = f"nbh{_FORMAT}{rewriter.tag}" if rewriter is not None else f"nbh{_FORMAT}"
    if sys.pycache_prefix is not None:
        return importlib.util.cache_from_source(path + ".py", optimization=tag)
    # The same name by hand: importlib's way takes as long as reading the file behind it.
    folder, _, name = path.rpartition(os.sep)
    return f"{folder}{os.sep}__pycache__{os.sep}{name}.{sys.implementation.cache_tag}.opt-{tag}.pyc"


def cached(path: str, *, rewriter: Rewriter | None = None, stamp: tuple[int, int]) -> Extract | None:
    """Give the notebook's rows from Python's cache folder, or None where there are none for the file as it is now.

    ``stamp`` is the file's (mtime in ns, size).
    """
    try:
        with open(_cache_file(path, rewriter), "rb") as file:
            data = file.read()
        if not data.startswith(_HEAD):
            return None
        body = memoryview(data)[len(_HEAD) + _CHECK :]
        if data[len(_HEAD) : len(_HEAD) + _CHECK] != importlib.util.source_hash(body):
            return None  # torn or damaged: marshal would read some of that as something else
        frozen = marshal.loads(body)  # noqa: S302 - as Python's own caches
        mtime_ns, size, rows, problems, held, cells, exact, flags, texts, rebound, added = frozen
    except (OSError, EOFError, ValueError, TypeError, NotImplementedError):
        return None  # no cache, or a torn one: the notebook is read instead
    if (mtime_ns, size) != stamp:
        return None
    return Extract(
        path,
        stamp,
        rows=list(map(Row._make, rows)),
        problems=tuple(_thaw(path, p) for p in problems),
        held=held,
        cells=cells,
        exact_lines=exact,
        flags=flags,
        texts=texts,
        rebound=rebound,
        added=added,
    )


def _write(built: Extract, file: str) -> None:
    frozen = (
        built.mtime_ns,
        built.size,
        [tuple(row) for row in built.rows],
        [(p.code, p.what, p.location.line, p.location.cell, p.location.cell_line, p.cause, p.mend) for p in built.problems],
        built.held,
        built.cells,
        built.exact_lines,
        built.flags,
        built.texts,
        built.rebound,
        built.added,
    )
    body = marshal.dumps(frozen)
    part = f"{file}.{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(file), exist_ok=True)
        with open(part, "wb") as target:
            target.write(_HEAD + importlib.util.source_hash(body) + body)
        os.replace(part, file)
    except OSError:
        return  # a read-only folder costs the cache, not the result


def _thaw(path: str, frozen: tuple[str, str, int | None, int | None, int | None, str, str]) -> Problem:
    code, what, line, cell, cell_line, cause, mend = frozen
    return Problem(code, what, Location(path, line, cell, cell_line), cause, mend)


def as_error(problem: Problem) -> HarnessError:
    """Turn a recorded problem into the error of its code, to be raised or shown."""
    kinds: Iterable[type[HarnessError]] = _subclasses(NotebookError)
    kind = next((k for k in kinds if k.code == problem.code), NotebookError)
    return kind(problem.what, cause=problem.cause, mend=problem.mend, location=problem.location)


def _subclasses(kind: type[HarnessError]) -> Iterator[type[HarnessError]]:
    for sub in kind.__subclasses__():
        yield sub
        yield from _subclasses(sub)
