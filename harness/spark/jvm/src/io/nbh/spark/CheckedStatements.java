package io.nbh.spark;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.connector.catalog.V1Table;

/**
 * ANALYZE TABLE and MSCK REPAIR TABLE, which change no answer: what they name must be there, and nothing else happens. Statistics
 * aren't kept, for tables here are small; partitions of tables of files are always those that the folders are.
 */
final class CheckedStatements {
  private CheckedStatements() {}

  static LogicalPlan analyze(Tokens tokens, SparkSession session) {
    String kind = "ANALYZE TABLE";
    tokens.require(kind, "ANALYZE", "TABLE");
    List<String> name = tokens.names(kind, "a table's name");
    List<String> partitions = tokens.take("PARTITION") ? partitions(tokens, kind) : List.of();
    tokens.require(kind, "COMPUTE");
    tokens.take("DELTA");
    tokens.require(kind, "STATISTICS");
    List<String> columns = new ArrayList<>();
    if (tokens.take("FOR", "COLUMNS")) {
      do {
        columns.add(tokens.name(kind, "a column's name"));
      } while (tokens.take(","));
    } else if (!tokens.take("FOR", "ALL", "COLUMNS")) {
      tokens.take("NOSCAN");
    }
    tokens.requireEnd(kind);
    if (isSparks(session, name)) {
      return null;
    }
    return new Statement(kind, Answers.NONE, spark -> {
      Target target = Target.object(spark, name);
      Table table = Lookup.table(spark, target, kind);
      if (!partitions.isEmpty() && Lookup.isDelta(table)) {
        throw Errors.make("OPERATION_NOT_SUPPORTED", "0A000", "ANALYZE TABLE ... PARTITION is not supported for Delta tables: "
            + Errors.quote(target.parts()) + ".");
      }
      requireColumns(target, Arrays.stream(table.columns()).map(column -> column.name()).toList(), columns);
      requireColumns(target, partitionColumns(table), partitions);
      return Answers.none();
    });
  }

  static LogicalPlan analyzeAll(Tokens tokens, SparkSession session) {
    String kind = "ANALYZE TABLES";
    List<String> in = tokens.take("IN") || tokens.take("FROM") ? tokens.names(kind, "a schema's name") : List.of();
    tokens.require(kind, "COMPUTE", "STATISTICS");
    tokens.take("NOSCAN");
    tokens.requireEnd(kind);
    return new Statement(kind, Answers.NONE, spark -> {
      Target target = Target.schema(spark, in);
      if (!Metastore.isMeant(target.catalogName())) {
        target.schema();
      } else if (!spark.sessionState().catalog().databaseExists(target.schemaName())) {
        throw Errors.schemaNotFound(target.catalogName(), target.schemaName());
      }
      return Answers.none();
    });
  }

  static LogicalPlan repair(Tokens tokens, SparkSession session) {
    String kind = "MSCK REPAIR TABLE";
    List<String> name = tokens.names(kind, "a table's name");
    boolean isOfMetadata = tokens.take("SYNC", "METADATA");
    if (!isOfMetadata && (tokens.take("ADD") || tokens.take("DROP") || tokens.take("SYNC"))) {
      tokens.require(kind, "PARTITIONS");
    }
    return repair(tokens, session, kind, name, isOfMetadata);
  }

  static LogicalPlan recover(Tokens tokens, SparkSession session) {
    String kind = "ALTER TABLE ... RECOVER PARTITIONS";
    tokens.require(kind, "ALTER", "TABLE");
    List<String> name = tokens.names(kind, "a table's name");
    return tokens.take("RECOVER", "PARTITIONS") ? repair(tokens, session, kind, name, false) : null;
  }

  static LogicalPlan clusterAuto(Tokens tokens, SparkSession session) {
    String kind = "ALTER TABLE ... CLUSTER BY AUTO";
    tokens.require(kind, "ALTER", "TABLE");
    List<String> name = tokens.names(kind, "a table's name");
    tokens.require(kind, "CLUSTER", "BY", "AUTO");
    tokens.requireEnd(kind);
    return new Statement(kind, Answers.NONE, spark -> {
      Target target = Target.object(spark, name);
      Access.require(spark, "MODIFY", "TABLE", target.parts());
      if (!Lookup.isDelta(Lookup.table(spark, target, kind))) {
        throw Errors.make("OPERATION_NOT_SUPPORTED", "0A000", kind + " is only for Delta tables: " + Errors.quote(target.parts()) + ".");
      }
      return Answers.none();
    });
  }

  private static LogicalPlan repair(Tokens tokens, SparkSession session, String kind, List<String> name, boolean isOfMetadata) {
    tokens.requireEnd(kind);
    Target meant = Target.object(session, name);
    if (Metastore.isMeant(meant.catalogName()) && !isOfMetadata) {
      return null; // there partitions are kept, and Spark looks for new ones
    }
    return new Statement(kind, Answers.NONE, spark -> {
      Target target = Target.object(spark, name);
      Access.require(spark, "MODIFY", "TABLE", target.parts());
      Table table = Lookup.table(spark, target, kind);
      if (Lookup.isDelta(table) && !isOfMetadata) {
        throw Errors.make("DELTA_OPERATION_NOT_ALLOWED", "0AKDC", "Operation not allowed: `" + kind + "` is not supported for Delta tables: "
            + Errors.quote(target.parts()) + ".");
      }
      if (!Lookup.isDelta(table) && partitionColumns(table).isEmpty()) {
        throw Errors.make("NOT_A_PARTITIONED_TABLE", "42809", "Operation " + kind + " is not allowed for "
            + Errors.quote(target.parts()) + " because it is not a partitioned table.");
      }
      return Answers.none();
    });
  }

  /** Whether the name is a temporary view's; or a table of files in the session catalog, whose statistics Spark keeps. */
  private static boolean isSparks(SparkSession session, List<String> name) {
    if (name.size() == 1 && session.sessionState().catalog().isTempView(Scala.seq(name))) {
      return true;
    }
    // From another current catalog Spark would look for the table's rows in that one.
    Target target = Target.object(session, name);
    return Metastore.isMeant(target.catalogName())
        && Metastore.isMeant(session.sessionState().catalogManager().currentCatalog().name())
        && Lookup.table(session, target, "ANALYZE TABLE") instanceof V1Table;
  }

  private static List<String> partitions(Tokens tokens, String kind) {
    List<String> columns = new ArrayList<>();
    tokens.require(kind, "(");
    do {
      columns.add(tokens.name(kind, "a partition column"));
      if (tokens.take("=")) {
        tokens.until(",", ")");
      }
    } while (tokens.take(","));
    tokens.require(kind, ")");
    return columns;
  }

  private static List<String> partitionColumns(Table table) {
    return Arrays.stream(table.partitioning()).filter(one -> one.name().equals("identity"))
        .map(one -> String.join(".", one.references()[0].fieldNames())).toList();
  }

  private static void requireColumns(Target target, List<String> there, List<String> said) {
    for (String column : said) {
      if (there.stream().noneMatch(column::equalsIgnoreCase)) {
        throw Errors.make("COLUMN_NOT_FOUND", "42703", "The column " + Errors.quote(column) + " cannot be found in "
            + Errors.quote(target.parts()) + ". Verify the spelling and correctness of the column name.");
      }
    }
  }
}
