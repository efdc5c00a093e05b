"""What a test puts into its folder of files, and how that is removed again."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from typing import TYPE_CHECKING

from harness.runtime.files import prepare

if TYPE_CHECKING:
    from collections.abc import Callable

Kept = dict[str, bytes | None]
"""What a folder holds: paths below it, and of files at its top their content."""


def snapshot(folder: str) -> Kept:
    """Say what is there now, for `restore`."""
    found: Kept = {}
    pending = [""]
    while pending:
        inner = pending.pop()
        try:
            with os.scandir(os.path.join(folder, inner)) as entries:
                listed = list(entries)
        except OSError:  # gone meanwhile
            continue
        for entry in listed:
            name = os.path.join(inner, entry.name)
            if entry.is_dir(follow_symlinks=False):
                pending.append(name)
                found[name] = None
            else:
                found[name] = _content(entry.path) if not inner else None
    return found


def stamps(folder: str) -> dict[str, tuple[int, int]]:
    """The files of dbfs and volumes by their paths there, each with when it was changed last, and its size."""
    found = {}
    for top, root in (("dbfs", "dbfs:"), ("volumes", "/Volumes")):
        start = os.path.join(folder, top)
        for inner, _, names in os.walk(start):
            for name in names:
                path = os.path.join(inner, name)
                try:
                    status = os.stat(path)
                except OSError:
                    continue
                # Hadoop's sums beside the files are none of the notebook's.
                if not (name.startswith(".") and name.endswith(".crc")):
                    found[f"{root}/{os.path.relpath(path, start).replace(os.sep, '/')}"] = (status.st_mtime_ns, status.st_size)
    return found


def restore(folder: str, before: Kept) -> None:
    """Remove what has come since; what was there and has been changed or removed stays so."""
    if not os.path.isdir(folder):
        return
    for name in sorted(snapshot(folder).keys() - before.keys()):
        path = os.path.join(folder, name)
        if os.path.isdir(path) and not os.path.islink(path):
            _remove_tree(path)
        elif os.path.lexists(path):
            os.remove(path)
    for name, content in before.items():
        if content is not None:
            with open(os.path.join(folder, name), "wb") as file:
                file.write(content)
    prepare(folder)


def remove(folder: str) -> None:
    """Remove it whole, also where rights were taken away in it."""
    _remove_tree(folder)


def _content(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None


def _remove_tree(folder: str) -> None:
    if sys.version_info >= (3, 12):
        shutil.rmtree(folder, onexc=_loosen)
    else:
        shutil.rmtree(folder, onerror=_loosen)


def _loosen(function: Callable[[str], object], path: str, _error: object) -> None:
    try:
        os.chmod(os.path.dirname(path), stat.S_IRWXU)
        if not os.path.islink(path):
            os.chmod(path, stat.S_IRWXU)
        function(path)
    except OSError:
        return  # it is told by what still finds it
