"""Collect the tests that a notebook itself holds: definitions only, its top level is not run."""

from __future__ import annotations

import inspect
import unittest
from typing import TYPE_CHECKING

import pytest

from harness.collect.nutter import NutterClass
from harness.collect.session import SESSION
from harness.collect.unreadable import Unreadable
from harness.errors import HarnessError, NoTestsError
from harness.extract.bases import may_hold_tests
from harness.extract.build import as_error
from harness.extract.placeholder import is_stand_in_class

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import ModuleType

    from harness.extract.run import Entry
    from harness.extract.units import Units


class NotebookTests(pytest.Module):
    """A notebook that matches ``python_files``: each test function, method and Nutter case in it is an item."""

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
        classes = {item.name for item in items if isinstance(item, pytest.Class)}
        items += self._broken(units)
        items += self._undefined(units)
        items += self._lost(units, classes)
        if not any(isinstance(item, pytest.Item) or _holds_items(item) for item in items):
            patterns = [*self.config.getini("python_functions"), *self.config.getini("python_classes")]
            raise self.CollectError(
                str(
                    NoTestsError(
                        "the notebook matches python_files but holds no test",
                        cause=f"no function or class of it matches {' or '.join(patterns)}, "
                        "and none is a unittest.TestCase or a NutterFixture",
                        mend="rename the notebook, or add a test function",
                        location=units.loader.shown(units.source.locate(1)),
                    )
                )
            )
        return items

    def _broken(self, units: Units) -> Iterator[Unreadable]:
        """Give an item for each cell or ``%run`` that couldn't be read."""
        broken = [problem for problem in units.problems if problem.code in {"NBH102", "NBH104", "NBH105"}]
        for number, problem in enumerate(broken, 1):
            error = as_error(problem)
            error.location = units.loader.shown(problem.location)
            cell = error.location.cell if error.location.cell is not None else number
            yield Unreadable.from_parent(self, name=f"cell_{cell}_is_broken", error=error)

    def _undefined(self, units: Units) -> Iterator[Unreadable]:
        """Give an item for each test class that can't be defined yet: looking into it would run what its body does."""
        for name, value in sorted(vars(self.obj).items()):
            if not (inspect.isclass(value) and is_stand_in_class(value)):
                continue
            if self.classnamefilter(name) or may_hold_tests(units, name):
                index, entry = next(found for found in reversed([*enumerate(units.entries)]) if name in found[1].row.binds)
                failure = (units.failures or {}).get(index)
                error = NoTestsError(
                    f"the test class {name} can't be collected",
                    cause="its body or decorators do more than define, so it exists only inside a test",
                    mend="move what it does at definition into a fixture, or its set-up",
                    location=units.place(entry),
                )
                if failure is not None:
                    _, near, name_meant = failure.mend.partition("; did you mean ")
                    error.cause = failure.cause
                    error.mend = f"mend the line: a test class is defined before a test could give it a value{near}{name_meant}"
                yield Unreadable.from_parent(self, name=name, error=error)

    def _lost(self, units: Units, classes: set[str]) -> Iterator[Unreadable]:
        """Give an item for each test class that a later one of the same name takes the place of."""
        places: dict[str, dict[tuple[str, int], Entry]] = {name: {} for name in sorted(classes)}
        for entry in units.entries:
            if entry.row.what == "class" and entry.row.binds[0] in places:
                places[entry.row.binds[0]][entry.source.path, entry.row.line] = entry
        for name, found in places.items():
            entries = [*found.values()]
            for entry in entries[:-1]:
                error = NoTestsError(
                    f"the tests of this class {name} are lost",
                    cause=f"another class of that name takes its place: {units.place(entries[-1])}",
                    mend="give one of them another name",
                    location=units.place(entry),
                )
                yield Unreadable.from_parent(self, name=f"{name}_is_defined_twice", error=error)


def _stands_in(item: pytest.Item | pytest.Collector) -> bool:
    """Say whether it is a class that exists only inside a test: looking into it would define it."""
    return isinstance(item, pytest.Class) and inspect.isclass(item.obj) and is_stand_in_class(item.obj)


def _holds_items(collector: pytest.Item | pytest.Collector) -> bool:
    """Say whether a collected class has any test; one that can't be looked into counts, its own error will be told."""
    if not isinstance(collector, pytest.Class) or isinstance(collector, NutterClass):
        return True
    kind = collector.obj
    if issubclass(kind, unittest.TestCase):
        return bool(unittest.TestLoader().getTestCaseNames(kind)) or hasattr(kind, "runTest")
    return any(name for name in dir(kind) if collector.funcnamefilter(name)) or hasattr(kind, "runTest")
