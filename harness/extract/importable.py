"""What can be imported from a folder, by the first part of its name, "top"; and whether an import would find it there."""

from __future__ import annotations

import os
import sys
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING

from harness.extract.again import file_of
from harness.extract.importer import has_header

if TYPE_CHECKING:
    from collections.abc import Sequence


class Importable:
    """Folders as an import sees them; each is listed again once it has changed."""

    def __init__(self) -> None:
        self._listed: dict[str, tuple[int, frozenset[str]]] = {}

    def owner(self, top: str, folders: Sequence[str]) -> str | None:
        """The first of these folders in which an import finds that name; None if none has it."""
        return next((folder for folder in folders if top in self.tops(folder) and _counts(folder, top)), None)

    def tops(self, folder: str) -> frozenset[str]:
        """The names that can be imported from a folder."""
        try:
            changed = os.stat(folder or ".").st_mtime_ns
            known = self._listed.get(folder)
            if known is None or known[0] != changed:
                with os.scandir(folder or ".") as entries:
                    names = frozenset(filter(None, map(_importable, entries)))
                known = self._listed[folder] = changed, names
        except OSError:
            return frozenset()
        return known[1]


def is_module(folder: str, top: str) -> bool:
    """Whether a folder has a plain module or a package, not just a folder or a notebook, of that name."""
    place = os.path.join(folder, top)
    return os.path.isfile(os.path.join(place, "__init__.py")) or (
        os.path.isfile(place + ".py") and not has_header(place + ".py")
    )


def _importable(entry: os.DirEntry[str]) -> str:
    name = entry.name.removesuffix(".py")
    return name if name.isidentifier() and (name != entry.name or entry.is_dir()) else ""


def _counts(folder: str, top: str) -> bool:
    """Whether it is what an import finds: what is installed and in use stays, and a plain folder or a notebook comes last."""
    # What is no file's, a test has put there: a stand-in, or None, so that it can't be imported.
    if top in sys.modules and "site-packages" in (file_of(sys.modules[top]) or "site-packages"):
        return False
    if is_module(folder, top):
        return True
    found = PathFinder.find_spec(top, [one for one in sys.path if one != folder])
    return found is None or (found.origin is None and os.path.isdir(os.path.join(folder, top)))
