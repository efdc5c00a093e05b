"""From a path to a notebook, whatever its format, and back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import ArchiveError, CellNotFoundError, CellWriteError, NotANotebookError
from harness.model import Location, Notebook
from harness.notebook.files import MAX_BYTES, read_bytes
from harness.notebook.ipynb import parse_ipynb, replace_in_ipynb
from harness.notebook.source import DIALECTS, parse_source, replace_in_source

if TYPE_CHECKING:
    import os


def read_notebook(path: str | os.PathLike[str], *, headerless: bool = False, max_bytes: int = MAX_BYTES) -> Notebook:
    """Read a notebook file, its format told by its suffix.

    ``headerless`` also takes source files with cell separators but no header on line 1, which Databricks itself doesn't.

    Raises:
        NotebookReadError: The file can't be read, or is no text.
        NotANotebookError: It isn't a notebook.
        ArchiveError: It is a .dbc archive, which holds many notebooks: see ``read_archive``.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix in DIALECTS:
        return parse_source(read_bytes(path, max_bytes=max_bytes), path, headerless=headerless)
    if suffix == ".ipynb":
        return parse_ipynb(read_bytes(path, max_bytes=max_bytes), path)
    if suffix == ".dbc":
        raise ArchiveError(
            "an archive is not one notebook",
            cause="a .dbc file holds any number of notebooks",
            mend=f"read_archive({path.as_posix()!r}) gives them all",
            location=Location(path.as_posix()),
        )
    raise NotANotebookError(
        "the file is not a Databricks notebook",
        cause=f"its name ends in {path.suffix!r}" if path.suffix else "its name has no suffix",
        mend=f"name a file that ends in {', '.join(DIALECTS)}, .ipynb or .dbc",
        location=Location(path.as_posix()),
    )


def replace_cell(notebook: Notebook, number: int, source: str) -> Notebook:
    """Give the notebook with the text of cell ``number`` replaced; no other byte of the file changes.

    The source formats hold no blank lines at either end of a cell, so these are dropped there.

    Raises:
        CellNotFoundError: The notebook has no such cell.
        CellWriteError: The text can't stand in one cell, or the notebook is of an archive, which is only read.
    """
    if not 1 <= number <= len(notebook.cells):
        raise CellNotFoundError(
            f"the notebook has no cell {number}",
            cause=f"its cells are numbered 1 to {len(notebook.cells)}" if notebook.cells else "it has no cells",
            mend="number the cells as on the notebook's screen, markdown too",
            location=Location(notebook.path.as_posix()),
        )
    if notebook.format == "dbc":
        raise CellWriteError(
            "a notebook of an archive can't be changed",
            cause=".dbc archives are only read",
            mend="import the archive into a workspace, export the notebook as source, and change that",
            location=Location(notebook.path.as_posix(), cell=number),
        )
    if source == notebook.cells[number - 1].source:
        return notebook
    if notebook.format == "ipynb":
        return replace_in_ipynb(notebook, number, source)
    return replace_in_source(notebook, number, source)
