package io.nbh.spark;

import java.util.List;
import org.apache.spark.sql.catalyst.analysis.NoSuchTableException;
import org.apache.spark.sql.catalyst.catalog.CatalogTableType;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.connector.catalog.CatalogV2Util;
import org.apache.spark.sql.connector.catalog.Identifier;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.connector.catalog.TableCatalog;
import org.apache.spark.sql.connector.catalog.V1Table;
import org.apache.spark.sql.delta.catalog.DeltaTableV2;
import org.apache.spark.sql.delta.skipping.clustering.ClusteringColumnInfo;
import org.apache.spark.sql.types.StructType;

/** Finds the tables that our statements name, in whatever catalog. */
final class Lookup {
  private Lookup() {}

  static Identifier ident(Target target) {
    return Identifier.of(new String[] {target.schemaName()}, target.name());
  }

  static TableCatalog catalog(SparkSession session, Target target) {
    return (TableCatalog) session.sessionState().catalogManager().catalog(target.catalogName());
  }

  /** The table; an error if there is none, or if it is a view. */
  static Table table(SparkSession session, Target target, String statement) {
    if (!target.isOurs() && !session.sessionState().catalogManager().isCatalogRegistered(target.catalogName())) {
      throw Errors.tableNotFound(target.parts());
    }
    SchemaEntry schema = target.isOurs() ? target.catalog().schemas.get(target.schemaName()) : null;
    if (schema != null && schema.view(target.name()) != null) {
      throw isView(target, statement);
    }
    try {
      Table found = catalog(session, target).loadTable(ident(target));
      if (found instanceof V1Table table && table.catalogTable().tableType().equals(CatalogTableType.VIEW())) {
        throw isView(target, statement);
      }
      return found;
    } catch (NoSuchTableException missing) {
      throw Errors.tableNotFound(target.parts());
    }
  }

  /** The columns, with all that Delta knows of them. */
  static StructType schema(Table table) {
    return table instanceof DeltaTableV2 delta ? delta.initialSnapshot().schema() : CatalogV2Util.v2ColumnsToStructType(table.columns());
  }

  /** The columns that a Delta table is clustered by. */
  static List<String> clustering(Table table) {
    return table instanceof DeltaTableV2 delta ? Scala.list(ClusteringColumnInfo.extractLogicalNames(delta.initialSnapshot())) : List.of();
  }

  static boolean isDelta(Table table) {
    return "delta".equalsIgnoreCase(table.properties().get(TableCatalog.PROP_PROVIDER));
  }

  private static RuntimeException isView(Target target, String statement) {
    return Errors.make("EXPECT_TABLE_NOT_VIEW.NO_ALTERNATIVE", "42809",
        "'" + statement + "' expects a table but " + Errors.quote(target.parts()) + " is a view.");
  }
}
