"""The closure of a notebook: itself, what it ``%run``s and starts, what it imports of the project, its data files.

Nothing is run or imported. What can't be told from the text (a computed target, a path put together at run time) is named as
the workspace's own, or isn't there on the workspace and fails there.
"""

# Paths are texts, as extraction has them: a closure may have ten thousand.
# ruff: noqa: PTH100, PTH113, PTH116, PTH118, PTH120, PTH122

from __future__ import annotations

import os
import posixpath
from typing import TYPE_CHECKING, NamedTuple

from harness.errors import NotebookReadError, SettingsError
from harness.extract.run import find_target, mapped
from harness.model import Location
from harness.notebook import is_notebook, read_notebook
from harness.notebook.files import read_bytes
from harness.remote import names
from harness.remote.errors import OutsideError
from harness.remote.imports import Imports
from harness.remote.parts import (
    LANGUAGES,
    LIMIT,
    Closure,
    Foreign,
    Missing,
    Part,
    check_part,
    check_together,
    digest_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_LEFT_OUT = frozenset({".git", "__pycache__", ".ipynb_checkpoints", ".venv", ".databricks", ".bundle"})


class _Read(NamedTuple):
    part: Part
    names: names.Names


class Closures:
    """Finds closures in one project; what was read of a file is kept until the file changes.

    ``root`` is the project's folder, ``roots`` the folders that imports count from beside it and the notebook's own,
    ``run_prefixes`` the settings' (workspace folder -> folder of the project), ``data`` the settings' data files: patterns
    relative to the root, a folder stands for all that is in it.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        roots: Iterable[str | os.PathLike[str]] = (),
        *,
        run_prefixes: Mapping[str, str] | None = None,
        data: Sequence[str] = (),
    ) -> None:
        self.root = os.path.abspath(root)
        self._real_root = os.path.realpath(root)
        self._roots = tuple(dict.fromkeys([*(os.path.abspath(one) for one in roots), self.root]))
        self._prefixes = dict(run_prefixes or {})
        self._data = tuple(data)
        self._read: dict[str, tuple[tuple[int, int], _Read]] = {}

    def of(self, path: str | os.PathLike[str], *, is_script: bool = False) -> Closure:
        """Give the closure of a notebook, or of a Python script, by its path from the root.

        Raises:
            ClosureError: Something in it can't go to a workspace; the subclass says what.
            NotebookError: The notebook, or one that it runs, can't be read, or the file is none.
            SettingsError: A pattern of data files fits nothing.
        """
        walk = _Walk(self, os.path.abspath(os.path.join(self.root, path)))
        walk.go(self._data_files())
        parts = tuple(walk.parts[path] for path in sorted(walk.parts))
        check_together(parts)
        if not is_script and walk.parts[walk.relative(walk.first)].kind != "notebook":
            read_notebook(walk.first)  # which says why it is none
        inline = {part.path: frozenset[str]() for part in parts if part.kind == "file"} | walk.inline()
        return Closure(
            walk.relative(walk.first),
            parts,
            tuple(walk.foreign),
            tuple(walk.missing),
            inline,
            tuple(dict.fromkeys(walk.handed)),
        )

    def of_files(self, paths: Iterable[str | os.PathLike[str]]) -> tuple[Part, ...]:
        """Give what several files need, themselves and the data files too, sorted by path: tests, with their conftest files.

        They stay files wherever they go, so that none of them has to fit beside the others on a workspace.

        Raises:
            OutsideError: A file of them, or what it needs, isn't below the root.
            NotebookError: A notebook that one needs can't be read.
            SettingsError: A pattern of data files fits nothing.
        """
        parts: dict[str, Part] = {}
        data = self._data_files()
        for path in paths:
            walk = _Walk(self, os.path.abspath(os.path.join(self.root, path)))
            walk.go(data)
            parts.update(walk.parts)
        return tuple(parts[path] for path in sorted(parts))

    def read(self, file: str) -> _Read:
        """Give a file's part and what it names, read anew only where the file has changed."""
        relative = self.relative(file)
        info = os.stat(file)
        stamp = info.st_mtime_ns, info.st_size
        kept = self._read.get(file)
        if kept is not None and kept[0] == stamp:
            return kept[1]
        if not _is_below(os.path.realpath(file), self._real_root):
            raise OutsideError(
                "a symbolic link leads out of the repository",
                cause=f"it points to {os.path.realpath(file)}",
                mend="copy the file into the repository, or install it as a library",
                location=Location(relative),
            )
        if is_notebook(file) and not file.endswith(".dbc"):
            found = _read_notebook(file, relative, info.st_size)
        else:
            check_part(Part(relative, "file", "RAW", "", info.st_size))
            raw = read_bytes(file, max_bytes=LIMIT)
            named = names.of_module(raw) if file.endswith(".py") else names.Names()
            found = _Read(Part(relative, "file", "RAW", digest_of(raw), len(raw)), named)
        self._read[file] = (stamp, found)
        return found

    def relative(self, file: str) -> str:
        """A file's path from the root; refuses one that isn't below it."""
        if not _is_below(file, self.root):
            raise OutsideError(
                "a file that a notebook needs lies outside the project",
                cause=f"{file} isn't below {self.root}",
                mend="move it into the project, or run pytest from the folder that holds both",
            )
        return os.path.relpath(file, self.root).replace(os.sep, "/")

    def bases(self, first: str) -> tuple[str, ...]:
        """The folders that absolute imports count from: the notebook's own comes first, as on the platform."""
        return tuple(dict.fromkeys([os.path.dirname(first), *self._roots]))

    def target(self, target: str, beside: str = "") -> str | None:
        """The file here that a target names, also where the target is the workspace's own."""
        return find_target(target, beside=beside, prefixes=self._prefixes, root=self.root)

    def mapped(self, target: str) -> str | None:
        """The place here of a target that is the workspace's own, where the settings tell it and no file is there."""
        return mapped(target, prefixes=self._prefixes, root=self.root)

    def _data_files(self) -> list[str]:
        found: list[str] = []
        for pattern in self._data:
            files = sorted(_files_of(self.root, pattern))
            if not files:
                raise SettingsError(
                    f"the data files {pattern!r} aren't there",
                    cause=f"nothing below {self.root} fits",
                    mend="correct the pattern, or remove it",
                    location=Location(os.path.join(self.root, "pyproject.toml")),
                )
            found.extend(files)
        return found


class _Walk:
    """One closure as it grows."""

    def __init__(self, closures: Closures, first: str, imports: Imports | None = None, abroad: set[str] | None = None) -> None:
        self._closures = closures
        self._imports = imports or Imports(closures.bases(first))
        self._abroad = set() if abroad is None else abroad
        self.first = first
        self.parts: dict[str, Part] = {}
        self.foreign: list[Foreign] = []
        self.missing: list[Missing] = []
        self.handed: list[frozenset[str] | None] = []
        self.runs: dict[str, list[tuple[str, frozenset[str]]]] = {}

    def inline(self) -> dict[str, frozenset[str]]:
        """What is one program with the first notebook, by ``%run``, with the widgets that each ``%run`` of it gives."""
        found, pending = {self.first: frozenset[str]()}, [self.first]
        while pending:
            for other, given in self.runs.get(pending.pop(), ()):
                if other not in found:
                    pending.append(other)
                found[other] = found.get(other, given) & given
        return {self.relative(file): given for file, given in found.items()}

    def relative(self, file: str) -> str:
        return self._closures.relative(file)

    def go(self, data: Iterable[str]) -> None:
        if not os.path.isfile(self.first):
            raise NotebookReadError(
                "the notebook isn't there",
                cause=f"there is no file {self.first}",
                mend="correct the path; it counts from the project's folder",
                location=Location(self.first),
            )
        pending = [self.first]
        imports: list[tuple[str, names.Names]] = []
        seen = {self.first}
        while pending or imports:
            if pending:
                file = pending.pop()
                part, named = self._closures.read(file)
                self.parts[part.path] = part
                found = self._started(file, named)
                imports.append((file, named))
                for folder, is_first in named.folders:
                    self._add_base(folder, is_first=is_first)
            else:  # last, for what is %run may put folders on the path for those that %run it
                file, named = imports.pop()
                found = (other for one in named.imports for other in self._imports.files(one, file))
            for other in found:
                if other not in seen:
                    seen.add(other)
                    pending.append(other)
        for file in data:
            if file not in seen:
                part = self._closures.read(file).part
                self.parts[part.path] = part

    def _started(self, file: str, named: names.Names) -> Iterator[str]:
        for start in named.starts:
            where = Location(self.relative(file), start.line, start.cell, start.cell_line)
            target = None if start.target is None else self._closures.target(start.target, file)
            if start.how != "%run":
                self.handed.append(start.given)
            elif target is not None:
                self.runs.setdefault(file, []).append((target, start.given or frozenset()))
            if start.target is None:
                self.foreign.append(Foreign(start.how, None, where))
            elif start.target.startswith("/"):
                yield from self._of_workspace(start.how, start.target, target, where)
            elif target is not None:
                yield target
            elif self._leads_out(start.target, file):
                self.foreign.append(Foreign(start.how, start.target, where))
            else:
                self.missing.append(Missing(start.how, start.target, where))

    def _add_base(self, folder: str, *, is_first: bool) -> None:
        """Have imports count from a folder that is put on ``sys.path``: a relative one is the first notebook's, as it runs."""
        place = self._closures.mapped(folder) if folder.startswith("/") else os.path.join(os.path.dirname(self.first), folder)
        if place is not None and _is_below(place := os.path.normpath(place), self._closures.root):
            self._imports.add(place, is_first=is_first)

    def _leads_out(self, target: str, file: str) -> bool:
        """Whether a relative target is above all that goes up: what is there is the workspace's own."""
        return not _is_below(os.path.normpath(os.path.join(os.path.dirname(file), target)), self._closures.root)

    def _of_workspace(self, how: str, target: str, local: str | None, where: Location) -> Iterator[str]:
        """Note a notebook of the workspace's own with what it needs there; gives what it needs of this closure all the same.

        What it starts and ``%run``s lies beside it. What it imports does too if it is started, but not if it is ``%run``: then
        that is looked for beside the notebook that ``%run``s it.
        """
        if local is None:
            place = self._closures.mapped(target)
            self.foreign.append(Foreign(how, target, where, "" if place is None else self.relative(place)))
            return
        self.foreign.append(Foreign(how, target, where, self.relative(local)))
        if f"{how} {target}" in self._abroad:
            return
        self._abroad.add(f"{how} {target}")
        inner = _Walk(self._closures, local, self._imports if how == "%run" else None, self._abroad)
        inner.go(())
        self.handed.extend(inner.handed)
        self.runs |= inner.runs
        for _, part in sorted(inner.parts.items()):
            file = os.path.join(self._closures.root, part.path)
            if how == "%run" and part.kind == "file":
                yield file
            elif file != local:
                there = _beside(target, part.target, self.relative(local))
                is_same = self._closures.target(there) == file
                self.foreign.append(Foreign(how, there, where, part.path if is_same else "", by=target))
        self.foreign.extend(inner.foreign)
        self.foreign.extend(Foreign(one.how, one.target, one.location, by=target) for one in inner.missing)


def _beside(target: str, other: str, local: str) -> str:
    """The workspace's path of another file of the project, where ``target`` is that of ``local``."""
    return posixpath.normpath(
        posixpath.join(posixpath.dirname(target), posixpath.relpath(other, posixpath.dirname(local) or "."))
    )


def _read_notebook(file: str, relative: str, size: int) -> _Read:
    suffix = os.path.splitext(file)[1].lower()
    language = LANGUAGES.get(suffix, "")
    form = "SOURCE" if language else "JUPYTER"
    check_part(Part(relative, "notebook", form, "", size, language))
    notebook = read_notebook(file, max_bytes=LIMIT)
    part = Part(relative, "notebook", form, digest_of(notebook.raw), len(notebook.raw), language)
    return _Read(part, names.of_notebook(notebook))


def _files_of(root: str, pattern: str) -> Iterator[str]:
    from pathlib import Path

    for found in Path(root).glob(pattern.rstrip("/")):
        if found.is_dir():
            for folder, folders, files in os.walk(found):
                folders[:] = sorted(one for one in folders if one not in _LEFT_OUT)
                yield from (os.path.join(folder, file) for file in files)
        else:
            yield str(found)


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)
