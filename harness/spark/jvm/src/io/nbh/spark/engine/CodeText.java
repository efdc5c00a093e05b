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

  /** Replaces stretches of a text that hold a certain character. */
  private abstract static class Quick extends Regex {
    private final char mark;

    Quick(String pattern, char mark) {
      super(pattern, Scala.seq(List.<String>of()));
      this.mark = mark;
    }

    /** Where the stretch with this mark begins, not before {@code done}. */
    abstract int begin(String text, int at, int done);

    /** Where it ends; -1 if there is none. */
    abstract int end(String text, int at);

    @Override
    public String replaceAllIn(CharSequence code, String replacement) {
      String text = code.toString();
      StringBuilder kept = new StringBuilder(text.length());
      int done = 0;
      for (int at = text.indexOf(mark); at >= 0; at = text.indexOf(mark, Math.max(done, at + 1))) {
        int end = end(text, at);
        if (end >= 0) {
          kept.append(text, done, begin(text, at, done)).append(replacement);
          done = end;
        }
      }
      return done == 0 ? text : kept.append(text, done, text.length()).toString();
    }
  }

  private static final class Comments extends Quick {
    Comments(String pattern) {
      super(pattern, '/');
    }

    @Override
    int begin(String text, int at, int done) {
      int begin = at;
      while (begin > done && " |\t".indexOf(text.charAt(begin - 1)) >= 0) {
        begin--;
      }
      return begin;
    }

    @Override
    int end(String text, int at) {
      if (text.startsWith("/*", at)) {
        int close = text.indexOf("*/", at + 2);
        return close < 0 ? -1 : close + 2;
      }
      int line = text.startsWith("//", at) ? text.indexOf('\n', at + 2) : -1;
      return line < 0 ? -1 : line + 1;
    }
  }

  private static final class EmptyLines extends Quick {
    EmptyLines(String pattern) {
      super(pattern, '\n');
    }

    @Override
    int begin(String text, int at, int done) {
      return at;
    }

    @Override
    int end(String text, int at) {
      int end = -1;
      for (int next = at + 1; next < text.length() && " \t\n\u000B\f\r".indexOf(text.charAt(next)) >= 0; next++) {
        if (text.charAt(next) == '\n') {
          end = next + 1;
        }
      }
      return end;
    }
  }
}
