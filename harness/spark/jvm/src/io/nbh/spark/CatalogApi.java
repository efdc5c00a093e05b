package io.nbh.spark;

import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.AnalysisException;
import org.apache.spark.sql.catalog.Column;
import org.apache.spark.sql.catalog.Database;
import org.apache.spark.sql.catalog.Function;
import org.apache.spark.sql.catalog.Table;
import org.apache.spark.sql.catalyst.parser.ParseException;
import org.apache.spark.sql.classic.Catalog;
import org.apache.spark.sql.classic.Dataset;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.connector.catalog.CatalogManager;

/**
 * {@code spark.catalog}, where a name without a catalog means the current one, as in SQL. Spark's own asks the session catalog
 * first: each of our catalogs has a schema {@code default}, and listTables() would tell of the session catalog's.
 */
final class CatalogApi extends Catalog {
  private interface Has {
    boolean test(SchemaEntry schema, String name);
  }

  private final SparkSession session;

  private CatalogApi(SparkSession session) {
    super(session);
    this.session = session;
  }

  /** Put it in the place of the session's own. */
  static void enter(SparkSession session) {
    if (session.catalog() instanceof CatalogApi) {
      return;
    }
    try {
      Field field = SparkSession.class.getDeclaredField("catalog");
      field.setAccessible(true);
      field.set(session, new CatalogApi(session));
    } catch (ReflectiveOperationException changed) {
      throw new IllegalStateException("this Spark keeps its catalog's interface in another way: " + changed, changed);
    }
  }

  /** A schema's name, with the current catalog if the schema is there. */
  private String schema(String said) {
    CatalogEntry current = current();
    return current != null && current.schemas.containsKey(Space.key(said)) ? Errors.quote(current.name, said) : said;
  }

  /** The name of an object in a schema, with the current catalog and schema if it is there. */
  private String object(String said, Has has) {
    CatalogEntry current = current();
    if (current == null) {
      return said;
    }
    List<String> parts;
    try {
      parts = new ArrayList<>(Scala.list(session.sessionState().sqlParser().parseMultipartIdentifier(said)));
    } catch (ParseException wrong) {
      return said; // Spark says what is wrong with it
    }
    if (parts.size() > 2 || parts.size() == 1 && session.sessionState().catalog().isTempView(Scala.seq(parts))) {
      return said;
    }
    Target target = Target.object(session, parts);
    SchemaEntry schema = current.schemas.get(target.schemaName());
    return schema != null && has.test(schema, target.name()) ? Errors.quote(current.name, schema.name, target.name()) : said;
  }

  private String relation(String said) {
    return object(said, (schema, name) -> schema.relations.containsKey(name));
  }

  private String function(String said) {
    return object(said, (schema, name) -> schema.functions.containsKey(name));
  }

  private CatalogEntry current() {
    CatalogManager manager = session.sessionState().catalogManager();
    return Sessions.space(session).catalogs.get(manager.currentCatalog().name());
  }

  @Override
  public Dataset<Table> listTables(String schema) throws AnalysisException {
    return withTemporary(super.listTables(schema(schema)), "*");
  }

  @Override
  public Dataset<Table> listTables(String schema, String pattern) throws AnalysisException {
    return withTemporary(super.listTables(schema(schema), pattern), pattern);
  }

  /** The tables and the session's temporary views, which Spark itself lists with the session catalog's tables only. */
  private Dataset<Table> withTemporary(Dataset<Table> found, String pattern) {
    List<String> names = Views.temporary(session, pattern);
    if (names.isEmpty()) {
      return found;
    }
    List<Table> tables = new ArrayList<>(found.collectAsList());
    if (tables.stream().noneMatch(Table::isTemporary)) {
      names.forEach(name -> tables.add(super.getTable(Errors.quote(name))));
    }
    return session.createDataset(tables, found.encoder());
  }

  @Override
  public Dataset<Table> listViews(String schema) throws AnalysisException {
    return super.listViews(schema(schema));
  }

  @Override
  public Dataset<Table> listViews(String schema, String pattern) throws AnalysisException {
    return super.listViews(schema(schema), pattern);
  }

  @Override
  public Dataset<Function> listFunctions(String schema) throws AnalysisException {
    return super.listFunctions(schema(schema));
  }

  @Override
  public Dataset<Function> listFunctions(String schema, String pattern) throws AnalysisException {
    return super.listFunctions(schema(schema), pattern);
  }

  @Override
  public Dataset<Column> listColumns(String table) throws AnalysisException {
    return super.listColumns(relation(table));
  }

  @Override
  public Database getDatabase(String schema) {
    return super.getDatabase(schema(schema));
  }

  @Override
  public Table getTable(String table) {
    return super.getTable(relation(table));
  }

  @Override
  public boolean tableExists(String table) {
    return super.tableExists(relation(table));
  }

  @Override
  public Function getFunction(String function) {
    return super.getFunction(function(function));
  }

  @Override
  public boolean functionExists(String function) {
    return super.functionExists(function(function));
  }
}
