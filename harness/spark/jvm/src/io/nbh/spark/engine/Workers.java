package io.nbh.spark.engine;

import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.SparkEnv;
import org.apache.spark.api.python.PythonWorker;
import org.apache.spark.api.python.PythonWorkerFactory;
import scala.jdk.javaapi.CollectionConverters;

/** Spark's Python workers: a daemon for each session that ran a UDF, and the workers that it forked. */
final class Workers {
  private Workers() {}

  /**
   * Ends the workers that a test has used, a session's or (null) all that there are: the next test's function gets a process that no test has touched.
   *
   * <p>The daemon runs no function of a test itself, so it stays: it has imported what workers need, and a new one would cost the
   * next test five times as much. But a worker that is still at it would come back for the next test when it is done, and only
   * with its daemon does it end for sure.
   */
  static void endUsed(String sessionUuid) {
    if (factories(sessionUuid, false).stream().anyMatch(Workers::isBusy)) {
      endAll(sessionUuid);
      return;
    }
    for (PythonWorkerFactory factory : factories(sessionUuid, false)) {
      synchronized (factory) {
        factory.org$apache$spark$api$python$PythonWorkerFactory$$cleanupIdleWorkers();
      }
    }
  }

  /** Ends the session's daemon and with it all its workers; Spark would keep it, 50 MB each, for as long as it lives itself. */
  static void endAll(String sessionUuid) {
    for (PythonWorkerFactory factory : factories(sessionUuid, true)) {
      synchronized (factory) {
        factory.stop();
      }
    }
  }

  @SuppressWarnings("unchecked")
  private static boolean isBusy(PythonWorkerFactory factory) {
    try {
      Method all = PythonWorkerFactory.class.getDeclaredMethod("daemonWorkers");
      all.setAccessible(true);
      synchronized (factory) {
        scala.collection.mutable.WeakHashMap<PythonWorker, ProcessHandle> workers =
            (scala.collection.mutable.WeakHashMap<PythonWorker, ProcessHandle>) all.invoke(factory);
        Map<PythonWorker, ProcessHandle> busy = new HashMap<>(CollectionConverters.asJava(workers));
        busy.keySet().removeAll(CollectionConverters.asJava(factory.idleWorkers()));
        // A channel that is closed is of a worker that was ended before and is on its way out.
        return busy.entrySet().stream().anyMatch(one -> one.getKey().channel().isOpen() && one.getValue().isAlive());
      }
    } catch (ReflectiveOperationException changed) {
      throw changed(changed);
    }
  }

  @SuppressWarnings("unchecked")
  private static List<PythonWorkerFactory> factories(String sessionUuid, boolean remove) {
    List<PythonWorkerFactory> found = new ArrayList<>();
    SparkEnv env = SparkEnv.get();
    if (env == null) {
      return found;
    }
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
      throw changed(changed);
    }
    return found;
  }

  private static IllegalStateException changed(ReflectiveOperationException problem) {
    return new IllegalStateException("this Spark keeps its Python workers in another way: " + problem, problem);
  }
}
