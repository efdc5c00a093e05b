package io.nbh.spark;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.spark.sql.catalyst.parser.ParseException;

/**
 * What Spark's parser said of schemas that are JSON.
 *
 * <p>Over Connect the rows of a test bring their schema as JSON, and Spark tries it as SQL in three ways before it reads it as what it
 * is, in each call that such a frame is part of. No SQL type begins like JSON, whatever the settings: the refusal is that of
 * the first time, and each made anew is two parses and as many stack traces.
 */
final class JsonSchemas {
  private static final int LONGEST = 20_000;
  private static final int MOST = 200;

  private static final Map<String, ParseException> REFUSALS =
      Collections.synchronizedMap(
          new LinkedHashMap<>(16, 0.75f, true) {
            @Override
            protected boolean removeEldestEntry(Map.Entry<String, ParseException> eldest) {
              return size() > MOST;
            }
          });

  private JsonSchemas() {}

  static void refuse(String kind, String text) throws ParseException {
    ParseException known = isJson(text) ? REFUSALS.get(kind + text) : null;
    if (known != null) {
      throw known;
    }
  }

  static ParseException noted(String kind, String text, ParseException refusal) {
    if (isJson(text)) {
      REFUSALS.put(kind + text, refusal);
    }
    return refusal;
  }

  private static boolean isJson(String text) {
    return (text.startsWith("{\"") || text.startsWith("struct<{\"")) && text.length() < LONGEST;
  }
}
