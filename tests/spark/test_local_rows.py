"""Rows that a test brings along lie in one partition, and answers are Spark's own whatever that spares."""

from __future__ import annotations

import pytest

ROWS = [(k, "ab"[k % 2], float(k)) for k in range(10)]


@pytest.fixture
def rows(spark):
    """Ten rows of the test's own."""
    return spark.createDataFrame(ROWS, "id int, g string, v double")


def test_no_shuffle_within_one_partition(rows, capsys):
    """An aggregate over a test's own rows is one stage."""
    rows.groupBy("g").sum("v").explain()

    assert "Exchange" not in capsys.readouterr().out


def test_shuffle_with_several_partitions(rows, spark, capsys):
    """With several partitions rows are cut and shuffled as ever."""
    spark.conf.set("spark.sql.leafNodeDefaultParallelism", "3")
    rows.groupBy("g").sum("v").explain()

    assert "Exchange" in capsys.readouterr().out
    assert sorted(rows.groupBy("g").sum("v").collect()) == [("a", 20.0), ("b", 25.0)]


def test_count_of_no_rows(spark):
    """No rows are still counted: a row that says nought."""
    assert spark.createDataFrame([], "id int").groupBy().count().collect() == [(0,)]
    assert spark.createDataFrame(ROWS[:1], "id int, g string, v double").filter("id > 5").groupBy().count().collect() == [(0,)]


def test_kept_plan_with_another_setting(rows, spark):
    """A frame that was cached in one partition gives the same where the setting is another when it runs."""
    spark.conf.set("spark.sql.leafNodeDefaultParallelism", "1")
    kept = rows.groupBy("g").sum("v").cache()
    spark.conf.set("spark.sql.leafNodeDefaultParallelism", "4")

    assert sorted(kept.collect()) == [("a", 20.0), ("b", 25.0)]
    kept.unpersist()


def test_repartitioned_rows(rows):
    """What the test itself cuts in partitions is cut."""
    assert rows.repartition(3).selectExpr("spark_partition_id() AS at").distinct().count() == 3
