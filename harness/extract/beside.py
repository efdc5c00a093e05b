"""Modules that notebooks find in their own folders, and in those that they put on ``sys.path``: each notebook its own.

On Databricks every notebook is a process, whose ``sys.path`` begins with the notebook's folder. Here one process holds many,
and ``utils`` beside one is another module than ``utils`` beside the next, although Python knows modules by their names alone.
So an import of a notebook looks in that notebook's folders first, and a test finds there what its own notebooks find.
What the tests find without that stays theirs, and no file becomes two modules of one name: what a test patches is patched.
"""

from __future__ import annotations

import builtins
import os
import sys
from contextlib import contextmanager
from importlib.util import resolve_name
from types import ModuleType
from typing import TYPE_CHECKING, Any

from harness.extract.again import Again, file_of, real
from harness.extract.importable import Importable, is_module

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

# Tracebacks in pytest show the user's lines, not these.
__tracebackhide__ = True


class Beside:
    """What notebooks import from such folders, by the first part of its name, "top", and by folder."""

    def __init__(self) -> None:
        self._modules: dict[str, dict[str, dict[str, ModuleType]]] = {}
        self._folders: dict[str, Sequence[str]] = {}  # the file of such a module -> where its own imports look
        self._importing: list[Sequence[str]] = []
        self._reached: tuple[Mapping[str, str], ...] = ()
        self._is_in_test = False
        self._guards: dict[str, ModuleType] = {}
        self._doubtful: set[str] = set()
        self._on_path: list[str] = []
        self._holds = Importable()
        self._others_import: Callable[..., ModuleType] | None = None

    @property
    def is_used(self) -> bool:
        """Whether any notebook imports from such a folder."""
        return bool(self._modules)

    @property
    def doubtful_names(self) -> tuple[str, ...]:
        """Names that mean more than one module in the running test."""
        return tuple(sorted(self._doubtful))

    def doubtful(self) -> list[ModuleType]:
        """Modules that go by a name which means another one, too, in the running test: by it a worker may find the other."""
        return [module for name, module in sys.modules.copy().items() if _top(name) in self._doubtful]

    def named(self, tops: Iterable[str], folders: Sequence[str]) -> dict[str, str]:
        """What of these names is imported from these folders: the first of them that has it, by its top name."""
        owners = {top: folder for top in tops if (folder := self._holds.owner(top, folders)) is not None}
        for top, folder in owners.items():
            self._modules.setdefault(top, {}).setdefault(folder, {})
        return owners

    @contextmanager
    def importing(self, folders: Sequence[str]) -> Iterator[None]:
        """Have imports look in these folders first, and leave to others what they have by the same names."""
        self._gather()
        tops = frozenset().union(*map(self._holds.tops, folders))
        owners = self._owners(tops, folders)
        before = {name: module for name, module in sys.modules.items() if _top(name) in owners}
        for name in before:
            top = _top(name)
            if not self._is_of(top, owners[top]):
                del sys.modules[name]
        for top, folder in owners.items():
            sys.modules.update(self._modules.get(top, {}).get(folder, {}))
        finder = Again([before, *(held for views in self._modules.values() for held in views.values())])
        self._importing.append(folders)
        sys.path[:0] = folders
        sys.meta_path.insert(0, finder)
        try:
            yield
        finally:
            self._importing.pop()
            sys.meta_path.remove(finder)
            owners |= self._owners(tops - owners.keys(), folders)
            self._hold(owners, folders)
            for folder in folders:
                if folder in sys.path:
                    sys.path.remove(folder)
            sys.modules.update(before)
            if self._importing:  # what imports this may have a name in common with it, and is in the midst of its own
                for top in owners:
                    of_outer = self._modules.get(top, {}).get(self._holds.owner(top, self._importing[-1]) or "", {})
                    sys.modules.update({name: of_outer[name] for name in of_outer.keys() - sys.modules.keys()})
            else:
                self._put()

    def _owners(self, tops: Iterable[str], folders: Sequence[str]) -> dict[str, str]:
        """Which of the folders has what goes by these names, as far as anything has been imported by them."""
        present = self._modules.keys() | map(_top, sys.modules)
        return {top: folder for top in present.intersection(tops) if (folder := self._holds.owner(top, folders)) is not None}

    def _hold(self, owners: Mapping[str, str], folders: Sequence[str]) -> None:
        """Take what has been imported by these names out of ``sys.modules``, and keep it for the folders that it is from."""
        for name in [name for name in sys.modules if _top(name) in owners]:
            top, module = _top(name), sys.modules.pop(name)
            self._modules.setdefault(top, {}).setdefault(owners[top], {})[name] = module
            if _is_in(module, owners[top], top):
                self._folders.setdefault(str(file_of(module)), folders)

    def enter(self, reached: Iterable[Mapping[str, str]]) -> None:
        """A test begins: turn to what its notebooks find, for each what `named` gave. Others' stay where no two have one name.

        Where two have, and it isn't one notebook of the test that does, an import of the name while the test runs is an error.
        """
        wanted = tuple(reached)
        if self._others_import is None:
            self._others_import, builtins.__import__ = builtins.__import__, self._import
        if wanted != self._reached or not self._is_in_test:
            self._reached, self._is_in_test = wanted, True
            self._put()

    def leave(self) -> None:
        """No test runs any more: only what no two notebooks have by one name can be found, by what was imported already."""
        if self._others_import is not None and builtins.__import__ == self._import:
            builtins.__import__ = self._others_import
            self._others_import = None
        if self._is_in_test:
            self._reached, self._is_in_test = (), False
            self._put()

    def _import(
        self,
        name: str,
        globals: Mapping[str, Any] | None = None,  # noqa: A002 - as Python's own has it
        locals: Mapping[str, Any] | None = None,  # noqa: A002 - likewise
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        """Python's ``__import__`` while a test runs: what a notebook and its modules import is what that notebook finds."""
        __tracebackhide__ = True
        assert self._others_import is not None, "it stands in the place of it"  # noqa: S101 - for the type checker
        folders = self._looks_in(globals) if globals is not None else None
        if folders is not None and globals is not None:
            full = resolve_name("." * level + name, globals.get("__package__")) if level else name
            top = _top(full)
            owner = None if top in sys.stdlib_module_names else self._holds.owner(top, folders)
            if owner is not None and not (self._is_of(top, owner) and _has(sys.modules.get(full), fromlist or ())):
                held = self._modules.get(top, {}).get(owner, {})
                if not self._is_of(top, owner) and _has(held.get(full), fromlist or ()):
                    return held[full if fromlist else top]
                with self.importing(folders):
                    return self._others_import(name, globals, locals, fromlist, level)
        return self._others_import(name, globals, locals, fromlist, level)

    def _looks_in(self, names: Mapping[str, Any]) -> Sequence[str] | None:
        """The folders for what code with these globals imports; None if it is neither a notebook's nor of a module of one."""
        units = getattr(names, "units", None)
        return units.folders if units is not None else self._folders.get(names.get("__file__") or "")

    def _put(self) -> None:
        """Put into ``sys.modules`` and on ``sys.path`` what is to be found there now."""
        self._gather()
        self._take_away()
        first: dict[str, None] = {}
        others: dict[str, None] = {}
        doubtful: set[str] = set()
        listed = [(real(entry or os.getcwd()), self._holds.tops(entry)) for entry in sys.path]
        for top, folders in self._modules.items():
            wanted = {reached[top] for reached in self._reached if top in reached} or set(folders)
            tests = [entry for entry, tops in listed if top in tops and is_module(entry, top)]
            if tests:  # they find it with or without notebooks
                chosen = _of_tests(tests, folders, wanted)
                if top not in sys.modules:
                    sys.modules.update(folders.get(chosen, {}))
                if wanted != {chosen}:
                    self._doubtful.add(top)
                continue
            if len(wanted) > 1:
                self._doubtful.add(top)
                self._guards[top] = _guard(top, sorted(wanted))
                doubtful |= wanted
                continue
            (folder,) = wanted
            (first if any(top in reached for reached in self._reached) else others)[folder] = None
            if top not in sys.modules:
                sys.modules.update(folders.get(folder, {}))
        if not self._is_in_test:
            return
        sys.modules.update({top: guard for top, guard in self._guards.items() if top not in sys.modules})
        # Workers of Spark look along this path, too: they are to find nothing that may be meant otherwise.
        folders_now = [folder for folder in (*first, *others) if folder not in doubtful and folder not in sys.path]
        self._on_path = list(dict.fromkeys(folders_now))
        sys.path += self._on_path

    def _take_away(self) -> None:
        """Take away what was put there; what tests have imported without it stays."""
        for top, folders in self._modules.items():
            for held in folders.values():
                if top in held and sys.modules.get(top) is held[top]:
                    for name in held:
                        sys.modules.pop(name, None)
        for name, guard in self._guards.items():
            if sys.modules.get(name) is guard:
                del sys.modules[name]
        self._guards = {}
        self._doubtful = set()
        for folder in self._on_path:
            if folder in sys.path:
                sys.path.remove(folder)
        self._on_path = []

    def _gather(self) -> None:
        """Note what has been imported of it since, also by tests and by functions that they called."""
        if self._importing:
            return
        found: dict[str, dict[str, ModuleType]] = {}
        for top in self._modules.keys() & sys.modules.keys():
            folder = next((folder for folder in self._modules[top] if self._is_of(top, folder)), None)
            if folder is not None:
                found[top] = self._modules[top][folder]
        if found:
            for name, module in sys.modules.copy().items():
                if (held := found.get(_top(name))) is not None:
                    held[name] = module

    def _is_of(self, top: str, folder: str) -> bool:
        """Whether what ``sys.modules`` has by a top name is a folder's."""
        module = sys.modules.get(top)
        held = self._modules.get(top, {}).get(folder, {}).get(top)
        return module is not None and (module is held or (held is None and _is_in(module, folder, top)))


def _of_tests(tests: Sequence[str], folders: Iterable[str], wanted: Iterable[str]) -> str:
    """Which of these folders is what tests find on their path: where they stand beside notebooks, each that of its own."""
    here = [folder for folder in folders if real(folder) in tests]
    own = [folder for folder in here if folder in wanted] if len(here) > 1 else []
    return next(iter((*own, *(folder for folder in here if real(folder) == tests[0]))), "")


def _has(module: ModuleType | None, parts: Sequence[str]) -> bool:
    """Whether an import would only look up what is there."""
    return module is not None and all(hasattr(module, part) for part in parts)


def _top(name: str) -> str:
    return name.partition(".")[0]


def _is_in(module: ModuleType, folder: str, top: str) -> bool:
    file = file_of(module)
    if not isinstance(file, str):
        return False
    file, place = real(file), os.path.join(real(folder), top)
    return file.startswith(place + os.sep) or file in {place, place + ".py"}


def _guard(top: str, folders: Sequence[str]) -> ModuleType:
    """Stands for a module that nobody can tell; Python's errors say why, whatever is asked of it."""
    made = ModuleType(top)
    why = made.__file__ = f"one each in {' and '.join(folders)}, and the test's notebooks don't say which is meant"

    def refuse(name: str) -> None:
        raise AttributeError(f"module {top!r} has no attribute {name!r}: there is {why}")

    made.__getattr__ = refuse  # type: ignore[method-assign]  # a module's own way to have one
    return made
