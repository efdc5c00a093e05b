package io.nbh.spark;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.apache.spark.sql.catalyst.FunctionIdentifier;
import org.apache.spark.sql.catalyst.analysis.FunctionRegistry;

/** Functions that only Databricks has, or only a newer one, so that their error says so. */
final class DatabricksFunctions {
  private static final String AS_WHOLE = "Leave it out here, or run this test on Databricks.";
  private static final Map<String, String> MENDS = Map.of(
      "charindex", "Use position, which both know.",
      "getdate", "Use now, which both know.",
      "iff", "Use if, which both know.",
      "read_files", "Use spark.read, or SELECT ... FROM csv.`/path`.",
      "secret", "Use dbutils.secrets.get.",
      "try_secret", "Use dbutils.secrets.get.");
  private static final List<String> NAMES = List.of("read_files", "read_kafka", "read_kinesis", "read_pubsub", "read_pulsar", "cloud_files", "cloud_files_state",
      "event_log", "list_secrets", "secret", "try_secret", "is_member", "is_account_group_member", "current_recipient", "vector_search",
      "http_request", "remote_query", "current_version", "charindex", "getdate", "iff", "schema_of_json_agg", "jarowinkler_similarity");

  /**
   * How functions begin that Spark has from 4.1 or 4.2 on and Databricks from runtime 18 on, behind those that the local Spark stands
   * for: https://docs.databricks.com/sql/language-manual/functions/theta_sketch_agg, …/kll_sketch_agg_bigint, …/vector_cosine_similarity.
   */
  private static final List<String> NEWER = List.of("kll_", "theta_", "tuple_", "vector_");

  private DatabricksFunctions() {}

  /** An error if a function that Spark knows isn't there yet in the runtimes that it stands for. */
  static void checkNewer(String name) {
    String key = name.toLowerCase(Locale.ROOT);
    boolean isBuiltin = FunctionRegistry.builtin().functionExists(new FunctionIdentifier(key)); // and none that the session has made
    if (isBuiltin && NEWER.stream().anyMatch(key::startsWith)) {
      throw Errors.make("NBH_NEWER_RUNTIME", "0A000", "The function " + key + " is there from Databricks' runtime 18 on, and the local Spark"
          + " stands for an older one. Leave it out here, or run this test on Databricks.");
    }
  }

  /** An error if a function that Spark doesn't know is one of these. */
  static void check(String name) {
    String key = name.toLowerCase(Locale.ROOT);
    if (NAMES.contains(key) || key.startsWith("ai_") || key.startsWith("h3_") || key.startsWith("st_")) {
      throw Errors.databricksOnly("The function " + key, MENDS.getOrDefault(key, AS_WHOLE));
    }
  }
}
