package io.nbh.spark;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.catalyst.analysis.NoSuchTableException;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.connector.catalog.Identifier;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.connector.catalog.TableCatalog;

/** CREATE TABLE … LIKE into one of our catalogs: Delta hands it to the session catalog whatever the name says. */
final class LikeStatement {
  private static final String KIND = "CREATE TABLE ... LIKE";

  private LikeStatement() {}

  static LogicalPlan create(Tokens tokens, SparkSession session) {
    tokens.require(KIND, "CREATE", "TABLE");
    boolean isQuiet = tokens.take("IF", "NOT", "EXISTS");
    List<String> name = tokens.names(KIND, "a table's name");
    if (!tokens.take("LIKE") || !Target.object(session, name).isOurs()) {
      return null;
    }
    List<String> source = tokens.names(KIND, "a table's name");
    Map<String, String> said = new HashMap<>();
    while (!tokens.atEnd()) {
      if (tokens.take("USING")) {
        said.put(TableCatalog.PROP_PROVIDER, tokens.name(KIND, "a format"));
      } else if (tokens.take("LOCATION")) {
        said.put(TableCatalog.PROP_LOCATION, tokens.string(KIND, "a path in quotes"));
        said.put(TableCatalog.PROP_EXTERNAL, "true");
      } else {
        throw Errors.syntax(KIND, "USING or LOCATION", tokens.found());
      }
    }
    return new Statement(KIND, Answers.NONE, spark -> {
      Target from = Target.object(spark, source);
      Target to = Target.object(spark, name);
      TableCatalog into = (TableCatalog) spark.sessionState().catalogManager().catalog(to.catalogName());
      if (isQuiet && into.tableExists(ident(to))) {
        return Answers.none();
      }
      try {
        Table table = ((TableCatalog) spark.sessionState().catalogManager().catalog(from.catalogName())).loadTable(ident(from));
        Map<String, String> properties = new HashMap<>(said);
        table.properties().forEach((key, value) -> {
          if (key.startsWith("delta.feature.")) {
            properties.put(key, value); // columns with defaults, and others, ask for them
          }
        });
        properties.putIfAbsent(TableCatalog.PROP_PROVIDER, table.properties().getOrDefault(TableCatalog.PROP_PROVIDER, "delta"));
        into.createTable(ident(to), table.columns(), table.partitioning(), properties);
      } catch (NoSuchTableException missing) {
        throw Errors.tableNotFound(from.parts());
      } catch (Exception failed) {
        throw Errors.sneak(failed);
      }
      return Answers.none();
    });
  }

  private static Identifier ident(Target target) {
    return Identifier.of(new String[] {target.schemaName()}, target.name());
  }
}
