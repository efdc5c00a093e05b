package io.nbh.spark;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.catalyst.TableIdentifier;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.ShowViews;
import org.apache.spark.sql.catalyst.types.DataTypeUtils;
import org.apache.spark.sql.classic.Dataset;
import org.apache.spark.sql.connector.catalog.View;

/** Views: which there are, and Spark's description of one, changed. */
final class Views {
  private Views() {}

  /** SHOW VIEWS with the temporary ones, which Spark itself lists with the session catalog's views only. */
  static LogicalPlan show(ShowViews said) {
    return new Statement("SHOW VIEWS", DataTypeUtils.fromAttributes(said.output()), spark -> {
      List<Row> rows = new ArrayList<>(Dataset.ofRows(spark, said).collectAsList());
      if (rows.stream().noneMatch(row -> row.getBoolean(2))) {
        String pattern = said.pattern().isDefined() ? said.pattern().get() : "*";
        for (TableIdentifier view : Scala.list(spark.sessionState().catalog().listLocalTempViews(pattern))) {
          rows.add(RowFactory.create("", view.table(), true));
        }
      }
      return rows;
    });
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
