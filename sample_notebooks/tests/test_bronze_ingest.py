"""The bronze notebook. Python can't import the name ``01-bronze-ingest``, so the ``notebook`` fixture loads it by path."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from chispa import assert_df_equality

BRONZE = "sample_notebooks/01-bronze-ingest.py"


@pytest.mark.parametrize(
    ("text", "charge"),
    [
        ("29,95 €", Decimal("29.95")),
        ("29.95", Decimal("29.95")),
        ("30", Decimal("30.00")),
        ("€ 0,00", Decimal("0.00")),
        ("free", None),
        ("", None),
        ("-5,00 €", None),
        ("1,2,3", None),
        (None, None),
    ],
)
def test_charge_is_read_as_the_crm_writes_it(notebook, spark, text, charge):
    """Comma or point, euro sign or none; what is no amount becomes a null and not an error."""
    bronze = notebook(BRONZE)
    export = spark.createDataFrame([(text,)], "monthly_charge string")

    parsed = export.select(bronze.parse_charge("monthly_charge").alias("charge"))

    assert parsed.first()["charge"] == charge


def test_texts_are_trimmed_and_empty_ones_become_null(notebook, spark):
    """Only texts are touched: a number stays as it is."""
    bronze = notebook(BRONZE)
    export = spark.createDataFrame([(1, " monthly "), (2, "   ")], "customer_id int, contract string")

    trimmed = bronze.trim_strings(export)

    assert_df_equality(trimmed, spark.createDataFrame([(1, "monthly"), (2, None)], "customer_id int, contract string"))


def test_cell_keeps_the_newest_row_of_each_customer(notebook, spark):
    """The CRM sent customer 1 twice: the later row stays, cleaned."""
    bronze = notebook(BRONZE)
    rows = [
        (1, "0612345678", "monthly", 11, "29,95 €", date(2026, 10, 1)),
        (1, "0612345678", " one-year", 12, "24,95 €", date(2026, 10, 2)),
    ]
    raw = spark.createDataFrame(rows, bronze.EXPORT_SCHEMA)

    made = bronze.cell("Clean customers").execute(raw=raw)

    assert [(row["contract"], row["monthly_charge"]) for row in made.customers.collect()] == [("one-year", Decimal("24.95"))]


@pytest.mark.parametrize(("customer_id", "contract"), [(None, "monthly"), (1, "for-ever"), (1, " "), (1, None)], ids=str)
def test_cell_rejects_a_customer_it_cannot_place(notebook, spark, customer_id, contract):
    """Without an id or a known contract a row is rejected: neither kept nor lost on the way."""
    bronze = notebook(BRONZE)
    raw = spark.createDataFrame([(customer_id, None, contract, 5, "10", date(2026, 10, 1))], bronze.EXPORT_SCHEMA)

    made = bronze.cell("Clean customers").execute(raw=raw)

    assert (made.customers.count(), made.rejected.count()) == (0, 1)


# The way in and the way out: a volume that the export lies in, and the tables that are written.


def test_export_is_read_from_the_volume(notebook, uc):
    """The CRM's file, with its semicolons, from the landing folder that the widget names."""
    landing = uc.make_volume(name="landing")
    (landing.folder / "crm-2026-10-01.csv").write_text(
        "customer_id;msisdn;contract;tenure_months;monthly_charge;exported_on\n1;0612345678;monthly;11;29,95 €;2026-10-01\n",
        encoding="utf-8",
    )
    bronze = notebook(BRONZE, widgets={"landing": landing.path})

    made = bronze.cell("Read the export").execute()

    assert made.raw.first().asDict() == {
        "customer_id": 1,
        "msisdn": "0612345678",
        "contract": "monthly",
        "tenure_months": 11,
        "monthly_charge": "29,95 €",
        "exported_on": date(2026, 10, 1),
    }


def test_tables_are_written_where_the_widgets_say(notebook, spark, uc):
    """Customers are replaced each night; what was rejected is added to what is there."""
    uc.make_table(name="customers", rows=[{"customer_id": 7}])
    uc.make_table(name="customers_rejected", rows=[{"customer_id": 8}])
    bronze = notebook(BRONZE, widgets={"catalog": uc.catalog, "schema": uc.schema})
    night = spark.createDataFrame([(1,)], "customer_id bigint")

    bronze.cell("Write the tables").execute(customers=night, rejected=night)

    assert [row["customer_id"] for row in uc.table("customers").collect()] == [1]
    assert {row["customer_id"] for row in uc.table("customers_rejected").collect()} == {1, 8}
