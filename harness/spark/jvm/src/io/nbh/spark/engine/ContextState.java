package io.nbh.spark.engine;

import java.io.File;
import java.net.URI;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TimeZone;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkContext;
import org.apache.spark.SparkFiles;
import org.apache.spark.rdd.RDD;
import scala.Option;
import scala.jdk.javaapi.CollectionConverters;

/** What a test can change in the SparkContext, which over Spark Connect no test can reach. */
final class ContextState {
  private final Set<Object> persisted;
  private final Properties properties = new Properties();
  private final Option<String> checkpoints;
  private final Set<String> files;
  private final Map<String, String> hadoop;
  private final TimeZone zone = TimeZone.getDefault();

  private ContextState(SparkContext context) {
    persisted = new HashSet<>(CollectionConverters.asJava(context.getPersistentRDDs()).keySet());
    copy(context.getLocalProperties(), properties);
    checkpoints = context.getCheckpointDir();
    files = new HashSet<>(CollectionConverters.asJava(context.allAddedFiles()).keySet());
    hadoop = settings(context.hadoopConfiguration());
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
    restore(context.hadoopConfiguration());
    TimeZone.setDefault(zone);
    // Of addFile and addPyFile: workers would find them in the next test too.
    for (String file : CollectionConverters.asJava(context.allAddedFiles()).keySet()) {
      if (!files.contains(file)) {
        CollectionConverters.asJava(context.addedFiles()).values().forEach(added -> CollectionConverters.asJava(added).remove(file));
        new File(SparkFiles.getRootDirectory(), new File(URI.create(file).getPath()).getName()).delete();
      }
    }
  }

  private void restore(Configuration conf) {
    Map<String, String> now = settings(conf);
    now.keySet().stream().filter(name -> !hadoop.containsKey(name)).forEach(conf::unset);
    hadoop.forEach((name, value) -> {
      if (!value.equals(now.get(name))) {
        conf.set(name, value);
      }
    });
  }

  /** Without the test process's folder, which it tells itself. */
  private static Map<String, String> settings(Configuration conf) {
    Map<String, String> found = new HashMap<>();
    conf.forEach(one -> found.put(one.getKey(), one.getValue()));
    found.keySet().removeAll(List.of("nbh.working.dir", "mapreduce.job.working.dir"));
    return found;
  }

  private static void copy(Properties from, Properties to) {
    from.stringPropertyNames().forEach(name -> to.setProperty(name, from.getProperty(name)));
  }
}
