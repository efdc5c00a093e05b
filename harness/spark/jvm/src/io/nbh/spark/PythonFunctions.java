package io.nbh.spark;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.spark.api.python.SimplePythonFunction;
import org.apache.spark.sql.catalyst.expressions.Cast$;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.NamedExpression;
import org.apache.spark.sql.catalyst.expressions.PythonUDF;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.StructField;
import scala.collection.immutable.Seq;

/** Functions written in Python, as ordinary Python UDFs: what is sent to the worker is a pickle that compiles the body there. */
final class PythonFunctions {
  private static final int BATCHED = 100;
  private static final Map<String, String> VERSIONS = new ConcurrentHashMap<>();

  private PythonFunctions() {}

  static void validate(SparkSession session, FunctionEntry entry) {
    returns(session, entry);
    parameters(session, entry);
  }

  static Expression call(SparkSession session, FunctionEntry entry, Seq<Expression> said) {
    List<Expression> arguments = Arguments.ordered(session, entry, said);
    StructField[] parameters = parameters(session, entry);
    List<Expression> cast = new ArrayList<>();
    for (int i = 0; i < parameters.length; i++) {
      cast.add(Cast$.MODULE$.apply(arguments.get(i), parameters[i].dataType(), session.sessionState().conf().ansiEnabled()));
    }
    String python = System.getenv().getOrDefault("PYSPARK_PYTHON", "python3");
    DataType returns = returns(session, entry);
    SimplePythonFunction function = new SimplePythonFunction(pickle(source(entry, parameters), returns.json()), new HashMap<>(),
        List.of(), python, VERSIONS.computeIfAbsent(python, PythonFunctions::version), List.of(), null);
    return new PythonUDF(entry.name(), function, returns, Scala.seq(cast), BATCHED,
        entry.isDeterministic(), NamedExpression.newExprId());
  }

  private static DataType returns(SparkSession session, FunctionEntry entry) {
    return Parsing.dataType(session, entry.returns());
  }

  private static StructField[] parameters(SparkSession session, FunctionEntry entry) {
    return Parsing.parameters(session, entry.parameters());
  }

  /** A Python expression that is the function. */
  private static String source(FunctionEntry entry, StructField[] parameters) {
    StringBuilder names = new StringBuilder();
    for (StructField parameter : parameters) {
      names.append(names.isEmpty() ? "" : ", ").append(parameter.name());
    }
    // Always by this name: the function's own may be none of Python's.
    String head = "def main(" + names + "):\n";
    String body = "__import__('textwrap').indent(__import__('textwrap').dedent(" + literal(entry.body() + "\n") + "), '  ')";
    String code = literal(head) + " + " + body + " + '  pass\\n'"; // a body may be nothing but a comment
    return "(lambda space: (exec(" + code + ", space), space['main'])[1])({})";
  }

  private static String literal(String text) {
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r") + "'";
  }

  /** The pickle of (eval(expression), _parse_datatype_json_string(type)), which is what Spark's worker reads. */
  private static byte[] pickle(String expression, String type) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(new byte[] {(byte) 0x80, 2});
    call(out, "builtins", "eval", expression);
    call(out, "pyspark.sql.types", "_parse_datatype_json_string", type);
    out.writeBytes(new byte[] {(byte) 0x86, '.'});
    return out.toByteArray();
  }

  private static void call(ByteArrayOutputStream out, String module, String function, String argument) {
    byte[] text = argument.getBytes(StandardCharsets.UTF_8);
    out.writeBytes(("c" + module + "\n" + function + "\nX").getBytes(StandardCharsets.UTF_8));
    out.writeBytes(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(text.length).array());
    out.writeBytes(text);
    out.writeBytes(new byte[] {(byte) 0x85, 'R'});
  }

  /** The worker refuses a driver of another Python version, so ask the Python that will be the worker. */
  private static String version(String python) {
    try {
      Process asked = new ProcessBuilder(python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])").start();
      return new String(asked.getInputStream().readAllBytes(), StandardCharsets.UTF_8).trim();
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }
}
