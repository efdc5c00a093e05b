package io.nbh.spark;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.StructType;

/** The rows that statements give. */
final class Answers {
  static final StructType NONE = new StructType();

  private Answers() {}

  static StructType columns(String ddl) {
    return StructType.fromDDL(ddl);
  }

  static List<Row> none() {
    return List.of();
  }

  /** Rows of two columns from names and values in turn; a value that isn't there is "". */
  static List<Row> pairs(Object... all) {
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < all.length; i += 2) {
      rows.add(RowFactory.create(all[i], all[i + 1] == null ? "" : all[i + 1].toString()));
    }
    return rows;
  }

  /** Whether a name fits what SHOW … LIKE says: * is anything, | is or. */
  static boolean isLike(String name, String pattern) {
    if (pattern == null) {
      return true;
    }
    for (String one : pattern.split("\\|")) {
      String regex = Pattern.quote(one.trim().toLowerCase(java.util.Locale.ROOT)).replace("*", "\\E.*\\Q");
      if (name.matches(regex)) {
        return true;
      }
    }
    return false;
  }
}
