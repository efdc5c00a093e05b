package io.nbh.spark;

import org.apache.spark.sql.connector.catalog.functions.BoundFunction;
import org.apache.spark.sql.connector.catalog.functions.UnboundFunction;
import org.apache.spark.sql.types.StructType;

/** A function as {@code spark.catalog} tells of it; calls never come here, for {@link PlanRule} has put the function in their place. */
record DescribedFunction(FunctionEntry entry) implements UnboundFunction {
  @Override
  public String name() {
    return entry.name();
  }

  @Override
  public String description() {
    return entry.comment();
  }

  @Override
  public BoundFunction bind(StructType arguments) {
    throw new UnsupportedOperationException(Errors.quote(entry.catalog(), entry.schema(), entry.name()) + " is a "
        + (entry.isTable() ? "table" : "scalar") + " function, and is called as another kind.");
  }
}
