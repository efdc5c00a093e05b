"""Which files the finder claims, and how cells are found."""

from __future__ import annotations

import importlib
import json
import sys

import pytest

from harness.errors import CellNotFoundError, CellRunError, UnknownValueError
from harness.extract.importer import NotebookFinder, RootFinder

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


@pytest.mark.usefixtures("finder")
def test_builtin_module_is_left_to_python(finder, write):
    """A notebook called ``sys`` never hides Python's own."""
    write("sys.py", EFFECT)

    assert finder.find_spec("sys") is None


@pytest.mark.usefixtures("finder")
def test_notebook_in_another_language_says_how_it_is_loaded(write):
    """Where nothing else has the name."""
    write("folder_b/report.sql", "-- Databricks notebook source\nselect 1\n", header=False)

    with pytest.raises(ModuleNotFoundError, match=r'report\.sql is no Python file\. .* load_notebook\("…/report\.sql"\)'):
        importlib.import_module("folder_b.report")


@pytest.mark.usefixtures("finder")
def test_package_outside_the_roots_is_pythons(finder, tmp_path_factory, monkeypatch):
    """Also where it holds something of another language."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "folder_c").mkdir()
    (elsewhere / "folder_c" / "report.sql").write_text("select 1")
    monkeypatch.syspath_prepend(str(elsewhere))

    with pytest.raises(ModuleNotFoundError, match=r"No module named 'folder_c\.report'$"):
        importlib.import_module("folder_c.report")


def test_current_folder_on_the_path_counts(finder, write, tmp_path, monkeypatch):
    """``""`` on ``sys.path`` is wherever Python is now."""
    write("etl_here.py", EFFECT)
    monkeypatch.chdir(tmp_path)
    inside = finder.find_spec("etl_here", [""])
    monkeypatch.chdir(tmp_path.parent)
    outside = finder.find_spec("etl_here", [""])

    assert inside.origin == str(tmp_path / "etl_here.py")
    assert outside is None


def test_notebook_read_before_is_taken_from_the_cache(finder, write, monkeypatch):
    """An unchanged file isn't read again by the next run."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    write("etl_cached.py", EFFECT)
    first = finder.find_spec("etl_cached").loader.source

    second = finder.find_spec("etl_cached").loader.source

    assert second is not first
    assert [row[:-1] for row in second.rows] == [row[:-1] for row in first.rows]


@pytest.fixture
def root_finder(tmp_path, loader, monkeypatch):
    """The finders of the project, whose folder isn't on the path."""
    first = NotebookFinder([str(tmp_path)], lambda: loader)
    last = RootFinder(first)
    monkeypatch.setattr(sys, "meta_path", [first, *sys.meta_path, last])
    before = set(sys.modules)
    yield last
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.mark.usefixtures("root_finder")
def test_notebooks_of_a_root_are_found_without_the_path(write, tmp_path):
    """A folder of them, or one by itself; a folder without one stays Python's."""
    write("folder_d/etl.py", EFFECT)
    write("etl_root.py", EFFECT)
    write("folder_e/plain.py", "x = 1\n", header=False)

    assert importlib.import_module("folder_d.etl").f() == 1
    assert importlib.import_module("etl_root").f() == 1
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("folder_e.plain")
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("folder_d.gone")


@pytest.mark.usefixtures("finder")
def test_source_of_an_imported_notebook_can_be_asked_for(write, tmp_path):
    """As ``inspect`` and debuggers do: the file's text, or the cells' Python at its lines."""
    write("etl_src.py", EFFECT)
    cell = {
        "cell_type": "code",
        "metadata": {},
        "outputs": [],
        "execution_count": None,
        "source": ["def g():\n", "    return 2"],
    }
    notebook = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (tmp_path / "etl_nb.ipynb").write_text(json.dumps(notebook, indent=1))
    text = importlib.import_module("etl_src").__spec__.loader
    cells = importlib.import_module("etl_nb").__spec__.loader

    assert text.get_source("etl_src") == (tmp_path / "etl_src.py").read_text()
    assert cells.get_source("etl_nb").lstrip() == "def g():\n    return 2\n"
    assert text.get_filename("etl_src") == str(tmp_path / "etl_src.py")


def test_module_earlier_on_the_path_wins(finder, write, tmp_path_factory):
    """As in Python, also where that is outside the roots."""
    elsewhere = tmp_path_factory.mktemp("earlier")
    (elsewhere / "etl_twice.py").write_text("x = 1\n")
    path = write("etl_twice.py", EFFECT)

    assert finder.find_spec("etl_twice", [str(elsewhere), str(path.parent)]) is None
    assert finder.find_spec("etl_twice", [str(path.parent), str(elsewhere)]).origin == str(path)


def test_loader_is_made_for_the_first_notebook_only(write, loader, tmp_path):
    """Projects without one pay nothing."""
    made = []
    finder = NotebookFinder([str(tmp_path)], lambda: made.append("made") or loader, known=lambda: None)
    write("plain_two.py", "x = 1\n", header=False)
    write("etl_two.py", EFFECT)

    plain = finder.find_spec("plain_two", [str(tmp_path)])
    before = list(made)
    notebook = finder.find_spec("etl_two", [str(tmp_path)])

    assert (plain, before) == (None, [])
    assert notebook.origin == str(tmp_path / "etl_two.py")
    assert "made" in made
