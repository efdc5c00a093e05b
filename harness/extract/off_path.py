"""Find a module that a project keeps in a folder which its notebooks' imports don't look in, as ``src``."""

from __future__ import annotations

import os

_DEEPEST = 3
_MOST = 2000  # folders: it is looked for where something has failed already
_OTHERS = frozenset({"node_modules", "site-packages", "__pycache__"})


def off_path(module: str, root: str) -> str | None:
    """The folder below the root that holds a module, with ``/``; None without one. What is nearest to the root comes first."""
    inside = os.path.join(*module.split("."))
    level, seen = [root], 0
    for _ in range(_DEEPEST):
        level = [inner for folder in level for inner in _folders(folder)]
        seen += len(level)
        for folder in level:
            if _is_module(os.path.join(folder, inside)):
                return os.path.relpath(folder, root).replace(os.sep, "/")
        if seen > _MOST:
            return None
    return None


def at_root(module: str, root: str) -> bool:
    """Whether the root itself holds a module."""
    return _is_module(os.path.join(root, *module.split(".")))


def on_path(folder: str) -> str:
    """What puts a folder of the project on the path."""
    return f'pythonpath = ["{folder}"] under [tool.pytest.ini_options]'


def _is_module(place: str) -> bool:
    return os.path.isfile(place + ".py") or any(name.endswith(".py") for name in _names(place))


def _folders(folder: str) -> list[str]:
    if os.path.isfile(os.path.join(folder, "pyvenv.cfg")):
        return []
    inner = [os.path.join(folder, name) for name in sorted(_names(folder)) if name[0] != "." and name not in _OTHERS]
    return [place for place in inner if os.path.isdir(place)]


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:  # no folder, or one that can't be read
        return []
