package io.nbh.spark;

import java.lang.reflect.Field;
import java.net.URI;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.WeakHashMap;
import org.apache.spark.sql.catalyst.catalog.CatalogDatabase;
import org.apache.spark.sql.catalyst.catalog.CatalogUtils;
import org.apache.spark.sql.catalyst.catalog.ExternalCatalog;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.connector.catalog.CatalogManager;
import org.apache.spark.sql.internal.SQLConf;

/** Which space a Spark session is in, and Spark's own list of catalogs kept as that space's. */
final class Sessions {
  /** Names the session's space; sessions that say the same share all catalogs. */
  static final String SPACE = "spark.nbh.space";
  /** The folder that holds a folder for each space. */
  static final String ROOT = "spark.nbh.root";
  /** The catalogs that a new space begins with, separated by commas. */
  static final String CATALOGS = "spark.nbh.catalogs";
  /** Who owns what the session makes. */
  static final String USER = "spark.nbh.user";

  private static final String DEFAULT_SCHEMA = "spark.sql.catalog.spark_catalog.defaultDatabase";
  private static final String SESSION_SCHEMA = "session_default";
  private static final String SESSION_CATALOG = "spark_catalog";
  private static final String CATALOG_CONF = "spark.sql.catalog.";
  private static final Map<SparkSession, Seen> SEEN = new WeakHashMap<>();

  private record Seen(Space space, long version, Set<String> catalogs) {}

  private Sessions() {}

  static SparkSession active() {
    return (SparkSession) org.apache.spark.sql.SparkSession.active();
  }

  static Space space(SparkSession session) {
    return space(session.sessionState().conf());
  }

  static Space space(SQLConf conf) {
    String id = conf.getConfString(SPACE, "shared");
    Space found = Space.find(id);
    if (found != null) {
      return found;
    }
    String root = conf.getConfString(ROOT, conf.warehousePath() + "/nbh");
    List<String> catalogs = Arrays.stream(conf.getConfString(CATALOGS, "main").split(",")).map(String::trim)
        .filter(name -> !name.isEmpty()).toList();
    // A space's name may hold what a file's name may not.
    String folder = id.replaceAll("[^A-Za-z0-9_-]", "_") + "-" + Integer.toHexString(id.hashCode());
    return Space.of(id, Path.of(root.replaceFirst("^file:/*", "/")).resolve(folder), catalogs, user(conf));
  }

  static String user(SQLConf conf) {
    return conf.getConfString(USER, System.getProperty("user.name"));
  }

  /** Let this session know the catalogs of its space, and no others of ours. Cheap when nothing has changed. */
  static void update(SparkSession session) {
    renameDefaultSchema(session);
    Space space = space(session);
    Seen seen;
    synchronized (SEEN) {
      seen = SEEN.get(session);
      if (seen != null && seen.space == space && seen.version == space.version.get()) {
        return;
      }
      SEEN.put(session, new Seen(space, space.version.get(), new TreeSet<>(space.catalogs.keySet())));
    }
    CatalogManager manager = session.sessionState().catalogManager();
    SQLConf conf = session.sessionState().conf();
    Set<String> gone = seen == null ? new TreeSet<>() : new TreeSet<>(seen.catalogs);
    gone.removeAll(space.catalogs.keySet());
    if (!gone.isEmpty() && gone.contains(manager.currentCatalog().name())) {
      // Not a single statement works in a catalog that is gone.
      String home = conf.getConfString("spark.sql.defaultCatalog", SESSION_CATALOG);
      manager.setCurrentCatalog(space.catalogs.containsKey(home) ? home : SESSION_CATALOG);
    }
    for (String name : gone) {
      conf.unsetConf(CATALOG_CONF + name);
      forget(manager, name);
    }
    for (String name : space.catalogs.keySet()) {
      conf.setConfString(CATALOG_CONF + name, SpaceCatalog.class.getName());
      load(session, name); // listCatalogs() tells only of those that are loaded
    }
  }

  /**
   * Rename the session catalog's schema "default": spark.catalog.listTables("x") takes any schema x of the session catalog before
   * one of the current catalog, and every catalog of ours has a schema "default". Spark lets no conf at the start do this.
   */
  private static void renameDefaultSchema(SparkSession session) {
    SQLConf conf = session.sessionState().conf();
    if (conf.getConfString(DEFAULT_SCHEMA, "").equals(SESSION_SCHEMA)) {
      return;
    }
    ExternalCatalog external = session.sharedState().externalCatalog();
    URI folder = CatalogUtils.stringToURI(conf.warehousePath());
    external.createDatabase(new CatalogDatabase(SESSION_SCHEMA, "", folder, TableEntry.toScala(Map.of())), true);
    external.dropDatabase("default", true, true);
    conf.setConfString(DEFAULT_SCHEMA, SESSION_SCHEMA);
    session.sessionState().catalog().setCurrentDatabase(SESSION_SCHEMA);
  }

  /** Let every session of the space know at once that a catalog has come or gone. */
  static void updateAll(Space space) {
    List<SparkSession> sessions;
    synchronized (SEEN) {
      sessions = SEEN.entrySet().stream().filter(entry -> entry.getValue().space == space).map(Map.Entry::getKey).toList();
    }
    sessions.forEach(Sessions::update);
  }

  /** Spark loads by the conf and the session of the thread, and this thread may be another session's. */
  private static void load(SparkSession session, String name) {
    SQLConf.withExistingConf(session.sessionState().conf(),
        () -> session.withActive(() -> session.sessionState().catalogManager().catalog(name)));
  }

  /** Spark has no way to unload a catalog, and one that is loaded goes on to be listed. */
  private static void forget(CatalogManager manager, String name) {
    for (Class<?> type = manager.getClass(); type != null; type = type.getSuperclass()) {
      for (Field field : type.getDeclaredFields()) {
        if (field.getName().equals("catalogs") || field.getName().endsWith("$$catalogs")) {
          try {
            field.setAccessible(true);
            ((scala.collection.mutable.Map<String, Object>) field.get(manager)).remove(name);
          } catch (ReflectiveOperationException failed) {
            throw new IllegalStateException(failed);
          }
        }
      }
    }
  }
}
