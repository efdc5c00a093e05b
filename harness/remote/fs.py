"""``dbutils.fs`` of a workspace for units that a test calls: databricks-sdk's own, without what would touch this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.errors import DbutilsFileError
from harness.runtime.part import Part

if TYPE_CHECKING:
    from collections.abc import Callable

# Tracebacks in pytest show the user's lines, not these.
__tracebackhide__ = True


_READS = frozenset({"ls", "head"})


class WorkspaceFs(Part):
    """Files of dbfs and volumes by the workspace's REST calls; mounts take a cluster, and aren't served.

    ``may_write`` is asked before each call that writes, with its name, and raises where none may.
    """

    _path = "dbutils.fs"

    def __init__(self, fs: Callable[[], Any], *, may_write: Callable[[str], None] = lambda _: None) -> None:
        self._fs, self._may_write = fs, may_write

    def ls(self, path: str) -> list[Any]:
        """Lists the contents of a directory."""
        found: list[Any] = self._do("ls", path)
        return found

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
        """Removes a file or directory."""
        return bool(self._do("rm", dir, recurse))

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
        return getattr(self._fs(), call)(path, *more)
