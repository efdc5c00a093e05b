"""The nightly job from end to end: each notebook run whole, one after the other, as the job on the workspace runs them."""

from __future__ import annotations

import pytest

SAMPLES = "sample_notebooks"
COUNT = 60


@pytest.fixture
def job(uc, run_notebook, dbutils):
    """Everything that the job finds when it starts; gives a function that runs one of its notebooks."""
    landing = uc.make_volume(name="landing")
    lines = ["customer_id;msisdn;contract;tenure_months;monthly_charge;exported_on"]
    lines += [
        f"{n};06 1234 {n:04};{'monthly' if n % 3 else 'one-year'};{12 + n};{20 + n % 7},50 €;2026-07-31" for n in range(COUNT)
    ]
    folder = f"/Volumes/{landing.catalog_name}/{landing.schema_name}/landing"
    dbutils.fs.put(f"{folder}/customers.csv", "\n".join([*lines, "999;;unheard of;1;free;2026-07-31"]))
    # Who left had called less and less.
    usage = [(n, month, 200 - (150 if n % 2 and month == "2026-07-01" else 0), 5.0) for n in range(COUNT) for month in MONTHS]
    uc.make_table(name="usage", columns="customer_id int, month string, minutes int, data_gb double", rows=usage)
    left = [(n, "2026-08-15") for n in range(1, COUNT, 2)]
    uc.make_table(name="departures", columns="customer_id int, left_on date", rows=left)

    def run(name, **widgets):
        done = run_notebook(f"{SAMPLES}/{name}", widgets={"catalog": uc.catalog, "schema": uc.schema, **widgets})
        assert done.passed, done.summary
        return done

    return run, folder


MONTHS = ("2026-05-01", "2026-06-01", "2026-07-01")


def test_from_the_export_to_the_call_list(job, uc):
    """What one notebook writes the next one reads; the model that is trained finds those who left."""
    run, landing = job

    bronze = run("01-bronze-ingest.py", landing=landing)
    run("features.py", as_of="2026-07-31")
    trained = run("train_churn.py", as_of="2026-07-31")
    run("gold_churn.sql")

    assert bronze.exit_json() == {"customers": COUNT, "rejected": 1}
    assert uc.table("features").count() == COUNT
    assert trained.exit_json()["status"] == "trained"
    assert trained.exit_json()["auc"] > 0.9
    risks = {row["customer_id"]: row["risk"] for row in uc.table("gold_churn").collect()}
    assert len(risks) == COUNT
    assert risks[1] == "high"
    assert risks[2] == "low"
