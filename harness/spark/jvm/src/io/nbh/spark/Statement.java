package io.nbh.spark;

import java.util.List;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.plans.logical.Command;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.types.DataTypeUtils;
import org.apache.spark.sql.execution.command.LeafRunnableCommand;
import org.apache.spark.sql.types.StructType;
import scala.Enumeration;
import scala.collection.immutable.Seq;

/** One of our statements as a command of Spark's: it runs once, when the statement is executed, and may give rows. */
final class Statement extends LogicalPlan implements LeafRunnableCommand {
  /** What the statement does. */
  interface Action {
    List<Row> run(org.apache.spark.sql.classic.SparkSession session);
  }

  private final String kind;
  private final Seq<Attribute> output;
  private final Action action;
  private Seq<Enumeration.Value> patterns;

  Statement(String kind, StructType output, Action action) {
    Command.$init$(this);
    this.kind = kind;
    this.output = (Seq<Attribute>) (Seq<?>) DataTypeUtils.toAttributes(output);
    this.action = action;
  }

  @Override
  public Seq<Row> run(SparkSession session) {
    return Scala.seq(action.run((org.apache.spark.sql.classic.SparkSession) session));
  }

  @Override
  public String nodeName() {
    return kind;
  }

  @Override
  public Seq<Attribute> output() {
    return output;
  }

  // Scala's traits leave these to each class

  @Override
  public Seq<Enumeration.Value> nodePatterns() {
    return patterns;
  }

  @Override
  public void org$apache$spark$sql$catalyst$plans$logical$Command$_setter_$nodePatterns_$eq(Seq<Enumeration.Value> patterns) {
    this.patterns = patterns;
  }

  @Override
  public Seq<LogicalPlan> children() {
    return Scala.seq(List.<LogicalPlan>of());
  }

  @Override
  public LogicalPlan withNewChildrenInternal(scala.collection.immutable.IndexedSeq<LogicalPlan> children) {
    return this;
  }

  @Override
  public LogicalPlan makeCopy(Object[] arguments) {
    return this;
  }

  @Override
  public LogicalPlan clone() {
    return this;
  }

  @Override
  public int productArity() {
    return 1;
  }

  @Override
  public Object productElement(int index) {
    return kind;
  }

  @Override
  public boolean canEqual(Object other) {
    return other instanceof Statement;
  }

  @Override
  public boolean equals(Object other) {
    return this == other;
  }

  @Override
  public int hashCode() {
    return System.identityHashCode(this);
  }
}
