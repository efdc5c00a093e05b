package io.nbh.spark;

import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.classic.SparkSession;

/** ALTER … [SET] OWNER TO: kept and shown. */
final class OwnerStatement {
  private OwnerStatement() {}

  static LogicalPlan set(Tokens tokens, SparkSession session) {
    String kind = "ALTER ... OWNER TO";
    tokens.require(kind, "ALTER");
    Securable object = Securable.read(tokens, kind);
    tokens.take("SET");
    tokens.require(kind, "OWNER", "TO");
    String owner = GrantStatements.principal(tokens, kind);
    tokens.requireEnd(kind);
    return new Statement(kind, Answers.NONE, spark -> {
      object.require(spark, "MANAGE");
      object.own(spark, owner);
      return Answers.none();
    });
  }
}
