package io.nbh.spark.delta;

import io.delta.tables.DeltaTable;
import io.nbh.spark.Errors;
import io.nbh.spark.Scala;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.catalyst.parser.ParseException;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.connector.catalog.CatalogManager;

/** The table that a message of Delta's clients names: by its path, or by its name. */
final class Tables {
  private Tables() {}

  static DeltaTable of(SparkSession session, Wire table) {
    if (table.has(1)) {
      Wire path = table.message(1);
      return DeltaTable.forPath(session, path.text(1), path.pairs(2));
    }
    return DeltaTable.forName(session, full(session, table.text(2)));
  }

  /** The table as SQL names it. */
  static String name(Wire table) {
    return table.has(1) ? ofPath(table.message(1).text(1)) : table.text(2);
  }

  static String ofPath(String path) {
    return "delta." + Errors.quote(path);
  }

  /** Delta looks up names of fewer than three parts in the session catalog, where ours are not. */
  static String full(SparkSession session, String name) {
    List<String> parts = parts(session, name);
    boolean isPath = parts.size() == 2 && parts.get(0).equalsIgnoreCase("delta") && parts.get(1).contains("/");
    if (isPath || parts.size() > 2) {
      return name;
    }
    CatalogManager catalogs = session.sessionState().catalogManager();
    List<String> all = new ArrayList<>();
    all.add(catalogs.currentCatalog().name());
    if (parts.size() == 1) {
      all.addAll(List.of(catalogs.currentNamespace()));
    }
    all.addAll(parts);
    return Errors.quote(all.toArray(new String[0]));
  }

  private static List<String> parts(SparkSession session, String name) {
    try {
      return Scala.list(session.sessionState().sqlParser().parseMultipartIdentifier(name));
    } catch (ParseException wrong) {
      throw Errors.sneak(wrong);
    }
  }
}
