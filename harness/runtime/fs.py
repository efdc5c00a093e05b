"""``dbutils.fs``: Databricks' calls on files, shaped as the real ones, on the files that a test owns."""

from __future__ import annotations

import inspect
import os
import posixpath
import shutil
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from harness.runtime import files as paths
from harness.runtime.copying import copy, is_folder, is_within
from harness.runtime.fs_paths import CLOUD, Finder, parsed, telling, unknown, wrong
from harness.runtime.mounts import MountInfo, Mounts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.runtime.files import Files, Place

# Tracebacks in pytest show the user's lines, not these.
__tracebackhide__ = True

_HEAD_BYTES = 65536
_FAILED = "java.rmi.RemoteException: java.lang.IllegalArgumentException: requirement failed"


class FileInfo(NamedTuple):
    """One file or folder, as ``dbutils.fs.ls`` tells of it; of a folder path and name end with a slash."""

    path: str
    name: str
    size: int
    modificationTime: int  # noqa: N815 -- Databricks' own name

    def isDir(self) -> bool:  # noqa: N802 -- Databricks' own name
        """Whether it is a folder."""
        return self.name.endswith("/")

    def isFile(self) -> bool:  # noqa: N802 -- Databricks' own name
        """Whether it is a file."""
        return not self.isDir()


class Fs:
    """``dbutils.fs`` for one test, or for a notebook that is run whole in it."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._finder = Finder(files)
        self._mounts = Mounts(files.folder)

    def ls(self, path: str) -> list[FileInfo]:
        """Lists the contents of a directory; of a file, that file."""
        place = self._finder.find("ls", path)
        status = self._finder.status("ls", place)
        if not is_folder(status):
            return [_told(place.shown, os.path.basename(place.shown), status)]
        head = place.shown.rstrip("/") + "/"
        found = []
        with os.scandir(place.real) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                below = _followed(place, entry)
                name = entry.name + "/" if is_folder(below) else entry.name
                found.append(_told(head + name, name, below))
        return found

    def head(self, file: str, max_bytes: Any = _HEAD_BYTES, *, maxBytes: Any = None) -> str:  # noqa: N803 -- Databricks' own name
        """Returns up to the first ``max_bytes`` bytes of a file as a text; what isn't UTF-8 in it is replaced."""
        wanted = max_bytes if maxBytes is None else maxBytes
        if not isinstance(wanted, int) or isinstance(wanted, bool) or wanted < 0:
            raise wrong("head", file, f"max_bytes is {wanted!r}", mend="give a whole number from 0 on")
        place = self._finder.find("head", file)
        status = self._finder.status("head", place)
        if is_folder(status):
            raise wrong("head", file, f"{place.shown} is a folder", mend="dbutils.fs.ls lists it")
        with open(place.real, "rb") as source:
            content = source.read(wanted)
        if status.st_size > wanted:
            print(f"[Truncated to first {wanted} bytes]")  # noqa: T201 -- as the real one
        return content.decode("utf-8", "replace")

    def put(self, file: str, contents: Any, overwrite: bool = False) -> bool:  # noqa: FBT001, FBT002 -- the real one's signature
        """Writes a text to a file in UTF-8; the folders above it are made."""
        if not isinstance(contents, str):
            kind = type(contents).__name__
            raise wrong(
                "put",
                file,
                f"the contents are of type {kind}, and Databricks takes a text only",
                mend="give str(…) or decode it",
            )
        place = self._finder.find("put", file, change=True)
        if os.path.isdir(place.real) or str(file).endswith("/"):
            raise wrong("put", file, f"{place.shown} is a folder", mend="name a file in it")
        if os.path.lexists(place.real) and not overwrite:
            raise wrong(
                "put",
                file,
                f"org.apache.hadoop.fs.FileAlreadyExistsException: {place.shown} already exists",
                mend="overwrite=True replaces it",
            )
        data = contents.encode("utf-8", "replace")
        with telling("put", file):
            self._finder.make_parents("put", file, place)
            self._files.note(place.real)
            with open(place.real, "wb") as target:
                target.write(data)
        print(f"Wrote {len(data)} bytes.")  # noqa: T201 -- as the real one
        return True

    def mkdirs(self, dir: str) -> bool:  # noqa: A002 -- the real one's argument
        """Creates a directory if it isn't there yet, and those above it."""
        place = self._finder.find("mkdirs", dir)
        if place.top and os.path.isdir(place.real):
            return True
        self._finder.may_change("mkdirs", dir, place)
        if os.path.isfile(place.real):
            raise wrong("mkdirs", dir, f"{place.shown} is a file", mend="remove the file first, or take another name")
        with telling("mkdirs", dir):
            self._finder.make_parents("mkdirs", dir, place)
            self._files.note(place.real)
            os.makedirs(place.real, exist_ok=True)
        return True

    def cp(self, source: str, dest: str, recurse: bool = False) -> bool:  # noqa: FBT001, FBT002 -- the real one's signature
        """Copies a file, or with ``recurse`` a directory; a file goes into a directory that is there, and replaces a file."""
        copy(self._finder, "cp", source, dest, recurse=recurse)
        return True

    def mv(self, source: str, dest: str, recurse: bool = False) -> bool:  # noqa: FBT001, FBT002 -- the real one's signature
        """Moves a file, or with ``recurse`` a directory: a copy, and then the source is removed."""
        self._finder.find("mv", source, change=True)
        place = copy(self._finder, "mv", source, dest, recurse=recurse)
        with telling("mv", source):
            _remove(place.real)
        return True

    def rm(self, dir: str, recurse: bool = False) -> bool:  # noqa: A002, FBT001, FBT002 -- the real one's signature
        """Removes a file or an empty directory, with ``recurse`` one with all that is in it; False if nothing is there."""
        place = self._finder.find("rm", dir)
        if not os.path.lexists(place.real):
            return False
        self._finder.may_change("rm", dir, place)
        is_folder = os.path.isdir(place.real) and not os.path.islink(place.real)
        if is_folder and not recurse and os.listdir(place.real):
            raise wrong(
                "rm", dir, f"java.io.IOException: {place.shown} is not empty", mend="recurse=True removes what is in it too"
            )
        with telling("rm", dir):
            _remove(place.real)
        return True

    def mount(
        self,
        source: str,
        mount_point: str = "",
        encryption_type: str = "",
        owner: str | None = None,  # noqa: ARG002 -- the real one's signature
        extra_configs: Mapping[str, str] | None = None,  # noqa: ARG002 -- as above
        *,
        mountPoint: str = "",  # noqa: N803 -- Databricks' own name
        extraConfigs: Mapping[str, str] | None = None,  # noqa: ARG002, N803 -- as above
    ) -> bool:
        """Mounts cloud storage: here an empty folder of the test's own stands for it, or the one that is there already."""
        point = self._point("mount", mount_point or mountPoint)
        self._check_source("mount", source)
        if self._mounts.find(point) is not None:
            raise wrong(
                "mount",
                point,
                f"{_FAILED}: Directory already mounted: {point}",
                mend=f'look first: any(m.mountPoint == "{point}" for m in dbutils.fs.mounts())',
            )
        self._mounts.add(MountInfo(point, source, encryption_type or ""))
        return True

    def updateMount(  # noqa: N802 -- Databricks' own name
        self,
        source: str,
        mount_point: str = "",
        encryption_type: str = "",
        owner: str | None = None,  # noqa: ARG002 -- the real one's signature
        extra_configs: Mapping[str, str] | None = None,  # noqa: ARG002 -- as above
        *,
        mountPoint: str = "",  # noqa: N803 -- Databricks' own name
        extraConfigs: Mapping[str, str] | None = None,  # noqa: ARG002, N803 -- as above
    ) -> bool:
        """Mounts other storage at a mount point, or mounts it if nothing is mounted there."""
        point = self._point("updateMount", mount_point or mountPoint)
        self._check_source("updateMount", source)
        self._mounts.remove(point)
        return self.mount(source, point, encryption_type)

    def mounts(self) -> list[MountInfo]:
        """Displays what is mounted: the test's own, and the two roots that every workspace has."""
        return self._mounts.all()

    def refreshMounts(self) -> bool:  # noqa: N802 -- Databricks' own name
        """Has all machines of a cluster see the mounts as they are; here there is one."""
        return True

    def unmount(self, mount_point: str = "", *, mountPoint: str = "") -> bool:  # noqa: N803 -- Databricks' own name
        """Deletes a mount point; what was written there is there again when its storage is mounted again."""
        point = self._point("unmount", mount_point or mountPoint)
        if not self._mounts.remove(point):
            near = get_close_matches(point, [mount.mountPoint for mount in self._mounts.all()], n=1)
            raise wrong(
                "unmount",
                point,
                f"{_FAILED}: Directory not mounted: {point}",
                mend=f'did you mean "{near[0]}"?' if near else "dbutils.fs.mounts() tells what is mounted",
            )
        print(f"{point} has been unmounted.")  # noqa: T201 -- as the real one
        return True

    def help(self, method: str = "") -> None:
        """Prints what there is, or what one call does."""
        known = [name for name in dir(type(self)) if not name.startswith("_")]
        if method and method not in known:
            raise unknown(method, known)
        for name in [method] if method else known:
            call = getattr(type(self), name)
            taken = [str(one).split(":")[0].split("=")[0].strip() for one in inspect.signature(call).parameters.values()]
            print(f"{name}({', '.join(taken[1:])}) -> {inspect.getdoc(call)}")  # noqa: T201 -- what it is for

    def __repr__(self) -> str:
        return "<dbutils.fs>"

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_") or name == "getdoc":
            raise AttributeError(name)  # Python's own protocols ask every object for such names, and IPython's `dbutils.fs?`
        raise unknown(name, [known for known in dir(type(self)) if known[0] != "_"])

    def _point(self, call: str, point: object) -> str:
        scheme, rest = parsed(call, point)
        plain = posixpath.normpath(rest) if scheme == "dbfs" else ""
        if not plain or plain == "/" or plain.startswith("/Volumes"):
            raise wrong(call, point, "a mount point is a folder of dbfs", mend='give one as "/mnt/raw"')
        return plain

    def _check_source(self, call: str, source: object) -> None:
        scheme = paths.split(source)[0] if isinstance(source, str) else ""
        if scheme not in CLOUD:
            raise wrong(
                call, source, "the source is no cloud storage", mend="give it as abfss://…, wasbs://…, s3://… or gs://…"
            )


def _told(path: str, name: str, status: os.stat_result) -> FileInfo:
    size = 0 if is_folder(status) else status.st_size
    return FileInfo(path, name, size, int(status.st_mtime * 1000))


def _followed(place: Place, entry: os.DirEntry[str]) -> os.stat_result:
    """What an entry of a folder is; a link that leads out of the test's files, or nowhere, is only a link."""
    try:
        follow = not entry.is_symlink() or place.kind in ("file", "volumes") or is_within(place.real, entry.path)
        return entry.stat(follow_symlinks=follow)
    except OSError:
        return entry.stat(follow_symlinks=False)


def _remove(real: str) -> None:
    if os.path.isdir(real) and not os.path.islink(real):
        shutil.rmtree(real)
    else:
        os.remove(real)
