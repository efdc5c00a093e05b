package io.nbh.spark.engine;

import java.net.URL;
import org.apache.spark.JobArtifactState;
import org.apache.spark.executor.IsolatedSessionState;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.util.MutableURLClassLoader;
import scala.collection.mutable.HashMap;

/**
 * One class loader for the tasks of all sessions, while a session has no jar of its own.
 *
 * <p>Spark gives each Connect session a loader, in case the session brings classes, and keeps generated code by loader: so each
 * run of a suite compiled all of its code again, and for each name in it that is no class asked the driver over the network. A jar
 * that a session adds later still gets it a loader of its own, from Spark.
 */
final class SharedClasses {
  private static final String ALL = "default";

  private final IsolatedSessionState state;

  private SharedClasses(IsolatedSessionState state) {
    this.state = state;
  }

  /** To be called before the session's first task. */
  static SharedClasses enter(SparkSession session) {
    IsolatedSessionState all = IsolatedSessionState.sessions().get(ALL);
    JobArtifactState own = session.artifactManager().state();
    if (all == null || own == null) {
      return new SharedClasses(null);
    }
    IsolatedSessionState state = new IsolatedSessionState(own.uuid(), new MutableURLClassLoader(new URL[0], all.urlClassLoader()),
        all.replClassLoader(), new HashMap<>(), new HashMap<>(), new HashMap<>(), own.replClassDirUri());
    // Spark takes up a state that it finds only if somebody uses it who has thrown it out.
    state.acquire();
    state.markEvicted();
    return new SharedClasses(IsolatedSessionState.sessions().putIfAbsent(own.uuid(), state) == null ? state : null);
  }

  /** Leaves what the session's tasks had to Spark, which clears it away. */
  void leave() {
    if (state != null) {
      state.release();
    }
  }
}
