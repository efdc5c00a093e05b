"""Nutter's own names for notebooks that are tested where it isn't installed: its base class, tags, results and parallel runner.

A notebook gets them as ``runtime.nutterfixture`` and ``runtime.runner`` (see ``harness.runtime.nutter_import``). They do as
Nutter does, but for what it passes over: see ``docs/nutter.md``.
"""

from __future__ import annotations

import functools
import time
from abc import ABCMeta
from concurrent.futures import ThreadPoolExecutor
from types import FunctionType
from typing import TYPE_CHECKING, Any

from harness.errors import NutterCaseError
from harness.runtime.nutter_names import ROLES
from harness.runtime.nutter_results import CaseResult, TestExecResults, TestResults, failed, tell
from harness.runtime.nutter_roles import TWICE, check_object, read_fixture

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.runtime.nutter_roles import Case

# Tracebacks in pytest show the user's lines, not these.
__tracebackhide__ = True

_WHOLE = "all cases"  # stands for them where an error outside them ended the fixture
_WORKERS = range(1, 16)  # as Nutter has it


def watch(kind: Any) -> None:
    """Have the base class of an installed nutter tell its results too, and what it passes over."""
    original = kind.execute_tests

    @functools.wraps(original)
    def execute_tests(fixture: Any) -> Any:
        faults = {fault.name: fault.error for fault in read_fixture(type(fixture)).faults}
        for name, error in faults.items():
            tell(type(fixture), failed(name, error))
        try:
            done = original(fixture)
        except Exception as exc:
            tell(type(fixture), failed(_WHOLE, exc))
            raise
        for result in done.test_results.results:
            if result.test_name not in faults:
                told = CaseResult(result.test_name, passed=result.passed, exception=result.exception)
                tell(type(fixture), told)
        return done

    kind.execute_tests = execute_tests


def tag(the_tag: str | list[str]) -> Callable[[Any], Any]:
    """Give the case of a ``run_…`` method a tag, or several.

    Raises:
        ValueError: The tag is no text and no list, or the method is none of these.
    """

    def decorate(function: Any) -> Any:
        if not isinstance(the_tag, str | list):
            raise ValueError(f"a tag is a text or a list of texts, not {the_tag!r}")  # noqa: TRY004 -- what Nutter raises
        if not function.__name__.startswith("run_"):
            raise ValueError(f"only a method named run_… can have a tag, and this one is {function.__name__}")
        function.tag = the_tag
        return function

    return decorate


class _Body(dict[str, Any]):
    """The body of a fixture's class while it is run: notes which methods it defines twice."""

    def __init__(self) -> None:
        super().__init__()
        self.twice: dict[str, int] = {}

    def __setitem__(self, name: str, value: Any) -> None:
        before = self.get(name)
        if isinstance(before, FunctionType) and isinstance(value, FunctionType):
            self.twice.setdefault(name, before.__code__.co_firstlineno)
        super().__setitem__(name, value)


class _Kind(ABCMeta):
    """What fixtures are classes of; derived from ABCMeta, so that they go together with abstract classes."""

    @classmethod
    def __prepare__(mcs, _name: str, _bases: tuple[type, ...], /, **_options: Any) -> _Body:  # noqa: N804 -- a metaclass's own class
        return _Body()

    def __new__(mcs, name: str, bases: tuple[type, ...], body: dict[str, Any], /, **options: Any) -> _Kind:
        made = super().__new__(mcs, name, bases, dict(body), **options)
        setattr(made, TWICE, getattr(body, "twice", {}))
        return made


class NutterFixture(metaclass=_Kind):
    """The base class of fixtures: a case is what has one name behind ``before_``, ``run_``, ``assertion_`` and ``after_``."""

    def __init__(self) -> None:
        self.data_loader = None  # Nutter's own name: where it is missing, a derived class forgot to call this
        self.test_results = TestResults()

    def execute_tests(self) -> TestExecResults:
        """Run all cases, between ``before_all`` and ``after_all``, which runs whatever happens; what can't be one has failed.

        Raises:
            NutterCaseError: The object isn't set up as a fixture.
            Exception: What ``before_all`` or ``after_all`` raised.
        """
        plan = read_fixture(type(self))
        check_object(self)
        for fault in plan.faults:
            self._note(failed(fault.name, fault.error))
        raised: BaseException | None = None
        try:
            if "before_all" in plan.around:
                self.before_all()  # type: ignore[attr-defined]  # it is told to be there
            for case in plan.cases:
                self._run(case)
        except BaseException as exc:
            raised = exc
            raise
        finally:
            if "after_all" in plan.around:
                _clean_up(self.after_all, raised)  # type: ignore[attr-defined]  # as above
        return TestExecResults(self.test_results)

    def _run(self, case: Case) -> None:
        begun, raised = time.perf_counter(), None
        try:
            try:
                for role in ROLES[:-1]:
                    if role in case.methods:
                        getattr(self, case.methods[role])()
            except BaseException as exc:
                raised = exc
                raise
            finally:
                if "after" in case.methods:
                    _clean_up(getattr(self, case.methods["after"]), raised)
        except BaseException as exc:
            self._note(failed(case.name, exc, time.perf_counter() - begun, case.tags))
            if not isinstance(exc, Exception):  # the notebook ends inside the case
                raise
        else:
            self._note(CaseResult(case.name, passed=True, execution_time=time.perf_counter() - begun, tags=[*case.tags]))

    def _note(self, result: CaseResult) -> None:
        tell(type(self), result)
        self.test_results.append(result)


def _clean_up(method: Callable[[], Any], raised: BaseException | None) -> None:
    """Call what comes after; where something was raised before, that stays the error, and says of this one too."""
    try:
        method()
    except Exception as exc:
        if raised is None:
            raise
        said = str(exc).partition("\n\nJVM stacktrace:")[0]
        raised.add_note(f"{method.__name__} failed too: {type(exc).__name__}: {said}")


class NutterFixtureParallelRunner:
    """Runs several fixtures at once, each in a thread."""

    def __init__(self, num_of_workers: int = 1) -> None:
        if num_of_workers not in _WORKERS:
            raise ValueError(f"num_of_workers is {num_of_workers!r}; it can be 1 to {_WORKERS[-1]}")
        self.num_of_workers = num_of_workers
        self.tests: list[NutterFixture] = []

    def add_test_fixture(self, fixture: NutterFixture) -> None:
        """Add a fixture.

        Raises:
            TypeError: It is none.
        """
        if not isinstance(fixture, NutterFixture):
            raise TypeError(f"{fixture!r} is no NutterFixture")
        self.tests.append(fixture)

    def execute(self) -> TestExecResults:
        """Run them all; a fixture whose ``before_all`` or ``after_all`` raises has that among its results.

        Raises:
            NutterCaseError: No fixture was added.
        """
        if not self.tests:
            raise NutterCaseError("the parallel runner has no fixture to run", mend="add one: runner.add_test_fixture(…)")
        with ThreadPoolExecutor(self.num_of_workers) as pool:
            running = [(fixture, pool.submit(fixture.execute_tests)) for fixture in self.tests]
        every = TestResults()
        for fixture, done in running:
            exc = done.exception()
            if exc is not None:
                every.append(failed(_WHOLE, exc))
                tell(type(fixture), every.results[-1])
                if not isinstance(exc, Exception):
                    raise exc
            every.results += getattr(fixture, "test_results", TestResults()).results  # it may have failed before it had any
        return TestExecResults(every)
