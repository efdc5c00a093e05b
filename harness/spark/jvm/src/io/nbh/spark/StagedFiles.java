package io.nbh.spark;

import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import org.apache.spark.sql.catalyst.analysis.TableAlreadyExistsException;
import org.apache.spark.sql.connector.catalog.Column;
import org.apache.spark.sql.connector.catalog.Identifier;
import org.apache.spark.sql.connector.catalog.StagedTable;
import org.apache.spark.sql.connector.catalog.SupportsWrite;
import org.apache.spark.sql.connector.catalog.TableCapability;
import org.apache.spark.sql.connector.catalog.V1Table;
import org.apache.spark.sql.connector.expressions.Transform;
import org.apache.spark.sql.connector.write.LogicalWriteInfo;
import org.apache.spark.sql.connector.write.WriteBuilder;
import org.apache.spark.sql.types.StructType;

/** A new table of files that is in the catalog only once it is written. */
final class StagedFiles implements StagedTable, SupportsWrite {
  private final SpaceTables tables;
  private final Identifier ident;
  private final TableEntry made;
  private final TableEntry old;
  private final FileWrites writes;

  StagedFiles(SpaceTables tables, Identifier ident, TableEntry made, boolean mayReplace) {
    this.tables = tables;
    this.ident = ident;
    this.made = made;
    this.old = mayReplace ? tables.store().table(ident) : null;
    this.writes = new FileWrites(new V1Table(
        made.describe(tables.name(), Space.key(ident.namespace()[0]), Space.key(ident.name()))));
    if (made.isManaged()) {
      Path.of(made.location().getPath()).toFile().mkdirs();
    }
  }

  @Override
  public void commitStagedChanges() {
    try {
      tables.keep(ident, tables.store().schema(ident.namespace()), made, old);
    } catch (TableAlreadyExistsException taken) {
      made.deleteFiles();
      throw Errors.sneak(taken);
    }
  }

  @Override
  public void abortStagedChanges() {
    made.deleteFiles();
  }

  @Override
  public String name() {
    return writes.name();
  }

  @Override
  public Column[] columns() {
    return writes.columns();
  }

  @Override
  public StructType schema() {
    return writes.schema();
  }

  @Override
  public Transform[] partitioning() {
    return writes.partitioning();
  }

  @Override
  public Map<String, String> properties() {
    return writes.properties();
  }

  @Override
  public Set<TableCapability> capabilities() {
    return writes.capabilities();
  }

  @Override
  public WriteBuilder newWriteBuilder(LogicalWriteInfo info) {
    return writes.newWriteBuilder(info);
  }
}
