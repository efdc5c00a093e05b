"""Whether a value for a widget is meant for another one."""

from __future__ import annotations

import pytest

from harness import load_notebook
from harness.errors import WidgetNotDefinedError
from harness.extract.misspelt import check_names

HEADER = "# Databricks notebook source\n"
CELL = "\n# COMMAND ----------\n\n"


@pytest.fixture
def check(tmp_path):
    """Check the values for a notebook of these cells; more notebooks by name."""

    def check(given, *cells, **others):
        for name, text in {"nb": CELL.join(cells), **others}.items():
            (tmp_path / f"{name}.py").write_text(f"{HEADER}{text}\n")
        check_names(str(tmp_path / "nb.py"), given, root=str(tmp_path))

    return check


DAY = 'dbutils.widgets.text("day", "today")'


@pytest.mark.parametrize(
    "cell",
    [
        DAY,
        "dbutils.widgets.dropdown(name='day', defaultValue='a', choices=['a'])",
        "# MAGIC %sql\n# MAGIC CREATE WIDGET TEXT day DEFAULT 'today'",
        "w = dbutils.widgets\nw.x\ndbutils . widgets.combobox( 'day', 'a', ['a'])",
    ],
)
def test_a_misspelt_name_is_told(check, cell):
    """Its value would go nowhere, and the default would be tested."""
    with pytest.raises(WidgetNotDefinedError) as caught:
        check({"dya": "2026-01-31"}, "x = 1", cell)

    assert str(caught.value) == (
        'nb.py: NBH351 no widget "dya" is asked for\n'
        "  cause: a value is given for it, and nothing names it; defined here: day\n"
        '  mend:  did you mean "day"?\n'
        "  more:  docs/errors.md#nbh351"
    )


def test_it_is_told_where_a_notebook_is_loaded(tmp_path):
    """Its functions would take the default."""
    (tmp_path / "nb.py").write_text(f"{HEADER}{DAY}\n")

    with pytest.raises(WidgetNotDefinedError, match='did you mean "day"'):
        load_notebook(tmp_path / "nb.py", widgets={"dya": "2026-01-31"})
    assert load_notebook(tmp_path / "nb.py", widgets={"day": "2026-01-31"}) is not None


def test_one_of_a_notebook_that_is_run_is_told(check):
    """Whatever defines it."""
    with pytest.raises(WidgetNotDefinedError, match='did you mean "day"'):
        check({"days": "1"}, "# MAGIC %run ./setup", setup=DAY)


@pytest.mark.parametrize(
    ("given", "cells", "others"),
    [
        (["day"], [DAY], {}),
        (["day", "dya"], [DAY], {}),  # each has its value
        (["catalog"], [DAY], {}),  # a notebook may be given more than it asks for
        (["dya"], [DAY, 'print(dbutils.widgets.get("dya"))'], {}),
        (["dya"], [DAY, "# MAGIC %sql\n# MAGIC SELECT :dya"], {}),
        (["dya"], [DAY, "x = dbutils.widgets.getAll()"], {}),
        (["dya"], [DAY, "# MAGIC %run ./other"], {"other": 'print(getArgument("dya"))'}),
        (["dya"], [DAY, "# MAGIC %run ./not_here"], {}),  # which may name it
        (["dya"], ["def f(:", 'dbutils.widgets.get("day")'], {}),
    ],
)
def test_any_other_is_taken(check, given, cells, others):
    """Where it may be asked for, or is near to none."""
    check(dict.fromkeys(given, "x"), *cells, **others)
