package io.nbh.spark.engine;

import io.nbh.spark.Metastore;
import io.nbh.spark.SpaceMark;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.apache.spark.sql.catalyst.catalog.ExternalCatalogEvent;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.connect.service.SessionHolderInfo;
import org.apache.spark.sql.connect.service.SparkConnectService$;
import org.apache.spark.sql.connect.service.SparkConnectSessionManager;
import scala.jdk.javaapi.CollectionConverters;

/** The sessions of test processes: whose each is, what it looked like before the test, and what was made in it since. */
final class Sessions {
  private static final String SPACE = "spark.nbh.space";
  private static final Map<String, Sessions> ALL = new ConcurrentHashMap<>();
  /** When each session was used last, by the clock on the wall: it may be set, so times are only told apart, never compared. */
  private static final Map<String, Long> LAST_USE = new ConcurrentHashMap<>();
  /** The one session of a Spark that lives inside a test process; other sessions there are that process's too. */
  private static volatile Sessions alone;

  private final SparkSession session;
  private final Made made;
  private final SharedClasses classes;
  private volatile ProcessHandle client;
  private volatile Path told;
  private volatile Snapshot before;
  private volatile SpaceMark space;
  private volatile ContextState context;
  private volatile Artifacts artifacts;
  /** Where its tables go if there are no catalogs. */
  private volatile Path warehouse;

  private Sessions(SparkSession session) {
    this.session = session;
    this.made = new Made(session);
    this.classes = SharedClasses.enter(session);
    this.before = Snapshot.of(session);
  }

  static Sessions of(SparkSession session) {
    return ALL.computeIfAbsent(session.sessionUUID(), key -> {
      session.sessionState().conf().setConfString(Snapshot.OWNER, session.sessionUUID());
      Snapshot.ownGlobalViews(session);
      return new Sessions(session);
    });
  }

  /** The session of a process that has this Spark for itself. */
  static synchronized Sessions alone(SparkSession session) {
    if (alone == null || alone.session != session) {
      watchCatalog(session);
      alone = new Sessions(session);
    }
    return alone;
  }

  /** Learns what is made by whom: the catalog tells of it in the thread of the session that does it. */
  static void watchCatalog(SparkSession base) {
    base.sharedState().externalCatalog().addListener((org.apache.spark.sql.catalyst.catalog.ExternalCatalogEventListener) Sessions::note);
    Metastore.listen(Sessions::note);
  }

  private static void note(ExternalCatalogEvent event) {
    scala.Option<SparkSession> active = SparkSession.getActiveSession();
    // Not the active session itself: what a stream writes in foreachBatch is made in a clone.
    Sessions session = active.isDefined()
        ? ALL.getOrDefault(active.get().sessionState().conf().getConfString(Snapshot.OWNER, ""), alone)
        : alone;
    if (session != null) {
      session.made.note(event);
    }
  }

  /** Says which process the session is of, and what Python workers of this session have to know. */
  void hello(long pid, String forWorkers) {
    client = ProcessHandle.of(pid).orElse(null);
    String folder = System.getenv("NBH_SPARK_CLIENTS");
    if (folder == null) {
      return;
    }
    try {
      Path file = Path.of(folder, session.sessionUUID() + ".json");
      Files.writeString(file, forWorkers);
      told = file;
    } catch (IOException problem) {
      throw new IllegalStateException("the engine can't write to its folder: " + problem, problem);
    }
  }

  /** What is so now belongs to fixtures that live longer than a test. */
  void mark() {
    made.keep();
    if (hasCatalogs()) {
      space = SpaceMark.of(session);
      // https://docs.databricks.com/notebooks/notebook-workflows: a notebook hands rows to the one that runs it by a global view.
      inSameSpace().findFirst().ifPresent(other -> Snapshot.shareGlobalViews(session, other.session));
    } else if (warehouse == null) {
      warehouse = Path.of(session.sessionState().conf().warehousePath().replaceFirst("^file:/*", "/"), session.sessionUUID());
      Metastore.in(warehouse.toUri(), session.sharedState().sparkContext().hadoopConfiguration()).enter(session);
    }
    before = Snapshot.of(session);
    artifacts = Artifacts.of(session);
    if (this == alone) {
      context = ContextState.of(session.sparkContext());
    }
  }

  /** Puts back what the test changed. */
  void restore() {
    endGuests();
    if (this == alone) {
      // Sessions that the test opened beside this one share its streams and its cache.
      before.stopOtherStreams(session);
      session.sharedState().cacheManager().clearCache();
    } else {
      Snapshot.uncache(session);
    }
    before.restore(session);
    made.drop();
    if (space != null) {
      space.restore();
    }
    before.goBack(session, catalog -> space == null || space.has(catalog));
    artifacts.restore(session);
    if (this == alone) {
      context.restore(session.sparkContext());
      SparkSession.setActiveSession(session);
    }
    Workers.endUsed(owner());
  }

  /** By whose name Spark keeps this session's Python workers; null for all that there are. */
  private String owner() {
    return this == alone ? null : session.sessionUUID();
  }

  /** Whether something was made since. */
  boolean hasMade() {
    return space != null && (space.isOutdated() || made.isOutdated());
  }

  /** Copies what the test made to a space of this name, with what else is there, for a person to look at. */
  void keep(String name, String note) {
    if (hasMade()) {
      space.keep(name, note);
    }
  }

  /** Forgets the session and all that was made in it. */
  void end() {
    end(false);
  }

  private void end(boolean isClientGone) {
    ALL.remove(session.sessionUUID());
    Snapshot.uncache(session);
    Sessions heir = inSameSpace().findFirst().orElse(null);
    if (heir != null) {
      // What a notebook's process made stays until its test ends.
      heir.made.take(made);
    } else {
      made.keep();
      made.dropKept();
      dropSpace(isClientGone);
    }
    if (warehouse != null) {
      Metastore.delete(warehouse);
    }
    Workers.endAll(session.sessionUUID());
    classes.leave();
    if (told != null) {
      try {
        Files.deleteIfExists(told);
      } catch (IOException left) {
        // It goes with the folder.
      }
    }
  }

  /** Forgets a session whose Spark has been stopped. */
  void forget() {
    alone = null;
    classes.leave();
    dropSpace(false);
  }

  /** The catalogs need Delta, and Spark runs without it too. */
  private boolean hasCatalogs() {
    return session.sessionState().conf().contains(SPACE);
  }

  private void dropSpace(boolean isClientGone) {
    if (space != null) {
      SpaceMark.drop(SpaceMark.nameOf(session), isClientGone);
    }
  }

  private Stream<Sessions> inSameSpace() {
    String name = space == null ? null : SpaceMark.nameOf(session);
    return ALL.values().stream()
        .filter(other -> name != null && other != this && other.space != null && SpaceMark.nameOf(other.session).equals(name));
  }

  /** Ends the sessions in this space whose processes are gone: those of notebooks that the test ran. */
  private void endGuests() {
    List<Sessions> gone = inSameSpace().filter(other -> other.client != null && !other.client.isAlive()).toList();
    if (gone.isEmpty()) {
      return;
    }
    SparkConnectSessionManager manager = SparkConnectService$.MODULE$.sessionManager();
    Map<String, SessionHolderInfo> active = new HashMap<>();
    CollectionConverters.asJava(manager.listActiveSessions()).forEach(info -> active.put(info.serverSessionId(), info));
    for (Sessions guest : gone) {
      SessionHolderInfo info = active.get(guest.session.sessionUUID());
      if (info != null) {
        manager.closeSession(info.key(), false);
      }
      guest.end();
    }
  }

  static void endAll() {
    ALL.values().forEach(Sessions::end);
    SpaceMark.dropKept();
  }

  /** Ends the sessions of processes that are gone; true if somebody used the engine since the last call, or may any moment. */
  static boolean sweep() {
    SparkConnectSessionManager manager = SparkConnectService$.MODULE$.sessionManager();
    boolean isUsed = false;
    Map<String, SessionHolderInfo> active = new ConcurrentHashMap<>();
    for (SessionHolderInfo info : CollectionConverters.asJava(manager.listActiveSessions())) {
      active.put(info.serverSessionId(), info);
      Long before = LAST_USE.put(info.serverSessionId(), info.lastAccessTimeMs());
      isUsed |= before == null || before != info.lastAccessTimeMs();
    }
    LAST_USE.keySet().retainAll(active.keySet());
    for (Sessions session : ALL.values()) {
      SessionHolderInfo info = active.get(session.session.sessionUUID());
      ProcessHandle client = session.client;
      if (info == null) {
        session.end();
      } else if (client != null && !client.isAlive()) {
        session.end(true);
        manager.closeSession(info.key(), false);
      } else {
        // A process that waits in a debugger still needs its session.
        isUsed |= client != null;
      }
    }
    return isUsed;
  }
}
