"""Widget values given to one notebook, over those of the test."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from harness.extract.widgets import with_widgets


@pytest.fixture
def dbutils(project):
    """A test's dbutils with one widget given over two of its own."""
    with project.test({"env": "dev", "mode": "fast"}) as scope:
        below = scope.get("dbutils")
        below.fs = SimpleNamespace(ls=lambda path: [path])
        yield with_widgets(below, {"env": "prod", "same": "$mode"})


def test_given_value_wins_and_the_rest_is_the_tests(dbutils):
    """In each way to ask."""
    widgets = dbutils.widgets

    assert [widgets.get(name) for name in ("env", "mode", "same")] == ["prod", "fast", "fast"]
    assert [widgets.getArgument(name, "none") for name in ("env", "mode", "gone")] == ["prod", "fast", "none"]
    assert widgets.getAll() == {"env": "prod", "mode": "fast", "same": "fast"}


def test_all_else_of_dbutils_is_the_tests(dbutils):
    """Other parts, and other methods of widgets."""
    dbutils.widgets.text("late", "default")

    assert dbutils.widgets.get("late") == "default"
    assert dbutils.fs.ls("/x") == ["/x"]
