package io.nbh.spark;

import java.util.List;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.connector.catalog.CatalogManager;

/** An object that a statement names, with what it left out filled in from the current catalog and schema. */
record Target(Space space, String catalogName, String schemaName, String name) {
  /** An object in a schema: its name has one to three parts. */
  static Target object(SparkSession session, List<String> parts) {
    CatalogManager manager = session.sessionState().catalogManager();
    Space space = Sessions.space(session);
    int count = parts.size();
    String name = parts.get(count - 1);
    String[] current = manager.currentNamespace();
    return new Target(
        space,
        Space.key(count > 2 ? parts.get(count - 3) : manager.currentCatalog().name()),
        Space.key(count > 1 ? parts.get(count - 2) : current.length == 0 ? "default" : current[0]),
        Space.key(name));
  }

  /** A schema: its name has one or two parts, or none for the current one. */
  static Target schema(SparkSession session, List<String> parts) {
    CatalogManager manager = session.sessionState().catalogManager();
    String[] current = manager.currentNamespace();
    int count = parts.size();
    return new Target(
        Sessions.space(session),
        Space.key(count > 1 ? parts.get(0) : manager.currentCatalog().name()),
        Space.key(count > 0 ? parts.get(count - 1) : current.length == 0 ? "default" : current[0]),
        null);
  }

  /** Whether it is in a catalog of ours. */
  boolean isOurs() {
    return space.catalogs.containsKey(catalogName);
  }

  CatalogEntry catalog() {
    return space.catalog(catalogName);
  }

  SchemaEntry schema() {
    SchemaEntry found = catalog().schemas.get(schemaName);
    if (found == null) {
      throw Errors.schemaNotFound(catalogName, schemaName);
    }
    return found;
  }

  String full() {
    return schemaName == null ? catalogName : name == null ? catalogName + "." + schemaName : catalogName + "." + schemaName + "." + name;
  }

  String[] parts() {
    return name == null ? new String[] {catalogName, schemaName} : new String[] {catalogName, schemaName, name};
  }
}
