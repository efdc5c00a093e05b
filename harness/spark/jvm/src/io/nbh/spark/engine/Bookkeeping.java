package io.nbh.spark.engine;

import java.lang.reflect.Field;
import org.apache.spark.SparkContext;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.sql.catalyst.rules.QueryExecutionMetering;
import org.apache.spark.sql.catalyst.rules.QueryExecutionMetrics;
import org.apache.spark.sql.catalyst.rules.RuleExecutor$;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.connect.service.SparkConnectService$;
import scala.Option;
import sun.misc.Unsafe;

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
    stopMetering();
  }

  private static void drop(SparkContext context, Option<? extends SparkListener> listener) {
    if (listener.isDefined()) {
      context.removeSparkListener(listener.get());
    }
  }

  /** Spark adds up the time of all rules that ever ran, before and after each set of them, for a line at the level TRACE. */
  @SuppressWarnings("deprecation") // there is no other way to a static final field; where Java forbids it, it stays as it was
  private static void stopMetering() {
    try {
      Field own = Unsafe.class.getDeclaredField("theUnsafe");
      own.setAccessible(true);
      Unsafe unsafe = (Unsafe) own.get(null);
      Field meter = RuleExecutor$.class.getDeclaredField("queryExecutionMeter");
      unsafe.putObject(unsafe.staticFieldBase(meter), unsafe.staticFieldOffset(meter), new NoMetering());
    } catch (ReflectiveOperationException | RuntimeException | LinkageError refused) {
      System.err.println("rules stay metered: " + refused);
    }
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
