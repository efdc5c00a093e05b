package io.nbh.spark.engine;

import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.apache.spark.sql.catalyst.FunctionIdentifier;
import org.apache.spark.sql.catalyst.catalog.GlobalTempViewManager;
import org.apache.spark.sql.catalyst.catalog.SessionCatalog;
import org.apache.spark.sql.catalyst.catalog.TemporaryViewRelation;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.classic.StreamingQuery;
import org.apache.spark.sql.connector.catalog.CatalogManager;
import org.apache.spark.sql.execution.CacheManager;
import org.apache.spark.sql.execution.CachedData;
import org.apache.spark.sql.internal.SQLConf;
import scala.jdk.javaapi.CollectionConverters;

/** How a session looked at one moment: settings, temporary views and functions, streams, current catalog and schema. */
final class Snapshot {
  /** The setting that says whose a session is, in its clones too. */
  static final String OWNER = "nbh.session";

  private final Map<String, String> settings;
  private final Map<String, TemporaryViewRelation> views = new HashMap<>();
  private final Map<String, TemporaryViewRelation> globalViews = new HashMap<>();
  private final Set<FunctionIdentifier> functions;
  private final Set<UUID> streams = new HashSet<>();
  private final String catalog;
  private final String[] namespace;

  private Snapshot(SparkSession session) {
    SessionCatalog sessionCatalog = session.sessionState().catalog();
    CatalogManager catalogs = session.sessionState().catalogManager();
    settings = new HashMap<>(CollectionConverters.asJava(session.sessionState().conf().getAllConfs()));
    for (String name : CollectionConverters.asJava(sessionCatalog.getTempViewNames())) {
      views.put(name, sessionCatalog.getRawTempView(name).get());
    }
    GlobalTempViewManager global = sessionCatalog.globalTempViewManager();
    for (String name : CollectionConverters.asJava(global.listViewNames("*"))) {
      globalViews.put(name, global.get(name).get());
    }
    functions = new HashSet<>(CollectionConverters.asJava(sessionCatalog.listTemporaryFunctions()));
    for (StreamingQuery query : session.streams().active()) {
      streams.add(query.id());
    }
    catalog = catalogs.currentCatalog().name();
    namespace = catalogs.currentNamespace();
  }

  static Snapshot of(SparkSession session) {
    return new Snapshot(session);
  }

  void restore(SparkSession session) {
    for (StreamingQuery query : session.streams().active()) {
      if (!streams.contains(query.id())) {
        stop(query);
      }
    }
    restoreSettings(session.sessionState().conf());
    restoreViews(session.sessionState().catalog());
    for (FunctionIdentifier function : CollectionConverters.asJava(session.sessionState().catalog().listTemporaryFunctions())) {
      if (!functions.contains(function)) {
        session.sessionState().catalog().dropTempFunction(function.funcName(), true);
      }
    }
    CatalogManager catalogs = session.sessionState().catalogManager();
    catalogs.tempVariableManager().clear();
    if (!catalog.equals(catalogs.currentCatalog().name())) {
      catalogs.setCurrentCatalog(catalog);
    }
    if (!java.util.Arrays.equals(namespace, catalogs.currentNamespace())) {
      catalogs.setCurrentNamespace(namespace);
    }
  }

  /** Stops streams that began since in other sessions of the same Spark. */
  void stopOtherStreams(SparkSession session) {
    for (StreamingQuery query : new ArrayList<StreamingQuery>(session.sharedState().activeStreamingQueries().values())) {
      if (!streams.contains(query.id())) {
        stop(query);
      }
    }
  }

  private static void stop(StreamingQuery query) {
    try {
      query.stop();
    } catch (Exception problem) {
      System.err.println("a stream didn't stop: " + problem);
    }
  }

  private void restoreSettings(SQLConf conf) {
    for (String name : CollectionConverters.asJava(conf.getAllConfs()).keySet()) {
      if (!settings.containsKey(name)) {
        conf.unsetConf(name);
      }
    }
    Map<String, String> now = CollectionConverters.asJava(conf.getAllConfs());
    settings.forEach(
        (name, value) -> {
          if (!value.equals(now.get(name))) {
            conf.setConfString(name, value);
          }
        });
  }

  private void restoreViews(SessionCatalog catalog) {
    for (String name : CollectionConverters.asJava(catalog.getTempViewNames())) {
      if (!views.containsKey(name)) {
        catalog.dropTempView(name);
      }
    }
    views.forEach(
        (name, view) -> {
          if (catalog.getRawTempView(name).getOrElse(() -> null) != view) {
            catalog.createTempView(name, view, true);
          }
        });
    GlobalTempViewManager global = catalog.globalTempViewManager();
    for (String name : CollectionConverters.asJava(global.listViewNames("*"))) {
      if (!globalViews.containsKey(name)) {
        global.remove(name);
      }
    }
    globalViews.forEach(
        (name, view) -> {
          if (global.get(name).getOrElse(() -> null) != view) {
            global.create(name, view, true);
          }
        });
  }

  /** Takes what this session cached out of the cache, which all sessions share. */
  static void uncache(SparkSession session) {
    CacheManager cache = session.sharedState().cacheManager();
    if (cache.isEmpty()) {
      return;
    }
    try {
      Method entries = CacheManager.class.getDeclaredMethod("cachedData");
      entries.setAccessible(true);
      Object all = entries.invoke(cache);
      for (Object entry : CollectionConverters.asJava((scala.collection.Seq<?>) all)) {
        CachedData data = (CachedData) entry;
        // Not the session itself: Spark plans what it caches in a clone, which has the settings of the one it was cloned from.
        SQLConf owner = data.cachedRepresentation().cacheBuilder().cachedPlan().session().sessionState().conf();
        if (session.sessionUUID().equals(owner.getConfString(OWNER, ""))) {
          cache.uncacheQuery(session, data.plan(), false, true);
        }
      }
    } catch (ReflectiveOperationException changed) {
      throw new IllegalStateException("this Spark keeps its cache in another way: " + changed, changed);
    }
  }

  /** Has the session the other's global temporary views: the notebooks that a test runs see each other's and the test's. */
  static void shareGlobalViews(SparkSession session, SparkSession other) {
    try {
      Field views = SessionCatalog.class.getDeclaredField("globalTempViewManager");
      views.setAccessible(true);
      session.sessionState().catalog().globalTempViewManager(); // else it would be made later, and take the place of what is set
      views.set(session.sessionState().catalog(), other.sessionState().catalog().globalTempViewManager());
    } catch (ReflectiveOperationException changed) {
      throw new IllegalStateException("this Spark keeps global views in another way: " + changed, changed);
    }
  }

  /** Gives the session global temporary views of its own: test processes that share the engine must not see each other's. */
  static void ownGlobalViews(SparkSession session) {
    try {
      SessionCatalog catalog = session.sessionState().catalog();
      Field builder = SessionCatalog.class.getDeclaredField("globalTempViewManagerBuilder");
      builder.setAccessible(true);
      GlobalTempViewManager own = new GlobalTempViewManager(session.sharedState().globalTempDB());
      builder.set(catalog, (scala.Function0<GlobalTempViewManager>) () -> own);
    } catch (ReflectiveOperationException changed) {
      throw new IllegalStateException("this Spark keeps global views in another way: " + changed, changed);
    }
  }
}
