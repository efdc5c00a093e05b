"""A plain Python file as a run has it: one cell of Python, at the file's own lines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.model import Cell, Notebook
from harness.notebook.files import read_bytes

if TYPE_CHECKING:
    import os

SCRIPT = "script"
"""Its format: it has no cells that a user would know of."""


def read_script(path: str | os.PathLike[str]) -> Notebook:
    """Read a Python file, whatever its first line says.

    Raises:
        NotebookReadError: It can't be read.
    """
    raw = read_bytes(path := Path(path))
    source = raw.decode("utf-8", "replace")  # to look at; what is run is compiled from the bytes, as its own encoding says
    return Notebook(path, SCRIPT, "python", (Cell(1, "python", source, 1, source.count("\n") + 1, 0, len(raw)),), raw)
