package io.nbh.spark;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.connector.catalog.CatalogV2Util;
import org.apache.spark.sql.connector.catalog.Identifier;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.connector.catalog.TableCatalog;

/** SHOW CREATE TABLE of a Delta table, which open-source Delta refuses. */
final class ShowCreate {
  private static final List<String> NOT_SHOWN = List.of(
      "provider", "location", "comment", "owner", "external", "is_managed_location", "table_type", "Type", "clusteringColumns");

  private ShowCreate() {}

  static LogicalPlan table(Tokens tokens, SparkSession session) {
    List<String> name = tokens.names("SHOW CREATE TABLE", "a table's name");
    Target meant = Target.object(session, name);
    if (!tokens.atEnd() || !meant.isOurs()) {
      return null;
    }
    SchemaEntry schema = meant.catalog().schemas.get(meant.schemaName());
    TableEntry entry = schema == null ? null : schema.table(meant.name());
    if (entry == null || !entry.isDelta()) {
      return null;
    }
    return new Statement("SHOW CREATE TABLE", Answers.columns("createtab_stmt STRING"), spark -> {
      TableCatalog catalog = (TableCatalog) spark.sessionState().catalogManager().catalog(meant.catalogName());
      try {
        Table table = catalog.loadTable(Identifier.of(new String[] {meant.schemaName()}, meant.name()));
        return List.of(RowFactory.create(statement(meant, entry, table)));
      } catch (org.apache.spark.sql.catalyst.analysis.NoSuchTableException gone) {
        throw Errors.sneak(gone);
      }
    });
  }

  private static String statement(Target target, TableEntry entry, Table table) {
    StringBuilder text = new StringBuilder("CREATE TABLE " + target.full() + " (\n  ");
    String ddl = CatalogV2Util.v2ColumnsToStructType(table.columns()).toDDL();
    text.append(ddl.replaceAll(",(?=[^,()<>]+ [A-Z])", ",\n  ")).append(")\nUSING delta\n");
    if (table.partitioning().length > 0) {
      text.append(java.util.Arrays.stream(table.partitioning())
          .map(transform -> String.join(".", transform.references()[0].fieldNames()))
          .collect(Collectors.joining(", ", table.partitioning()[0].name().equals("cluster_by") ? "CLUSTER BY (" : "PARTITIONED BY (", ")\n")));
    }
    Map<String, String> properties = new TreeMap<>(table.properties());
    if (properties.get("comment") != null) {
      text.append("COMMENT ").append(literal(properties.get("comment"))).append('\n');
    }
    if (!entry.isManaged()) {
      text.append("LOCATION ").append(literal(entry.location().toString())).append('\n');
    }
    String shown = properties.entrySet().stream().filter(one -> !NOT_SHOWN.contains(one.getKey()))
        .map(one -> "  " + literal(one.getKey()) + " = " + literal(one.getValue())).collect(Collectors.joining(",\n"));
    return (shown.isEmpty() ? text : text.append("TBLPROPERTIES (\n").append(shown).append(")\n")).toString();
  }

  private static String literal(String value) {
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'";
  }
}
