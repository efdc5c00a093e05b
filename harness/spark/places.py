"""Where the engine keeps its files: the user's cache, private, with a temporary folder where that can't be written."""

from __future__ import annotations

import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE = "NBH_CACHE_DIR"


@dataclass(frozen=True, slots=True)
class Cache:
    """A private folder, and why it isn't the usual one (empty if it is)."""

    folder: Path
    why: str = ""


def cache(env: Mapping[str, str]) -> Cache:
    """The harness's cache: ``NBH_CACHE_DIR``, or the user's cache folder, or else a private one among the temporary files."""
    wanted = Path(env[VARIABLE]).expanduser() if env.get(VARIABLE) else _usual()
    try:
        return Cache(private(wanted))
    except OSError as exc:
        # One for each user, the same for all runs, so that they still share an engine.
        spare = Path(tempfile.gettempdir()) / f"nbh-cache-{_user()}"
        return Cache(private(spare), f"{wanted} can't be written ({exc.strerror or exc})")


def private(folder: Path) -> Path:
    """Make a folder that only this user can look into; it may be there already.

    Raises:
        OSError: It can't be made or written, or it is another user's.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if os.name == "posix":
        found = folder.stat()
        if found.st_uid != os.getuid():
            raise PermissionError(1, "it belongs to another user", str(folder))
        if stat.S_IMODE(found.st_mode) & 0o077:
            folder.chmod(0o700)
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".try-"):
        pass  # a folder on a read-only disk has all the right modes
    return folder


def _usual() -> Path:
    import platformdirs

    return Path(platformdirs.user_cache_dir("databricks-notebook-harness", appauthor=False))


def _user() -> str:
    return str(os.getuid()) if os.name == "posix" else os.environ.get("USERNAME", "user")
