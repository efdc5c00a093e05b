"""What ``dbutils.fs.cp`` and ``mv`` do with files and folders."""

from __future__ import annotations

import os
import shutil
import stat
from typing import TYPE_CHECKING

from harness.errors import ForeignFileError
from harness.runtime.fs_paths import telling, wrong

if TYPE_CHECKING:
    from harness.runtime.files import Place
    from harness.runtime.fs_paths import Finder

# Tracebacks in pytest show the user's lines, not these.
__tracebackhide__ = True


def copy(finder: Finder, call: str, source: str, dest: str, *, recurse: bool) -> Place:
    """Copy a file, or with ``recurse`` a folder, for a call; gives where the source lies.

    Raises:
        DbutilsFileError: It can't be copied, or not to there.
        ForeignFileError: A link leads out of the test's files.
    """
    place = finder.find(call, source)
    status = finder.status(call, place)
    target = finder.find(call, dest)
    if not is_folder(status):
        if os.path.isdir(target.real):
            target = finder.find(call, f"{str(dest).rstrip('/')}/{os.path.basename(place.shown)}")
        _copy_file(finder, call, dest, place, target)
        return place
    if not recurse:
        raise wrong(call, source, f"{place.shown} is a folder", mend="recurse=True takes it with all that is in it")
    if os.path.isfile(target.real):
        raise wrong(call, dest, f"{target.shown} is a file, and {place.shown} a folder", mend="name a folder")
    real, aim = os.path.realpath(place.real), os.path.realpath(target.real)
    if aim == real or aim.startswith(real + os.sep):
        raise wrong(call, dest, f"{target.shown} is {place.shown} or lies in it", mend="name a folder beside it")
    if not (target.top and target.kind in ("dbfs", "volume")):
        finder.may_change(call, dest, target)
    with telling(call, dest):
        _copy_folder(finder, call, source, place, target)
    return place


def _copy_folder(finder: Finder, call: str, source: str, place: Place, target: Place) -> None:
    for folder, names, found in os.walk(place.real):
        into = os.path.normpath(os.path.join(target.real, os.path.relpath(folder, place.real)))
        _check_link(call, source, target, into)
        finder.files.note(into)
        os.makedirs(into, exist_ok=True)
        for name in (*found, *(name for name in names if os.path.islink(os.path.join(folder, name)))):
            _check_link(call, source, place, os.path.join(folder, name))
            _check_link(call, source, target, os.path.join(into, name))
            if os.path.isfile(os.path.join(folder, name)):
                shutil.copyfile(os.path.join(folder, name), os.path.join(into, name))


def _copy_file(finder: Finder, call: str, dest: str, place: Place, target: Place) -> None:
    finder.may_change(call, dest, target)
    if os.path.realpath(place.real) == os.path.realpath(target.real):
        raise wrong(call, dest, f"{target.shown} is {place.shown} itself", mend="name another file")
    with telling(call, dest):
        finder.make_parents(call, dest, target)
        finder.files.note(target.real)
        shutil.copyfile(place.real, target.real)


def _check_link(call: str, path: str, place: Place, real: str) -> None:
    """See that what lies in a folder that is copied, or copied to, is the folder's own."""
    if os.path.islink(real) and place.kind != "file" and not is_within(place.real, real):
        raise ForeignFileError(
            f"dbutils.fs.{call} may not leave the test's own files",
            cause=f'in "{path}" {os.path.basename(real)} is a link that leads out of them',
            mend="remove the link",
        )


def is_folder(status: os.stat_result) -> bool:
    """Whether what was looked at is a folder."""
    return stat.S_ISDIR(status.st_mode)


def is_within(folder: str, path: str) -> bool:
    """Whether a path, with all its links followed, is a folder or below it."""
    top, real = os.path.realpath(folder), os.path.realpath(path)
    return real == top or real.startswith(top + os.sep)
