"""Jobs for tests, made short."""

from __future__ import annotations

import os


def notebooks_of(_root):
    """Finds each notebook that a job names beside the file that names it, with or without its suffix."""

    def find(target, names_it):
        path = os.path.normpath(os.path.join(os.path.dirname(names_it), target))  # noqa: PTH118, PTH120
        return next((one for one in (path, f"{path}.py") if one.endswith((".py", ".sql")) and os.path.isfile(one)), None)  # noqa: PTH113

    return find
