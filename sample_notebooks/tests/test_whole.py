"""Notebooks run whole, from the first cell to the last, on tables of the test's own."""

from __future__ import annotations

import pytest

from harness import assert_table_equal

CUSTOMERS = [(1, 3, "06 1234 5678", 20.0), (2, 30, "0031612345679", 30.0), (3, 14, None, 90.0)]
USAGE = [(1, "2026-09-01", 80, 1.5), (1, "2026-10-01", 60, 1.0), (2, "2026-10-01", 200, 9.0)]


def test_features_and_gold_table(run_notebook, uc):
    """The Python notebook writes what the SQL notebook reads; each is told where by its widgets."""
    uc.make_table(
        name="customers", columns="customer_id int, tenure_months int, msisdn string, monthly_charge double", rows=CUSTOMERS
    )
    uc.make_table(name="usage", columns="customer_id int, month string, minutes int, data_gb double", rows=USAGE)
    uc.make_table(name="churn_scores", columns="customer_id int, score double", rows=[(1, 0.8), (2, 0.1)])
    widgets = {"catalog": uc.catalog, "schema": uc.schema}

    features = run_notebook("sample_notebooks/features.py", widgets={**widgets, "as_of": "2026-10-31"})
    gold = run_notebook("sample_notebooks/gold_churn.sql", widgets=widgets)

    assert features.passed, features.summary
    assert gold.passed, gold.summary
    expected = [(1, "new", "high"), (2, "loyal", "low"), (3, "settled", "unknown")]
    assert_table_equal(uc.table("gold_churn").select("customer_id", "band", "risk"), expected, key="customer_id")


def test_a_table_that_is_missing(run_notebook, uc):
    """A run that is meant to fail: the test says how, and the run says where."""
    run = run_notebook("sample_notebooks/features.py", widgets={"catalog": uc.catalog, "schema": uc.schema})

    assert run.outcome == "failed"
    assert "TABLE_OR_VIEW_NOT_FOUND" in run.error
    assert run.location.path == "sample_notebooks/features.py"


def test_a_notebook_of_tests(run_notebook):
    """Run whole it runs its own tests, and exits with what became of them; pytest also has each as a test of its own."""
    run = run_notebook("sample_notebooks/quality_test.py")

    assert run.passed, run.summary
    assert [case["case"] for case in run.exit_json()["cases"]] == ["one_row_a_key", "the_table_is_as_it_was"]


@pytest.mark.nbh_local_only  # what it tests imports this repository as a package, which isn't installed on a workspace
def test_a_notebook_that_runs_its_own_tests(run_notebook):
    """As in the workspace: its last cells run the tests beside it, on its own Spark."""
    run = run_notebook("sample_notebooks/unit_test_demo.py")

    assert run.passed, run.summary
    assert "11 passed" in run.cells[24].text
