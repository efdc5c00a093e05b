"""Notebook files to plain cells and back; nothing in a notebook is ever run to read it."""

from __future__ import annotations

from harness.notebook.dbc import read_archive
from harness.notebook.discover import Discovery, discover, is_notebook, is_notebook_bytes
from harness.notebook.ipynb import parse_ipynb
from harness.notebook.magics import assigned_by_magic, python_text
from harness.notebook.read import read_notebook, replace_cell
from harness.notebook.source import parse_source

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
