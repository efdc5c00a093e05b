"""The folder that a run works in: all that lies around the notebook is there, and what the run writes stays in it."""

from __future__ import annotations

import os
import shutil
import sys
from collections import deque
from pathlib import Path
from typing import Any

LIMIT = 2000
"""So many entries are laid out one by one; what lies deeper in a larger project is a link to its folder."""

_LEFT_OUT = frozenset({".git", "__pycache__"})
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_TRUNC


def lay_out(work: Path, path: str, root: str) -> Path:
    """Lay out the project of a notebook in an empty folder; gives the notebook's own folder in it.

    Folders are made anew and files are links, so that a new file goes with the run wherever it is written. For a notebook
    outside the root that is its own folder's project.
    """
    inside = os.path.relpath(os.path.dirname(path), root)
    if inside.startswith(".."):
        inside, root = ".", os.path.dirname(path)
    own = os.path.normpath(os.path.join(work, inside))
    os.makedirs(own, exist_ok=True)
    left = LIMIT
    waiting = deque([(root, str(work))])
    while waiting:
        source, target = waiting.popleft()
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
    return Path(own)


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
    for folder, _, files in os.walk(work):
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
