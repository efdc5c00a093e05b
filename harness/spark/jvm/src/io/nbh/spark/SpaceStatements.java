package io.nbh.spark;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.classic.SparkSession;

/** The harness's own statements about spaces, for the clean-up after a session that may be dead. */
final class SpaceStatements {
  private SpaceStatements() {}

  static LogicalPlan drop(Tokens tokens, SparkSession session) {
    boolean isQuiet = tokens.take("IF", "EXISTS");
    String id = tokens.string("NBH DROP SPACE", "a space's name in quotes");
    tokens.requireEnd("NBH DROP SPACE");
    return new Statement("NBH DROP SPACE", Answers.NONE, spark -> {
      if (!Space.drop(id) && !isQuiet) {
        throw Errors.notFound("space", id);
      }
      return Answers.none();
    });
  }

  static LogicalPlan show(Tokens tokens, SparkSession session) {
    tokens.requireEnd("NBH SHOW SPACES");
    return new Statement("NBH SHOW SPACES", Answers.columns("space STRING, folder STRING, catalogs INT, tables INT"), spark ->
        Space.all().stream().map(space -> RowFactory.create(space.id, space.root.toString(), space.catalogs.size(),
            space.tables())).toList());
  }

  /** Every table and view that the session sees, with a text that is another one once the relation is. */
  static LogicalPlan relations(Tokens tokens, SparkSession session) {
    tokens.requireEnd("NBH SHOW RELATIONS");
    return new Statement("NBH SHOW RELATIONS", Answers.columns("name STRING, stamp STRING"), spark -> {
      Space space = Sessions.space(spark);
      List<Row> rows = new ArrayList<>();
      space.catalogs.forEach((catalog, entry) -> entry.schemas.forEach((schema, held) -> held.relations.forEach((name, relation) ->
          rows.add(RowFactory.create(String.join(".", catalog, schema, name), stamp(relation))))));
      space.metastore(spark).locations().forEach((name, location) ->
          rows.add(RowFactory.create(Metastore.ALIAS + "." + name, stamp(location))));
      return rows;
    });
  }

  private static String stamp(Object relation) {
    return relation instanceof TableEntry table
        ? stamp(table.location()) + " " + table.properties().hashCode() + " " + table.constraints().hashCode()
        : String.valueOf(System.identityHashCode(relation));
  }

  /** Where its files lie, how many there are and when one of them was written last. */
  private static String stamp(URI location) {
    if (location.getPath() == null || location.getScheme() != null && !location.getScheme().equals("file")) {
      return location.toString();
    }
    long files = 0;
    long newest = 0;
    Path folder = Path.of(location.getPath());
    if (Files.exists(folder)) {
      try (Stream<Path> found = Files.walk(folder)) {
        for (Path path : found.toList()) {
          files++;
          newest = Math.max(newest, Files.getLastModifiedTime(path).toMillis());
        }
      } catch (IOException | java.io.UncheckedIOException removed) {
        newest = -1; // it is changing now
      }
    }
    return String.join(" ", location.toString(), String.valueOf(files), String.valueOf(newest));
  }
}
