package io.nbh.spark;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Predicate;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.connector.catalog.constraints.Constraint;
import org.apache.spark.sql.connector.catalog.constraints.ForeignKey;
import org.apache.spark.sql.connector.catalog.constraints.PrimaryKey;

/**
 * ALTER TABLE … DROP of a key: Delta's own statement knows only its checks.
 *
 * <p>https://docs.databricks.com/sql/language-manual/sql-ref-syntax-ddl-alter-table-drop-constraint.html
 */
final class KeyStatement {
  private static final String KIND = "ALTER TABLE ... DROP";

  private KeyStatement() {}

  static LogicalPlan drop(Tokens tokens, SparkSession session) {
    tokens.require(KIND, "ALTER", "TABLE");
    List<String> name = tokens.names(KIND, "a table's name");
    if (!tokens.take("DROP")) {
      return null;
    }
    Predicate<Constraint> meant;
    boolean isNamed = tokens.take("CONSTRAINT");
    boolean isPrimary = !isNamed && tokens.take("PRIMARY", "KEY");
    if (!isNamed && !isPrimary && !tokens.take("FOREIGN", "KEY")) {
      return null;
    }
    boolean mayLack = tokens.take("IF", "EXISTS");
    if (isNamed) {
      String key = tokens.name(KIND, "a constraint's name");
      meant = one -> one.name().equalsIgnoreCase(key);
    } else if (isPrimary) {
      meant = PrimaryKey.class::isInstance;
    } else {
      List<String> columns = columns(tokens);
      meant = one -> one instanceof ForeignKey key && Arrays.stream(KeyRules.columnsOf(key)).allMatch(own -> columns.stream().anyMatch(own::equalsIgnoreCase))
          && KeyRules.columnsOf(key).length == columns.size();
    }
    boolean cascades = tokens.take("CASCADE");
    if (!cascades) {
      tokens.take("RESTRICT");
    }
    tokens.requireEnd(KIND);
    Target target = Target.object(session, name);
    SchemaEntry schema = target.isOurs() ? target.catalog().schemas.get(target.schemaName()) : null;
    TableEntry table = schema == null ? null : schema.table(target.name());
    Constraint key = table == null ? null : table.constraints().stream().filter(meant).findFirst().orElse(null);
    if (isNamed && key == null) {
      return null;
    }
    if (table == null) {
      throw Errors.tableNotFound(target.parts());
    }
    return new Statement(KIND, Answers.NONE, spark -> {
      Access.require(spark, "MODIFY", "TABLE", target.parts());
      if (key == null && !mayLack) {
        throw Errors.make("NBH_KEY_NOT_FOUND", "42704", "The table " + Errors.quote(target.parts()) + " has no such key.");
      }
      if (key instanceof PrimaryKey primary) {
        dropChildren(target, primary, cascades);
      }
      change(target.schema(), target.name(), one -> one == key);
      return Answers.none();
    });
  }

  private static List<String> columns(Tokens tokens) {
    List<String> columns = new ArrayList<>();
    tokens.require(KIND, "(");
    do {
      columns.add(tokens.name(KIND, "a column's name"));
    } while (tokens.take(","));
    tokens.require(KIND, ")");
    return columns;
  }

  /** Drop the foreign keys that refer to a primary key; an error if there are some that may not go. */
  private static void dropChildren(Target parent, PrimaryKey primary, boolean mayGo) {
    for (CatalogEntry catalog : parent.space().catalogs.values()) {
      for (SchemaEntry schema : catalog.schemas.values()) {
        for (var entry : schema.relations.entrySet()) {
          Predicate<Constraint> isChild = one -> one instanceof ForeignKey key && KeyRules.isParent(key, parent);
          if (entry.getValue() instanceof TableEntry child && child.constraints().stream().anyMatch(isChild)) {
            if (!mayGo) {
              throw Errors.make("NBH_KEY_IN_USE", "2BP01", "Foreign keys of " + Errors.quote(schema.name, entry.getKey()) + " refer to the primary key "
                  + Errors.quote(primary.name()) + ". DROP ... CASCADE drops them too.");
            }
            change(schema, entry.getKey(), isChild);
          }
        }
      }
    }
  }

  private static void change(SchemaEntry schema, String table, Predicate<Constraint> gone) {
    schema.relations.computeIfPresent(table, (same, old) -> {
      List<Constraint> rest = new ArrayList<>(((TableEntry) old).constraints());
      rest.removeIf(gone);
      return ((TableEntry) old).with(rest);
    });
  }
}
