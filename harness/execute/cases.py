"""Nutter's cases in a notebook that is run whole: one that fails is the run's failure, whatever the notebook makes of it.

``result.exit(dbutils)`` ends the notebook with a value, which alone would make any run green.
"""

from __future__ import annotations

import sys
import traceback
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from harness.errors import DbutilsCallError, HarnessError, NotebookError
from harness.execute.hints import hint_of, hinted, joined
from harness.execute.job import tell
from harness.execute.magics import UnsupportedError
from harness.model import GREEN, Location
from harness.notebook import read_notebook
from harness.runtime.nutter_import import NutterFinder, nutter_watch
from harness.runtime.nutter_results import WATCHERS, counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.execute.kernel import Runner
    from harness.model import NotebookRun
    from harness.runtime.nutter_results import CaseResult

_EVENT = "case"
_NAMED = 5  # as many failed cases as one line has room for


def watch_cases(runner: Runner) -> None:
    """In a kernel: serve Nutter's modules where it isn't installed, and tell of each case."""
    sys.meta_path[:] = [nutter_watch(), *sys.meta_path, NutterFinder()]

    def told(result: CaseResult) -> None:
        error = result.exception
        facts: dict[str, Any] = {"name": f"{result.fixture}.{result.test_name}", "passed": result.passed}
        if not result.passed:
            place = _place(runner, error)
            facts |= {"path": place.path, "line": place.line, "in_cell": place.cell, "at": place.cell_line}
            facts["error"] = _in_words(error)
            facts["unsupported"] = isinstance(error, UnsupportedError | DbutilsCallError)
        tell(runner.job.folder, _EVENT, cell=runner.cell.number if runner.cell is not None else None, **facts)

    WATCHERS.append(told)


def _in_words(error: BaseException | None) -> str:
    if isinstance(error, HarnessError):
        return f"{error.code} {error.what}"
    return "".join(traceback.format_exception_only(error)).strip() if error is not None else "it says not why"


def _place(runner: Runner, error: BaseException | None) -> Location:
    if isinstance(error, NotebookError) and error.location is not None and error.location.line is not None:
        path, line = error.location.path, error.location.line
        for cell in read_notebook(path).cells if path.endswith((".py", ".ipynb")) else ():
            if cell.first_line <= line <= cell.last_line:
                return Location(runner.shown(path), line, cell.number, line - cell.first_line + 1)
    return runner.place_of(error if error is not None else RuntimeError())


@dataclass(frozen=True, slots=True)
class Failures:
    """The cases of a run that failed."""

    cases: tuple[Mapping[str, Any], ...]
    count: int

    def __str__(self) -> str:
        named = [f"{case['name']} ({_location(case)}): {case['error']}" for case in self.cases[:_NAMED]]
        more = [f"and {len(self.cases) - _NAMED} more"] if len(self.cases) > _NAMED else []
        return f"{counted(len(self.cases), self.count)}: {'; '.join([*named, *more])}"


def failures_of(events: Iterable[Mapping[str, Any]]) -> Failures:
    """What a kernel has told of cases that failed."""
    cases = [event for event in events if event["event"] == _EVENT]
    return Failures(tuple(case for case in cases if not case["passed"]), len(cases))


def judged(run: NotebookRun, failures: Failures) -> NotebookRun:
    """Give the run as its cases make it: one that ended green is red by a case that failed; its exit value stays."""
    if not failures.cases or run.ended not in {*GREEN, "failed", "unsupported"}:
        return run
    if run.ended == "unsupported":  # what couldn't be had made them fail, or came beside it
        is_theirs = all(case["unsupported"] for case in failures.cases)
        said = hint_of(run.error)
        theirs = hinted(str(failures), said) if said else str(failures)
        return replace(run, error=theirs if is_theirs else joined(run.error, str(failures)))
    if run.ended == "failed":
        return replace(run, error=joined(run.error, str(failures)))
    cells = tuple(
        replace(cell, outcome="failed") if cell.number in {case["cell"] for case in failures.cases} else cell
        for cell in run.cells
    )
    ended: Any = "unsupported" if all(case["unsupported"] for case in failures.cases) else "failed"
    return replace(run, ended=ended, error=str(failures), location=_location(failures.cases[0]), cells=cells)


def _location(case: Mapping[str, Any]) -> Location:
    return Location(case["path"], case["line"], case["in_cell"], case["at"])
