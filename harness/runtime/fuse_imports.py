"""Modules below ``/Workspace``, ``/Volumes`` and ``/dbfs``: where such a folder is on ``sys.path``, it is read where it lies.

Python's import system asks the system itself for files, and so finds nothing by these names.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from harness.runtime import fuse

if TYPE_CHECKING:
    from _typeshed.importlib import PathEntryFinderProtocol


def serve_imports() -> None:
    """Have them found in this process, which runs one notebook, for good."""
    sys.path_hooks.insert(0, _finder)


def real_folder(entry: str) -> str:
    """Where an entry of ``sys.path`` lies on this machine; one that can't be found stays as it is."""
    try:
        return str(fuse.find(entry))
    except OSError:
        return entry


def _finder(entry: str) -> PathEntryFinderProtocol:
    """Say who finds the modules of an entry (importlib's protocol).

    Raises:
        ImportError: It is none of these folders.
    """
    real = real_folder(entry)
    if real != entry:
        for hook in sys.path_hooks:
            if hook is not _finder:
                try:
                    return hook(real)
                except ImportError:
                    continue
    raise ImportError(entry)
