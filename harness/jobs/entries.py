"""What a ``python_wheel_task`` calls: found by what the project says of its packages, before anything is run.

The Jobs API says of it: the named entry point; if the package's metadata have none of that name, the function of that name in
the package itself. Users saw the cell that a cluster runs for it: it takes the entry point of whichever group, calls it without
arguments and passes over what that returns, with ``$package.$entry_point()`` written out beside it (so that this has to parse).
"""

from __future__ import annotations

import ast
import contextlib
import os
from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.jobs import installed
from harness.jobs.asked import Asked, asked_of, brings_its_own
from harness.jobs.described import Described
from harness.jobs.errors import JobError, JobFileError, JobNotebookError, JobShapeError
from harness.jobs.job import NOTEBOOK, SCRIPT, Entry
from harness.jobs.packages import FILES, Package, normal, read_package
from harness.jobs.variables import Variables
from harness.jobs.wheels import by_folder, clash, has, several, wheel_of
from harness.jobs.written import place_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.jobs.job import Wheel


class Found(NamedTuple):
    """What a task calls, the file of its module, and the project's wheels, see `harness.jobs.job.Task`; or why nobody knows."""

    entry: Entry | None = None
    path: str = ""
    wheels: tuple[Wheel, ...] = ()
    asked: Mapping[str, str] = {}
    unclear: str = ""


def entry_here(package: str, called: str, *, folder: str) -> Found:
    """What an entry point of a package is: of the project in a folder, else of what is installed here.

    Raises:
        JobNotebookError: There is none, or it can't be told.
        JobFileError: What the project says of its packages can't be read.
    """
    file = os.path.join(folder, FILES[0])
    here = Described("", {}, file, Variables(), folder, folder)
    asks = {"existing_cluster_id": "this environment", "libraries": [{"pypi": {"package": package}}]}
    found = Entries(here, folder).of(asks, {"package_name": package, "entry_point": called}, "")
    if found.entry is None:
        raise JobNotebookError(
            f'what the entry point "{called}" of "{package}" is can\'t be told',
            cause=found.unclear,
            mend="run it as a script",
            location=place_of(None, otherwise=file, root=folder),
        )
    return found


class Entries:
    """Finds what the wheel tasks of one job call, and which wheels of the project its tasks have."""

    def __init__(self, found: Described, root: str) -> None:
        self._found, self._root = found, root

    def beside(self, task: Mapping[str, Any], kind: str) -> Found:
        """The project's wheels that a task asks for which calls none: one of a notebook or a script.

        Raises:
            JobFileError: What the project says of its packages can't be read.
        """
        if kind not in (NOTEBOOK, SCRIPT):
            return Found()
        theirs = self._theirs(self._asked(task))
        packages = by_folder(theirs.values())
        unclear = (several(one, one.modules, self._shown) for one in packages)
        return Found(
            wheels=tuple(map(wheel_of, packages)),
            asked={text: package.folder for text, package in theirs.items()},
            unclear=next(filter(None, unclear), "") or clash(packages, self._shown),
        )

    def requirements(self, task: Mapping[str, Any]) -> tuple[str, ...]:
        """What a task asks for by a package's name, as pip reads it."""
        return tuple(one.text for one in self._asked(task) if one.package and not one.text.endswith(".whl"))

    def of(self, task: Mapping[str, Any], own: Mapping[str, Any], key: str) -> Found:
        """What a task calls.

        Raises:
            JobShapeError: It names none, or asks for nothing that may hold its package.
            JobNotebookError: The project has no such package, entry point or module.
            JobFileError: What the project says of its packages can't be read.
        """
        resolve = self._found.variables.resolve
        name, called = (resolve(own.get(field)) for field in ("package_name", "entry_point"))
        for field, value in (("package_name", name), ("entry_point", called)):
            if not isinstance(value, str) or not value.strip():
                raise self._wrong(f'the task "{key}" names no {field}', f"it is {value!r}", "write it", key)
        if self._found.wraps_wheels:
            return Found(
                unclear="the bundle has experimental.python_wheel_wrapper, by which Databricks' command line makes a notebook "
                "of the task, with other arguments, and with what it prints as its exit value: take it out"
            )
        asked = self._asked(task)
        theirs = self._theirs(asked)
        others = [one for one in asked if one.text not in theirs and one.may_hold(name)]
        packages = self._named(name, theirs.values())
        may_be = packages or others or any(not one.name for one in theirs.values())
        if not may_be and brings_its_own(task, self._found.settings):
            raise self._lacking(name, asked, theirs.values(), key)
        if not _compiles(called):
            return Found(
                unclear=f'Databricks runs the entry point "{called}" by a cell in which {name}.{called}() stands, too; that is '
                "no Python, and users saw such tasks end in a SyntaxError: give it another name"
            )
        packages = packages or self._named(name, self._around())
        if len(packages) > 1:
            told = " and ".join(self._shown(one.folder) for one in packages)
            return Found(unclear=f'the package "{name}" is described in {told}: which of them the wheel is of isn\'t known')
        if not packages:
            beside = self.beside(task, SCRIPT)  # what it may import of the project
            found = self._installed(name, called, others, [*theirs.values(), *self._around()], key)
            return found._replace(wheels=beside.wheels, asked=beside.asked, unclear=found.unclear or beside.unclear)
        if why := clash(theirs.values(), self._shown):
            return Found(unclear=why)
        return self._of_package(packages[0], name, called, theirs, key)

    def _asked(self, task: Mapping[str, Any]) -> tuple[Asked, ...]:
        found = self._found
        return asked_of(task, found.settings, found.variables.resolve, file=found.path, root=self._root)

    def _theirs(self, asked: Iterable[Asked]) -> dict[str, Package]:
        """The project's packages whose wheels are asked for, by how that is written."""
        return {one.text: read for one in asked if (read := _wheel_of(one)) is not None}

    def _lacking(self, name: str, asked: Sequence[Asked], theirs: Iterable[Package], key: str) -> JobError:
        """Why the package can't be there: nothing is installed but what the task asks for."""
        near = get_close_matches(name, names := [one.name for one in theirs], n=1)
        if near:
            return self._missing(f'the project has no package "{name}"', name, names, key)
        return self._wrong(
            f'nothing that the task "{key}" asks for has the package "{name}"',
            f"it asks for {', '.join(one.text for one in asked) or 'no library, and for no dependency of an environment'}",
            "name the wheel: libraries: [{whl: ./dist/*.whl}] of the task, or dependencies of its environment",
            key,
        )

    def _around(self) -> list[Package]:
        """The packages of the job's folder, of those above it up to the root, and of those right below the bundle's."""
        folders, folder = [self._found.home], os.path.dirname(self._found.path)
        while True:
            folders.append(folder)
            above = os.path.dirname(folder)
            if os.path.normpath(folder) == os.path.normpath(self._root) or above == folder:
                break
            folder = above
        found = [read_package(one) for one in dict.fromkeys(map(os.path.normpath, folders))]
        with os.scandir(self._found.home) as entries:
            below = sorted(one.path for one in entries if one.is_dir(follow_symlinks=False) and not one.name.startswith("."))
        for one in below:
            with contextlib.suppress(JobFileError):  # it may have nothing to do with the job
                found.append(read_package(one))
        return [one for one in found if one is not None]

    def _named(self, name: str, packages: Iterable[Package]) -> list[Package]:
        return by_folder(one for one in packages if normal(one.name) == normal(name))

    def _of_package(self, package: Package, name: str, called: str, theirs: Mapping[str, Package], key: str) -> Found:
        values = package.entries.get(called, ())
        if not values and package.computed:
            values = installed.entries_of(name, called, folder=package.folder)
            if not values:
                return Found(
                    unclear=f"{package.computed} in {self._shown(package.folder)}: write them out, or install the project here "
                    "as editable"
                )
        if len(values) > 1:
            told = " and ".join(values)
            return Found(unclear=f'the package "{name}" has the entry point "{called}" in several groups, as {told}')
        value = values[0] if values else f"{name}:{called}"
        module, _, function = value.partition(":")
        module = module.strip()
        path = package.file_of(module)
        if not values and (path is None or not _may_have(path, called)):
            raise self._missing(f'the package "{name}" has no entry point "{called}"', called, package.entries, key)
        if path is None:
            raise self._missing(f'the entry point "{called}" of "{name}" leads nowhere', module, _modules(package), key)
        top = module.partition(".")[0]
        if package.is_listed and top not in package.modules:
            raise self._missing(f'the wheel of "{name}" is built without the module "{top}"', top, package.modules, key)
        if why := several(package, [top], self._shown):
            return Found(unclear=why)
        entry = Entry(name, called, f"{module}:{function.partition('[')[0].strip()}", package.folder)
        own = replace(package, modules=tuple(dict.fromkeys((top, *package.modules))))
        others = (one for one in by_folder(theirs.values()) if one.folder != package.folder)
        asked = {text: one.folder for text, one in theirs.items()}
        return Found(entry, path, tuple(map(wheel_of, (own, *others))), asked)

    def _installed(self, name: str, called: str, others: Sequence[Asked], known: Sequence[Package], key: str) -> Found:
        """What a package that isn't the project's calls, where it is installed here as the task asks for it."""
        hidden = [one for one in known if not one.name]
        if hidden:
            return Found(unclear=f"{hidden[0].computed} in {self._shown(hidden[0].folder)}: write it out")
        if not others:
            names = [one.name for one in known]
            raise self._missing(f'the project has no package "{name}"', name, names, key)
        why = installed.why_another(name, [one.version for one in others if one.package])
        if why:
            return Found(unclear=f'"{name}" is no package of this project, and {why}')
        values = installed.entries_of(name, called) or (f"{name}:{called}",)
        path = installed.file_of(values[0].partition(":")[0].strip())
        if len(values) > 1 or path is None:
            return Found(unclear=f'the entry point "{called}" of "{name}" can\'t be told of what is installed here')
        return Found(Entry(name, called, values[0]), path)

    def _missing(self, what: str, name: str, known: Iterable[str], key: str) -> JobNotebookError:
        names = list(dict.fromkeys(known))
        near, who = get_close_matches(name, names, n=1), f'the task "{key}" calls it; ' if key else ""
        return JobNotebookError(
            what,
            cause=f"{who}there are: {', '.join(names) or 'none'}",
            mend=f'did you mean "{near[0]}"?' if near else "correct package_name and entry_point, or the project's own files",
            location=place_of(key, otherwise=self._found.path, root=self._root),
        )

    def _wrong(self, what: str, cause: str, mend: str, near: Any) -> JobShapeError:
        location = place_of(near, otherwise=self._found.path, root=self._root)
        return JobShapeError(what, cause=cause, mend=mend, location=location)

    def _shown(self, folder: str) -> str:
        return os.path.relpath(folder, self._root).replace(os.sep, "/")


def _wheel_of(asked: Asked) -> Package | None:
    """The package of the project whose wheel that is; a wheel of another name that lies there is somebody else's."""
    found = read_package(asked.folder) if asked.folder else None
    return found if found is not None and (not found.name or asked.may_hold(found.name)) else None


def _compiles(name: str) -> bool:
    try:
        ast.parse(f"module.{name}()")
    except (SyntaxError, ValueError):
        return False
    return True


def _modules(package: Package) -> list[str]:
    found = []
    for source in package.sources:
        for top in package.modules:
            for folder, folders, files in os.walk(os.path.join(source, top)):
                folders[:] = [one for one in folders if one != "__pycache__"]
                inside = os.path.relpath(folder, source).replace(os.sep, ".")
                found += [f"{inside}.{file[:-3]}".removesuffix(".__init__") for file in files if file.endswith(".py")]
    return sorted(found)


def _may_have(path: str, name: str) -> bool:
    """Whether a module may have something of that name, as far as its text tells."""
    try:
        with open(path, "rb") as file:
            tree = ast.parse(file.read(), path)
    except (OSError, SyntaxError, ValueError):
        return True  # to be seen when it is run
    for node in ast.walk(tree):
        names = [getattr(node, "name", None), getattr(node, "id", None), getattr(node, "asname", None)]
        if name in names or {"*", "__getattr__"} & {one for one in names if one}:
            return True
    return os.path.basename(path) == "__init__.py" and has(os.path.dirname(path), name)
