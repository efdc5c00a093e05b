package io.nbh.spark;

import java.net.URI;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.apache.spark.sql.DataFrameWriter;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.catalyst.catalog.CatalogTable;
import org.apache.spark.sql.connector.catalog.SupportsWrite;
import org.apache.spark.sql.connector.catalog.TableCapability;
import org.apache.spark.sql.connector.catalog.TruncatableTable;
import org.apache.spark.sql.connector.catalog.V1Table;
import org.apache.spark.sql.connector.write.LogicalWriteInfo;
import org.apache.spark.sql.connector.write.SupportsTruncate;
import org.apache.spark.sql.connector.write.V1Write;
import org.apache.spark.sql.connector.write.WriteBuilder;
import org.apache.spark.sql.sources.InsertableRelation;
import scala.jdk.javaapi.CollectionConverters;

/**
 * A table of files (parquet, csv, json, …). Spark reads it, and inserts by SQL, through its V1 file sources; what comes through
 * the V2 interfaces (CREATE TABLE AS, saveAsTable) is written by the same sources into the table's folder.
 */
final class FileTable extends V1Table implements SupportsWrite, TruncatableTable {
  private final Path managed;

  /** {@code managed} is the folder if it is the catalog's own, else null. */
  FileTable(CatalogTable table, Path managed) {
    super(table);
    this.managed = managed;
  }

  @Override
  public Set<TableCapability> capabilities() {
    Set<TableCapability> all = new HashSet<>(super.capabilities());
    all.addAll(Arrays.asList(TableCapability.V1_BATCH_WRITE, TableCapability.TRUNCATE));
    return all;
  }

  @Override
  public WriteBuilder newWriteBuilder(LogicalWriteInfo info) {
    return new Builder(info.options().asCaseSensitiveMap());
  }

  @Override
  public boolean truncateTable() {
    URI location = catalogTable().location();
    if (managed == null) {
      throw Errors.make("OPERATION_NOT_SUPPORTED", "0A000", "TRUNCATE TABLE is not allowed on the external table " + name() + ".");
    }
    Space.delete(Path.of(location.getPath()));
    return managed.toFile().mkdirs();
  }

  private final class Builder implements WriteBuilder, SupportsTruncate {
    private final Map<String, String> options;
    private boolean overwrite;

    Builder(Map<String, String> options) {
      this.options = options;
    }

    @Override
    public WriteBuilder truncate() {
      overwrite = true;
      return this;
    }

    @Override
    public V1Write build() {
      return new V1Write() {
        @Override
        public InsertableRelation toInsertableRelation() {
          return (data, ignored) -> {
            DataFrameWriter<Row> writer = data.write()
                .format(catalogTable().provider().get())
                .options(CollectionConverters.asJava(catalogTable().storage().properties()))
                .options(options)
                .mode(overwrite ? SaveMode.Overwrite : SaveMode.Append);
            CollectionConverters.asJava(catalogTable().partitionColumnNames()).stream()
                .reduce((left, right) -> left)
                .ifPresent(any -> writer.partitionBy(
                    CollectionConverters.asJava(catalogTable().partitionColumnNames()).toArray(new String[0])));
            writer.save(catalogTable().location().toString());
          };
        }
      };
    }
  }
}
