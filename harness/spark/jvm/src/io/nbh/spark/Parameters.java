package io.nbh.spark;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.parser.HybridParameterContext;
import org.apache.spark.sql.catalyst.parser.NamedParameterContext;
import org.apache.spark.sql.catalyst.parser.ParameterContext;
import org.apache.spark.sql.catalyst.parser.ParseException;
import org.apache.spark.sql.catalyst.parser.PositionalParameterContext;
import org.apache.spark.sql.classic.SparkSession;
import scala.jdk.javaapi.CollectionConverters;

/** What {@code spark.sql(…, args=…)} gives for each {@code :name} and {@code ?}, and what IDENTIFIER(…) makes of an expression. */
record Parameters(SparkSession session, ParameterContext given) {
  /** The value of {@code :name}, as SQL. */
  String named(String name) {
    Map<String, Expression> values = new HashMap<>();
    if (given instanceof NamedParameterContext named) {
      values.putAll(CollectionConverters.asJava(named.params()));
    } else if (given instanceof HybridParameterContext both) { // EXECUTE IMMEDIATE … USING
      List<String> names = Scala.list(both.paramNames());
      for (int i = 0; i < names.size(); i++) {
        values.put(names.get(i), Scala.list(both.args()).get(i));
      }
    }
    if (!values.containsKey(name)) {
      throw unbound(name);
    }
    return values.get(name).sql();
  }

  /** The value of a question mark, of which so many stand before it. */
  String positional(int before) {
    List<Expression> values = given instanceof PositionalParameterContext all ? Scala.list(all.params())
        : given instanceof HybridParameterContext both ? Scala.list(both.args()) : List.of();
    if (before >= values.size()) {
      throw unbound("_" + before);
    }
    return values.get(before).sql();
  }

  /** The name that an expression gives; session variables are known to it. */
  List<String> identifier(String expression) {
    try {
      return Scala.list(session.sessionState().sqlParser().parseMultipartIdentifier(text(expression)));
    } catch (ParseException wrong) {
      throw Errors.sneak(wrong);
    }
  }

  /** The string that an expression gives. */
  String text(String expression) {
    Row row = session.sql("SELECT " + expression).head();
    if (row.isNullAt(0)) {
      throw Errors.make("NOT_A_CONSTANT_STRING.NULL", "42601", "The expression " + expression.trim()
          + " used for the routine or clause IDENTIFIER must be a constant STRING which is NOT NULL. The expression evaluates to NULL.");
    }
    if (row.get(0) instanceof String value) {
      return value;
    }
    throw Errors.make("NOT_A_CONSTANT_STRING.WRONG_TYPE", "42601", "The expression " + expression.trim() + " used for the routine or clause"
        + " IDENTIFIER must be a constant STRING which is NOT NULL. The data type of the expression is "
        + row.schema().fields()[0].dataType().sql() + ".");
  }

  private static RuntimeException unbound(String name) {
    return Errors.make("UNBOUND_SQL_PARAMETER", "42P02", "Found the unbound parameter: " + name + ". Please, fix `args` and provide a"
        + " mapping of the parameter to either a SQL literal or collection constructor functions such as `map()`, `array()`, `struct()`.");
  }
}
