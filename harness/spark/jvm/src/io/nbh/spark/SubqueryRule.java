package io.nbh.spark;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.Exists;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.In;
import org.apache.spark.sql.catalyst.expressions.InSubquery;
import org.apache.spark.sql.catalyst.expressions.Literal;
import org.apache.spark.sql.catalyst.expressions.ScalarSubquery;
import org.apache.spark.sql.catalyst.expressions.SubqueryExpression;
import org.apache.spark.sql.catalyst.plans.logical.DeltaDelete;
import org.apache.spark.sql.catalyst.plans.logical.DeltaUpdateTable;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.rules.Rule;
import org.apache.spark.sql.classic.Dataset;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.types.DataType;

/**
 * Subqueries in DELETE and UPDATE, which open-source Delta refuses: one that doesn't look at the row is run first, and its rows put
 * in its place. IN keeps its meaning, NULLs and all, for it is the same with a list.
 */
final class SubqueryRule extends Rule<LogicalPlan> {
  private final SparkSession session;

  SubqueryRule(SparkSession session) {
    this.session = session;
  }

  @Override
  public LogicalPlan apply(LogicalPlan plan) {
    boolean isMeant = (plan instanceof DeltaDelete || plan instanceof DeltaUpdateTable) && plan.resolved();
    return isMeant ? (LogicalPlan) plan.transformExpressions(PlanRule.<Expression>partial(this::run)) : plan;
  }

  private Expression run(Expression expression) {
    if (expression instanceof InSubquery in && in.resolved()) {
      requireAlone(in.query());
      List<Expression> values = Scala.list(in.values());
      if (values.size() != 1) {
        throw refused("a subquery of several columns");
      }
      List<Expression> found = new ArrayList<>();
      for (InternalRow row : rows(in.query())) {
        found.add(literal(row, in.query()));
      }
      return found.isEmpty() ? Literal.FalseLiteral() : new In(values.get(0), Scala.seq(found));
    }
    if (expression instanceof ScalarSubquery query && query.resolved()) {
      requireAlone(query);
      InternalRow[] rows = rows(query);
      if (rows.length > 1) {
        throw Errors.make("SCALAR_SUBQUERY_TOO_MANY_ROWS", "21000", "More than one row returned by a subquery used as an expression.");
      }
      return rows.length == 0 ? new Literal(null, query.dataType()) : literal(rows[0], query);
    }
    if (expression instanceof Exists query && query.resolved()) {
      requireAlone(query);
      return rows(query).length > 0 ? Literal.TrueLiteral() : Literal.FalseLiteral();
    }
    return expression;
  }

  private InternalRow[] rows(SubqueryExpression query) {
    return Dataset.ofRows(session, (LogicalPlan) query.plan()).queryExecution().executedPlan().executeCollect();
  }

  private static Literal literal(InternalRow row, SubqueryExpression query) {
    DataType type = ((LogicalPlan) query.plan()).schema().fields()[0].dataType();
    return new Literal(row.get(0, type), type);
  }

  private static void requireAlone(SubqueryExpression query) {
    if (!Scala.list(query.children()).isEmpty()) {
      throw refused("a subquery that looks at the row");
    }
  }

  private static RuntimeException refused(String what) {
    return Errors.databricksOnly("In DELETE and UPDATE " + what, "Write it as MERGE INTO ... USING (SELECT ...) here.");
  }
}
