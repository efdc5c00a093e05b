package io.nbh.spark;

import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.delta.DeltaLog;
import org.apache.spark.sql.delta.DeltaOperations;
import org.apache.spark.sql.delta.OptimisticTransaction;
import org.apache.spark.sql.delta.actions.Action;
import org.apache.spark.sql.delta.actions.Metadata;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import scala.Option;

/**
 * ALTER TABLE … ALTER COLUMN … SET NOT NULL: Delta of itself only takes NOT NULL away. It looks at the rows that there are, as Databricks does.
 *
 * <p>https://docs.databricks.com/sql/language-manual/sql-ref-syntax-ddl-alter-table-manage-column.html
 */
final class NotNullStatement {
  private static final String KIND = "ALTER TABLE ... ALTER COLUMN ... SET NOT NULL";

  private NotNullStatement() {}

  static LogicalPlan set(Tokens tokens, SparkSession session) {
    tokens.require(KIND, "ALTER", "TABLE");
    List<String> name = tokens.names(KIND, "a table's name");
    if (!tokens.take("ALTER") && !tokens.take("CHANGE")) {
      return null;
    }
    tokens.take("COLUMN");
    List<String> column = tokens.names(KIND, "a column's name");
    if (!tokens.take("SET", "NOT", "NULL") || !tokens.atEnd()) {
      return null;
    }
    if (column.size() > 1) {
      if (mayBeNull(session, name, column)) {
        throw Errors.databricksOnly("The statement " + KIND + " of a field", "Say NOT NULL where the table is made.");
      }
      return null;
    }
    Target target = Target.object(session, name);
    SchemaEntry schema = target.isOurs() ? target.catalog().schemas.get(target.schemaName()) : null;
    TableEntry table = schema == null ? null : schema.table(target.name());
    if (table == null || !table.isDelta()) {
      return null;
    }
    return new Statement(KIND, Answers.NONE, spark -> {
      Access.require(spark, "MODIFY", "TABLE", target.parts());
      return set(spark, target, table, column.get(0));
    });
  }

  private static boolean mayBeNull(SparkSession session, List<String> table, List<String> field) {
    try {
      return session.table(Errors.quote(table.toArray(new String[0]))).select(Errors.quote(field.toArray(new String[0]))).schema().apply(0).nullable();
    } catch (Exception missing) {
      return false; // what isn't there, or isn't open, Spark tells itself
    }
  }

  private static List<Row> set(SparkSession session, Target target, TableEntry table, String column) {
    OptimisticTransaction change = DeltaLog.forTable(session, new Path(table.location())).startTransaction(Option.empty(), Option.empty());
    Metadata before = change.metadata();
    List<StructField> fields = new ArrayList<>();
    StructField found = null;
    for (StructField field : before.schema().fields()) {
      boolean isMeant = field.name().equalsIgnoreCase(column);
      found = isMeant ? new StructField(field.name(), field.dataType(), false, field.metadata()) : found;
      fields.add(isMeant ? found : field);
    }
    if (found == null) {
      throw Errors.make("UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", "42703",
          "A column, variable, or function parameter with name " + Errors.quote(column) + " cannot be resolved.");
    }
    if (!session.table(Errors.quote(target.parts())).filter(Errors.quote(found.name()) + " IS NULL").isEmpty()) {
      throw Errors.make("NBH_COLUMN_HAS_NULLS", "23502", "The column " + Errors.quote(found.name()) + " of " + Errors.quote(target.parts())
          + " can't be set to NOT NULL: rows of the table are null there. Change or delete them first.");
    }
    StructType after = new StructType(fields.toArray(new StructField[0]));
    change.updateMetadata(before.copy(before.id(), before.name(), before.description(), before.format(), after.json(),
        before.partitionColumns(), before.configuration(), before.createdTime()), false);
    change.commit(Scala.seq(List.<Action>of()), new DeltaOperations.ChangeColumn(Scala.seq(List.of()), found.name(), found, Option.empty()));
    return Answers.none();
  }
}
