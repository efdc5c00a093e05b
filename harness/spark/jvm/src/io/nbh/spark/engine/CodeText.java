package io.nbh.spark.engine;

import io.nbh.spark.Scala;
import java.util.List;
import org.apache.spark.sql.catalyst.expressions.codegen.CodeFormatter$;
import scala.util.matching.Regex;

/**
 * Takes comments and empty lines out of the code that Spark generates, as Spark's own patterns do, by looking for them.
 *
 * <p>Spark measures each piece of code without its comments, to see where to cut a method in two. Its patterns try each blank of
 * each indentation, and for the wide rows of a Delta log that was a fifth of the engine's work.
 */
public final class CodeText {
  private CodeText() {}

  /** To be called before the first query: code that Java has compiled by then keeps the patterns that it knew. */
  static void quicken() {
    Finals.set(CodeFormatter$.MODULE$, "commentRegexp", CodeText::comments);
    Finals.set(CodeFormatter$.MODULE$, "extraNewLinesRegexp", CodeText::emptyLines);
  }

  public static Regex comments(Regex sparks) {
    return new Comments(sparks.regex());
  }

  public static Regex emptyLines(Regex sparks) {
    return new EmptyLines(sparks.regex());
  }

  private abstract static class Quick extends Regex {
    Quick(String pattern) {
      super(pattern, Scala.seq(List.<String>of()));
    }
  }

  private static final class Comments extends Quick {
    Comments(String pattern) {
      super(pattern);
    }

    @Override
    public String replaceAllIn(CharSequence code, String replacement) {
      String text = code.toString();
      StringBuilder kept = new StringBuilder(text.length());
      int done = 0;
      for (int slash = text.indexOf('/'); slash >= 0; slash = text.indexOf('/', Math.max(done, slash + 1))) {
        int end = end(text, slash);
        if (end >= 0) {
          int begin = slash;
          while (begin > done && " |\t".indexOf(text.charAt(begin - 1)) >= 0) {
            begin--;
          }
          kept.append(text, done, begin).append(replacement);
          done = end;
        }
      }
      return done == 0 ? text : kept.append(text, done, text.length()).toString();
    }

    /** Where the comment that begins at this slash ends; -1 if none does. */
    private static int end(String text, int slash) {
      if (text.startsWith("/*", slash)) {
        int close = text.indexOf("*/", slash + 2);
        return close < 0 ? -1 : close + 2;
      }
      int line = text.startsWith("//", slash) ? text.indexOf('\n', slash + 2) : -1;
      return line < 0 ? -1 : line + 1;
    }
  }

  private static final class EmptyLines extends Quick {
    EmptyLines(String pattern) {
      super(pattern);
    }

    @Override
    public String replaceAllIn(CharSequence code, String replacement) {
      String text = code.toString();
      StringBuilder kept = new StringBuilder(text.length());
      int done = 0;
      for (int line = text.indexOf('\n'); line >= 0; line = text.indexOf('\n', Math.max(done, line + 1))) {
        int last = line;
        for (int at = line + 1; at < text.length() && " \t\n\u000B\f\r".indexOf(text.charAt(at)) >= 0; at++) {
          if (text.charAt(at) == '\n') {
            last = at;
          }
        }
        if (last > line) {
          kept.append(text, done, line).append(replacement);
          done = last + 1;
        }
      }
      return done == 0 ? text : kept.append(text, done, text.length()).toString();
    }
  }
}
