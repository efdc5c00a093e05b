package io.nbh.spark;

import org.apache.spark.sql.SparkSessionExtensions;
import scala.Function1;
import scala.runtime.AbstractFunction1;
import scala.runtime.BoxedUnit;

/** What {@code spark.sql.extensions} names, after Delta's: our parser stands before Delta's and Spark's. */
public final class Extensions extends AbstractFunction1<SparkSessionExtensions, BoxedUnit> {
  @Override
  public BoxedUnit apply(SparkSessionExtensions extensions) {
    extensions.injectParser((session, next) -> new StatementParser((org.apache.spark.sql.classic.SparkSession) session, next));
    return BoxedUnit.UNIT;
  }
}
