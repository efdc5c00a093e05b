"""The nightly job of ``databricks.yml`` from end to end: its tasks, conditions and parameters, as a throw-away copy."""

from __future__ import annotations

import pytest

COUNT = 60
MONTHS = ("2026-05-01", "2026-06-01", "2026-07-01")


@pytest.fixture
def nightly(uc, run_job, dbutils):
    """Everything that the job finds when it starts; gives a function that runs it."""
    landing = uc.make_volume(name="landing")
    lines = ["customer_id;msisdn;contract;tenure_months;monthly_charge;exported_on"]
    lines += [
        f"{n};06 1234 {n:04};{'monthly' if n % 3 else 'one-year'};{12 + n};{20 + n % 7},50 €;2026-07-31" for n in range(COUNT)
    ]
    dbutils.fs.put(f"{landing.path}/customers.csv", "\n".join([*lines, "999;;unheard of;1;free;2026-07-31"]))
    # Who left had called less and less.
    usage = [(n, month, 200 - (150 if n % 2 and month == "2026-07-01" else 0), 5.0) for n in range(COUNT) for month in MONTHS]
    uc.make_table(name="usage", columns="customer_id int, month string, minutes int, data_gb double", rows=usage)
    left = [(n, "2026-08-15") for n in range(1, COUNT, 2)]
    uc.make_table(name="departures", columns="customer_id int, left_on date", rows=left)

    return lambda **more: run_job(
        "nightly", parameters={"catalog": uc.catalog, "schema": uc.schema, "as_of": "2026-07-31", **more}, timeout_s=900
    )


def test_from_the_export_to_the_call_list(nightly, uc):
    """What one task writes the next one reads; the model that is trained finds those who left."""
    run = nightly(retrain="yes")

    assert run.passed, run.summary
    assert run.tasks["ingest"].run.exit_json() == {"customers": COUNT, "rejected": 1}
    assert uc.table("features").count() == COUNT
    trained = run.tasks["train"].run.exit_json()
    assert trained["status"] == "trained"
    assert trained["auc"] > 0.9
    risks = {row["customer_id"]: row["risk"] for row in uc.table("gold_churn").collect()}
    assert len(risks) == COUNT
    assert risks[1] == "high"
    assert risks[2] == "low"
