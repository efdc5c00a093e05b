package io.nbh.spark;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.connector.catalog.TableCatalog;
import org.apache.spark.sql.connector.expressions.FieldReference;
import org.apache.spark.sql.connector.expressions.NamedReference;
import org.apache.spark.sql.connector.expressions.Transform;
import org.apache.spark.sql.delta.skipping.clustering.temp.ClusterByTransform;

/** CREATE TABLE … LIKE into one of our catalogs: Delta hands it to the session catalog whatever the name says. */
final class LikeStatement {
  private static final String KIND = "CREATE TABLE ... LIKE";
  /** What CLUSTER BY brings, and Delta takes from nowhere else. */
  static final Set<String> BY_CLUSTERING = Set.of("delta.feature.clustering", "delta.feature.domainMetadata");

  private LikeStatement() {}

  static LogicalPlan create(Tokens tokens, SparkSession session) {
    tokens.require(KIND, "CREATE", "TABLE");
    boolean isQuiet = tokens.take("IF", "NOT", "EXISTS");
    List<String> name = tokens.names(KIND, "a table's name");
    if (!tokens.take("LIKE")) {
      return null;
    }
    List<String> source = tokens.names(KIND, "a table's name");
    if (!Target.object(session, name).isOurs() && !Target.object(session, source).isOurs()) {
      return null;
    }
    Map<String, String> said = new HashMap<>();
    while (!tokens.atEnd()) {
      if (tokens.take("USING")) {
        said.put(TableCatalog.PROP_PROVIDER, tokens.name(KIND, "a format"));
      } else if (tokens.take("LOCATION")) {
        said.put(TableCatalog.PROP_LOCATION, tokens.string(KIND, "a path in quotes"));
        said.put(TableCatalog.PROP_EXTERNAL, "true");
      } else if (tokens.take("TBLPROPERTIES")) {
        said.putAll(Parsing.properties(session, tokens.parenthesised(KIND)));
      } else {
        throw Errors.syntax(KIND, "USING, LOCATION or TBLPROPERTIES", tokens.found());
      }
    }
    return new Statement(KIND, Answers.NONE, spark -> {
      Target from = Target.object(spark, source);
      Target to = Target.object(spark, name);
      TableCatalog into = Lookup.catalog(spark, to);
      if (isQuiet && into.tableExists(Lookup.ident(to))) {
        return Answers.none();
      }
      try {
        Table table = Lookup.table(spark, from, KIND);
        List<String> clustering = Lookup.clustering(table);
        Map<String, String> properties = new HashMap<>(said);
        table.properties().forEach((key, value) -> {
          boolean isFeature = key.startsWith("delta.feature.") && (clustering.isEmpty() || !BY_CLUSTERING.contains(key));
          if (isFeature || key.equals("delta.columnMapping.mode")) {
            properties.put(key, value); // columns with defaults, or of odd names, ask for them
          }
        });
        Transform[] partitioning = clustering.isEmpty() ? table.partitioning() : new Transform[] {new ClusterByTransform(
            Scala.seq(clustering.stream().map(column -> (NamedReference) FieldReference.apply(column)).toList()))};
        properties.putIfAbsent(TableCatalog.PROP_PROVIDER, table.properties().getOrDefault(TableCatalog.PROP_PROVIDER, "delta"));
        into.createTable(Lookup.ident(to), table.columns(), partitioning, properties);
      } catch (Exception failed) {
        throw Errors.sneak(failed);
      }
      return Answers.none();
    });
  }
}
