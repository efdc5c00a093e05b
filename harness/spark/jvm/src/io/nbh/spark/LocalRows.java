package io.nbh.spark;

import java.util.List;
import org.apache.spark.rdd.RDD;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.plans.logical.LocalRelation;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.physical.Partitioning;
import org.apache.spark.sql.catalyst.plans.physical.SinglePartition$;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.connector.read.streaming.SparkDataStream;
import org.apache.spark.sql.execution.LocalTableScanExec;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.execution.SparkStrategy;
import scala.Option;
import scala.collection.immutable.Seq;

/**
 * Says of a test's own rows that they lie in one partition, where they do.
 *
 * <p>Spark says so of {@code spark.range}, but not of rows that a test brings along, and puts a shuffle of one partition into one
 * before each aggregate, window and sort: a stage more, in most small tests. With several partitions nothing is changed.
 */
final class LocalRows extends SparkStrategy {
  private final SparkSession session;

  LocalRows(SparkSession session) {
    this.session = session;
  }

  @Override
  public Seq<SparkPlan> apply(LogicalPlan plan) {
    boolean isMeant = plan instanceof LocalRelation rows
        // No rows are no partition at all, and a count of them needs one; a stream's rows come and go.
        && !Scala.list(rows.data()).isEmpty() && rows.stream().isEmpty() && !rows.isStreaming()
        && session.sessionState().conf().getConfString("spark.sql.leafNodeDefaultParallelism", "").equals("1");
    return Scala.seq(isMeant ? List.of(scan((LocalRelation) plan)) : List.<SparkPlan>of());
  }

  private static SparkPlan scan(LocalRelation rows) {
    return new OnePartition((Seq<Attribute>) rows.output(), rows.data(), rows.stream());
  }

  /** Public, as Spark copies a plan's nodes by their constructors. */
  public static final class OnePartition extends LocalTableScanExec {
    public OnePartition(Seq<Attribute> output, Seq<InternalRow> rows, Option<SparkDataStream> stream) {
      super(output, rows, stream);
    }

    @Override
    public String nodeName() {
      return "LocalTableScan";
    }

    @Override
    public Partitioning outputPartitioning() {
      return SinglePartition$.MODULE$;
    }

    @Override
    public RDD<InternalRow> inputRDD() {
      return one(super.inputRDD());
    }

    @Override
    public RDD<InternalRow> doExecute() {
      return one(super.doExecute());
    }

    /** The session's setting may be another by the time that a kept plan runs. */
    private static RDD<InternalRow> one(RDD<InternalRow> rows) {
      return rows.getNumPartitions() == 1 ? rows : rows.coalesce(1, false, Option.empty(), null);
    }
  }
}
