package io.nbh.spark;

import java.util.Map;
import java.util.Set;
import org.apache.spark.sql.connector.catalog.Column;
import org.apache.spark.sql.connector.catalog.StagedTable;
import org.apache.spark.sql.connector.catalog.TableCapability;
import org.apache.spark.sql.connector.expressions.Transform;

/** A table that CREATE OR REPLACE puts in its place, and what is done once it is there. */
final class KeyedTable implements StagedTable {
  private final StagedTable staged;
  private final Runnable then;

  KeyedTable(StagedTable staged, Runnable then) {
    this.staged = staged;
    this.then = then;
  }

  @Override
  public void commitStagedChanges() {
    staged.commitStagedChanges();
    then.run();
  }

  @Override
  public void abortStagedChanges() {
    staged.abortStagedChanges();
  }

  @Override
  public String name() {
    return staged.name();
  }

  @Override
  public Column[] columns() {
    return staged.columns();
  }

  @Override
  public Transform[] partitioning() {
    return staged.partitioning();
  }

  @Override
  public Map<String, String> properties() {
    return staged.properties();
  }

  @Override
  public Set<TableCapability> capabilities() {
    return staged.capabilities();
  }
}
