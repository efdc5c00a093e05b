"""What the tests of whole runs share: notebooks written cell by cell."""

from __future__ import annotations

import textwrap

HEADER = "# Databricks notebook source\n"
CELL = "\n\n# COMMAND ----------\n\n"


def writer(folder):
    """A function that writes a notebook of these cells into the folder, and gives its path."""

    def write(*cells, name="n.py"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEADER + CELL.join(textwrap.dedent(cell).strip("\n") for cell in cells) + "\n")
        return path

    return write
