package io.nbh.spark;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.catalyst.FunctionIdentifier;
import org.apache.spark.sql.catalyst.analysis.SQLFunctionExpression;
import org.apache.spark.sql.catalyst.analysis.SQLFunctionNode;
import org.apache.spark.sql.catalyst.analysis.SQLTableFunction;
import org.apache.spark.sql.catalyst.catalog.SQLFunction;
import org.apache.spark.sql.catalyst.catalog.UserDefinedFunction$;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.parser.ParserInterface;
import org.apache.spark.sql.catalyst.plans.logical.LateralJoin;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.types.DataTypeUtils;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.internal.SQLConf;
import org.apache.spark.sql.internal.SessionState;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import scala.Option;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;
import scala.util.Either;
import scala.util.Left;
import scala.util.Right;

/** Functions written in SQL, as Spark's own SQL functions, which it puts into the plan in place of the call. */
final class SqlFunctions {
  private SqlFunctions() {}

  static Expression call(SparkSession session, FunctionEntry entry, Seq<Expression> arguments) {
    SQLFunction function = function(session, entry);
    return new SQLFunctionExpression(fullName(entry), function, Scala.seq(Arguments.ordered(session, entry, arguments)), Option.apply(function.getScalarFuncReturnType()));
  }

  static LogicalPlan callTable(SparkSession session, FunctionEntry entry, Seq<Expression> arguments) {
    SQLFunction function = function(session, entry);
    Seq<Attribute> output = (Seq<Attribute>) (Seq<?>) DataTypeUtils.toAttributes(function.getTableFuncReturnCols());
    return new SQLTableFunction(fullName(entry), function, Scala.seq(Arguments.ordered(session, entry, arguments)), output);
  }

  /** Have Spark check the body, as CREATE FUNCTION would in the session catalog. */
  static void validate(SparkSession session, FunctionEntry entry) {
    body(session, entry);
  }

  private static String where(FunctionEntry entry) {
    return String.join("\n", entry.within());
  }

  private static String fullName(FunctionEntry entry) {
    return entry.catalog() + "." + entry.schema() + "." + entry.name();
  }

  private static SQLFunction function(SparkSession session, FunctionEntry entry) {
    return function(session, entry, returns(session, entry, session.sessionState().sqlParser()));
  }

  private static SQLFunction function(SparkSession session, FunctionEntry entry, Either<DataType, StructType> returns) {
    Option<StructType> inputs =
        entry.parameters().isBlank() ? Option.empty() : Option.apply(new StructType(Parsing.parameters(session, entry.parameters())));
    Map<String, String> properties = new HashMap<>(CollectionConverters.asJava(SQLFunction.catalogAndNamespaceToProps(
        entry.catalog(), Scala.seq(List.of(entry.schema())))));
    // A setting while its body is read: whose catalog and schema complete the names in it.
    properties.put(UserDefinedFunction$.MODULE$.SQL_CONFIG_PREFIX() + Access.OWNERS_READ, where(entry));
    Option<String> body = Option.apply(entry.body());
    return new SQLFunction(
        new FunctionIdentifier(entry.name(), Option.apply(entry.schema()), Option.apply(entry.catalog())),
        inputs,
        returns,
        entry.isQuery() ? Option.empty() : body,
        entry.isQuery() ? body : Option.empty(),
        Option.apply(entry.comment()),
        Option.empty(),
        Option.apply(entry.isDeterministic()),
        Option.empty(),
        entry.isTable(),
        TableEntry.toScala(properties),
        Option.apply(entry.owner()),
        entry.created());
  }

  private static Either<DataType, StructType> returns(SparkSession session, FunctionEntry entry, ParserInterface parser) {
    if (!entry.returns().isBlank()) {
      var said = SQLFunction.parseReturnTypeText(entry.returns(), entry.isTable(), parser, Option.empty());
      if (said.isDefined()) {
        return said.get();
      }
    }
    SQLConf owners = session.sessionState().conf().clone();
    owners.setConfString(Access.OWNERS_READ, where(entry));
    StructType found = SQLConf.withExistingConf(owners, () -> body(session, entry));
    return entry.isTable() ? new Right<>(found) : new Left<>(found.fields()[0].dataType());
  }

  /** The schema of the body with each parameter a null of its type. */
  private static StructType body(SparkSession session, FunctionEntry entry) {
    StringBuilder from = new StringBuilder();
    for (StructField field : Parsing.parameters(session, entry.parameters())) {
      from.append(from.isEmpty() ? "" : ", ").append("CAST(NULL AS ").append(field.dataType().sql()).append(") AS ")
          .append(Errors.quote(field.name()));
    }
    String arguments = "(SELECT " + (from.isEmpty() ? "1" : from) + ") AS " + Errors.quote(entry.name());
    String query = entry.isTable()
        ? "SELECT nbh_body.* FROM " + arguments + ", LATERAL (" + entry.body() + ") AS nbh_body"
        : "SELECT (" + entry.body() + ") FROM " + arguments;
    SessionState state = session.sessionState();
    LogicalPlan plan = state.analyzer().execute(Parsing.plan(session, query));
    if (entry.isTable()) {
      Option<LogicalPlan> join = plan.find(node -> node instanceof LateralJoin);
      plan = join.isDefined() ? ((LateralJoin) join.get()).right().plan() : plan;
    }
    // As Spark's own CREATE FUNCTION checks it: a parameter may stand where a subquery may not refer to its outer query.
    Either<DataType, StructType> any = entry.isTable() ? new Right<>(new StructType()) : new Left<>(DataTypes.NullType);
    state.analyzer().checkAnalysis(new SQLFunctionNode(function(session, entry, any), plan));
    return plan.schema();
  }
}
