"""``dbutils.fs`` of a workspace for units that a test calls: databricks-sdk's own, without what would touch this machine.

Its answers are those that a cluster gives: the SDK's differ in what ends with a slash, and in what is said where nothing is.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from harness.errors import DbutilsFileError
from harness.runtime.fs import FileInfo
from harness.runtime.part import Part

if TYPE_CHECKING:
    from collections.abc import Callable

# Tracebacks in pytest show the user's lines, not these.
__tracebackhide__ = True


_READS = frozenset({"ls", "head"})


class WorkspaceFs(Part):
    """Files of dbfs and volumes by the workspace's REST calls; mounts take a cluster, and aren't served.

    ``client`` gives the SDK's client.
    ``may_write`` is asked before each call that writes, with its name, and raises where none may.
    """

    _path = "dbutils.fs"

    def __init__(self, client: Callable[[], Any], *, may_write: Callable[[str], None] = lambda _: None) -> None:
        self._client, self._may_write = client, may_write

    def ls(self, path: str) -> list[FileInfo]:
        """Lists the contents of a directory."""
        return sorted(map(_told, self._do("ls", path)), key=lambda entry: entry.name)

    def head(self, file: str, max_bytes: int = 65536) -> str:
        """Returns up to the first ``max_bytes`` bytes of a file as a text."""
        return str(self._do("head", file, max_bytes))

    def put(self, file: str, contents: str, overwrite: bool = False) -> bool:  # noqa: FBT001, FBT002 -- Databricks' own signature
        """Writes a text to a file, encoded in UTF-8."""
        return bool(self._do("put", file, contents, overwrite))

    def mkdirs(self, dir: str) -> bool:  # noqa: A002 -- Databricks' own name
        """Creates a directory, with those above it."""
        return bool(self._do("mkdirs", dir))

    def cp(self, from_: str, to: str, recurse: bool = False) -> bool:  # noqa: FBT001, FBT002 -- Databricks' own signature
        """Copies a file or directory."""
        return bool(self._do("cp", from_, to, recurse))

    def mv(self, from_: str, to: str, recurse: bool = False) -> bool:  # noqa: FBT001, FBT002 -- Databricks' own signature
        """Moves a file or directory."""
        return bool(self._do("mv", from_, to, recurse))

    def rm(self, dir: str, recurse: bool = False) -> bool:  # noqa: A002, FBT001, FBT002 -- Databricks' own signature
        """Removes a file or directory; says whether there was one."""
        self._may_write("dbutils.fs.rm")
        client = self._client()  # which tells where the SDK isn't installed
        from databricks.sdk.errors import NotFound

        there = _volume_of(dir) or client.dbfs.exists(dir)  # of dbfs the workspace doesn't say that nothing was there
        try:
            return bool(there) and bool(self._do("rm", dir, recurse))
        except DbutilsFileError as exc:
            if isinstance(exc.__cause__, NotFound):
                return False
            raise

    def _do(self, call: str, path: str, *more: Any) -> Any:
        if call not in _READS:
            self._may_write(f"dbutils.fs.{call}")
        for one in (path, *(more[:1] if call in ("cp", "mv") else ())):
            if str(one).startswith("file:"):
                raise DbutilsFileError(
                    f"dbutils.fs.{call} can't do this with {one!r}",
                    cause="on a workspace it is a file of the cluster's driver; from here it would be one of this machine's",
                    mend="put it into a volume, or run the notebook whole: run_notebook",
                )
        client = self._client()
        from databricks.sdk.errors import NotFound

        try:
            return list(client.dbfs.list(path)) if call == "ls" else getattr(client.dbutils.fs, call)(path, *more)
        except NotFound as exc:
            if not self._has_volume(path):
                raise
            raise DbutilsFileError(
                f"dbutils.fs.{call} finds nothing at {path}",
                cause=f"java.io.FileNotFoundException: No such file or directory: {_plain(path)}",
                mend=f"put what the test needs there first; the workspace said: {exc}",
            ) from exc

    def _has_volume(self, path: str) -> bool:
        """Whether the volume that a path is in is there; of dbfs, always."""
        from databricks.sdk.errors import NotFound

        volume = _volume_of(path)
        try:
            return not volume or self._client().files.get_directory_metadata(volume) is None
        except NotFound:
            return False


def _told(entry: Any) -> FileInfo:
    """An entry of the SDK's as a cluster tells of it."""
    slash = "/" if entry.is_dir else ""
    path = _plain(str(entry.path)).rstrip("/")
    return FileInfo(f"dbfs:{path}{slash}", posixpath.basename(path) + slash, entry.file_size or 0, entry.modification_time or 0)


def _plain(path: str) -> str:
    return str(path).removeprefix("dbfs:")


def _volume_of(path: str) -> str:
    """The volume that a path is in, "" for one of dbfs."""
    parts = _plain(path).split("/")
    return "/".join(parts[:5]) if parts[1:2] == ["Volumes"] else ""
