"""What tests of snapshots compare: runs of one cell, and what it put out."""

from __future__ import annotations

from harness.model import CellRun, NotebookRun


def run_of(*outputs, ended="passed", exit_value=None):
    """A run of one cell with these outputs."""
    cell = CellRun(2, "python", "passed" if ended == "passed" else ended, tuple(outputs), 1.25)
    silent = CellRun(1, "markdown", "passed")
    return NotebookRun("etl/a.py", ended, exit_value=exit_value, cells=(silent, cell), duration_s=9.5)


def stream(text):
    """What a cell printed."""
    return {"output_type": "stream", "name": "stdout", "text": text}


def display(**data):
    """What a cell displayed."""
    kinds = {"plain": "text/plain", "html": "text/html", "png": "image/png", "json": "application/json"}
    return {"output_type": "display_data", "data": {kinds[name]: value for name, value in data.items()}, "metadata": {}}
