"""The folder that a run works in: all that lies around the notebook is there, and what the run writes stays in it."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from collections import deque
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

LIMIT = 2000
"""So many entries are laid out one by one; what lies deeper in a larger project is a link to its folder."""

_LEFT_OUT = frozenset({".git", "__pycache__"})
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_TRUNC


@dataclass(frozen=True, slots=True)
class Work:
    """A folder that was laid out: ``own`` is the notebook's in it, by its path below it.

    ``sources`` says of each folder of the project that was read when it had changed, ``stamps`` the same of each that was made.
    """

    path: str
    own: str
    sources: Mapping[str, int]
    stamps: Mapping[str, tuple[int, int]]

    @property
    def folder(self) -> str:
        """The notebook's own folder in it."""
        return os.path.normpath(os.path.join(self.path, self.own))

    def is_untouched(self) -> bool:
        """Whether all its folders hold what they held; links lead out of it, and whoever writes to one replaces it."""
        try:
            return all(_stamp(os.path.join(self.path, inside)) == stamp for inside, stamp in self.stamps.items())
        except OSError:
            return False

    def is_current(self) -> bool:
        """Whether the project's folders still hold what is laid out."""
        try:
            return all(os.stat(source).st_mtime_ns == changed for source, changed in self.sources.items())
        except OSError:
            return False


class Works:
    """Folders of runs that have left no trace in theirs, kept for the next ones: to lay one out takes a call for each file.

    At most ``most`` are kept; those that weren't needed for the longest time go first.
    """

    def __init__(self, most: int = 16) -> None:
        self._most = most
        self._kept: list[tuple[tuple[str, str], Work]] = []
        self._lock = threading.Lock()  # notebooks run others from several threads

    def take(self, path: str, root: str, to: str) -> Work:
        """Give the work folder for a notebook, laid out at a place where nothing is yet."""
        key = (os.path.dirname(path), root)
        with self._lock:
            found = next((at for at, (of, _) in enumerate(self._kept) if of == key), None)
            kept = self._kept.pop(found)[1] if found is not None else None
        if kept is not None and kept.is_current() and kept.is_untouched():
            try:
                os.rename(kept.path, to)
                return replace(kept, path=to, stamps={inside: _stamp(os.path.join(to, inside)) for inside in kept.stamps})
            except OSError:  # it was deleted
                shutil.rmtree(to, ignore_errors=True)
        elif kept is not None:
            shutil.rmtree(kept.path, ignore_errors=True)
        os.mkdir(to)
        return lay_out(to, path, root)

    def keep(self, work: Work, path: str, root: str, at: str) -> None:
        """Keep an untouched one at another place."""
        try:
            os.rename(work.path, at)
            kept = replace(work, path=at, stamps={inside: _stamp(os.path.join(at, inside)) for inside in work.stamps})
        except OSError:
            return
        with self._lock:
            self._kept.append(((os.path.dirname(path), root), kept))
            gone = [self._kept.pop(0)[1] for _ in range(len(self._kept) - self._most)]
        for one in gone:
            shutil.rmtree(one.path, ignore_errors=True)


def empty(work: str) -> Work:
    """Make a folder in which nothing lies."""
    os.mkdir(work)
    return Work(work, ".", {}, {".": _stamp(work)})


def lay_out(work: str, path: str, root: str) -> Work:
    """Lay out the project of a notebook in an empty folder.

    Folders are made anew and files are links, so that a new file goes with the run wherever it is written. For a notebook
    outside the root that is its own folder's project.
    """
    inside = os.path.relpath(os.path.dirname(path), root)
    if inside.startswith(".."):
        inside, root = ".", os.path.dirname(path)
    own = os.path.normpath(os.path.join(work, inside))
    os.makedirs(own, exist_ok=True)
    left = LIMIT
    sources: dict[str, int] = {}
    made_folders = []
    waiting = deque([(root, work)])
    while waiting:
        source, target = waiting.popleft()
        sources[source] = os.stat(source).st_mtime_ns  # before it is read, so that what comes meanwhile is seen
        made_folders.append(os.path.relpath(target, work))
        for entry in sorted(os.scandir(source), key=lambda entry: entry.name):
            made = os.path.join(target, entry.name)
            if entry.name in _LEFT_OUT:
                continue
            left -= 1
            leads_on = own == made or own.startswith(made + os.sep)
            if leads_on or (left > 0 and _is_plain_folder(entry)):
                os.makedirs(made, exist_ok=True)
                waiting.append((entry.path, made))
            else:
                os.symlink(entry.path, made)
    return Work(work, inside, sources, {folder: _stamp(os.path.join(work, folder)) for folder in made_folders})


def _stamp(folder: str) -> tuple[int, int]:
    found = os.stat(folder)
    return found.st_mtime_ns, found.st_ctime_ns


def _is_plain_folder(entry: os.DirEntry[str]) -> bool:
    """A folder that isn't a link, nor hidden, nor an environment."""
    return (
        entry.is_dir(follow_symlinks=False)
        and not entry.name.startswith(".")
        and entry.name != "node_modules"
        and not os.path.exists(os.path.join(entry.path, "pyvenv.cfg"))
    )


def written(work: Path) -> tuple[str, ...]:
    """The files in such a folder that a run wrote, by their paths below it."""
    found = []
    for folder, folders, files in os.walk(work):
        folders[:] = [name for name in folders if name not in _LEFT_OUT]  # what Python compiled is no work of the notebook's
        paths = [Path(folder, name) for name in files]
        found += [str(path.relative_to(work)).replace(os.sep, "/") for path in paths if not path.is_symlink()]
    return tuple(sorted(found))


def copy_before_writing(work: str) -> None:
    """Have this process, before it writes to a file that is linked from the folder, put a copy in the link's place.

    For as long as it lives: Python tells of every file that it opens (https://docs.python.org/3/library/audit_events.html),
    and lets nobody off again. What a library opens without Python isn't seen.
    """
    within = os.path.join(work, "")

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITES:
            _detach(arguments[0], within, is_emptied=bool(arguments[2] & os.O_TRUNC))
        elif event in ("sqlite3.connect", "os.truncate", "os.chmod", "os.utime"):
            _detach(arguments[0], within, is_emptied=False)

    sys.addaudithook(hook)


def _detach(path: Any, within: str, *, is_emptied: bool) -> None:
    if isinstance(path, int):
        return
    try:
        link = os.path.abspath(os.fsdecode(path))
        if not link.startswith(within) or not os.path.islink(link) or not os.path.isfile(link):
            return
        source = os.path.realpath(link)
        os.unlink(link)
        if is_emptied:
            Path(link).touch()
        else:
            shutil.copy(source, link)
    except (OSError, TypeError, ValueError):
        return  # whoever opens it finds out
