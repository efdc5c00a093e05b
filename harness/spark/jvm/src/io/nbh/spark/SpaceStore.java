package io.nbh.spark;

import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.UnaryOperator;
import org.apache.spark.sql.catalyst.analysis.NoSuchTableException;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.connector.catalog.Identifier;
import org.apache.spark.sql.connector.catalog.View;

/** One catalog as a session sees it: looks names up in the space that the session is in now. */
public final class SpaceStore {
  private final SparkSession session;
  private final String name;

  SpaceStore(SparkSession session, String name) {
    this.session = session;
    this.name = name;
  }

  public String name() {
    return name;
  }

  SparkSession session() {
    return session;
  }

  Space space() {
    return Sessions.space(session);
  }

  CatalogEntry catalog() {
    return space().catalog(name);
  }

  /** An error if the session may not; see {@link Access}. */
  void require(String privilege, String type, String... within) {
    String[] full = new String[within.length + 1];
    full[0] = name;
    System.arraycopy(within, 0, full, 1, within.length);
    Access.require(session, privilege, type, full);
  }

  void require(String privilege, Identifier table) {
    if (table.namespace().length == 1) {
      require(privilege, "TABLE", table.namespace()[0], table.name());
    }
  }

  void requireRename(Identifier from, Identifier to) {
    require("MANAGE", from);
    require("CREATE TABLE", "SCHEMA", to.namespace());
  }

  boolean sees(String type, String... within) {
    return within.length == 1
        ? Access.sees(session, type, Space.key(name), Space.key(within[0]))
        : Access.sees(session, type, Space.key(name), Space.key(within[0]), Space.key(within[1]));
  }

  String user() {
    return Sessions.user(session.sessionState().conf());
  }

  /** The schema, or null. */
  SchemaEntry find(String[] namespace) {
    CatalogEntry catalog = space().catalogs.get(Space.key(name));
    return catalog == null || namespace.length != 1 ? null : catalog.schemas.get(Space.key(namespace[0]));
  }

  /** The schema, or Spark's own error. */
  SchemaEntry schema(String[] namespace) {
    SchemaEntry found = find(namespace);
    if (found == null && namespace.length == 2) {
      throw Errors.catalogNotFound(namespace[0]); // Spark takes a catalog that isn't there for a schema
    }
    if (found == null) {
      throw Errors.schemaNotFound(name, String.join(".", namespace));
    }
    return found;
  }

  void requireSchema(String[] namespace) {
    schema(namespace);
  }

  TableEntry table(Identifier ident) {
    SchemaEntry schema = find(ident.namespace());
    return schema == null ? null : schema.table(ident.name());
  }

  View view(Identifier ident) {
    SchemaEntry schema = find(ident.namespace());
    return schema == null ? null : schema.view(ident.name());
  }

  /** The error of a table that isn't there. */
  NoSuchTableException noSuchTable(Identifier ident) {
    List<String> parts = new ArrayList<>(List.of(name));
    parts.addAll(List.of(ident.namespace()));
    parts.add(ident.name());
    return new NoSuchTableException(Scala.seq(parts));
  }

  /** The name with its catalog, for errors. */
  Identifier full(Identifier ident) {
    String[] namespace = new String[ident.namespace().length + 1];
    namespace[0] = name;
    System.arraycopy(ident.namespace(), 0, namespace, 1, ident.namespace().length);
    return Identifier.of(namespace, ident.name());
  }

  /** RENAME TO may name the catalog too, and Spark passes that on as a part of the schema. */
  Identifier withoutCatalog(Identifier ident) {
    String[] namespace = ident.namespace();
    return namespace.length == 2 && namespace[0].equalsIgnoreCase(name)
        ? Identifier.of(new String[] {namespace[1]}, ident.name())
        : ident;
  }

  Identifier[] list(String[] namespace, Class<?> kind) {
    if (InformationSchema.isMeant(namespace)) {
      return kind == TableEntry.class ? InformationSchema.list(this) : new Identifier[0];
    }
    require("USE SCHEMA", "SCHEMA", namespace);
    return schema(namespace).relations.entrySet().stream()
        .filter(entry -> kind.isInstance(entry.getValue()) && sees("TABLE", namespace[0], entry.getKey()))
        .map(entry -> Identifier.of(namespace, entry.getKey()))
        .toArray(Identifier[]::new);
  }

  /** Where a new managed table goes: below its schema's location if it was given one, as in Spark. */
  URI newLocation(Identifier ident) {
    String location = schema(ident.namespace()).properties.get("location");
    if (location != null) {
      Path wanted = VolumePaths.folderOf(location, session.sessionState().newHadoopConf()).resolve(Space.key(ident.name()));
      return (Files.exists(wanted) ? wanted.resolveSibling(wanted.getFileName() + "-" + UUID.randomUUID()) : wanted).toUri();
    }
    String catalogs = catalog().location;
    return catalogs == null
        ? space().newFolder("tables").toUri()
        : VolumePaths.folderOf(catalogs, session.sessionState().newHadoopConf()).resolve("tables").resolve(UUID.randomUUID().toString()).toUri();
  }

  void change(Identifier ident, UnaryOperator<TableEntry> change) {
    schema(ident.namespace()).relations.computeIfPresent(
        Space.key(ident.name()), (name, old) -> old instanceof TableEntry table ? change.apply(table) : old);
  }

  void forget(Identifier ident) {
    schema(ident.namespace()).relations.remove(Space.key(ident.name()));
    String gone = String.join(".", name, Space.key(ident.namespace()[0]), Space.key(ident.name()));
    space().grants.removeIf(grant -> grant.isOn(gone));
  }

  /** False if the new name is taken. */
  boolean rename(Identifier from, Identifier to) {
    Map<String, Object> before = schema(from.namespace()).relations;
    Object moved = before.get(Space.key(from.name()));
    if (schema(to.namespace()).relations.putIfAbsent(Space.key(to.name()), moved) != null) {
      return false;
    }
    before.remove(Space.key(from.name()));
    return true;
  }
}
