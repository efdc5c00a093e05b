package io.nbh.spark.engine;

import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.spark.sql.connect.planner.SparkConnectPlanner;
import org.apache.spark.sql.connect.plugin.CommandPlugin;

/**
 * What a test process asks of the engine beyond Spark: an extension command whose type is {@code nbh/VERB}.
 *
 * <p>One call restores all that a test may have changed; over Spark's own calls it would take a dozen.
 */
public final class Control implements CommandPlugin {
  private static final Pattern VERB = Pattern.compile("nbh/(hello|mark|restore|keep|end)(?:/([\\w-]+))?");

  @Override
  public boolean process(byte[] command, SparkConnectPlanner planner) {
    // The bytes are a protobuf Any; its type stands in it as it is, and its value (what follows "hello" and "keep") is JSON.
    String text = new String(command, StandardCharsets.UTF_8);
    Matcher verb = VERB.matcher(text);
    if (!verb.find()) {
      return false;
    }
    Sessions session = Sessions.of(planner.session());
    switch (verb.group(1)) {
      case "hello" -> session.hello(Long.parseLong(verb.group(2)), text.substring(text.indexOf("{\"")));
      case "mark" -> session.mark();
      case "restore" -> session.restore();
      case "keep" -> session.keep(verb.group(2), text.substring(text.indexOf("{\"")));
      default -> session.end();
    }
    return true;
  }
}
