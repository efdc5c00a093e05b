package io.nbh.spark;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.apache.spark.sql.connector.catalog.Column;
import org.apache.spark.sql.connector.catalog.Identifier;
import org.apache.spark.sql.connector.catalog.Relation;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.connector.catalog.View;
import org.apache.spark.sql.connector.catalog.constraints.Constraint;
import org.apache.spark.sql.connector.catalog.constraints.ForeignKey;
import org.apache.spark.sql.connector.catalog.constraints.PrimaryKey;

/** The schema {@code information_schema} of each catalog. */
final class InformationSchema {
  static final String NAME = "information_schema";

  private record Kind(String columns, Function<SpaceStore, List<Object[]>> rows) {}

  private static final Map<String, Kind> KINDS = new LinkedHashMap<>();

  static {
    String times = ", created TIMESTAMP, created_by STRING";
    KINDS.put("catalogs", new Kind("catalog_name STRING, catalog_owner STRING, comment STRING" + times, InformationSchema::catalogs));
    KINDS.put("schemata", new Kind(
        "catalog_name STRING, schema_name STRING, schema_owner STRING, comment STRING", InformationSchema::schemata));
    KINDS.put("tables", new Kind("table_catalog STRING, table_schema STRING, table_name STRING, table_type STRING,"
        + " is_insertable_into STRING, table_owner STRING, comment STRING, data_source_format STRING", InformationSchema::tables));
    KINDS.put("columns", new Kind("table_catalog STRING, table_schema STRING, table_name STRING, column_name STRING,"
        + " ordinal_position INT, is_nullable STRING, full_data_type STRING, data_type STRING, comment STRING", InformationSchema::columns));
    KINDS.put("views", new Kind("table_catalog STRING, table_schema STRING, table_name STRING, view_definition STRING,"
        + " is_insertable_into STRING", InformationSchema::views));
    KINDS.put("volumes", new Kind("volume_catalog STRING, volume_schema STRING, volume_name STRING, volume_type STRING,"
        + " volume_owner STRING, comment STRING, storage_location STRING", InformationSchema::volumes));
    KINDS.put("routines", new Kind("routine_catalog STRING, routine_schema STRING, routine_name STRING, routine_type STRING,"
        + " data_type STRING, routine_body STRING, routine_definition STRING, comment STRING", InformationSchema::routines));
    KINDS.put("table_constraints", new Kind("constraint_catalog STRING, constraint_schema STRING, constraint_name STRING,"
        + " table_catalog STRING, table_schema STRING, table_name STRING, constraint_type STRING, enforced STRING",
        InformationSchema::constraints));
    KINDS.put("table_privileges", new Kind(
        "grantee STRING, table_catalog STRING, table_schema STRING, table_name STRING, privilege_type STRING",
        store -> privileges(store, 3, "TABLE", "VIEW")));
    KINDS.put("schema_privileges", new Kind(
        "grantee STRING, catalog_name STRING, schema_name STRING, privilege_type STRING", store -> privileges(store, 2, "SCHEMA")));
    KINDS.put("catalog_privileges", new Kind(
        "grantee STRING, catalog_name STRING, privilege_type STRING", store -> privileges(store, 1, "CATALOG")));
  }

  private InformationSchema() {}

  static boolean isMeant(String[] namespace) {
    return namespace.length == 1 && namespace[0].equalsIgnoreCase(NAME);
  }

  static Identifier[] list(SpaceStore store) {
    return KINDS.keySet().stream().map(name -> Identifier.of(new String[] {NAME}, name)).toArray(Identifier[]::new);
  }

  /** One of its tables, or null. */
  static Table table(SpaceStore store, Identifier ident) {
    Kind kind = isMeant(ident.namespace()) ? KINDS.get(Space.key(ident.name())) : null;
    return kind == null ? null
        : new RowsTable(store.name() + "." + NAME + "." + Space.key(ident.name()), Answers.columns(kind.columns), () -> kind.rows.apply(store));
  }

  private interface Visit<T> {
    Object[] row(SchemaEntry schema, String name, T one);
  }

  private static <T> List<Object[]> each(SpaceStore store, String type, Function<SchemaEntry, Map<String, T>> what, Visit<T> visit) {
    List<Object[]> rows = new ArrayList<>();
    store.catalog().schemas.values().forEach(schema -> what.apply(schema).forEach((name, one) -> {
      Object[] row = store.sees(type, schema.name, name) ? visit.row(schema, name, one) : null;
      if (row != null) {
        rows.add(row);
      }
    }));
    return rows;
  }

  private static List<Object[]> catalogs(SpaceStore store) {
    CatalogEntry one = store.catalog();
    return List.<Object[]>of(new Object[] {one.name, one.owner, one.comment, one.created * 1000, one.owner});
  }

  private static List<Object[]> schemata(SpaceStore store) {
    List<Object[]> rows = new ArrayList<>();
    store.catalog().schemas.values().stream().filter(one -> store.sees("SCHEMA", one.name)).forEach(one ->
        rows.add(new Object[] {store.name(), one.name, one.properties.get("owner"), one.properties.get("comment")}));
    rows.add(new Object[] {store.name(), NAME, "System user", null});
    return rows;
  }

  private static List<Object[]> tables(SpaceStore store) {
    return each(store, "TABLE", schema -> schema.relations, (schema, name, one) -> one instanceof TableEntry table
        ? new Object[] {store.name(), schema.name, name, table.isManaged() ? "MANAGED" : "EXTERNAL", "YES", table.owner(),
            load(store, schema.name, name).properties().get("comment"), table.provider().toUpperCase(java.util.Locale.ROOT)}
        : new Object[] {store.name(), schema.name, name, "VIEW", "NO", ((View) one).properties().get("owner"),
            ((View) one).properties().get("comment"), null});
  }

  private static List<Object[]> columns(SpaceStore store) {
    List<Object[]> rows = new ArrayList<>();
    store.catalog().schemas.values().forEach(schema -> schema.relations.keySet().stream().filter(name -> store.sees("TABLE", schema.name, name)).forEach(name -> {
      int position = 0;
      for (Column column : load(store, schema.name, name).columns()) {
        rows.add(new Object[] {store.name(), schema.name, name, column.name(), position++, column.nullable() ? "YES" : "NO",
            column.dataType().sql().toLowerCase(java.util.Locale.ROOT), column.dataType().sql().replaceAll("[(<].*", ""), column.comment()});
      }
    }));
    return rows;
  }

  private static List<Object[]> views(SpaceStore store) {
    return each(store, "TABLE", schema -> schema.relations, (schema, name, one) -> one instanceof View view
        ? new Object[] {store.name(), schema.name, name, view.queryText(), "NO"} : null);
  }

  private static List<Object[]> volumes(SpaceStore store) {
    return each(store, "VOLUME", schema -> schema.volumes, (schema, name, one) -> new Object[] {store.name(), schema.name, name,
        one.isManaged ? "MANAGED" : "EXTERNAL", one.owner, one.comment, one.folder.toUri().toString()});
  }

  private static List<Object[]> routines(SpaceStore store) {
    return each(store, "FUNCTION", schema -> schema.functions, (schema, name, one) -> new Object[] {store.name(), schema.name, name, "FUNCTION",
        one.isTable() ? "TABLE" : one.returns(), one.language().equals("SQL") ? "SQL" : "EXTERNAL", one.body(), one.comment()});
  }

  private static List<Object[]> constraints(SpaceStore store) {
    List<Object[]> rows = new ArrayList<>();
    store.catalog().schemas.values().forEach(schema -> schema.relations.forEach((name, one) -> {
      for (Constraint constraint : one instanceof TableEntry table && store.sees("TABLE", schema.name, name) ? table.constraints() : List.<Constraint>of()) {
        rows.add(new Object[] {store.name(), schema.name, constraint.name(), store.name(), schema.name, name,
            constraint instanceof PrimaryKey ? "PRIMARY KEY" : constraint instanceof ForeignKey ? "FOREIGN KEY" : "UNIQUE", "NO"});
      }
    }));
    return rows;
  }

  /** Grants on objects of these types, whose names have so many parts. */
  private static List<Object[]> privileges(SpaceStore store, int parts, String... types) {
    List<Object[]> rows = new ArrayList<>();
    for (Grant grant : store.space().grants) {
      String[] name = grant.object().split("\\.");
      if (grant.isOn(store.name()) && name.length == parts && List.of(types).contains(grant.type())) {
        List<Object> row = new ArrayList<>(List.of(grant.principal()));
        row.addAll(List.of(name));
        row.add(grant.privilege());
        rows.add(row.toArray());
      }
    }
    return rows;
  }

  private static Relation load(SpaceStore store, String schema, String name) {
    SpaceCatalog catalog = (SpaceCatalog) store.session().sessionState().catalogManager().catalog(store.name());
    return catalog.peek(Identifier.of(new String[] {schema}, name));
  }
}
