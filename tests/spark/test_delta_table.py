"""`delta.tables.DeltaTable`, as notebooks use it, on the warm engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from delta.tables import DeltaTable
from pyspark.errors import AnalysisException
from pyspark.sql import functions as sf
from pyspark.sql.types import IntegerType

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import SparkSession

    from harness.catalog.uc import Uc


@pytest.fixture
def customers(uc: Uc) -> str:
    """A Delta table of two customers."""
    uc.make_table(name="customers", rows=[{"id": 1, "plan": "S"}, {"id": 2, "plan": "M"}])
    return uc.full_name("customers")


@pytest.fixture
def changes(spark: SparkSession):
    """A change to the second, and a third."""
    return spark.createDataFrame([(2, "L"), (3, "XL")], "id bigint, plan string").alias("s")


def rows(spark: SparkSession, table: str) -> list[tuple[int, str]]:
    """The table's rows, in order."""
    return sorted((row.id, row.plan) for row in spark.table(table).collect())


def test_merge_updates_and_inserts(spark, customers, changes):
    """The upsert that most notebooks hold."""
    target = DeltaTable.forName(spark, customers).alias("t")

    merge = target.merge(changes, "t.id = s.id").whenMatchedUpdate(set={"plan": "s.plan"}).whenNotMatchedInsertAll()
    merge.execute()

    assert rows(spark, customers) == [(1, "S"), (2, "L"), (3, "XL")]


def test_merge_with_every_other_clause(spark, customers, changes):
    """Conditions, values, deletes, and what the source doesn't have."""
    spark.sql(f"INSERT INTO {customers} VALUES (3, 'old')")

    (
        DeltaTable.forName(spark, customers)
        .alias("t")
        .merge(changes, sf.expr("t.id = s.id"))
        .whenMatchedDelete(condition="s.plan = 'L'")
        .whenMatchedUpdateAll()
        .whenNotMatchedInsert(values={"id": "s.id", "plan": sf.lit("unseen")})
        .whenNotMatchedBySourceUpdate(condition="t.plan = 'S'", set={"plan": sf.lit("gone")})
        .execute()
    )
    assert rows(spark, customers) == [(1, "gone"), (3, "XL")]

    target = DeltaTable.forName(spark, customers).alias("t")
    target.merge(changes, "t.id = s.id").whenNotMatchedBySourceDelete().execute()
    assert rows(spark, customers) == [(3, "XL")]


def test_merge_can_evolve_the_schema(spark, customers):
    """A new column comes with the rows that have it."""
    wider = spark.createDataFrame([(2, "L", "de")], "id bigint, plan string, country string").alias("s")
    target = DeltaTable.forName(spark, customers).alias("t")

    target.merge(wider, "t.id = s.id").withSchemaEvolution().whenMatchedUpdateAll().execute()

    assert {tuple(row) for row in spark.table(customers).collect()} == {(1, "S", None), (2, "L", "de")}


def test_update_delete_history_and_restore(spark, customers):
    """What was done stands in the history, under the table's own name."""
    table = DeltaTable.forName(spark, customers)

    table.update("id = 1", {"plan": "'XS'"})
    table.delete(sf.col("id") == 2)

    assert rows(spark, customers) == [(1, "XS")]
    assert [row.operation for row in table.history().orderBy("version").collect()][1:] == ["UPDATE", "DELETE"]
    table.restoreToVersion(1)
    assert rows(spark, customers) == [(1, "XS"), (2, "M")]
    assert table.detail().first().name == customers


def test_names_of_one_and_two_parts_are_those_of_the_current_catalog(spark, uc, customers):
    """As in SQL; Delta itself would look in the session catalog."""
    spark.sql(f"USE {uc.catalog}.{uc.schema}")

    assert DeltaTable.forName(spark, "customers").toDF().count() == 2
    assert DeltaTable.forName(spark, f"{uc.schema}.customers").toDF().count() == 2


def test_upkeep(spark, customers):
    """What jobs do at night changes no row."""
    table = DeltaTable.forName(spark, customers)

    table.optimize().executeCompaction()
    table.optimize().executeZOrderBy("id")
    table.vacuum(200)
    table.upgradeTableProtocol(1, 3)
    table.addFeatureSupport("deletionVectors")

    assert "deletionVectors" in table.detail().first().tableFeatures
    assert rows(spark, customers) == [(1, "S"), (2, "M")]


def test_a_table_is_created_as_said(spark, uc):
    """With all that a builder can say, and names of three parts."""
    name = uc.full_name("made")
    builder = (
        DeltaTable.createIfNotExists(spark)
        .tableName(name)
        .addColumn("id", IntegerType())
        .addColumn("region", "STRING", nullable=False, comment="it's \\ where")
        .addColumn("next", "INT", generatedAlwaysAs="id + 1")
        .partitionedBy("region")
        .property("delta.appendOnly", "true")
        .comment("what we made")
    )
    builder.execute()
    builder.execute()  # it is there already

    spark.sql(f"INSERT INTO {name} (id, region) VALUES (1, 'north')")
    assert [tuple(row) for row in spark.table(name).collect()] == [(1, "north", 2)]
    assert spark.table(name).schema["region"].metadata["comment"] == "it's \\ where"
    detail = DeltaTable.forName(spark, name).detail().first()
    assert (detail.partitionColumns, detail.properties["delta.appendOnly"]) == (["region"], "true")
    with pytest.raises(AnalysisException, match="already exists"):
        DeltaTable.create(spark).tableName(name).addColumn("id", "INT").execute()


def test_paths(spark, tmp_path: Path):
    """Folders are converted, told apart and opened."""
    folder = str(tmp_path / "parquet")
    spark.range(3).write.format("parquet").save(folder)
    assert not DeltaTable.isDeltaTable(spark, folder)

    DeltaTable.convertToDelta(spark, f"parquet.`{folder}`")

    assert DeltaTable.isDeltaTable(spark, folder)
    assert DeltaTable.forPath(spark, folder).toDF().count() == 3


def test_clones(spark, uc, customers, tmp_path: Path):
    """To a path and to a name, as it is and as it was."""
    table = DeltaTable.forName(spark, customers)
    table.delete("id = 1")

    table.clone(str(tmp_path / "clone"), isShallow=True)
    table.cloneAtVersion(0, uc.full_name("before"), isShallow=True)

    assert spark.read.format("delta").load(str(tmp_path / "clone")).count() == 1
    assert rows(spark, uc.full_name("before")) == [(1, "S"), (2, "M")]


def test_what_is_no_delta_table_says_so(spark, uc, tmp_path: Path):
    """With Spark's and Delta's own errors."""
    with pytest.raises(AnalysisException, match=r"TABLE_OR_VIEW_NOT_FOUND.*nowhere"):
        DeltaTable.forName(spark, uc.full_name("nowhere")).toDF().count()
    with pytest.raises(AnalysisException, match="DELTA_MISSING_DELTA_TABLE"):
        DeltaTable.forPath(spark, str(tmp_path / "nothing")).toDF().count()
