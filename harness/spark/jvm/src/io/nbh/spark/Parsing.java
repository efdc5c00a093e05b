package io.nbh.spark;

import org.apache.spark.sql.catalyst.parser.ParseException;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.StructField;

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

  static StructField[] parameters(SparkSession session, String text) {
    try {
      return text.isBlank() ? new StructField[0] : session.sessionState().sqlParser().parseRoutineParam(text).fields();
    } catch (ParseException wrong) {
      throw Errors.sneak(wrong);
    }
  }
}
