"""The tests of the notebook ``unit_test_demo.py``, in the order of its steps."""

from __future__ import annotations

import pytest
from chispa import assert_df_equality

from sample_notebooks.unit_test_demo import churn_rate, flag_unhappy, in_our_region

# Step 1: a unit


def test_churn_rate_is_the_share_that_left():
    """Five of a hundred customers are 5 %."""
    rate = churn_rate(5, 100)

    assert rate == 0.05


def test_churn_rate_without_customers_is_zero():
    """Nobody was there, so nobody left: 0, and no division by zero."""
    rate = churn_rate(0, 0)

    assert rate == 0.0


# Step 2: a function on a DataFrame


def test_customer_is_unhappy_from_three_complaints_on(spark):
    """Two complaints are not enough, three are."""
    customers = spark.createDataFrame([(1, 2), (2, 3)], "customer_id int, complaints int")

    flagged = flag_unhappy(customers)

    expected = spark.createDataFrame([(1, 2, False), (2, 3, True)], "customer_id int, complaints int, unhappy boolean")
    assert_df_equality(flagged, expected, ignore_nullable=True)


@pytest.mark.parametrize(("complaints", "unhappy"), [(None, False), (0, False), (2, False), (3, True), (4, True)])
def test_unhappy_at_the_edges(spark, complaints, unhappy):
    """The limit itself counts as unhappy, and a null is no complaint."""
    customers = spark.createDataFrame([(1, complaints)], "customer_id int, complaints int")

    flagged = flag_unhappy(customers)

    assert flagged.first()["unhappy"] is unhappy


# Step 4: a function that reads a widget


@pytest.mark.nbh_widgets(region="south")
def test_only_customers_of_the_widget_s_region_are_kept(spark):
    """The widget says south, so the customer in the north is left out."""
    customers = spark.createDataFrame([(1, "north"), (2, "south")], "customer_id int, region string")

    kept = in_our_region(customers)

    assert [row["customer_id"] for row in kept.collect()] == [2]


# Step 5: a cell without functions


def test_cell_picks_unhappy_customers_of_the_region(notebook, spark):
    """Of two unhappy customers, only the one in the region is to be called."""
    customers = spark.createDataFrame(
        [(1, "north", 5), (2, "south", 5), (3, "north", 0)], "customer_id int, region string, complaints int"
    )
    demo = notebook("sample_notebooks/unit_test_demo.py", widgets={"region": "north"})

    made = demo.cell("Pick whom to call").execute(customers=customers)

    assert [row["customer_id"] for row in made.to_call.collect()] == [1]


# Step 6: a value that comes from data


def test_twice_the_average_is_more_than_most(notebook):
    """With 2 complaints on average, 4 are twice as many and 3 are not."""
    demo = notebook("sample_notebooks/unit_test_demo.py", values={"average_complaints": 2.0})

    answers = [demo.complains_more_than_most(complaints) for complaints in (3, 4)]

    assert answers == [False, True]
