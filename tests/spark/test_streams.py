"""Streams that keep state between their batches."""

from __future__ import annotations

import pandas as pd
import pytest

pytest.importorskip("pyspark.sql.streaming.stateful_processor")
from pyspark.sql.streaming.stateful_processor import StatefulProcessor

PROVIDER = "spark.sql.streaming.stateStore.providerClass"
OF_DATABRICKS = "com.databricks.sql.streaming.state.RocksDBStateStoreProvider"
ROCKS_FILES = (".zip", ".changelog")  # what RocksDB leaves of a version; Spark's default store leaves .delta


class Seen(StatefulProcessor):
    """How many rows there were of a key, in all batches."""

    def init(self, handle):
        """Ask for the place of the count."""
        self.seen = handle.getValueState("seen", "n bigint")

    def handleInputRows(self, key, rows, timerValues):  # noqa: N802, N803 -- Spark's names
        """Count them, and tell it."""
        count = sum(len(some) for some in rows) + (self.seen.get()[0] if self.seen.exists() else 0)
        self.seen.update((count,))
        yield pd.DataFrame({"k": [key[0]], "n": [count]})

    def close(self):
        """There is nothing to close."""


@pytest.fixture
def batch(spark, tmp_path):
    """Run a stream over what is new in a table, with a checkpoint that the next one of the test goes on from."""

    def run(stream, into):
        spark.createDataFrame([("a", 1), ("a", 2), ("b", 3)], "k string, v int").write.mode("append").saveAsTable("source")
        writer = stream(spark.readStream.table("source")).writeStream.trigger(availableNow=True)
        into(writer.option("checkpointLocation", str(tmp_path / "kept"))).awaitTermination()
        return [file for file in (tmp_path / "kept" / "state").rglob("*") if file.suffix in ROCKS_FILES]

    return run


def test_databricks_name_of_the_store_in_rocksdb(spark, batch):
    """Notebooks set it by the name that Databricks' pages give: the state is in RocksDB, and the next run finds it."""
    spark.conf.set(PROVIDER, OF_DATABRICKS)
    for expected in ({"a": 2, "b": 1}, {"a": 4, "b": 2}):
        kept = batch(lambda rows: rows.groupBy("k").count(), lambda writer: writer.outputMode("complete").toTable("counted"))
        assert {row.k: row["count"] for row in spark.table("counted").collect()} == expected
    assert kept
    assert spark.conf.get(PROVIDER) == OF_DATABRICKS


def test_a_processor_of_ones_own_with_state(spark, batch):
    """The operator transformWithState takes no store but RocksDB's, by whichever of its two names."""
    spark.conf.set(PROVIDER, OF_DATABRICKS)
    batch(
        lambda rows: rows.groupBy("k").transformWithStateInPandas(Seen(), "k string, n bigint", "Update", "None"),
        lambda writer: writer.outputMode("update").foreachBatch(_append).start(),
    )
    assert {row.k: row.n for row in spark.table("told").collect()} == {"a": 2, "b": 1}
    assert spark.conf.get(PROVIDER) == OF_DATABRICKS


def _append(rows, _number):
    rows.write.mode("append").saveAsTable("told")
