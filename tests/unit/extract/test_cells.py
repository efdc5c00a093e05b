"""One cell as a unit: what it made, what it may use, and what it refuses."""

from __future__ import annotations

import pytest

from harness.errors import CellRunError, CellSyntaxError, UnknownValueError


def test_names_a_cell_made_are_looked_at_like_a_mapping(project):
    """By attribute, item, ``in``, length and repr."""
    made = project.load("total = len(rows)\nlast = rows[-1]").cell(1).execute(rows=[1, 2])

    assert (made.total, made["last"], len(made), sorted(made)) == (2, 2, 2, ["last", "total"])
    assert "total" in made
    assert "rows" not in made
    assert repr(made) == "<names made by notebook.py:2 (cell 1): last, total>"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("totl", r"notebook.py:2 \(cell 1\) made no name 'totl'; did you mean 'total'\?; it made: total"),
        ("zzz", r"made no name 'zzz'; it made: total"),
    ],
)
def test_name_that_a_cell_did_not_make_is_told(project, name, said):
    """With the near miss, and what there is."""
    made = project.load("total = 1").cell(1).execute()

    with pytest.raises(AttributeError, match=said):
        getattr(made, name)


def test_cell_says_which_one_it_is(project):
    """By number, title and notebook."""
    module = project.load("a = 1", "# DBTITLE 1,Clean\nb = 2")

    assert [repr(module.cell(number)) for number in (1, 2)] == ["<cell 1 of notebook.py>", "<cell 2 'Clean' of notebook.py>"]


def test_broken_cell_is_told_when_it_is_run(project):
    """As the cell's own error, not as one of Python's."""
    module = project.load("a = 1", "if True")

    with pytest.raises(CellSyntaxError, match="NBH102"):
        module.cell(2).execute()


def test_cell_may_call_a_function_of_a_later_cell(project):
    """In a notebook that was run before, it is there."""
    module = project.load("found = later(2)", "def later(x):\n    return 10 * x")

    assert module.cell(1).execute().found == 20


def test_last_cell_without_a_statement_makes_nothing(project):
    """There is nothing after it either."""
    module = project.load("a = 1", "pass")

    made = module.cell(2).execute()

    assert list(made) == []
    assert repr(made).endswith(": none>")


def test_value_for_a_cell_that_uses_no_name_is_refused(project):
    """It would change nothing."""
    module = project.load("a = 1", "pass")

    with pytest.raises(UnknownValueError, match="it uses no name"):
        module.cell(2).execute(a=2)


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("%skip\nraise ValueError", "%skip leaves it out"),
        ("# DBTITLE 1,Soon\n# to be done", "there is nothing in it to run"),
        ("files = !ls", "it has ! ls on line 6, and only its Python would be run"),
        ("a = 1\n%time b = a", "it has %time b = a on line 7, and only its Python would be run"),
        ("import asyncio\nawait asyncio.sleep(0)", "it has an await outside of functions"),
    ],
)
def test_cell_that_would_not_be_run_is_refused(project, cell, why):
    """A part that is passed over is none that a test has seen pass."""
    module = project.load("a = 1", cell)

    with pytest.raises(CellRunError) as caught:
        module.cell(2).execute()

    assert caught.value.cause == why


def test_what_is_about_the_surroundings_is_left_out_of_a_cell(project):
    """Its Python is run, as under a magic for all of it."""
    module = project.load("%matplotlib inline\n%pip install x\na = 1", "%%time\nb = 2")

    assert (module.cell(1).execute().a, module.cell(2).execute().b) == (1, 2)
