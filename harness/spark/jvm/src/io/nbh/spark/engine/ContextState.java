package io.nbh.spark.engine;

import java.util.HashSet;
import java.util.Properties;
import java.util.Set;
import org.apache.spark.SparkContext;
import org.apache.spark.rdd.RDD;
import scala.Option;
import scala.jdk.javaapi.CollectionConverters;

/** What a test can change in the SparkContext, which over Spark Connect no test can reach. */
final class ContextState {
  private final Set<Object> persisted;
  private final Properties properties = new Properties();
  private final Option<String> checkpoints;

  private ContextState(SparkContext context) {
    persisted = new HashSet<>(CollectionConverters.asJava(context.getPersistentRDDs()).keySet());
    copy(context.getLocalProperties(), properties);
    checkpoints = context.getCheckpointDir();
  }

  static ContextState of(SparkContext context) {
    return new ContextState(context);
  }

  void restore(SparkContext context) {
    CollectionConverters.asJava(context.getPersistentRDDs()).forEach((id, rdd) -> {
      if (!persisted.contains(id)) {
        ((RDD<?>) rdd).unpersist(true);
      }
    });
    Properties before = new Properties();
    copy(properties, before);
    context.setLocalProperties(before);
    context.checkpointDir_$eq(checkpoints);
  }

  private static void copy(Properties from, Properties to) {
    from.stringPropertyNames().forEach(name -> to.setProperty(name, from.getProperty(name)));
  }
}
