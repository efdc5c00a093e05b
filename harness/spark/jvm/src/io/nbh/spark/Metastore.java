package io.nbh.spark;

import java.io.IOException;
import java.lang.reflect.Field;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkConf;
import org.apache.spark.sql.catalyst.catalog.CatalogDatabase;
import org.apache.spark.sql.catalyst.catalog.CatalogStorageFormat;
import org.apache.spark.sql.catalyst.catalog.CatalogTable;
import org.apache.spark.sql.catalyst.catalog.CatalogTablePartition;
import org.apache.spark.sql.catalyst.catalog.CatalogTableType;
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
  private static final List<ExternalCatalogEventListener> LISTENERS = new CopyOnWriteArrayList<>();

  private final ExternalCatalogWithListener catalog;
  private final Path folder;
  private final Configuration hadoop;

  private Metastore(ExternalCatalogWithListener catalog, Path folder, Configuration hadoop) {
    this.catalog = catalog;
    this.folder = folder;
    this.hadoop = hadoop;
  }

  /** A new one, with an empty schema {@code default}; its managed tables go below the folder. */
  public static Metastore in(Path folder, Configuration hadoop) {
    Metastore made = empty(folder, hadoop);
    LISTENERS.forEach(made.catalog::addListener);
    return made;
  }

  private static Metastore empty(Path folder, Configuration hadoop) {
    ExternalCatalogWithListener made = new ExternalCatalogWithListener(new InMemoryCatalog(new SparkConf(false), hadoop));
    made.createDatabase(new CatalogDatabase("default", "", folder.toUri(), TableEntry.toScala(Map.of())), true);
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
    conf.setConfString(WAREHOUSE, folder.toUri().toString());
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

  /** The same in another folder: what is managed is copied, what is external stays where it is. Nobody is told of it. */
  Metastore copy(Path to) throws IOException {
    Metastore copy = empty(to, hadoop);
    if (Files.isDirectory(folder)) {
      Space.copyFiles(folder, to);
    }
    for (String schema : Scala.list(catalog.listDatabases())) {
      CatalogDatabase old = catalog.getDatabase(schema);
      copy.catalog.createDatabase(new CatalogDatabase(schema, old.description(), moved(old.locationUri(), to), old.properties()), true);
      for (String name : Scala.list(catalog.listTables(schema))) {
        CatalogTable table = catalog.getTable(schema, name);
        boolean isManaged = table.tableType().equals(CatalogTableType.MANAGED());
        copy.catalog.createTable(isManaged ? moved(table, to) : table, true);
        if (!Scala.list(table.partitionColumnNames()).isEmpty()) {
          List<CatalogTablePartition> partitions = Scala.list(catalog.listPartitions(schema, name, Option.empty())).stream()
              .map(one -> isManaged ? moved(one, to) : one).toList();
          copy.catalog.createPartitions(schema, name, Scala.seq(partitions), true);
        }
      }
      Scala.list(catalog.listFunctions(schema, "*")).forEach(
          name -> copy.catalog.createFunction(schema, catalog.getFunction(schema, name)));
    }
    return copy;
  }

  private URI moved(URI location, Path to) {
    Path old = location == null ? null : Path.of(location.getPath());
    return old == null || !old.startsWith(folder) ? location : to.resolve(folder.relativize(old).toString()).toUri();
  }

  private CatalogTable moved(CatalogTable table, Path to) {
    CatalogStorageFormat storage = table.storage();
    return table.withNewStorage(movedOr(storage, to), storage.inputFormat(), storage.outputFormat(), storage.compressed(),
        storage.serde(), storage.properties(), storage.serdeName());
  }

  private CatalogTablePartition moved(CatalogTablePartition one, Path to) {
    CatalogStorageFormat storage = one.storage();
    CatalogStorageFormat now = new CatalogStorageFormat(movedOr(storage, to), storage.inputFormat(), storage.outputFormat(),
        storage.serde(), storage.compressed(), storage.properties(), storage.serdeName());
    return new CatalogTablePartition(one.spec(), now, one.parameters(), one.createTime(), one.lastAccessTime(), one.stats());
  }

  private Option<URI> movedOr(CatalogStorageFormat storage, Path to) {
    return storage.locationUri().isDefined() ? Option.apply(moved(storage.locationUri().get(), to)) : storage.locationUri();
  }
}
