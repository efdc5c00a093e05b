package io.nbh.spark;

import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.apache.spark.sql.catalyst.TableIdentifier;
import org.apache.spark.sql.catalyst.catalog.SessionCatalog;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.connector.catalog.Identifier;
import org.apache.spark.sql.connector.catalog.View;
import scala.Option;

/** What a privilege or an owner can be on, as a statement names it. */
record Securable(String type, List<String> name) {
  static final String LOCATION = "EXTERNAL LOCATION";
  /** The one external location: this machine's disk. */
  static final String DISK = "local";
  /** By what it is kept beside catalogs, which can't have such a name. */
  static final String DISK_KEY = "<" + DISK + ">";

  private static final Set<String> TYPES =
      Set.of("CATALOG", "SCHEMA", "DATABASE", "TABLE", "VIEW", "VOLUME", "FUNCTION", "METASTORE");

  static Securable read(Tokens tokens, String statement) {
    String word = tokens.peek().toUpperCase(Locale.ROOT);
    if (tokens.take("EXTERNAL", "LOCATION")) {
      String name = tokens.name(statement, "an external location's name");
      if (!name.equalsIgnoreCase(DISK)) {
        throw Errors.databricksOnly(statement + " on the external location " + name,
            "There is one here, " + DISK + ": this machine's disk.");
      }
      return new Securable(LOCATION, List.of(DISK));
    }
    if (word.equals("EXTERNAL") || word.equals("STORAGE") || word.equals("SHARE") || word.equals("CONNECTION")) {
      throw Errors.databricksOnly(statement + " on a " + word.toLowerCase(Locale.ROOT) + " object",
          "Grant on catalogs, schemas, tables, views, volumes and functions.");
    }
    if (word.equals("ANY") || word.equals("ANONYMOUS")) {
      throw Errors.databricksOnly(statement + " on " + (word.equals("ANY") ? "ANY FILE" : "ANONYMOUS FUNCTION"),
          "Grant on catalogs, schemas, tables, views, volumes and functions.");
    }
    if (!TYPES.contains(word)) {
      return new Securable("TABLE", tokens.names(statement, "an object's name"));
    }
    tokens.skip();
    if (word.equals("METASTORE")) {
      return new Securable(word, List.of());
    }
    return new Securable(word.equals("DATABASE") ? "SCHEMA" : word, tokens.names(statement, "an object's name"));
  }

  /** The object's full name; an error if it isn't there. */
  String resolve(SparkSession session) {
    Target old = inOldMetastore(session);
    if (old != null) {
      return old.full();
    }
    switch (type) {
      case "METASTORE":
        return "";
      case LOCATION:
        return DISK_KEY;
      case "CATALOG":
        return Sessions.space(session).catalog(name.get(0)).name;
      case "SCHEMA":
        Target schema = Target.schema(session, name);
        schema.schema();
        return schema.full();
      default:
        Target target = Target.object(session, name);
        SchemaEntry within = target.schema();
        boolean isThere = switch (type) {
          case "VOLUME" -> within.volumes.containsKey(target.name());
          case "FUNCTION" -> within.functions.containsKey(target.name());
          default -> within.relations.containsKey(target.name());
        };
        if (!isThere) {
          throw type.equals("TABLE") || type.equals("VIEW")
              ? Errors.tableNotFound(target.parts())
              : Errors.notFound(type.toLowerCase(Locale.ROOT), target.parts());
        }
        return target.full();
    }
  }

  /** An error if there are no such privileges on it. */
  void check(SparkSession session, List<String> privileges) {
    if (inOldMetastore(session) == null) { // which has others
      Privileges.check(privileges, type, String.join(".", name));
    }
  }

  /** An error if the session may not; see {@link Access}. */
  void require(SparkSession session, String privilege) {
    String object = resolve(session);
    Access.require(session, privilege, type, object.isEmpty() ? new String[0] : object.split("\\."));
  }

  /** The object if it is in hive_metastore, which Databricks keeps privileges for too; an error if it isn't there. */
  private Target inOldMetastore(SparkSession session) {
    if (type.equals("METASTORE") || type.equals(LOCATION) || type.equals("VOLUME") || type.equals("FUNCTION")) {
      return null;
    }
    if (type.equals("CATALOG")) {
      return Metastore.isMeant(name.get(0)) ? new Target(null, Metastore.ALIAS, null, null) : null;
    }
    Target target = type.equals("SCHEMA") ? Target.schema(session, name) : Target.object(session, name);
    if (!Metastore.isMeant(target.catalogName())) {
      return null;
    }
    SessionCatalog catalog = session.sessionState().catalog();
    if (!catalog.databaseExists(target.schemaName())) {
      throw Errors.schemaNotFound(target.catalogName(), target.schemaName());
    }
    if (target.name() != null && !catalog.tableExists(new TableIdentifier(target.name(), Option.apply(target.schemaName())))) {
      throw Errors.tableNotFound(target.parts());
    }
    return new Target(target.space(), Metastore.ALIAS, target.schemaName(), target.name());
  }

  /** Give the object another owner. */
  void own(SparkSession session, String owner) {
    if (inOldMetastore(session) != null) {
      throw Errors.databricksOnly("ALTER ... OWNER TO in " + Metastore.ALIAS, "Use a catalog of Unity Catalog, such as main.");
    }
    resolve(session);
    if (type.equals("CATALOG")) {
      Sessions.space(session).catalog(name.get(0)).owner = owner;
      return;
    }
    if (type.equals("SCHEMA")) {
      Target.schema(session, name).schema().properties.put("owner", owner);
      return;
    }
    Target target = Target.object(session, name);
    SchemaEntry within = target.schema();
    switch (type) {
      case "VOLUME" -> within.volumes.get(target.name()).owner = owner;
      case "FUNCTION" -> within.functions.computeIfPresent(target.name(), (key, old) -> old.ownedBy(owner));
      default -> within.relations.computeIfPresent(target.name(), (key, old) ->
          old instanceof TableEntry table ? table.ownedBy(owner) : Views.ownedBy((View) old, owner));
    }
  }
}
