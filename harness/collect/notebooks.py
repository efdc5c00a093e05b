"""Collect the tests that a notebook itself holds: definitions only, its top level is not run."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pytest

from harness.collect.session import SESSION
from harness.errors import HarnessError, NoTestsError
from harness.extract.build import as_error
from harness.extract.placeholder import is_stand_in_class

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

    from _pytest._code.code import TerminalRepr


class NotebookTests(pytest.Module):
    """A notebook that matches ``python_files``: each of its test functions and classes is an item, as in a module."""

    def _getobj(self) -> ModuleType:
        loader = self.config.stash[SESSION].loader
        try:
            return loader.load(str(self.path))
        except HarnessError as error:
            if error.location is not None:
                error.location = loader.shown(error.location)
            raise self.CollectError(str(error)) from error

    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        """Give the notebook's tests; a broken cell is a failing item of its own, and a notebook without a test is an error."""
        units = self.obj.__units__
        items = [item for item in super().collect() if not _stands_in(item)]
        broken = [problem for problem in units.problems if problem.code in {"NBH102", "NBH104", "NBH105"}]
        for number, problem in enumerate(broken, 1):
            shown = units.loader.shown(problem.location)
            error = as_error(problem)
            error.location = shown
            cell = shown.cell if shown.cell is not None else number
            items.append(Unreadable.from_parent(self, name=f"cell_{cell}_is_broken", error=error))
        for name, value in sorted(vars(self.obj).items()):
            if inspect.isclass(value) and is_stand_in_class(value) and self.classnamefilter(name):
                error = NoTestsError(
                    f"the test class {name} can't be collected",
                    cause="its body or decorators do more than define, so it exists only inside a test",
                    mend="move what it does at definition into a fixture",
                )
                items.append(Unreadable.from_parent(self, name=name, error=error))
        if not any(isinstance(item, pytest.Item) or _holds_items(item) for item in items):
            patterns = [*self.config.getini("python_functions"), *self.config.getini("python_classes")]
            raise self.CollectError(
                str(
                    NoTestsError(
                        "the notebook matches python_files but holds no test",
                        cause=f"no function or class of it matches {' or '.join(patterns)}",
                        mend="rename the notebook, or add a test function",
                        location=units.loader.shown(units.source.locate(1)),
                    )
                )
            )
        return items


def _stands_in(item: pytest.Item | pytest.Collector) -> bool:
    """Say whether it is a class that exists only inside a test: looking into it would define it."""
    return isinstance(item, pytest.Class) and inspect.isclass(item.obj) and is_stand_in_class(item.obj)


def _holds_items(collector: pytest.Item | pytest.Collector) -> bool:
    """Say whether a collected class has any test; one that can't be looked into counts, its own error will be told."""
    if not isinstance(collector, pytest.Class):
        return True
    return any(name for name in dir(collector.obj) if collector.funcnamefilter(name)) or hasattr(collector.obj, "runTest")


class Unreadable(pytest.Item):
    """What a test notebook holds but can't be collected from: fails with the reason, so that it isn't silently left out."""

    def __init__(self, *, error: HarnessError, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.error = error

    def runtest(self) -> None:
        """Fail with the reason."""
        raise self.error

    def repr_failure(
        self,
        excinfo: pytest.ExceptionInfo[BaseException],
        style: Any = None,  # noqa: ARG002 - pytest's signature
    ) -> str | TerminalRepr:
        """Show our error without a traceback of ours."""
        return str(excinfo.value)

    def reportinfo(self) -> tuple[Any, int | None, str]:
        """Give file and line for reports."""
        line = self.error.location.line if self.error.location is not None else None
        return self.path, (line - 1) if line else None, self.name
