package io.nbh.spark;

import io.unitycatalog.nbh.Delegate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.apache.spark.sql.catalyst.analysis.NoSuchNamespaceException;
import org.apache.spark.sql.catalyst.analysis.NoSuchTableException;
import org.apache.spark.sql.catalyst.analysis.NoSuchViewException;
import org.apache.spark.sql.catalyst.analysis.ViewAlreadyExistsException;
import org.apache.spark.sql.catalyst.TableIdentifier;
import org.apache.spark.sql.catalyst.catalog.CatalogTable;
import org.apache.spark.sql.catalyst.catalog.CatalogUtils;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.connector.catalog.CatalogV2Util;
import org.apache.spark.sql.connector.catalog.Column;
import org.apache.spark.sql.connector.catalog.Identifier;
import org.apache.spark.sql.connector.catalog.Relation;
import org.apache.spark.sql.connector.catalog.RelationCatalog;
import org.apache.spark.sql.connector.catalog.StagedTable;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.connector.catalog.TableCatalog;
import org.apache.spark.sql.connector.catalog.TableCatalogCapability;
import org.apache.spark.sql.connector.catalog.TableChange;
import org.apache.spark.sql.connector.catalog.TableInfo;
import org.apache.spark.sql.connector.catalog.TableWritePrivilege;
import org.apache.spark.sql.connector.catalog.View;
import org.apache.spark.sql.connector.catalog.constraints.Constraint;
import org.apache.spark.sql.connector.expressions.Transform;
import org.apache.spark.sql.delta.catalog.DeltaCatalog;
import org.apache.spark.sql.delta.commands.TableCreationModes.CreationMode;
import org.apache.spark.sql.delta.skipping.clustering.temp.ClusterByTransform;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;
import scala.Option;

/**
 * A catalog of the session's space: Delta's own catalog over our tables, so that Delta's tables carry the user's names.
 *
 * <p>Spark makes one for each session and each name; what is in it stands in {@link Space}.
 */
public final class SpaceCatalog extends DeltaCatalog implements RelationCatalog {
  private final SparkSession session = Sessions.active();
  private String name;

  @Override
  public void initialize(String name, CaseInsensitiveStringMap options) {
    this.name = name;
    super.initialize(name, new CaseInsensitiveStringMap(Map.of("deltaRestApi.enabled", "false")));
    setDelegateCatalog(new Delegate(new SpaceStore(session, name)));
  }

  /** Spark shows it in the plans of its errors. */
  @Override
  public String toString() {
    return name;
  }

  @Override
  public String[] defaultNamespace() {
    return new String[] {"default"};
  }

  private SpaceStore store() {
    return ((SpaceTables) delegate).store();
  }

  // Tables

  @Override
  public Relation loadRelation(Identifier ident) throws NoSuchTableException {
    View view = store().view(ident);
    if (view == null) {
      return loadTable(ident);
    }
    read(ident);
    return view;
  }

  @Override
  public Table loadTable(Identifier ident) {
    Table virtual = InformationSchema.table(store(), ident);
    if (virtual == null) {
      read(ident);
    } else {
      store().require("USE CATALOG", "CATALOG");
    }
    return virtual != null ? virtual : super.loadTable(ident);
  }

  /** The relation, for what is told of it and not for what is in it. */
  Relation peek(Identifier ident) {
    View view = store().view(ident);
    return view != null ? view : super.loadTable(ident);
  }

  private void read(Identifier ident) {
    if (!Access.isOwnersRead()) {
      store().require("SELECT", ident);
    }
  }

  @Override
  public Table loadTable(Identifier ident, Set<TableWritePrivilege> privileges) {
    if (store().view(ident) != null) {
      throw Errors.make("EXPECT_TABLE_NOT_VIEW.NO_ALTERNATIVE", "42809",
          "'INSERT' expects a table but " + Errors.quote(name, String.join(".", ident.namespace()), ident.name()) + " is a view.");
    }
    store().require("MODIFY", ident);
    Table table = loadTable(ident);
    return table instanceof FileTable files ? new FileWrites(files) : table;
  }

  @Override
  public boolean tableExists(Identifier ident) {
    return store().table(ident) != null || InformationSchema.table(store(), ident) != null || isPathIdentifier(ident) && super.tableExists(ident);
  }

  @Override
  public Set<TableCatalogCapability> capabilities() {
    Set<TableCatalogCapability> all = new HashSet<>(super.capabilities());
    all.add(TableCatalogCapability.SUPPORT_TABLE_CONSTRAINT);
    return all;
  }

  @Override
  public Table createTable(Identifier ident, TableInfo info) {
    List<Constraint> kept = keysOf(ident, info);
    Table made = createTable(ident, info.columns(), info.partitions(), info.properties());
    if (!isPathIdentifier(ident)) {
      store().change(ident, table -> table.with(kept));
    }
    return made;
  }

  private List<Constraint> keysOf(Identifier ident, TableInfo info) {
    if (isPathIdentifier(ident)) {
      return List.of(); // in no schema, so nothing would keep them
    }
    return Constraints.informational(new KeyRules(store(), ident, info.columns()), info.constraints());
  }

  @Override
  public StagedTable stageCreate(Identifier ident, TableInfo info) {
    List<Constraint> keys = keysOf(ident, info);
    return keyed(ident, keys, stageCreate(ident, info.columns(), info.partitions(), info.properties()));
  }

  @Override
  public StagedTable stageReplace(Identifier ident, TableInfo info) {
    List<Constraint> keys = keysOf(ident, info);
    return keyed(ident, keys, stageReplace(ident, info.columns(), info.partitions(), info.properties()));
  }

  @Override
  public StagedTable stageCreateOrReplace(Identifier ident, TableInfo info) {
    List<Constraint> keys = keysOf(ident, info);
    return keyed(ident, keys, stageCreateOrReplace(ident, info.columns(), info.partitions(), info.properties()));
  }

  /** What is made with its keys, and without those of the table that it takes the place of. */
  private StagedTable keyed(Identifier ident, List<Constraint> keys, StagedTable staged) {
    if (isPathIdentifier(ident)) {
      return staged;
    }
    if (keys.isEmpty()) { // it may be written to before it is committed, by what Delta's own class alone offers
      store().change(ident, old -> old.with(List.of()));
      return staged;
    }
    return new KeyedTable(staged, () -> store().change(ident, made -> made.with(keys)));
  }

  @Override
  public Table alterTable(Identifier ident, TableChange... changes) {
    store().require("MODIFY", ident);
    TableEntry before = store().table(ident);
    String location = before == null || !before.isDelta() ? null : newLocation(changes);
    if (location != null) {
      return moved(ident, before, location);
    }
    List<Constraint> kept = before == null ? List.of() : new ArrayList<>(before.constraints());
    List<TableChange> others = before == null ? List.of(changes)
        : Constraints.apply(new KeyRules(store(), ident, peek(ident).columns()), kept, changes);
    if (others.isEmpty()) {
      store().change(ident, table -> table.with(kept));
      return loadTable(ident);
    }
    return super.alterTable(ident, others.toArray(new TableChange[0]));
  }

  private static String newLocation(TableChange[] changes) {
    return changes.length == 1 && changes[0] instanceof TableChange.SetProperty set && set.property().equals(TableCatalog.PROP_LOCATION)
        ? set.value() : null;
  }

  /** SET LOCATION, which Delta would do to the session catalog's table of the name. */
  private Table moved(Identifier ident, TableEntry before, String location) {
    if (before.isManaged()) {
      throw Errors.make("OPERATION_NOT_SUPPORTED", "0A000",
          "SET LOCATION is not allowed for the managed table " + Errors.quote(name, ident.namespace()[0], ident.name()) + ".");
    }
    SpaceTables.requireNoVolume(CatalogUtils.stringToURI(location));
    StructType there = session.read().format("delta").load(location).schema();
    StructType here = CatalogV2Util.v2ColumnsToStructType(loadTable(ident).columns());
    if (!there.equals(here)) {
      throw Errors.make("DELTA_SET_LOCATION_SCHEMA_MISMATCH", "42KGO", "The schema of the new Delta location is different than the current"
          + " table schema.\noriginal schema: " + here.simpleString() + "\ndestination schema: " + there.simpleString());
    }
    store().change(ident, table -> table.at(CatalogUtils.stringToURI(new org.apache.hadoop.fs.Path(location).toUri().getScheme() == null
        ? "file:" + location : location)));
    return loadTable(ident);
  }

  @Override
  public Table createTable(Identifier ident, Column[] columns, Transform[] partitions, Map<String, String> properties) {
    return super.createTable(ident, columns, clustered(partitions), placed(ident, properties));
  }

  @Override
  public StagedTable stageCreate(Identifier ident, Column[] columns, Transform[] partitions, Map<String, String> properties) {
    Map<String, String> placed = placed(ident, properties);
    return isDelta(placed) ? super.stageCreate(ident, columns, clustered(partitions), placed) : files(ident, columns, partitions, placed, false, false);
  }

  @Override
  public StagedTable stageReplace(Identifier ident, Column[] columns, Transform[] partitions, Map<String, String> properties) {
    Map<String, String> placed = placed(ident, properties);
    return isDelta(placed) ? super.stageReplace(ident, columns, clustered(partitions), placed) : files(ident, columns, partitions, placed, true, true);
  }

  @Override
  public StagedTable stageCreateOrReplace(
      Identifier ident, Column[] columns, Transform[] partitions, Map<String, String> properties) {
    Map<String, String> placed = placed(ident, properties);
    return isDelta(placed) ? super.stageCreateOrReplace(ident, columns, clustered(partitions), placed) : files(ident, columns, partitions, placed, true, false);
  }

  /** The DataFrame API's clusterBy as Delta's parser gives CLUSTER BY, which is all that Delta knows. */
  private static Transform[] clustered(Transform[] partitions) {
    return Arrays.stream(partitions)
        .map(by -> by.name().equals("cluster_by") ? new ClusterByTransform(Scala.seq(Arrays.asList(by.references()))) : by)
        .toArray(Transform[]::new);
  }

  /** Delta asks the session catalog where a managed table lies, which doesn't know our schemas: say it beforehand. */
  private Map<String, String> placed(Identifier ident, Map<String, String> properties) {
    if (isPathIdentifier(ident) && isDelta(properties)) {
      return properties; // delta.`/a/b`: files without a name, in no schema
    }
    store().requireSchema(ident.namespace());
    store().require("CREATE TABLE", "SCHEMA", ident.namespace());
    store().require("MANAGE", ident); // only who may drop it may put another in its place
    Names.checked(ident.name());
    TableEntry existing = store().table(ident);
    boolean stays = existing != null && existing.isDelta() && isDelta(properties);
    boolean isPlaced = properties.containsKey(TableCatalog.PROP_LOCATION);
    if (!java.util.Collections.disjoint(properties.keySet(), HIVE)) {
      throw SpaceTables.formatNotSupported("hive", !isPlaced);
    }
    if (isPlaced) {
      SpaceTables.requireNoVolume(CatalogUtils.stringToURI(properties.get(TableCatalog.PROP_LOCATION))); // before a query is written there
    }
    if (isPlaced && !(stays && !existing.isManaged())) {
      return properties;
    }
    if (!isPlaced && "true".equalsIgnoreCase(properties.get(TableCatalog.PROP_EXTERNAL))) {
      throw Errors.make("NBH_SYNTAX", "42601", "CREATE EXTERNAL TABLE must be accompanied by LOCATION.");
    }
    Map<String, String> placed = new HashMap<>(properties);
    ((SpaceTables) delegate).mayReplace(existing != null && !existing.isDelta() && isDelta(properties) ? existing : null);
    if (!isPlaced) {
      placed.put(TableCatalog.PROP_LOCATION, stays ? existing.location().toString() : store().newLocation(ident).toString());
    }
    // Of an external table too that is replaced: else Delta tells the session catalog of its new schema. Ours goes on as it was.
    placed.put(TableCatalog.PROP_IS_MANAGED_LOCATION, "true");
    return placed;
  }

  /** Delta asks the session catalog too, which doesn't look at a name's catalog: ask it for a name that it hasn't. */
  @Override
  public Option<CatalogTable> getExistingTableIfExists(TableIdentifier table, Option<Identifier> ident, CreationMode mode) {
    boolean isPath = isPathIdentifier(table);
    return super.getExistingTableIfExists(
        isPath ? table : new TableIdentifier(UUID.randomUUID().toString(), table.database(), table.catalog()), ident, mode);
  }

  private boolean isDelta(Map<String, String> properties) {
    return "delta".equalsIgnoreCase(properties.getOrDefault(
        TableCatalog.PROP_PROVIDER, session.sessionState().conf().defaultDataSourceName()));
  }

  /** Delta's own way drops the old table before the query is run, which may read it. */
  private StagedTable files(Identifier ident, Column[] columns, Transform[] partitions, Map<String, String> properties,
      boolean mayReplace, boolean mustReplace) {
    if (mustReplace && store().table(ident) == null) {
      throw Errors.sneak(store().noSuchTable(ident));
    }
    return new StagedFiles((SpaceTables) delegate, ident,
        ((SpaceTables) delegate).entry(ident, CatalogV2Util.v2ColumnsToStructType(columns), partitions, properties), mayReplace);
  }

  /** How Spark hands on STORED AS and ROW FORMAT, which Delta would pass over. */
  private static final java.util.Set<String> HIVE = java.util.Set.of("hive.stored-as", "hive.input-format", "hive.output-format", "hive.serde",
      "option.field.delim", "option.escape.delim", "option.mapkey.delim", "option.line.delim",
      "option.serialization.null.format", "option.serialization.format");

  // Views

  @Override
  public Identifier[] listViews(String... namespace) throws NoSuchNamespaceException {
    return store().list(namespace, View.class);
  }

  @Override
  public View createView(Identifier ident, View said) throws ViewAlreadyExistsException, NoSuchNamespaceException {
    store().require("CREATE TABLE", "SCHEMA", ident.namespace());
    View view = owned(said);
    if (store().schema(ident.namespace()).relations.putIfAbsent(Names.checked(ident.name()), view) != null) {
      throw new ViewAlreadyExistsException(store().full(ident));
    }
    return view;
  }

  /** The view as a principal's own; Spark gives it to whoever its process runs as. */
  private View owned(View view) {
    return Access.isHeld(session) ? Views.ownedBy(view, store().user()) : view;
  }

  @Override
  public View replaceView(Identifier ident, View said) throws NoSuchViewException {
    if (store().view(ident) == null) {
      throw new NoSuchViewException(store().full(ident));
    }
    store().require("MANAGE", ident);
    View view = owned(said);
    store().schema(ident.namespace()).relations.put(Space.key(ident.name()), view);
    return view;
  }

  @Override
  public boolean dropView(Identifier ident) {
    if (store().view(ident) == null) {
      return false;
    }
    store().require("MANAGE", ident);
    store().forget(ident);
    return true;
  }

  @Override
  public void renameView(Identifier from, Identifier said) throws NoSuchViewException, ViewAlreadyExistsException {
    Identifier to = store().withoutCatalog(said);
    if (store().view(from) == null) {
      throw new NoSuchViewException(store().full(from));
    }
    store().requireRename(from, to);
    if (!store().rename(from, to)) {
      throw new ViewAlreadyExistsException(store().full(to));
    }
  }
}
