"""coverage.py's view of a notebook: its kept statements counted at the file's own lines, held-back ones excluded.

Where the data tell of a whole run of the notebook, or of a part of it, all its statements count: its body was measured then.

A *configurer* plugin on purpose: as a file tracer it would turn off the ``sys.monitoring`` core (coverage.py, ``core.py``), and
no tracer is needed, since notebook code runs under the notebook's own path and lines. coverage.py asks ``file_reporter`` of the
plugin whose name a file is labelled with; ``harness.collect.coverage`` writes the labels.
"""

from __future__ import annotations

import ast
import contextlib
import os
import warnings
from functools import lru_cache
from tokenize import TokenError
from typing import TYPE_CHECKING, Any

from coverage import CoverageData
from coverage.exceptions import CoverageException, NotPython
from coverage.files import PathAliases
from coverage.parser import PythonParser
from coverage.phystokens import source_token_lines
from coverage.plugin import CoveragePlugin, FileReporter
from coverage.python import get_python_source
from coverage.regions import code_regions

from harness.extract.build import Extract, extract
from harness.extract.kinds import DEFERRED, KEPT
from harness.notebook import python_text, read_notebook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

PLUGIN = "harness.extract.coverage"
LABEL = f"{PLUGIN}.NotebookCoverage"

WHOLE = "nbh whole run"
"""The context under which the lines stand that whole runs executed, so that combined data still tell them from the units'."""


_END = -1
"""Where coverage.py says that top-level code leads which ends: to the line that it began on, the file's first."""


def close(data: CoverageData) -> None:
    """Close its file; before coverage 7.10.7 that was left to Python."""
    with contextlib.suppress(AttributeError):
        data.close(force=True)  # else what is in memory stays open


def counted_lines(source: Extract) -> set[int]:
    """Give the lines that unit tests can cover: of kept and deferred statements, without what is held back inside them."""
    lines: set[int] = set()
    for row in source.rows:
        if row.kind in {KEPT, DEFERRED} and row.number >= 0:
            lines.update(range(row.line, row.end_line + 1))
    return lines - held_lines(source)


def held_lines(source: Extract) -> set[int]:
    """Give the lines of held-back statements."""
    return {line for first, last in source.held for line in range(first, last + 1)}


def whole_lines(data: Any, path: str) -> set[int]:
    """Give the lines of a notebook that whole runs executed, as coverage's data tell."""
    return {line for line, contexts in data.contexts_by_lineno(path).items() if WHOLE in contexts}


@lru_cache(maxsize=8)
def _run_whole(file: str, stamp: tuple[int, int], patterns: tuple[tuple[str, ...], ...]) -> frozenset[str]:  # noqa: ARG001 - the stamp is for the cache
    """Give the files of a data file that whole runs executed, also by the paths that ``[paths]`` gives them."""
    data, aliases = CoverageData(file), PathAliases()
    for result, *others in patterns:
        for pattern in others:
            aliases.add(pattern, result)
    with contextlib.suppress(CoverageException):  # what can't be read has nothing to report either
        data.read()
        data.set_query_context(WHOLE)
        found = [path for path in data.measured_files() if data.lines(path)]
        return frozenset(found) | {aliases.map(path) for path in found}
    return frozenset()


def python_of(path: str, source: Extract) -> str:
    """Give the notebook's Python with the file's own lines: magics as comments, broken cells and other languages blank."""
    parsed = {item.cell for item in source.parsed()}
    broken = {problem.location.cell for problem in source.problems if problem.code == "NBH102"} - parsed
    notebook = read_notebook(path)
    last = max((cell.last_line for cell in notebook.cells), default=0)
    lines = [""] * last
    for cell in notebook.cells:
        text = python_text(cell) if cell.number not in broken else None
        if text:
            own = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
            lines[cell.first_line - 1 : cell.first_line - 1 + len(own)] = own
    return "\n".join(lines) + "\n"


def _module_level_lines(source: Extract) -> set[int]:
    """Give the lines that run as the module's own: not those inside functions (one on a single line is on the module's)."""
    lines: set[int] = set()
    inside: set[int] = set()
    for item in source.parsed():
        if isinstance(item.node, str):
            continue
        lines.update(range(item.node.lineno, (item.node.end_lineno or item.node.lineno) + 1))
        for node in ast.walk(item.node):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                inside.update(range(max(node.body[0].lineno, node.lineno + 1), (node.end_lineno or node.lineno) + 1))
    return lines - inside


def _exits(source: Extract, arcs: set[tuple[int, int]]) -> dict[int, set[tuple[int, int]]]:
    """Give the ways out of each top-level statement, by the line that is left.

    A kernel, too, runs them one by one, so where the way leads to the next statement it sees the end of what it runs.
    """
    ranges = {}
    for item in source.parsed():
        if not isinstance(item.node, str):
            lines = range(item.node.lineno, (item.node.end_lineno or item.node.lineno) + 1)
            ranges.update(dict.fromkeys(lines, lines))
    found: dict[int, set[tuple[int, int]]] = {}
    for line, to in arcs:
        if line in ranges and to not in ranges[line]:
            found.setdefault(line, set()).add((line, to))
    return found


def _parse(text: str, source: Extract, exclude: str) -> PythonParser:
    """Let coverage.py find statements and branches; what is no Python as a whole file, but fine by cell, is blanked before."""
    # What follows a `raise` is dead code for Python, and no statement for coverage.py. In a notebook it is the next cell.
    text = _blanked(text, source, lambda node: isinstance(node, ast.Raise))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an invalid escape such as "\d" in a notebook is no error, whatever the filters
        try:
            parser = PythonParser(text=text, filename=source.path, exclude=exclude)
            parser.parse_source()
        except NotPython:
            parser = PythonParser(text=_blanked(text, source, _is_for_cells), filename=source.path, exclude=exclude)
            parser.parse_source()
    return parser


def _blanked(text: str, source: Extract, which: Callable[[ast.stmt], bool]) -> str:
    """Put a statement that does nothing in the place of these top-level ones."""
    lines = text.split("\n")
    for item in source.parsed():
        node = item.node
        if not isinstance(node, str) and which(node):
            first, end = node.lineno, node.end_lineno or node.lineno
            lines[first - 1 : end] = ["" if _is_future(node) else "pass"] + [""] * (end - first)
    return "\n".join(lines)


def _is_for_cells(node: ast.stmt) -> bool:
    """Say whether only a notebook may have it: a late ``from __future__``, ``await``, ``return``."""
    return _is_future(node) or isinstance(node, ast.Global) or not _compiles(node)


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _compiles(node: ast.stmt) -> bool:
    try:
        compile(ast.Module([node], []), "<statement>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


class NotebookReporter(FileReporter):
    """Statements, branches and source of one notebook; ``whole`` says that a whole run executed it."""

    def __init__(self, filename: str, exclude: str, partial: str, *, whole: bool = False) -> None:
        super().__init__(filename)
        self._extract = extract(filename)
        self._text = python_of(filename, self._extract)
        self._partial = partial
        self._parser = _parse(self._text, self._extract, exclude)
        self._is_whole = whole
        self._counted = set() if whole else counted_lines(self._extract)
        self._exits = _exits(self._extract, self._parser.arcs()) if whole else {}

    def source(self) -> str:
        """Give the text to show: the file's own for ``.py``, the cells' Python at its lines for others."""
        return get_python_source(self.filename) if self.filename.endswith(".py") else self._text

    def lines(self) -> set[int]:
        """Give the statements that count: all, of a notebook that was run whole, or that is nothing but a body."""
        return self._parser.statements & self._counted if self._counted else set(self._parser.statements)

    def excluded_lines(self) -> set[int]:
        """Give what the user excluded, and what is held back."""
        return self._parser.excluded | (held_lines(self._extract) & self._parser.statements if self._counted else set())

    def translate_lines(self, lines: Iterable[int]) -> set[int]:
        return self._parser.translate_lines(lines)

    def multiline_map(self) -> dict[int, int]:
        told: dict[int, int] = getattr(self._parser, "multiline_map", None) or getattr(self._parser, "_multiline", {})
        return told  # it has no public name before coverage 7.11

    def arcs(self) -> set[tuple[int, int]]:
        return self._parser.arcs()

    def translate_arcs(self, arcs: Iterable[tuple[int, int]]) -> set[tuple[int, int]]:
        seen = self._parser.translate_arcs(arcs)
        return seen.union(*(self._exits.get(line, ()) for line, to in seen if to == _END))

    def exit_counts(self) -> dict[int, int]:
        counted = self.lines()
        return {line: count for line, count in self._parser.exit_counts().items() if line in counted}

    def no_branch_lines(self) -> set[int]:
        # For units top-level statements are executed one by one as they are needed, so what comes after one says nothing.
        return self._parser.lines_matching(self._partial) | (set() if self._is_whole else _module_level_lines(self._extract))

    def missing_arc_description(
        self,
        start: int,
        end: int,
        executed_arcs: Iterable[tuple[int, int]] | None = None,  # noqa: ARG002 - coverage.py's signature
    ) -> str:
        return self._parser.missing_arc_description(start, end)

    def arc_description(self, start: int, end: int) -> str:
        return self._parser.arc_description(start, end)

    def source_token_lines(self) -> Any:
        try:
            return list(source_token_lines(self.source()))
        except (SyntaxError, TokenError):  # bare magics or a broken cell in a .py notebook
            return super().source_token_lines()

    def code_regions(self) -> Any:
        return code_regions(self._text)

    def code_region_kinds(self) -> Iterable[tuple[str, str]]:
        return [("function", "functions"), ("class", "classes")]


class NotebookCoverage(CoveragePlugin):
    """Gives coverage.py a reporter for files labelled as notebooks."""

    def __init__(self) -> None:
        self._exclude: list[str] = []
        self._partial: list[str] = []
        self._data_file = ""
        self._paths: tuple[tuple[str, ...], ...] = ()

    def configure(self, config: Any) -> None:
        """Remember the user's exclusions, which apply in notebooks too."""
        self._exclude = [str(regex) for regex in config.get_option("report:exclude_lines")]
        options = ("report:partial_branches", "report:partial_branches_always")
        self._partial = [str(regex) for option in options for regex in config.get_option(option) or []]
        self._data_file = os.path.abspath(str(config.get_option("run:data_file")))
        self._paths = tuple(tuple(paths) for paths in (config.get_option("paths") or {}).values())

    def file_reporter(self, filename: str) -> FileReporter:
        """Give the reporter of a notebook."""
        whole = False
        with contextlib.suppress(OSError):  # data that are only in memory
            found = os.stat(self._data_file)
            whole = filename in _run_whole(self._data_file, (found.st_mtime_ns, found.st_size), self._paths)
        return NotebookReporter(filename, _any_of(self._exclude), _any_of(self._partial), whole=whole)


def _any_of(regexes: list[str]) -> str:
    return "|".join(f"(?:{regex})" for regex in regexes) or r"(?!)"


def coverage_init(reg: Any, options: Any) -> None:  # noqa: ARG001 - coverage.py's signature
    """Register with coverage.py (its plugin protocol)."""
    reg.add_configurer(NotebookCoverage())
