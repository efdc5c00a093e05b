"""Tracebacks as Databricks shows them, without a run."""

from __future__ import annotations

import re
import tempfile

import pytest

from harness.rehearsal.clock import Clock
from harness.rehearsal.traces import Shown, command_id
from harness.rehearsal.tree import Tree

NOTEBOOK = b"""# Databricks notebook source
x = 1

# COMMAND ----------

def f(y):
    return x / y

f(0)
"""


@pytest.fixture
def tree(tmp_path):
    """A tree with one notebook and one file."""
    tree = Tree(tmp_path / "workspace", Clock(), ["me"])
    tree.write("/Shared/etl", NOTEBOOK, kind="NOTEBOOK", language="PYTHON", form="SOURCE")
    tree.write("/Shared/mod.py", b"def h():\n    return 1 / 0\n", kind="FILE")
    return tree


@pytest.fixture
def shown(tree, tmp_path):
    """How its places are told."""
    folder = tmp_path / "run"
    (folder / "project").mkdir(parents=True)
    (folder / "project" / "workspace").symlink_to(tmp_path / "workspace")
    return Shown(folder, tmp_path / "workspace", tmp_path / "files", tree.on_this_machine)


def plain(text):
    """A text without colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def test_a_cell_is_told_by_its_command_and_its_own_lines(tree, shown):
    """The file's line 9 is the second cell's line 4; the cell before it isn't shown."""
    path = shown.folder / "project" / "workspace" / "Shared" / "etl.py"
    number = command_id(tree.find("/Shared/etl"), 2)

    text = shown.trace(
        [
            "-" * 75,
            "ZeroDivisionError                         Traceback (most recent call last)",
            f"File {path}:9\n      2 x = 1\n      7     return x / y\n----> 9 f(0)\n",
            f"File {path}:7, in f(y)\n      6 def f(y):\n----> 7     return x / y\n",
            "ZeroDivisionError: division by zero",
        ]
    )

    assert plain(text).splitlines() == [
        "-" * 75,
        "ZeroDivisionError                         Traceback (most recent call last)",
        f"File <command-{number}>, line 4",
        "      2     return x / y",
        "----> 4 f(0)",
        "",
        f"File <command-{number}>, line 2, in f(y)",
        "      1 def f(y):",
        "----> 2     return x / y",
        "",
        "ZeroDivisionError: division by zero",
    ]
    assert "\x1b[0;31mZeroDivisionError\x1b[0m: division by zero" in text


def test_a_file_is_told_by_its_path_in_the_workspace(shown):
    """A module beside the notebook keeps its own lines."""
    path = shown.notebooks / "Shared" / "mod.py"

    text = plain(shown.trace([f"File {path}:2, in h()\n      1 def h():\n----> 2     return 1 / 0\n"]))

    assert text.splitlines()[0] == "File /Workspace/Shared/mod.py:2, in h()"


def test_no_path_of_this_machine_is_told(shown, tmp_path):
    """Not of the run, the workspace's files, the interpreter or a temporary folder."""
    import json
    import sys

    temporary = f"{tempfile.gettempdir()}/nbh-abc/r1/work/workspace/Shared/x.csv"
    text = f"{shown.folder / 'project' / 'x'} {shown.files / 'dbfs' / 'tmp' / 'a'} {json.__file__} {sys.prefix} {temporary}"

    told = shown.text(text)

    assert str(tmp_path) not in told
    assert sys.prefix not in told
    assert sys.base_prefix not in told or sys.base_prefix == "/usr"
    assert "/dbfs/tmp/a" in told
    assert told.endswith(" /Workspace/Shared/x.csv")
    assert shown.text("/tmp/the-notebooks-own.csv") == "/tmp/the-notebooks-own.csv"
