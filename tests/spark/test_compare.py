"""``assert_table_equal`` on real tables: every type, both kinds of Spark, and what is refused."""

from __future__ import annotations

import os
import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pandas as pd
import pytest
from pyspark.ml.linalg import Vectors
from pyspark.sql import Row
from pyspark.sql.types import VariantVal

from harness import assert_table_equal
from harness.errors import CompareUseError, EmptyTablesError, TooManyRowsError

NAN = float("nan")
COLUMNS = "id int, band string, score double"
ROWS = [(1, "new", 0.5), (2, "loyal", 0.25), (3, None, NAN)]

EVERY_TYPE = """
    SELECT 1 AS id, 2L AS big, 0.1f AS small, 1.5d AS broad, 9.90BD AS price, true AS yes, 'x' AS word, X'0A' AS bytes,
        DATE'2026-01-31' AS day, TIMESTAMP'2026-01-31 12:00:00+02:00' AS at, TIMESTAMP_NTZ'2026-01-31 12:00:00' AS on_clock,
        INTERVAL '1' DAY AS days, INTERVAL '1-2' YEAR TO MONTH AS months, NULL AS nothing,
        array(1, NULL) AS numbers, map('a', named_struct('n', 1)) AS by_name,
        named_struct('zip', '1000', 'tags', array('t')) AS place,
        parse_json('{"b": null, "a": [1, 2.5, "x"]}') AS anything
"""
EXPECTED = {
    "id": 1,
    "big": 2,
    "small": 0.1,
    "broad": 1.5,
    "price": "9.90",
    "yes": True,
    "word": "x",
    "bytes": b"\n",
    "day": "2026-01-31",
    "at": datetime(2026, 1, 31, 10, tzinfo=UTC),
    "on_clock": "2026-01-31 12:00",
    "days": timedelta(days=1),
    "months": "INTERVAL '1-2' YEAR TO MONTH",
    "nothing": None,
    "numbers": [1, None],
    "by_name": {"a": {"n": 1}},
    "place": {"zip": "1000", "tags": ["t"]},
    "anything": {"a": [1, Decimal("2.5"), "x"], "b": None},
}


def difference(*tables, **options):
    """The text of what differs."""
    with pytest.raises(AssertionError) as caught:
        assert_table_equal(*tables, **options)
    assert type(caught.value) is AssertionError
    return str(caught.value)


@pytest.mark.parametrize("mark", ["connect", pytest.param("classic", marks=pytest.mark.nbh_engine("classic"))])
def test_every_type(spark, mark):
    """A row of every type equals what a test writes for it, and itself computed again."""
    table = spark.sql(EVERY_TYPE)

    assert_table_equal(table, [EXPECTED], key="id")
    assert_table_equal(table, spark.sql(EVERY_TYPE), check_nullable=True, check_column_order=True)


@pytest.mark.parametrize(
    ("name", "other", "told"),
    [
        ("big", 3, "big: expected 3, got 2"),
        ("small", 0.2, "small: expected 0.2, got 0.1"),
        ("price", "9.901", "price: expected 9.901, got 9.90"),
        ("yes", None, "yes: expected null, got true"),
        ("word", 5, "word: expected 5, got 'x'"),
        ("bytes", b"\x0b", "bytes: expected X'0B', got X'0A'"),
        ("day", date(2026, 2, 1), "day: expected 2026-02-01, got 2026-01-31"),
        ("at", datetime(2026, 1, 31, 12, tzinfo=UTC), "at: expected 2026-01-31 12:00:00 UTC, got 2026-01-31 10:00:00 UTC"),
        ("on_clock", "2026-01-31 13:00", "on_clock: expected 2026-01-31 13:00:00, got 2026-01-31 12:00:00"),
        ("days", timedelta(days=2), "days: expected 2 days, 0:00:00, got 1 day, 0:00:00"),
        ("months", "INTERVAL '1-3' YEAR TO MONTH", "got \"INTERVAL '1-2' YEAR TO MONTH\""),
        ("numbers", [1, 0], "numbers[1]: expected 0, got null"),
        ("numbers", [1], "numbers[1]: expected nothing, got null"),
        ("by_name", {"a": {"n": 2}, "b": None}, "by_name{'b'}: expected null, got nothing"),
        ("place", {"zip": "1000", "tags": ["u"]}, "place.tags[0]: expected 'u', got 't'"),
        ("anything", {"a": [1, Decimal("2.5"), "x"]}, "anything.b: expected nothing, got variant null"),
        ("anything", None, "anything: expected null, got {a: [1, 2.5, 'x'], b: variant null}"),
    ],
)
def test_a_difference_in_every_type(spark, name, other, told):
    """The old value and the new one, at the place in the value where they differ."""
    text = difference(spark.sql(EVERY_TYPE), [{**EXPECTED, name: other}], key="id")

    assert " ".join(told.split()) in " ".join(text.split())
    assert "1 changed; 0 of 1 row as expected" in text


def test_rows_by_key(spark):
    """Which are missing, extra and changed, and in which columns."""
    actual = spark.createDataFrame([(1, "new", 0.5), (2, "new", 0.5), (4, "x", 1.0)], COLUMNS)

    assert difference(actual, ROWS, key="id").splitlines() == [
        "tables differ: 1 missing, 1 extra, 1 changed; 1 of 3 rows as expected",
        "",
        "  changed",
        "    id=2",
        "      band:  expected 'loyal', got 'new'",
        "      score: expected 0.25, got 0.5",
        "",
        "  missing: expected and not there",
        "    - id=3, band=null, score=NaN",
        "",
        "  extra: there and not expected",
        "    + id=4, band='x', score=1.0",
    ]


def test_rows_without_a_key(spark):
    """Equal rows are counted, and a column that would do for a key is named."""
    actual = spark.createDataFrame([(1, "new", 0.5), (3, None, NAN), (2, "new", 0.25)], COLUMNS)

    text = difference(actual, ROWS)

    assert "- id=2, band='loyal', score=0.25" in text
    assert "+ id=2, band='new', score=0.25" in text
    assert 'give key="id" to see which columns differ' in text
    assert_table_equal(spark.createDataFrame(ROWS[::-1], COLUMNS), ROWS)


def test_much_that_differs_is_counted(spark):
    """Ten rows of each sort are shown, the rest is a number; the text stays short."""
    actual = spark.range(5000).selectExpr("id", "id + 1 AS next", "repeat('x', 3000) AS long")
    expected = spark.range(5000).selectExpr("id", "id + 2 AS next", "concat(repeat('x', 2000), 'y', repeat('x', 999)) AS long")

    text = difference(actual, expected, key="id")

    assert "5 000 changed; 0 of 5 000 rows as expected" in text
    assert "and 4 990 more" in text
    assert "columns that differ: next in 5 000 rows, long in 5 000 rows" in text or "long in 5 000 rows, next in" in text
    assert "long: from character 2001 on" in text
    assert len(text) < 6000


def test_a_key_that_is_not_unique(spark):
    """Is told with its counts: a join that doubles rows shows so."""
    actual = spark.createDataFrame([(1, "a"), (1, "a"), (2, "b")], "id int, v string")

    text = difference(actual, [(1, "a"), (2, "b")], key="id")

    assert "not unique: id\n    id=1: 1 row expected, 2 there" in text
    assert "+ id=1, v='a'" in text


def test_columns_that_differ(spark):
    """In words, and the rows are compared in those that agree."""
    actual = spark.sql("SELECT 1 AS id, 2 AS n, array(named_struct('p', 1)) AS items, 'x' AS more, 'b' AS word")
    expected = spark.sql("SELECT 1 AS id, 2L AS n, array(named_struct('p', 'q')) AS items, 'a' AS word, now() AS other")

    text = difference(actual, expected, key="id")

    assert text.splitlines()[:8] == [
        "tables differ: 4 differences in the columns, 1 changed; 0 of 1 row as expected",
        "",
        "  columns",
        "    n: expected bigint, got int",
        "    items[].p: expected string, got int",
        "    other: missing, expected timestamp",
        "    more: not expected, got string",
        "",
    ]
    assert "rows are compared without n, items, other, more" in text
    assert "word: expected 'a', got 'b'" in text


def test_a_key_that_differs_in_type(spark):
    """Then no row is compared, and that is said: nothing is called equal."""
    text = difference(spark.range(3), spark.range(3).selectExpr("cast(id AS int) AS id", "id AS n"), key="id")

    assert "no row is compared, for id is the key" in text
    assert "as expected" not in text


def test_nullability_and_orders_by_option(spark):
    """Left alone if nobody asks."""
    actual = spark.sql("SELECT 2 AS b, 1 AS a")
    expected = spark.createDataFrame([(1, 2)], "a int, b int")

    assert_table_equal(actual, expected)
    assert "a: expected nullable, got not null" in difference(actual, expected, check_nullable=True)
    assert "in another order: expected a, b; got b, a" in difference(actual, expected, check_column_order=True)
    rows = spark.createDataFrame([(1,), (3,), (2,)], "n int")
    assert_table_equal(rows, [(1,), (2,), (3,)])
    assert "from row 2 on\n    - n=2\n    + n=3" in difference(rows, [(1,), (2,), (3,)], check_row_order=True)


def test_tolerance(spark):
    """Exact unless told otherwise; a difference that is no more than rounding is called so."""
    actual = spark.createDataFrame([(1, 0.1 + 0.2, [1.0 + 1e-9])], "id int, v double, l array<double>")

    text = difference(actual, [(1, 0.3, [1.0])], key="id")

    assert "v:    expected 0.3, got 0.30000000000000004" in text
    assert "rtol=1e-06 takes them as equal" in text
    assert_table_equal(actual, [(1, 0.3, [1.0])], key="id", rtol=1e-6)
    assert_table_equal(actual, [(1, 0.3, [1.0])], rtol=1e-6)
    assert_table_equal(actual, [(1, 0.25, [1.05])], atol=0.06)


def test_zero_rows_prove_nothing(spark):
    """Refused unless expected; an empty table against rows is an ordinary difference."""
    nothing = spark.createDataFrame([], COLUMNS)

    with pytest.raises(EmptyTablesError, match="NBH370"):
        assert_table_equal(nothing, [])
    with pytest.raises(EmptyTablesError, match="NBH370"):
        assert_table_equal(nothing, spark.createDataFrame(ROWS, COLUMNS).where("id > 9"), key="id")
    assert_table_equal(nothing, [], empty_ok=True)
    assert "the table has no rows" in difference(nothing, ROWS, empty_ok=True)
    assert "score: missing" in difference(nothing.drop("score"), nothing)


def test_columns_left_out(spark):
    """What changes from run to run; rows may have a value for it or not."""
    actual = spark.createDataFrame(ROWS, COLUMNS).selectExpr("id", "now() AS loaded_at", "band", "score")

    assert_table_equal(actual, ROWS, ignore="loaded_at")
    assert_table_equal(actual, [(number, None, *rest) for number, *rest in ROWS], ignore=["loaded_at"])
    assert_table_equal(actual, actual.selectExpr("*"), ignore=["loaded_at"])
    assert_table_equal(
        actual, [Row(**dict(zip(("id", "band", "score"), row, strict=True))) for row in ROWS], ignore="loaded_at"
    )
    assert "loaded_at: not expected, got timestamp" in difference(
        actual, [{"id": number, "band": band, "score": score} for number, band, score in ROWS]
    )


def test_a_column_that_only_the_test_has(spark):
    """The rows' own name for it is told."""
    text = difference(spark.createDataFrame([(1,)], "id int"), [{"id": 1, "band": "new"}], key="id")

    assert "band: missing, expected a column of str" in text


def test_pandas(spark):
    """By the names of its columns; what is missing there is a null, and whole numbers beside nulls are whole."""
    actual = spark.createDataFrame(
        [(1, None, "a", datetime(2026, 1, 31, 10, tzinfo=UTC)), (2, 7, None, None)], "id int, n int, v string, at timestamp"
    )

    assert_table_equal(actual, actual.toPandas(), key="id")
    assert_table_equal(actual, actual.toPandas()[["v", "at", "n", "id"]])
    assert "n: expected 8, got 7" in difference(actual, actual.toPandas().assign(n=[None, 8]), key="id")
    assert "v: not expected" in difference(actual, actual.toPandas().drop(columns="v"), key="id")
    assert_table_equal(actual.limit(0), pd.DataFrame({"id": [], "n": [], "v": [], "at": []}), empty_ok=True)


@pytest.fixture
def amsterdam(monkeypatch):
    """A machine whose clock goes back an hour in October."""
    monkeypatch.setenv("TZ", "Europe/Amsterdam")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("amsterdam")
def test_the_hour_that_a_clock_shows_twice(spark):
    """Two moments an hour apart are two, where ``collect()`` gives the same time for both."""
    first = spark.sql("SELECT 1 AS id, TIMESTAMP'2026-10-25 00:30:00+00:00' AS at")
    second = spark.sql("SELECT 1 AS id, TIMESTAMP'2026-10-25 01:30:00+00:00' AS at")
    assert first.collect() == second.collect()

    assert "expected 2026-10-25 01:30:00 UTC, got 2026-10-25 00:30:00 UTC" in difference(first, second, key="id")


@pytest.mark.usefixtures("amsterdam")
def test_a_moment_without_a_zone_is_of_this_machine(spark):
    """As it is for ``createDataFrame``; a frame of pandas' is in the session's zone, as Spark makes it."""
    local = datetime.fromisoformat("2026-01-31 12:00")
    actual = spark.createDataFrame([(1, local)], "id int, at timestamp")

    assert_table_equal(actual, [(1, local)])
    assert_table_equal(actual, [(1, "2026-01-31 12:00")])
    assert_table_equal(actual, [(1, datetime(2026, 1, 31, 11, tzinfo=UTC))])
    assert_table_equal(actual, actual.collect())
    assert_table_equal(actual, actual.toPandas())


def test_a_variant_is_what_it_holds(spark):
    """However it is written down; a number that is whole is no text of it."""
    actual = spark.sql("""SELECT parse_json('{"b": 1, "a": "1"}') AS v""")

    assert_table_equal(actual, [({"a": "1", "b": 1},)])
    assert_table_equal(actual, [(VariantVal.parseJson('{"a": "1", "b": 1}'),)])
    assert_table_equal(actual, spark.sql("""SELECT parse_json('{"a": "1", "b": 1}') AS v"""))
    assert difference(actual, [({"a": 1, "b": 1},)])


def test_a_vector(spark):
    """A class of the user's own is compared as what it is stored as."""
    actual = spark.createDataFrame([(1, Vectors.dense([1.0, 2.0]))], ["id", "v"])

    assert_table_equal(actual, [(1, Vectors.dense([1.0, 2.0]))], key="id")
    assert "v.values[1]: expected 3.0, got 2.0" in difference(actual, [(1, Vectors.dense([1.0, 3.0]))], key="id")


def test_a_year_that_python_does_not_have(spark):
    """It is said, with the way round it."""
    far = spark.sql("SELECT 1 AS id, DATE'+10000-01-01' AS day")

    with pytest.raises(CompareUseError, match="NBH372 Python has no value"):
        assert_table_equal(far, [(1, None)])
    assert_table_equal(far.selectExpr("id", "string(day) AS day"), [(1, "+10000-01-01")])


def test_names_that_are_no_words(spark):
    """A dot in a column's name leads nowhere."""
    actual = spark.sql("SELECT 1 AS `a.b`, 2 AS `select`, 3 AS `x y`, named_struct('b', 9) AS a")

    assert_table_equal(actual, [(1, 2, 3, (9,))], key="a.b")
    assert "a.b: expected 8, got 9" in difference(actual, [(1, 2, 3, (8,))], key="a.b")
    assert_table_equal(actual, [(1, 3, (9,))], ignore="select")


def test_more_rows_than_wanted(spark):
    """Refused before a million rows are brought here."""
    with pytest.raises(TooManyRowsError, match="NBH371 the first table has more than 100 000 rows"):
        assert_table_equal(spark.range(10_000_000_000), [])
    with pytest.raises(TooManyRowsError, match="the expected table has more than 5 rows"):
        assert_table_equal(spark.range(5), spark.range(6), max_rows=5)
    assert_table_equal(spark.range(200_000), spark.range(200_000).selectExpr("id"), max_rows=200_000, key="id")


@pytest.mark.parametrize(
    ("expected", "options", "told"),
    [
        (ROWS, {"key": "idd"}, "the key 'idd' is no column that is compared"),
        (ROWS, {"key": ["id", "band"], "ignore": "band"}, "the key 'band' is no column that is compared"),
        (ROWS, {"ignore": "bnad"}, "ignore names 'bnad', and there is no such column"),
        (ROWS, {"ignore": ["id", "band", "score"]}, "no column is left to compare"),
        (ROWS, {"rtol": -1}, "rtol is -1"),
        (ROWS, {"atol": NAN}, "atol is nan"),
        ([(1, "new")], {}, "row 1 of those expected is no row of this table"),
        ([ROWS[0], 7], {}, "row 2 of those expected is no row of this table"),
        ("orders", {}, "what was expected is no table"),
        ({"id": 1}, {}, "what was expected is no table"),
        (7, {}, "what was expected is no table"),
        (None, {}, "what was expected is no table"),
    ],
)
def test_what_cannot_be_compared_that_way(spark, expected, options, told):
    """A slip is no difference: it is told as what it is."""
    with pytest.raises(CompareUseError) as caught:
        assert_table_equal(spark.createDataFrame(ROWS, COLUMNS), expected, **options)

    assert told in caught.value.what
    assert caught.value.mend


def test_tables_that_cannot_be_compared(spark):
    """A stream, two columns of one name, a table with itself, no table."""
    stream = spark.readStream.format("rate").load()
    table = spark.range(1)
    twice = table.join(spark.range(1), how="cross")

    for actual, told in ((stream, "is a stream"), (twice, "two columns named 'id'"), ([1], "no DataFrame of Spark's")):
        with pytest.raises(CompareUseError, match=told):
            assert_table_equal(actual, [(1,)])
    with pytest.raises(CompareUseError, match="compared with itself"):
        assert_table_equal(table, table)


def test_chispa_and_pysparks_own_work_beside_it(pytester, spark):
    """Both as they are, on this Spark: they pass what is equal and fail what isn't, each with its own text."""
    del spark  # the engine's start is not looked at here
    pytester.makepyfile(
        """
        import pytest
        from chispa import assert_df_equality
        from pyspark.sql import Row
        from pyspark.testing import assertDataFrameEqual, assertSchemaEqual

        @pytest.fixture
        def tables(spark):
            return [spark.createDataFrame([(1, value)], "id int, v string") for value in "aab"]

        def test_equal(tables):
            assert_df_equality(tables[0], tables[1])
            assertDataFrameEqual(tables[0], [Row(id=1, v="a")])
            assertSchemaEqual(tables[0].schema, tables[2].schema)

        def test_chispa(tables):
            assert_df_equality(tables[0], tables[2])

        def test_pyspark(tables):
            assertDataFrameEqual(tables[0], tables[2])
        """
    )

    result = pytester.runpytest_subprocess("--color=no", "-q")

    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(["*DataFramesNotEqualError*", "*PySparkAssertionError: [[]DIFFERENT_ROWS[]]*"])


def test_the_failure_in_a_terminal(pytester, spark):
    """The test's own line, the differences as they are, and nothing of how they were found."""
    del spark  # the engine's start is not looked at here
    pytester.makepyfile(
        """
        from harness import assert_table_equal

        def test_bands(spark):
            banded = spark.createDataFrame([(1, "new"), (2, "old")], "id int, band string")
            assert_table_equal(banded, [(1, "new"), (2, "loyal")], key="id")
        """
    )

    lines = pytester.runpytest_subprocess("--color=no", "-q").stdout.lines

    start = next(index for index, line in enumerate(lines) if line.startswith(">"))
    assert lines[start : start + 8] == [
        '>       assert_table_equal(banded, [(1, "new"), (2, "loyal")], key="id")',
        "E       AssertionError: tables differ: 1 changed; 1 of 2 rows as expected",
        "E       ",
        "E         changed",
        "E           id=2",
        "E             band: expected 'loyal', got 'old'",
        "",
        "test_the_failure_in_a_terminal.py:5: AssertionError",
    ]
    assert not [line for line in lines if f"harness{os.sep}" in line]
