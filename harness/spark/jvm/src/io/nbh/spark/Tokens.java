package io.nbh.spark;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.antlr.v4.runtime.CharStreams;
import org.antlr.v4.runtime.Token;
import org.apache.spark.sql.catalyst.parser.SqlBaseLexer;
import org.apache.spark.sql.catalyst.parser.UpperCaseCharStream;
import org.apache.spark.sql.catalyst.parser.ParserUtils;

/** A statement as Spark's own lexer cuts it, without comments and the last semicolon, read from left to right. */
final class Tokens {
  final String text;
  private final List<Token> tokens = new ArrayList<>();
  private int at;

  Tokens(String text) {
    this.text = text;
    SqlBaseLexer lexer = new SqlBaseLexer(new UpperCaseCharStream(CharStreams.fromString(text)));
    lexer.removeErrorListeners();
    for (Token token = lexer.nextToken(); token.getType() != Token.EOF; token = lexer.nextToken()) {
      if (token.getChannel() == Token.DEFAULT_CHANNEL) {
        tokens.add(token);
      }
    }
    while (!tokens.isEmpty() && tokens.get(tokens.size() - 1).getType() == SqlBaseLexer.SEMICOLON) {
      tokens.remove(tokens.size() - 1);
    }
  }

  int position() {
    return at;
  }

  void moveTo(int position) {
    at = position;
  }

  boolean atEnd() {
    return at >= tokens.size();
  }

  /** What the next token says, as it stands there; "" at the end. */
  String peek() {
    return atEnd() ? "" : textOf(tokens.get(at));
  }

  void skip() {
    at++;
  }

  /** Go past these words if they come next. */
  boolean take(String... words) {
    if (at + words.length > tokens.size()) {
      return false;
    }
    for (int i = 0; i < words.length; i++) {
      if (!textOf(tokens.get(at + i)).equalsIgnoreCase(words[i])) {
        return false;
      }
    }
    at += words.length;
    return true;
  }

  /** A name of one part, with or without backticks. */
  String name(String statement, String expected) {
    if (atEnd() || !isName(tokens.get(at))) {
      throw Errors.syntax(statement, expected, found());
    }
    String said = textOf(tokens.get(at++));
    return said.startsWith("`") ? said.substring(1, said.length() - 1).replace("``", "`") : said;
  }

  /** A name of several parts. */
  List<String> names(String statement, String expected) {
    if (take("IDENTIFIER", "(")) {
      String said = string(statement, "a name in quotes");
      require(statement, ")");
      return new Tokens(said).names(statement, expected);
    }
    List<String> parts = new ArrayList<>(List.of(name(statement, expected)));
    while (take(".")) {
      parts.add(name(statement, expected));
    }
    return parts;
  }

  /** A string's value, or null if none comes next. */
  String string() {
    if (atEnd() || !isString(tokens.get(at))) {
      return null;
    }
    return ParserUtils.unescapeSQLString(textOf(tokens.get(at++)), false);
  }

  String string(String statement, String expected) {
    String found = string();
    if (found == null) {
      throw Errors.syntax(statement, expected, found());
    }
    return found;
  }

  void require(String statement, String... words) {
    if (!take(words)) {
      throw Errors.syntax(statement, String.join(" ", words), found());
    }
  }

  void requireEnd(String statement) {
    if (!atEnd()) {
      throw Errors.syntax(statement, "the end of the statement", found());
    }
  }

  /** The text from the next token on, to before one of these words (outside of parentheses) or the end. */
  String until(String... words) {
    int start = at;
    int depth = 0;
    while (!atEnd() && (depth > 0 || Arrays.stream(words).noneMatch(peek()::equalsIgnoreCase))) {
      depth += peek().equals("(") ? 1 : peek().equals(")") ? -1 : 0;
      at++;
    }
    return between(start, at);
  }

  /** What stands in the parentheses that come next, without them. */
  String parenthesised(String statement) {
    require(statement, "(");
    int start = at;
    for (int depth = 1; !atEnd(); at++) {
      depth += peek().equals("(") ? 1 : peek().equals(")") ? -1 : 0;
      if (depth == 0) {
        return between(start, at++);
      }
    }
    throw Errors.syntax(statement, ")", "the end");
  }

  /** Some tokens as keywords. */
  String words(int start, int end) {
    return tokens.subList(start, end).stream().map(this::textOf).collect(Collectors.joining(" ")).toUpperCase(Locale.ROOT);
  }

  String found() {
    return atEnd() ? "the end of the statement" : "'" + peek() + "'";
  }

  private String between(int start, int end) {
    return start >= end ? "" : text.substring(index(tokens.get(start).getStartIndex()), index(tokens.get(end - 1).getStopIndex() + 1));
  }

  private String textOf(Token token) {
    return text.substring(index(token.getStartIndex()), index(token.getStopIndex() + 1));
  }

  /** The lexer counts in code points. */
  private int index(int codePoints) {
    return text.offsetByCodePoints(0, codePoints);
  }

  private static boolean isString(Token token) {
    return token.getType() == SqlBaseLexer.STRING_LITERAL || token.getType() == SqlBaseLexer.DOUBLEQUOTED_STRING;
  }

  private boolean isName(Token token) {
    String said = textOf(token);
    return token.getType() == SqlBaseLexer.BACKQUOTED_IDENTIFIER
        || !isString(token) && Character.isUnicodeIdentifierPart(said.codePointAt(0));
  }
}
