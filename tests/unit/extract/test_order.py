"""Values are those a notebook has where its statements stand: imports by star, branches, cells."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from harness.errors import PlaceholderError


@pytest.fixture
def load(load, in_test):
    """Load a notebook of this text, with a test running that has this ``dbutils``."""

    def make(text, dbutils=None):
        module = load(text)
        in_test(dbutils=dbutils)
        return module

    return make


def test_star_import_gives_names_to_computed_values(load):
    """What a star import brings is there for a held-back statement too."""
    notebook = load(
        """
        from fractions import *
        half = Fraction(str(1)) / 2
        """
    )

    assert notebook.half == 0.5


def test_star_import_shadows_builtins_in_computed_values(load):
    """``sum`` of a star import is not Python's own."""
    notebook = load(
        """
        from math import *
        answer = str(pow(2, 3))
        """
    )

    assert notebook.answer == "8.0"


def test_branch_that_is_partly_held_back_keeps_its_order(load):
    """A guard before an assignment still guards it."""
    notebook = load(
        """
        flag = False
        if flag:
            source = "flag"
        else:
            found = list("ab")
            if len(found) != 1:
                raise RuntimeError("expected one")
            source = found[0]
        """
    )

    with pytest.raises(PlaceholderError, match="expected one"):
        str(notebook.source)


def test_cell_sees_values_where_it_stands(load):
    """A later cell's rebinding is not there yet."""
    notebook = load(
        """
        n = len("abc")

        # COMMAND ----------

        # DBTITLE 1,Add
        n = n + 1

        # COMMAND ----------

        n = n * 100
        """
    )

    assert notebook.cell("Add").execute().n == 4


def test_widget_default_may_depend_on_another_widget(load):
    """A widget defined after a value that is read from a widget is no circle."""
    seen = {}
    widgets = SimpleNamespace(text=seen.setdefault, get=seen.__getitem__)
    notebook = load(
        """
        dbutils.widgets.text("catalog", "main")
        catalog = dbutils.widgets.get("catalog")
        dbutils.widgets.text("table", f"{catalog}.sales")
        table_name = dbutils.widgets.get("table")
        """,
        dbutils=SimpleNamespace(widgets=widgets),
    )

    assert notebook.table_name == "main.sales"
