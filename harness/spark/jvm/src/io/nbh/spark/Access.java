package io.nbh.spark;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.apache.spark.sql.catalyst.analysis.AnalysisContext;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.connector.catalog.View;
import org.apache.spark.sql.internal.SQLConf;

/**
 * What a session may do. Only one that says whose it is by {@link #PRINCIPAL} is asked; to any other, as to those of local tests, all
 * is open. A principal may what it owns and what was granted to it or to everybody, on the object itself or on what holds it.
 */
final class Access {
  /** Who the session is, where only what was granted counts. */
  static final String PRINCIPAL = "spark.nbh.principal";
  /** The setting of the body of a function of ours: the catalog and schema that it was made in. Spark tells of a view's by itself. */
  static final String OWNERS_READ = "spark.nbh.owners.read";

  private static final Set<String> EVERYBODY = Set.of("account users", "users");
  /** What ALL PRIVILEGES doesn't bring. */
  private static final Set<String> APART = Set.of("MANAGE", "EXTERNAL USE SCHEMA");
  /** What tells of an object that it is there. */
  private static final Map<String, List<String>> SHOWN = Map.of("SCHEMA", List.of("USE SCHEMA", "MANAGE", "BROWSE"),
      "TABLE", List.of("SELECT", "MODIFY", "MANAGE", "BROWSE"), "VOLUME", List.of("READ VOLUME", "WRITE VOLUME", "MANAGE", "BROWSE"),
      "FUNCTION", List.of("EXECUTE", "MANAGE", "BROWSE"));

  private Access() {}

  /** Whether anything is to be judged in this session. */
  static boolean isHeld(SparkSession session) {
    return principal(session) != null;
  }

  private static String principal(SparkSession session) {
    return session.sessionState().conf().getConfString(PRINCIPAL, null);
  }

  /** Whether what is read now is what a view or a function is made of, which is its owner's to read. */
  static boolean isOwnersRead() {
    return !Scala.list(AnalysisContext.get().catalogAndNamespace()).isEmpty() || SQLConf.get().contains(OWNERS_READ);
  }

  /** The catalog and schema of the view or function whose body is read now; empty where none is. */
  static List<String> within() {
    List<String> ofView = Scala.list(AnalysisContext.get().catalogAndNamespace());
    String ofFunction = SQLConf.get().getConfString(OWNERS_READ, "");
    return ofFunction.isEmpty() ? ofView : List.of(ofFunction.split("\n"));
  }

  /** An error in Databricks' words if the session may not; nothing if the object isn't there, which others tell. */
  static void require(SparkSession session, String privilege, String type, String... said) {
    String principal = principal(session);
    if (principal != null) {
      require(Sessions.space(session), principal, privilege, type, said);
    }
  }

  static void require(Space space, String principal, String privilege, String type, String... said) {
    List<String> name = Arrays.stream(said).map(Space::key).toList();
    if (name.size() > 2 && find(space, "SCHEMA", name.subList(0, 2)) == null) {
      return; // and it may be a format with a path
    }
    int above = privilege.startsWith("CREATE ") ? name.size() : name.size() - 1;
    if (above > 0) {
      one(space, principal, "USE CATALOG", "CATALOG", name.subList(0, 1));
    }
    if (above > 1) {
      one(space, principal, "USE SCHEMA", "SCHEMA", name.subList(0, 2));
    }
    one(space, principal, privilege, type, name);
  }

  private static void one(Space space, String principal, String privilege, String type, List<String> name) {
    if (isThere(space, type, name) && !has(space, principal, privilege, type, name)) {
      String shown = name.isEmpty() ? "rehearsal" // so the metastore is called by REST
          : type.equals(Securable.LOCATION) ? Securable.DISK : String.join(".", name);
      throw Errors.make("INSUFFICIENT_PERMISSIONS", "42501",
          "Insufficient privileges:\nUser does not have " + privilege + " on " + shown(type) + " '" + shown + "'.");
    }
  }

  /** The same of a location for the tables of a catalog or schema, where one is given: all of them are on this machine's disk. */
  static void requireStorage(SparkSession session, String location) {
    if (location != null) {
      require(session, "CREATE MANAGED STORAGE", Securable.LOCATION, Securable.DISK_KEY);
    }
  }

  /** Whether the session is told of an object. */
  static boolean sees(SparkSession session, String type, String... name) {
    String principal = principal(session);
    return principal == null
        || SHOWN.get(type).stream().anyMatch(privilege -> has(Sessions.space(session), principal, privilege, type, List.of(name)));
  }

  private static boolean has(Space space, String principal, String privilege, String type, List<String> name) {
    if (principal.equals(owner(space, type, name))) {
      return true;
    }
    // Who owns a schema may drop what is in it and grant on it, and has no other privilege there.
    boolean isAbove = privilege.equals("MANAGE") && (name.size() > 1 && principal.equals(owner(space, "CATALOG", name.subList(0, 1)))
        || name.size() > 2 && principal.equals(owner(space, "SCHEMA", name.subList(0, 2))));
    return isAbove || space.grants.stream().anyMatch(grant -> grant.reaches(type, String.join(".", name))
        && (grant.principal().equals(principal) || EVERYBODY.contains(grant.principal()))
        && (grant.privilege().equals(privilege) || grant.privilege().equals("ALL PRIVILEGES") && !APART.contains(privilege)));
  }

  private static boolean isThere(Space space, String type, List<String> name) {
    return type.equals("METASTORE") || type.equals(Securable.LOCATION) || find(space, type, name) != null;
  }

  private static Object find(Space space, String type, List<String> name) {
    CatalogEntry catalog = name.isEmpty() ? null : space.catalogs.get(name.get(0));
    SchemaEntry schema = catalog == null || name.size() < 2 ? null : catalog.schemas.get(name.get(1));
    if (name.size() < 3) {
      return name.size() < 2 ? catalog : schema;
    }
    return schema == null ? null : switch (type) {
      case "VOLUME" -> schema.volumes.get(name.get(2));
      case "FUNCTION" -> schema.functions.get(name.get(2));
      default -> schema.relations.get(name.get(2));
    };
  }

  private static String owner(Space space, String type, List<String> name) {
    Object found = find(space, type, name);
    return found instanceof CatalogEntry catalog ? catalog.owner
        : found instanceof SchemaEntry schema ? schema.properties.get("owner")
        : found instanceof TableEntry table ? table.owner()
        : found instanceof View view ? view.properties().get("owner")
        : found instanceof VolumeEntry volume ? volume.owner
        : found instanceof FunctionEntry function ? function.owner() : null;
  }

  private static String shown(String type) {
    return switch (type) {
      case "FUNCTION" -> "Routine or Model";
      case "VIEW" -> "Table";
      case Securable.LOCATION -> "External Location";
      default -> type.charAt(0) + type.substring(1).toLowerCase(Locale.ROOT);
    };
  }
}
