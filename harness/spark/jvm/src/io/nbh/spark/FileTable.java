package io.nbh.spark;

import java.nio.file.Path;
import org.apache.spark.sql.catalyst.catalog.CatalogTable;
import org.apache.spark.sql.connector.catalog.TruncatableTable;
import org.apache.spark.sql.connector.catalog.V1Table;

/** A table of files (parquet, csv, json, …) as Spark's V1 file sources read it and as INSERT writes it. */
final class FileTable extends V1Table implements TruncatableTable {
  private final boolean isManaged;

  FileTable(CatalogTable table, boolean isManaged) {
    super(table);
    this.isManaged = isManaged;
  }

  @Override
  public boolean truncateTable() {
    if (!isManaged) {
      throw Errors.make("OPERATION_NOT_SUPPORTED", "0A000", "TRUNCATE TABLE is not allowed on the external table " + name() + ".");
    }
    Path folder = Path.of(catalogTable().location().getPath());
    Space.delete(folder);
    return folder.toFile().mkdirs();
  }
}
