package io.nbh.spark;

import java.util.Map;
import org.apache.spark.sql.catalyst.parser.ParseException;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.SetTableProperties;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.StructField;
import scala.jdk.javaapi.CollectionConverters;

/** Spark's parser for the parts of a function's statement. */
final class Parsing {
  private Parsing() {}

  static DataType dataType(SparkSession session, String text) {
    try {
      return session.sessionState().sqlParser().parseDataType(text);
    } catch (ParseException wrong) {
      throw Errors.sneak(wrong);
    }
  }

  static LogicalPlan plan(SparkSession session, String text) {
    try {
      return session.sessionState().sqlParser().parsePlan(text);
    } catch (ParseException wrong) {
      throw Errors.sneak(wrong);
    }
  }

  /** What stands between the parentheses of TBLPROPERTIES (…). */
  static Map<String, String> properties(SparkSession session, String text) {
    LogicalPlan plan = plan(session, "ALTER TABLE t SET TBLPROPERTIES (" + text + ")");
    return CollectionConverters.asJava(((SetTableProperties) plan).properties());
  }

  static StructField[] parameters(SparkSession session, String text) {
    try {
      return text.isBlank() ? new StructField[0] : session.sessionState().sqlParser().parseRoutineParam(text).fields();
    } catch (ParseException wrong) {
      throw Errors.sneak(wrong);
    }
  }
}
