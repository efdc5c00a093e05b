"""Which files go to a cluster with tests: theirs, and what pytest and the tests read beside them."""

from __future__ import annotations

import ast
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pytest

    from harness.collect.session import NotebookSession

_PLUGINS = "pytest_plugins"


def files_for(session: NotebookSession, items: Iterable[pytest.Item], config: pytest.Config) -> list[str]:
    """The files to be sent, by their paths below the project; what these import and ``%run`` goes with them.

    They are the tests' own, the ``conftest.py`` and ``__init__.py`` of the folders above, plugins that those name, pytest's
    settings, and the notebooks that the tests name.
    """
    root = str(config.rootpath)
    tests = dict.fromkeys(str(item.path) for item in items)
    found = dict.fromkeys([*tests, *(file for test in tests for file in _above(test, root))])
    found |= dict.fromkeys(place for file in list(found) for place in _plugins(file, session.finder.roots))
    if config.inipath is not None and _is_below(str(config.inipath), root):
        found[str(config.inipath)] = None
    settings = os.path.join(root, "pyproject.toml")
    if os.path.isfile(settings):
        found[settings] = None
    found |= dict.fromkeys(_notebooks(session, tests, root))
    return [os.path.relpath(file, root).replace(os.sep, "/") for file in found]


def _above(test: str, root: str) -> Iterator[str]:
    folder = os.path.dirname(test)
    while _is_below(folder, root):
        for name in ("conftest.py", "__init__.py"):
            if os.path.isfile(os.path.join(folder, name)):
                yield os.path.join(folder, name)
        if folder == root:
            return
        folder = os.path.dirname(folder)


def _plugins(file: str, roots: Iterable[str]) -> Iterator[str]:
    """The project's modules that a file names as its plugins."""
    try:
        with open(file, "rb") as source:
            body = ast.parse(source.read()).body
    except (OSError, SyntaxError, ValueError):
        return
    assigned = [node.value for node in body if isinstance(node, ast.Assign) and any(_is_named(one) for one in node.targets)]
    for value in assigned:
        for text in [one.value for one in ast.walk(value) if isinstance(one, ast.Constant) and isinstance(one.value, str)]:
            for base in roots:
                place = os.path.join(base, *text.split("."))
                yield from (one for one in (f"{place}.py", os.path.join(place, "__init__.py")) if os.path.isfile(one))


def _is_named(target: ast.expr) -> bool:
    return isinstance(target, ast.Name) and target.id == _PLUGINS


def _notebooks(session: NotebookSession, tests: Iterable[str], root: str) -> list[str]:
    """The notebooks that tests name, by an import, ``notebook(…)`` or a fixture of theirs."""
    from harness.extract.mentions import TestNames
    from harness.notebook import discover

    notebooks = [os.path.abspath(path) for path in discover(root).notebooks if path.suffix != ".dbc"]
    if not notebooks:
        return []
    names = TestNames(root, notebooks, session.finder.roots)
    for test in tests:
        names.read(test)
    return [path for path in notebooks if names.mentions(path)]


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + os.sep)
