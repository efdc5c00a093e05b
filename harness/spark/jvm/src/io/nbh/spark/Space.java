package io.nbh.spark;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.apache.spark.sql.classic.SparkSession;

/** The catalogs that some Spark sessions share and all others don't see; it lives until it is dropped or the JVM ends. */
final class Space {
  private static final Map<String, Space> ALL = new ConcurrentHashMap<>();

  final String id;
  final Path root;
  /** Where dbfs and volumes are: the test process's own folder if it has named one, for it reads and writes there too. */
  final Path files;
  final ConcurrentSkipListMap<String, CatalogEntry> catalogs = new ConcurrentSkipListMap<>();
  final List<Grant> grants = new CopyOnWriteArrayList<>();
  final AtomicLong version = new AtomicLong();
  /** How many tests it has served. */
  final AtomicLong tests = new AtomicLong();
  /** Whether it outlives its sessions, to be looked at. */
  volatile boolean isKept;
  /** The catalogs that it begins with. */
  final List<String> first;
  private Metastore metastore;

  private Space(String id, Path root, Path files, List<String> first) {
    this.id = id;
    this.root = root;
    this.files = files;
    this.first = first;
  }

  /** The space of this id, made with the given catalogs (each with a schema {@code default}) if it isn't there yet. */
  static Space of(String id, Path root, Path files, List<String> catalogs, String owner) {
    return ALL.computeIfAbsent(id, key -> {
      Space space = new Space(id, root, files, catalogs);
      root.toFile().mkdirs(); // from outside it is looked at before the first table is made
      Path volumes = files.resolve("volumes");
      if (Files.isDirectory(volumes)) {
        delete(volumes); // of a space of this name whose JVM has ended
        volumes.toFile().mkdirs();
      }
      catalogs.forEach(name -> space.createCatalog(name, null, owner, null));
      return space;
    });
  }

  /** The space of this id, or null. */
  static Space find(String id) {
    return ALL.get(id);
  }

  static List<Space> all() {
    return ALL.values().stream().sorted(Comparator.comparing(space -> space.id)).toList();
  }

  /** Forget the space and delete all of its files; false if there is none. */
  static boolean drop(String id) {
    Space space = ALL.remove(id);
    if (space == null) {
      return false;
    }
    space.version.incrementAndGet();
    delete(space.root);
    delete(space.files.resolve("volumes"));
    return true;
  }

  /** What {@code spark_catalog} is in this space. */
  synchronized Metastore metastore(SparkSession session) {
    if (metastore == null) {
      metastore = Metastore.of(this, session.sharedState().sparkContext().hadoopConfiguration());
    }
    return metastore;
  }

  /** Another space with copies of all that is in this one, which stays after both end. */
  Space copy(String id, Path root) throws IOException {
    Space copy = new Space(id, root, root, first);
    copy.isKept = true;
    for (CatalogEntry catalog : catalogs.values()) {
      copy.catalogs.put(catalog.name, catalog.copy(copy));
    }
    copy.grants.addAll(grants);
    if (Files.isDirectory(dbfs())) {
      copyFiles(dbfs(), copy.dbfs());
    }
    if (ALL.putIfAbsent(id, copy) != null) {
      throw Errors.exists("space", id);
    }
    if (metastore != null) {
      copy.metastore = metastore.copy(copy);
    }
    return copy;
  }

  static void copyFiles(Path from, Path to) throws IOException {
    try (Stream<Path> found = Files.walk(from)) {
      for (Path path : found.sorted().toList()) {
        Path target = to.resolve(from.relativize(path).toString());
        if (Files.isDirectory(path)) {
          Files.createDirectories(target);
        } else {
          Files.createDirectories(target.getParent());
          Files.copy(path, target);
        }
      }
    }
  }

  int tables() {
    return catalogs.values().stream().flatMap(catalog -> catalog.schemas.values().stream()).mapToInt(one -> one.relations.size()).sum()
        + (metastore == null ? 0 : metastore.tables());
  }

  /** What names are stored as: like Unity Catalog's and the session catalog's, they don't know case. */
  static String key(String name) {
    return name.toLowerCase(Locale.ROOT);
  }

  CatalogEntry createCatalog(String name, String comment, String owner, String location) {
    CatalogEntry made = new CatalogEntry(key(name), comment, owner, location);
    if (catalogs.putIfAbsent(made.name, made) != null) {
      throw Errors.exists("catalog", made.name);
    }
    made.schemas.put("default", new SchemaEntry("default", Map.of("owner", owner)));
    version.incrementAndGet();
    return made;
  }

  void dropCatalog(CatalogEntry catalog) {
    catalog.schemas.values().forEach(SchemaEntry::deleteFiles);
    catalogs.remove(catalog.name);
    grants.removeIf(grant -> grant.isOn(catalog.name));
    version.incrementAndGet();
  }

  /** The catalog, or Spark's own error. */
  CatalogEntry catalog(String name) {
    CatalogEntry found = catalogs.get(key(name));
    if (found == null && Metastore.isMeant(name)) {
      throw Errors.needsUnityCatalog(name);
    }
    if (found == null) {
      throw Errors.catalogNotFound(name);
    }
    return found;
  }

  /** The root of {@code dbfs:/}. */
  Path dbfs() {
    return files.resolve("dbfs");
  }

  /** A folder that no other object has or will ever have, so that nothing cached by path can go stale. */
  Path newFolder(String kind) {
    return root.resolve(kind).resolve(UUID.randomUUID().toString());
  }

  /** A managed volume's folder, under its own name; 255 characters may be more bytes than a file's name may have. */
  Path volumeFolder(String... names) {
    Path folder = files.resolve("volumes");
    for (String name : names) {
      folder = folder.resolve(name.getBytes(StandardCharsets.UTF_8).length > 255 ? UUID.nameUUIDFromBytes(name.getBytes(StandardCharsets.UTF_8)).toString() : name);
    }
    return folder;
  }

  static void delete(Path folder) {
    if (!Files.exists(folder)) {
      return;
    }
    try (Stream<Path> found = Files.walk(folder)) {
      for (Path path : new ArrayList<>(found.sorted(Comparator.reverseOrder()).toList())) {
        Files.deleteIfExists(path);
      }
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }
}
