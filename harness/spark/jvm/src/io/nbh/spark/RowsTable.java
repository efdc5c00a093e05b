package io.nbh.spark;

import java.util.List;
import java.util.Set;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow;
import org.apache.spark.sql.connector.catalog.CatalogV2Util;
import org.apache.spark.sql.connector.catalog.Column;
import org.apache.spark.sql.connector.catalog.SupportsRead;
import org.apache.spark.sql.connector.catalog.TableCapability;
import org.apache.spark.sql.connector.read.LocalScan;
import org.apache.spark.sql.connector.read.Scan;
import org.apache.spark.sql.connector.read.ScanBuilder;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.util.CaseInsensitiveStringMap;
import org.apache.spark.unsafe.types.UTF8String;

/** A table whose rows are computed when it is read. */
final class RowsTable implements SupportsRead {
  /** Gives the rows, in Java's types: String, Long for times, Integer. */
  interface Rows {
    List<Object[]> read();
  }

  private final String name;
  private final StructType schema;
  private final Rows rows;

  RowsTable(String name, StructType schema, Rows rows) {
    this.name = name;
    this.schema = schema;
    this.rows = rows;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public Column[] columns() {
    return CatalogV2Util.structTypeToV2Columns(schema, false);
  }

  @Override
  public Set<TableCapability> capabilities() {
    return Set.of(TableCapability.BATCH_READ);
  }

  @Override
  public ScanBuilder newScanBuilder(CaseInsensitiveStringMap options) {
    return () -> new Local();
  }

  private final class Local implements LocalScan, Scan {
    @Override
    public StructType readSchema() {
      return schema;
    }

    @Override
    public InternalRow[] rows() {
      return rows.read().stream().map(row -> {
        Object[] values = new Object[row.length];
        for (int i = 0; i < row.length; i++) {
          values[i] = row[i] instanceof String text ? UTF8String.fromString(text) : row[i];
        }
        return (InternalRow) new GenericInternalRow(values);
      }).toArray(InternalRow[]::new);
    }
  }
}
