package io.nbh.spark.engine;

import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.apache.spark.SparkEnv;
import org.apache.spark.util.CallSite;
import scala.Function0;
import scala.reflect.ClassTag$;

/**
 * A Spark context without what Spark does for those who type Scala at it.
 *
 * <p>Before each job Spark reads the bytes of each function's class, in case it was typed at a prompt and carries more of the
 * prompt along than it needs; from Python come no such functions. And for each RDD and job it walks its own stack to name the line
 * that made it, which over Connect is never the user's. Together that was a fifth of the engine's work on small queries.
 */
final class EngineContext extends SparkContext {
  private static final CallSite SITE = new CallSite("test", "a test process, over Spark Connect");

  EngineContext(SparkConf conf) {
    super(conf);
  }

  @Override
  public <F> F clean(F function, boolean checkSerializable) {
    return isSparks(function) && (!checkSerializable || isSerializable(function)) ? function : super.clean(function, checkSerializable);
  }

  @Override
  public CallSite getCallSite() {
    return SITE;
  }

  @Override
  public <U> U withScope(Function0<U> body) {
    return body.apply();
  }

  private static boolean isSparks(Object function) {
    return function.getClass().getName().startsWith("org.apache.spark.");
  }

  /** Whether it can be sent to a task; if not, Spark's own way tells what is the matter with it. */
  private static boolean isSerializable(Object function) {
    try {
      SparkEnv.get().closureSerializer().newInstance().serialize(function, ClassTag$.MODULE$.Any());
      return true;
    } catch (Exception refused) {
      return false;
    }
  }
}
