package io.nbh.spark;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.apache.spark.sql.DataFrameWriter;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.catalyst.catalog.CatalogTable;
import org.apache.spark.sql.connector.catalog.Column;
import org.apache.spark.sql.connector.catalog.SupportsWrite;
import org.apache.spark.sql.connector.catalog.TableCapability;
import org.apache.spark.sql.connector.catalog.V1Table;
import org.apache.spark.sql.connector.expressions.Transform;
import org.apache.spark.sql.connector.write.LogicalWriteInfo;
import org.apache.spark.sql.connector.write.SupportsDynamicOverwrite;
import org.apache.spark.sql.connector.write.SupportsTruncate;
import org.apache.spark.sql.connector.write.V1Write;
import org.apache.spark.sql.connector.write.WriteBuilder;
import org.apache.spark.sql.sources.InsertableRelation;
import org.apache.spark.sql.types.StructType;
import scala.jdk.javaapi.CollectionConverters;

/**
 * A table of files as CREATE TABLE AS, saveAsTable and insertInto write it: by the same file sources, into the table's folder.
 *
 * <p>It can't be a {@link V1Table}: those Spark takes for the session catalog's.
 */
final class FileWrites implements SupportsWrite {
  private final V1Table table;

  FileWrites(V1Table table) {
    this.table = table;
  }

  @Override
  public String name() {
    return table.name();
  }

  @Override
  public Column[] columns() {
    return table.columns();
  }

  @Override
  public StructType schema() { // Delta's staged table asks for it still
    return table.schema();
  }

  @Override
  public Transform[] partitioning() {
    return table.partitioning();
  }

  @Override
  public Map<String, String> properties() {
    return table.properties();
  }

  @Override
  public Set<TableCapability> capabilities() {
    return Set.of(TableCapability.V1_BATCH_WRITE, TableCapability.TRUNCATE, TableCapability.OVERWRITE_DYNAMIC);
  }

  @Override
  public WriteBuilder newWriteBuilder(LogicalWriteInfo info) {
    return new Builder(table.catalogTable(), info.options().asCaseSensitiveMap());
  }

  private static final class Builder implements WriteBuilder, SupportsTruncate, SupportsDynamicOverwrite, V1Write {
    private final CatalogTable into;
    private final Map<String, String> options;
    private SaveMode mode = SaveMode.Append;
    private String partitions = "static";

    Builder(CatalogTable into, Map<String, String> options) {
      this.into = into;
      this.options = new HashMap<>(options);
      this.options.keySet().removeIf("path"::equalsIgnoreCase); // option("path", …) of saveAsTable: it is the table's location by now
    }

    @Override
    public WriteBuilder truncate() {
      mode = SaveMode.Overwrite;
      return this;
    }

    @Override
    public WriteBuilder overwriteDynamicPartitions() {
      mode = SaveMode.Overwrite;
      partitions = "dynamic";
      return this;
    }

    @Override
    public V1Write build() {
      return this;
    }

    @Override
    public InsertableRelation toInsertableRelation() {
      return (data, ignored) -> {
        DataFrameWriter<Row> writer = data.write()
            .format(into.provider().get())
            .options(CollectionConverters.asJava(into.storage().properties()))
            .options(options)
            .option("partitionOverwriteMode", partitions)
            .mode(mode);
        String[] columns = CollectionConverters.asJava(into.partitionColumnNames()).toArray(new String[0]);
        (columns.length == 0 ? writer : writer.partitionBy(columns)).save(into.location().toString());
      };
    }
  }
}
