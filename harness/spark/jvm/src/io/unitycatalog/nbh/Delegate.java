package io.unitycatalog.nbh;

import io.nbh.spark.SpaceStore;
import io.nbh.spark.SpaceTables;

/**
 * Stands in this package because Delta keeps a catalog's name in its tables' names, and asks the catalog and not Spark's session
 * catalog where they are, only if the class below it is one of {@code io.unitycatalog}.
 */
public final class Delegate extends SpaceTables {
  public Delegate(SpaceStore store) {
    super(store);
  }
}
