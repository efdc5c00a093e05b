"""Where the paths of a workspace lie on this machine: dbfs and volumes in a folder that a test owns."""

from __future__ import annotations

import contextlib
import errno
import os
import posixpath
import re
import stat
import sys
import tempfile
from dataclasses import dataclass
from hashlib import md5
from typing import TYPE_CHECKING
from uuid import UUID

from harness.errors import ForeignFileError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

# Tracebacks in pytest show the user's lines, not these.
__tracebackhide__ = True

FIRST = ("FileStore", "mnt", "tmp", "user")
"""The folders of a new dbfs; those of a workspace that is in use are there too."""

DRIVER = "/databricks/driver"
"""The folder that a notebook works in on Databricks, unless it lies in a repository."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):(.*)", re.DOTALL)
_MOST_BYTES = 255
"""A file's name has no more."""

_IN_VOLUME = 4
"""A path of so many names after its first slash (``Volumes``, catalog, schema, volume) is in a volume."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a path lies.

    ``kind`` is "dbfs", "volume", "volumes" (above the volumes: catalogs and schemas, which are no folders of anybody's),
    "workspace" or "file"; ``real`` is the file of this machine, ``shown`` the path as Databricks writes it, ``top`` whether it
    is a root or a volume itself, which no call on files makes or removes.
    """

    kind: str
    real: str
    shown: str
    top: bool = False


class NoVolumeError(FileNotFoundError):
    """A path names a volume that isn't there."""

    def __init__(self, path: str, name: str) -> None:
        super().__init__(errno.ENOENT, os.strerror(errno.ENOENT), path)
        self.volume = name


class OutsideError(PermissionError):
    """A path leads out of the folder that it may be in, or a file is not the test's to change."""

    def __init__(self, path: str) -> None:
        super().__init__(errno.EACCES, os.strerror(errno.EACCES), path)


class Files:
    """The files of one test, or of one run in it.

    ``folder`` holds ``dbfs`` and ``volumes`` (which Spark makes, each under its catalog and schema) and goes with the test.
    ``own`` gives further folders whose files may be changed, by ``file:`` or below ``/Workspace``, ``driver`` is the folder
    that the notebook works in, and ``workspace`` maps folders below ``/Workspace`` to those of the project; "" is all of it, as
    the run has it in a folder of its own.
    """

    def __init__(
        self,
        folder: str,
        *,
        own: Callable[[], Sequence[str]] = tuple,
        driver: str = "",
        workspace: Sequence[tuple[str, str]] = (),
    ) -> None:
        self.folder = folder
        self.driver = driver
        self._own = own
        self._workspace = sorted(workspace, key=lambda pair: len(pair[0]), reverse=True)
        self._made: set[str] = set()
        self._shared = os.path.realpath(tempfile.gettempdir())
        prepare(folder)

    def locate(self, scheme: str, path: str, *, follow: bool = True) -> Place:
        """Say where an absolute path of a scheme ("dbfs" or "file") lies; without ``follow`` it may be a link that leads out.

        Raises:
            NoVolumeError: Its volume isn't there.
            OutsideError: It leads out of where it may be.
        """
        plain = normal(path)
        if scheme == "file":
            place = self._as_file(plain, follow=follow)
            if place is None:
                return Place("file", plain, f"file:{plain}", top=plain == "/")
            return Place(place.kind, place.real, f"file:{plain}", place.top)
        if plain.startswith(("/Volumes/", "/Workspace/")) or plain in ("/Volumes", "/Workspace"):
            place = self._as_file(plain, follow=follow)
            return place if place is not None else self._in_dbfs(plain, plain, follow=follow)
        return self._in_dbfs(plain, plain, follow=follow)

    def as_file(self, path: str, *, follow: bool = True) -> Place | None:
        """Say where a path lies as Python's own file functions see it, None if it is a file like any other.

        Raises:
            NoVolumeError, OutsideError: As `locate`.
        """
        if not _may_be_ours(path):
            return None
        plain = posixpath.normpath(path)
        # Two slashes at the head are kept by normpath, as POSIX has it.
        return self._as_file("/" + plain.lstrip("/"), follow=follow)

    def _as_file(self, plain: str, *, follow: bool) -> Place | None:
        head, _, rest = plain[1:].partition("/")
        if head == "dbfs":
            return self._in_dbfs("/" + rest, plain, follow=follow)
        if head == "Volumes":
            return self._in_volumes(plain, follow=follow)
        if head == "Workspace":
            return self._in_workspace(plain, follow=follow)
        if self.driver and (plain == DRIVER or plain.startswith(DRIVER + "/")):
            return Place("file", self.driver + plain[len(DRIVER) :], f"file:{plain}", top=plain == DRIVER)
        return None

    def _in_dbfs(self, path: str, told: str, *, follow: bool) -> Place:
        root = os.path.join(self.folder, "dbfs")
        return Place("dbfs", _inside(root, path, told, follow=follow), f"dbfs:{path}", top=path == "/")

    def _in_volumes(self, plain: str, *, follow: bool) -> Place | None:
        # Catalogs, schemas and volumes don't know case.
        names = plain.strip("/").split("/", _IN_VOLUME)
        folder = os.path.join(self.folder, "volumes", *map(_folder_of, names[1:_IN_VOLUME]))
        if sys.platform == "darwin" and len(names) > 1 and self._is_a_disk(names[1]):
            return None
        if len(names) < _IN_VOLUME:
            return Place("volumes", folder, f"dbfs:{plain}", top=True)
        if not _is_folder(folder):
            raise NoVolumeError(plain, ".".join(names[1:_IN_VOLUME]))
        rest = "/" + (names[_IN_VOLUME] if len(names) > _IN_VOLUME else "")
        return Place("volume", _inside(folder, rest, plain, follow=follow), f"dbfs:{plain}", top=rest == "/")

    def _is_a_disk(self, name: str) -> bool:
        """Whether it is one of a Mac's disks, which lie in /Volumes too, and no catalog."""
        return _is_folder(f"/Volumes/{name}") and not _is_folder(os.path.join(self.folder, "volumes", _folder_of(name)))

    def _in_workspace(self, plain: str, *, follow: bool) -> Place:
        inner = plain[len("/Workspace") :]
        for prefix, folder in self._workspace:
            if not prefix:  # the run's own folder, whose files are links
                real = folder + inner
                if os.path.lexists(os.path.dirname(real)):
                    return Place("workspace", real, f"file:{plain}", top=not inner)
            elif inner == prefix or inner.startswith(prefix + "/"):
                return Place("workspace", _inside(folder, inner[len(prefix) :] or "/", plain, follow=follow), f"file:{plain}")
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), plain)

    def check_change(self, place: Place, told: str) -> None:
        """See that this place may be changed.

        Raises:
            OutsideError: It is no file of the test's.
        """
        if place.kind in ("dbfs", "volume") and not place.top:
            return
        is_own = {"file": self._is_own, "workspace": self._is_in_own}.get(place.kind)
        if is_own is None or place.top or not is_own(os.path.realpath(place.real)):
            raise OutsideError(told)

    def _is_in_own(self, real: str) -> bool:
        return any(folder and real.startswith(os.path.realpath(folder) + os.sep) for folder in (self.driver, *self._own()))

    def _is_own(self, real: str) -> bool:
        if self._is_in_own(real):
            return True
        # The machine's temporary folder is everybody's: there only what is new, or what was new when it was made here.
        if not real.startswith(self._shared + os.sep) or real.startswith(os.path.realpath(self.folder) + os.sep):
            return False
        return not os.path.lexists(real) or any(real == made or real.startswith(made + os.sep) for made in self._made)

    def note(self, path: str) -> None:
        """A file or folder is about to be written; if it is a new one it is the test's own from now on."""
        if not path.startswith((self._shared, tempfile.gettempdir())):
            return  # what else is the test's own doesn't go by this
        real = os.path.realpath(path)
        if not os.path.lexists(real):
            self._made.add(real)


def _folder_of(name: str) -> str:
    """The folder of a catalog, schema or volume, as Spark names it: 255 characters may be more bytes than a file's name has."""
    key = name.lower()
    data = key.encode("utf-8", "surrogateescape")
    return key if len(data) <= _MOST_BYTES else str(UUID(bytes=md5(data, usedforsecurity=False).digest(), version=3))


def prepare(folder: str) -> None:
    """Make the folders that are there from the start."""
    for name in (*(os.path.join("dbfs", first) for first in FIRST), "volumes"):
        os.makedirs(os.path.join(folder, name), exist_ok=True)


def workspace_of(prefixes: Mapping[str, str], project: str) -> list[tuple[str, str]]:
    """The folders below ``/Workspace`` that ``run_prefixes`` maps to folders of the project."""
    found = []
    for prefix, folder in prefixes.items():
        inner = "/" + prefix.strip("/").removeprefix("Workspace").lstrip("/")
        found.append((inner.rstrip("/"), os.path.normpath(os.path.join(project, folder))))
    return found


def split(text: str) -> tuple[str, str]:
    """Split a path into its scheme ("" if it has none) and the rest."""
    found = _SCHEME.fullmatch(text)
    return (found[1].lower(), found[2]) if found is not None else ("", text)


def normal(path: str) -> str:
    """An absolute path without ``.``, ``..`` and doubled slashes.

    Raises:
        OutsideError: It leads above its root.
    """
    kept: list[str] = []
    for name in path.split("/"):
        if name == "..":
            if not kept:
                raise OutsideError(path)
            kept.pop()
        elif name not in ("", "."):
            kept.append(name)
    return "/" + "/".join(kept)


class ElsewhereFiles(Files):
    """Those of a run on a workspace, as Python's own functions see them here: dbfs and volumes are there, and not reached.

    To find a folder of this machine in their place would be no answer of the workspace's.
    """

    def _in_dbfs(self, path: str, told: str, *, follow: bool) -> Place:  # noqa: ARG002 -- as above
        raise _elsewhere(told)

    def _in_volumes(self, plain: str, *, follow: bool) -> Place | None:
        with contextlib.suppress(NoVolumeError):
            if super()._in_volumes(plain, follow=follow) is None:
                return None  # a disk of this machine
        raise _elsewhere(plain)


def _elsewhere(path: str) -> ForeignFileError:
    return ForeignFileError(
        f"{path} is on the workspace, and Python's own functions don't reach it from here",
        cause="tests run on this machine, and only what they ask of spark and dbutils runs on the workspace",
        mend="dbutils.fs and make_volume(…).folder reach it; or run the test there: @pytest.mark.nbh_on_cluster",
    )


def _may_be_ours(path: str) -> bool:
    return path.startswith(("/dbfs", "/Volumes", "/Workspace", DRIVER)) or (
        # The long way round: //dbfs, /tmp/../dbfs
        path.startswith("/") and ("//" in path or "/." in path)
    )


_stat = os.stat  # as it is now: once a test runs, the one of os may ask here


def _is_folder(path: str) -> bool:
    try:
        return stat.S_ISDIR(_stat(path).st_mode)
    except (OSError, ValueError):
        return False


def _inside(root: str, path: str, told: str, *, follow: bool) -> str:
    """The file of this machine; a link may lie in its way, but not lead out.

    Raises:
        OutsideError: One does.
    """
    real = root + path if path != "/" else root
    top = os.path.realpath(root)
    found = os.path.realpath(real) if follow else os.path.join(os.path.realpath(os.path.dirname(real)), os.path.basename(real))
    if path == "/":
        return real
    if found != top and not found.startswith(top + os.sep):
        raise OutsideError(told)
    return real
