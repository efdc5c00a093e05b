package io.nbh.spark;

import org.apache.spark.QueryContext;
import org.apache.spark.sql.AnalysisException;
import org.apache.spark.sql.catalyst.analysis.NoSuchNamespaceException;
import org.apache.spark.sql.catalyst.analysis.NoSuchTableException;
import scala.Option;

/** Errors of Spark's and Databricks' own conditions, with the names that the user said; and ours, whose names begin with NBH. */
public final class Errors {
  private Errors() {}

  /** Of a class that a SQL script's handler for SQLEXCEPTION lets pass: one that took it would give an answer that nobody has. */
  static RuntimeException databricksOnly(String kind, String mend) {
    return make("NBH_DATABRICKS_ONLY", "XX000", kind + " is Databricks only: the local Spark can't do it. " + mend);
  }

  static RuntimeException syntax(String statement, String expected, String found) {
    return make("NBH_SYNTAX", "42601", statement + ": expected " + expected + ", found " + found + ".");
  }

  static RuntimeException notFound(String kind, String... name) {
    return make("NBH_" + kind.toUpperCase(java.util.Locale.ROOT) + "_NOT_FOUND", "42704",
        "The " + kind + " " + quote(name) + " cannot be found. Verify its spelling, and that its catalog and schema are meant.");
  }

  static RuntimeException exists(String kind, String... name) {
    return make("NBH_" + kind.toUpperCase(java.util.Locale.ROOT) + "_ALREADY_EXISTS", "42710",
        "Cannot create the " + kind + " " + quote(name) + " because it already exists.");
  }

  static RuntimeException catalogNotFound(String name) {
    return make("NO_SUCH_CATALOG_EXCEPTION", "42704",
        "Catalog '" + name + "' was not found. Please verify the catalog name and then retry the query or command again.");
  }

  static RuntimeException needsUnityCatalog(String name) {
    return make("OPERATION_REQUIRES_UNITY_CATALOG", "0AKUD", "This operation requires a catalog of Unity Catalog: " + name
        + " is the old metastore, which has tables, views and SQL functions only. Use another catalog, such as main.");
  }

  static RuntimeException notInUnityCatalog(String command, String mend) {
    return make("UC_COMMAND_NOT_SUPPORTED", "0AKUC", "The command(s): " + command + " are not supported in Unity Catalog. " + mend);
  }

  static RuntimeException notEmpty(String kind, String... name) {
    return make("NBH_" + kind.toUpperCase(java.util.Locale.ROOT) + "_NOT_EMPTY", "2BP01",
        "Cannot drop the " + kind + " " + quote(name) + " because it contains objects. Use DROP ... CASCADE to drop them too.");
  }

  static RuntimeException tableNotFound(String... name) {
    return sneak(new NoSuchTableException(Scala.seq(java.util.List.of(name))));
  }

  static RuntimeException schemaNotFound(String catalog, String schema) {
    return sneak(new NoSuchNamespaceException(new String[] {catalog, schema}));
  }

  static RuntimeException make(String condition, String state, String message) {
    return sneak(new AnalysisException("[" + condition + "] " + message + " SQLSTATE: " + state, Option.empty(), Option.empty(),
        Option.empty(), Option.apply(condition), TableEntry.toScala(java.util.Map.of()), new QueryContext[0],
        Option.apply(state), Option.apply(message)));
  }

  public static String quote(String... parts) {
    StringBuilder text = new StringBuilder();
    for (String part : parts) {
      text.append(text.isEmpty() ? "" : ".").append('`').append(part.replace("`", "``")).append('`');
    }
    return text.toString();
  }

  /** The same where plain words need no backticks. */
  static String quoteOdd(String... parts) {
    StringBuilder text = new StringBuilder();
    for (String part : parts) {
      text.append(text.isEmpty() ? "" : ".").append(part.matches("[A-Za-z_][A-Za-z0-9_]*") ? part : quote(part));
    }
    return text.toString();
  }

  /** Throw a checked exception as Scala would: Spark's interfaces declare only some of theirs. */
  @SuppressWarnings("unchecked")
  public static <T extends Throwable> RuntimeException sneak(Throwable thrown) throws T {
    throw (T) thrown;
  }
}
