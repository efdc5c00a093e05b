"""The folder of a test process's dbfs and volumes: made when it is first needed, removed when the process ends."""

from __future__ import annotations

import os
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

FILES: pytest.StashKey[str] = pytest.StashKey()
"""In ``config.stash`` from its first use."""

DEPLOYED: pytest.StashKey[dict[str, str]] = pytest.StashKey()
"""By a bundle's files, the folder above them."""

_PREFIX = "nbh-files-"


def folder_of(config: pytest.Config) -> str:
    """The folder; Spark is told of it when it is opened, so it stays one for the whole run."""
    if FILES not in config.stash:
        from harness.runtime.files import prepare

        _remove_dead()
        # Resolved, for its path is compared with that of what lies in it.
        folder = os.path.realpath(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
        prepare(folder)
        config.stash[FILES] = folder
    return config.stash[FILES]


def deployed(config: pytest.Config, files: str) -> str:
    """A folder whose ``files`` are those of a bundle, as a deployed one has them; "" where this system makes no such link."""
    made = config.stash.setdefault(DEPLOYED, {})
    if files not in made:
        _remove_dead()
        above = os.path.realpath(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
        config.add_cleanup(partial(_remove_all, above))
        try:
            os.symlink(files, os.path.join(above, "files"), target_is_directory=True)
        except OSError:  # Windows wants a right for it
            above = ""
        made[files] = above
    return made[files]


def kept_as_it_is(config: pytest.Config) -> Iterator[None]:
    """Around a test: what it puts into the folder goes, what fixtures of a wider scope have put there stays."""
    folder = config.stash.get(FILES, None)
    before = None
    if folder is not None:
        from harness.runtime import kept_files

        before = kept_files.snapshot(folder)
    yield
    folder = config.stash.get(FILES, None)
    if folder is not None:
        from harness.runtime import kept_files

        kept_files.restore(folder, before or {})


def remove(config: pytest.Config) -> None:
    """Remove the folder."""
    folder = config.stash.get(FILES, None)
    if folder is not None:
        del config.stash[FILES]
        _remove_all(folder)


def _remove_dead() -> None:
    """Remove what processes have left that were killed."""
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        pid = path.name.removeprefix(_PREFIX).partition("-")[0]
        if pid.isdigit() and not _is_alive(int(pid)):
            _remove_all(str(path))


def _remove_all(folder: str) -> None:
    from harness.runtime import kept_files  # most runs of pytest have no such folder

    kept_files.remove(folder)


def _is_alive(pid: int) -> bool:
    if os.name != "posix":
        return True  # there a signal would end it, and nothing else is sure to be installed
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # another user's
    return True
