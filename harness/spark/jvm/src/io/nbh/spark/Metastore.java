package io.nbh.spark;

import java.lang.reflect.Field;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkConf;
import org.apache.spark.sql.catalyst.catalog.CatalogDatabase;
import org.apache.spark.sql.catalyst.catalog.CatalogTable;
import org.apache.spark.sql.catalyst.catalog.ExternalCatalogEventListener;
import org.apache.spark.sql.catalyst.catalog.ExternalCatalogWithListener;
import org.apache.spark.sql.catalyst.catalog.InMemoryCatalog;
import org.apache.spark.sql.catalyst.catalog.SessionCatalog;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.internal.SQLConf;
import scala.Option;

/**
 * What stands behind {@code spark_catalog}, which Databricks calls {@code hive_metastore} too: Spark's own session catalog with all
 * that it can do, but one for each space, where Spark has one for all sessions.
 */
public final class Metastore {
  static final String NAME = "spark_catalog";
  static final String ALIAS = "hive_metastore";

  static final String WAREHOUSE = "spark.sql.warehouse.dir";
  // https://docs.databricks.com/dbfs/root-locations: the place of managed tables, by which notebooks list and read their files.
  private static final URI OF_DATABRICKS = URI.create("dbfs:/user/hive/warehouse");
  private static final List<ExternalCatalogEventListener> LISTENERS = new CopyOnWriteArrayList<>();

  private final ExternalCatalogWithListener catalog;
  private final URI folder;
  private final Configuration hadoop;

  private Metastore(ExternalCatalogWithListener catalog, URI folder, Configuration hadoop) {
    this.catalog = catalog;
    this.folder = folder;
    this.hadoop = hadoop;
  }

  /** A new one, with an empty schema {@code default}; its managed tables go below the folder. */
  public static Metastore in(URI folder, Configuration hadoop) {
    Metastore made = empty(folder, hadoop);
    LISTENERS.forEach(made.catalog::addListener);
    return made;
  }

  /** A new one of a space, whose managed tables lie where they do on Databricks. */
  static Metastore of(Space space, Configuration hadoop) {
    return in(OF_DATABRICKS, in(space, hadoop));
  }

  private static Configuration in(Space space, Configuration hadoop) {
    Configuration own = new Configuration(hadoop);
    own.set(Sessions.SPACE, space.id); // for paths of dbfs, and below /Volumes
    return own;
  }

  private static Metastore empty(URI folder, Configuration hadoop) {
    ExternalCatalogWithListener made = new ExternalCatalogWithListener(new InMemoryCatalog(new SparkConf(false), hadoop));
    made.createDatabase(new CatalogDatabase("default", "", folder, TableEntry.toScala(Map.of())), true);
    return new Metastore(made, folder, hadoop);
  }

  /** Tell of what is made in any of them from now on. */
  public static void listen(ExternalCatalogEventListener listener) {
    LISTENERS.add(listener);
  }

  /** Whether the name is one of its two. */
  static boolean isMeant(String name) {
    return name.equalsIgnoreCase(NAME) || name.equalsIgnoreCase(ALIAS);
  }

  /** Let a session see this one from now on. */
  public void enter(SparkSession session) {
    SessionCatalog seen = session.sessionState().catalog();
    if (seen.externalCatalog() == catalog) {
      return;
    }
    try {
      // Spark builds the session's catalog on the one that all sessions share, and has no setting for it.
      Field field = SessionCatalog.class.getDeclaredField("externalCatalog");
      field.setAccessible(true);
      field.set(seen, catalog);
    } catch (ReflectiveOperationException changed) {
      throw new IllegalStateException("this Spark keeps its session catalog in another way: " + changed, changed);
    }
    SQLConf conf = session.sessionState().conf();
    conf.setConfString(WAREHOUSE, folder.toString());
    seen.setCurrentDatabase(conf.defaultDatabase());
  }

  /** Delete the folder of one that is no longer used. */
  public static void delete(Path folder) {
    Space.delete(folder);
  }

  int tables() {
    return Scala.list(catalog.listDatabases()).stream().mapToInt(schema -> Scala.list(catalog.listTables(schema)).size()).sum();
  }

  /** Tables and views as {@code schema.name}, with where each lies; a view lies nowhere, and its text stands for that. */
  Map<String, URI> locations() {
    Map<String, URI> found = new TreeMap<>();
    for (String schema : Scala.list(catalog.listDatabases())) {
      for (String name : Scala.list(catalog.listTables(schema))) {
        CatalogTable table = catalog.getTable(schema, name);
        Option<URI> location = table.storage().locationUri();
        found.put(schema + "." + name,
            location.isDefined() ? location.get() : URI.create("view:" + table.viewText().hashCode() + "-" + table.createTime()));
      }
    }
    return found;
  }

  /** The same in another space, to whose dbfs the files are copied by others. Nobody is told of it. */
  Metastore copy(Space to) {
    Metastore copy = empty(folder, in(to, hadoop));
    for (String schema : Scala.list(catalog.listDatabases())) {
      copy.catalog.createDatabase(catalog.getDatabase(schema), true);
      for (String name : Scala.list(catalog.listTables(schema))) {
        CatalogTable table = catalog.getTable(schema, name);
        copy.catalog.createTable(table, true);
        if (!Scala.list(table.partitionColumnNames()).isEmpty()) {
          copy.catalog.createPartitions(schema, name, catalog.listPartitions(schema, name, Option.empty()), true);
        }
      }
      Scala.list(catalog.listFunctions(schema, "*")).forEach(
          name -> copy.catalog.createFunction(schema, catalog.getFunction(schema, name)));
    }
    return copy;
  }
}
