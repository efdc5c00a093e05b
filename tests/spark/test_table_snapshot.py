"""``table_snapshot`` on real tables."""

from __future__ import annotations

import pytest

TEST = """
    ROWS = [(2, "b", [1.5], None), (1, None, [], "null")]

    def test_table(spark, table_snapshot):
        table = spark.createDataFrame(ROWS, "id int, s string, l array<double>, n string")
        assert table == table_snapshot
        assert table_snapshot(name="part", ignore="n") == table.repartition(3)

    def test_empty(spark, table_snapshot):
        assert spark.range(0) == table_snapshot

    def test_large(spark, table_snapshot):
        assert spark.range(20_000) == table_snapshot

    def test_slip(spark, table_snapshot):
        assert spark.range(1) == table_snapshot(ignore="idd")
    """


@pytest.fixture
def run(pytester, spark):
    """Run the file in a pytest of its own, on the engine that is warm."""
    del spark

    def go(*arguments, text=TEST):
        pytester.makepyfile(test_it=text)
        return pytester.runpytest_subprocess("--color=no", *arguments)

    return go


def test_kept_and_compared(run, pytester):
    """Rows in an order of their own, columns with their types; a changed row is shown alone."""
    absent = run("-k", "test_table")
    run("-k", "test_table", "--snapshot-update").assert_outcomes(passed=1)
    run("-k", "test_table").assert_outcomes(passed=1)
    changed = run("-k", "test_table", text=TEST.replace('"b"', '"c"'))

    absent.assert_outcomes(failed=1)
    absent.stdout.fnmatch_lines(["*Snapshot 'test_table' does not exist!"])
    assert (pytester.path / "__snapshots__" / "test_it" / "test_table.table.txt").read_text().splitlines() == [
        "columns:",
        "  id: int",
        "  s: string",
        "  l: array<double>",
        "  n: string",
        "",
        "rows: 2",
        "  id | s | l | n",
        "  1 | null | [] | 'null'",
        "  2 | 'b' | [1.5] | null",
    ]
    changed.assert_outcomes(failed=1)
    changed.stdout.fnmatch_lines(["E*-   2 | 'b' | [[]1.5[]] | null", "E*+   2 | 'c' | [[]1.5[]] | null"])


def test_what_is_refused(run, pytester):
    """A table without rows, a huge one, a slip: never written, whatever is asked for."""
    result = run("--snapshot-update", "-k", "not test_table")

    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(
        [
            "*NBH370 a table without rows was to be kept*",
            "*NBH371 this table has more than 10 000 rows",
            "*NBH372 ignore names 'idd'*",
        ]
    )
    assert not list(pytester.path.rglob("*.table.txt"))
