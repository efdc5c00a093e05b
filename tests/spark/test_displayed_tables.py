"""A table that a notebook displays: beside what people see, its columns and rows, in Databricks' own form."""

from __future__ import annotations

import json

import pytest
from whole_notebooks import writer

from harness.execute.rows import BYTES, UnclearError, table
from harness.model import TABLE

VALUES = """
    display(spark.sql('''
        SELECT 1 AS i, CAST(NULL AS LONG) AS l, 1.50BD AS price, DATE'2026-01-02' AS day,
            TIMESTAMP'2026-01-02 03:04:05.12' AS at, TIMESTAMP_NTZ'2026-01-02 03:04:05' AS clock,
            array(1, 2) AS a, named_struct('x', 1, 'y', array(named_struct('z', 'q'))) AS s, map('k', 1) AS m,
            X'00ff' AS b, true AS yes, DOUBLE('inf') AS much, CAST(3 AS BYTE) AS small
        UNION ALL SELECT 2, 5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1.5, NULL'''))
"""


@pytest.fixture
def notebook(tmp_path):
    """Write a notebook of these cells; gives its path."""
    return writer(tmp_path)


@pytest.fixture
def shown(run_notebook, notebook):
    """What the first cell of a notebook of these cells displays, as data."""

    def run(cell):
        done = run_notebook(notebook(cell))
        assert done.passed, done.summary
        return done.cells[0].outputs[0]["metadata"][TABLE]

    return run


def test_a_displayed_table_has_its_rows(shown):
    """Integers stay integers beside nulls, decimals and dates are texts, moments are in UTC, structs lists of their values."""
    held = shown("spark.conf.set('spark.sql.session.timeZone', 'Europe/Amsterdam')\n" + VALUES.strip())

    assert held["data"] == [
        [
            *(1, None, "1.50", "2026-01-02", "2026-01-02T02:04:05.120Z", "2026-01-02T03:04:05", [1, 2], [1, [["q"]]]),
            *({"k": 1}, "AP8=", True, "inf", 3),
        ],
        [2, 5, *[None] * 9, 1.5, None],
    ]
    types = {column["name"]: json.loads(column["type"]) for column in held["schema"]}
    assert (types["l"], types["price"], types["at"]) == ("long", "decimal(3,2)", "timestamp")
    assert types["a"] == {"type": "array", "elementType": "integer", "containsNull": False}
    assert (held["type"], held["overflow"]) == ("table", False)


def test_intervals_of_months_are_shown(run_notebook, notebook):
    """As their text: pandas can't hold them. Days can be held."""
    query = "SELECT INTERVAL 3 YEAR AS x, 1 AS x, make_interval(1, 2) AS i, INTERVAL '2' DAY AS d"
    done = run_notebook(notebook(f'display(spark.sql("{query}"))'))

    assert done.passed, done.summary
    output = done.cells[0].outputs[0]
    assert TABLE not in output["metadata"]
    for text in ("INTERVAL '3' YEAR", "1 years 2 months", "2 days"):
        assert text in output["data"]["text/plain"]


def test_only_the_first_thousand_rows_are_shown_and_that_is_told(shown):
    """As many as people see."""
    held = shown("display(spark.range(1001))")

    assert (len(held["data"]), held["data"][-1], held["overflow"]) == (1000, [999], True)


def test_a_table_of_sql_and_one_of_files_has_its_rows(run_notebook, notebook):
    """They are displayed, too."""
    run = run_notebook(notebook("# MAGIC %sql\n# MAGIC SELECT 'x' AS only", "display(dbutils.fs.ls('dbfs:/'))"))

    sql, files = (cell.outputs[0]["metadata"][TABLE] for cell in run.cells)
    assert sql["data"] == [["x"]]
    assert ["dbfs:/tmp/", "tmp/", 0] in [row[:3] for row in files["data"]]
    assert [column["type"] for column in files["schema"]] == ['"string"', '"string"', '"long"', '"long"']


def test_a_secret_is_hidden_in_the_rows_too(run_notebook, notebook, monkeypatch):
    """As in all that the run shows."""
    monkeypatch.setenv("NBH_SECRET_S_K", "hush-hush")
    path = notebook("display(spark.createDataFrame([(dbutils.secrets.get('s', 'k'),)], 'value string'))")

    run = run_notebook(path)

    assert run.cells[0].outputs[0]["metadata"][TABLE]["data"] == [["[REDACTED]"]]


def test_what_a_table_takes_counts_as_output(run_notebook, notebook):
    """A notebook that displays without an end costs no more than one that prints."""
    path = notebook("wide = spark.range(900).selectExpr('repeat(\"x\", 2000) AS t')\nfor _ in range(8):\n    display(wide)")

    run = run_notebook(path)

    assert run.passed, run.summary
    outputs = run.cells[0].outputs
    assert len([one for one in outputs if one["output_type"] == "display_data"]) < 8
    assert "left out" in outputs[-1]["text"]


def test_a_table_is_kept_up_to_two_megabytes():
    """As on Databricks; what is left out is told."""
    from pyspark.sql.types import StringType

    held = table([("t", StringType())], [["x" * 1_000_000]] * 5, overflow=False, zone="UTC")

    assert len(json.dumps(held["data"])) <= BYTES
    assert (len(held["data"]), held["overflow"]) == (2, True)


def test_a_value_that_pandas_has_lost_is_not_made_up():
    """An integer that was read as a float may be any of several."""
    from pyspark.sql.types import LongType

    with pytest.raises(UnclearError):
        table([("n", LongType())], [[float(2**53 + 2)]], overflow=False, zone="UTC")


@pytest.mark.parametrize(("text", "utc"), [("2026-10-25 02:30", "00:30:00Z"), ("2026-03-29 02:30", "01:00:00Z")])
def test_a_moment_that_a_clock_shows_twice_or_never_has_an_answer(text, utc):
    """The hours in which summer time begins and ends."""
    import pandas as pd
    from pyspark.sql.types import TimestampType

    held = table([("at", TimestampType())], [[pd.Timestamp(text)]], overflow=False, zone="Europe/Amsterdam")

    assert held["data"][0][0].endswith(utc)
