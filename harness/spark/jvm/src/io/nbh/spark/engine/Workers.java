package io.nbh.spark.engine;

import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.SparkEnv;
import org.apache.spark.api.python.PythonWorkerFactory;
import scala.jdk.javaapi.CollectionConverters;

/** Spark's Python workers: a daemon for each session that ran a UDF, and the workers that it forked. */
final class Workers {
  private Workers() {}

  /** Ends workers that have nothing to do, a session's or (null) all: the next test's UDF gets a process that no test has used. */
  static void endIdle(String sessionUuid) {
    each(sessionUuid, factory -> factory.org$apache$spark$api$python$PythonWorkerFactory$$cleanupIdleWorkers(), false);
  }

  /** Ends the session's daemon too; Spark would keep it, 50 MB each, for as long as it lives itself. */
  static void endAll(String sessionUuid) {
    each(sessionUuid, PythonWorkerFactory::stop, true);
  }

  private interface Action {
    void on(PythonWorkerFactory factory);
  }

  private static void each(String sessionUuid, Action action, boolean remove) {
    SparkEnv env = SparkEnv.get();
    if (env == null) {
      return;
    }
    for (PythonWorkerFactory factory : factories(env, sessionUuid, remove)) {
      synchronized (factory) {
        action.on(factory);
      }
    }
  }

  @SuppressWarnings("unchecked")
  private static List<PythonWorkerFactory> factories(SparkEnv env, String sessionUuid, boolean remove) {
    List<PythonWorkerFactory> found = new ArrayList<>();
    try {
      Method all = SparkEnv.class.getDeclaredMethod("pythonWorkers");
      all.setAccessible(true);
      synchronized (env) {
        scala.collection.mutable.HashMap<Object, PythonWorkerFactory> map =
            (scala.collection.mutable.HashMap<Object, PythonWorkerFactory>) all.invoke(env);
        for (Object key : new ArrayList<>(CollectionConverters.asJava(map).keySet())) {
          Method envVars = key.getClass().getMethod("envVars");
          Object vars = envVars.invoke(key);
          String uuid = CollectionConverters.asJava((scala.collection.immutable.Map<String, String>) vars).get("SPARK_JOB_ARTIFACT_UUID");
          if (sessionUuid == null || sessionUuid.equals(uuid)) {
            found.add(remove ? map.remove(key).get() : map.apply(key));
          }
        }
      }
    } catch (ReflectiveOperationException changed) {
      throw new IllegalStateException("this Spark keeps its Python workers in another way: " + changed, changed);
    }
    return found;
  }
}
