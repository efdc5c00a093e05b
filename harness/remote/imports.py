"""The project's files that an import reads, found by their names: nothing is imported."""

# Paths are texts, as the closure has them.
# ruff: noqa: PTH118, PTH120

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.remote.names import Import


class Imports:
    """Finds what imports read, where absolute ones count from some folders, the first that fits."""

    def __init__(self, bases: Sequence[str]) -> None:
        self._bases = list(bases)
        self._listed: dict[str, dict[str, bool]] = {}

    def add(self, base: str, *, is_first: bool) -> None:
        """Have them count from one more folder, before or after the others."""
        if is_first or base not in self._bases:
            self._bases.insert(0 if is_first else len(self._bases), base)

    def files(self, one: Import, file: str) -> Iterator[str]:
        """The project's files that an import reads: the module, the packages it is in, and modules among its names."""
        dotted = one.module.split(".") if one.module else []
        if one.level:
            base = os.path.dirname(file)
            for _ in range(one.level - 1):
                base = os.path.dirname(base)
            yield from self._init(base)
        else:
            found = self._base(dotted[0]) if dotted else None
            if found is None:
                return
            base = found
        yield from self._descend(base, dotted)
        folder = os.path.join(base, *dotted)
        for name in one.names:
            if self._is_there(folder, name):
                yield from self._descend(folder, [name])

    def _descend(self, base: str, dotted: Sequence[str]) -> Iterator[str]:
        folder = base
        for name in dotted:
            listed = self._list(folder)
            inner = os.path.join(folder, name)
            if listed.get(name) is True:
                yield from self._init(inner)
                if "__init__.py" in self._list(inner):
                    folder = inner
                    continue
            for suffix in (".py", ".ipynb"):
                if listed.get(name + suffix) is False:
                    yield inner + suffix
                    return
            if listed.get(name) is not True:
                return
            folder = inner

    def _base(self, name: str) -> str | None:
        """The first folder that has the module; a folder without ``__init__.py`` counts only where nothing else has it."""
        spare = None
        for base in self._bases:
            listed = self._list(base)
            if listed.get(name + ".py") is False or listed.get(name + ".ipynb") is False:
                return base
            if listed.get(name) is True:
                if "__init__.py" in self._list(os.path.join(base, name)):
                    return base
                spare = spare or base
        return spare

    def _is_there(self, folder: str, name: str) -> bool:
        listed = self._list(folder)
        return name in listed or name + ".py" in listed or name + ".ipynb" in listed

    def _init(self, folder: str) -> Iterator[str]:
        if self._list(folder).get("__init__.py") is False:
            yield os.path.join(folder, "__init__.py")

    def _list(self, folder: str) -> dict[str, bool]:
        """The names in a folder, and whether each is a folder: listed once, for a repository may have ten thousand."""
        listed = self._listed.get(folder)
        if listed is None:
            try:
                with os.scandir(folder) as entries:
                    listed = {entry.name: entry.is_dir() for entry in entries}
            except OSError:
                listed = {}
            self._listed[folder] = listed
        return listed
