package io.nbh.spark;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.connector.catalog.Column;
import org.apache.spark.sql.connector.catalog.Identifier;
import org.apache.spark.sql.connector.catalog.constraints.Constraint;
import org.apache.spark.sql.connector.catalog.constraints.ForeignKey;
import org.apache.spark.sql.connector.catalog.constraints.PrimaryKey;
import org.apache.spark.sql.connector.catalog.constraints.Unique;
import org.apache.spark.sql.connector.expressions.NamedReference;

/**
 * What Databricks asks of a key when it is made (of rows it asks nothing later): its columns and its parent are there, and fit.
 *
 * <p>https://docs.databricks.com/sql/language-manual/sql-ref-syntax-ddl-create-table-constraint.html
 */
final class KeyRules {
  private final SpaceStore store;
  private final Identifier table;
  private final Column[] columns;

  KeyRules(SpaceStore store, Identifier table, Column[] columns) {
    this.store = store;
    this.table = table;
    this.columns = columns;
  }

  /** Add a key to those that the table has; {@code isNew} is a table whose columns become NOT NULL by being its primary key. */
  void add(List<Constraint> kept, Constraint said, boolean isNew) {
    requireOwnName(said.name(), kept);
    for (String name : columnsOf(said)) {
      Column column = find(columns, name);
      if (column == null) {
        throw Errors.make("NBH_KEY_COLUMN_NOT_FOUND", "42703",
            "The key " + Errors.quote(said.name()) + " is of the column " + Errors.quote(name) + ", which " + full() + " hasn't.");
      }
      if (said instanceof PrimaryKey && !isNew && column.nullable()) {
        throw Errors.make("NBH_NULLABLE_PRIMARY_KEY", "42831", "Cannot create the primary key " + Errors.quote(said.name())
            + " because its child column(s) " + Errors.quote(name) + " is nullable. ALTER TABLE ... ALTER COLUMN ... SET NOT NULL first.");
      }
    }
    if (said instanceof PrimaryKey && kept.stream().anyMatch(PrimaryKey.class::isInstance)) {
      throw Errors.make("NBH_SECOND_PRIMARY_KEY", "42P16", "The table " + full() + " has a primary key already, and can have only one.");
    }
    kept.add(said instanceof ForeignKey key ? withParent(key, kept) : said);
  }

  /** The columns of a table's primary key, for a foreign key that doesn't name them; an error if there is none. */
  static String[] primaryKey(SparkSession session, List<String> parent) {
    Target target = Target.object(session, parent);
    return columnsOf(entry(target).constraints().stream().filter(PrimaryKey.class::isInstance).findFirst()
        .orElseThrow(() -> noKey(target, "no primary key")));
  }

  static String[] columnsOf(Constraint key) {
    NamedReference[] said = key instanceof PrimaryKey primary ? primary.columns()
        : key instanceof ForeignKey foreign ? foreign.columns() : ((Unique) key).columns();
    return Arrays.stream(said).map(one -> String.join(".", one.fieldNames())).toArray(String[]::new);
  }

  /** Whose the table is that a foreign key is kept with, under its full name. */
  static boolean isParent(ForeignKey key, Target target) {
    return String.join(".", key.referencedTable().namespace()).equals(target.catalogName() + "." + target.schemaName())
        && key.referencedTable().name().equals(target.name());
  }

  private void requireOwnName(String name, List<Constraint> kept) {
    boolean isTaken = kept.stream().anyMatch(one -> one.name().equalsIgnoreCase(name));
    for (var entry : store.schema(table.namespace()).relations.entrySet()) {
      isTaken |= !entry.getKey().equals(Space.key(table.name())) && entry.getValue() instanceof TableEntry other
          && other.constraints().stream().anyMatch(one -> one.name().equalsIgnoreCase(name));
    }
    if (isTaken) {
      throw Errors.make("NBH_KEY_ALREADY_EXISTS", "42710", "The schema " + Errors.quote(store.name(), table.namespace()[0])
          + " has a constraint " + Errors.quote(name) + " already: such names are the only one of their schema.");
    }
  }

  /** The key with its parent's full name: what it is relative to may be another when somebody asks. */
  private ForeignKey withParent(ForeignKey key, List<Constraint> kept) {
    List<String> said = new ArrayList<>(Arrays.asList(key.referencedTable().namespace()));
    said.add(key.referencedTable().name());
    Target parent = Target.object(store.session(), said);
    boolean isSelf = parent.full().equals(String.join(".", Space.key(store.name()), Space.key(table.namespace()[0]), Space.key(table.name())));
    List<Constraint> keys = isSelf ? kept : entry(parent).constraints();
    Column[] theirs = isSelf ? columns : columnsOf(parent);
    String[] own = columnsOf(key);
    String[] meant = Arrays.stream(key.referencedColumns()).map(one -> String.join(".", one.fieldNames())).toArray(String[]::new);
    if (own.length != meant.length || keys.stream().noneMatch(one -> !(one instanceof ForeignKey) && isOf(one, meant))) {
      throw noKey(parent, "no primary key (" + String.join(", ", meant) + ")");
    }
    for (int i = 0; i < own.length; i++) {
      Column here = find(columns, own[i]);
      Column there = find(theirs, meant[i]);
      if (!here.dataType().equals(there.dataType())) {
        throw Errors.make("NBH_KEY_TYPE_MISMATCH", "42830", "The foreign key " + Errors.quote(key.name()) + " is of another type than its parent: "
            + here.name() + " " + here.dataType().sql() + ", " + there.name() + " " + there.dataType().sql() + ".");
      }
    }
    return Constraint.foreignKey(key.name(), key.columns(), Identifier.of(new String[] {parent.catalogName(), parent.schemaName()}, parent.name()),
        key.referencedColumns()).enforced(key.enforced()).rely(key.rely()).validationStatus(key.validationStatus()).build();
  }

  private static boolean isOf(Constraint key, String[] columns) {
    String[] own = columnsOf(key);
    return own.length == columns.length
        && Arrays.stream(own).allMatch(name -> Arrays.stream(columns).anyMatch(name::equalsIgnoreCase));
  }

  private static TableEntry entry(Target target) {
    SchemaEntry schema = target.isOurs() ? target.catalog().schemas.get(target.schemaName()) : null;
    TableEntry found = schema == null ? null : schema.table(target.name());
    if (found == null) {
      throw Errors.tableNotFound(target.parts());
    }
    return found;
  }

  private Column[] columnsOf(Target target) {
    return ((SpaceCatalog) Lookup.catalog(store.session(), target)).peek(Lookup.ident(target)).columns();
  }

  private static Column find(Column[] columns, String name) {
    return Arrays.stream(columns).filter(one -> one.name().equalsIgnoreCase(name)).findFirst().orElse(null);
  }

  private static RuntimeException noKey(Target parent, String what) {
    return Errors.make("NBH_PARENT_KEY_NOT_FOUND", "42890", "A foreign key refers to a primary key, and " + Errors.quote(parent.parts())
        + " has " + what + ". Give it that first: ALTER TABLE ... ADD CONSTRAINT ... PRIMARY KEY (...).");
  }

  private String full() {
    return Errors.quote(store.name(), table.namespace()[0], table.name());
  }
}
