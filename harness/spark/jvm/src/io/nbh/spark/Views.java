package io.nbh.spark;

import java.util.HashMap;
import java.util.Map;
import org.apache.spark.sql.connector.catalog.View;

/** Spark's description of a view, changed. */
final class Views {
  private Views() {}

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
