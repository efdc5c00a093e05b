from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from harness.commands.list import make_list
from harness.commands.table import console, draw


@pytest.fixture
def drawn(make_project):
    """Draw the list of a project of files at a width."""

    def make(files, width):
        out = io.StringIO()
        draw(make_list([], current=str(make_project(files))), Console(file=out, width=width, highlight=False))
        return out.getvalue().splitlines()

    return make


LONG = {
    "notebooks/etl.py": [
        "dbutils.widgets.text('catalog', 'x')",
        "# DBTITLE 1,A rather long title of a cell that does one thing\nlimit = spark.table('t').count()",
        (
            "import requests\nrows = requests.get('u')\n"
            "def rows_above_the_limit_of_the_catalog(frame):\n    return frame, rows, limit, nowhere"
        ),
    ],
    "test_etl.py": """
        from notebooks.etl import rows_above_the_limit_of_the_catalog

        def test_that_a_row_above_the_limit_is_found_in_the_catalog():
            rows_above_the_limit_of_the_catalog(1)

        def test_two():
            rows_above_the_limit_of_the_catalog(1)
        """,
}


@pytest.mark.parametrize("width", [80, 100, 160])
def test_no_line_is_longer_than_the_terminal(drawn, width):
    """Columns give way; a terminal never breaks a row by itself."""
    table = [line for line in drawn(LONG, width) if line.startswith((" ", "cell "))]

    assert table
    assert max(map(len, table)) <= width


def test_settings_stand_above_the_table(drawn):
    """Once for a notebook, with the place; where a notebook that it %runs makes them, with that one's name."""
    lines = drawn(
        {
            "etl.py": [
                "# MAGIC %run ./session",
                "import pandas as pd\npd.set_option('mode.copy_on_write', True)\npd.options.display.width = 9",
                "def f():\n    return spark.range(1).toPandas()\ndef g():\n    return pd.DataFrame(), spark.range(1)",
            ],
            "session.py": ["spark.conf.set('spark.sql.ansi.enabled', 'false')"],
        },
        200,
    )

    at = lines.index("etl.py  python, source, 3 cells")
    assert lines[at + 1] == "  a unit test doesn't make the settings of spark (session.py, cell 1), pd (cell 2)"
    assert [re.split(r" {2,}", line.strip())[2:4] for line in lines[at + 3 : at + 6]] == [
        ["cell 2", "nothing"],
        ["f()", "spark"],
        ["g()", "spark"],
    ]


def test_a_row_says_unit_needs_and_tests(drawn):
    """What a reader looks for is there, and a value that must be given says where it comes from."""
    lines = drawn(LONG, 200)

    (row,) = [line for line in lines if "rows_above" in line]
    assert re.split(r" {2,}", row.strip()) == [
        "3",
        "13",
        "rows_above_the_limit_of_the_catalog()",
        "spark, rows (cell 3), unresolved nowhere",
        "test_that_a_row_above_the_limit_is_found_in_the_catalog +1",
    ]


def test_how_many_more_tests_there_are_is_never_cut(drawn):
    """A test's long name is cut, the count behind it isn't."""
    assert any(line.endswith("… +1") for line in drawn(LONG, 80))


def test_nothing_trails(drawn):
    """Lines end where their text does, for those who compare or paste them."""
    assert [line for line in drawn(LONG, 120) if line != line.rstrip()] == []


def test_problems_stand_below_with_their_place(drawn):
    """Each problem starts with a place that editors can jump to, and says the mend."""
    lines = drawn({"etl.py": ["x = 1", "def broken(:"]}, 80)

    at = lines.index("Problems")
    assert lines[at + 1] == "etl.py:6 (cell 2, line 1): NBH102 the cell is not valid Python"
    assert lines[at + 3].startswith("  mend:  ")
    assert lines[-1] == "1 notebook, 0 units"


def test_what_is_said_of_many_problems_is_said_once(drawn):
    """A hundred notebooks that are missing from one folder: each place is named, their mend once."""
    lines = drawn(
        {f"n{n}.py": [f"# MAGIC %run /Shared/ml/util{n}", f"# MAGIC %run /Shared/etl/util{n}"] for n in range(3)}, 400
    )

    problems = lines[lines.index("Problems") + 1 : -2]
    assert [line.partition(" ")[0] if line[0] != " " else line.split()[0] for line in problems] == [
        *("n0.py:2", "n1.py:2", "n2.py:2", "cause:", "mend:", "more:"),
        *("n0.py:6", "n1.py:6", "n2.py:6", "cause:", "mend:", "more:"),
    ]


def test_a_title_cannot_reach_the_terminal(drawn):
    """Control characters of a cell's title are shown, not sent."""
    lines = drawn({"etl.py": ["# DBTITLE 1,Red \x1b[31m[bold]alert\nx = spark.table('t')"]}, 120)

    assert 'cell "Red ?[31m[bold]alert"' in "\n".join(lines)
    assert "\x1b" not in "".join(lines)


def test_off_a_terminal_nothing_is_cut(monkeypatch, capsys):
    """Logs and pipes get whole names, and no colours."""
    monkeypatch.delenv("COLUMNS", raising=False)

    assert console().width > 1000
    assert console().color_system is None


def test_columns_say_how_wide_it_may_be(monkeypatch):
    """The variable holds off a terminal too, as for other programs."""
    monkeypatch.setenv("COLUMNS", "77")

    assert console().width == 77


def test_what_has_no_units_says_so(drawn):
    """A notebook that wasn't read is told apart from one that has nothing to test."""
    lines = drawn({"torn.ipynb": "{", "words.py": ["# MAGIC %md hello"], "01-etl.py": ["def f():\n    return 1"]}, 100)

    assert lines[lines.index("torn.ipynb  unknown, ipynb, 0 cells") + 1] == "  not read, see below"
    assert lines[lines.index("words.py  python, source, 1 cell") + 1] == "  nothing to test by itself"
    assert "  not importable: '01-etl' is no Python name: use load_notebook" in lines
