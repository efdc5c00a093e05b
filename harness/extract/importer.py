"""Import notebooks by name: ``from sample_notebooks.features import add_tenure_band``."""

from __future__ import annotations

import os
import stat
import sys
from importlib.machinery import ModuleSpec, PathFinder
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import ModuleType

    from harness.extract.build import Extract
    from harness.extract.load import Loader

# The first line of a notebook in Python source format, after an optional byte-order mark.
HEADER = b"# Databricks notebook source"
_BOM = b"\xef\xbb\xbf"


def has_header(path: str) -> bool:
    """Say whether a ``.py`` file's first line is the notebook header; False where it can't be read."""
    return read_headed(path, whole=False) is not None


def read_headed(path: str, *, whole: bool = True) -> bytes | None:
    """Read a ``.py`` file if its first line is the notebook header (or just its head); None if it isn't, or can't be read."""
    try:
        with open(path, "rb", buffering=0) as file:
            head = file.read(len(_BOM) + len(HEADER))
            if not head.startswith((HEADER, _BOM + HEADER)):
                return None
            return head + file.readall() if whole else head
    except OSError:
        return None


class NotebookFinder:
    """Stands first on ``sys.meta_path`` and claims notebooks below the roots, so that Python never runs their top level.

    A ``.py`` file is claimed only if its first line is the notebook header, an ``.ipynb`` only if no ``.py`` of its name lies
    beside it. Everything else is left to Python. ``loader`` is asked for when the first notebook is met, so that projects
    without one pay nothing; ``known`` gives it if it has been asked for already.
    """

    def __init__(
        self, roots: Iterable[str], loader: Callable[[], Loader], known: Callable[[], Loader | None] | None = None
    ) -> None:
        self.roots = tuple(dict.fromkeys(os.path.abspath(root) for root in roots))
        self.loader = loader
        self._known = known if known is not None else loader
        self._below: dict[str, bool] = {}

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,  # noqa: ARG002 - importlib's protocol
    ) -> ModuleSpec | None:
        """Find a notebook module; None for everything else (importlib's protocol)."""
        name = fullname.rpartition(".")[2]
        entries = sys.path if path is None else path
        if path is None and name in sys.builtin_module_names:
            return None
        for at, entry in enumerate(entries):
            if not self._is_below(entry):
                continue
            found = self._notebook(os.path.join(entry or os.getcwd(), name))
            if found is None:
                continue
            file, source = found
            before = [e for e in entries[:at] if not self._is_below(e)]
            if before and PathFinder.find_spec(fullname, before) is not None:
                return None
            loader = _NotebookLoader(self.loader(), file, source)
            spec = ModuleSpec(fullname, loader, origin=file)  # type: ignore[arg-type]  # it has the protocol's methods
            spec.has_location = True
            spec.cached = file  # else importlib works out a name for a .pyc that never exists
            return spec
        if path is not None:
            self._refuse_other_language(fullname, name, path)
        return None

    def _refuse_other_language(self, fullname: str, name: str, path: Sequence[str]) -> None:
        """Say why a notebook in another language can't be imported, where nothing else has the name."""
        for entry in path:
            if not self._is_below(entry):
                continue
            for suffix in (".sql", ".scala", ".r"):
                if os.path.isfile(os.path.join(entry, name + suffix)) and PathFinder.find_spec(fullname, path) is None:
                    raise ModuleNotFoundError(
                        f"No module named {fullname!r}: {name}{suffix} is no Python file. Its Python cells are loaded by "
                        f'load_notebook("…/{name}{suffix}") or the notebook fixture',
                        name=fullname,
                    )

    def invalidate_caches(self) -> None:
        """Nothing is remembered about files (importlib's protocol)."""

    def _is_below(self, entry: str) -> bool:
        known = self._below.get(entry)
        if known is None:
            absolute = os.path.abspath(entry or ".")
            known = any(absolute == root or absolute.startswith(root.rstrip(os.sep) + os.sep) for root in self.roots)
            known = known and "site-packages" not in absolute
            if entry:
                self._below[entry] = known
        return known

    def _notebook(self, base: str) -> tuple[str, Extract | None] | None:
        """Give the notebook that a module of this path without suffix would be, if it is one, with what was read of it."""
        python = base + ".py"
        try:
            info = os.stat(python)
        except OSError:
            info = None
        if info is not None and stat.S_ISREG(info.st_mode):
            if os.path.isfile(os.path.join(base, "__init__.py")):
                return None  # a package wins over a module, as in Python
            python = os.path.abspath(python) if ".." in python or not os.path.isabs(python) else python
            stamp = info.st_mtime_ns, info.st_size
            loader = self._known()
            if loader is None:  # nothing is loaded for a project's plain modules
                if not has_header(python):
                    return None
                loader = self.loader()
            found = loader.cached(python, stamp)
            if found is None:
                raw = read_headed(python)
                found = None if raw is None else loader.extract(python, raw=raw, stamp=stamp)
            return None if found is None else (python, found)
        notebook = base + ".ipynb"
        if os.path.isfile(notebook) and not os.path.isdir(base):
            return os.path.abspath(notebook), None
        return None


class RootFinder:
    """Stands last on ``sys.meta_path``: finds folders of notebooks in the roots, where ``sys.path`` doesn't name these.

    ``pytest`` puts a test file's folder on ``sys.path``, not the project's. Only what would otherwise not be found at all is
    looked for, and only a folder that holds a notebook, or a notebook.
    """

    def __init__(self, finder: NotebookFinder) -> None:
        self._finder = finder

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,  # noqa: ARG002 - importlib's protocol
    ) -> ModuleSpec | None:
        """Find a top-level folder of notebooks, or a notebook (importlib's protocol)."""
        if path is not None or "." in fullname:
            return None
        for root in self._finder.roots:
            folder = os.path.join(root, fullname)
            if os.path.isdir(folder):
                from harness.notebook import discover

                if discover(folder).notebooks:
                    return PathFinder.find_spec(fullname, [root])
            elif has_header(folder + ".py") or os.path.isfile(folder + ".ipynb"):
                return self._finder.find_spec(fullname, [root])
        return None


class _NotebookLoader:
    def __init__(self, loader: Loader, path: str, source: Extract | None) -> None:
        self.loader = loader
        self.path = path
        self.source = source

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        from harness.extract.module import NotebookModule
        from harness.extract.units import Units

        return NotebookModule(spec.name, Units(self.loader, self.source or self.loader.extract(self.path)))

    def exec_module(self, module: ModuleType) -> None:
        self.loader.fill(module)  # type: ignore[arg-type]  # create_module above made it
        self.loader.views.add(module)

    def get_filename(self, name: str) -> str:  # noqa: ARG002 - importlib's protocol
        return self.path

    def get_source(self, name: str) -> str | None:  # noqa: ARG002 - importlib's protocol
        if self.path.endswith(".py"):
            with open(self.path, encoding="utf-8") as file:
                return file.read()
        return "".join(self.loader.extract(self.path).lines())
