"""Keep same-named notebooks of two projects apart in one run, although Python has one table of modules for all.

``from etl import who`` in the tests of ``north/`` and of ``south/`` means each project's own ``etl``: Python would give the
second test what the first imported. So each project's tests have their own view of imported notebooks.
"""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from typing import TYPE_CHECKING

from harness.settings import settings_for

if TYPE_CHECKING:
    from types import ModuleType


class Views:
    """Imported notebooks by the project whose tests imported them; those of other projects are out of ``sys.modules``."""

    def __init__(self) -> None:
        self._current: str | None = None  # until the first test file: what conftest files import
        self._views: dict[str | None, dict[str, ModuleType]] = {}

    def add(self, module: ModuleType) -> None:
        """Note an imported notebook, and the packages it is in."""
        view = self._views.setdefault(self._current, {})
        name = module.__name__
        view[name] = module
        while "." in name:
            name = name.rpartition(".")[0]
            if name in sys.modules:
                view[name] = sys.modules[name]

    def enter(self, test_file: str) -> None:
        """Turn to the view of the project that a test file belongs to."""
        project = _project(os.path.dirname(test_file))
        if project == self._current:
            return
        self._current = project
        for owner, view in self._views.items():
            if owner == project:
                continue
            for name, module in view.items():
                if sys.modules.get(name) is module and _is_apart(module, project):
                    del sys.modules[name]
        shared = self._views.get(None, {})
        sys.modules.update({name: module for name, module in shared.items() if not _is_apart(module, project)})
        sys.modules.update(self._views.get(project, {}))


def _is_apart(module: ModuleType, project: str) -> bool:
    """Say whether a module lies in a project beside this one: neither in it, nor in one that holds it or is held by it."""
    file = getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", ())), None)
    if file is None:
        return False
    own = _project(os.path.dirname(file))
    return not (project + os.sep).startswith(own + os.sep) and not (own + os.sep).startswith(project + os.sep)


@lru_cache(maxsize=4096)
def _project(folder: str) -> str:
    return settings_for(folder).folder
