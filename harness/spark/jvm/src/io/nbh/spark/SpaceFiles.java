package io.nbh.spark;

import java.util.HashMap;
import java.util.Map;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.rules.Rule;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.execution.datasources.HadoopFsRelation;
import org.apache.spark.sql.execution.datasources.LogicalRelation;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Says of what is read from dbfs or a volume in which space that is. Spark's cache is one for all sessions, and goes by what a plan
 * says: without this, rows that one test has cached would be those of another that reads the same path.
 */
final class SpaceFiles extends Rule<LogicalPlan> {
  /** A reader's option that no reader knows; the paths themselves are found by {@link Sessions#SPACE}. */
  private static final String OWNER = "nbh.files.of";

  private final SparkSession session;

  SpaceFiles(SparkSession session) {
    this.session = session;
  }

  @Override
  public LogicalPlan apply(LogicalPlan plan) {
    return plan.resolveOperatorsUp(PlanRule.partial(node ->
        node instanceof LogicalRelation read && read.relation() instanceof HadoopFsRelation files && isOfSpace(files) ? marked(read, files) : node));
  }

  private static boolean isOfSpace(HadoopFsRelation files) {
    return !CollectionConverters.asJava(files.options()).containsKey(OWNER) && Scala.list(files.location().rootPaths()).stream().anyMatch(SpaceFiles::isOfSpace);
  }

  private static boolean isOfSpace(Path path) {
    String scheme = path.toUri().getScheme();
    return "dbfs".equals(scheme) || BareFiles.SCHEME.equals(scheme) || VolumePaths.isOfWorkspace(path.toUri().getPath());
  }

  private LogicalPlan marked(LogicalRelation read, HadoopFsRelation files) {
    Space space = Sessions.space(session);
    Map<String, String> options = new HashMap<>(CollectionConverters.asJava(files.options()));
    options.put(OWNER, space.id + "/" + space.tests.get());
    HadoopFsRelation told = files.copy(files.location(), files.partitionSchema(), files.dataSchema(), files.bucketSpec(), files.fileFormat(),
        TableEntry.toScala(options), files.sparkSession());
    return read.copy(told, read.output(), read.catalogTable(), read.isStreaming(), read.stream());
  }
}
