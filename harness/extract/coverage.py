"""coverage.py's view of a notebook: its kept statements counted at the file's own lines, held-back ones excluded.

A *configurer* plugin on purpose: as a file tracer it would turn off the ``sys.monitoring`` core (coverage.py, ``core.py``), and
no tracer is needed, since notebook code runs under the notebook's own path and lines. coverage.py asks ``file_reporter`` of the
plugin whose name a file is labelled with; ``harness.collect.coverage`` writes the labels.
"""

from __future__ import annotations

import ast
import warnings
from tokenize import TokenError
from typing import TYPE_CHECKING, Any

from coverage.exceptions import NotPython
from coverage.parser import PythonParser
from coverage.phystokens import source_token_lines
from coverage.plugin import CoveragePlugin, FileReporter
from coverage.python import get_python_source
from coverage.regions import code_regions

from harness.extract.build import Extract, extract
from harness.extract.kinds import DEFERRED, KEPT
from harness.notebook import python_text, read_notebook

if TYPE_CHECKING:
    from collections.abc import Iterable

PLUGIN = "harness.extract.coverage"
LABEL = f"{PLUGIN}.NotebookCoverage"


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


def _parse(text: str, source: Extract, exclude: str) -> PythonParser:
    """Let coverage.py find statements and branches; what is no Python as a whole file, but fine by cell, is blanked before."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an invalid escape such as "\d" in a notebook is no error, whatever the filters
        try:
            parser = PythonParser(text=text, filename=source.path, exclude=exclude)
            parser.parse_source()
        except NotPython:
            parser = PythonParser(text=_compilable(text, source), filename=source.path, exclude=exclude)
            parser.parse_source()
    return parser


def _compilable(text: str, source: Extract) -> str:
    """Blank the top-level statements that only a notebook may have: a late ``from __future__``, ``await``, ``return``."""
    lines = text.split("\n")
    for item in source.parsed():
        node = item.node
        if isinstance(node, str):
            continue
        is_future = isinstance(node, ast.ImportFrom) and node.module == "__future__"
        if is_future or isinstance(node, ast.Global) or not _compiles(node):
            first, end = node.lineno, node.end_lineno or node.lineno
            lines[first - 1 : end] = ["" if is_future else "pass"] + [""] * (end - first)
    return "\n".join(lines)


def _compiles(node: ast.stmt) -> bool:
    try:
        compile(ast.Module([node], []), "<statement>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


class NotebookReporter(FileReporter):
    """Statements, branches and source of one notebook."""

    def __init__(self, filename: str, exclude: str, partial: str) -> None:
        super().__init__(filename)
        self._extract = extract(filename)
        self._text = python_of(filename, self._extract)
        self._partial = partial
        self._parser = _parse(self._text, self._extract, exclude)
        self._counted = counted_lines(self._extract)

    def source(self) -> str:
        """Give the text to show: the file's own for ``.py``, the cells' Python at its lines for others."""
        return get_python_source(self.filename) if self.filename.endswith(".py") else self._text

    def lines(self) -> set[int]:
        """Give the statements that count; of a notebook that holds nothing but a body, all are missed."""
        return self._parser.statements & self._counted if self._counted else set(self._parser.statements)

    def excluded_lines(self) -> set[int]:
        """Give what the user excluded, and what is held back."""
        return self._parser.excluded | (held_lines(self._extract) & self._parser.statements if self._counted else set())

    def translate_lines(self, lines: Iterable[int]) -> set[int]:
        return self._parser.translate_lines(lines)

    def multiline_map(self) -> dict[int, int]:
        return self._parser.multiline_map

    def arcs(self) -> set[tuple[int, int]]:
        return self._parser.arcs()

    def translate_arcs(self, arcs: Iterable[tuple[int, int]]) -> set[tuple[int, int]]:
        return self._parser.translate_arcs(arcs)

    def exit_counts(self) -> dict[int, int]:
        counted = self.lines()
        return {line: count for line, count in self._parser.exit_counts().items() if line in counted}

    def no_branch_lines(self) -> set[int]:
        # Top-level statements are executed one by one, so the way from one to the next is never seen.
        return self._parser.lines_matching(self._partial) | _module_level_lines(self._extract)

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

    def configure(self, config: Any) -> None:
        """Remember the user's exclusions, which apply in notebooks too."""
        self._exclude = [str(regex) for regex in config.get_option("report:exclude_lines")]
        options = ("report:partial_branches", "report:partial_branches_always")
        self._partial = [str(regex) for option in options for regex in config.get_option(option) or []]

    def file_reporter(self, filename: str) -> FileReporter:
        """Give the reporter of a notebook."""
        return NotebookReporter(filename, _any_of(self._exclude), _any_of(self._partial))


def _any_of(regexes: list[str]) -> str:
    return "|".join(f"(?:{regex})" for regex in regexes) or r"(?!)"


def coverage_init(reg: Any, options: Any) -> None:  # noqa: ARG001 - coverage.py's signature
    """Register with coverage.py (its plugin protocol)."""
    reg.add_configurer(NotebookCoverage())
