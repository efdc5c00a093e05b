"""The packages of a project as their own files describe them: name, entry points, and where their modules lie.

Nothing is built, installed or run: it is read from pyproject.toml (its own table, or poetry's), from setup.cfg, and from
setup.py as far as that writes it out. What is computed there isn't known, and is told as that.
"""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from harness.jobs.errors import JobFileError
from harness.jobs.setup_files import Setup, read_setup
from harness.model import Location

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

FILES = ("pyproject.toml", "setup.py", "setup.cfg")
_GROUPS = ("scripts", "gui-scripts")
_USUAL = ("src", ".")


@dataclass(frozen=True, slots=True)
class Package:
    """A package of the project.

    ``name`` is "" where that is computed. ``entries`` are the values of its entry points by name, of whatever group, and
    ``computed`` says what of them nobody can read. ``sources`` are folders that its modules lie in, ``modules`` those that its
    wheel surely has at its top; where ``is_listed`` it has no others. ``needs_inits`` says that a folder without an
    ``__init__.py`` may be left out of the wheel, and ``packages`` are all that are in it, where they are written out.
    """

    name: str
    folder: str
    entries: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    computed: str = ""
    sources: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    is_listed: bool = False
    needs_inits: bool = False
    packages: tuple[str, ...] = ()

    def file_of(self, module: str) -> str | None:
        """The file of a module, by its full name; None if it has none."""
        for source in self.sources:
            base = os.path.join(source, *module.split("."))
            for path in (os.path.join(base, "__init__.py"), f"{base}.py"):
                if os.path.isfile(path):
                    return path
        return None


def normal(name: str) -> str:
    """A package's name as installers compare it: https://packaging.python.org/specifications/name-normalization."""
    return re.sub(r"[-_.]+", "-", name).lower()


def folder_above(folder: str, root: str) -> str | None:
    """The nearest folder with the files of a package, from this one up to the root; None if there is none."""
    while True:
        if any(os.path.isfile(os.path.join(folder, name)) for name in FILES):
            return folder
        above = os.path.dirname(folder)
        if os.path.normpath(folder) == os.path.normpath(root) or above == folder:
            return None
        folder = above


def read_package(folder: str) -> Package | None:
    """The package that the files of a folder describe, None if they describe none.

    Raises:
        JobFileError: One of them can't be read.
    """
    facts, setup = _toml(folder), read_setup(folder)
    project, poetry = _table(facts, "project"), _table(facts, "tool", "poetry")
    name = project.get("name") or poetry.get("name")
    if not name and setup is None:
        return None
    told, computed = dict[str, list[str]](), ""
    dynamic = {"scripts", "gui-scripts", "entry-points"} & {str(one) for one in project.get("dynamic") or ()}
    for entry, value in (*_of_project(project), *_of_poetry(poetry)):
        told.setdefault(entry, []).append(value)
    if setup is not None and (dynamic or not name):
        for entry, values in setup.entries.items():
            told.setdefault(entry, []).extend(values)
        computed = setup.computed
    if dynamic and (setup is None or not setup.entries):
        computed = "pyproject.toml has its entry points dynamic"
    if not name and not (setup and setup.name):
        computed = "setup.py computes its name"
    own = str(name or (setup.name if setup is not None else ""))
    sources, listed = _sources(facts, setup)
    tops = [value.partition(":")[0].strip().partition(".")[0] for values in told.values() for value in values]
    packages = setup.packages if setup is not None and not name else _named(facts)
    listed = listed or tuple(dict.fromkeys(one.partition(".")[0] for one in packages))
    found = _discovered(facts, folder, sources) if setup is None else ()
    modules = listed or [*tops, *found] or [normal(own).replace("-", "_")]
    return Package(
        own,
        folder,
        {entry: tuple(dict.fromkeys(values)) for entry, values in told.items()},
        computed,
        tuple(os.path.normpath(os.path.join(folder, one)) for one in sources),
        tuple(dict.fromkeys(modules)),
        bool(listed),
        needs_inits=not name,
        packages=packages,
    )


def _toml(folder: str) -> dict[str, Any]:
    path = os.path.join(folder, "pyproject.toml")
    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as exc:
        raise JobFileError("the file can't be read", cause=str(exc), mend="mend the file", location=Location(path)) from exc


def _table(facts: Any, *names: str) -> dict[str, Any]:
    for name in names:
        facts = facts.get(name) if isinstance(facts, dict) else None
    return facts if isinstance(facts, dict) else {}


def _of_project(project: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """https://packaging.python.org/specifications/pyproject-toml: scripts, and entry points by their groups."""
    for group in (*(_table(project, name) for name in _GROUPS), *_table(project, "entry-points").values()):
        for name, value in group.items() if isinstance(group, dict) else ():
            yield str(name), str(value)


def _of_poetry(poetry: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for group in (_table(poetry, "scripts"), *_table(poetry, "plugins").values()):
        for name, value in group.items() if isinstance(group, dict) else ():
            if isinstance(value, str):
                yield str(name), value
            elif isinstance(value, dict) and value.get("type", "console") == "console":
                yield str(name), str(value.get("reference") or value.get("callable") or "")


def _named(facts: Mapping[str, Any]) -> tuple[str, ...]:
    """All packages, and the modules beside them, where setuptools' settings write them out."""
    setuptools = _table(facts, "tool", "setuptools")
    held = [setuptools.get(name) for name in ("packages", "py-modules")]
    return tuple(str(one) for names in held if isinstance(names, list) for one in names)


def _discovered(facts: Mapping[str, Any], folder: str, sources: Iterable[str]) -> Iterator[str]:
    """The packages that setuptools finds by itself, in a folder that isn't the project's own.

    https://setuptools.pypa.io/en/latest/userguide/package_discovery.html: there it takes all that its settings let it.
    """
    backend = str(_table(facts, "build-system").get("build-backend") or "setuptools")
    if not _table(facts, "project") or not backend.startswith("setuptools"):
        return
    find = _table(facts, "tool", "setuptools", "packages", "find")
    for source in (os.path.join(folder, one) for one in sources if os.path.normpath(one) != "."):
        names = sorted(os.listdir(source)) if os.path.isdir(source) else []
        for name in names:
            is_taken = _fits(name, find.get("include") or ["*"]) and not _fits(name, find.get("exclude"))
            if is_taken and os.path.isfile(os.path.join(source, name, "__init__.py")):
                yield name


def _fits(name: str, patterns: Any) -> bool:
    return isinstance(patterns, list) and any(fnmatchcase(name, str(one)) for one in patterns)


def _sources(facts: Mapping[str, Any], setup: Setup | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The folders of its modules as its build's settings have them, and these if they are listed."""
    hatch = _table(facts, "tool", "hatch", "build", "targets", "wheel").get("packages")
    if isinstance(hatch, list) and hatch:
        paths = [os.path.normpath(str(one)) for one in hatch]
        return tuple(dict.fromkeys(os.path.dirname(one) or "." for one in paths)), tuple(map(os.path.basename, paths))
    poetry = _table(facts, "tool", "poetry").get("packages")
    if isinstance(poetry, list) and poetry and all(isinstance(one, dict) for one in poetry):
        tops = [str(one.get("include") or "").partition("/")[0] for one in poetry]
        return tuple(dict.fromkeys(str(one.get("from") or ".") for one in poetry)), tuple(tops)
    setuptools = _table(facts, "tool", "setuptools")
    base = _table(setuptools, "package-dir").get("")
    where = _table(setuptools, "packages", "find").get("where")
    root = _table(facts, "tool", "uv", "build-backend").get("module-root")
    own = [str(one) for one in (base, *(where if isinstance(where, list) else ()), root) if one is not None]
    own += setup.sources if setup is not None else ()
    return tuple(dict.fromkeys(own)) or _USUAL, ()
