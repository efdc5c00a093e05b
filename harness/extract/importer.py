"""Import notebooks by name: ``from sample_notebooks.features import add_tenure_band``."""

from __future__ import annotations

import os
import sys
from importlib.machinery import ModuleSpec, PathFinder
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import ModuleType

    from harness.extract.load import Loader

# The first line of a notebook in Python source format, after an optional byte-order mark.
HEADER = b"# Databricks notebook source"
_BOM = b"\xef\xbb\xbf"


def has_header(path: str) -> bool:
    """Say whether a ``.py`` file's first line is the notebook header; False where it can't be read."""
    try:
        with open(path, "rb", buffering=0) as file:
            head = file.read(len(_BOM) + len(HEADER))
    except OSError:
        return False
    return head.startswith(HEADER) or head.startswith(_BOM + HEADER)


class NotebookFinder:
    """Stands first on ``sys.meta_path`` and claims notebooks below the roots, so that Python never runs their top level.

    A ``.py`` file is claimed only if its first line is the notebook header, an ``.ipynb`` only if no ``.py`` of its name lies beside
    it. Everything else is left to Python. ``loader`` is asked for when the first notebook is met: projects without one pay nothing.
    """

    def __init__(self, roots: Iterable[str], loader: Callable[[], Loader]) -> None:
        self.roots = tuple(dict.fromkeys(os.path.abspath(root) for root in roots))
        self._loader = loader
        self._below: dict[str, bool] = {}

    def find_spec(self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Find a notebook module; None for everything else (importlib's protocol)."""
        name = fullname.rpartition(".")[2]
        entries = sys.path if path is None else path
        if path is None and name in sys.builtin_module_names:
            return None
        for at, entry in enumerate(entries):
            if not self._is_below(entry):
                continue
            file = self._notebook(os.path.join(entry or os.getcwd(), name))
            if file is None:
                continue
            before = [e for e in entries[:at] if not self._is_below(e)]
            if before and PathFinder.find_spec(fullname, before) is not None:
                return None
            spec = ModuleSpec(fullname, _NotebookLoader(self._loader(), file), origin=file)
            spec.has_location = True
            return spec
        return None

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

    def _notebook(self, base: str) -> str | None:
        """Give the notebook that a module of this path without suffix would be, if it is one."""
        python = base + ".py"
        if os.path.isfile(python):
            if os.path.isfile(os.path.join(base, "__init__.py")):
                return None  # a package wins over a module, as in Python
            return os.path.abspath(python) if has_header(python) else None
        notebook = base + ".ipynb"
        if os.path.isfile(notebook) and not os.path.isdir(base):
            return os.path.abspath(notebook)
        return None


class _NotebookLoader:
    def __init__(self, loader: Loader, path: str) -> None:
        self.loader = loader
        self.path = path

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        from harness.extract.load import NotebookModule, Units

        return NotebookModule(spec.name, Units(self.loader, self.loader.extract(self.path)))

    def exec_module(self, module: ModuleType) -> None:
        self.loader.fill(module)  # type: ignore[arg-type]  # create_module above made it

    def get_filename(self, name: str) -> str:
        return self.path

    def get_source(self, name: str) -> str | None:
        if self.path.endswith(".py"):
            with open(self.path, encoding="utf-8") as file:
                return file.read()
        return "".join(self.loader.extract(self.path).lines())
