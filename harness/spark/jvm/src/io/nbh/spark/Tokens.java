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
  private final Parameters parameters;
  private final List<Token> tokens = new ArrayList<>();
  private int at;

  Tokens(String text, Parameters parameters) {
    this.text = text;
    this.parameters = parameters;
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

  int size() {
    return tokens.size();
  }

  /** Where a token begins in the text. */
  int startOf(int position) {
    return index(tokens.get(position).getStartIndex());
  }

  /** Where a token ends in the text. */
  int endOf(int position) {
    return index(tokens.get(position).getStopIndex() + 1);
  }

  /** Whether nothing stands between these tokens. */
  boolean areAdjacent(int start, int end) {
    for (int i = start + 1; i < end; i++) {
      if (startOf(i) != endOf(i - 1)) {
        return false;
      }
    }
    return true;
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
    List<String> parts = new ArrayList<>();
    do {
      if (take("IDENTIFIER", "(")) {
        at--;
        int start = at + 1;
        parenthesised(statement);
        parts.addAll(parameters.identifier(filled(start, at - 1)));
      } else {
        parts.add(name(statement, expected));
      }
    } while (take("."));
    return parts;
  }

  /** A string's value, or null if none comes next; it may be a parameter. */
  String string() {
    if (atEnd()) {
      return null;
    }
    if (isMarker(at)) {
      int start = at;
      at += peek().equals("?") ? 1 : 2;
      return parameters.text(filled(start, at));
    }
    return isString(tokens.get(at)) ? ParserUtils.unescapeSQLString(textOf(tokens.get(at++)), false) : null;
  }

  private boolean isMarker(int index) {
    int type = tokens.get(index).getType();
    return type == SqlBaseLexer.QUESTION || type == SqlBaseLexer.COLON && index + 1 < tokens.size() && isName(tokens.get(index + 1));
  }

  /** Some tokens as text, with the values of parameters in their place. */
  private String filled(int start, int end) {
    StringBuilder filled = new StringBuilder();
    int copied = start;
    for (int i = start; i < end; i++) {
      if (!isMarker(i)) {
        continue;
      }
      filled.append(between(copied, i)).append(' ');
      if (tokens.get(i).getType() == SqlBaseLexer.QUESTION) {
        filled.append(parameters.positional(
            (int) tokens.subList(0, i).stream().filter(one -> one.getType() == SqlBaseLexer.QUESTION).count()));
      } else {
        filled.append(parameters.named(textOf(tokens.get(++i))));
      }
      filled.append(' ');
      copied = i + 1;
    }
    return filled.append(between(copied, end)).toString();
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

  /** The text from a position on. */
  String from(int position) {
    return between(position, tokens.size());
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
