package io.nbh.spark;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * Which privileges Unity Catalog gives on what; those on what is inside are inherited.
 *
 * <p>https://docs.databricks.com/data-governance/unity-catalog/access-control/privileges-reference
 */
final class Privileges {
  private static final Set<String> TABLE = Set.of("ALL PRIVILEGES", "APPLY TAG", "MANAGE", "MODIFY", "REFRESH", "SELECT");
  private static final Set<String> VOLUME = Set.of("ALL PRIVILEGES", "APPLY TAG", "MANAGE", "READ VOLUME", "WRITE VOLUME");
  private static final Set<String> FUNCTION = Set.of("ALL PRIVILEGES", "APPLY TAG", "EXECUTE", "MANAGE");
  private static final Set<String> SCHEMA = union(TABLE, VOLUME, FUNCTION, Set.of("CREATE FUNCTION", "CREATE MATERIALIZED VIEW",
      "CREATE MODEL", "CREATE MODEL VERSION", "CREATE TABLE", "CREATE VOLUME", "EXTERNAL USE SCHEMA", "USE SCHEMA"));
  private static final Map<String, Set<String>> ON = Map.of(
      "TABLE", TABLE,
      "VIEW", TABLE,
      "VOLUME", VOLUME,
      "FUNCTION", FUNCTION,
      "SCHEMA", SCHEMA,
      "CATALOG", union(SCHEMA, Set.of("BROWSE", "CREATE SCHEMA", "USE CATALOG")),
      Securable.LOCATION, Set.of("ALL PRIVILEGES", "BROWSE", "CREATE EXTERNAL TABLE", "CREATE EXTERNAL VOLUME", "CREATE FOREIGN CATALOG",
          "CREATE FOREIGN SECURABLE", "CREATE MANAGED STORAGE", "EXTERNAL USE LOCATION", "MANAGE", "READ FILES", "WRITE FILES"),
      "METASTORE", Set.of("CREATE CATALOG", "CREATE CLEAN ROOM", "CREATE CONNECTION", "CREATE EXTERNAL LOCATION",
          "CREATE EXTERNAL METADATA", "CREATE PROVIDER", "CREATE RECIPIENT", "CREATE SERVICE CREDENTIAL", "CREATE SHARE",
          "CREATE STORAGE CREDENTIAL", "MANAGE ALLOWLIST", "SET SHARE PERMISSION", "USE MARKETPLACE ASSETS", "USE PROVIDER",
          "USE RECIPIENT", "USE SHARE"));

  private Privileges() {}

  /** An error if one of them is none that can be given on an object of Unity Catalog's of this type. */
  static void check(List<String> privileges, String type, String object) {
    for (String privilege : privileges) {
      if (!ON.get(type).contains(privilege)) {
        boolean isKnown = ON.values().stream().anyMatch(all -> all.contains(privilege));
        throw Errors.make("NBH_INVALID_PRIVILEGE", "42601", isKnown
            ? "Privilege " + privilege + " is not applicable to this entity [" + object + ":" + type + "]."
            : "There is no privilege " + privilege + " in Unity Catalog. On a " + type.toLowerCase(java.util.Locale.ROOT)
                + " there are: " + String.join(", ", new TreeSet<>(ON.get(type))) + ".");
      }
    }
  }

  @SafeVarargs
  private static Set<String> union(Set<String>... sets) {
    return Stream.of(sets).flatMap(Set::stream).collect(java.util.stream.Collectors.toUnmodifiableSet());
  }
}
