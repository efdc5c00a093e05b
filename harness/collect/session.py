"""One pytest run's state: the finder, the loader once a notebook is met, and the running test as notebook code sees it."""

from __future__ import annotations

import contextlib
import os
import sys
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from harness.collect.engine import SPARK
from harness.errors import HarnessError, OutsideTestError
from harness.extract.importer import NotebookFinder, RootFinder
from harness.runtime import modules
from harness.runtime.nutter_import import NutterFinder
from harness.spark.star_import import StarImport

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterator

    from harness.collect.nutter import NutterClass
    from harness.extract.load import Loader
    from harness.extract.units import Units
    from harness.model import Location


# Fixtures of a test that notebook code finds around it.
_OF_A_TEST = frozenset({"dbutils", "display", "displayHTML"})
# Fixtures whose value a user's own of that name may be made of, with the name of ours that nobody overrides.
OURS = {"dbutils": "_nbh_dbutils", "spark": "_nbh_spark"}
_FEW = 20  # notebooks that no test names, whose units a summary still tells one by one


class NotebookSession:
    """Kept in ``config.stash[SESSION]``. Nothing heavy is imported before the first notebook is met."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.root = str(config.rootpath)
        self.scope: TestScope | None = None
        self.existing: Loader | None = None
        self.making: list[str] = []  # those of OURS that are being set up
        self._test_file: str | None = None
        self._modules: list[ModuleType] = []
        self.finder = NotebookFinder(_roots(config), lambda: self.loader, lambda: self.existing)
        self._last_finder = RootFinder(self.finder)
        self._nutter = NutterFinder()
        self._star = StarImport()

    @property
    def loader(self) -> Loader:
        """The run's loader, made when the first notebook is met."""
        if self.existing is None:
            from harness.extract.load import Loader
            from harness.extract.public import run_prefixes, use

            self.existing = Loader(self.root, rewriter=_rewriter(self.config), run_prefixes=run_prefixes)
            self.existing.scope = self.scope
            if self._test_file is not None:
                self.existing.views.enter(self._test_file)
            use(self.existing)
        return self.existing

    def install(self) -> None:
        """Put the finder first on ``sys.meta_path``: Python's own would run a notebook's top level."""
        if self.finder not in sys.meta_path:
            sys.meta_path.insert(0, self.finder)
            sys.meta_path += [self._last_finder, self._nutter]
            self._star.install()
            self._modules = modules.put(self._of_runtime)

    def uninstall(self) -> None:
        """Leave ``sys.meta_path`` as it was."""
        if self.finder in sys.meta_path:
            sys.meta_path.remove(self.finder)
            sys.meta_path.remove(self._last_finder)
            self._nutter.withdraw()
            self._star.uninstall()
            modules.take_away(self._modules)
        if self.existing is not None:
            from harness.extract.public import release

            self.existing.beside.leave()  # of a run that was broken off inside a test
            release(self.existing)

    def _of_runtime(self, name: str) -> Any:
        """What ``databricks.sdk.runtime`` gives: what looks for the running test's at each use, for a module keeps it.

        ``spark`` is one object for the whole run, so where it is there it is given itself.
        """
        if name == "spark" and self.scope is not None and (SPARK in self.config.stash or name in self.making):
            return self.scope.get(name)
        return modules.Late(name, self.of_test)

    def of_test(self, name: str) -> Any:
        """Give what notebook code finds by that name in the running test.

        Raises:
            OutsideTestError: No test runs.
        """
        if self.scope is None:
            raise OutsideTestError(
                f"{name} of databricks.sdk.runtime was used outside a test",
                cause="it is the running test's, and no test runs",
                mend="use it inside a function that a test calls",
            )
        return self.scope.get(name)

    def begin(self, item: pytest.Item) -> None:
        """A test starts: notebook code now gets its fixtures; in a Nutter case those that the cases of its class share."""
        nutter = _nutter_class(item)
        owner = nutter.begin() if nutter is not None else item
        self.turn_to(item)
        if self.scope is None or self.scope.item is not owner:
            self.scope = TestScope(owner)
            if self.existing is not None:
                self.existing.begin(self.scope, lambda: _reached(item))

    def asks_for_session(self, item: pytest.Item) -> bool:
        """Say whether a notebook that a test has at hand names Spark's active session."""
        asking = self.existing.asking_for_session() if self.existing is not None else None
        if not asking:  # as in nearly every run: what each test has at hand isn't looked through
            return False
        return any(entry.source.path in asking for units in {*_reached(item)} for entry in units.entries)

    def turn_to(self, node: pytest.Item | pytest.Collector) -> None:
        """Have the notebooks of the project that a test file belongs to, not same-named ones of another."""
        self._test_file = str(node.path)
        if self.existing is not None:
            self.existing.views.enter(self._test_file)

    def end(self, item: pytest.Item) -> None:
        """A test ended: what was computed for it is forgotten; of a Nutter case with the last one of its class."""
        nutter = _nutter_class(item)
        if nutter is not None and nutter.goes_on():
            return
        self.scope = None
        if self.existing is not None:
            self.existing.end()

    def before_teardown(self, item: pytest.Item, nextitem: pytest.Item | None) -> None:
        """Have what ``tearDownClass`` uses of the last test of its class: it runs when that one's fixtures are gone."""
        kind = getattr(item, "cls", None)
        teardown = getattr(kind, "tearDownClass", None)
        if self.existing is None or self.scope is None or teardown is None or getattr(nextitem, "cls", None) is kind:
            return
        code = getattr(getattr(teardown, "__func__", None), "__code__", None)
        for name in _OF_A_TEST.intersection(code.co_names if code is not None else ()):
            with contextlib.suppress(Exception):  # told when it is used
                self.scope.keep(name)

    def given(self, item: pytest.Item) -> list[str]:
        """Give the values by hand that the test worked with, as "path: name"; whoever gave them, it or what it shares."""
        loader = self.existing
        if loader is None:
            return []
        loaded = [(units.path, name) for units in [*loader.loaded_in_test, *_reached(item)] for name in sorted(units.given)]
        return list(dict.fromkeys(f"{loader.show(path)}: {name}" for path, name in [*loaded, *loader.given]))

    def untouched_units(self, test_files: set[str]) -> list[str]:
        """Give the functions and classes of the project's notebooks that no test of these files names."""
        from harness.notebook import discover

        notebooks = [os.path.abspath(path) for path in discover(self.root).notebooks if path.suffix != ".dbc"]
        if not notebooks:
            return []
        from harness.extract.inventory import definitions
        from harness.extract.mentions import TestNames

        names = TestNames(self.root, notebooks, self.finder.roots)
        for file in sorted(test_files):
            names.read(file)
        found = []
        asked = [path for path in notebooks if path not in test_files and names.mentions(path)]
        others = [path for path in notebooks if path not in test_files and not names.mentions(path)]
        # To tell a notebook's units takes extracting it: of many that no test asks for, only the number is told.
        unnamed = len(others) if len(others) > _FEW else 0
        for path in asked if unnamed else sorted([*asked, *others]):
            try:
                source = self.loader.extract(path)
            except HarnessError:
                continue  # it has no unit that a test could name
            for name, _kind, _cell, line, _index in definitions(source):
                if not names.of(path, name):
                    place = self.loader.shown(source.locate(line))
                    found.append(f"{place}: {name}")
        if unnamed:
            found.insert(0, f"{unnamed} notebooks that no test names")  # first: the end of a long list is cut
        return found

    def places(self, excinfo: pytest.ExceptionInfo[BaseException]) -> list[tuple[Location, str]]:
        """Give the notebook lines of a traceback, with the function each is in, outermost first."""
        if self.existing is None:
            return []
        found = []
        for entry in excinfo.traceback:
            source = self.existing.known(str(entry.path))
            if source is not None:
                found.append((self.existing.shown(source.locate(entry.lineno + 1)), entry.name))
        return found


SESSION = pytest.StashKey[NotebookSession]()


def start(config: pytest.Config) -> None:
    """Begin the run's session, unless that was done; its end is certain, even if a conftest can't be imported.

    Raises:
        pytest.UsageError: A setting is wrong; pytest exits with 4.
    """
    if SESSION in config.stash:
        return
    try:
        session = NotebookSession(config)
    except HarnessError as error:
        raise pytest.UsageError(str(error)) from error
    config.stash[SESSION] = session
    session.install()
    config.add_cleanup(session.uninstall)


class TestScope:
    """The running test: gives notebook code what a Databricks notebook finds around it, from the test's fixtures."""

    __test__ = False  # not a test class, whatever its name

    def __init__(self, item: pytest.Item) -> None:
        self.item = item
        self._kept: dict[str, Any] = {}

    def keep(self, name: str) -> None:
        """Have a fixture's value still when the test is torn down."""
        self._kept[name] = self.get(name)

    def get(self, name: str) -> Any:
        """Give a fixture of the running test; the user's own of that name wins."""
        if name in self._kept:
            return self._kept[name]
        request = getattr(self.item, "_request", None)  # pytest has no public way from an item to its fixtures
        if request is None:
            raise pytest.UsageError(f"{self.item.nodeid} can't use {name!r}: only function tests have fixtures")
        if name in OURS:
            return self._users_or_ours(name, request)
        if name in {"display", "displayHTML"} or self._has_own(name):
            return request.getfixturevalue(name)
        if name == "getArgument":
            return self.get("dbutils").widgets.getArgument
        spark = self.get("spark")
        if name == "udf":
            from pyspark.sql.functions import udf

            return udf
        return spark if name == "sqlContext" else getattr(spark, {"sc": "sparkContext"}.get(name, name))

    def _users_or_ours(self, name: str, request: pytest.FixtureRequest) -> Any:
        """The fixture's value; ours where the user's is made of that very name, by ``DBUtils(spark)`` or an import."""
        if name not in self.item.config.stash[SESSION].making:
            value = request.getfixturevalue(name)
            if not isinstance(value, modules.Late):
                return value
        return request.getfixturevalue(OURS[name])

    def _has_own(self, name: str) -> bool:
        manager = self.item.session._fixturemanager  # noqa: SLF001 - the only way to ask without requesting
        return bool(manager.getfixturedefs(name, self.item))


def _nutter_class(item: pytest.Item) -> NutterClass | None:
    """The class that a Nutter case belongs to; None for all other tests, most of which need no module about Nutter."""
    if "harness.collect.nutter" not in sys.modules:
        return None
    from harness.collect.nutter import NutterCase

    return item.fixture_class if isinstance(item, NutterCase) else None


def _reached(item: pytest.Item) -> Iterator[Units]:
    """Give the notebooks that a test has at hand: as a fixture's value, or as a name of its module or class."""
    from harness.extract.module import Namespace, NotebookModule

    module = getattr(item, "module", None)
    if isinstance(module, NotebookModule):
        yield module.__units__
    for name, notebook in sys.modules.copy().items():  # import nbs.etl gives the test's file no more than nbs
        if isinstance(notebook, NotebookModule) and "." in name:
            top = name.partition(".")[0]
            if vars(module or notebook).get(top) is sys.modules.get(top):
                yield notebook.__units__
    shared = [vars(holder) for holder in (getattr(item, "module", None), getattr(item, "cls", None)) if holder is not None]
    for names in (getattr(item, "funcargs", None) or {}, *shared):
        for value in list(names.values()):
            if isinstance(value, NotebookModule):
                yield value.__units__
            elif type(value) is FunctionType and isinstance(value.__globals__, Namespace):
                yield value.__globals__.units


def _roots(config: pytest.Config) -> list[str]:
    from harness.settings import settings_for

    settings = settings_for(str(config.rootpath))
    if settings.roots:
        return [os.path.join(settings.folder, root) for root in settings.roots]
    return [str(config.rootpath), *(str(path) for path in config.getini("pythonpath"))]


class _Rewriter:
    """pytest's assertion rewriting, handed to the core, which doesn't import pytest."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self.tag = "pytest" + "".join(c for c in pytest.__version__ if c.isalnum())
        if config.getini("enable_assertion_pass_hook"):
            self.tag += "hook"  # the rewritten code is another

    def __call__(self, tree: ast.Module, source: bytes, path: str) -> None:
        from _pytest.assertion.rewrite import rewrite_asserts

        rewrite_asserts(tree, source, path, self._config)


def _rewriter(config: pytest.Config) -> _Rewriter | None:
    # Not config.option: it isn't filled yet when a conftest imports a notebook. With `-p no:assertion` there is no such option.
    return _Rewriter(config) if getattr(config.known_args_namespace, "assertmode", "plain") == "rewrite" else None
