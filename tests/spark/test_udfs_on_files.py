"""Python functions on what lies in files, as most notebooks have them."""

from __future__ import annotations

import pytest
from pyspark.sql import functions as F  # noqa: N812 -- as Spark's users write it

ROWS = [(1, "ann"), (2, None)]


@pytest.mark.parametrize("format_", ["delta", "parquet", "orc", "json", "csv"])
def test_a_function_on_a_files_rows(spark, tmp_path, format_):
    """It ends, and gives what it gives on rows of the test's own."""
    shout = F.udf(lambda name: name and name.upper(), "string")
    spark.createDataFrame(ROWS, "id int, name string").write.format(format_).save(str(tmp_path / "rows"))
    frame = spark.read.format(format_).schema("id int, name string").load(str(tmp_path / "rows")) if format_ != "delta" else (
        spark.read.format("delta").load(str(tmp_path / "rows"))
    )  # fmt: skip

    assert sorted(frame.select("id", shout("name")).collect()) == [(1, "ANN"), (2, None)]


def test_functions_of_pandas_on_a_table(spark, uc):
    """Of both kinds, on a table, and written to another one."""
    uc.make_table(name="people", columns="id int, name string", rows=ROWS)
    longer = F.pandas_udf(lambda ids: ids + 10, "long")

    uc.table("people").withColumn("id", longer("id")).write.saveAsTable(f"{uc.catalog}.{uc.schema}.later")
    counted = uc.table("people").mapInPandas(lambda frames: (frame[["id"]] * 2 for frame in frames), "id int")

    assert sorted(row.id for row in uc.table("later").collect()) == [11, 12]
    assert sorted(row.id for row in counted.collect()) == [2, 4]


@pytest.mark.nbh_engine("classic")
def test_on_the_classic_engine(spark, uc):
    """The same."""
    uc.make_table(name="people", columns="id int, name string", rows=ROWS)
    shout = F.udf(lambda name: name and name.upper(), "string")

    assert sorted(uc.table("people").select("id", shout("name")).collect()) == [(1, "ANN"), (2, None)]
