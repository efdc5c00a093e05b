"""Collect the tests that a notebook itself holds: definitions only, its top level is not run."""

from __future__ import annotations

import ast
import inspect
import unittest
from typing import TYPE_CHECKING

import pytest

from harness.collect.nutter import NutterClass
from harness.collect.session import SESSION
from harness.collect.unreadable import Unreadable, shown
from harness.errors import HarnessError, NoTestsError
from harness.extract.bases import may_hold_tests
from harness.extract.build import as_error
from harness.extract.placeholder import is_stand_in_class
from harness.model import Location

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import ModuleType

    from harness.extract.units import Units


_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


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
        own = {item.name for item in items if isinstance(item, pytest.Class)}
        own |= {item.originalname for item in items if isinstance(item, pytest.Function)}
        items += self._broken(units)
        items += self._undefined(units)
        items += self._lost(units, own)
        items += self._lost_methods(units, items)
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

    def _lost(self, units: Units, own: set[str]) -> Iterator[Unreadable]:
        """Give an item for each test function or class that a later one of the same name takes the place of."""
        found: dict[str, dict[tuple[str, int], ast.AST]] = {name: {} for name in sorted(own)}
        for entry in units.entries:
            if not own.isdisjoint(entry.row.binds):
                for node in units.values.outline.nodes(entry):
                    is_in_branch = node.col_offset > 0  # one of several, of which each may be meant
                    if isinstance(node, _DEFINITIONS) and node.name in own and not is_in_branch:
                        found[node.name][entry.source.path, node.lineno] = node
        for name, nodes in found.items():
            *lost, (path, line) = nodes or [("", 0)]
            for place in lost:
                is_class = isinstance(nodes[place], ast.ClassDef)
                error = NoTestsError(
                    f"the tests of this class {name} are lost" if is_class else f"the test {name} is lost",
                    cause=f"another {'class' if is_class else 'function'} of that name takes its place: "
                    f"{shown(self, NoTestsError('', location=Location(path, line))).location}",
                    mend="give one of them another name",
                    location=Location(*place),
                )
                yield Unreadable.from_parent(self, name=f"{name}_is_defined_twice", error=shown(self, error))

    def _lost_methods(self, units: Units, items: list[pytest.Item | pytest.Collector]) -> Iterator[Unreadable]:
        """Give an item for each test method that a later one of its class replaces; a Nutter fixture tells its own."""
        classes = {item.name: item for item in items if isinstance(item, pytest.Class) and not isinstance(item, NutterClass)}
        for entry in units.entries:
            collector = classes.get(entry.row.binds[0]) if entry.row.what == "class" else None
            node = units.values.outline.definition(entry, collector.name) if collector is not None else None
            if collector is None or node is None:
                continue
            parts = [part for part in node.body if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)]
            last, tests = {part.name: part for part in parts}, _tests_of(collector)
            for part in parts:
                if part.name not in tests or part is last[part.name]:
                    continue
                error = NoTestsError(
                    f"the test {node.name}.{part.name} is lost",
                    cause=f"another method of that name takes its place, on line {last[part.name].lineno}",
                    mend="give one of them another name",
                    location=units.loader.shown(entry.source.locate(part.lineno)),
                )
                yield Unreadable.from_parent(self, name=f"{node.name}.{part.name}_is_defined_twice", error=error)


def refuse_hollow(item: pytest.Item) -> None:
    """Refuse a method of a notebook's ``TestCase`` whose call runs nothing: unittest calls it, and takes it for passed.

    Raises:
        NoTestsError: It is async, or has a ``yield``.
    """
    kind = getattr(item.parent, "obj", None)
    if not (isinstance(item, pytest.Function) and isinstance(kind, type) and issubclass(kind, unittest.TestCase)):
        return
    calls = [getattr(one, "_callTestMethod", None) for one in (kind, unittest.TestCase)]  # another one may run coroutines
    if calls[0] is not calls[1] or item.getparent(NotebookTests) is None:
        return
    what = next((what for is_other, what in _HOLLOW if is_other(item.obj)), None)
    if what is not None:
        code = item.obj.__code__
        raise shown(
            item,
            NoTestsError(
                f"{kind.__name__}.{item.name} is {what}, so that calling it runs nothing",
                cause="unittest calls it as it is, and would pass it",
                mend="make it a plain method" + ("; IsolatedAsyncioTestCase runs a coroutine" if what == "async" else ""),
                location=Location(code.co_filename, code.co_firstlineno),
            ),
        )


_HOLLOW = (
    (inspect.iscoroutinefunction, "async"),
    (inspect.isasyncgenfunction, "an async generator"),
    (inspect.isgeneratorfunction, "a generator"),
)


def _stands_in(item: pytest.Item | pytest.Collector) -> bool:
    """Say whether it is a class that exists only inside a test: looking into it would define it."""
    return isinstance(item, pytest.Class) and inspect.isclass(item.obj) and is_stand_in_class(item.obj)


def _holds_items(collector: pytest.Item | pytest.Collector) -> bool:
    """Say whether a collected class has any test; one that can't be looked into counts, its own error will be told."""
    if not isinstance(collector, pytest.Class) or isinstance(collector, NutterClass):
        return True
    return bool(_tests_of(collector)) or hasattr(collector.obj, "runTest")


def _tests_of(collector: pytest.Class) -> list[str]:
    """The names of a class's test methods."""
    if issubclass(collector.obj, unittest.TestCase):
        return [*unittest.TestLoader().getTestCaseNames(collector.obj)]
    return [name for name in dir(collector.obj) if collector.funcnamefilter(name)]
