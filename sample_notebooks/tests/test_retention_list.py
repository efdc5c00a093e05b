"""The retention list: tables in two catalogs. Each test makes the tables that it needs, and they are gone after it."""

from __future__ import annotations

from datetime import date
from functools import partial

import pytest

from sample_notebooks.retention_list import build_call_list, call_window, create_functions, create_view, merge_contacts

CONTACTS = "customer_id int, msisdn string, answer string, answered_on date"

# The names that the notebook has on the workspace. Tests that run at the same time don't see each other's.
on_the_workspace = pytest.mark.nbh_widgets(silver="ppd_telecom.churn", gold="ppd_marketing.retention")


@pytest.fixture
def make_silver(make_catalog, make_schema, make_table):
    """Make a table of the silver schema; the gold one is there too, in a catalog of its own."""
    make_catalog(name="ppd_telecom")
    make_catalog(name="ppd_marketing")
    make_schema(catalog_name="ppd_marketing", name="retention")
    silver = make_schema(catalog_name="ppd_telecom", name="churn")
    return partial(make_table, catalog_name=silver.catalog_name, schema_name=silver.name)


# A MERGE: what is there before, what comes in, what is there afterwards.


@on_the_workspace
@pytest.mark.parametrize(
    ("said", "on", "answer"),
    [("never again", "2026-10-02", "never again"), ("never again", "2026-09-30", "evening"), (None, "2026-10-02", None)],
    ids=["newer", "older", "newer without words"],
)
def test_newer_answer_wins(spark, make_silver, said, on, answer):
    """A customer has one row, with the newest answer, in whatever order they come in."""
    contacts = make_silver(name="contacts", rows=[(1, "+31612345678", "evening", "2026-10-01")], columns=CONTACTS)
    answers = spark.createDataFrame([(1, "+31612345678", said, date.fromisoformat(on))], CONTACTS)

    merge_contacts(answers)

    assert [row["answer"] for row in spark.table(contacts.full_name).collect()] == [answer]


@on_the_workspace
def test_merging_twice_is_merging_once(spark, make_silver):
    """The job may be repeated after a failure: nothing is doubled."""
    contacts = make_silver(name="contacts", columns=CONTACTS)
    answers = spark.createDataFrame([(1, "+31612345678", "evening", date(2026, 10, 1))], CONTACTS)

    merge_contacts(answers)
    merge_contacts(answers)

    assert spark.table(contacts.full_name).count() == 1


# A gold table: made of two silver ones, in another catalog.


@on_the_workspace
def test_list_has_those_who_may_leave_and_may_be_called(spark, make_silver):
    """Customer 2 stays, 3 doesn't want to be called, and of 4 nothing is known but the score."""
    make_silver(
        name="contacts",
        rows=[(1, "+31611111111", "after 18h", "2026-10-01"), (2, None, None, None), (3, None, "NEVER", "2026-10-01")],
        columns=CONTACTS,
    )
    make_silver(name="churn_scores", rows=[(1, 0.9), (2, 0.69), (3, 0.95), (4, 0.7)], columns="customer_id int, score double")

    build_call_list()

    listed = spark.table("ppd_marketing.retention.call_list").orderBy("customer_id").collect()
    assert [(row["customer_id"], row["call_window"]) for row in listed] == [(1, "evening"), (4, "any time")]


# A Python UDF: the plain function first; the gold table above has shown it on Spark.


@pytest.mark.parametrize(
    ("answer", "window"),
    [("Only after 18h", "evening"), ("NEVER in the evening", "do not call"), ("gladly", "any time"), (None, "any time")],
)
def test_answer_says_when_to_call(answer, window):
    """Who never wants to be called isn't, whatever else they say."""
    assert call_window.func(answer) == window


# A function and a view of the catalog. Here the test's own schema stands for the gold one: the notebook's widget says which.


def test_numbers_are_hidden_for_marketing(notebook, uc):
    """The view has the customers for the evening, with the end of the number only; marketing may read it, and nobody else."""
    uc.make_table(
        name="call_list",
        rows=[(1, "+31612345678", 0.9, "evening"), (2, "+31687654321", 0.8, "any time"), (3, None, 0.8, "evening")],
        columns="customer_id int, msisdn string, score double, call_window string",
    )
    retention = notebook("sample_notebooks/retention_list.py", widgets={"gold": uc.name})

    retention.create_functions()
    retention.create_view()

    seen = {row["customer_id"]: row["msisdn"] for row in uc.table("evening_calls").collect()}
    assert seen == {1: "*********678", 3: None}
    assert uc.grants("evening_calls", kind="view") == {"marketing": {"SELECT"}}


# Much data at once: generated, always the same, and joined by customer_id.


@on_the_workspace
def test_list_of_many_customers_has_each_once(spark, make_silver):
    """With a contact for everybody nobody is listed twice, and the view reads from the list."""
    make_silver(name="contacts", columns=CONTACTS, generate=200)
    make_silver(name="churn_scores", columns="customer_id int, score double", rows=[(n, 0.9) for n in range(1, 201)])

    build_call_list()
    create_functions()
    create_view()

    listed = spark.table("ppd_marketing.retention.call_list")
    assert listed.count() == listed.select("customer_id").distinct().count() == 200
    assert spark.table("ppd_marketing.retention.evening_calls").count() == 0
