package io.nbh.spark;

import java.io.IOException;
import java.io.UncheckedIOException;
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

/** The catalogs that some Spark sessions share and all others don't see; it lives until it is dropped or the JVM ends. */
final class Space {
  private static final Map<String, Space> ALL = new ConcurrentHashMap<>();

  final String id;
  final Path root;
  final ConcurrentSkipListMap<String, CatalogEntry> catalogs = new ConcurrentSkipListMap<>();
  final List<Grant> grants = new CopyOnWriteArrayList<>();
  final AtomicLong version = new AtomicLong();

  private Space(String id, Path root) {
    this.id = id;
    this.root = root;
  }

  /** The space of this id, made with the given catalogs (each with a schema {@code default}) if it isn't there yet. */
  static Space of(String id, Path root, List<String> catalogs, String owner) {
    return ALL.computeIfAbsent(id, key -> {
      Space space = new Space(id, root);
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
    return true;
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
    if (found == null) {
      throw Errors.catalogNotFound(name);
    }
    return found;
  }

  /** A folder that no other object has or will ever have, so that nothing cached by path can go stale. */
  Path newFolder(String kind) {
    return root.resolve(kind).resolve(UUID.randomUUID().toString());
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
