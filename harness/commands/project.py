"""Which project a path belongs to, where its tests are, and from where its imports count."""

from __future__ import annotations

import fnmatch
import os
import shlex
from configparser import ConfigParser
from configparser import Error as IniError
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import SettingsError
from harness.model import Location
from harness.settings import settings_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_PYPROJECT = "pyproject.toml"
# Where pytest looks for its settings, in its own order; the first file with a section of its own counts.
_INI_SECTIONS = {
    "pytest.toml": "pytest",
    ".pytest.toml": "pytest",
    "pytest.ini": "pytest",
    ".pytest.ini": "pytest",
    _PYPROJECT: "tool.pytest",
    "tox.ini": "pytest",
    "setup.cfg": "tool:pytest",
}
# pytest's own norecursedirs.
_NOT_ENTERED = ("*.egg", ".*", "_darcs", "build", "CVS", "dist", "node_modules", "venv", "{arch}", "__pycache__")


@dataclass(frozen=True, slots=True)
class Project:
    """One project: the folder of its pyproject.toml, and what its tests and imports go by.

    ``roots`` are the folders that imports count from, ``claimed`` those whose notebooks can be imported at all,
    ``pythonpath`` those that pytest surely has on its path; ``testpaths`` is empty where pytest looks everywhere.
    """

    folder: str
    roots: tuple[str, ...]
    claimed: tuple[str, ...]
    pythonpath: tuple[str, ...]
    python_files: tuple[str, ...]
    testpaths: tuple[str, ...]

    def roots_for(self, notebook: str) -> tuple[str, ...]:
        """Give the folders that a notebook's import name counts from; none where it can't be imported."""
        return self.roots if any(_is_below(notebook, folder) for folder in self.claimed) else ()

    def is_test_file(self, path: str) -> bool:
        """Say whether pytest would take a file for tests; an ``.ipynb`` counts by the name it would have as ``.py``."""
        stem, suffix = os.path.splitext(path)
        if suffix not in {".py", ".ipynb"}:
            return False
        if self.testpaths and not any(path == at or path.startswith(at.rstrip(os.sep) + os.sep) for at in self.testpaths):
            return False
        as_python = Path(stem + ".py").as_posix()
        name = as_python.rpartition("/")[2]
        return any(
            fnmatch.fnmatch(as_python, f"*/{pattern}") if "/" in pattern else fnmatch.fnmatch(name, pattern)
            for pattern in self.python_files
        )


def root_of(paths: Iterable[str], *, current: str) -> str:
    """Give the folder that shown paths are relative to: that of the nearest pyproject.toml, else the current one."""
    folders = [path if os.path.isdir(path) else os.path.dirname(path) for path in paths] or [current]
    try:
        common = os.path.commonpath(folders)
    except ValueError:  # two drives
        common = folders[0]
    found = _project_folder(common)
    if found is not None:
        return found
    return current if _is_below(common, current) else common


def project_of(path: str, root: str) -> Project:
    """Give the project that a file or folder belongs to: the nearest pyproject.toml's, else that of the root.

    Raises:
        SettingsError: Its ``[tool.nbh]`` or pytest's settings can't be read.
    """
    folder = _project_folder(path if os.path.isdir(path) else os.path.dirname(path))
    return _project(folder if folder is not None and _is_below(folder, root) else root)


@lru_cache(maxsize=4096)
def _project_folder(folder: str) -> str | None:
    if os.path.isfile(os.path.join(folder, _PYPROJECT)):
        return folder
    above = os.path.dirname(folder)
    return None if above == folder else _project_folder(above)


@lru_cache(maxsize=256)
def _project(folder: str) -> Project:
    settings = settings_for(folder)
    options = pytest_options(folder)
    inside = tuple(os.path.join(folder, path) for path in options.get("pythonpath", ()))
    roots = tuple(os.path.normpath(path) for path in (folder, *inside))
    claimed = tuple(os.path.normpath(os.path.join(settings.folder, root)) for root in settings.roots) or roots
    tests = [str(found) for path in options.get("testpaths", ()) for found in sorted(Path(folder).glob(path))]
    files = options.get("python_files", ("test_*.py", "*_test.py"))
    return Project(folder, roots, claimed, tuple(map(os.path.normpath, inside)), files, tuple(tests))


def pytest_options(folder: str) -> dict[str, tuple[str, ...]]:
    """Read those of pytest's settings in a folder that hold words: python_files, testpaths, pythonpath, addopts.

    Raises:
        SettingsError: The file isn't valid.
    """
    known = ("python_files", "testpaths", "pythonpath", "addopts")
    table = _pytest_table(folder) or {}
    return {key: _words(table[key]) for key in known if key in table}


def is_rootdir(folder: str) -> bool:
    """Whether pytest takes a folder with a pyproject.toml for its rootdir, from where notebooks are imported.

    The nearest folder with settings of pytest is that; where there are none, the nearest pyproject.toml's.

    Raises:
        SettingsError: pytest's settings can't be read.
    """
    if not os.path.isfile(os.path.join(folder, _PYPROJECT)):
        return False
    above = [str(one) for one in Path(folder).parents]
    return next((one == folder for one in (folder, *above) if _pytest_table(one) is not None), True)


def _pytest_table(folder: str) -> Mapping[str, Any] | None:
    for name, section in _INI_SECTIONS.items():
        path = os.path.join(folder, name)
        if not os.path.isfile(path):
            continue
        table = _toml_table(path, section) if name.endswith(".toml") else _ini_table(path, section)
        if table is not None or name.lstrip(".").startswith("pytest."):
            return table or {}
    return None


def addopts_of(folder: str) -> str:
    """Give the options that the project of a folder always hands to pytest.

    Raises:
        SettingsError: pytest's settings can't be read.
    """
    return shlex.join(pytest_options(_project_folder(folder) or folder).get("addopts", ()))


def _toml_table(path: str, section: str) -> Mapping[str, Any] | None:
    import tomllib

    try:
        table: Any = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise _unreadable(path, exc) from exc
    for key in section.split("."):
        table = table.get(key) if isinstance(table, dict) else None
    if section == "tool.pytest" and isinstance(table, dict) and "ini_options" in table:
        table = table["ini_options"]
    return table if isinstance(table, dict) else None


def _ini_table(path: str, section: str) -> Mapping[str, Any] | None:
    parser = ConfigParser(interpolation=None, strict=False, allow_no_value=True)
    try:
        parser.read_string(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, IniError) as exc:
        raise _unreadable(path, exc) from exc
    return dict(parser[section]) if section in parser else None


def _unreadable(path: str, exc: Exception) -> SettingsError:
    text = str(exc)
    return SettingsError(
        f"{os.path.basename(path)} can't be read",
        cause=text[:1].lower() + text[1:],
        mend="mend the file",
        location=Location(path),
    )


def _words(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(shlex.split(value))
    return tuple(map(str, value)) if isinstance(value, list) else ()


def find_tests(root: str) -> Iterator[tuple[Project, str]]:
    """Find the test files below a folder, each with its project, in a stable order; links to folders aren't followed."""
    pending = [(root, project_of(root, root))]
    while pending:
        folder, project = pending.pop()
        try:
            with os.scandir(folder) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
        except OSError:
            continue  # discovery tells of folders that can't be searched
        if folder != root and any(entry.name == "pyvenv.cfg" for entry in entries):
            continue
        if any(entry.name == _PYPROJECT for entry in entries):
            project = project_of(folder, root)  # a project in the project
        folders = []
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if not any(fnmatch.fnmatch(entry.name, pattern) for pattern in _NOT_ENTERED):
                    folders.append((entry.path, project))
            elif project.is_test_file(entry.path):
                yield project, entry.path
        pending.extend(folders[::-1])


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)
