package io.nbh.spark;

import org.apache.spark.sql.catalyst.FunctionIdentifier;
import org.apache.spark.sql.catalyst.TableIdentifier;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.parser.ParameterContext;
import org.apache.spark.sql.catalyst.parser.ParameterHandler;
import org.apache.spark.sql.catalyst.parser.ParseException;
import org.apache.spark.sql.catalyst.parser.ParserInterface;
import org.apache.spark.sql.catalyst.plans.logical.CreateUserDefinedFunction;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.ShowTables;
import org.apache.spark.sql.catalyst.plans.logical.ShowViews;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.internal.VariableSubstitution;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.StructType;
import scala.collection.immutable.Seq;

/** Takes Databricks' own statements and leaves all else to Spark; and as every name passes here, keeps the catalogs up to date. */
final class StatementParser implements ParserInterface {
  private final SparkSession session;
  private final ParserInterface next;

  StatementParser(SparkSession session, ParserInterface next) {
    this.session = session;
    this.next = next;
  }

  private ParserInterface next() {
    Sessions.update(session);
    return next;
  }

  @Override
  public LogicalPlan parsePlan(String text) throws ParseException {
    ParserInterface spark = next();
    LogicalPlan ours = StatementKind.parse(filled(text), session, null);
    return ours != null ? ours : plan(spark, text);
  }

  @Override
  public LogicalPlan parsePlanWithParameters(String text, ParameterContext parameters) throws ParseException {
    ParserInterface spark = next();
    LogicalPlan ours = StatementKind.parse(filled(text), session, parameters);
    // Delta's parser drops the parameters and gives a plan in which they are unbound, so put them into the text here.
    return ours != null ? ours : plan(spark, withValues(Spelling.ofSpark(text, session), parameters));
  }

  /** Spark finds the markers with its own grammar, which Delta's statements (OPTIMIZE, VACUUM, RESTORE) aren't in: these keep theirs. */
  private static String withValues(String text, ParameterContext parameters) {
    try {
      return ParameterHandler.substituteParameters(text, parameters)._1();
    } catch (Exception wrong) { // Scala doesn't declare which
      if (wrong instanceof ParseException) {
        return text;
      }
      throw wrong;
    }
  }

  /** The text with settings in the place of {@code ${name}}, as Spark's parser reads its own statements. */
  private static String filled(String text) {
    return text.contains("${") ? new VariableSubstitution().substitute(text) : text;
  }

  private LogicalPlan plan(ParserInterface spark, String text) throws ParseException {
    try {
      return taken(spark.parsePlan(Spelling.ofSpark(text, session)));
    } catch (NullPointerException bug) {
      if (!text.toUpperCase(java.util.Locale.ROOT).contains("REFERENCES")) {
        throw bug;
      }
      throw Errors.syntax("FOREIGN KEY", "the columns of the other table: REFERENCES other (key)", "none");
    } catch (ParseException wrong) {
      if ("'MASK'".equalsIgnoreCase(wrong.getMessageParameters().get("error"))) {
        // https://docs.databricks.com/sql/language-manual/sql-ref-syntax-ddl-column-mask
        throw Errors.databricksOnly("MASK of a column", "Leave it out here, or run this test on Databricks.");
      }
      StatementKind.refuseInScript(text);
      throw wrong;
    }
  }

  /** Spark's plan, or ours in its place where Spark reads a statement that it can't carry out in a catalog like ours. */
  private LogicalPlan taken(LogicalPlan plan) {
    if (plan instanceof ShowViews said) {
      return Views.show(said);
    }
    if (plan instanceof ShowTables said) {
      return Views.showTables(said);
    }
    LogicalPlan ours = plan instanceof CreateUserDefinedFunction said ? FunctionStatements.create(said, session) : null;
    return ours != null ? ours : plan;
  }

  @Override
  public Expression parseExpression(String text) throws ParseException {
    return next().parseExpression(text);
  }

  @Override
  public TableIdentifier parseTableIdentifier(String text) throws ParseException {
    return next().parseTableIdentifier(text);
  }

  @Override
  public FunctionIdentifier parseFunctionIdentifier(String text) throws ParseException {
    return next().parseFunctionIdentifier(text);
  }

  @Override
  public Seq<String> parseMultipartIdentifier(String text) throws ParseException {
    if (Spelling.isTimeTravel(text)) {
      throw Errors.databricksOnly("The name " + text + " outside of SQL", "Use spark.read.option('versionAsOf', ...).table(...).");
    }
    return next().parseMultipartIdentifier(text);
  }

  @Override
  public LogicalPlan parseQuery(String text) throws ParseException {
    return next().parseQuery(text);
  }

  @Override
  public StructType parseRoutineParam(String text) throws ParseException {
    return next().parseRoutineParam(text);
  }

  @Override
  public StructType parseTableSchema(String text) throws ParseException {
    JsonSchemas.refuse("table", text);
    try {
      return next().parseTableSchema(text);
    } catch (ParseException wrong) {
      throw JsonSchemas.noted("table", text, wrong);
    }
  }

  @Override
  public DataType parseDataType(String text) throws ParseException {
    JsonSchemas.refuse("type", text);
    try {
      return next().parseDataType(text);
    } catch (ParseException wrong) {
      throw JsonSchemas.noted("type", text, wrong);
    }
  }
}
