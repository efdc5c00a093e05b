package com.databricks.sql.streaming.state;

/** The name that Databricks gives its store of streams' state in RocksDB, for Spark's own: settings of notebooks hold it. */
public final class RocksDBStateStoreProvider
    extends org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider {}
