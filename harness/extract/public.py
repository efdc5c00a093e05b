"""``load_notebook``: units of a notebook by path, also outside pytest."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from harness.called import AS_WIDGETS, plainly
from harness.errors import NotebookReadError, SettingsError, UnknownValueError
from harness.extract.importer import NotebookFinder
from harness.extract.kinds import INJECTED
from harness.extract.load import Loader
from harness.extract.misspelt import check_names
from harness.model import Location
from harness.settings import settings_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.extract.module import NotebookModule

# Tracebacks in pytest show the user's lines, not these.
__tracebackhide__ = True

_current: list[Loader] = []


def use(loader: Loader) -> None:
    """Make ``load_notebook`` load through this loader: a pytest run's own, which knows the running test."""
    _current.append(loader)


def release(loader: Loader) -> None:
    """Undo ``use``."""
    if loader in _current:
        _current.remove(loader)


def _of_run() -> Loader | None:
    """The loader of the run that is on, which its finder makes for the first notebook."""
    if not _current:
        for finder in sys.meta_path:
            if isinstance(finder, NotebookFinder):
                return finder.loader()
    return _current[-1] if _current else None


@plainly("load_notebook", meant=AS_WIDGETS)
def load_notebook(
    path: str | os.PathLike[str], *, widgets: Mapping[str, str] | None = None, values: Mapping[str, Any] | None = None
) -> NotebookModule:
    """Load a notebook's units into a module of its own: definitions only, its top level is not run.

    ``path`` is relative to the current folder, or to the rootdir of a pytest run. ``widgets`` are what ``dbutils.widgets.get``
    gives this notebook; ``values`` give names their value by hand, also those that the notebook computes by what is held back.

    Raises:
        NotebookReadError: There is no such file.
        NotebookError: It can't be read as a notebook.
        SettingsError: A widget's value is not a string.
        WidgetNotDefinedError: A widget's name is one of the notebook's, misspelt.
        UnknownValueError: A value was given for a name that the notebook doesn't use.
    """
    loader = _of_run() or Loader(os.getcwd(), run_prefixes=run_prefixes)
    for name, value in (widgets or {}).items():
        if not isinstance(value, str):
            raise SettingsError(
                f"the widget {name!r} is {value!r}",
                cause="widgets are strings on Databricks",
                mend=f'write widgets={{"{name}": "{value}"}}',
            )
    found = find_notebook(path, loader)
    if widgets:
        check_names(found, widgets, root=loader.root)
    module = loader.load(found, widgets=widgets, values=values)
    if values:
        _check_values(module, values)
    return module


def _check_values(module: NotebookModule, values: Mapping[str, Any]) -> None:
    """Refuse a value for a name that nothing in the notebook binds or reads: a misspelt one would change nothing."""
    units = module.__units__
    known = units.values.outline.all_names() | INJECTED
    for name in values:
        if name not in known:
            from difflib import get_close_matches

            near = get_close_matches(name, known, n=1)
            units.loader.unload(module)
            raise UnknownValueError(
                f"the notebook doesn't use the name {name!r}",
                cause="no statement of it, or of what it %runs, binds or reads that name",
                mend=f"did you mean {near[0]!r}?" if near else "leave the name out of values",
                location=Location(units.loader.show(units.path)),
            )


def find_notebook(path: str | os.PathLike[str], loader: Loader, *, beside: str | None = None) -> str:
    """Give the absolute path of a notebook: as it is, from beside a file, from that file's own project, or from the root.

    Several projects that are tested in one run may each have a notebook of that path, and only one of them is the rootdir.
    """
    given = os.fspath(path)
    places = [os.path.abspath(given), os.path.join(loader.root, given)]
    if beside is not None:
        places[:0] = [os.path.join(folder, given) for folder in (os.path.dirname(beside), settings_for(beside).folder)]
    for place in places:
        if os.path.isfile(place):
            return os.path.normpath(place)
    near = _near_path(given, places)
    raise NotebookReadError(
        "there is no such notebook",
        cause=f"{given} is neither below {loader.root}" + (f" nor beside {os.path.basename(beside)}" if beside else ""),
        mend=f"did you mean {near!r}?"
        if near
        else "give the path from the root of the project; `nbh list` shows the notebooks",
        location=Location(given),
    )


def _near_path(given: str, places: list[str]) -> str | None:
    """Give the path of a file that was probably meant: misspelt, or named without its suffix as in ``%run``."""
    from difflib import get_close_matches

    for place in places:
        folder, name = os.path.split(place)
        if os.path.isdir(folder):
            files = [file for file in os.listdir(folder) if file.endswith((".py", ".ipynb", ".sql", ".scala", ".r"))]
            near = [file for file in files if os.path.splitext(file)[0] == name] or get_close_matches(name, files, n=1)
            if near:
                return os.path.join(os.path.dirname(given), near[0])
    return None


def run_prefixes(path: str) -> tuple[str, Mapping[str, str]]:
    """Give the folder and the ``%run`` prefixes of the project that a notebook belongs to."""
    settings = settings_for(path)
    return settings.folder, settings.run_prefixes
