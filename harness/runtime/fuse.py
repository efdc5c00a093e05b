"""Python's own file functions on ``/dbfs``, ``/Volumes`` and ``/Workspace``, which FUSE serves on Databricks.

No folder of this machine has these names, and none is made: while it is installed, the functions of ``os`` and ``open`` take
such a path to the file that it means, and hand back names as they were asked. Libraries that open files by themselves in C
don't come by here; they find nothing there, as on any machine without FUSE.
"""

from __future__ import annotations

import builtins
import contextlib
import errno
import functools
import glob
import os
import sys
from typing import TYPE_CHECKING, Any, Self

from harness.runtime.files import NoVolumeError, OutsideError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.runtime.files import Files, Place

# Tracebacks in pytest show the user's lines, not these.
__tracebackhide__ = True

_READING = ("access", "chdir", "getxattr", "listdir", "listxattr", "lstat", "readlink", "stat", "statvfs")
_CHANGING = ("chmod", "chown", "lchown", "mkdir", "mkfifo", "remove", "rmdir", "setxattr", "truncate", "unlink", "utime")
_OF_LINKS = frozenset({"lchown", "lstat", "readlink", "remove", "unlink"})
"""Which of these don't follow a link."""
_MOVING = ("rename", "replace")
_LINKING = ("link", "symlink")
_SETS = ("supports_dir_fd", "supports_effective_ids", "supports_fd", "supports_follow_symlinks")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_OPENS = ("_builtin_open", "_open", "bltn_open", "io_open", "open")
"""By which names modules keep ``open`` for themselves."""
_GLOBBER = "_StringGlobber"
"""The class of Python 3.13 that keeps functions of ``os`` for ``Path.glob``."""
_ROOTS = ("/dbfs", "/Volumes", "/Workspace")
_RESOLVE = "_resolve_filesystem_and_path"
"""What pyarrow asks of each path that it is given."""


class Fuse:
    """The functions that stand in the place of Python's own; made once, so that one that somebody keeps does no harm later."""

    def __init__(self) -> None:
        self.files: Files | None = None
        """Whose files are found; without any each path is what it says."""
        self._ours: dict[Any, Any] = {}
        self._theirs: dict[Any, Any] = {}
        self._undo: list[Callable[[], object]] = []
        self._has_arrow = False

    def install(self, files: Files | None) -> None:
        """Have the files of a test found under their names on Databricks, in this process, from now on."""
        self.remove()
        self.files = files
        for names, wrap in (
            (_READING, self._reads),
            (_CHANGING, self._changes),
            (_MOVING, self._moves),
            (_LINKING, self._links),
        ):
            for name in names:
                if hasattr(os, name):
                    self._put(os, name, wrap)
        self._put(os, "open", self._os_open)
        self._put(os, "scandir", self._scandir)
        self._put(os, "getcwd", self._getcwd)
        globber = getattr(glob, _GLOBBER, None)
        for name, wrap_one in (("lstat", self._reads), ("scandir", self._scandir)):
            if globber is not None and getattr(globber, name, None) is self._theirs[getattr(os, name)]:
                self._put(globber, name, wrap_one)
        opened = self._theirs.get(builtins.open, builtins.open)
        self._put(builtins, "open", self._open)
        for module in sys.modules.copy().values():
            held = getattr(module, "__dict__", {})
            for name in _OPENS:
                if held.get(name) is opened:
                    self._put(module, name, self._open)

    @property
    def stands(self) -> bool:
        """Whether the functions are in place."""
        return bool(self._undo)

    def remove(self) -> None:
        """Put all back."""
        self.files, self._has_arrow = None, False
        while self._undo:
            self._undo.pop()()

    def _serve_arrow(self) -> None:
        """Have pyarrow, which opens files itself, look for them by their names on this machine: parquet, and folders of it."""
        self._has_arrow = True
        with contextlib.suppress(ImportError):
            import pyarrow.fs

            # It is no public name; where it is gone pyarrow finds nothing, and says so.
            resolve = getattr(pyarrow.fs, _RESOLVE, None)
            for module in [found for name, found in sys.modules.copy().items() if name.startswith("pyarrow.")]:
                if resolve is not None and getattr(module, _RESOLVE, None) is resolve:
                    self._put(module, _RESOLVE, self._arrow)

    def _arrow(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(path: Any, filesystem: Any = None, **kwargs: Any) -> Any:
            real = path if filesystem is not None and type(filesystem).__name__ != "LocalFileSystem" else self.find(path)[0]
            return function(real, filesystem, **kwargs)

        return call

    def _put(self, module: Any, name: str, wrap: Callable[[Any], Any]) -> None:
        # It may be ours already: somebody who had put it aside has put it back meanwhile.
        old = self._theirs.get(getattr(module, name), getattr(module, name))
        if old not in self._ours:
            self._ours[old] = wrap(old)
            self._theirs[self._ours[old]] = old
        ours = self._ours[old]
        held: Any = staticmethod if isinstance(module, type) else lambda function: function
        setattr(module, name, held(ours))

        def undo() -> None:
            if getattr(module, name, None) is ours:  # else somebody has put another in its place
                setattr(module, name, held(old))

        self._undo.append(undo)
        for kind in _SETS:
            known = getattr(os, kind)
            if old in known:
                known.add(ours)
                self._undo.append(functools.partial(known.discard, ours))

    def find(self, path: Any, *, change: bool = False, follow: bool = True) -> tuple[Any, Place | None]:
        """The path of this machine, and what it is if it is one of the test's; without ``follow`` it may be a link.

        Raises:
            OSError: There is no such volume, or it may not be changed.
        """
        if self.files is None or path is None or isinstance(path, int):
            return path, None
        try:
            told = os.fspath(path)
            text = os.fsdecode(told)
        except (TypeError, ValueError):
            return path, None  # the function itself says what is wrong with it
        try:
            place = self.files.as_file(text, follow=follow)
            if change and place is not None and (place.kind != "file" or place.top):
                self.files.check_change(place, text)
        except NoVolumeError as error:
            raise FileNotFoundError(error.errno, error.strerror, told) from None
        except OutsideError as error:
            raise PermissionError(error.errno, error.strerror, told) from None
        if place is None:
            if change:
                self.files.note(text)
            return path, None
        if not self._has_arrow and "pyarrow" in sys.modules:
            self._serve_arrow()
        return (os.fsencode(place.real) if isinstance(told, bytes) else place.real), place

    # What stands in the place of Python's own functions

    def _reads(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return self._one(function, change=False)

    def _changes(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return self._one(function, change=True)

    def _one(self, function: Callable[..., Any], *, change: bool) -> Callable[..., Any]:
        follow = function.__name__ not in _OF_LINKS

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            if not args:
                args = (kwargs.pop("path"),) if "path" in kwargs else (".",)
            real, place = self.find(args[0], change=change, follow=follow)
            if place is None:
                return function(*args, **kwargs)
            with _named(args[0]):
                return function(real, *args[1:], **kwargs)

        return call

    def _moves(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(src: Any, dst: Any, **kwargs: Any) -> Any:
            source, target = self.find(src, change=True, follow=False)[0], self.find(dst, change=True, follow=False)[0]
            with _named(src, dst):
                return function(source, target, **kwargs)

        return call

    def _links(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(src: Any, dst: Any, *args: Any, **kwargs: Any) -> Any:
            if self.find(dst, follow=False)[1] is not None or self.find(src, follow=False)[1] is not None:
                raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP), src, None, dst)  # FUSE has no links
            return function(src, dst, *args, **kwargs)

        return call

    def _os_open(self, function: Callable[..., int]) -> Callable[..., int]:
        @functools.wraps(function)
        def call(path: Any, flags: int, mode: int = 0o777, *args: Any, **kwargs: Any) -> int:
            real, place = self.find(path, change=bool(flags & _WRITING))
            if place is None:
                return function(path, flags, mode, *args, **kwargs)
            _check_writing(place, flags, path)
            with _named(path):
                return function(real, flags, mode, *args, **kwargs)

        return call

    def _open(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
            is_written = not {"w", "a", "x", "+"}.isdisjoint(str(mode))
            real, place = self.find(file, change=is_written)
            if place is None:
                return function(file, mode, *args, **kwargs)
            if is_written and "w" not in mode and "x" not in mode:
                _check_writing(place, os.O_RDWR, file)
            # The file has its name on this machine: pandas hands it to pyarrow, which opens it by that.
            with _named(file):
                return function(real, mode, *args, **kwargs)

        return call

    def _scandir(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(path: Any = ".") -> Any:
            real, place = self.find(path)
            if place is None:
                return function(path)
            with _named(path):
                return _Entries(function(real), os.fspath(path))

        return call

    def _getcwd(self, function: Callable[[], str]) -> Callable[[], str]:
        @functools.wraps(function)
        def call() -> str:
            found = function()
            if self.files is not None:
                root = os.path.realpath(self.files.folder)
                for inner, told in (("dbfs", "/dbfs"), ("volumes", "/Volumes")):
                    folder = os.path.join(root, inner)
                    if found == folder or found.startswith(folder + os.sep):
                        return told + found[len(folder) :]
            return found

        return call


_FUSE = Fuse()


@contextlib.contextmanager
def serving(files: Files) -> Iterator[None]:
    """Have a test's files found under their names on Databricks for a while."""
    serve(files)
    try:
        yield
    finally:
        _FUSE.remove()


def serve(files: Files) -> None:
    """The same for good: in a process that runs one notebook."""
    stand()
    _FUSE.files = files


def find(path: str) -> str:
    """Where a path lies on this machine, by the files that are served now.

    Raises:
        OSError: There is no such volume, or it leads out of one.
    """
    real: str = _FUSE.find(path)[0]
    return real


def add_hint(exc: BaseException) -> None:
    """Where such a path isn't found since nothing serves it in this test: say what does; leave all other errors."""
    if not isinstance(exc, FileNotFoundError) or _FUSE.files is not None or not isinstance(exc.filename, str):
        return
    root = next((root for root in _ROOTS if exc.filename.startswith(root + "/")), None)
    if root is not None and not os.path.exists(root):  # on Databricks it is there
        exc.add_note(f"{root} is there in tests that use dbutils, uc, a make_… fixture or run_notebook: ask for one of them")


def stand() -> None:
    """Put the functions in place and have them do as Python's own, until there are files to serve."""
    if not _FUSE.stands:
        _FUSE.install(None)


class _Entry:
    """A folder's entry under the name that the folder was asked by."""

    def __init__(self, entry: os.DirEntry[Any], folder: Any) -> None:
        self._entry = entry
        self.name = entry.name
        self.path = os.path.join(folder, entry.name)

    def __fspath__(self) -> Any:
        return self.path

    def __repr__(self) -> str:
        return f"<DirEntry {self.name!r}>"

    def __getattr__(self, name: str) -> Any:
        return getattr(self._entry, name)


class _Entries:
    """What ``os.scandir`` gives."""

    def __init__(self, entries: Any, folder: Any) -> None:
        self._entries = entries
        self._folder = folder

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> _Entry:
        return _Entry(next(self._entries), self._folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the folder."""
        self._entries.close()


@contextlib.contextmanager
def _named(path: Any, other: Any = None) -> Iterator[None]:
    """Have errors tell the names that were asked."""
    try:
        yield
    except OSError as error:
        if error.filename is not None:
            error.filename = os.fspath(path) if not isinstance(path, int) else path
        if error.filename2 is not None:
            error.filename2 = os.fspath(other)
        raise


def _check_writing(place: Place, flags: int, path: Any) -> None:
    """Refuse what neither dbfs nor volumes can do: to go on in a file that is there, at its end or inside.

    Raises:
        OSError: It is asked for.
    """
    if place.kind not in ("dbfs", "volume") or not flags & (os.O_WRONLY | os.O_RDWR) or flags & (os.O_TRUNC | os.O_EXCL):
        return
    try:
        size = os.stat(place.real).st_size
    except OSError:
        return  # it is a new file
    if size:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP), path)
