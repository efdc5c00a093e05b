"""Modules that notebooks find in their own folders, and in those that they put on ``sys.path``: each notebook its own.

On Databricks every notebook is a process, whose ``sys.path`` begins with the notebook's folder. Here one process holds many,
and ``utils`` beside one is another module than ``utils`` beside the next, although Python knows modules by their names alone.
So an import of a notebook looks in that notebook's folders first, and a test finds there what its own notebooks find.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from importlib.machinery import PathFinder
from types import ModuleType
from typing import TYPE_CHECKING

from harness.extract.importer import has_header

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence


class Beside:
    """What notebooks import from such folders, by the first part of its name, "top", and by folder.

    What Python finds there without us, for the tests' own path has the folder, is none of ours and stays as it is.
    """

    def __init__(self) -> None:
        self._modules: dict[str, dict[str, dict[str, ModuleType]]] = {}
        self._reached: tuple[Mapping[str, str], ...] = ()
        self._is_in_test = False
        self._guards: dict[str, ModuleType] = {}
        self._on_path: list[str] = []
        self._before: set[str] = set()
        self._listed: dict[str, tuple[int, frozenset[str]]] = {}

    @property
    def is_used(self) -> bool:
        """Whether any notebook imports from such a folder."""
        return bool(self._modules)

    def named(self, tops: Iterable[str], folders: Sequence[str]) -> dict[str, str]:
        """What of these names is imported from these folders: the first of them that has it, by its top name."""
        found: dict[str, str] = {}
        for folder in folders:
            found |= {top: folder for top in self._tops(folder).intersection(tops) if top not in found and _counts(folder, top)}
        for top, folder in found.items():
            self._modules.setdefault(top, {}).setdefault(folder, {})
        return found

    @contextmanager
    def importing(self, folders: Sequence[str]) -> Iterator[None]:
        """Have imports look in these folders first, and leave to others what they have by the same names."""
        self._take_away()
        owners = _Owners(self._tops, folders)
        aside = {
            name: module
            for name, module in sys.modules.items()
            if (owner := owners.of(_top(name))) and not _is_in(module, owner, _top(name))
        }
        for name in aside:
            del sys.modules[name]
        for top, held in self._modules.items():
            for name, module in held.get(owners.of(top), {}).items():
                sys.modules.setdefault(name, module)
        before = set(sys.modules)
        sys.path[:0] = folders
        try:
            yield
        finally:
            for folder in folders:
                sys.path.remove(folder)
            for name in sys.modules.keys() - before:
                top = _top(name)
                if (owner := owners.of(top)) and _is_in(sys.modules[name], owner, top):
                    self._modules.setdefault(top, {}).setdefault(owner, {})[name] = sys.modules[name]
            self._take_away()
            sys.modules.update(aside)
            self._put()

    def enter(self, reached: Iterable[Mapping[str, str]]) -> None:
        """A test begins: turn to what its notebooks find, for each what `named` gave. Others' stay where no two have one name.

        Where two notebooks of the test have, an import of that name while the test runs is an error.
        """
        wanted = tuple(reached)
        if wanted != self._reached or not self._is_in_test:
            self._take_away()
            self._reached, self._is_in_test = wanted, True
            self._put()

    def leave(self) -> None:
        """No test runs any more: only what no two notebooks have by one name can be found, by what was imported already."""
        if self._is_in_test:
            self._take_away()
            self._reached, self._is_in_test = (), False
            self._put()

    def _put(self) -> None:
        """Put into ``sys.modules`` and on ``sys.path`` what is to be found there now."""
        first: dict[str, None] = {}
        others: dict[str, None] = {}
        doubtful: set[str] = set()
        for top, folders in self._modules.items():
            wanted = {reached[top] for reached in self._reached if top in reached}
            if len(wanted or folders) > 1:
                doubtful |= wanted or set(folders)
                if wanted or PathFinder.find_spec(top) is None:  # else the tests' own path says which
                    self._guards[top] = _guard(top, sorted(wanted or folders))
                continue
            (folder,) = wanted or folders
            (first if wanted else others)[folder] = None
            if top not in sys.modules:
                sys.modules.update(folders[folder])
        if self._is_in_test:
            sys.modules.update({top: guard for top, guard in self._guards.items() if top not in sys.modules})
            # Workers of Spark look along this path, too: they are to find nothing that may be meant otherwise.
            found = dict.fromkeys(folder for folder in (*first, *others) if folder not in doubtful and folder not in sys.path)
            self._on_path = list(found)
            sys.path += self._on_path
        self._before = set(sys.modules)

    def _take_away(self) -> None:
        """Take it all away again, and note what has been imported of it since, by functions that a test called."""
        for name in sys.modules.keys() - self._before if self._on_path else ():
            top = _top(name)
            for folder, held in self._modules.get(top, {}).items():
                if folder in self._on_path and _is_in(sys.modules[name], folder, top):
                    held[name] = sys.modules[name]
        ours = [held for folders in self._modules.values() for held in folders.values()]
        for held in (*ours, self._guards):
            for name, module in held.items():
                if sys.modules.get(name) is module:
                    del sys.modules[name]
        for folder in self._on_path:
            if folder in sys.path:
                sys.path.remove(folder)
        self._on_path, self._guards = [], {}

    def _tops(self, folder: str) -> frozenset[str]:
        """The names that can be imported from a folder."""
        try:
            changed = os.stat(folder).st_mtime_ns
            known = self._listed.get(folder)
            if known is None or known[0] != changed:
                with os.scandir(folder) as entries:
                    names = frozenset(filter(None, map(_importable, entries)))
                known = self._listed[folder] = changed, names
        except OSError:
            return frozenset()
        return known[1]


class _Owners:
    """Which of some folders an import finds a top name in, the first that has it; "" where none has."""

    def __init__(self, tops: Callable[[str], frozenset[str]], folders: Sequence[str]) -> None:
        self._listed = [(folder, tops(folder)) for folder in folders]
        self._known: dict[str, str] = {}

    def of(self, top: str) -> str:
        if top not in self._known:
            found = (folder for folder, held in self._listed if top in held and _counts(folder, top))
            self._known[top] = next(found, "")
        return self._known[top]


def _importable(entry: os.DirEntry[str]) -> str:
    name = entry.name.removesuffix(".py")
    return name if name.isidentifier() and (name != entry.name or entry.is_dir()) else ""


def _counts(folder: str, top: str) -> bool:
    """Whether it is what an import finds: what is installed and in use stays, and a plain folder or a notebook comes last."""
    loaded = sys.modules.get(top)
    if loaded is not None and "site-packages" in (_file(loaded) or "site-packages"):
        return False
    place = os.path.join(folder, top)
    if os.path.isfile(os.path.join(place, "__init__.py")) or (os.path.isfile(place + ".py") and not has_header(place + ".py")):
        return True
    found = PathFinder.find_spec(top, [one for one in sys.path if one != folder])
    return found is None or found.origin is None


def _top(name: str) -> str:
    return name.partition(".")[0]


def _file(module: ModuleType) -> str | None:
    # Not by getattr: some libraries' modules import more when they are asked.
    known = getattr(module, "__dict__", {})
    return known.get("__file__") or next(iter(known.get("__path__") or ()), None)


def _is_in(module: ModuleType, folder: str, top: str) -> bool:
    file = _file(module)
    place = os.path.join(folder, top)
    return isinstance(file, str) and (file.startswith(place + os.sep) or file in {place, place + ".py"})


def _guard(top: str, folders: Sequence[str]) -> ModuleType:
    """Stands for a module that nobody can tell; Python's errors say why, whatever is asked of it."""
    made = ModuleType(top)
    why = made.__file__ = f"one each in {' and '.join(folders)}, and the test's notebooks don't say which is meant"

    def refuse(name: str) -> None:
        raise AttributeError(f"module {top!r} has no attribute {name!r}: there is {why}")

    made.__getattr__ = refuse  # type: ignore[method-assign]  # a module's own way to have one
    return made
