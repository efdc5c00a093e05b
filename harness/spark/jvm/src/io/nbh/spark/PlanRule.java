package io.nbh.spark;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.apache.spark.sql.catalyst.analysis.UnresolvedAttribute;
import org.apache.spark.sql.catalyst.analysis.UnresolvedFunction;
import org.apache.spark.sql.catalyst.analysis.UnresolvedRelation;
import org.apache.spark.sql.catalyst.analysis.UnresolvedStar;
import org.apache.spark.sql.catalyst.analysis.UnresolvedStarExceptOrReplace;
import org.apache.spark.sql.catalyst.analysis.UnresolvedTable;
import org.apache.spark.sql.catalyst.analysis.UnresolvedTableValuedFunction;
import org.apache.spark.sql.catalyst.catalog.CatalogUtils;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.plans.logical.CreateNamespace;
import org.apache.spark.sql.catalyst.plans.logical.InsertIntoStatement;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.RestoreTableStatement;
import org.apache.spark.sql.catalyst.rules.Rule;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.internal.SQLConf;
import scala.Option;
import scala.PartialFunction;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;
import scala.runtime.AbstractPartialFunction;

/**
 * Puts our functions in the place of their names before Spark looks for them, and lets INSERT into a table of files go the way of
 * the session catalog's tables. It runs with the hints: the first rules of the analyser that plans of every origin pass.
 */
final class PlanRule extends Rule<LogicalPlan> {
  /** Statements that name a table and leave it as it is. */
  private static final String READS = "(DESCRIBE|SHOW|REFRESH|ANALYZE|CACHE|UNCACHE)\\b.*";

  private final SparkSession session;

  PlanRule(SparkSession session) {
    this.session = session;
  }

  @Override
  public LogicalPlan apply(LogicalPlan plan) {
    Space space = Sessions.space(session);
    boolean hasFunctions = space.catalogs.values().stream()
        .anyMatch(catalog -> catalog.schemas.values().stream().anyMatch(schema -> !schema.functions.isEmpty()));
    boolean isHeld = Access.isHeld(session) && !Access.isOwnersRead();
    return plan.resolveOperatorsUp(partial(node -> {
      LogicalPlan now = node instanceof InsertIntoStatement insert ? insert(insert)
          : node instanceof CreateNamespace made ? located(made) : node;
      if (now instanceof UnresolvedTableValuedFunction call) {
        FunctionEntry found = hasFunctions ? find(call.name(), true) : null;
        if (found == null) {
          checkFunction(call.name(), name -> session.sessionState().catalog().lookupBuiltinOrTempTableFunction(name).isDefined());
        }
        return found == null ? now : SqlFunctions.callTable(session, found, call.functionArgs());
      }
      if (now instanceof UnresolvedRelation relation && SQLConf.get().contains(Access.OWNERS_READ)) {
        now = ofFunction(relation);
      }
      if (now instanceof UnresolvedRelation relation) {
        checkRelation(Scala.list(relation.multipartIdentifier()));
        if (isHeld) {
          require(Scala.list(relation.multipartIdentifier()), !relation.clearWritePrivileges().equals(relation));
        }
      }
      if (isHeld && now instanceof RestoreTableStatement restore && restore.table().relation() instanceof UnresolvedRelation table) {
        require(Scala.list(table.multipartIdentifier()), true);
      }
      if (isHeld && now instanceof UnresolvedTable table) {
        require(Scala.list(table.multipartIdentifier()), !table.commandName().matches(READS));
      }
      return (LogicalPlan) now.transformExpressions(partial(expression -> column(function(expression, hasFunctions))));
    }));
  }

  /** What a function's body reads, by its full name: Spark itself would look where the caller is. */
  private static LogicalPlan ofFunction(UnresolvedRelation relation) {
    List<String> parts = new ArrayList<>(Scala.list(relation.multipartIdentifier()));
    if (parts.size() > 2 || parts.get(parts.size() - 1).contains("/")) {
      return relation; // it is whole, or a format with a path
    }
    parts.addAll(0, Access.within().subList(0, 3 - parts.size()));
    return relation.copy(Scala.seq(parts), relation.options(), relation.isStreaming());
  }

  /** See that the session may read the relation, or write to it; without the latter's privileges it is loaded as for reading. */
  private void require(List<String> parts, boolean isWrite) {
    boolean isTemporary = parts.size() == 1 && session.sessionState().catalog().isTempView(Scala.seq(parts));
    if (isTemporary || parts.size() > 3) {
      return;
    }
    Target target = Target.object(session, parts);
    for (String privilege : isWrite ? List.of("MODIFY", "SELECT") : List.of("SELECT")) {
      Access.require(session, privilege, "TABLE", target.parts());
    }
  }

  /** Says of what only Databricks has that it is so. */
  private static void checkFunction(Seq<String> said, Predicate<String> isSparks) {
    List<String> parts = Scala.list(said);
    if (parts.size() != 1) {
      return;
    }
    if (isSparks.test(parts.get(0))) {
      DatabricksFunctions.checkNewer(parts.get(0));
    } else {
      DatabricksFunctions.check(parts.get(0));
    }
  }

  private void checkRelation(List<String> parts) {
    if (parts.size() == 3 && parts.get(0).equalsIgnoreCase("system") && !List.of("session", "builtin").contains(Space.key(parts.get(1)))) {
      throw Errors.databricksOnly("The catalog system", "Each catalog has its own information_schema: "
          + session.sessionState().catalogManager().currentCatalog().name() + ".information_schema.tables.");
    }
    // https://docs.databricks.com/discover/databricks-datasets: each workspace with Unity Catalog has it. A test may make its own.
    if (parts.size() == 3 && parts.get(0).equalsIgnoreCase("samples") && !Sessions.space(session).catalogs.containsKey("samples")) {
      throw Errors.databricksOnly("The catalog samples", "Make in the test what is read of it: make_catalog(name='samples').");
    }
  }

  private Expression function(Expression expression, boolean hasFunctions) {
    if (!(expression instanceof UnresolvedFunction call)) {
      return expression;
    }
    FunctionEntry found = hasFunctions ? find(call.nameParts(), false) : null;
    if (found == null) {
      checkFunction(call.nameParts(), name -> session.sessionState().catalog().lookupBuiltinOrTempFunction(name).isDefined());
      return expression;
    }
    return found.language().equals("PYTHON")
        ? PythonFunctions.call(session, found, call.arguments())
        : SqlFunctions.call(session, found, call.arguments());
  }

  /** A column or star that is named after hive_metastore, as Spark knows its table: by the catalog's own name. */
  private static Expression column(Expression expression) {
    if (expression instanceof UnresolvedAttribute column && isOfAlias(column.nameParts(), 4)) {
      return new UnresolvedAttribute(ofCatalog(column.nameParts()));
    }
    if (expression instanceof UnresolvedStar star && star.target().isDefined() && isOfAlias(star.target().get(), 3)) {
      return new UnresolvedStar(Option.apply(ofCatalog(star.target().get())));
    }
    if (expression instanceof UnresolvedStarExceptOrReplace star && star.target().isDefined() && isOfAlias(star.target().get(), 3)) {
      return star.copy(Option.apply(ofCatalog(star.target().get())), star.excepts(), star.replacements());
    }
    return expression;
  }

  private static boolean isOfAlias(Seq<String> said, int least) {
    List<String> parts = Scala.list(said);
    return parts.size() >= least && parts.get(0).equalsIgnoreCase(Metastore.ALIAS);
  }

  private static Seq<String> ofCatalog(Seq<String> said) {
    List<String> parts = new ArrayList<>(Scala.list(said));
    parts.set(0, Metastore.NAME);
    return Scala.seq(parts);
  }

  private FunctionEntry find(Seq<String> said, boolean isTable) {
    List<String> parts = new ArrayList<>(CollectionConverters.asJava(said));
    if (parts.size() > 3) {
      return null;
    }
    var spark = session.sessionState().catalog();
    if (parts.size() == 1 && (isTable
        ? spark.lookupBuiltinOrTempTableFunction(parts.get(0)).isDefined()
        : spark.lookupBuiltinOrTempFunction(parts.get(0)).isDefined())) {
      return null;
    }
    List<String> within = Access.within();
    if (within.size() == 2 && parts.size() < 3) {
      parts.addAll(0, within.subList(0, 3 - parts.size())); // in a view or a function: where it was made
    }
    Target target = Target.object(session, parts);
    CatalogEntry catalog = target.space().catalogs.get(target.catalogName());
    SchemaEntry schema = catalog == null ? null : catalog.schemas.get(target.schemaName());
    FunctionEntry found = schema == null ? null : schema.functions.get(target.name());
    if (found != null && !Access.isOwnersRead()) {
      Access.require(session, "EXECUTE", "FUNCTION", target.parts());
    }
    return found != null && found.isTable() == isTable ? found : null;
  }

  /** A schema's location with the scheme that is meant; Spark would give it that of the folder of its tables. */
  private LogicalPlan located(CreateNamespace made) {
    Map<String, String> properties = new HashMap<>(CollectionConverters.asJava(made.properties()));
    String said = properties.get("location");
    boolean isManaged = said != null && said.startsWith(Spelling.MANAGED);
    String location = isManaged ? said.substring(Spelling.MANAGED.length()) : said;
    if (location == null || !isManaged && !location.startsWith("/")) {
      return made;
    }
    if (isManaged) {
      properties.put(SpaceTables.MANAGED, "true");
    }
    properties.put("location", !location.startsWith("/") ? location : VolumePaths.ofLocation(CatalogUtils.stringToURI(location), session.sessionState().newHadoopConf()).toString());
    return made.copy(made.name(), made.ifNotExists(), TableEntry.toScala(properties));
  }

  private LogicalPlan insert(InsertIntoStatement insert) {
    if (!(insert.table() instanceof UnresolvedRelation relation) || Scala.list(relation.multipartIdentifier()).size() > 3) {
      return insert;
    }
    require(Scala.list(relation.multipartIdentifier()), true);
    Target target = Target.object(session, CollectionConverters.asJava(relation.multipartIdentifier()));
    CatalogEntry catalog = target.space().catalogs.get(target.catalogName());
    SchemaEntry schema = catalog == null ? null : catalog.schemas.get(target.schemaName());
    TableEntry table = schema == null ? null : schema.table(target.name());
    if (table == null || table.isDelta()) {
      return insert;
    }
    // Without the privileges it is looked up as for reading, which gives the V1 table.
    return insert.copy(relation.clearWritePrivileges(), insert.partitionSpec(), insert.userSpecifiedCols(), insert.query(),
        insert.overwrite(), insert.ifPartitionNotExists(), insert.byName(), insert.replaceCriteriaOpt(), insert.withSchemaEvolution());
  }

  static <T> PartialFunction<T, T> partial(java.util.function.UnaryOperator<T> function) {
    return new AbstractPartialFunction<T, T>() {
      @Override
      public boolean isDefinedAt(T value) {
        return true;
      }

      @Override
      public <A extends T, B> B applyOrElse(A value, scala.Function1<A, B> otherwise) {
        return (B) function.apply(value);
      }
    };
  }
}
