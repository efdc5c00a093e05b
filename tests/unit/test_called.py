"""What a function says of arguments that it doesn't take."""

from __future__ import annotations

import pytest

from harness import load_notebook
from harness.called import AS_WIDGETS, plainly


class Runs:
    """Functions as the harness has them."""

    @plainly("run", meant=AS_WIDGETS)
    def __call__(self, path, *, widgets=None, timeout_s=600.0):
        """Give what was given."""
        return path, widgets, timeout_s

    @plainly("make_table")
    def table(self, *, name, rows=()):
        """All by name."""
        return name, rows

    @plainly("submit")
    def submit(self, path, **how):
        """Any name."""
        return path, how


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda of: of("a.py", parameters={}), "run got an unexpected argument 'parameters'; did you mean widgets=?"),
        (lambda of: of("a.py", timeout=60), "run got an unexpected argument 'timeout'; did you mean timeout_s=?"),
        (lambda of: of("a.py", qqq=1), "run got an unexpected argument 'qqq'; it takes path=, widgets=, timeout_s="),
        (lambda of: of("a.py", 60, {}), "run takes path without a name, and all else by name: widgets=, timeout_s="),
        (lambda of: of(), "run: missing a required argument: 'path'"),
        (lambda of: of.table("a"), "make_table takes arguments by name alone: name=, rows="),
        (lambda of: of.table(rows=[]), "make_table: missing a required argument: 'name'"),
        (lambda of: of.submit("a.py", 60), "submit takes path without a name, and all else by name"),
    ],
)
def test_arguments_that_are_not_taken(call, told):
    """Are refused with the names that there are, and the one that was meant."""
    with pytest.raises(TypeError) as caught:
        call(Runs())

    assert str(caught.value).replace("keyword-only ", "") == told  # which Python adds from 3.12 on


def test_arguments_that_are_taken():
    """Arrive, and the function keeps its name and text."""
    of = Runs()

    assert of("a.py", widgets={"x": "1"}) == ("a.py", {"x": "1"}, 600.0)
    assert of.table(name="a") == ("a", ())
    assert of.submit("a.py", odd=1) == ("a.py", {"odd": 1})
    assert Runs.__call__.__doc__ == "Give what was given."


def test_an_error_of_the_function_itself_stays():
    """Only the call is looked at."""

    @plainly("f")
    def f(text):
        return text + 1

    with pytest.raises(TypeError, match="can only concatenate str"):
        f("a")


def test_a_notebook_that_is_loaded_with_parameters(tmp_path):
    """``load_notebook`` names its own argument."""
    path = tmp_path / "etl.py"
    path.write_text("# Databricks notebook source\nx = 1\n")

    with pytest.raises(TypeError, match=r"did you mean widgets=\?"):
        load_notebook(path, parameters={"x": "1"})
