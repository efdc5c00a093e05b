"""What the tests of whole runs share: notebooks written cell by cell, and the processes that they start."""

from __future__ import annotations

import os
import textwrap
from pathlib import Path

import psutil

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


def below(kernels):
    """All processes below the warm parent, but for the parents of other workers, which are forks of it, and theirs.

    Those have a pipe to be asked on, where kernels have nobody who types.
    """
    found = []
    for child in psutil.Process(kernels.pid).children():
        if child.status() != psutil.STATUS_ZOMBIE and Path(f"/proc/{child.pid}/fd/0").resolve() == Path(os.devnull):
            found += [child, *child.children(recursive=True)]
    return found
