package io.nbh.spark;

import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.TransformWithState;
import org.apache.spark.sql.catalyst.plans.logical.TransformWithStateInPySpark;
import org.apache.spark.sql.catalyst.rules.Rule;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider;
import org.apache.spark.sql.internal.SQLConf;

/**
 * Gives a stream's own session Spark's name of the store in RocksDB where transformWithState asks for it: it takes no other, and
 * the notebook may have set Databricks' name. The notebook's session keeps what was set.
 */
final class StateStore extends Rule<LogicalPlan> {
  private static final String DATABRICKS = com.databricks.sql.streaming.state.RocksDBStateStoreProvider.class.getName();
  private final SparkSession session;

  StateStore(SparkSession session) {
    this.session = session;
  }

  @Override
  public LogicalPlan apply(LogicalPlan plan) {
    SQLConf conf = session.sessionState().conf();
    if (conf.stateStoreProviderClass().equals(DATABRICKS)
        && plan.exists(node -> node instanceof TransformWithState || node instanceof TransformWithStateInPySpark)) {
      conf.setConfString(SQLConf.STATE_STORE_PROVIDER_CLASS().key(), RocksDBStateStoreProvider.class.getName());
    }
    return plan;
  }
}
