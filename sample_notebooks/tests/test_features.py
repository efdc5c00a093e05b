"""The silver features: one test for each kind of unit that a notebook can have."""

from __future__ import annotations

from datetime import date

import pytest
from chispa import assert_df_equality
from pyspark.sql.functions import col
from pyspark.testing import assertDataFrameEqual

from harness import load_notebook
from sample_notebooks.features import (
    MissingColumnsError,
    add_months_ago,
    add_tenure_band,
    build_features,
    normalise_msisdn,
    relative_drop,
    table_name,
    usage_features,
)

USAGE = "customer_id int, month date, minutes int, data_gb double"


# A function on a DataFrame, compared with chispa.


def test_tenure_band(spark):
    """Three months are new, thirty are loyal."""
    customers = spark.createDataFrame([(1, 3), (2, 30)], "customer_id int, tenure_months int")

    banded = add_tenure_band(customers)

    assert_df_equality(banded.select("band"), spark.createDataFrame([("new",), ("loyal",)], "band string"))


# The edges of one behaviour, one case a line.


@pytest.mark.parametrize(
    ("months", "band"), [(0, "new"), (11, "new"), (12, "settled"), (23, "settled"), (24, "loyal"), (None, None)]
)
def test_tenure_band_at_the_edges(spark, months, band):
    """Each band begins at its first month, and an unknown tenure has no band."""
    customers = spark.createDataFrame([(1, months)], "customer_id int, tenure_months int")

    banded = add_tenure_band(customers)

    assert banded.first()["band"] == band


def test_tenure_band_of_no_customers_is_an_empty_frame(spark):
    """No rows in, no rows out, and the column is there."""
    nobody = spark.createDataFrame([], "customer_id int, tenure_months int")

    banded = add_tenure_band(nobody)

    assert_df_equality(banded, spark.createDataFrame([], "customer_id int, tenure_months int, band string"))


# A Python UDF: its plain function, then the same through Spark.


@pytest.mark.parametrize(
    ("number", "normal"),
    [
        ("06 1234 5678", "+31612345678"),
        ("0031-6-12345678", "+31612345678"),
        ("+49 170 1234567", "+491701234567"),
        ("none", None),
        (None, None),
    ],
)
def test_phone_number_is_written_the_international_way(number, normal):
    """The plain function behind the UDF needs no Spark: ``.func``."""
    assert normalise_msisdn.func(number) == normal


def test_phone_number_udf_on_spark(spark):
    """The UDF works in Spark's Python workers too, with what it uses of the notebook."""
    numbers = spark.createDataFrame([("06 1234 5678",), (None,)], "msisdn string")

    normal = numbers.select(normalise_msisdn("msisdn").alias("msisdn"))

    assertDataFrameEqual(normal, spark.createDataFrame([("+31612345678",), (None,)], "msisdn string"))


# What depends on widgets: the test sets them.


@pytest.mark.nbh_widgets(catalog="test", schema="mine")
def test_table_name_takes_catalog_and_schema_from_the_widgets():
    """The marker's widgets are what the notebook reads."""
    name = table_name("customers")

    assert name == "test.mine.customers"


@pytest.mark.nbh_widgets(as_of="2026-03-31")
def test_months_are_counted_back_from_the_widget_s_day(spark):
    """From the end of March, March is 0 and December three months ago."""
    usage = spark.createDataFrame([(date(2026, 3, 1),), (date(2025, 12, 1),)], "month date")

    counted = add_months_ago(usage)

    assert_df_equality(counted.select("months_ago"), spark.createDataFrame([(0,), (3,)], "months_ago int"))


# A value that the notebook computes from a table: the test gives it.


def test_pays_much_is_half_more_than_the_median():
    """With a median of 30, the line lies at 45, and 45 itself is not above it."""
    features = load_notebook("sample_notebooks/features.py", values={"median_charge": 30.0})

    answers = [features.pays_much(charge) for charge in (44.0, 45.0, 46.0)]

    assert answers == [False, False, True]


# A function that returns a column: give it a frame of one row.


@pytest.mark.parametrize(
    ("before", "now", "drop"),
    [(80.0, 60.0, 0.25), (80.0, 80.0, 0.0), (80.0, 100.0, 0.0), (80.0, 0.0, 1.0), (0.0, 5.0, None), (None, 5.0, None)],
)
def test_relative_drop(spark, before, now, drop):
    """Growth is no drop, and without a before there is nothing to compare with."""
    minutes = spark.createDataFrame([(before, now)], "before double, now double")

    dropped = minutes.select(relative_drop(col("before"), col("now")).alias("drop"))

    assert dropped.first()["drop"] == drop


@pytest.mark.nbh_widgets(as_of="2026-03-31")
def test_usage_covers_the_last_three_months(spark):
    """December is too old and April not over yet: neither counts."""
    rows = [
        (1, date(2025, 12, 1), 999, 9.0),
        (1, date(2026, 1, 1), 100, 1.0),
        (1, date(2026, 2, 1), 60, 2.0),
        (1, date(2026, 3, 1), 20, 4.0),
        (1, date(2026, 4, 1), 999, 9.0),
    ]

    used = usage_features(spark.createDataFrame(rows, USAGE))

    assert used.first().asDict() == {"customer_id": 1, "minutes": 180, "data_gb": 7.0, "minutes_drop": 0.75}


@pytest.mark.nbh_widgets(as_of="2026-03-31")
def test_customer_who_stopped_calling_has_dropped_wholly(spark):
    """No row for the last month means no minutes, not an unknown number of them."""
    usage = spark.createDataFrame([(1, date(2026, 2, 1), 60, 2.0)], USAGE)

    used = usage_features(usage)

    assert used.first()["minutes_drop"] == 1.0


# A function that calls others, and a helper that the notebook has by %run.


@pytest.mark.nbh_widgets(as_of="2026-03-31")
def test_customer_without_usage_keeps_a_row(spark):
    """The join loses nobody: no usage means zeros."""
    customers = spark.createDataFrame([(1, 3, 29.95)], "customer_id int, tenure_months int, monthly_charge double")

    features = build_features(customers, spark.createDataFrame([], USAGE))

    row = features.first()
    assert (row["band"], row["minutes"], row["data_gb"], row["minutes_drop"]) == ("new", 0, 0.0, 0.0)


def test_features_name_the_column_that_is_missing(spark):
    """``require_columns`` comes from ``%run ./shared/quality``, and so does its error."""
    customers = spark.createDataFrame([(1, 3)], "customer_id int, tenure_months int")

    with pytest.raises(MissingColumnsError, match="monthly_charge"):
        build_features(customers, spark.createDataFrame([], USAGE))
