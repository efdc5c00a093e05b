package io.nbh.spark;

import org.apache.spark.sql.SparkSessionExtensions;
import org.apache.spark.sql.catalyst.FunctionIdentifier;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.ExpressionInfo;
import org.apache.spark.sql.catalyst.expressions.Literal$;
import org.apache.spark.sql.classic.SparkSession;
import scala.Tuple3;
import scala.collection.immutable.Seq;
import scala.runtime.AbstractFunction1;
import scala.runtime.BoxedUnit;

/** What {@code spark.sql.extensions} names, after Delta's: our parser stands before Delta's and Spark's. */
public final class Extensions extends AbstractFunction1<SparkSessionExtensions, BoxedUnit> {
  private static final String METASTORE = "local:nbh:00000000-0000-0000-0000-000000000000";

  @Override
  public BoxedUnit apply(SparkSessionExtensions extensions) {
    extensions.injectParser((session, next) -> new StatementParser((SparkSession) session, next));
    extensions.injectHintResolutionRule(session -> new PlanRule((SparkSession) session));
    // Twice: RESTORE is another plan after the first look of Delta's rules, and their DELETE, UPDATE and MERGE are theirs only then.
    extensions.injectHintResolutionRule(session -> new AccessRule((SparkSession) session));
    extensions.injectResolutionRule(session -> new AccessRule((SparkSession) session));
    extensions.injectResolutionRule(session -> new AliasRule());
    extensions.injectResolutionRule(session -> new SubqueryRule((SparkSession) session));
    extensions.injectPostHocResolutionRule(session -> new SpaceFiles((SparkSession) session));
    extensions.injectPostHocResolutionRule(session -> new UserRule((SparkSession) session));
    extensions.injectPlannerStrategy(session -> new LocalRows((SparkSession) session));
    extensions.injectOptimizerRule(session -> new StateStore((SparkSession) session));
    extensions.injectFunction(new Tuple3<>(
        new FunctionIdentifier("current_metastore"),
        new ExpressionInfo(Extensions.class.getName(), "current_metastore"),
        new AbstractFunction1<Seq<Expression>, Expression>() {
          @Override
          public Expression apply(Seq<Expression> arguments) {
            return Literal$.MODULE$.apply(METASTORE);
          }
        }));
    return BoxedUnit.UNIT;
  }
}
