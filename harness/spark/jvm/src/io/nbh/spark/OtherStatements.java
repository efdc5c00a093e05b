package io.nbh.spark;

import java.util.List;
import java.util.Map;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.execution.command.ResetCommand;
import scala.Option;

/** Statements that are Spark's, but for one case or another. */
final class OtherStatements {
  private OtherStatements() {}

  /** COMMENT ON COLUMN, by the statement that Spark has for it. */
  static LogicalPlan commentOnColumn(Tokens tokens, SparkSession session) {
    String kind = "COMMENT ON COLUMN";
    List<String> name = tokens.names(kind, "a column's name with its table's");
    tokens.require(kind, "IS");
    String comment = tokens.take("NULL") ? "" : tokens.string(kind, "a comment in quotes or NULL");
    tokens.requireEnd(kind);
    if (name.size() < 2) {
      throw Errors.syntax(kind, "a column's name with its table's", "'" + name.get(0) + "'");
    }
    List<String> table = name.subList(0, name.size() - 1);
    return new Statement(kind, Answers.NONE, spark -> {
      Lookup.table(spark, Target.object(spark, table), kind);
      spark.sql("ALTER TABLE " + Errors.quote(table.toArray(new String[0])) + " ALTER COLUMN "
          + Errors.quote(name.get(name.size() - 1)) + " COMMENT " + ShowCreate.literal(comment));
      return Answers.none();
    });
  }

  /** RESET, back to what the session began with; Spark would take it out of its space, and all its tables with it. */
  static LogicalPlan reset(Tokens tokens, SparkSession session) {
    String name = tokens.atEnd() ? null : tokens.from(tokens.position()).replace("`", "");
    return new Statement("RESET", Answers.NONE, spark -> {
      Map<String, String> first = Sessions.first(spark);
      var conf = spark.sessionState().conf();
      if (name != null) {
        new ResetCommand(Option.apply(name)).run(spark);
        if (first.containsKey(name)) {
          conf.setConfString(name, first.get(name));
        }
        return Answers.none();
      }
      Map<String, String> ours = Sessions.ours(spark);
      new ResetCommand(Option.empty()).run(spark);
      first.forEach(conf::setConfString);
      ours.forEach(conf::setConfString);
      return Answers.none();
    });
  }

  /** DESCRIBE … AS JSON of a table in our catalogs; Spark has it for those of the session catalog. */
  static LogicalPlan describeJson(Tokens tokens, SparkSession session) {
    tokens.skip();
    tokens.take("TABLE");
    tokens.take("EXTENDED");
    tokens.take("FORMATTED");
    List<String> name = tokens.names("DESCRIBE TABLE", "a table's name");
    Target target = Target.object(session, name);
    SchemaEntry schema = target.isOurs() ? target.catalog().schemas.get(target.schemaName()) : null;
    if (schema != null && schema.relations.containsKey(target.name()) && tokens.from(tokens.position()).matches("(?i).*\\bAS\\s+JSON")) {
      throw Errors.databricksOnly("The statement DESCRIBE TABLE ... AS JSON", "DESCRIBE TABLE EXTENDED tells the same as rows.");
    }
    return null;
  }

  /** A deep CLONE, which open-source Delta hasn't; SHALLOW CLONE goes on to it. */
  static LogicalPlan deepClone(Tokens tokens, SparkSession session) {
    tokens.skip();
    tokens.take("OR", "REPLACE");
    tokens.require("CREATE TABLE", "TABLE");
    tokens.take("IF", "NOT", "EXISTS");
    tokens.names("CREATE TABLE", "a table's name");
    if (tokens.take("DEEP", "CLONE") || tokens.take("CLONE")) {
      throw Errors.databricksOnly("The statement CREATE TABLE ... DEEP CLONE", "Use SHALLOW CLONE here, or CREATE TABLE ... AS SELECT.");
    }
    return null;
  }
}
