"""Which files the finder claims, and how cells are found."""

from __future__ import annotations

import importlib
import sys

import pytest

from harness.errors import CellNotFoundError, CellRunError, UnknownValueError
from harness.extract.importer import NotebookFinder

EFFECT = "raise RuntimeError('the top level was run')\ndef f(): return 1\n"


@pytest.fixture
def finder(loader, tmp_path, monkeypatch):
    """The finder of the project, in place and with the project on the path, for one test."""
    found = NotebookFinder([str(tmp_path)], lambda: loader)
    monkeypatch.setattr(sys, "meta_path", [found, *sys.meta_path])
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield found
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.mark.usefixtures("finder")
def test_notebook_is_imported_without_its_top_level(write):
    """In a folder without ``__init__.py`` too."""
    write("folder_a/etl_one.py", EFFECT)

    assert importlib.import_module("folder_a.etl_one").f() == 1


@pytest.mark.usefixtures("finder")
def test_byte_order_mark_is_no_hindrance(tmp_path):
    """Windows editors write one."""
    (tmp_path / "etl_bom.py").write_bytes(b"\xef\xbb\xbf# Databricks notebook source\n" + EFFECT.encode())

    assert importlib.import_module("etl_bom").f() == 1


@pytest.mark.usefixtures("finder")
def test_plain_module_is_left_to_python(write):
    """The header must be the first line."""
    write("plain_one.py", "VALUE = len('# Databricks notebook source')\n", header=False)

    assert type(importlib.import_module("plain_one")).__name__ == "module"


def test_notebook_outside_the_roots_is_not_claimed(finder, tmp_path):
    """Only what the settings name is ours."""
    finder.roots = (str(tmp_path / "elsewhere"),)
    (tmp_path / "etl_out.py").write_text("# Databricks notebook source\nx = 1\n")

    assert finder.find_spec("etl_out") is None


@pytest.mark.usefixtures("finder")
def test_package_wins_over_a_notebook_of_its_name(write):
    """As in Python."""
    write("both_one.py", EFFECT)
    write("both_one/__init__.py", "WHO = 'package'\n", header=False)

    assert importlib.import_module("both_one").WHO == "package"


CELLS = """
# MAGIC %md # Title

# COMMAND ----------

# DBTITLE 1,Clean customers
customers = [name.strip() for name in raw]

# COMMAND ----------

# DBTITLE 1,Twice
a = 1

# COMMAND ----------

# DBTITLE 1,Twice
b = 2

# COMMAND ----------

# MAGIC %sql select 1
"""


def test_cell_gives_the_names_it_made(load):
    """Found by title or number; what it was given isn't among them."""
    notebook = load(CELLS)

    by_title = notebook.cell("Clean customers").execute(raw=[" Ann "])

    assert by_title.customers == notebook.cell(2).execute(raw=[" Ann "])["customers"] == ["Ann"]
    assert list(by_title) == ["customers"]


@pytest.mark.parametrize(
    ("key", "said"),
    [("Clean custmers", "did you mean 'Clean customers'"), ("Twice", "cells 3, 4"), (9, "the notebook has 5 cells")],
)
def test_cell_that_is_not_there_is_told(load, key, said):
    """With near misses, or the numbers to choose from."""
    with pytest.raises(CellNotFoundError, match=said):
        load(CELLS).cell(key)


def test_cell_in_another_language_refuses(load):
    """SQL isn't run by itself."""
    with pytest.raises(CellRunError, match="NBH114"):
        load(CELLS).cell(5).execute()


def test_misspelt_name_for_a_cell_refuses(load):
    """It would change nothing, silently."""
    with pytest.raises(UnknownValueError, match="did you mean 'raw'"):
        load(CELLS).cell(2).execute(rwa=[])
