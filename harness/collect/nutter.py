"""Nutter's fixtures as pytest collects them: each case an item, and all that they share living as long as their class.

What a fixture's cases work with (the object itself, ``dbutils``, Spark's state, values computed in the notebook) is there
before ``before_all`` and goes after ``after_all``. pytest lets such things go with an item, so two nodes stand between class
and case while it runs: an item that owns them, and a stage that holds the object and calls the two methods around all cases.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from harness.collect.unreadable import Unreadable, shown
from harness.errors import NutterCaseError
from harness.model import Location
from harness.runtime.nutter_names import ROLES, code_of, is_base
from harness.runtime.nutter_roles import check_object, is_fixture, read_fixture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from harness.runtime.nutter_roles import Case, Plan

# Tracebacks show the user's lines, not these.
__tracebackhide__ = True

# A tag must not become a mark that does something: a case tagged "skip" would be skipped.
_NO_MARKS = {"skip", "skipif", "xfail", "parametrize", "usefixtures", "filterwarnings", "tryfirst", "trylast"}
_OUTCOMES = (pytest.skip.Exception, pytest.fail.Exception, pytest.xfail.Exception, pytest.exit.Exception, KeyboardInterrupt)


def collector_of(parent: pytest.Module | pytest.Class, name: str, kind: type) -> NutterClass | list[Any] | None:
    """Give the collector of a class that is derived from Nutter's; nothing for that one itself, and None for all others."""
    if is_base(kind) or (is_fixture(kind) and inspect.isabstract(kind)):
        return []
    return NutterClass.from_parent(parent, name=name) if is_fixture(kind) else None


class Shared(NamedTuple):
    """The two nodes between a class and its cases while these run."""

    owner: Owner
    stage: Stage


class NutterClass(pytest.Class):
    """A class derived from NutterFixture."""

    shared: Shared | None = None

    @functools.cached_property
    def plan(self) -> Plan:
        """Its cases and faults."""
        return read_fixture(self.obj)

    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        """Give an item that fails for what can't be a case, then the cases, in the order in which Nutter runs them."""
        if not getattr(self.obj, "__test__", True) or (self.plan.faults and self._is_derived_from()):
            return
        for fault in self.plan.faults:
            fault.error.location = fault.error.location or self._place()
            yield Unreadable.from_parent(self, name=fault.name, error=shown(self, fault.error))
        for case in self.plan.cases:
            yield NutterCase.from_parent(self, name=case.name, case=case, callobj=_call_of(self, case))

    def _is_derived_from(self) -> bool:
        """Whether another fixture beside it is made of it: then its methods are told there, and need not be whole here."""
        kind: type = self.obj
        beside = list(vars(self.parent.obj).values())  # type: ignore[union-attr]  # a module or a class
        return any(is_fixture(other) and other is not kind and kind in other.__mro__ for other in beside)

    def _place(self) -> Location | None:
        """Where the class begins; None where its text can't be read."""
        units = getattr(self.module, "__units__", None)
        for entry in units.entries if units is not None else ():
            if entry.row.what == "class" and self.obj.__name__ in entry.row.binds:
                return Location(entry.source.path, entry.row.line)
        with contextlib.suppress(OSError, TypeError):
            return Location(str(inspect.getsourcefile(self.obj)), inspect.getsourcelines(self.obj)[1])
        return None

    def begin(self) -> Owner:
        """Have what the cases share until it is torn down; gives the item whose fixtures the notebook's code finds."""
        if self.shared is None:
            owner = Owner.from_parent(self, name=self.name, callobj=_nothing)
            self.shared = Shared(owner, Stage.from_parent(self, name=self.name))
        return self.shared.owner

    def goes_on(self) -> bool:
        """After a case: say whether what the cases share is still there, for the next one."""
        if self.shared is not None and not self.shared.owner.is_live:
            self.shared = None
        return self.shared is not None

    def perform(self, *names: str) -> None:
        """Call methods of the object."""
        assert self.shared is not None  # noqa: S101 -- asked only while a case runs
        for name in names:
            getattr(self.shared.stage.fixture, name)()


class Owner(pytest.Function):
    """Owns the fixtures that go with a class of cases; never runs."""

    nofuncargs = True  # pytest's word for: no fixture is asked for by an argument
    is_live = False

    def setup(self) -> None:
        """Set up what stands around a whole class; then Spark's state is what it is to be again when the class has ended."""
        self.is_live = True
        for name in self.fixturenames:
            definitions = self._fixtureinfo.name2fixturedefs.get(name)
            # A case that asks for what is set up here, as each does for _restored, gets this one: pytest sets up nothing twice.
            if definitions and (name == "_restored" or definitions[-1].scope != "function"):
                self._request.getfixturevalue(name)

    def teardown(self) -> None:
        """Let the next case begin anew."""
        self.is_live = False


def _nothing() -> None:
    """What an owner would run."""


class Stage(pytest.Item):
    """Holds the object whose methods the cases are."""

    fixture: Any = None

    def setup(self) -> None:
        """Make the object and call before_all; what either raises is the error of each case."""
        with self._telling("__init__"):
            made = self._class.obj()
            check_object(made)
        self.fixture = made
        if "before_all" in self._class.plan.around:
            with self._telling("before_all"):
                made.before_all()

    def teardown(self) -> None:
        """Call after_all, also where before_all failed."""
        made, self.fixture = self.fixture, None
        if made is not None and "after_all" in self._class.plan.around:
            with self._telling("after_all"):
                made.after_all()

    def runtest(self) -> None:
        """Never run."""
        raise NotImplementedError

    @property
    def _class(self) -> NutterClass:
        assert isinstance(self.parent, NutterClass)  # noqa: S101 -- it alone makes stages
        return self.parent

    @contextlib.contextmanager
    def _telling(self, method: str) -> Iterator[None]:
        """Say with an error what it means for the cases; one that would end pytest itself (``sys.exit``) fails them too."""
        what = f"{self._class.obj.__name__}.{method}"
        try:
            yield
        except _OUTCOMES:
            raise
        except NutterCaseError as error:
            shown(self._class, error)
            raise
        except Exception as exc:
            exc.add_note(f"{what} failed" if method == "after_all" else f"{what} failed, so none of its cases is run")
            raise
        except BaseException as exc:
            raise NutterCaseError(f"{what} ended by {type(exc).__name__}", cause=str(exc)) from exc


class NutterCase(pytest.Function):
    """One case: ``before_x``, ``run_x`` and ``assertion_x``; ``after_x`` when it is torn down, whatever happened."""

    nofuncargs = True

    def __init__(self, *, case: Case, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.case = case
        for tag in case.tags:
            self.extra_keyword_matches.add(tag)
            if tag and tag not in _NO_MARKS and not tag.startswith(("_", "nbh_")):
                self.config.addinivalue_line("markers", f"{tag}: a tag of a Nutter case")
                self.add_marker(tag)

    @property
    def fixture_class(self) -> NutterClass:
        """The class that it is a case of."""
        assert isinstance(self.parent, NutterClass)  # noqa: S101 -- it alone makes cases
        return self.parent

    @property
    def instance(self) -> Any:
        """The object that all cases of the class share, while they run."""
        shared = self.fixture_class.shared
        return shared.stage.fixture if shared is not None else None

    def _getobj(self) -> Any:
        return _call_of(self.fixture_class, self.case)

    def listchain(self) -> list[Any]:
        """Give what pytest sets up before it: with the two nodes that the class's cases share."""
        *above, own = super().listchain()
        return [*above, *(self.fixture_class.shared or ()), own]

    def setup(self) -> None:
        """Set up its own fixtures; from here on after_x is due."""
        super().setup()
        if "after" in self.case.methods:
            self.addfinalizer(lambda: self.fixture_class.perform(self.case.methods["after"]))


def _call_of(parent: NutterClass, case: Case) -> Callable[[], None]:
    """What pytest calls for a case: looks like its assertion, and has the marks of all its methods."""
    methods = {name: getattr(parent.obj, name) for name in case.methods.values()}

    def call() -> None:
        parent.perform(*(case.methods[role] for role in ROLES[:-1] if role in case.methods))

    assertion = methods[case.methods["assertion"]]
    if code_of(assertion) is not None:  # pytest looks for the code of what a function wraps, and not all that is called has any
        functools.update_wrapper(call, assertion)
    call.pytestmark = [mark for method in methods.values() for mark in getattr(method, "pytestmark", ())]  # type: ignore[attr-defined]  # pytest's own
    return call
