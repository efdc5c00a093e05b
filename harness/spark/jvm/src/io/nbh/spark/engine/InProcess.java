package io.nbh.spark.engine;

import org.apache.spark.sql.classic.SparkSession;

/** What a test process asks of a Spark that runs for it alone, over py4j: the same as {@link Control} over Spark Connect. */
public final class InProcess {
  private InProcess() {}

  /** Takes what is so now for what fixtures of a wider scope set up. */
  public static void mark(SparkSession session) {
    Sessions.alone(session).mark();
  }

  /** Puts back what the test changed. */
  public static void restore(SparkSession session) {
    Sessions.alone(session).restore();
  }

  /** Whether the test made something that could be kept. */
  public static boolean hasMade(SparkSession session) {
    return Sessions.alone(session).hasMade();
  }

  /** Forgets a session that was stopped, and all that was made in it; another may follow. */
  public static void forget(SparkSession session) {
    Sessions.alone(session).forget();
  }
}
