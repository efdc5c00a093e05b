package io.nbh.spark;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.connector.catalog.TableChange;
import org.apache.spark.sql.connector.catalog.constraints.Constraint;
import org.apache.spark.sql.connector.catalog.constraints.ForeignKey;
import org.apache.spark.sql.connector.catalog.constraints.PrimaryKey;
import org.apache.spark.sql.connector.catalog.constraints.Unique;

/** Primary, foreign and unique keys: as on Databricks they are kept and shown, and no row is checked. */
final class Constraints {
  private Constraints() {}

  /** The constraints of a new table, if all of them are such keys; Databricks takes no others in CREATE TABLE. */
  static List<Constraint> informational(KeyRules rules, Constraint[] all) {
    List<Constraint> kept = new ArrayList<>();
    for (Constraint constraint : all) {
      if (!isKey(constraint)) {
        throw Errors.make("NBH_UNSUPPORTED_CONSTRAINT", "0A000", "CREATE TABLE takes only keys, as on Databricks: "
            + constraint.toDDL() + ". Add a check by ALTER TABLE ... ADD CONSTRAINT ... CHECK (...).");
      }
      rules.add(kept, constraint, true);
    }
    return kept;
  }

  /** Carry out the changes that are about keys, on the list; gives the others. */
  static List<TableChange> apply(KeyRules rules, List<Constraint> keys, TableChange... changes) {
    List<TableChange> others = new ArrayList<>();
    for (TableChange change : changes) {
      if (change instanceof TableChange.AddConstraint add && isKey(add.constraint())) {
        rules.add(keys, add.constraint(), false);
      } else if (!(change instanceof TableChange.DropConstraint drop) || !keys.removeIf(key -> key.name().equalsIgnoreCase(drop.name()))) {
        others.add(change);
      }
    }
    return others;
  }

  private static boolean isKey(Constraint constraint) {
    return constraint instanceof PrimaryKey || constraint instanceof ForeignKey || constraint instanceof Unique;
  }
}
