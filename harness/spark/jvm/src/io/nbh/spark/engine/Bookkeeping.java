package io.nbh.spark.engine;

import org.apache.spark.SparkContext;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.sql.catalyst.rules.QueryExecutionMetering;
import org.apache.spark.sql.catalyst.rules.QueryExecutionMetrics;
import org.apache.spark.sql.catalyst.rules.RuleExecutor$;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.connect.service.SparkConnectService$;
import scala.Option;

/**
 * What Spark writes down for pages and logs that an engine doesn't have, turned off: none of it is in an answer.
 *
 * <p>That was a tenth of the engine's work on small queries.
 */
final class Bookkeeping {
  private Bookkeeping() {}

  /** To be called when the server is up. */
  static void stop(SparkSession session) {
    SparkContext context = session.sparkContext();
    drop(context, context.statusStore().listener());
    drop(context, session.sharedState().statusStore().listener());
    drop(context, Option.apply(SparkConnectService$.MODULE$.listener()));
  }

  private static void drop(SparkContext context, Option<? extends SparkListener> listener) {
    if (listener.isDefined()) {
      context.removeSparkListener(listener.get());
    }
  }

  /**
   * Spark adds up the time of all rules that ever ran, before and after each set of them, for a line at the level TRACE.
   *
   * <p>To be called before the first query: code that Java has compiled by then keeps the meter that it knew.
   */
  static void stopMetering() {
    Finals.set(RuleExecutor$.MODULE$, "queryExecutionMeter", meter -> new NoMetering());
  }

  private static final class NoMetering extends QueryExecutionMetering {
    private static final QueryExecutionMetrics NOTHING = new QueryExecutionMetrics(0, 0, 0, 0);

    @Override
    public QueryExecutionMetrics getMetrics() {
      return NOTHING;
    }

    @Override
    public void incExecutionTimeBy(String rule, long ns) {}

    @Override
    public void incTimeEffectiveExecutionBy(String rule, long ns) {}

    @Override
    public void incNumEffectiveExecution(String rule) {}

    @Override
    public void incNumExecution(String rule) {}
  }
}
