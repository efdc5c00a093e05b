package io.nbh.spark;

import java.lang.reflect.Field;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.WeakHashMap;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.connector.catalog.CatalogManager;
import org.apache.spark.sql.internal.SQLConf;
import org.apache.spark.util.Utils;
import scala.jdk.javaapi.CollectionConverters;

/** Which space a Spark session is in, and Spark's own list of catalogs kept as that space's. */
final class Sessions {
  /** Names the session's space; sessions that say the same share all catalogs. */
  static final String SPACE = "spark.nbh.space";
  /** The folder of a new space's dbfs and volumes, if they aren't to be in its own. */
  static final String FILES = "spark.nbh.files";
  /** The folder that holds a folder for each space. */
  static final String ROOT = "spark.nbh.root";
  /** The catalogs that a new space begins with, separated by commas. */
  static final String CATALOGS = "spark.nbh.catalogs";
  /** Whose the session is, and what it makes. */
  static final String USER = "spark.nbh.user";

  private static final String CATALOG_CONF = "spark.sql.catalog.";
  private static final Map<SparkSession, Seen> SEEN = new WeakHashMap<>();

  private record Seen(Space space, long version, Set<String> catalogs, Map<String, String> first) {}

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
    Path own = Path.of(root.replaceFirst("^file:/*", "/")).resolve(folder);
    return Space.of(id, own, conf.contains(FILES) ? Path.of(conf.getConfString(FILES)) : own, catalogs, user(conf));
  }

  static String user(SQLConf conf) {
    return conf.getConfString(Access.PRINCIPAL, conf.getConfString(USER, Utils.getCurrentUserName()));
  }

  /** Let this session know the catalogs of its space, and no others of ours. Cheap when nothing has changed. */
  static void update(SparkSession session) {
    Space space = space(session);
    Seen seen;
    synchronized (SEEN) {
      seen = SEEN.get(session);
      if (seen != null && seen.space == space && seen.version == space.version.get()) {
        return;
      }
      SEEN.put(session, new Seen(space, space.version.get(), new TreeSet<>(space.catalogs.keySet()),
          seen != null && seen.space == space ? seen.first : settings(session)));
    }
    CatalogManager manager = session.sessionState().catalogManager();
    SQLConf conf = session.sessionState().conf();
    if (seen == null || seen.space != space) {
      space.metastore(session).enter(session);
      CatalogApi.enter(session);
      loaded(manager).put(Metastore.ALIAS, manager.v2SessionCatalog());
    }
    Set<String> gone = seen == null ? new TreeSet<>() : new TreeSet<>(seen.catalogs);
    gone.removeAll(space.catalogs.keySet());
    if (!gone.isEmpty() && gone.contains(manager.currentCatalog().name())) {
      // Not a single statement works in a catalog that is gone.
      String home = conf.getConfString("spark.sql.defaultCatalog", Metastore.NAME);
      manager.setCurrentCatalog(space.catalogs.containsKey(home) ? home : Metastore.NAME);
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

  /** The settings that the session had when it came into its space. */
  static Map<String, String> first(SparkSession session) {
    synchronized (SEEN) {
      return SEEN.get(session).first;
    }
  }

  /** The settings by which the harness knows the session, as they are now. */
  static Map<String, String> ours(SparkSession session) {
    Map<String, String> ours = settings(session);
    ours.keySet().removeIf(name -> !name.startsWith("nbh.") && !name.startsWith("spark.nbh.") && !name.startsWith(CATALOG_CONF)
        && !name.equals(Metastore.WAREHOUSE) && !name.equals("fs.defaultFS"));
    return ours;
  }

  private static Map<String, String> settings(SparkSession session) {
    return new HashMap<>(CollectionConverters.asJava(session.sessionState().conf().getAllConfs()));
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
    loaded(manager).remove(name);
  }

  /** The catalogs that Spark has loaded, by the names that they are found under; from now on in any case. */
  private static Map<String, Object> loaded(CatalogManager manager) {
    for (Class<?> type = manager.getClass(); type != null; type = type.getSuperclass()) {
      for (Field field : type.getDeclaredFields()) {
        if (field.getName().equals("catalogs") || field.getName().endsWith("$$catalogs")) {
          try {
            field.setAccessible(true);
            var known = (scala.collection.mutable.Map<String, Object>) field.get(manager);
            if (!(known instanceof AnyCase)) {
              known = new AnyCase(known);
              field.set(manager, known);
            }
            return CollectionConverters.asJava(known);
          } catch (ReflectiveOperationException failed) {
            throw new IllegalStateException(failed);
          }
        }
      }
    }
    throw new IllegalStateException("this Spark keeps its catalogs in another way");
  }
}
