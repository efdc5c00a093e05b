package io.nbh.spark;

import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Functions that only Databricks has, so that their error says so. */
final class DatabricksFunctions {
  private static final String AS_WHOLE = "Leave it out here, or run this test on Databricks.";
  private static final Map<String, String> MENDS = Map.of(
      "charindex", "Use position, which both know.",
      "getdate", "Use now, which both know.",
      "iff", "Use if, which both know.",
      "read_files", "Use spark.read, or SELECT ... FROM csv.`/path`.",
      "secret", "Use dbutils.secrets.get.",
      "try_secret", "Use dbutils.secrets.get.");
  private static final List<String> NAMES = List.of("read_files", "read_kafka", "read_kinesis", "read_pubsub", "read_pulsar", "cloud_files_state",
      "event_log", "list_secrets", "secret", "try_secret", "is_member", "is_account_group_member", "current_recipient", "vector_search",
      "http_request", "remote_query", "current_version", "charindex", "getdate", "iff", "schema_of_json_agg", "jarowinkler_similarity");

  private DatabricksFunctions() {}

  /** An error if a function that Spark doesn't know is one of these. */
  static void check(String name) {
    String key = name.toLowerCase(Locale.ROOT);
    if (NAMES.contains(key) || key.startsWith("ai_") || key.startsWith("h3_") || key.startsWith("st_")) {
      throw Errors.databricksOnly("The function " + key, MENDS.getOrDefault(key, AS_WHOLE));
    }
  }
}
