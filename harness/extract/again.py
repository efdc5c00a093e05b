"""Find modules that were imported before: the same file by the same name is one module, also where it was set aside."""

from __future__ import annotations

import os
from functools import lru_cache
from importlib.machinery import ModuleSpec, PathFinder
from typing import TYPE_CHECKING

from harness.extract.importer import has_header

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from types import ModuleType


class Again:
    """Finds modules that are there already: the same file by the same name is the same module, also where it was set aside."""

    def __init__(self, places: Iterable[Mapping[str, ModuleType]]) -> None:
        self._places = tuple(places)

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,  # noqa: ARG002 - importlib's protocol
    ) -> ModuleSpec | None:
        """Find a module that was imported before (importlib's protocol)."""
        known = [module for place in self._places if (module := place.get(fullname)) is not None and file_of(module)]
        if not known:
            return None
        found = PathFinder.find_spec(fullname, path)
        if found is None or found.origin is None:
            return None
        file = real(found.origin)
        module = next((module for module in known if real(str(file_of(module))) == file), None)
        if module is None or has_header(found.origin):
            return None
        loader = _Existing(module)
        return ModuleSpec(fullname, loader, origin=found.origin)  # type: ignore[arg-type]  # it has the protocol's methods


class _Existing:
    """Gives a module that is there (importlib's loader protocol)."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module
        self._spec = module.__spec__

    def create_module(self, spec: ModuleSpec) -> ModuleType:  # noqa: ARG002 - importlib's protocol
        return self._module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._spec  # importlib has put the one that led here


def file_of(module: ModuleType) -> str | None:
    """Where a module was read from; of a package without an ``__init__`` the first of its folders."""
    # Not by getattr: some libraries' modules import more when they are asked.
    known = getattr(module, "__dict__", {})
    return known.get("__file__") or next(iter(known.get("__path__") or ()), None)


@lru_cache(maxsize=4096)
def real(file: str) -> str:
    """A path without links and "..", by which two are compared."""
    return os.path.realpath(file)
