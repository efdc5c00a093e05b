package io.nbh.spark;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.catalyst.expressions.Cast$;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.NamedArgumentExpression;
import org.apache.spark.sql.catalyst.parser.ParseException;
import org.apache.spark.sql.catalyst.plans.logical.FunctionSignature;
import org.apache.spark.sql.catalyst.plans.logical.InputParameter;
import org.apache.spark.sql.catalyst.plans.logical.NamedParametersSupport;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.types.StructField;
import scala.Option;
import scala.collection.immutable.Seq;
import scala.runtime.AbstractFunction2;

/** The arguments of a call, in the order of the function's parameters. */
final class Arguments {
  private Arguments() {}

  /** Named ones ({@code b => 2}) in their places, and defaults for those left out; an error if their number doesn't fit. */
  static List<Expression> ordered(SparkSession session, FunctionEntry entry, Seq<Expression> said) {
    StructField[] parameters = Parsing.parameters(session, entry.parameters());
    List<InputParameter> signature = new ArrayList<>();
    List<Option<Expression>> defaults = new ArrayList<>();
    for (StructField parameter : parameters) {
      Option<Expression> value = value(session, parameter);
      defaults.add(value);
      signature.add(new InputParameter(parameter.name(), value));
    }
    List<Expression> given = Scala.list(said);
    if (given.stream().anyMatch(NamedArgumentExpression.class::isInstance)) {
      String name = Errors.quote(entry.catalog(), entry.schema(), entry.name());
      return Scala.list(NamedParametersSupport.defaultRearrange(new FunctionSignature(Scala.seq(signature)), said, name, new SameName()));
    }
    List<Expression> all = new ArrayList<>(given);
    for (int i = all.size(); i < parameters.length && defaults.get(i).isDefined(); i++) {
      all.add(defaults.get(i).get());
    }
    if (all.size() != parameters.length) {
      throw Errors.make("WRONG_NUM_ARGS.WITHOUT_SUGGESTION", "42605", "The " + Errors.quote(entry.catalog(), entry.schema(), entry.name())
          + " requires " + parameters.length + " parameters but the actual number is " + given.size() + ".");
    }
    return all;
  }

  private static Option<Expression> value(SparkSession session, StructField parameter) {
    if (parameter.getDefault().isEmpty()) {
      return Option.empty();
    }
    try {
      Expression said = session.sessionState().sqlParser().parseExpression(parameter.getDefault().get());
      return Option.apply(Cast$.MODULE$.apply(said, parameter.dataType(), session.sessionState().conf().ansiEnabled()));
    } catch (ParseException wrong) {
      throw Errors.sneak(wrong);
    }
  }

  private static final class SameName extends AbstractFunction2<String, String, Object> {
    @Override
    public Object apply(String one, String other) {
      return one.equalsIgnoreCase(other);
    }
  }
}
