package io.nbh.spark;

import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import org.apache.spark.sql.connector.catalog.View;

/** What a space holds of one schema. Tables and views share one set of names, as in Spark. */
final class SchemaEntry {
  final String name;
  final Map<String, String> properties;
  final ConcurrentSkipListMap<String, Object> relations = new ConcurrentSkipListMap<>();
  final ConcurrentSkipListMap<String, VolumeEntry> volumes = new ConcurrentSkipListMap<>();
  final ConcurrentSkipListMap<String, FunctionEntry> functions = new ConcurrentSkipListMap<>();

  SchemaEntry(String name, Map<String, String> properties) {
    this.name = name;
    this.properties = new ConcurrentHashMap<>(properties);
  }

  TableEntry table(String name) {
    return relations.get(Space.key(name)) instanceof TableEntry found ? found : null;
  }

  View view(String name) {
    return relations.get(Space.key(name)) instanceof View found ? found : null;
  }

  boolean isEmpty() {
    return relations.isEmpty() && volumes.isEmpty() && functions.isEmpty();
  }

  /** Delete what managed tables and volumes have on disk. */
  void deleteFiles() {
    relations.values().stream().filter(TableEntry.class::isInstance).forEach(table -> ((TableEntry) table).deleteFiles());
    volumes.values().forEach(VolumeEntry::deleteFiles);
  }

  /** The same in another space: what is managed is copied, what is external stays where it is. */
  SchemaEntry copy(Space into, String catalog) throws IOException {
    Map<String, String> said = new HashMap<>(properties);
    said.remove("location");
    SchemaEntry copy = new SchemaEntry(name, said);
    for (Map.Entry<String, Object> one : relations.entrySet()) {
      copy.relations.put(one.getKey(), one.getValue() instanceof TableEntry table ? table.copy(into) : one.getValue());
    }
    for (VolumeEntry volume : volumes.values()) {
      copy.volumes.put(volume.name, volume.copy(into.volumeFolder(catalog, name, volume.name)));
    }
    copy.functions.putAll(functions);
    return copy;
  }
}
