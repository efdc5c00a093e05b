"""What became of Nutter's cases: by Nutter's own names for notebooks, and told to whoever watches."""

from __future__ import annotations

import json
import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError

if TYPE_CHECKING:
    from collections.abc import Callable

# Modules whose lines lead to those of a case.
_AROUND = {"harness.runtime.nutter", "concurrent.futures.thread"}

WATCHERS: list[Callable[[CaseResult], None]] = []
"""Called with each result of ``execute_tests``, for a notebook may look at none; kept here, for a process runs one notebook."""


@dataclass(slots=True)
class CaseResult:
    """What became of a case, by Nutter's own names."""

    test_name: str
    passed: bool
    execution_time: float = 0.0
    tags: list[str] = field(default_factory=list)
    exception: BaseException | None = None
    stack_trace: str = ""
    fixture: str = ""


class TestResults:
    """The results of one fixture or several, by Nutter's own names; ``serialize`` gives JSON, for a pickle can be lost."""

    __test__ = False  # no test class, whatever its name

    def __init__(self) -> None:
        self.results: list[CaseResult] = []

    @property
    def test_cases(self) -> int:
        """How many cases there are."""
        return len(self.results)

    @property
    def num_failures(self) -> int:
        """How many failed."""
        return sum(not result.passed for result in self.results)

    @property
    def total_execution_time(self) -> float:
        """The seconds that they took."""
        return sum(result.execution_time for result in self.results)

    def append(self, result: CaseResult) -> None:
        """Add a result."""
        self.results.append(result)

    def passed(self) -> bool:
        """Whether there are results, and none failed."""
        return bool(self.results) and not self.num_failures

    def serialize(self) -> str:
        """Give all as JSON."""
        cases = [
            {
                "fixture": result.fixture,
                "case": result.test_name,
                "passed": result.passed,
                "seconds": round(result.execution_time, 3),
                "tags": result.tags,
                "error": _one_line(result.exception),
            }
            for result in self.results
        ]
        return json.dumps({"passed": self.passed(), "cases": cases})


class TestExecResults:
    """What ``execute_tests`` gives: to be printed, and to end the notebook with."""

    __test__ = False  # as above

    def __init__(self, test_results: TestResults) -> None:
        self.test_results = test_results

    def to_string(self) -> str:
        """Give a report for people: what failed with its traceback, then what passed."""
        results = self.test_results.results
        lines = [counted(self.test_results.num_failures, len(results))]
        for result in sorted(results, key=lambda result: result.passed):
            word = "passed" if result.passed else "FAILED"
            lines.append(f"{word}  {result.fixture}.{result.test_name}  {result.execution_time:.2f} s")
            lines += [f"    {line}" for line in result.stack_trace.rstrip().splitlines()]
        return "\n".join(lines) + "\n"

    def exit(self, dbutils: Any) -> None:
        """End the notebook with the results as its value, in JSON."""
        dbutils.notebook.exit(self.test_results.serialize())


def counted(failures: int, count: int) -> str:
    """Say of so many cases how many failed, or that all passed."""
    if not count:
        return "no Nutter case was run"
    cases = "Nutter case" if count == 1 else "Nutter cases"
    return f"{failures} of {count} {cases} failed" if failures else f"{count} {cases} passed"


def tell(kind: type, result: CaseResult) -> None:
    """Tell those who watch of a result of a fixture's."""
    result.fixture = kind.__name__
    for watcher in WATCHERS:
        watcher(result)


def failed(name: str, exc: BaseException, took: float = 0.0, tags: tuple[str, ...] = ()) -> CaseResult:
    """Give the result of a case that an error ended."""
    trace = exc.__traceback__
    while trace is not None and trace.tb_frame.f_globals.get("__name__") in _AROUND:
        trace = trace.tb_next  # the user's lines are enough
    told = str(exc) if isinstance(exc, HarnessError) else "".join(traceback.format_exception(type(exc), exc, trace))
    return CaseResult(name, passed=False, execution_time=took, tags=[*tags], exception=exc, stack_trace=told)


def _one_line(exc: BaseException | None) -> str:
    if exc is None:
        return ""
    if isinstance(exc, HarnessError):
        return f"{exc.code} {exc.what}"
    return "".join(traceback.format_exception_only(exc)).strip()
