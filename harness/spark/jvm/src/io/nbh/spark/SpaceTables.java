package io.nbh.spark;

import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.spark.sql.catalyst.analysis.NamespaceAlreadyExistsException;
import org.apache.spark.sql.catalyst.analysis.NoSuchFunctionException;
import org.apache.spark.sql.catalyst.analysis.NoSuchTableException;
import org.apache.spark.sql.catalyst.analysis.NonEmptyNamespaceException;
import org.apache.spark.sql.catalyst.analysis.TableAlreadyExistsException;
import org.apache.spark.sql.catalyst.catalog.CatalogUtils;
import org.apache.spark.sql.connector.catalog.CatalogV2Util;
import org.apache.spark.sql.connector.catalog.Column;
import org.apache.spark.sql.connector.catalog.FunctionCatalog;
import org.apache.spark.sql.connector.catalog.Identifier;
import org.apache.spark.sql.connector.catalog.NamespaceChange;
import org.apache.spark.sql.connector.catalog.SupportsNamespaces;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.connector.catalog.TableCatalog;
import org.apache.spark.sql.connector.catalog.TableChange;
import org.apache.spark.sql.connector.catalog.V1Table;
import org.apache.spark.sql.connector.catalog.functions.UnboundFunction;
import org.apache.spark.sql.connector.expressions.Transform;
import org.apache.spark.sql.execution.datasources.DataSource;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;
import scala.Option;

/** The plain tables, schemas and functions of one catalog, on which Delta's catalog stands. */
public class SpaceTables implements TableCatalog, SupportsNamespaces, FunctionCatalog {
  /** What Spark says about a table through its properties, and what isn't one of them. */
  private static final List<String> SPECIAL = List.of(
      TableCatalog.PROP_LOCATION, PROP_PROVIDER, TableCatalog.PROP_COMMENT, TableCatalog.PROP_OWNER, PROP_EXTERNAL, PROP_IS_MANAGED_LOCATION, "path");

  /** What a schema's location is, in its properties, until the schema is made. */
  static final String MANAGED = "nbh.managed";
  /** https://docs.databricks.com/data-governance/unity-catalog/requirements, under the formats of external tables. */
  private static final List<String> FORMATS = List.of("delta", "csv", "json", "avro", "parquet", "orc", "text");

  private final SpaceStore store;
  private final AtomicReference<TableEntry> replaceable = new AtomicReference<>();

  protected SpaceTables(SpaceStore store) {
    this.store = store;
  }

  SpaceStore store() {
    return store;
  }

  @Override
  public void initialize(String name, CaseInsensitiveStringMap options) {}

  @Override
  public String name() {
    return store.name();
  }

  // Tables

  @Override
  public Identifier[] listTables(String[] namespace) {
    return store.list(namespace, TableEntry.class);
  }

  @Override
  public Table loadTable(Identifier ident) throws NoSuchTableException {
    TableEntry table = store.table(ident);
    if (table == null) {
      throw store.noSuchTable(ident);
    }
    String schema = Space.key(ident.namespace()[0]);
    var described = table.describe(name(), schema, Space.key(ident.name()));
    return table.isDelta()
        ? new V1Table(described)
        : new FileTable(described, table.isManaged());
  }

  @Override
  public Table createTable(Identifier ident, Column[] columns, Transform[] partitions, Map<String, String> properties)
      throws TableAlreadyExistsException {
    return createTable(ident, CatalogV2Util.v2ColumnsToStructType(columns), partitions, properties);
  }

  @Override
  public Table createTable(Identifier ident, StructType schema, Transform[] partitions, Map<String, String> properties)
      throws TableAlreadyExistsException {
    SchemaEntry into = store.schema(ident.namespace());
    TableEntry made = entry(ident, schema, partitions, properties);
    keep(ident, into, made, replaceable.getAndSet(null));
    if (made.isManaged() && !made.isDelta()) {
      Path.of(made.location().getPath()).toFile().mkdirs();
    }
    V1Table table = new V1Table(made.describe(name(), into.name, Space.key(ident.name())));
    return made.isDelta() ? table : new FileWrites(table);
  }

  /** A table of files that Delta doesn't know of, and that its next new table may take the place of: CREATE OR REPLACE. */
  void mayReplace(TableEntry files) {
    replaceable.set(files);
  }

  /** Put a new table in its place; an error if there is one already, unless it is the old one that is given. */
  void keep(Identifier ident, SchemaEntry into, TableEntry made, TableEntry old) throws TableAlreadyExistsException {
    String key = Space.key(ident.name());
    if (old != null && into.relations.replace(key, old, made)) {
      old.deleteFiles();
    } else if (into.relations.putIfAbsent(key, made) != null) {
      throw new TableAlreadyExistsException(store.full(ident));
    }
  }

  TableEntry entry(Identifier ident, StructType schema, Transform[] partitions, Map<String, String> properties) {
    Map<String, String> options = new HashMap<>();
    Map<String, String> others = new HashMap<>();
    properties.forEach((key, value) -> {
      if (key.startsWith(OPTION_PREFIX)) {
        options.put(key.substring(OPTION_PREFIX.length()), value);
      } else if (!SPECIAL.contains(key)) {
        others.put(key, value);
      }
    });
    options.keySet().forEach(others::remove);
    options.remove("path");
    String provider = properties.getOrDefault(PROP_PROVIDER, store.session().sessionState().conf().defaultDataSourceName());
    URI location = VolumePaths.ofLocation(
        CatalogUtils.stringToURI(properties.get(TableCatalog.PROP_LOCATION)), store.session().sessionState().newHadoopConf());
    boolean isDelta = provider.equalsIgnoreCase("delta");
    boolean isManaged = "true".equalsIgnoreCase(properties.get(PROP_IS_MANAGED_LOCATION));
    if (provider.equalsIgnoreCase("iceberg")) {
      throw Errors.databricksOnly("A table in the format iceberg", "Make it a Delta table here.");
    }
    if (!isDelta) {
      // A format that isn't there is refused here, as by the session catalog, and not by the first who reads the table.
      DataSource.lookupDataSource(provider, store.session().sessionState().conf());
    }
    requireFormat(provider, isManaged);
    if (!isManaged) {
      requireNoVolume(location);
    }
    StructType full = schema.isEmpty() && !isDelta
        ? store.session().read().format(provider).options(options).load(location.toString()).schema()
        : schema;
    return new TableEntry(
        isManaged,
        provider,
        location,
        full,
        isDelta ? List.of() : partitionColumns(partitions),
        options,
        others,
        properties.get(TableCatalog.PROP_COMMENT),
        Optional.ofNullable(properties.get(TableCatalog.PROP_OWNER)).filter(owner -> !owner.isEmpty() && !Access.isHeld(store.session()))
            .orElseGet(store::user),
        System.currentTimeMillis(),
        List.of());
  }

  /** An error if Unity Catalog has no tables of that format. */
  private static void requireFormat(String provider, boolean isManaged) {
    if (isManaged ? !provider.equalsIgnoreCase("delta") : !FORMATS.contains(provider.toLowerCase(java.util.Locale.ROOT))) {
      throw formatNotSupported(provider, isManaged);
    }
  }

  static RuntimeException formatNotSupported(String format, boolean isManaged) {
    return Errors.make("UC_DATASOURCE_NOT_SUPPORTED", "0AKUC", "Data source format " + format + " is not supported in Unity Catalog"
        + (isManaged ? " for managed tables. Leave it out, or make an external table, by USING and LOCATION (in Python: option(\"path\", ...))."
            : ". External tables have one of: " + String.join(", ", FORMATS) + "."));
  }

  /** An error if a table were to lie in a volume: https://docs.databricks.com/volumes/paths. */
  static void requireNoVolume(URI location) {
    if (location != null && location.getPath() != null && VolumePaths.isVolume(location.getPath())) {
      throw Errors.make("NBH_LOCATION_IN_VOLUME", "22KD1", "A table can't lie in a volume: " + location
          + ". Read and write such files by their path, or give the table another location.");
    }
  }

  private static List<String> partitionColumns(Transform[] partitions) {
    List<String> columns = new ArrayList<>();
    for (Transform partition : partitions) {
      if (!partition.name().equals("identity")) {
        throw Errors.make("UNSUPPORTED_FEATURE.PARTITION_BY_TRANSFORM", "0A000",
            "The feature is not supported: partitioning by " + partition.describe() + ".");
      }
      columns.add(String.join(".", partition.references()[0].fieldNames()));
    }
    return columns;
  }

  @Override
  public Table alterTable(Identifier ident, TableChange... changes) throws NoSuchTableException {
    TableEntry old = store.table(ident);
    if (old == null) {
      throw store.noSuchTable(ident);
    }
    var all = Scala.seq(Arrays.asList(changes));
    Map<String, String> before = new HashMap<>(old.properties());
    if (old.comment() != null) {
      before.put(TableCatalog.PROP_COMMENT, old.comment());
    }
    before.put(TableCatalog.PROP_OWNER, old.owner());
    Map<String, String> after = new HashMap<>(CatalogV2Util.applyPropertiesChanges(before, all));
    StructType schema = CatalogV2Util.applySchemaChanges(old.schema(), all, Option.apply(old.provider()), "ALTER TABLE");
    String location = after.remove(TableCatalog.PROP_LOCATION);
    String comment = after.remove(TableCatalog.PROP_COMMENT);
    String owner = after.remove(TableCatalog.PROP_OWNER);
    store.schema(ident.namespace()).relations.put(Space.key(ident.name()), new TableEntry(old.isManaged(), old.provider(),
        location == null ? old.location() : CatalogUtils.stringToURI(location), schema, old.partitionColumns(), old.options(),
        after, comment, owner, old.created(), old.constraints()));
    return loadTable(ident);
  }

  @Override
  public boolean dropTable(Identifier ident) {
    TableEntry table = store.table(ident);
    if (table == null) {
      return false;
    }
    store.require("MANAGE", ident);
    store.forget(ident);
    table.deleteFiles();
    return true;
  }

  @Override
  public boolean purgeTable(Identifier ident) {
    return dropTable(ident);
  }

  @Override
  public void renameTable(Identifier from, Identifier said) throws NoSuchTableException, TableAlreadyExistsException {
    Identifier to = store.withoutCatalog(said);
    if (store.table(from) == null) {
      throw store.noSuchTable(from);
    }
    store.requireRename(from, to);
    if (!store.rename(from, to)) {
      throw new TableAlreadyExistsException(store.full(to));
    }
  }

  // Schemas

  @Override
  public String[][] listNamespaces() {
    store.require("USE CATALOG", "CATALOG");
    List<String[]> all = new ArrayList<>();
    store.catalog().schemas.keySet().stream().filter(schema -> store.sees("SCHEMA", schema)).forEach(schema -> all.add(new String[] {schema}));
    all.add(new String[] {InformationSchema.NAME});
    all.sort((left, right) -> left[0].compareTo(right[0]));
    return all.toArray(new String[0][]);
  }

  @Override
  public String[][] listNamespaces(String[] namespace) {
    if (namespace.length == 0) {
      return listNamespaces();
    }
    store.schema(namespace);
    return new String[0][];
  }

  @Override
  public boolean namespaceExists(String[] namespace) {
    if (namespace.length == 1) {
      store.require("USE SCHEMA", "SCHEMA", namespace);
    }
    return store.find(namespace) != null || InformationSchema.isMeant(namespace);
  }

  @Override
  public Map<String, String> loadNamespaceMetadata(String[] namespace) {
    store.require("USE SCHEMA", "SCHEMA", namespace);
    return InformationSchema.isMeant(namespace) ? Map.of() : new HashMap<>(store.schema(namespace).properties);
  }

  @Override
  public void createNamespace(String[] namespace, Map<String, String> metadata) throws NamespaceAlreadyExistsException {
    if (namespace.length == 2) {
      throw Errors.catalogNotFound(namespace[0]);
    }
    if (namespace.length != 1) {
      throw Errors.make("REQUIRES_SINGLE_PART_NAMESPACE", "42K05",
          Errors.quote(name()) + " requires a single-part namespace, but got " + Errors.quote(namespace) + ".");
    }
    store.require("CREATE SCHEMA", "CATALOG");
    Map<String, String> properties = new HashMap<>(metadata);
    if (Access.isHeld(store.session())) {
      properties.put(SupportsNamespaces.PROP_OWNER, store.user()); // and not who Spark's process runs as
    }
    properties.putIfAbsent(SupportsNamespaces.PROP_OWNER, store.user());
    boolean isManaged = properties.remove(MANAGED) != null;
    if (!isManaged && properties.containsKey("location")) {
      // https://docs.databricks.com/sql/language-manual/sql-ref-syntax-ddl-create-schema
      throw Errors.notInUnityCatalog("CREATE SCHEMA ... LOCATION", "Use CREATE SCHEMA ... MANAGED LOCATION.");
    }
    String key = Names.checked(namespace[0]);
    requireLocal(properties.get("location"));
    Access.requireStorage(store.session(), properties.get("location"));
    if (InformationSchema.isMeant(namespace) || store.catalog().schemas.putIfAbsent(key, new SchemaEntry(key, properties)) != null) {
      throw new NamespaceAlreadyExistsException(new String[] {name(), namespace[0]});
    }
  }

  /** An error if a schema's or a catalog's tables were to lie where nothing can be written from here. */
  static void requireLocal(String location) {
    if (location != null && location.matches("[A-Za-z0-9]+://.*") && !location.startsWith("file:") && !location.startsWith("dbfs:")) {
      throw Errors.databricksOnly("The location " + location, "Leave it out here, or give a folder of this machine.");
    }
  }

  @Override
  public void alterNamespace(String[] namespace, NamespaceChange... changes) {
    SchemaEntry schema = store.schema(namespace);
    store.require("MANAGE", "SCHEMA", namespace);
    if (Arrays.stream(changes).anyMatch(one -> one instanceof NamespaceChange.SetProperty set && set.property().equals("location"))) {
      // https://docs.databricks.com/sql/language-manual/sql-ref-syntax-ddl-alter-schema: it has no such clause
      throw Errors.notInUnityCatalog("ALTER SCHEMA ... SET LOCATION", "A schema stays where it was made.");
    }
    Map<String, String> after = CatalogV2Util.applyNamespaceChanges(
        new HashMap<>(schema.properties), Scala.seq(Arrays.asList(changes)));
    schema.properties.keySet().retainAll(after.keySet());
    schema.properties.putAll(after);
  }

  @Override
  public boolean dropNamespace(String[] namespace, boolean cascade) throws NonEmptyNamespaceException {
    SchemaEntry schema = store.schema(namespace);
    store.require("MANAGE", "SCHEMA", namespace);
    if (!cascade && !schema.isEmpty()) {
      throw new NonEmptyNamespaceException(new String[] {name(), schema.name});
    }
    store.catalog().schemas.remove(schema.name);
    schema.deleteFiles();
    String gone = store.name() + "." + schema.name;
    store.space().grants.removeIf(grant -> grant.isOn(gone));
    return true;
  }

  // Functions: they are made where a plan names them (see PlanRule), for Spark's interface has no place for SQL bodies

  @Override
  public Identifier[] listFunctions(String[] namespace) {
    return store.schema(namespace).functions.keySet().stream().map(name -> Identifier.of(namespace, name)).toArray(Identifier[]::new);
  }

  @Override
  public boolean functionExists(Identifier ident) {
    SchemaEntry schema = store.find(ident.namespace());
    return schema != null && schema.functions.containsKey(Space.key(ident.name()));
  }

  @Override
  public UnboundFunction loadFunction(Identifier ident) throws NoSuchFunctionException {
    SchemaEntry schema = store.find(ident.namespace());
    FunctionEntry found = schema == null ? null : schema.functions.get(Space.key(ident.name()));
    if (found == null) {
      throw new NoSuchFunctionException(store.full(ident));
    }
    return new DescribedFunction(found);
  }
}
