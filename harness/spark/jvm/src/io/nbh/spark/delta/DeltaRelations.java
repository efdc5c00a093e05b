package io.nbh.spark.delta;

import io.delta.tables.DeltaOptimizeBuilder;
import io.delta.tables.DeltaTable;
import io.nbh.spark.Scala;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.catalyst.analysis.UnresolvedStar;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.Literal;
import org.apache.spark.sql.catalyst.plans.logical.Assignment;
import org.apache.spark.sql.catalyst.plans.logical.DeleteFromTable;
import org.apache.spark.sql.catalyst.plans.logical.DeltaMergeInto$;
import org.apache.spark.sql.catalyst.plans.logical.DeltaMergeIntoClause;
import org.apache.spark.sql.catalyst.plans.logical.DeltaMergeIntoMatchedDeleteClause;
import org.apache.spark.sql.catalyst.plans.logical.DeltaMergeIntoMatchedUpdateClause;
import org.apache.spark.sql.catalyst.plans.logical.DeltaMergeIntoNotMatchedBySourceDeleteClause;
import org.apache.spark.sql.catalyst.plans.logical.DeltaMergeIntoNotMatchedBySourceUpdateClause;
import org.apache.spark.sql.catalyst.plans.logical.DeltaMergeIntoNotMatchedInsertClause;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.UpdateTable;
import org.apache.spark.sql.connect.common.DataTypeProtoConverter;
import org.apache.spark.sql.connect.planner.SparkConnectPlanner;
import org.apache.spark.sql.connect.plugin.RelationPlugin;
import org.apache.spark.sql.types.StructType;
import scala.Option;
import scala.collection.immutable.Seq;

/**
 * What {@code delta.tables.DeltaTable} asks for over Spark Connect and gets rows for: the table itself, its history, a merge …
 *
 * <p>Delta has a plugin for this too, in jars of its own; here Delta's public classes do the work on the same messages.
 */
public final class DeltaRelations implements RelationPlugin {
  @Override
  public Optional<LogicalPlan> transform(byte[] extension, SparkConnectPlanner planner) {
    Wire relation = Wire.unpack(extension, "delta.connect.DeltaRelation");
    return relation == null ? Optional.empty() : Optional.of(new Asked(planner, relation.message(relation.kind())).plan(relation.kind()));
  }

  /** One relation: its kind is the number of its field. */
  private record Asked(SparkConnectPlanner planner, Wire message) {
    LogicalPlan plan(int kind) {
      return switch (kind) {
        case 1 -> analyzed(table().toDF());
        case 2 -> analyzed(table().history());
        case 3 -> analyzed(table().detail());
        case 4 -> converted();
        case 5 -> done(message.has(2) ? table().restoreToVersion(message.number(2)) : table().restoreToTimestamp(message.text(3)));
        case 6 -> analyzed(planner.session().createDataset(
            List.of(DeltaTable.isDeltaTable(planner.session(), message.text(1))), Encoders.BOOLEAN()).toDF());
        case 7 -> done(new DeleteFromTable(target(), condition(2).getOrElse(() -> Literal.TrueLiteral())));
        case 8 -> done(new UpdateTable(target(), Scala.seq(assignments(message, 3)), condition(2)));
        case 9 -> merged();
        case 10 -> optimized();
        default -> throw new UnsupportedOperationException("a newer Delta's client asks for something that this one doesn't know: " + kind);
      };
    }

    private DeltaTable table() {
      return Tables.of(planner.session(), message.message(1));
    }

    private LogicalPlan target() {
      return planner.transformRelation(message.relation(1));
    }

    private Option<Expression> condition(int field) {
      return condition(message, field);
    }

    private Option<Expression> condition(Wire from, int field) {
      return from.has(field) ? Option.apply(planner.transformExpression(from.expression(field))) : Option.empty();
    }

    private List<Assignment> assignments(Wire from, int field) {
      List<Assignment> all = new ArrayList<>();
      for (Wire one : from.messages(field)) {
        all.add(new Assignment(planner.transformExpression(one.expression(1)), planner.transformExpression(one.expression(2))));
      }
      return all;
    }

    private LogicalPlan converted() {
      String name = message.text(1);
      if (message.has(3)) {
        StructType partitions = (StructType) DataTypeProtoConverter.toCatalystType(message.dataType(3));
        DeltaTable.convertToDelta(planner.session(), name, partitions);
      } else if (message.has(2)) {
        DeltaTable.convertToDelta(planner.session(), name, message.text(2));
      } else {
        DeltaTable.convertToDelta(planner.session(), name);
      }
      // The client takes the table up by this name.
      String now = name.replaceFirst("(?i)^parquet\\.", "delta.");
      return analyzed(planner.session().createDataset(List.of(now), Encoders.STRING()).toDF());
    }

    private LogicalPlan merged() {
      List<DeltaMergeIntoClause> clauses = new ArrayList<>();
      for (Wire action : message.messages(4)) {
        Option<Expression> condition = condition(action, 1);
        clauses.add(action.has(2)
            ? new DeltaMergeIntoMatchedDeleteClause(condition)
            : new DeltaMergeIntoMatchedUpdateClause(condition, actions(action, 3, 4)));
      }
      for (Wire action : message.messages(5)) {
        clauses.add(new DeltaMergeIntoNotMatchedInsertClause(condition(action, 1), actions(action, 5, 6)));
      }
      for (Wire action : message.messages(6)) {
        Option<Expression> condition = condition(action, 1);
        clauses.add(action.has(2)
            ? new DeltaMergeIntoNotMatchedBySourceDeleteClause(condition)
            : new DeltaMergeIntoNotMatchedBySourceUpdateClause(condition, actions(action, 3, 4)));
      }
      return done(DeltaMergeInto$.MODULE$.apply(target(), planner.transformRelation(message.relation(2)),
          planner.transformExpression(message.expression(3)), Scala.seq(clauses), message.flag(7)));
    }

    /** What a clause sets: the assignments in one field, or all columns where the other field is there. */
    private Seq<Expression> actions(Wire action, int some, int all) {
      if (action.has(all)) {
        return Scala.seq(List.of(new UnresolvedStar(Option.empty())));
      }
      List<Assignment> assignments = assignments(action.message(some), 1);
      return assignments.isEmpty() ? Scala.seq(List.of()) : DeltaMergeIntoClause.toActions(Scala.seq(assignments));
    }

    private LogicalPlan optimized() {
      DeltaOptimizeBuilder builder = table().optimize();
      for (String filter : message.texts(2)) {
        builder = builder.where(filter);
      }
      List<String> columns = message.texts(3);
      return done(columns.isEmpty() ? builder.executeCompaction() : builder.executeZOrderBy(columns.toArray(new String[0])));
    }

    /** A command's plan with the command run: what is left are its answer's rows. */
    private LogicalPlan done(LogicalPlan plan) {
      return done(org.apache.spark.sql.classic.Dataset.ofRows(planner.session(), plan));
    }

    private static LogicalPlan done(Dataset<Row> answer) {
      return ((org.apache.spark.sql.classic.Dataset<Row>) answer).queryExecution().commandExecuted();
    }

    private static LogicalPlan analyzed(Dataset<Row> rows) {
      return ((org.apache.spark.sql.classic.Dataset<Row>) rows).queryExecution().analyzed();
    }
  }
}
