package io.nbh.spark;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.spark.sql.classic.SparkSession;

/** What Databricks spells in another way than Spark, as Spark spells it; the meaning is the same. */
final class Spelling {
  /** Whether there can be anything to do; it costs less than to cut the statement into tokens. */
  private static final Pattern HINT = Pattern.compile(
      "@v?\\d|\\bMANAGED\\s+LOCATION\\b|\\bCLUSTER\\s+BY\\s+AUTO\\b|\\bREFERENCES\\b|\\bPRIMARY\\s+KEY\\b"
          + "|^\\s*SET\\s+(ANSI_MODE|TIMEZONE|LEGACY_TIME_PARSER_POLICY)\\b", Pattern.CASE_INSENSITIVE);
  private static final Pattern TABLE = Pattern.compile("^(ALTER|CREATE( OR REPLACE)?( EXTERNAL)?|REPLACE) TABLE\\b");
  private static final List<String[]> OPTIONS = List.of(new String[] {"DEFERRABLE"}, new String[] {"INITIALLY", "DEFERRED"},
      new String[] {"ENABLE", "NOVALIDATE"}, new String[] {"MATCH", "FULL"}, new String[] {"ON", "UPDATE", "NO", "ACTION"},
      new String[] {"ON", "DELETE", "NO", "ACTION"});
  private static final Pattern VERSION = Pattern.compile("@v(\\d+)$", Pattern.CASE_INSENSITIVE);
  private static final Pattern TIME = Pattern.compile("@(\\d{4})(\\d\\d)(\\d\\d)(\\d\\d)(\\d\\d)(\\d\\d)(\\d{3})$");
  private static final Map<String, String> SETTINGS = Map.of(
      "ANSI_MODE", "spark.sql.ansi.enabled",
      "TIMEZONE", "spark.sql.session.timeZone",
      "LEGACY_TIME_PARSER_POLICY", "spark.sql.legacy.timeParserPolicy");

  /** Before the location that a statement calls managed, until {@link PlanRule} has read it: Spark knows one kind only. */
  static final String MANAGED = "nbh-managed:";

  private Spelling() {}

  static String ofSpark(String text, SparkSession session) {
    return HINT.matcher(text).find() ? rewritten(new Tokens(text, null), session) : text;
  }

  private static String rewritten(Tokens tokens, SparkSession session) {
    Edits edits = new Edits(tokens);
    boolean isSchema = tokens.take("CREATE", "SCHEMA") || tokens.take("CREATE", "DATABASE");
    tokens.moveTo(0);
    boolean isTable = tokens.take("CREATE");
    tokens.moveTo(0);
    boolean hasKeys = TABLE.matcher(tokens.words(0, Math.min(tokens.size(), 5))).find();
    boolean isInKey = false;
    if (tokens.take("SET") && SETTINGS.containsKey(tokens.peek().toUpperCase(Locale.ROOT))) {
      edits.replace(1, 2, SETTINGS.get(tokens.peek().toUpperCase(Locale.ROOT)));
      tokens.skip();
      String value = tokens.take("=") ? tokens.string() : null;
      if (value != null) {
        edits.replace(3, 4, value);
      }
    }
    for (int at = 0; at < tokens.size(); at++) {
      tokens.moveTo(at);
      if (isSchema && tokens.take("MANAGED", "LOCATION")) {
        edits.replace(at, at + 1, "");
        String place = tokens.string();
        if (place != null) {
          edits.replace(at + 2, at + 3, "'" + (MANAGED + place).replace("\\", "\\\\").replace("'", "\\'") + "'");
          at += 2;
        }
      } else if (isTable && tokens.take("CLUSTER", "BY", "AUTO")) {
        edits.replace(at, at + 3, "");
      } else if (hasKeys && tokens.take("PRIMARY", "KEY", "(")) {
        isInKey = true;
      } else if (hasKeys && tokens.take(")")) {
        isInKey = false;
      } else if (isInKey && isAfterWord(tokens, at) && tokens.take("TIMESERIES")) {
        edits.replace(at, at + 1, "");
      } else if (isTable && tokens.take("FOREIGN", "KEY", "REFERENCES")) {
        edits.replace(at, at + 2, "");
      } else if (hasKeys && tokens.take("REFERENCES")) {
        nameParentsKey(tokens, edits, session);
      } else if (hasKeys && isAfterWord(tokens, at) && isOption(tokens)) {
        edits.replace(at, tokens.position(), "");
        at = tokens.position() - 1;
      } else if (tokens.peek().equals("@") && at > 0 && at + 1 < tokens.size() && tokens.areAdjacent(at - 1, at + 2)) {
        tokens.moveTo(at + 1);
        String said = timeTravel("@" + tokens.peek());
        if (said != null) {
          edits.replace(at, at + 2, said);
        }
      }
    }
    return edits.text();
  }

  /** What Databricks lets a key say of itself without meaning anything by it. */
  private static boolean isOption(Tokens tokens) {
    return OPTIONS.stream().anyMatch(tokens::take);
  }

  private static boolean isAfterWord(Tokens tokens, int at) {
    tokens.moveTo(Math.max(0, at - 1));
    boolean is = at > 0 && !tokens.peek().equals(",") && !tokens.peek().equals("(");
    tokens.moveTo(at);
    return is;
  }

  /** A foreign key that doesn't name its parent's columns means the primary key. */
  private static void nameParentsKey(Tokens tokens, Edits edits, SparkSession session) {
    if (tokens.peek().equalsIgnoreCase("IDENTIFIER")) {
      return;
    }
    List<String> parent = tokens.names("FOREIGN KEY", "a table's name");
    if (!tokens.peek().equals("(")) {
      int last = tokens.position() - 1;
      tokens.moveTo(last);
      String[] key = KeyRules.primaryKey(session, parent);
      edits.replace(last, last + 1, tokens.peek() + Arrays.stream(key).map(Errors::quote).collect(Collectors.joining(", ", " (", ")")));
    }
  }

  /** {@code @v1} and {@code @20260131120000000} behind a table's name. */
  private static String timeTravel(String said) {
    Matcher version = VERSION.matcher(said);
    if (version.matches()) {
      return " VERSION AS OF " + version.group(1);
    }
    Matcher time = TIME.matcher(said);
    return time.matches() ? time.replaceFirst(" TIMESTAMP AS OF '$1-$2-$3 $4:$5:$6.$7'") : null;
  }

  /** Whether a name given to the DataFrame API ends so. */
  static boolean isTimeTravel(String name) {
    return VERSION.matcher(name).find() || TIME.matcher(name).find();
  }

  /** Replacements in a text, made from left to right. */
  private static final class Edits {
    private final Tokens tokens;
    private final StringBuilder out = new StringBuilder();
    private int copied;

    Edits(Tokens tokens) {
      this.tokens = tokens;
    }

    /** Replace these tokens; what is shorter is filled with blanks, so that Spark's errors point at the right place. */
    void replace(int start, int end, String by) {
      int from = tokens.startOf(start);
      int to = tokens.endOf(end - 1);
      out.append(tokens.text, copied, from).append(by).append(" ".repeat(Math.max(0, to - from - by.length())));
      copied = to;
    }

    String text() {
      return out + tokens.text.substring(copied);
    }
  }
}
