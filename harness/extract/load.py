"""Make a module of a notebook's units: run what is kept, and give the rest its value when a test asks for it."""

from __future__ import annotations

import builtins
import itertools
import linecache
import os
import sys
import types
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Protocol

from harness.errors import HarnessError, OutsideTestError, PlaceholderError, UnresolvedNameError
from harness.extract.build import Extract, Rewriter, cached, extract
from harness.extract.define import define
from harness.extract.need import FIXTURE_FIRST, Outline
from harness.extract.placeholder import Placeholder, stand_in_class, stand_in_function
from harness.extract.run import Entry, find_target, flatten
from harness.extract.scan import DEFERRED, HELD, INJECTED, KEPT
from harness.extract.widgets import with_widgets
from harness.model import Location

# Tracebacks in pytest show the user's lines, not these.
__tracebackhide__ = True

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.extract.cells import CellUnit
    from harness.model import Problem


_NOTHING = object()


class Scope(Protocol):
    """The test that is running: gives ``spark``, ``dbutils`` and their kind from its fixtures."""

    def get(self, name: str) -> Any: ...


class NotNowError(Exception):
    """A definition asked for what only a test can give; caught while loading, never shown."""


class Namespace(dict[str, Any]):
    """A notebook module's globals: a name that isn't there is asked of the notebook's units, then of builtins.

    Python looks up globals of this kind through ``__missing__``, so values are real objects, computed when first used.
    """

    __slots__ = ("units",)

    def __init__(self, units: Units) -> None:
        self.units = units

    def __missing__(self, name: str) -> Any:
        units = self.units
        if name not in units.lazy and name not in INJECTED:
            try:
                return builtins.__dict__[name]
            except KeyError:
                pass
        return units.look_up(name)

    def __contains__(self, name: object) -> bool:
        # Pickling a function by value asks this way which of its names to take along.
        return dict.__contains__(self, name) or name in self.units.lazy


class NotebookModule(types.ModuleType):
    """A module whose contents are a notebook's units."""

    def __init__(self, name: str, units: Units) -> None:
        super().__init__(name)
        super().__setattr__("__units__", units)
        self.__file__ = units.path
        units.namespace["__name__"] = name
        units.namespace["__doc__"] = None

    @property
    def __dict__(self) -> dict[str, Any]:  # type: ignore[override]  # the module's own dict can't have a __missing__
        return types.ModuleType.__getattribute__(self, "__units__").namespace  # type: ignore[no-any-return]

    def __getattr__(self, name: str) -> Any:
        units: Units = types.ModuleType.__getattribute__(self, "__units__")
        found = dict.get(units.namespace, name, _NOTHING)
        return units.attribute(name) if found is _NOTHING else found

    def __setattr__(self, name: str, value: object) -> None:
        units: Units = types.ModuleType.__getattribute__(self, "__units__")
        if name.startswith("__") and name.endswith("__"):
            super().__setattr__(name, value)
        elif units.loader.scope is not None:
            units.loader.given.append((units.path, name))
        units.namespace[name] = value

    def __delattr__(self, name: str) -> None:
        units: Units = types.ModuleType.__getattribute__(self, "__units__")
        if units.namespace.pop(name, units) is units:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")

    def cell(self, key: str | int) -> CellUnit:
        """Find a cell by its title or number; ``.execute(raw=df)`` runs it on the names given.

        Raises:
            CellNotFoundError: None fits, or more than one has the title.
        """
        from harness.extract.cells import find_cell

        return find_cell(types.ModuleType.__getattribute__(self, "__units__"), key)

    def __dir__(self) -> list[str]:
        return sorted(types.ModuleType.__getattribute__(self, "__units__").namespace)


class Units:
    """The state behind one loaded notebook: its statements, its namespace, and what tests had computed."""

    def __init__(
        self, loader: Loader, source: Extract, *, widgets: Mapping[str, str] | None = None, values: Mapping[str, Any] | None = None
    ) -> None:
        self.loader = loader
        self.source = source
        self.path = source.path
        self.namespace = Namespace(self)
        self.lazy: set[str] = set()
        self.values = dict(values or {})
        self.widgets = widgets
        self.failures: dict[int, HarnessError] = {}
        self.missing_stars: list[str] = []
        self.entries: list[Entry] = []
        self.problems: list[Problem] = []
        self._loading = False
        self._position: int | None = None
        self._outline: Outline | None = None
        self._lasting: dict[int, dict[str, Any]] = {}
        self._passing: dict[int, dict[str, Any]] = {}
        self._computed: set[str] = set()
        self._running: list[int] = []
        self._asked_test = False
        self._widgets_defined = False

    # -- loading ---------------------------------------------------------------------------------------------------------------

    def execute(self) -> None:
        """Run the kept statements in order; one that fails costs only the names it binds."""
        if any(row.kind == "run" for row in self.source.rows):
            self.entries, self.problems = flatten(self.source, read=self.loader.extract, find=self.loader.find)
        else:
            self.entries = [Entry(self.source, row, ()) for row in self.source.rows]
            self.problems = list(self.source.problems)
        namespace, lazy, values = self.namespace, self.lazy, self.values
        self._loading = True
        try:
            for index, entry in enumerate(self.entries):
                row = entry.row
                if row.kind == HELD:
                    for name in (*row.binds, *row.changes):
                        namespace.pop(name, None)
                        lazy.add(name)
                elif row.kind == DEFERRED:
                    self._stand_in(index, row.binds[0], row.what)
                elif row.code is not None:
                    self._position = index
                    try:
                        exec(row.code, namespace)
                    except NotNowError:
                        self._wait(index)
                    except (Exception, SystemExit) as exc:
                        self._fail(index, exc)
                    else:
                        if lazy:
                            lazy.difference_update(name for name in (*row.binds, *row.changes) if dict.__contains__(namespace, name))
                if values:
                    namespace.update(values)
                    lazy.difference_update(values)
        finally:
            self._loading = False
            self._position = None

    def _wait(self, index: int) -> None:
        """A kept statement needs what only a test gives: definitions get a stand-in, other names are computed on use."""
        row = self.entries[index].row
        for name in (*row.binds, *row.changes):
            definition = self.outline.definition(self.entries[index], name)
            if definition is not None:
                self._stand_in(index, name, "class" if definition.__class__.__name__ == "ClassDef" else "def")
            else:
                self.namespace.pop(name, None)
                self.lazy.add(name)

    def _stand_in(self, index: int, name: str, what: str, real: Callable[[], Any] | None = None) -> None:
        def from_test() -> Any:
            return self._run(index)[name]

        real = real or from_test
        if what == "class":
            self.namespace[name] = stand_in_class(name, self.namespace["__name__"], real)
        else:
            definition = self.outline.definition(self.entries[index], name)
            plain = define(definition, self.entries[index].source, self.namespace, decorated=False) if definition is not None else None
            self.namespace[name] = stand_in_function(name, real, plain)
        self.lazy.discard(name)

    def _fail(self, index: int, exc: BaseException) -> None:
        """A kept statement raised: save what can be saved of a definition, and leave placeholders for the rest."""
        entry = self.entries[index]
        row = entry.row
        if row.what == "import":
            self._fail_import(entry, exc)
            return
        for name in (*row.binds, *row.changes):
            definition = self.outline.definition(entry, name)
            if definition is None:
                self.namespace.pop(name, None)
                self.lazy.add(name)
                self.failures[index] = self._failure(entry, name, exc)
                continue
            defined = define(definition, entry.source, self.namespace)
            if defined is not None:
                self.namespace[name] = defined
                self.lazy.discard(name)
                continue
            error = self._failure(entry, name, exc)

            def refuse(error: HarnessError = error) -> Any:
                raise type(error)(error.what, cause=error.cause, mend=error.mend, location=error.location) from exc

            self._stand_in(index, name, "class" if definition.__class__.__name__ == "ClassDef" else "def", refuse)

    def _fail_import(self, entry: Entry, exc: BaseException) -> None:
        """An import failed: try each of its names by itself, and leave placeholders for those that aren't there."""
        for node, name in self.outline.imports(entry):
            try:
                self._import(entry.source.compile(node), entry.source.path)
            except NotNowError:
                raise
            except (Exception, SystemExit) as own:  # noqa: BLE001 - kept in the placeholder, which tells it when used
                error = self._import_error(entry, name, own)
                if name == "*":
                    self.missing_stars.append(f"{error.cause} ({error.location})")
                    continue
                self.namespace[name] = Placeholder(error)
            self.lazy.discard(name)

    def _import(self, code: types.CodeType, path: str) -> None:
        """Import, if need be with the notebook's own folder on the path, as Databricks has it."""
        try:
            exec(code, self.namespace)
        except ModuleNotFoundError as exc:
            folder = os.path.dirname(path)
            first = os.path.join(folder, str(exc.name).partition(".")[0])
            if not (os.path.isfile(first + ".py") or os.path.isdir(first)):
                raise
            sys.path.insert(0, folder)
            try:
                exec(code, self.namespace)
            finally:
                sys.path.remove(folder)

    def _import_error(self, entry: Entry, name: str, exc: BaseException) -> PlaceholderError:
        missing = getattr(exc, "name", None)
        package = str(missing).partition(".")[0] if isinstance(exc, ModuleNotFoundError) and missing else ""
        return PlaceholderError(
            f"{name!r} has no value: its import failed",
            cause=f"{type(exc).__name__}: {exc}",
            mend=(f"install {package}" if package else "mend the import") + f", or give it a value: values={{{name!r}: …}}",
            location=self.place(entry),
        )

    def _failure(self, entry: Entry, name: str, exc: BaseException) -> HarnessError:
        if isinstance(exc, PlaceholderError | UnresolvedNameError):
            return PlaceholderError(
                f"{name!r} can't be defined here: {exc.what}", cause=exc.cause, mend=exc.mend, location=self.place(entry)
            )
        return PlaceholderError(
            f"{name!r} can't be defined here: its statement raised",
            cause=f"{type(exc).__name__}: {exc}",
            mend=f"mend the statement, or give the name a value: values={{{name!r}: …}}",
            location=self.place(entry),
        )

    # -- values ----------------------------------------------------------------------------------------------------------------

    @property
    def outline(self) -> Outline:
        """The graph of names, built when first needed."""
        if self._outline is None:
            self._outline = Outline(self.entries)
        return self._outline

    def look_up(self, name: str) -> Any:
        """Give the value of a name that no kept statement bound: called by running code.

        Raises:
            PlaceholderError: A statement that is held back computes it.
            OutsideTestError: A test must run to give it.
            UnresolvedNameError: Nothing binds it.
        """
        before = len(self.entries) if self._position is None else self._position
        value = self._value(name, before)
        if not self._loading and not self._running:
            self._keep(name, value)
        return value

    def attribute(self, name: str) -> Any:
        """Give the value of a name asked of the module from outside; what has none is a placeholder, so that it can be replaced."""
        if name.startswith("__") or (name not in self.lazy and (name not in INJECTED or self.loader.scope is None)):
            near = get_close_matches(name, [*dict.keys(self.namespace), *self.lazy], n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise AttributeError(f"notebook {self.loader.show(self.path)} has no unit {name!r}{hint}")
        try:
            return self.look_up(name)
        except HarnessError as error:
            return Placeholder(error)

    def _keep(self, name: str, value: Any) -> None:
        self.namespace[name] = value
        if self._asked_test:
            self._computed.add(name)
            self.loader.touched.add(self)
            self._asked_test = False

    def _value(self, name: str, before: int) -> Any:
        if name in self.values:
            return self.values[name]
        at = None if name in FIXTURE_FIRST else self.outline.binder(name, before)
        if at is None:
            return self._free(name)
        row = self.entries[at].row
        if row.kind == KEPT and before == len(self.entries) and at not in self.failures and dict.__contains__(self.namespace, name):
            return dict.__getitem__(self.namespace, name)
        found = self._run(at)
        if name in found:
            return found[name]
        return self._value(name, at)  # the statement left it as it was: an `if` not taken

    def _free(self, name: str) -> Any:
        if name in INJECTED:
            return self._injected(name)
        try:
            return builtins.__dict__[name]
        except KeyError:
            raise self._unresolved(name) from None

    def _injected(self, name: str) -> Any:
        if self._loading:
            raise NotNowError(name)
        scope = self.loader.scope
        if scope is None:
            raise OutsideTestError(
                f"{name!r} is the running test's, and no test runs",
                cause=f"notebook code used {name!r} while tests were being collected, or outside pytest",
                mend=f"use it inside a test or fixture, or give it: load_notebook(…, values={{{name!r}: …}})",
                location=self._user_place(),
            )
        value = scope.get(name)
        if name in {"dbutils", "getArgument"} and self.widgets:
            value = with_widgets(value, self.widgets)
        self._asked_test = True
        if name in {"dbutils", "getArgument"}:
            self._define_widgets(value)
        return value

    def _define_widgets(self, dbutils: Any) -> None:
        """Run the notebook's widget definitions on the test's ``dbutils``, once a test, so that their defaults are there."""
        if self._widgets_defined:
            return
        self._widgets_defined = True
        self.namespace["dbutils"] = dbutils
        self._computed.add("dbutils")
        self.loader.touched.add(self)
        for index in self.outline.widget_definitions(len(self.entries)):
            if not self.outline.verdict(index).reason and index not in self._running:
                self._run(index)

    def _run(self, index: int) -> dict[str, Any]:
        """Execute one statement for its names, once a test (or once, where no test's fixture took part)."""
        found = self._lasting.get(index)
        if found is not None:
            return found
        found = self._passing.get(index)
        if found is not None:
            self._asked_test = True
            return found
        entry = self.entries[index]
        self._check(index, entry)
        outer, self._asked_test = self._asked_test, False
        self._running.append(index)
        try:
            found = self._define_in_test(index, entry) if self._is_definition(entry) else self._evaluate(index, entry)
        except NotNowError:
            raise
        except HarnessError:
            raise
        except Exception as exc:
            raise self._failure(entry, ", ".join((*entry.row.binds, *entry.row.changes)) or "a value", exc) from exc
        finally:
            self._running.pop()
            asked, self._asked_test = self._asked_test, outer or self._asked_test
        if asked:
            self._passing[index] = found
            self.loader.touched.add(self)
        else:
            self._lasting[index] = found
        return found

    def _check(self, index: int, entry: Entry) -> None:
        row = entry.row
        name = next(iter((*row.binds, *row.changes)), "a value")
        if index in self._running:
            raise PlaceholderError(
                f"{name!r} needs itself to be computed",
                cause="its statement calls a function that reads it",
                mend=f"give it a value: values={{{name!r}: …}}",
                location=self.place(entry),
            )
        if index in self.failures and row.kind == KEPT and self._loading:
            raise self.failures[index]
        if row.kind == HELD and row.what == "other":
            reason = self.outline.verdict(index).reason
            if reason:
                names = ", ".join(repr(n) for n in (*row.binds, *row.changes))
                raise PlaceholderError(
                    f"{names} {'has' if ',' not in names else 'have'} no value in a unit test: a held-back statement computes {'it' if ',' not in names else 'them'}",
                    cause=f"the statement {reason}, so it runs only with the whole notebook",
                    mend=f"give the value: values={{{name!r}: …}} to load_notebook or the notebook fixture, or monkeypatch.setattr(module, {name!r}, …)",
                    location=self.place(entry),
                )

    def _is_definition(self, entry: Entry) -> bool:
        return entry.row.kind == DEFERRED or (entry.row.what in {"def", "class"} and entry.row.kind == KEPT)

    def _define_in_test(self, index: int, entry: Entry) -> dict[str, Any]:
        """Execute a definition in the module's own namespace, then put the stand-in back that tests already hold."""
        name = entry.row.binds[0]
        nothing = object()
        before = dict.get(self.namespace, name, nothing)
        try:
            exec(self.outline.code(index), self.namespace)
            return {name: dict.__getitem__(self.namespace, name)}
        finally:
            if before is nothing:
                self.namespace.pop(name, None)
            else:
                self.namespace[name] = before

    def _evaluate(self, index: int, entry: Entry) -> dict[str, Any]:
        scratch = _Scratch(self, index, entry)
        exec(self.outline.code(index), scratch)
        scratch.before = len(self.entries)
        return {name: dict.__getitem__(scratch, name) for name in (*entry.row.binds, *entry.row.changes) if dict.__contains__(scratch, name)}

    def _unresolved(self, name: str) -> UnresolvedNameError:
        causes = [*self.missing_stars, *(f"{p.what} ({p.location})" for p in self.problems if p.code in {"NBH104", "NBH105", "NBH102"})]
        near = get_close_matches(name, [*dict.keys(self.namespace), *self.lazy], n=1)
        return UnresolvedNameError(
            f"the name {name!r} is defined nowhere in the notebook",
            cause="it may come from what could not be read:\n" + "\n".join(causes[:5])
            if causes
            else "no statement of the notebook or of what it %runs binds it",
            mend=(f"did you mean {near[0]!r}? " if near else "") + f"define it, or give it a value: values={{{name!r}: …}}",
            location=self._user_place(),
        )

    def _user_place(self) -> Location:
        """The line of notebook code that is running."""
        frame = sys._getframe(1)
        files = {entry.source.path: entry.source for entry in self.entries} or {self.path: self.source}
        while frame is not None:
            source = files.get(frame.f_code.co_filename)
            if source is not None:
                return self.loader.shown(source.locate(frame.f_lineno))
            frame = frame.f_back  # type: ignore[assignment]
        return Location(self.loader.show(self.path))

    def place(self, entry: Entry) -> Location:
        """Give an entry's place, as shown to users."""
        return self.loader.shown(entry.source.locate(entry.row.line))

    def forget(self) -> None:
        """Drop everything that was computed for a test."""
        for name in self._computed:
            self.namespace.pop(name, None)
        self._computed.clear()
        self._passing.clear()
        self._asked_test = False
        self._widgets_defined = False


class _Scratch(dict[str, Any]):
    """The globals of one held-back statement: names are those the notebook had at that statement."""

    __slots__ = ("before", "entry", "units")

    def __init__(self, units: Units, before: int, entry: Entry) -> None:
        super().__init__({key: dict.get(units.namespace, key) for key in ("__name__", "__file__", "__builtins__", "__package__", "__spec__")})
        self.units = units
        self.before = before
        self.entry = entry

    def __missing__(self, name: str) -> Any:
        value = self.units._value(name, self.before)
        if name in {"dbutils", "getArgument"} and self.entry.arguments:
            value = with_widgets(value, dict(self.entry.arguments))
        self[name] = value
        return value

    def __contains__(self, name: object) -> bool:
        return dict.__contains__(self, name) or (isinstance(name, str) and self.units.outline.binder(name, self.before) is not None)


class Loader:
    """Loads notebooks for one run: knows the root, the running test, and what must be forgotten when it ends."""

    def __init__(
        self,
        root: str,
        *,
        rewriter: Rewriter | None = None,
        run_prefixes: Callable[[str], tuple[str, Mapping[str, str]]] | None = None,
    ) -> None:
        self.root = root
        self.rewriter = rewriter
        self.scope: Scope | None = None
        self.touched: set[Units] = set()
        self.given: list[tuple[str, str]] = []
        self.loaded_in_test: list[Units] = []
        self._run_prefixes = run_prefixes
        self._extracts: dict[str, Extract] = {}
        self._by_value: list[types.ModuleType] = []
        self._numbers = itertools.count(1)

    def extract(self, path: str) -> Extract:
        """Read a notebook into statements, from the run's memory or the cache where the file is unchanged."""
        known = self._extracts.get(path)
        if known is not None:
            stat = os.stat(path)
            if (stat.st_mtime_ns, stat.st_size) == (known.mtime_ns, known.size):
                return known
        return self.remember(extract(path, rewriter=self.rewriter))

    def known(self, path: str) -> Extract | None:
        """Give the extract of a notebook that was loaded in this run."""
        return self._extracts.get(path)

    def cached(self, path: str) -> Extract | None:
        """Give what the cache folder holds of the notebook, if it is current."""
        found = cached(path, rewriter=self.rewriter)
        return self.remember(found) if found is not None else None

    def remember(self, found: Extract) -> Extract:
        """Keep an extract for the run; where the file's own text isn't Python (``.ipynb``), tracebacks show the cells'."""
        self._extracts[found.path] = found
        if found.texts:
            linecache.cache[found.path] = (found.size, None, found.lines(), found.path)  # without a time, it is never read again
        return found

    def find(self, target: str, beside: str) -> str | None:
        """Find the file of a ``%run`` target."""
        root, prefixes = self._run_prefixes(beside) if self._run_prefixes is not None else (self.root, {})
        return find_target(target, beside=beside, prefixes=prefixes, root=root)

    def fill(self, module: NotebookModule) -> None:
        """Execute a module's kept statements."""
        units: Units = module.__units__
        units.namespace["__builtins__"] = builtins
        units.execute()
        if self.scope is not None:
            self.loaded_in_test.append(units)
        self._by_value.append(module)
        self.ship_by_value()

    def load(
        self, path: str, *, widgets: Mapping[str, str] | None = None, values: Mapping[str, Any] | None = None, name: str | None = None
    ) -> NotebookModule:
        """Load a notebook into a module of its own.

        Raises:
            NotebookError: The file can't be read as a notebook.
        """
        source = self.extract(path)
        stem = os.path.splitext(os.path.basename(path))[0]
        identifier = "".join(c if c.isalnum() else "_" for c in stem)
        name = name or f"nbh_notebook_{next(self._numbers)}_{identifier}"
        module = NotebookModule(name, Units(self, source, widgets=widgets, values=values))
        sys.modules[name] = module  # dataclasses and pickle look their module up there
        self.fill(module)
        return module

    def ship_by_value(self) -> None:
        """Let Spark's and MLflow's pickles carry notebook functions whole: a worker must never import a notebook and run it."""
        for pickler in ("pyspark.cloudpickle", "cloudpickle"):
            cloudpickle = sys.modules.get(pickler)
            register = getattr(cloudpickle, "register_pickle_by_value", None)
            if register is not None:
                for module in self._by_value:
                    if sys.modules.get(module.__name__) is module:
                        register(module)

    def begin(self, scope: Scope) -> None:
        """A test starts."""
        self.scope = scope
        self.ship_by_value()

    def end(self) -> None:
        """A test ended: forget what was computed for it."""
        self.scope = None
        for units in self.touched:
            units.forget()
        self.touched.clear()
        self.given.clear()
        self.loaded_in_test.clear()

    def show(self, path: str) -> str:
        """Give a path as users see it: relative to the root, with forward slashes."""
        inside = path.startswith(self.root + os.sep)
        return (path[len(self.root) + 1 :] if inside else path).replace(os.sep, "/")

    def shown(self, location: Location) -> Location:
        """Give a location as users see it."""
        return Location(self.show(location.path), location.line, location.cell, location.cell_line)
