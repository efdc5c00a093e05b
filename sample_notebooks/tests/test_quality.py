"""The shared helpers, which other notebooks take in with ``%run ./shared/quality``."""

from __future__ import annotations

from datetime import date

import pytest

from sample_notebooks.shared.quality import MissingColumnsError, drop_duplicates_by_key, require_columns


def test_missing_columns_are_named(spark):
    """The message says which column is missing and which ones there are."""
    customers = spark.createDataFrame([(1, "monthly")], "customer_id int, contract string")

    with pytest.raises(MissingColumnsError, match="missing columns: tenure_months; there are: customer_id, contract"):
        require_columns(customers, "customer_id", "tenure_months")


def test_complete_frame_is_handed_back(spark):
    """With all columns there, the very same frame comes back, so the call fits in a chain."""
    customers = spark.createDataFrame([(1,)], "customer_id int")

    checked = require_columns(customers, "customer_id")

    assert checked is customers


def test_newest_row_of_each_key_is_kept(spark):
    """Of two rows of customer 1 the later stays; customer 2 has only one, without a date."""
    rows = [(1, date(2026, 1, 1), "old"), (1, date(2026, 2, 1), "new"), (2, None, "only")]
    customers = spark.createDataFrame(rows, "customer_id int, exported_on date, name string")

    kept = drop_duplicates_by_key(customers, key="customer_id", newest_by="exported_on")

    assert {(row["customer_id"], row["name"]) for row in kept.collect()} == {(1, "new"), (2, "only")}


def test_row_without_a_date_counts_as_the_oldest(spark):
    """A null date never wins over a known one."""
    rows = [(1, None, "undated"), (1, date(2026, 1, 1), "dated")]
    customers = spark.createDataFrame(rows, "customer_id int, exported_on date, name string")

    kept = drop_duplicates_by_key(customers, key="customer_id", newest_by="exported_on")

    assert [row["name"] for row in kept.collect()] == ["dated"]
