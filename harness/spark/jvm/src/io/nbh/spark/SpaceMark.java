package io.nbh.spark;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.connector.catalog.View;

/** What a session's space held at one moment, so that all that was made in it since can be dropped again. */
public final class SpaceMark {
  private record Held(Map<String, Object> relations, Map<String, VolumeEntry> volumes, Map<String, FunctionEntry> functions,
      Map<String, String> properties) {}

  private record Said(String comment, String owner) {}

  private final Space space;
  private final long version;
  private final Map<String, CatalogEntry> catalogs;
  private final Map<SchemaEntry, Held> schemas = new HashMap<>();
  private final Map<CatalogEntry, Said> said = new HashMap<>();
  private final List<Grant> grants;
  /** The schema {@code default} of each catalog that the space began with. */
  private final Map<String, SchemaEntry> first = new HashMap<>();

  private SpaceMark(Space space) {
    this.space = space;
    this.version = space.version.get();
    this.catalogs = new HashMap<>(space.catalogs);
    this.grants = List.copyOf(space.grants);
    for (CatalogEntry catalog : catalogs.values()) {
      said.put(catalog, new Said(catalog.comment, catalog.owner));
      for (SchemaEntry schema : catalog.schemas.values()) {
        schemas.put(schema, new Held(new HashMap<>(schema.relations), new HashMap<>(schema.volumes),
            new HashMap<>(schema.functions), new HashMap<>(schema.properties)));
      }
    }
    for (String name : space.first) {
      CatalogEntry catalog = catalogs.get(name);
      if (catalog != null && catalog.schemas.containsKey("default")) {
        first.put(name, catalog.schemas.get("default"));
      }
    }
  }

  /** The space as it is now; the session joins it with this if it hasn't yet. */
  public static SpaceMark of(SparkSession session) {
    Sessions.update(session);
    return new SpaceMark(Sessions.space(session));
  }

  /** The name of the session's space. */
  public static String nameOf(SparkSession session) {
    return Sessions.space(session).id;
  }

  /** Forgets a space and deletes its files, unless it is to be kept; dbfs too if the process that has them is gone. */
  public static void drop(String name, boolean isProcessGone) {
    Space space = Space.find(name);
    if (space != null && !space.isKept) {
      Space.drop(name);
      if (isProcessGone) {
        Space.delete(space.files);
      }
    }
  }

  /** Deletes the spaces that were kept; the engine ends. */
  public static void dropKept() {
    Space.all().stream().filter(space -> space.isKept).forEach(space -> Space.drop(space.id));
  }

  /** Whether there is such a catalog now. */
  public boolean has(String catalog) {
    return Metastore.isMeant(catalog) || space.catalogs.containsKey(Space.key(catalog));
  }

  /** Whether something was made since. */
  public boolean isOutdated() {
    for (CatalogEntry catalog : space.catalogs.values()) {
      for (SchemaEntry schema : catalog.schemas.values()) {
        Held held = schemas.get(schema);
        if (held == null || hasNew(schema.relations, held.relations) || hasNew(schema.volumes, held.volumes)
            || hasNew(schema.functions, held.functions)) {
          return true;
        }
      }
    }
    return false;
  }

  private static <T> boolean hasNew(Map<String, T> now, Map<String, T> before) {
    return now.entrySet().stream().anyMatch(entry -> !isSame(before.get(entry.getKey()), entry.getValue()));
  }

  /**
   * Copies the space as it is now into one that stays until the engine ends, and writes there what a person is told of it.
   *
   * <p>A copy: the test process goes on in the space itself, and its next test may make the same names.
   */
  public void keep(String id, String note) {
    Path root = space.root.resolveSibling(id);
    try {
      Space copy = space.copy(id, root);
      Files.createDirectories(root);
      Files.writeString(root.resolve("kept.json"), note.replaceFirst("\\}\\s*$", ", \"tables\": " + copy.tables() + "}\n"));
    } catch (IOException failed) {
      Space.drop(id);
      Space.delete(root);
      throw new UncheckedIOException(failed);
    }
  }

  /**
   * Drops what was made since, and puts back what a space begins with, views and functions, which are but their texts, and what
   * is said of catalogs and schemas. What else was there and has been dropped or altered since stays so.
   */
  public void restore() {
    space.tests.incrementAndGet();
    for (CatalogEntry catalog : space.catalogs.values()) {
      if (catalogs.get(catalog.name) != catalog) {
        space.dropCatalog(catalog);
      } else {
        catalog.comment = said.get(catalog).comment();
        catalog.owner = said.get(catalog).owner();
        for (Map.Entry<String, SchemaEntry> entry : new ArrayList<>(catalog.schemas.entrySet())) {
          restore(catalog, entry.getKey(), entry.getValue());
        }
      }
    }
    first.forEach(this::putBack);
    if (!grants.equals(space.grants)) {
      space.grants.clear();
      space.grants.addAll(grants);
    }
    if (version != space.version.get()) {
      Sessions.updateAll(space);
    }
  }

  /** Where it was dropped, what had files comes back without. */
  private void putBack(String name, SchemaEntry schema) {
    CatalogEntry catalog = catalogs.get(name);
    if (space.catalogs.putIfAbsent(name, catalog) == null) {
      catalog.schemas.clear();
      space.version.incrementAndGet();
    }
    if (catalog.schemas.putIfAbsent(schema.name, schema) == null) {
      schema.relations.values().removeIf(TableEntry.class::isInstance);
      schema.volumes.clear();
      restore(catalog, schema.name, schema);
    }
  }

  private void restore(CatalogEntry catalog, String name, SchemaEntry schema) {
    Held held = schemas.get(schema);
    if (held == null) {
      schema.deleteFiles();
      catalog.schemas.remove(name);
      return;
    }
    dropNew(schema.relations, held.relations, SpaceMark::delete);
    dropNew(schema.volumes, held.volumes, VolumeEntry::deleteFiles);
    dropNew(schema.functions, held.functions, function -> { });
    held.relations.forEach((key, relation) -> {
      if (relation instanceof View) {
        schema.relations.putIfAbsent(key, relation);
      }
    });
    held.functions.forEach(schema.functions::putIfAbsent);
    if (!held.properties.equals(schema.properties)) {
      schema.properties.keySet().retainAll(held.properties.keySet());
      schema.properties.putAll(held.properties);
    }
  }

  /** An entry under an old name may be another thing by now: a table that was dropped and made again. */
  private static <T> void dropNew(Map<String, T> now, Map<String, T> before, Consumer<T> delete) {
    now.entrySet().removeIf(entry -> {
      boolean isNew = !isSame(before.get(entry.getKey()), entry.getValue());
      if (isNew) {
        delete.accept(entry.getValue());
      }
      return isNew;
    });
  }

  private static boolean isSame(Object before, Object now) {
    if (before instanceof TableEntry old && now instanceof TableEntry table) {
      return old.location().equals(table.location());
    }
    return before == now;
  }

  private static void delete(Object relation) {
    if (relation instanceof TableEntry table) {
      table.deleteFiles();
    }
  }
}
