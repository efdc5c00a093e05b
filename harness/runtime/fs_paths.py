"""From a path as ``dbutils.fs`` takes it to a file of the test, and what is told where that fails."""

from __future__ import annotations

import contextlib
import os
from difflib import get_close_matches
from typing import TYPE_CHECKING

from harness.errors import DbutilsCallError, DbutilsFileError, ForeignFileError, StorageMissingError
from harness.runtime import files as paths

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.runtime.files import Files, Place

# Tracebacks in pytest show the user's lines, not these.
__tracebackhide__ = True

CLOUD = frozenset({"abfs", "abfss", "adl", "gs", "r2", "s3", "s3a", "s3n", "wasb", "wasbs"})
"""The schemes of cloud storage, which can't be read here."""

# https://docs.databricks.com/getting-started/import-visualize-data: cp brings a file from there into a volume.
_NETWORK = frozenset({"http", "https"})

NO_WAREHOUSE = (
    "managed tables of hive_metastore lie there (USE CATALOG hive_metastore); those of Unity Catalog, as the default catalog "
    "here and in a workspace with it, lie where no notebook looks for them"
)

_REFUSED = ("cacheFiles", "cacheTable", "uncacheFiles", "uncacheTable")


class Finder:
    """Finds the files that calls name; ``call`` is the call's name, for errors."""

    def __init__(self, files: Files) -> None:
        self.files = files

    def find(self, call: str, path: object, *, change: bool = False) -> Place:
        """Say where a path lies; with ``change`` it is to be one that may be changed.

        Raises:
            DbutilsFileError: It is none, or its volume isn't there.
            StorageMissingError: It is cloud storage.
            ForeignFileError: It leads out of the test's files, or isn't the test's to change.
        """
        scheme, rest = parsed(call, path)
        try:
            place = self.files.locate(scheme, rest, follow=call != "rm")
        except paths.NoVolumeError as error:
            name = ".".join(f"`{part}`" for part in error.volume.split("."))
            raise wrong(
                call,
                path,
                f"[UC_VOLUME_NOT_FOUND] Volume {name} does not exist. Please use 'SHOW VOLUMES' to list available volumes. "
                "SQLSTATE: 42704",
                mend=f"make_volume in the test, or CREATE VOLUME {error.volume} in the notebook, makes it",
            ) from None
        except paths.OutsideError:
            raise ForeignFileError(
                f"dbutils.fs.{call} may not leave the test's own files",
                cause=f'"{path}" leads out of them, by ".." or a link',
                mend="name the file where it is: file:/… is read anywhere on this machine",
            ) from None
        except (FileNotFoundError, ValueError) as error:
            raise self._missing(call, str(path), cause=error) from None
        if change:
            self.may_change(call, path, place)
        return place

    def may_change(self, call: str, path: object, place: Place) -> None:
        """See that a place may be changed.

        Raises:
            DbutilsFileError: It is a root or a volume itself.
            ForeignFileError: It isn't the test's.
        """
        try:
            self.files.check_change(place, str(path))
        except paths.OutsideError:
            if place.top:
                raise wrong(
                    call, path, f"{place.shown} itself is no folder to make, fill or remove by file calls", mend=_TOPS
                ) from None
            raise ForeignFileError(
                f"dbutils.fs.{call} may not change {place.shown} on this machine",
                cause=f"{place.real} is neither below the folder that the notebook works in, nor new in the temporary folder",
                mend="write to dbfs:/…, a volume, or a relative path; on Databricks the file would be the cluster's",
            ) from None

    def status(self, call: str, place: Place) -> os.stat_result:
        """Look at what is there.

        Raises:
            DbutilsFileError: Nothing is.
            StorageMissingError: Only Databricks has it.
        """
        try:
            return os.stat(place.real)
        except (OSError, ValueError) as error:
            raise self._missing(call, place.shown, cause=error) from None

    def _missing(self, call: str, path: str, *, cause: Exception) -> DbutilsFileError | StorageMissingError:
        plain = paths.split(path)[1] or "/"
        mend = "put what the test needs there first: dbutils.fs.put, dbutils.fs.cp, or a run before this one"
        if plain.split("/")[1] == "databricks-datasets" and not path.startswith("file:"):
            # It is there on Databricks: a notebook that catches this must not have its way without the data.
            return StorageMissingError(
                f"dbutils.fs.{call} finds nothing at {path}: Databricks' sample data isn't on this machine",
                cause="it lies in Databricks' own cloud storage",
                mend=mend,
            )
        if plain.startswith("/dbfs/") and not path.startswith("file:"):
            mend = f"dbutils.fs takes dbfs:{plain[len('/dbfs') :]}; /dbfs/… is for Python's own file functions"
        elif plain.startswith("/user/hive/warehouse/"):
            mend = f"{NO_WAREHOUSE}; if it is no table, {mend}"
        elif plain.startswith("/Workspace"):
            mend = "map the workspace folder to one of the project under [tool.nbh] run_prefixes"
        else:
            near = self._near(plain)
            mend = f'did you mean "{near}"? if not, {mend}' if near else mend
        reason = "" if isinstance(cause, FileNotFoundError) else f" ({cause})"
        return DbutilsFileError(
            f"dbutils.fs.{call} finds nothing at {path}",
            cause=f"java.io.FileNotFoundException: No such file or directory: {plain}{reason}",
            mend=mend,
        )

    def _near(self, plain: str) -> str:
        above = os.path.dirname(plain.rstrip("/")) or "/"
        try:
            names = os.listdir(self.files.locate("dbfs", above).real)
        except (OSError, ValueError):
            return ""
        near = get_close_matches(os.path.basename(plain.rstrip("/")), names, n=1)
        return f"{above.rstrip('/')}/{near[0]}" if near else ""

    def make_parents(self, call: str, path: object, place: Place) -> None:
        """Make the folders above a place.

        Raises:
            DbutilsFileError: A file stands in the way, or the name is too long.
        """
        above = os.path.dirname(place.real)
        try:
            self.files.note(above)
            os.makedirs(above, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise wrong(
                call, path, f"a file stands where a folder above {place.shown} is to be", mend="take another name"
            ) from None


@contextlib.contextmanager
def telling(call: str, path: object) -> Iterator[None]:
    """Tell what the system says against a change of files.

    Raises:
        DbutilsFileError: It says something.
    """
    try:
        yield
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise wrong(call, path, f"java.io.IOException: {reason}", mend="take a name, or a place, that can hold it") from None


_TOPS = "a path below it is; catalogs, schemas and volumes are made by make_volume, or CREATE VOLUME"


def parsed(call: str, path: object) -> tuple[str, str]:
    """The scheme, "dbfs" or "file", and the absolute path.

    Raises:
        DbutilsFileError: It is no path.
        StorageMissingError: It is one of cloud storage.
    """
    if not isinstance(path, str):
        raise wrong(call, path, f"it is of type {type(path).__name__}, and Databricks takes a text", mend="write str(…)")
    if not path:
        raise wrong(
            call,
            path,
            "java.lang.IllegalArgumentException: Can not create a Path from an empty string",
            mend='name one, as "/tmp"',
        )
    scheme, rest = paths.split(path)
    if scheme in CLOUD:
        raise StorageMissingError(
            f"dbutils.fs.{call} can't reach {scheme}:// from here",
            cause=f'"{path}" is cloud storage, and no test of this machine talks to a cloud',
            mend="let the notebook take the folder as a widget, and give it a volume or dbfs:/… here",
        )
    if scheme in _NETWORK:
        raise StorageMissingError(
            f"dbutils.fs.{call} can't reach {scheme}:// from here",
            cause=f'"{path}" is on the network, and no test of this machine reads from it',
            mend="let the notebook take the address as a widget, and give it a file of a volume or dbfs:/… here",
        )
    if scheme not in ("", "dbfs", "file"):
        near = get_close_matches(scheme, ("dbfs", "file"), n=1)
        mend = f'did you mean "{near[0]}:"?' if near else "write dbfs:/…, /Volumes/… or file:/…"
        raise wrong(call, path, f'No FileSystem for scheme "{scheme}"', mend=mend)
    if rest.startswith("//") and not rest.startswith("///"):
        mend = f"write {scheme or 'dbfs'}:/{rest.lstrip('/')}"
        raise wrong(call, path, f'two slashes make "{rest.lstrip("/").partition("/")[0]}" the name of a server', mend=mend)
    if scheme and not rest.startswith("/"):
        raise wrong(
            call, path, f"java.net.URISyntaxException: Relative path in absolute URI: {path}", mend=f'write "{scheme}:/{rest}"'
        )
    return scheme or "dbfs", "/" + rest.lstrip("/")


def wrong(call: str, path: object, cause: str, *, mend: str) -> DbutilsFileError:
    """The error of a call that can't do what it is asked."""
    return DbutilsFileError(f"dbutils.fs.{call} can't do this with {path!r}", cause=cause, mend=mend)


def unknown(name: str, known: list[str]) -> DbutilsCallError:
    """The error of a call that there isn't, with the nearest name."""
    near = get_close_matches(name, known, n=1)
    if name in _REFUSED:
        mend = "leave it out: it only makes later reads faster"
    else:
        mend = f'did you mean "{near[0]}"?' if near else f"there are: {', '.join(sorted(set(known)))}"
    return DbutilsCallError(f"dbutils.fs.{name} is not served here", cause="dbutils.fs has no such call here", mend=mend)
