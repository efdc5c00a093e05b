package io.nbh.spark;

import java.io.IOException;
import java.util.concurrent.ConcurrentSkipListMap;

/** What a space holds of one catalog. */
final class CatalogEntry {
  final String name;
  final ConcurrentSkipListMap<String, SchemaEntry> schemas = new ConcurrentSkipListMap<>();
  final long created = System.currentTimeMillis();
  final String location;
  volatile String comment;
  volatile String owner;

  CatalogEntry(String name, String comment, String owner, String location) {
    this.name = name;
    this.comment = comment;
    this.owner = owner;
    this.location = location;
  }

  /** The same in another space, with its files. */
  CatalogEntry copy(Space into) throws IOException {
    CatalogEntry copy = new CatalogEntry(name, comment, owner, null);
    for (SchemaEntry schema : schemas.values()) {
      copy.schemas.put(schema.name, schema.copy(into, name));
    }
    return copy;
  }
}
