package io.nbh.spark;

import org.apache.spark.sql.catalyst.expressions.CurrentUser;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.Literal$;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.rules.Rule;
import org.apache.spark.sql.classic.SparkSession;

/** {@code current_user()} is whose the session is; Spark has one user for all of its sessions, the one who started it. */
final class UserRule extends Rule<LogicalPlan> {
  private final SparkSession session;

  UserRule(SparkSession session) {
    this.session = session;
  }

  @Override
  public LogicalPlan apply(LogicalPlan plan) {
    return plan.resolveOperatorsUp(PlanRule.<LogicalPlan>partial(node ->
        (LogicalPlan) node.transformExpressions(PlanRule.<Expression>partial(expression -> expression instanceof CurrentUser
            ? Literal$.MODULE$.apply(Sessions.user(session.sessionState().conf())) : expression))));
  }
}
