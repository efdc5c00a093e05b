package io.nbh.spark;

import java.util.List;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.classic.SparkSession;

/** CONVERT TO DELTA of a table in one of our catalogs: Delta looks for it in the session catalog, whatever the name says. */
final class ConvertStatement {
  private static final String KIND = "CONVERT TO DELTA";

  private ConvertStatement() {}

  static LogicalPlan convert(Tokens tokens, SparkSession session) {
    List<String> name = tokens.names(KIND, "a table's name");
    int options = tokens.position();
    tokens.take("NO", "STATISTICS");
    boolean hasPartitions = tokens.take("PARTITIONED", "BY");
    if (hasPartitions) {
      tokens.parenthesised(KIND);
    }
    tokens.take("NO", "STATISTICS");
    tokens.requireEnd(KIND);
    String said = tokens.from(options);
    if (!Target.object(session, name).isOurs() || name.size() == 2 && List.of("parquet", "iceberg", "delta").contains(name.get(0))) {
      return null; // files under a path, or a table that Delta does find
    }
    return new Statement(KIND, Answers.NONE, spark -> {
      Target target = Target.object(spark, name);
      Lookup.table(spark, target, KIND);
      Access.require(spark, "MODIFY", "TABLE", target.parts());
      TableEntry old = target.schema().table(target.name());
      if (old.isDelta()) {
        return Answers.none();
      }
      if (!old.provider().equalsIgnoreCase("parquet")) {
        throw Errors.make("DELTA_CONVERT_NON_PARQUET_TABLE", "0AKDC",
            "CONVERT TO DELTA only supports parquet tables, but you are trying to convert a " + old.provider() + " source: "
                + Errors.quote(target.parts()) + ".");
      }
      StringBuilder columns = new StringBuilder();
      for (String column : old.partitionColumns()) {
        columns.append(columns.isEmpty() ? " PARTITIONED BY (" : ", ").append(Errors.quote(column)).append(' ')
            .append(old.schema().apply(column).dataType().sql());
      }
      String partitions = hasPartitions || columns.isEmpty() ? "" : columns.append(')').toString();
      spark.sql(KIND + " " + Errors.quote("parquet", old.location().getPath()) + " " + said + partitions);
      target.schema().relations.replace(target.name(), old, old.asDelta());
      return Answers.none();
    });
  }
}
