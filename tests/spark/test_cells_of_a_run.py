"""How a whole run takes its cells: an ``await``, a text that can't be parsed, several statements of SQL in one."""

from __future__ import annotations

import json
import sys

import pytest
from whole_notebooks import writer

from harness.errors import HarnessError

BROKEN = "y = 1\ndef f(:\n    pass"


@pytest.fixture
def notebook(tmp_path):
    """Write a notebook of these cells; gives its path."""
    return writer(tmp_path)


def test_a_cell_may_await(run_notebook, notebook):
    """As in each notebook of Databricks: IPython runs it on the loop that is there."""
    path = notebook(
        "import asyncio\n\nasync def add(n):\n    await asyncio.sleep(0)\n    return n + 1\n\nprint(await add(1))",
        "task = asyncio.create_task(add(2))",
        "await task",
        "async def leave():\n    dbutils.notebook.exit(str(await add(3)))\nawait leave()",
        "raise SystemError",
    )

    run = run_notebook(path)

    assert (run.outcome, run.exit_value) == ("exited", "4"), run.summary
    assert [cell.text for cell in run.cells[:3]] == ["2\n", "", "3\n"]
    assert [cell.outcome for cell in run.cells] == ["passed"] * 3 + ["exited", "not_run"]


def test_python_begins_anew_after_an_await(run_notebook, notebook):
    """As after any other line."""
    path = notebook("import asyncio\nx = 1\nawait asyncio.sleep(0)\ndbutils.library.restartPython()", "print('x' in globals())")

    run = run_notebook(path)

    assert (run.outcome, run.cells[1].text) == ("passed", "False\n"), run.summary


def test_what_is_awaited_fails_at_its_line(run_notebook, notebook):
    """Of the function that raised."""
    run = run_notebook(notebook("async def half(n):\n    return n / 0", "\nawait half(1)"))

    assert (run.outcome, run.error) == ("failed", "ZeroDivisionError: division by zero")
    assert (run.location.cell, run.location.cell_line) == (1, 2)
    assert [cell.outcome for cell in run.cells] == ["passed", "failed"]


def test_an_await_that_never_ends_is_timed_out(run_notebook, notebook):
    """In its cell."""
    run = run_notebook(notebook("import asyncio", "await asyncio.sleep(600)"), timeout_s=2)

    assert (run.outcome, run.location.cell) == ("timed_out", 2)


def test_an_await_in_what_is_run_is_told(run_notebook, notebook):
    """It can't be served there, and no cell after it is run."""
    notebook("async def f():\n    await f()\nx = 1", "print('here')\nawait f()", name="other.py")

    run = run_notebook(notebook("# MAGIC %run ./other", "raise SystemError"))

    assert run.outcome == "unsupported"
    assert "other.py, cell 2: an await outside of functions isn't served" in run.error


PLACES = {
    "a broken line": (BROKEN, "def f(:", "SyntaxError: invalid syntax"),
    "of the compiler's": ("y = 1\nreturn y", "return y", "SyntaxError: 'return' outside function"),
    "below a magic": ("%%time\n\ndef f(:\n    pass", "def f(:", "SyntaxError: invalid syntax"),
    "an indent": ("y = 1\n  z = 2", "z = 2", "IndentationError: unexpected indent"),
}


@pytest.mark.parametrize("name", PLACES)
def test_what_is_no_python_is_told_at_its_line(run_notebook, notebook, name):
    """Of the notebook, in the place, in the error's own words and in the text that is shown."""
    cell, line, words = PLACES[name]
    path = notebook("x = 1", cell, "print('on')")
    number = path.read_text().splitlines().index(next(one for one in path.read_text().splitlines() if line in one)) + 1

    run = run_notebook(path)

    assert (run.outcome, run.location.line, run.location.cell) == ("failed", number, 2), run.summary
    assert run.error == f"{words} (n.py, line {number})"
    shown = "\n".join(run.cells[1].outputs[-1]["traceback"])
    assert f"n.py:{number}\n    {line}\n" in shown
    assert run.cells[2].outcome == "not_run"


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="this Python takes the line")
def test_a_line_for_a_newer_python_is_no_fault_of_the_notebook(run_notebook, notebook):
    """The runtime may have that Python: here the line can't run."""
    run = run_notebook(notebook("row = {'b': 1}", 'x = 1\nprint(f"{row["b"]}")', "print('on')"))

    assert (run.outcome, run.location.cell, run.location.cell_line) == ("unsupported", 2, 2), run.summary
    assert "Python 3.12 and newer may take this line, and here is 3.11" in run.error
    assert "hint: run the tests with the Python of your runtime: Databricks has 3.12 from 16.0 on" in run.error


def test_what_is_no_python_in_a_notebook_that_is_run_is_told_there(run_notebook, notebook):
    """And not at the line of the ``%run``."""
    other = notebook("x = 1", BROKEN, name="other.py")

    run = run_notebook(notebook("a = 1\nb = 2\nc = 3", "# MAGIC %run ./other"))

    place = run.location
    assert (run.outcome, place.path.rsplit("/", 1)[-1], place.cell, place.cell_line) == ("failed", "other.py", 2, 2)
    assert other.read_text().splitlines()[place.line - 1] == "def f(:"


def test_what_is_no_python_in_an_ipynb_is_told_at_the_files_line(run_notebook, tmp_path):
    """Which an editor shows."""
    sources = (["x = 1"], [f"{line}\n" for line in BROKEN.splitlines()])
    cells = [{"cell_type": "code", "metadata": {}, "execution_count": None, "outputs": [], "source": one} for one in sources]
    path = tmp_path / "n.ipynb"
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=1))

    run = run_notebook(path)

    assert (run.outcome, run.location.cell, run.location.cell_line) == ("failed", 2, 2)
    assert "def f(:" in path.read_text().splitlines()[run.location.line - 1]
    assert "    def f(:\n" in "\n".join(run.cells[1].outputs[-1]["traceback"])


def test_each_statement_of_a_sql_cell_is_run(run_notebook, notebook):
    """A check that isn't the last one too, on the rows that there are as it stands; what it shows is the last one's rows."""
    checked = "SELECT assert_true(n < 2) FROM VALUES (1), ({}) AS t(n);\nSELECT 'checked' AS said"
    path = notebook("# MAGIC %sql\n# MAGIC " + checked.format(1).replace("\n", "\n# MAGIC "))
    other = notebook("# MAGIC %sql\n# MAGIC " + checked.format(3).replace("\n", "\n# MAGIC "), name="o.py")

    run, failed = run_notebook(path), run_notebook(other)

    assert run.passed
    assert "checked" in run.cells[0].text
    assert len(run.cells[0].outputs) == 1
    assert failed.outcome == "failed"
    assert "'(n < 2)' is not true!" in failed.error


GIVEN = {
    "a number for a name": ({1: "x"}, "NBH352 the name of a widget is not a text"),
    "no name": ({"": "x"}, "NBH352 a value is given for a widget without a name"),
    "a list": (["n=1"], "NBH352 widgets are no names with values"),
    "a text": ("n=1", "NBH352 widgets are no names with values"),
    "a misspelt one": ({"dya": "x"}, 'n.py: NBH351 no widget "dya" is asked for'),
}


def test_a_script_of_sql_is_read_as_one(run_notebook, notebook):
    """Also where it has a REPEAT, whose end looks like that of the script."""
    path = notebook(
        """
        # MAGIC %sql
        # MAGIC -- counts
        # MAGIC BEGIN
        # MAGIC   DECLARE n INT DEFAULT 0;
        # MAGIC   REPEAT
        # MAGIC     SET n = n + 1;
        # MAGIC   UNTIL n > 3 END REPEAT;
        # MAGIC   SELECT n;
        # MAGIC END;
        """,
        "assert _sqldf.first().n == 4",
    )

    run = run_notebook(path)

    assert run.passed, run.error


@pytest.mark.parametrize("name", GIVEN)
def test_what_can_be_no_widget_is_refused(run_notebook, notebook, name):
    """Before anything is run, with what it should be."""
    given, words = GIVEN[name]
    path = notebook('dbutils.widgets.text("day", "today")')

    with pytest.raises(HarnessError) as caught:
        run_notebook(path, widgets=given)

    assert words in str(caught.value)


def test_how_much_a_cell_may_show(run_notebook, notebook):
    """Databricks' own magic for it is taken, and the code beside it is run; here nothing is cut."""
    run = run_notebook(notebook("%set_cell_max_output_size_in_mb 10\nprint('on')"))

    assert run.passed, run.summary
    assert run.cells[-1].text == "on\n"
