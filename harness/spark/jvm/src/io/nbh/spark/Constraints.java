package io.nbh.spark;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.spark.sql.connector.catalog.TableChange;
import org.apache.spark.sql.connector.catalog.constraints.Constraint;
import org.apache.spark.sql.connector.catalog.constraints.ForeignKey;
import org.apache.spark.sql.connector.catalog.constraints.PrimaryKey;

/** Primary and foreign keys: as on Databricks they are kept and shown, and nothing is checked. */
final class Constraints {
  private Constraints() {}

  /** The constraints, if all of them are such keys; Databricks takes no others in CREATE TABLE. */
  static List<Constraint> informational(Constraint[] all) {
    for (Constraint constraint : all) {
      if (!isKey(constraint)) {
        throw Errors.make("NBH_UNSUPPORTED_CONSTRAINT", "0A000", "CREATE TABLE takes only primary and foreign keys, as on Databricks: "
            + constraint.toDDL() + ". Add a check by ALTER TABLE ... ADD CONSTRAINT ... CHECK (...).");
      }
    }
    return Arrays.asList(all);
  }

  /** Carry out the changes that are about keys, on the list; gives the others. */
  static List<TableChange> apply(List<Constraint> keys, TableChange... changes) {
    List<TableChange> others = new ArrayList<>();
    for (TableChange change : changes) {
      if (change instanceof TableChange.AddConstraint add && isKey(add.constraint())) {
        keys.add(add.constraint());
      } else if (!(change instanceof TableChange.DropConstraint drop) || !keys.removeIf(key -> key.name().equalsIgnoreCase(drop.name()))) {
        others.add(change);
      }
    }
    return others;
  }

  private static boolean isKey(Constraint constraint) {
    return constraint instanceof PrimaryKey || constraint instanceof ForeignKey;
  }
}
