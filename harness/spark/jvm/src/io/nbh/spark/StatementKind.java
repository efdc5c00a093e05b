package io.nbh.spark;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.apache.spark.sql.catalyst.parser.ParameterContext;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.classic.SparkSession;

/**
 * Databricks' statements that open-source Spark doesn't know, and what becomes of each: the one list from which the parser works
 * and the documentation is made.
 *
 * <p>In a pattern {@code [X]} may stand or not, {@code A|B} is one of these, {@code …} is anything up to what follows it.
 */
enum StatementKind {
  USE_CATALOG("USE CATALOG", How.DONE, "", CatalogStatements::use),
  CREATE_FOREIGN_CATALOG("CREATE FOREIGN CATALOG", How.REFUSED),
  CREATE_CATALOG("CREATE CATALOG", How.DONE, "with IF NOT EXISTS, MANAGED LOCATION, COMMENT", CatalogStatements::create),
  DROP_CATALOG("DROP CATALOG", How.DONE, "with IF EXISTS, RESTRICT, CASCADE; files of managed tables are deleted at once", CatalogStatements::drop),
  DESCRIBE_CATALOG("DESCRIBE|DESC CATALOG", How.DONE, "", CatalogStatements::describe),
  COMMENT_ON_CATALOG("COMMENT ON CATALOG", How.DONE, "", CatalogStatements::comment),
  CREATE_VOLUME("CREATE [EXTERNAL] VOLUME", How.DONE, "a folder on this machine, under /Volumes and dbfs:/Volumes", VolumeStatements::create),
  DROP_VOLUME("DROP VOLUME", How.DONE, "the files of a managed volume are deleted at once", VolumeStatements::drop),
  SHOW_VOLUMES("SHOW VOLUMES", How.DONE, "", VolumeStatements::show),
  DESCRIBE_VOLUME("DESCRIBE|DESC VOLUME", How.DONE, "", VolumeStatements::describe),
  COMMENT_ON_VOLUME("COMMENT ON VOLUME", How.DONE, "", VolumeStatements::comment),
  GRANT("GRANT", How.RECORDED, "shown by SHOW GRANTS; nobody is kept from anything but a rehearsal's principals", GrantStatements::grant),
  REVOKE("REVOKE", How.RECORDED, "as GRANT", GrantStatements::revoke),
  SHOW_GRANTS("SHOW GRANTS|GRANT", How.DONE, "what was granted, here and on the catalog and schema above", GrantStatements::show),
  SET_OWNER("ALTER CATALOG|SCHEMA|DATABASE|TABLE|VIEW|VOLUME|FUNCTION … OWNER TO", How.RECORDED, "shown in information_schema and DESCRIBE", OwnerStatement::set),
  CREATE_FUNCTION("CREATE [OR REPLACE] FUNCTION … LANGUAGE PYTHON", How.DONE, "scalar functions; runs in Spark's Python worker", FunctionStatements::createPython),
  DROP_FUNCTION("DROP FUNCTION", How.DONE, "", FunctionStatements::drop),
  SHOW_FUNCTIONS("SHOW [USER] FUNCTIONS IN|FROM", How.DONE, "the functions of a schema", FunctionStatements::show),
  DESCRIBE_FUNCTION("DESCRIBE|DESC FUNCTION", How.DONE, "", FunctionStatements::describe),
  SHOW_CREATE_TABLE("SHOW CREATE TABLE", How.DONE, "of Delta tables too", ShowCreate::table),
  CREATE_LIKE("CREATE TABLE … LIKE", How.DONE, "of Delta tables too", LikeStatement::create),
  DROP_KEY("ALTER TABLE … DROP CONSTRAINT", How.DONE, "keys are kept and shown, and no row is checked, as on Databricks", KeyStatement::drop),
  DROP_PRIMARY_KEY("ALTER TABLE … DROP PRIMARY KEY", How.DONE, "with CASCADE the foreign keys that refer to it too", KeyStatement::drop),
  DROP_FOREIGN_KEY("ALTER TABLE … DROP FOREIGN KEY", How.DONE, "by its columns", KeyStatement::drop),
  SET_NOT_NULL("ALTER TABLE … ALTER|CHANGE [COLUMN] … SET NOT NULL", How.DONE, "of Delta tables whose rows hold no null there; refused of a field within a column that may be NULL until then",
      NotNullStatement::set),
  CONVERT("CONVERT TO DELTA", How.DONE, "of tables by name and of files by path", ConvertStatement::convert),
  ANALYZE("ANALYZE TABLE … COMPUTE", How.CHECKED, "table, columns and partitions must be there; statistics aren't kept", CheckedStatements::analyze),
  ANALYZE_ALL("ANALYZE TABLES", How.CHECKED, "the schema must be there", CheckedStatements::analyzeAll),
  REPAIR("MSCK REPAIR TABLE", How.CHECKED, "a partitioned table of files must be there; its partitions are always those of its folders", CheckedStatements::repair),
  RECOVER("ALTER TABLE … RECOVER PARTITIONS", How.CHECKED, "as MSCK REPAIR TABLE", CheckedStatements::recover),
  CLUSTER_AUTO("ALTER TABLE … CLUSTER BY AUTO", How.CHECKED, "the table must be there; keys are never chosen. In CREATE TABLE too",
      CheckedStatements::clusterAuto),
  COMMENT_ON_COLUMN("COMMENT ON COLUMN", How.DONE, "", OtherStatements::commentOnColumn),
  RESET("RESET", How.DONE, "back to the settings that the session began with", OtherStatements::reset),
  DEEP_CLONE("CREATE [OR REPLACE] TABLE … CLONE", How.REFUSED, "but for SHALLOW CLONE", OtherStatements::deepClone),
  DESCRIBE_JSON("DESCRIBE|DESC … AS JSON", How.REFUSED, "of tables in catalogs other than hive_metastore", OtherStatements::describeJson),
  REQUIRE("NBH REQUIRE", How.DONE, "the harness's own: an error unless the session has the privilege", GrantStatements::require),
  DROP_SPACE("NBH DROP SPACE", How.DONE, "the harness's own: all catalogs and files of a test session", SpaceStatements::drop),
  SHOW_SPACES("NBH SHOW SPACES", How.DONE, "the harness's own", SpaceStatements::show),
  SHOW_RELATIONS("NBH SHOW RELATIONS", How.DONE, "the harness's own: tables and views of all catalogs, and when each changed", SpaceStatements::relations),

  COPY_INTO("COPY INTO", How.REFUSED),
  REPLACE_USING("INSERT … REPLACE USING|ON", How.REFUSED),
  SHOW_DROPPED("SHOW TABLES DROPPED", How.REFUSED),
  FSCK("FSCK", How.REFUSED),
  SET_MANAGED("ALTER TABLE … SET MANAGED", How.REFUSED),
  PROCEDURE("CREATE|DROP|DESCRIBE|DESC [OR REPLACE] PROCEDURE", How.REFUSED),
  CALL("CALL", How.REFUSED),
  UNDROP("UNDROP", How.REFUSED),
  SYNC("SYNC SCHEMA|TABLE", How.REFUSED),
  STREAMING_TABLE("CREATE [OR REPLACE] [OR REFRESH] [PRIVATE] [TEMPORARY] STREAMING [LIVE] TABLE", How.REFUSED),
  LIVE_TABLE("CREATE [OR REPLACE] [OR REFRESH] [TEMPORARY] LIVE TABLE|VIEW", How.REFUSED),
  MATERIALIZED_VIEW("CREATE [OR REPLACE] [OR REFRESH] [PRIVATE] MATERIALIZED VIEW", How.REFUSED),
  ALTER_STREAMING_TABLE("ALTER|DROP|REFRESH STREAMING TABLE", How.REFUSED),
  ALTER_MATERIALIZED_VIEW("ALTER|DROP|REFRESH MATERIALIZED VIEW", How.REFUSED),
  APPLY_CHANGES("APPLY CHANGES INTO", How.REFUSED),
  FLOW("CREATE FLOW", How.REFUSED),
  CONNECTION("CREATE|ALTER|DROP|DESCRIBE|DESC [SERVER] CONNECTION", How.REFUSED),
  SHARE("CREATE|ALTER|DROP|DESCRIBE|DESC SHARE", How.REFUSED),
  RECIPIENT("CREATE|ALTER|DROP|DESCRIBE|DESC RECIPIENT", How.REFUSED),
  PROVIDER("CREATE|ALTER|DROP|DESCRIBE|DESC PROVIDER", How.REFUSED),
  EXTERNAL_LOCATION("CREATE|ALTER|DROP|DESCRIBE|DESC EXTERNAL LOCATION", How.REFUSED),
  CREDENTIAL("CREATE|ALTER|DROP|DESCRIBE|DESC [STORAGE] [SERVICE] CREDENTIAL", How.REFUSED),
  CLEAN_ROOM("CREATE|ALTER|DROP|DESCRIBE|DESC CLEAN ROOM", How.REFUSED),
  POLICY("CREATE|ALTER|DROP|DESCRIBE|DESC [OR REPLACE] POLICY", How.REFUSED),
  SHOW_METASTORE_OBJECTS(
      "SHOW SHARES|RECIPIENTS|PROVIDERS|CONNECTIONS|CREDENTIALS|POLICIES|USERS|GROUPS", How.REFUSED),
  SHOW_SHARED("SHOW ALL IN SHARE|PROVIDER", How.REFUSED),
  SHOW_STORAGE("SHOW EXTERNAL|STORAGE|SERVICE LOCATIONS|CREDENTIALS", How.REFUSED),
  TAGS("ALTER CATALOG|SCHEMA|DATABASE|TABLE|VIEW|VOLUME … SET|UNSET TAGS", How.REFUSED),
  TAG_ON("SET|UNSET TAG ON", How.REFUSED),
  ROW_FILTER("ALTER TABLE|VIEW … SET|DROP ROW FILTER", How.REFUSED),
  MASK("ALTER TABLE|VIEW … SET|DROP MASK", How.REFUSED),
  CREATE_WITH_ROW_FILTER("CREATE [OR REPLACE] TABLE … WITH ROW FILTER", How.REFUSED),
  PREDICTIVE("ALTER CATALOG|SCHEMA|DATABASE|TABLE … ENABLE|DISABLE|INHERIT PREDICTIVE OPTIMIZATION", How.REFUSED),
  ALTER_CATALOG("ALTER CATALOG", How.REFUSED),
  ALTER_VOLUME("ALTER VOLUME", How.REFUSED),
  ALTER_GROUP("ALTER GROUP", How.REFUSED),
  DENY("DENY", How.REFUSED),
  REPAIR_PRIVILEGES("MSCK REPAIR OBJECT", How.REFUSED),
  BLOOM_FILTER("CREATE|DROP BLOOMFILTER INDEX", How.REFUSED),
  REFRESH_FOREIGN("REFRESH FOREIGN", How.REFUSED),
  SIGNAL("SIGNAL|RESIGNAL", How.REFUSED),
  DIAGNOSTICS("GET DIAGNOSTICS", How.REFUSED),
  VOLUME_FILES("LIST|PUT|GET|REMOVE", How.REFUSED),
  TRANSACTION("BEGIN ATOMIC|TRANSACTION|WORK", How.REFUSED),
  COMMIT("COMMIT", How.REFUSED),
  ROLLBACK("ROLLBACK", How.REFUSED),
  QUERY_TAGS("SET QUERY_TAGS", How.REFUSED),
  CACHE_SELECT("CACHE SELECT", How.REFUSED),
  REORG_CHECKPOINT("REORG TABLE … APPLY|CHECKPOINT UPGRADE|CHECKPOINT", How.REFUSED),
  EXPLAIN_CREATE("EXPLAIN CREATE MATERIALIZED VIEW", How.REFUSED);

  /** What becomes of a statement. */
  enum How { DONE, RECORDED, CHECKED, REFUSED }

  /** Makes a statement's command; the tokens stand behind the pattern, or at its start where the pattern has a gap. */
  interface Reader {
    LogicalPlan read(Tokens tokens, SparkSession session);
  }

  private static final String OF_DELTA = "OPTIMIZE|VACUUM|RESTORE";
  private static final Set<String> BEFORE_STATEMENTS = Set.of(";", "BEGIN", "THEN", "ELSE", "DO", "LOOP", "REPEAT");

  final String pattern;
  final How how;
  final String note;
  private final Reader reader;

  StatementKind(String pattern, How how) {
    this(pattern, how, "", null);
  }

  StatementKind(String pattern, How how, String note, Reader reader) {
    this.pattern = pattern;
    this.how = how;
    this.note = note;
    this.reader = reader;
  }

  /** The command of one of our statements, an error if it is Databricks only, null if it is Spark's. */
  static LogicalPlan parse(String text, SparkSession session, ParameterContext parameters) {
    Tokens tokens = new Tokens(text, new Parameters(session, parameters));
    for (StatementKind kind : values()) {
      tokens.moveTo(0);
      if (matches(tokens, Arrays.asList(kind.pattern.split(" ")))) {
        if (kind.reader == null) {
          throw refused(said(tokens, 0, kind.pattern));
        }
        if (kind.pattern.contains("…")) {
          tokens.moveTo(0);
        }
        LogicalPlan read = kind.reader.read(tokens, session);
        if (read != null) {
          return read;
        }
      }
    }
    return null;
  }

  /** An error if one of our statements, or of Delta's, stands in a script of BEGIN … END, which Spark can't read then. */
  static void refuseInScript(String text) {
    Tokens tokens = new Tokens(text, null);
    if (!tokens.take("BEGIN")) {
      return;
    }
    boolean isStart = true;
    for (int at = 1; !tokens.atEnd(); at++) {
      for (StatementKind kind : isStart ? values() : new StatementKind[0]) {
        if (standsAt(tokens, at, kind.pattern)) {
          String said = said(tokens, at, kind.pattern);
          throw kind.reader == null ? refused(said) : notInScript(said);
        }
      }
      if (isStart && standsAt(tokens, at, OF_DELTA)) {
        throw notInScript(said(tokens, at, OF_DELTA));
      }
      tokens.moveTo(at);
      isStart = BEFORE_STATEMENTS.contains(tokens.peek().toUpperCase(Locale.ROOT));
    }
  }

  /** Whether a statement of this kind begins here; its gap doesn't reach into the next statement. */
  private static boolean standsAt(Tokens tokens, int at, String pattern) {
    tokens.moveTo(at);
    return matches(tokens, Arrays.asList(pattern.split(" "))) && !tokens.words(at, tokens.position()).contains(";");
  }

  private static RuntimeException notInScript(String statement) {
    return Errors.make("NBH_IN_SCRIPT", "42601", statement + " can't stand between BEGIN and END here: Spark reads such scripts itself."
        + " Write EXECUTE IMMEDIATE '" + statement + " ...' there.");
  }

  private static RuntimeException refused(String statement) {
    return Errors.databricksOnly("The statement " + statement, "Leave it out here, or run this test on Databricks.");
  }

  /** The words of the statement that told its kind. */
  private static String said(Tokens tokens, int start, String pattern) {
    int gap = pattern.indexOf('…');
    int end = tokens.position();
    if (gap < 0) {
      return tokens.words(start, end);
    }
    return tokens.words(start, start + 2) + " ... " + tokens.words(end - pattern.substring(gap + 2).split(" ").length, end);
  }

  private static boolean matches(Tokens tokens, List<String> pattern) {
    if (pattern.isEmpty()) {
      return true;
    }
    String part = pattern.get(0);
    List<String> rest = pattern.subList(1, pattern.size());
    if (part.equals("…")) {
      for (int from = tokens.position(); !tokens.atEnd(); tokens.moveTo(++from)) {
        if (matches(tokens, rest)) {
          return true;
        }
        tokens.moveTo(from);
      }
      return false;
    }
    if (part.startsWith("[")) {
      int end = 0;
      while (!pattern.get(end).endsWith("]")) {
        end++;
      }
      String[] words = String.join(" ", pattern.subList(0, end + 1)).replaceAll("[\\[\\]]", "").split(" ");
      tokens.take(words);
      return matches(tokens, pattern.subList(end + 1, pattern.size()));
    }
    return Arrays.stream(part.split("\\|")).anyMatch(tokens::take) && matches(tokens, rest);
  }

  /** Print the list, for the page in the documentation. */
  public static void main(String[] arguments) {
    for (StatementKind kind : values()) {
      System.out.println(kind.pattern + "\t" + kind.how.name().toLowerCase(java.util.Locale.ROOT) + "\t" + kind.note);
    }
  }
}
