package io.nbh.spark;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.catalyst.AliasIdentifier;
import org.apache.spark.sql.catalyst.TableIdentifier;
import org.apache.spark.sql.catalyst.catalog.UnresolvedCatalogRelation;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.SubqueryAlias;
import org.apache.spark.sql.catalyst.rules.Rule;
import org.apache.spark.sql.execution.datasources.LogicalRelation;

/** Gives a table of files its own catalog's name: Spark names every V1 table after the session catalog. */
final class AliasRule extends Rule<LogicalPlan> {
  @Override
  public LogicalPlan apply(LogicalPlan plan) {
    return plan.resolveOperatorsUp(PlanRule.<LogicalPlan>partial(node -> {
      if (!(node instanceof SubqueryAlias alias) || Scala.list(alias.identifier().qualifier()).isEmpty()) {
        return node;
      }
      TableIdentifier table = null;
      if (alias.child() instanceof UnresolvedCatalogRelation relation) {
        table = relation.tableMeta().identifier();
      } else if (alias.child() instanceof LogicalRelation relation && relation.catalogTable().isDefined()) {
        table = relation.catalogTable().get().identifier();
      }
      if (table == null || table.catalog().isEmpty() || Scala.list(alias.identifier().qualifier()).get(0).equals(table.catalog().get())) {
        return node;
      }
      List<String> qualifier = new ArrayList<>(Scala.list(alias.identifier().qualifier()));
      qualifier.set(0, table.catalog().get());
      return alias.copy(new AliasIdentifier(alias.identifier().name(), Scala.seq(qualifier)), alias.child());
    }));
  }
}
