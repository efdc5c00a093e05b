package io.nbh.spark;

import org.apache.spark.sql.catalyst.AliasIdentifier;
import org.apache.spark.sql.catalyst.TableIdentifier;
import org.apache.spark.sql.catalyst.catalog.UnresolvedCatalogRelation;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.SubqueryAlias;
import org.apache.spark.sql.catalyst.rules.Rule;
import org.apache.spark.sql.execution.datasources.LogicalRelation;
import scala.collection.immutable.Seq;

/** Gives a table of files its own catalog's name: Spark names every V1 table after the session catalog. */
final class AliasRule extends Rule<LogicalPlan> {
  @Override
  public LogicalPlan apply(LogicalPlan plan) {
    return plan.resolveOperatorsUp(PlanRule.<LogicalPlan>partial(node -> {
      if (!(node instanceof SubqueryAlias alias) || alias.identifier().qualifier().isEmpty()) {
        return node;
      }
      TableIdentifier table = null;
      if (alias.child() instanceof UnresolvedCatalogRelation relation) {
        table = relation.tableMeta().identifier();
      } else if (alias.child() instanceof LogicalRelation relation && relation.catalogTable().isDefined()) {
        table = relation.catalogTable().get().identifier();
      }
      if (table == null || table.catalog().isEmpty() || alias.identifier().qualifier().head().equals(table.catalog().get())) {
        return node;
      }
      Seq<String> qualifier = (Seq<String>) alias.identifier().qualifier().updated(0, table.catalog().get());
      return alias.copy(new AliasIdentifier(alias.identifier().name(), qualifier), alias.child());
    }));
  }
}
