package io.nbh.spark;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.apache.spark.sql.classic.SparkSession;

/** What a session's space held at one moment, so that all that was made in it since can be dropped again. */
public final class SpaceMark {
  private record Held(Map<String, Object> relations, Map<String, VolumeEntry> volumes, Map<String, FunctionEntry> functions) {}

  private final Space space;
  private final long version;
  private final Map<String, CatalogEntry> catalogs;
  private final Map<SchemaEntry, Held> schemas = new HashMap<>();
  private final List<Grant> grants;

  private SpaceMark(Space space) {
    this.space = space;
    this.version = space.version.get();
    this.catalogs = new HashMap<>(space.catalogs);
    this.grants = List.copyOf(space.grants);
    for (CatalogEntry catalog : catalogs.values()) {
      for (SchemaEntry schema : catalog.schemas.values()) {
        schemas.put(schema,
            new Held(new HashMap<>(schema.relations), new HashMap<>(schema.volumes), new HashMap<>(schema.functions)));
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

  /** Forgets a space and deletes its files. */
  public static void drop(String name) {
    Space.drop(name);
  }

  /** Drops what was made since. What was there and has been dropped or altered since stays so. */
  public void restore() {
    for (CatalogEntry catalog : space.catalogs.values()) {
      if (catalogs.get(catalog.name) != catalog) {
        space.dropCatalog(catalog);
      } else {
        for (Map.Entry<String, SchemaEntry> entry : new ArrayList<>(catalog.schemas.entrySet())) {
          restore(catalog, entry.getKey(), entry.getValue());
        }
      }
    }
    if (!grants.equals(space.grants)) {
      space.grants.clear();
      space.grants.addAll(grants);
    }
    if (version != space.version.get()) {
      Sessions.updateAll(space);
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
