package io.nbh.spark;

import org.apache.spark.sql.connector.catalog.Identifier;
import org.apache.spark.sql.connector.catalog.Table;

/** The schema {@code information_schema} of each catalog. */
final class InformationSchema {
  static final String NAME = "information_schema";

  private InformationSchema() {}

  static boolean isMeant(String[] namespace) {
    return namespace.length == 1 && namespace[0].equalsIgnoreCase(NAME);
  }

  static Identifier[] list(SpaceStore store) {
    return new Identifier[0];
  }

  static Table table(SpaceStore store, Identifier ident) {
    return null;
  }
}
