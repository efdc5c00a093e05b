package io.nbh.spark;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.catalyst.TableIdentifier;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.ShowTables;
import org.apache.spark.sql.catalyst.plans.logical.ShowViews;
import org.apache.spark.sql.catalyst.types.DataTypeUtils;
import org.apache.spark.sql.classic.Dataset;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.connector.catalog.View;
import org.apache.spark.sql.types.StructType;
import scala.Option;

/** Views: which there are, and Spark's description of one, changed. */
final class Views {
  private Views() {}

  /** SHOW VIEWS with the temporary ones, which Spark itself lists with the session catalog's views only. */
  static LogicalPlan show(ShowViews said) {
    return new Statement("SHOW VIEWS", DataTypeUtils.fromAttributes(said.output()), spark -> withTemporary(spark, said, said.pattern()));
  }

  /**
   * SHOW TABLES likewise: https://docs.databricks.com/sql/language-manual/sql-ref-syntax-aux-show-tables has the column
   * {@code isTemporary}, and a workspace lists {@code _sqldf} there beside the tables of a schema in Unity Catalog.
   */
  static LogicalPlan showTables(ShowTables said) {
    StructType columns = new StructType().add("database", "string", false).add("tableName", "string", false).add("isTemporary", "boolean", false);
    return new Statement("SHOW TABLES", columns, spark -> withTemporary(spark, said, said.pattern()));
  }

  private static List<Row> withTemporary(SparkSession spark, LogicalPlan said, Option<String> pattern) {
    List<Row> rows = new ArrayList<>(Dataset.ofRows(spark, said).collectAsList());
    if (rows.stream().noneMatch(row -> row.getBoolean(2))) {
      for (String view : temporary(spark, pattern.isDefined() ? pattern.get() : "*")) {
        rows.add(RowFactory.create("", view, true));
      }
    }
    return rows;
  }

  /** The names of the session's own temporary views that fit the pattern. */
  static List<String> temporary(SparkSession spark, String pattern) {
    return Scala.list(spark.sessionState().catalog().listLocalTempViews(pattern)).stream().map(TableIdentifier::table).toList();
  }

  static View ownedBy(View view, String owner) {
    Map<String, String> properties = new HashMap<>(view.properties());
    properties.put("owner", owner);
    View.Builder builder = new View.Builder();
    builder.withColumns(view.columns());
    builder.withProperties(properties);
    return builder.withQueryText(view.queryText()).withCurrentCatalog(view.currentCatalog())
        .withCurrentNamespace(view.currentNamespace()).withSqlConfigs(view.sqlConfigs()).withSchemaMode(view.schemaMode())
        .withQueryColumnNames(view.queryColumnNames()).withViewDependencies(view.viewDependencies()).build();
  }
}
