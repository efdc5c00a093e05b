package io.nbh.spark;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.connector.catalog.constraints.Constraint;

/** ALTER TABLE … DROP CONSTRAINT of a key: Delta's own statement knows only its checks. */
final class KeyStatement {
  private static final String KIND = "ALTER TABLE ... DROP CONSTRAINT";

  private KeyStatement() {}

  static LogicalPlan drop(Tokens tokens, SparkSession session) {
    tokens.require(KIND, "ALTER", "TABLE");
    List<String> name = tokens.names(KIND, "a table's name");
    if (!tokens.take("DROP", "CONSTRAINT")) {
      return null;
    }
    tokens.take("IF", "EXISTS");
    String key = tokens.name(KIND, "a constraint's name");
    if (tokens.take("CASCADE") || tokens.take("RESTRICT")) {
      tokens.requireEnd(KIND);
    }
    Target target = Target.object(session, name);
    SchemaEntry schema = target.isOurs() ? target.catalog().schemas.get(target.schemaName()) : null;
    TableEntry table = schema == null ? null : schema.table(target.name());
    if (table == null || table.constraints().stream().noneMatch(one -> one.name().equalsIgnoreCase(key))) {
      return null;
    }
    return new Statement(KIND, Answers.NONE, spark -> {
      Access.require(spark, "MODIFY", "TABLE", target.parts());
      target.schema().relations.computeIfPresent(target.name(), (same, old) -> {
        List<Constraint> rest = new ArrayList<>(((TableEntry) old).constraints());
        rest.removeIf(one -> one.name().equalsIgnoreCase(key));
        return ((TableEntry) old).with(rest);
      });
      return Answers.none();
    });
  }
}
