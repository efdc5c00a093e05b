"""Load notebooks for one run: knows the root, the running test, and what must be forgotten when that ends."""

from __future__ import annotations

import itertools
import linecache
import os
import sys
import weakref
from typing import TYPE_CHECKING, Any, Protocol

from harness.extract.beside import Beside
from harness.extract.build import Extract, Rewriter, cached, extract
from harness.extract.module import NotebookModule
from harness.extract.projects import Views
from harness.extract.units import Units
from harness.model import Location

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import ModuleType

    from harness.extract.values import Values


class Scope(Protocol):
    """The test that is running: gives ``spark``, ``dbutils`` and their kind from its fixtures."""

    def get(self, name: str) -> Any:
        """Give the fixture of that name, or what comes from one."""


class Loader:
    """Makes modules of notebooks; ``scope`` is the running test, ``given`` the values it set by hand on modules."""

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
        self.touched: set[Values] = set()
        self.given: list[tuple[str, str]] = []
        self.loaded_in_test: list[Units] = []
        self._at_hand: tuple[Units, ...] = ()
        self._held: set[Values] = set()
        self._bound: weakref.WeakKeyDictionary[Units, dict[str, Any]] = weakref.WeakKeyDictionary()
        self._rebinding: weakref.WeakSet[Units] = weakref.WeakSet()
        self.views = Views()
        self.beside = Beside()
        self._run_prefixes = run_prefixes
        self._extracts: dict[str, Extract] = {}
        self._modules: list[ModuleType] = []
        self._shipped: dict[str, int] = {}
        self._shipped_in_test: list[tuple[Any, ModuleType]] = []
        self._numbers = itertools.count(1)
        self._looked_into: set[str] = set()
        self._asking: set[str] = set()

    def asking_for_session(self) -> set[str]:
        """Give the notebooks of this run that name Spark's active session: on Databricks there always is one."""
        for path in self._extracts.keys() - self._looked_into:
            self._looked_into.add(path)
            try:
                with open(path, "rb") as file:
                    if b"getActiveSession" in file.read():
                        self._asking.add(path)
            except OSError:
                continue  # it is gone, and no code of it is there to ask
        return self._asking

    def extract(self, path: str, *, raw: bytes | None = None, stamp: tuple[int, int] | None = None) -> Extract:
        """Read a notebook into statements, from the run's memory or the cache where the file is unchanged.

        ``raw`` is its content, where that was read already, and ``stamp`` the (mtime in ns, size) it had before.
        """
        known = self._extracts.get(path)
        if known is not None:
            stat = os.stat(path)
            if (stat.st_mtime_ns, stat.st_size) == (known.mtime_ns, known.size):
                return known
        return self._remember(extract(path, rewriter=self.rewriter, raw=raw, stamp=stamp))

    def cached(self, path: str, stamp: tuple[int, int]) -> Extract | None:
        """Give what the cache folder holds of the notebook, if it is that of the file's (mtime in ns, size)."""
        found = cached(path, rewriter=self.rewriter, stamp=stamp)
        return self._remember(found) if found is not None else None

    def known(self, path: str) -> Extract | None:
        """Give the extract of a notebook that was loaded in this run."""
        return self._extracts.get(path)

    def find(self, target: str, beside: str) -> str | None:
        """Find the file of a ``%run`` target."""
        from harness.extract.run import find_target

        root, prefixes = self._mapping(beside)
        return find_target(target, beside=beside, prefixes=prefixes, root=root)

    def place(self, path: str, *, beside: str) -> str | None:
        """The place here of a folder that a notebook names: from its own, or by its absolute path on the workspace."""
        if not path.startswith("/"):
            return os.path.normpath(os.path.join(os.path.dirname(beside), path))
        from harness.extract.run import mapped

        root, prefixes = self._mapping(beside)
        return mapped(path, prefixes=prefixes, root=root)

    def why_missing(self, target: str, beside: str) -> tuple[str, str]:
        """Say why a ``%run`` target has no file, and what to do."""
        from harness.extract.run import why_missing

        root, prefixes = self._mapping(beside)
        return why_missing(target, beside=beside, prefixes=prefixes, root=root)

    def _mapping(self, beside: str) -> tuple[str, Mapping[str, str]]:
        return self._run_prefixes(beside) if self._run_prefixes is not None else (self.root, {})

    def fill(self, module: NotebookModule) -> None:
        """Execute a module's kept statements."""
        units: Units = module.__units__
        units.execute()
        if units.rebound:
            self._rebinding.add(units)
            units.remember()
        if self.scope is not None:
            self.loaded_in_test.append(units)
            if units.beside:
                self.beside.enter(one.beside for one in (*self._at_hand, *self.loaded_in_test) if one.beside)
        self._modules.append(module)
        self.ship_by_value()

    def load(
        self,
        path: str,
        *,
        widgets: Mapping[str, str] | None = None,
        values: Mapping[str, Any] | None = None,
        name: str | None = None,
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

    def unload(self, module: NotebookModule) -> None:
        """Let go of a module that ``load`` made."""
        if sys.modules.get(module.__name__) is module:
            for pickler in self._shipped:
                if module.__name__ in sys.modules[pickler].list_registry_pickle_by_value():
                    sys.modules[pickler].unregister_pickle_by_value(module)
            del sys.modules[module.__name__]
        if module in self._modules:
            at = self._modules.index(module)
            del self._modules[at]
            self._shipped = {pickler: count - (at < count) for pickler, count in self._shipped.items()}

    def ship_by_value(self) -> None:
        """Let Spark's and MLflow's pickles carry notebook functions whole: a worker must never import a notebook and run it."""
        for pickler in ("pyspark.cloudpickle", "cloudpickle"):
            cloudpickle = sys.modules.get(pickler)
            register = getattr(cloudpickle, "register_pickle_by_value", None)
            if register is not None:
                for module in self._modules[self._shipped.get(pickler, 0) :]:
                    if sys.modules.get(module.__name__) is module:
                        register(module)
                self._shipped[pickler] = len(self._modules)
                for module in self.beside.doubtful():
                    if module.__name__ not in cloudpickle.list_registry_pickle_by_value():  # type: ignore[union-attr]  # it has both
                        register(module)
                        self._shipped_in_test.append((cloudpickle, module))

    def begin(self, scope: Scope, at_hand: Callable[[], Iterable[Units]] = tuple) -> None:
        """A test starts; ``at_hand`` gives the notebooks that it has."""
        self._forget()
        self.scope = scope
        if self.beside.is_used:
            self._at_hand = tuple(dict.fromkeys(at_hand()))
            self.beside.enter(units.beside for units in self._at_hand if units.beside)
        for units in self._rebinding:
            units.remember()
        self.ship_by_value()

    def end(self) -> None:
        """A test ended: forget what was computed for it, and the modules it loaded."""
        self.scope = None
        self._forget()
        for cloudpickle, module in self._shipped_in_test:
            cloudpickle.unregister_pickle_by_value(module)
        self._shipped_in_test.clear()
        self.beside.leave()
        for units in self._rebinding:
            units.restore()
        self.given.clear()
        self.loaded_in_test.clear()

    def hold(self) -> None:
        """Keep what is computed by now, and what functions have bound anew, until ``release``: a class of tests was set up."""
        for values in self.touched:
            values.hold()
            self._held.add(values)
        for units in self._rebinding:
            self._bound.setdefault(units, dict(units.rebound))
            units.remember()

    def release(self) -> None:
        """The class has ended: forget that too."""
        for values in self._held:
            values.release()
        self._held.clear()
        for units, before in self._bound.items():
            units.rebound.update(before)
            units.restore()
        self._bound.clear()

    def _forget(self) -> None:
        for values in self.touched:
            values.forget()
        self.touched.clear()

    def show(self, path: str) -> str:
        """Give a path as users see it: relative to the root, with forward slashes."""
        inside = path.startswith(self.root + os.sep)
        return (path[len(self.root) + 1 :] if inside else path).replace(os.sep, "/")

    def shown(self, location: Location) -> Location:
        """Give a location as users see it."""
        return Location(self.show(location.path), location.line, location.cell, location.cell_line)

    def _remember(self, found: Extract) -> Extract:
        self._extracts[found.path] = found
        if found.texts:  # the file's own text isn't Python: tracebacks show the cells' (without a time, it is never read again)
            linecache.cache[found.path] = (found.size, None, found.lines(), found.path)
        return found
