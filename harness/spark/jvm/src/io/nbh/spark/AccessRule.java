package io.nbh.spark;

import io.delta.tables.execution.VacuumTableCommand;
import java.util.List;
import org.apache.spark.sql.catalyst.TableIdentifier;
import org.apache.spark.sql.catalyst.analysis.ResolvedTable;
import org.apache.spark.sql.catalyst.catalog.CatalogTable;
import org.apache.spark.sql.catalyst.plans.logical.DeltaDelete;
import org.apache.spark.sql.catalyst.plans.logical.DeltaMergeInto;
import org.apache.spark.sql.catalyst.plans.logical.DeltaUpdateTable;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.RestoreTableStatement;
import org.apache.spark.sql.catalyst.rules.Rule;
import org.apache.spark.sql.catalyst.streaming.WriteToStream;
import org.apache.spark.sql.catalyst.streaming.WriteToStreamStatement;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.connector.catalog.Table;
import org.apache.spark.sql.delta.catalog.DeltaTableV2;
import org.apache.spark.sql.delta.commands.OptimizeTableCommand;
import org.apache.spark.sql.execution.datasources.LogicalRelation;
import org.apache.spark.sql.execution.datasources.v2.DataSourceV2Relation;
import scala.Option;

/** Asks for MODIFY where a table is written to by a plan that has had it loaded as for reading: Delta's own interface, and streams. */
final class AccessRule extends Rule<LogicalPlan> {
  private final SparkSession session;

  AccessRule(SparkSession session) {
    this.session = session;
  }

  @Override
  public LogicalPlan apply(LogicalPlan plan) {
    if (Access.isHeld(session)) {
      written(plan).forEach(this::require);
    }
    return plan;
  }

  private static List<Option<CatalogTable>> written(LogicalPlan plan) {
    if (plan instanceof WriteToStreamStatement stream) {
      return List.of(stream.catalogTable(), of(stream.sink()));
    }
    if (plan instanceof WriteToStream stream) {
      return List.of(stream.catalogTable(), of(stream.sink()));
    }
    LogicalPlan target = plan instanceof DeltaDelete delete ? delete.child()
        : plan instanceof DeltaUpdateTable update ? update.child()
        : plan instanceof DeltaMergeInto merge ? merge.target()
        : plan instanceof OptimizeTableCommand optimize ? optimize.child()
        : plan instanceof VacuumTableCommand vacuum ? vacuum.child()
        : plan instanceof RestoreTableStatement restore ? restore.table().relation() : null;
    return target == null ? List.of() : Scala.list(target.collectLeaves()).stream().map(AccessRule::of).toList();
  }

  private static Option<CatalogTable> of(LogicalPlan leaf) {
    return leaf instanceof LogicalRelation relation ? relation.catalogTable()
        : leaf instanceof ResolvedTable found ? of(found.table())
        : leaf instanceof DataSourceV2Relation found ? of(found.table()) : Option.empty();
  }

  private static Option<CatalogTable> of(Table table) {
    return table instanceof DeltaTableV2 delta ? delta.catalogTable() : Option.empty();
  }

  private void require(Option<CatalogTable> table) {
    if (table.isDefined() && table.get().identifier().catalog().isDefined()) {
      TableIdentifier name = table.get().identifier();
      Access.require(session, "MODIFY", "TABLE", name.catalog().get(), name.database().get(), name.table());
    }
  }
}
