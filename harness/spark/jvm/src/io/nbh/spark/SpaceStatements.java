package io.nbh.spark;

import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.classic.SparkSession;

/** The harness's own statements about spaces, for the clean-up after a session that may be dead. */
final class SpaceStatements {
  private SpaceStatements() {}

  static LogicalPlan drop(Tokens tokens, SparkSession session) {
    boolean isQuiet = tokens.take("IF", "EXISTS");
    String id = tokens.string("NBH DROP SPACE", "a space's name in quotes");
    tokens.requireEnd("NBH DROP SPACE");
    return new Statement("NBH DROP SPACE", Answers.NONE, spark -> {
      if (!Space.drop(id) && !isQuiet) {
        throw Errors.notFound("space", id);
      }
      return Answers.none();
    });
  }

  static LogicalPlan show(Tokens tokens, SparkSession session) {
    tokens.requireEnd("NBH SHOW SPACES");
    return new Statement("NBH SHOW SPACES", Answers.columns("space STRING, folder STRING, catalogs INT, tables INT"), spark ->
        Space.all().stream().map(space -> RowFactory.create(space.id, space.root.toString(), space.catalogs.size(),
            space.tables())).toList());
  }
}
