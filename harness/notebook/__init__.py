"""Notebook files to plain cells and back; nothing in a notebook is ever run to read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.notebook.discover import Discovery, discover, is_notebook, is_notebook_bytes
from harness.notebook.ipynb import parse_ipynb
from harness.notebook.magics import assigned_by_magic, python_text
from harness.notebook.read import read_notebook, replace_cell
from harness.notebook.source import parse_source

if TYPE_CHECKING:
    from harness.notebook.dbc import read_archive

__all__ = [
    "Discovery",
    "assigned_by_magic",
    "discover",
    "is_notebook",
    "is_notebook_bytes",
    "parse_ipynb",
    "parse_source",
    "python_text",
    "read_archive",
    "read_notebook",
    "replace_cell",
]


def __getattr__(name: str) -> Any:
    if name == "read_archive":  # few projects have archives, and what reads them is slow to import
        from harness.notebook.dbc import read_archive

        return read_archive
    raise AttributeError(f"module 'harness.notebook' has no attribute {name!r}")
