package io.nbh.spark.engine;

import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.function.Predicate;
import org.apache.spark.sql.catalyst.FunctionIdentifier;
import org.apache.spark.sql.catalyst.analysis.FunctionRegistryBase;
import org.apache.spark.sql.catalyst.catalog.GlobalTempViewManager;
import org.apache.spark.sql.catalyst.catalog.SessionCatalog;
import org.apache.spark.sql.catalyst.catalog.TempVariableManager;
import org.apache.spark.sql.catalyst.catalog.TemporaryViewRelation;
import org.apache.spark.sql.catalyst.catalog.VariableDefinition;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.ExpressionInfo;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.classic.StreamingQuery;
import org.apache.spark.sql.connector.catalog.CatalogManager;
import org.apache.spark.sql.connector.catalog.SupportsNamespaces;
import org.apache.spark.sql.execution.CacheManager;
import org.apache.spark.sql.execution.CachedData;
import org.apache.spark.sql.internal.SQLConf;
import org.apache.spark.sql.streaming.StreamingQueryListener;
import scala.Function1;
import scala.Tuple2;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;

/** How a session looked at one moment: settings, temporary views and functions, variables, streams, current catalog, … */
final class Snapshot {
  /** The setting that says whose a session is, in its clones too. */
  static final String OWNER = "nbh.session";

  private final Map<String, String> settings;
  private final Map<String, TemporaryViewRelation> views = new HashMap<>();
  private final Map<String, TemporaryViewRelation> globalViews = new HashMap<>();
  private final Map<FunctionIdentifier, Tuple2<ExpressionInfo, Function1<Seq<Expression>, Expression>>> functions;
  private final Map<FunctionIdentifier, Tuple2<ExpressionInfo, Function1<Seq<Expression>, LogicalPlan>>> tableFunctions;
  private final Map<String, VariableDefinition> variables;
  private final Map<String, Object> sources;
  private final Set<UUID> streams = new HashSet<>();
  private final List<StreamingQueryListener> listeners;
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
    functions = temporary(session.sessionState().functionRegistry());
    tableFunctions = temporary(session.sessionState().tableFunctionRegistry());
    variables = Map.copyOf(variables(catalogs.tempVariableManager()));
    sources = Map.copyOf(sources(session));
    listeners = List.of(session.streams().listListeners());
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
    for (StreamingQueryListener listener : session.streams().listListeners()) {
      if (!listeners.contains(listener)) {
        session.streams().removeListener(listener);
      }
    }
    restoreSettings(session.sessionState().conf());
    restoreViews(session.sessionState().catalog());
    restore(session.sessionState().functionRegistry(), functions);
    restore(session.sessionState().tableFunctionRegistry(), tableFunctions);
    restore(variables(session.sessionState().catalogManager().tempVariableManager()), variables);
    restore(sources(session), sources);
  }

  /** Has the session in the catalog and schema again that were the current ones; where they are gone, in the ones it begins with. */
  void goBack(SparkSession session, Predicate<String> isThere) {
    if (!isThere.test(catalog)) {
      return; // it was brought home as its catalog went
    }
    CatalogManager catalogs = session.sessionState().catalogManager();
    if (!catalog.equals(catalogs.currentCatalog().name())) {
      catalogs.setCurrentCatalog(catalog);
    }
    if (!java.util.Arrays.equals(namespace, catalogs.currentNamespace())) {
      boolean isGone = catalogs.currentCatalog() instanceof SupportsNamespaces known && !known.namespaceExists(namespace);
      catalogs.setCurrentNamespace(isGone ? catalogs.currentCatalog().defaultNamespace() : namespace);
    }
  }

  /** Temporary functions by their names, each with what it does. */
  private static <T> Map<FunctionIdentifier, Tuple2<ExpressionInfo, Function1<Seq<Expression>, T>>> temporary(
      FunctionRegistryBase<T> registry) {
    Map<FunctionIdentifier, Tuple2<ExpressionInfo, Function1<Seq<Expression>, T>>> found = new HashMap<>();
    for (FunctionIdentifier name : CollectionConverters.asJava(registry.listFunction())) {
      if (name.catalog().contains(CatalogManager.SYSTEM_CATALOG_NAME()) && name.database().contains(CatalogManager.SESSION_NAMESPACE())) {
        found.put(name, registry.lookupFunctionEntry(name).get());
      }
    }
    return found;
  }

  private static <T> void restore(
      FunctionRegistryBase<T> registry, Map<FunctionIdentifier, Tuple2<ExpressionInfo, Function1<Seq<Expression>, T>>> before) {
    temporary(registry).forEach((name, function) -> {
      if (!function.equals(before.get(name))) {
        registry.dropFunction(name);
      }
    });
    before.forEach((name, function) -> {
      if (!registry.functionExists(name)) {
        registry.registerFunction(name, function._1(), function._2());
      }
    });
  }

  private static <T> void restore(Map<String, T> now, Map<String, T> before) {
    now.keySet().retainAll(before.keySet());
    now.putAll(before);
  }

  /** The session's variables, to be changed too. */
  private static Map<String, VariableDefinition> variables(TempVariableManager manager) {
    return CollectionConverters.asJava((scala.collection.mutable.Map<String, VariableDefinition>) part(manager, "variables"));
  }

  /** The data sources in Python that were registered in the session, to be changed too. */
  private static Map<String, Object> sources(SparkSession session) {
    return (Map<String, Object>) part(session.sessionState().dataSourceManager(), "runtimeDataSourceBuilders");
  }

  private static Object part(Object whole, String name) {
    try {
      Field field = whole.getClass().getDeclaredField(name);
      field.setAccessible(true);
      return field.get(whole);
    } catch (ReflectiveOperationException changed) {
      throw new IllegalStateException("this Spark keeps its " + name + " in another way: " + changed, changed);
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
