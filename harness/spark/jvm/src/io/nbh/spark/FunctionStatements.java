package io.nbh.spark;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.catalyst.analysis.UnresolvedIdentifier;
import org.apache.spark.sql.catalyst.plans.logical.CreateUserDefinedFunction;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.classic.SparkSession;
import scala.Option;
import scala.jdk.javaapi.CollectionConverters;

/** CREATE, DROP, SHOW and DESCRIBE FUNCTION in a catalog of ours; functions elsewhere are left to Spark. */
final class FunctionStatements {
  private static final Pattern PYTHON_BODY = Pattern.compile("\\bAS\\s*\\$(\\w*)\\$(.*)\\$\\1\\$\\s*;?\\s*$", Pattern.DOTALL | Pattern.CASE_INSENSITIVE);

  private FunctionStatements() {}

  /** Spark's own reading of CREATE FUNCTION … RETURN; null if the function isn't for one of our catalogs. */
  static LogicalPlan create(CreateUserDefinedFunction said, SparkSession session) {
    if (!(said.child() instanceof UnresolvedIdentifier ident)) {
      return null;
    }
    List<String> name = CollectionConverters.asJava(ident.nameParts());
    if (!Target.object(session, name).isOurs()) {
      return null;
    }
    return new Statement("CREATE FUNCTION", Answers.NONE, spark -> {
      Target target = Target.object(spark, name);
      boolean isQuery = said.queryText().isDefined();
      FunctionEntry made = entry(spark, target, said.inputParamText().getOrElse(() -> ""), said.returnTypeText(), said.isTableFunc(),
          "SQL", (isQuery ? said.queryText() : said.exprText()).get(), isQuery, orNull(said.comment()),
          !said.isDeterministic().contains(false));
      SqlFunctions.validate(spark, made);
      keep(target, made, said.replace(), said.ignoreIfExists());
      return Answers.none();
    });
  }

  static LogicalPlan createPython(Tokens tokens, SparkSession session) {
    String kind = "CREATE FUNCTION";
    tokens.require(kind, "CREATE");
    boolean replace = tokens.take("OR", "REPLACE");
    tokens.require(kind, "FUNCTION");
    boolean isQuiet = tokens.take("IF", "NOT", "EXISTS");
    List<String> name = tokens.names(kind, "a function's name");
    String parameters = tokens.parenthesised(kind);
    tokens.require(kind, "RETURNS");
    if (tokens.peek().equalsIgnoreCase("TABLE")) {
      throw Errors.databricksOnly("A table function in Python", "Write it in SQL: RETURNS TABLE … RETURN SELECT …");
    }
    String returns = tokens.until("LANGUAGE", "COMMENT", "DETERMINISTIC", "NOT", "AS");
    String comment = null;
    boolean isDeterministic = true;
    while (!tokens.take("AS")) {
      if (tokens.take("COMMENT")) {
        comment = tokens.string(kind, "a comment in quotes");
      } else if (tokens.take("NOT", "DETERMINISTIC")) {
        isDeterministic = false;
      } else if (tokens.take("HANDLER") || tokens.take("ENVIRONMENT")) {
        throw Errors.databricksOnly("CREATE FUNCTION with HANDLER or ENVIRONMENT", "Write the body without them.");
      } else if (tokens.atEnd()) {
        throw Errors.syntax(kind, "AS and a body", tokens.found());
      } else {
        tokens.skip();
      }
    }
    String quoted = tokens.string();
    Matcher found = PYTHON_BODY.matcher(tokens.text);
    if (quoted == null && !found.find()) {
      throw Errors.syntax(kind, "a body between $$ and $$", tokens.found());
    }
    String body = quoted != null ? quoted : found.group(2);
    String said = comment;
    boolean isFixed = isDeterministic;
    return new Statement(kind, Answers.NONE, spark -> {
      Target target = Target.object(spark, name);
      FunctionEntry made = entry(spark, target, parameters, returns, false, "PYTHON", body, false, said, isFixed);
      PythonFunctions.validate(spark, made);
      keep(target, made, replace, isQuiet);
      return Answers.none();
    });
  }

  private static FunctionEntry entry(SparkSession spark, Target target, String parameters, String returns, boolean isTable,
      String language, String body, boolean isQuery, String comment, boolean isDeterministic) {
    target.schema();
    Access.require(spark, "CREATE FUNCTION", "SCHEMA", target.catalogName(), target.schemaName());
    Access.require(spark, "MANAGE", "FUNCTION", target.parts()); // only who may drop it may put another in its place
    Target within = Target.schema(spark, List.of());
    return new FunctionEntry(Names.checked(target.name()), parameters, returns, isTable, language, body, isQuery, comment,
        isDeterministic, Sessions.user(spark.sessionState().conf()), target.catalogName(), target.schemaName(),
        List.of(within.catalogName(), within.schemaName()), System.currentTimeMillis());
  }

  private static void keep(Target target, FunctionEntry made, boolean replace, boolean isQuiet) {
    if (replace) {
      target.schema().functions.put(made.name(), made);
    } else if (target.schema().functions.putIfAbsent(made.name(), made) != null && !isQuiet) {
      throw Errors.make("ROUTINE_ALREADY_EXISTS", "42723", "Cannot create the routine " + Errors.quote(target.parts())
          + " because a routine of that name already exists.\nChoose a different name, drop or replace the existing routine, or add"
          + " the IF NOT EXISTS clause to tolerate a pre-existing routine.");
    }
  }

  static LogicalPlan drop(Tokens tokens, SparkSession session) {
    boolean isQuiet = tokens.take("IF", "EXISTS");
    List<String> name = tokens.names("DROP FUNCTION", "a function's name");
    tokens.requireEnd("DROP FUNCTION");
    if (!Target.object(session, name).isOurs()) {
      return null;
    }
    return new Statement("DROP FUNCTION", Answers.NONE, spark -> {
      Target target = Target.object(spark, name);
      Access.require(spark, "MANAGE", "FUNCTION", target.parts());
      if (target.schema().functions.remove(target.name()) == null && !isQuiet) {
        throw notFound(target);
      }
      target.space().grants.removeIf(grant -> grant.isOn(target.full()));
      return Answers.none();
    });
  }

  static LogicalPlan show(Tokens tokens, SparkSession session) {
    List<String> in = tokens.names("SHOW FUNCTIONS", "a schema's name");
    tokens.take("LIKE");
    String like = tokens.string();
    tokens.requireEnd("SHOW FUNCTIONS");
    if (!Target.schema(session, in).isOurs()) {
      return null;
    }
    return new Statement("SHOW FUNCTIONS", Answers.columns("function STRING"), spark -> {
      Target target = Target.schema(spark, in);
      Access.require(spark, "USE SCHEMA", "SCHEMA", target.parts());
      return target.schema().functions.keySet().stream()
          .filter(name -> Answers.isLike(name, like) && Access.sees(spark, "FUNCTION", target.catalogName(), target.schemaName(), name))
          .map(name -> RowFactory.create(target.full() + "." + name)).toList();
    });
  }

  static LogicalPlan describe(Tokens tokens, SparkSession session) {
    tokens.take("EXTENDED");
    if (tokens.peek().isEmpty() || !Character.isUnicodeIdentifierStart(tokens.peek().replace("`", "").codePointAt(0))) {
      return null; // an operator of Spark's
    }
    List<String> name = tokens.names("DESCRIBE FUNCTION", "a function's name");
    Target meant = Target.object(session, name);
    if (!meant.isOurs() || name.size() == 1 && meant.schema().functions.get(meant.name()) == null) {
      return null;
    }
    return new Statement("DESCRIBE FUNCTION", Answers.columns("function_desc STRING"), spark -> {
      Target target = Target.object(spark, name);
      FunctionEntry function = target.schema().functions.get(target.name());
      if (function == null) {
        throw notFound(target);
      }
      Access.require(spark, "EXECUTE", "FUNCTION", target.parts());
      return List.of(
          RowFactory.create("Function:      " + target.full()),
          RowFactory.create("Type:          " + (function.isTable() ? "TABLE" : "SCALAR")),
          RowFactory.create("Input:         " + function.parameters()),
          RowFactory.create("Returns:       " + function.returns()),
          RowFactory.create("Comment:       " + (function.comment() == null ? "" : function.comment())),
          RowFactory.create("Deterministic: " + function.isDeterministic()),
          RowFactory.create("Owner:         " + function.owner()),
          RowFactory.create("Language:      " + function.language()),
          RowFactory.create("Body:          " + function.body()));
    });
  }

  private static RuntimeException notFound(Target target) {
    return Errors.make("ROUTINE_NOT_FOUND", "42883", "The routine " + Errors.quote(target.parts())
        + " cannot be found. Verify the spelling and correctness of the schema and catalog.");
  }

  private static String orNull(Option<String> said) {
    return said.isDefined() ? said.get() : null;
  }
}
