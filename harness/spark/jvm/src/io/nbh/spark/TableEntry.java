package io.nbh.spark;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.catalyst.TableIdentifier;
import org.apache.spark.sql.catalyst.catalog.CatalogStorageFormat;
import org.apache.spark.sql.catalyst.catalog.CatalogTable;
import org.apache.spark.sql.catalyst.catalog.CatalogTableType;
import org.apache.spark.sql.connector.catalog.constraints.Constraint;
import org.apache.spark.sql.delta.DeltaLog;
import org.apache.spark.sql.types.StructType;
import scala.Option;
import scala.collection.immutable.Map$;
import scala.jdk.javaapi.CollectionConverters;

/** What a space knows of one table. Of a Delta table that is little more than where it lies: the rest stands in its log. */
record TableEntry(
    boolean isManaged,
    String provider,
    URI location,
    StructType schema,
    List<String> partitionColumns,
    Map<String, String> options,
    Map<String, String> properties,
    String comment,
    String owner,
    long created,
    List<Constraint> constraints) {

  boolean isDelta() {
    return provider.equalsIgnoreCase("delta");
  }

  TableEntry ownedBy(String other) {
    return new TableEntry(
        isManaged, provider, location, schema, partitionColumns, options, properties, comment, other, created, constraints);
  }

  TableEntry with(List<Constraint> others) {
    return new TableEntry(
        isManaged, provider, location, schema, partitionColumns, options, properties, comment, owner, created, others);
  }

  /** The same files elsewhere. */
  TableEntry at(URI other) {
    return new TableEntry(
        isManaged, provider, other, schema, partitionColumns, options, properties, comment, owner, created, constraints);
  }

  /** The same files, with a Delta log beside them that tells the rest. */
  TableEntry asDelta() {
    return new TableEntry(isManaged, "delta", location, schema, List.of(), Map.of(), properties, comment, owner, created, constraints);
  }

  TableEntry copy(Space into) throws IOException {
    if (!isManaged) {
      return this;
    }
    Path from = Path.of(location.getPath());
    Path to = into.newFolder("tables");
    if (Files.isDirectory(from)) {
      Space.copyFiles(from, to);
    }
    return new TableEntry(
        true, provider, to.toUri(), schema, partitionColumns, options, properties, comment, owner, created, constraints);
  }

  void deleteFiles() {
    if (isManaged) {
      if (isDelta()) {
        // Delta keeps what it knows of a table for an hour, two megabytes each.
        DeltaLog.invalidateCache(Sessions.active(), new org.apache.hadoop.fs.Path(location));
      }
      Space.delete(Path.of(location.getPath()));
    }
  }

  /** Spark's own description of the table, under the user's name. */
  CatalogTable describe(String catalog, String schemaName, String table) {
    return new CatalogTable(
        new TableIdentifier(table, Option.apply(schemaName), Option.apply(catalog)),
        isManaged ? CatalogTableType.MANAGED() : CatalogTableType.EXTERNAL(),
        new CatalogStorageFormat(Option.apply(location), Option.empty(), Option.empty(), Option.empty(), false,
            toScala(options), Option.empty()),
        schema,
        Option.apply(provider),
        Scala.seq(partitionColumns),
        Option.empty(),
        owner,
        created,
        -1L,
        "",
        toScala(properties),
        Option.empty(),
        Option.empty(),
        Option.apply(comment),
        Option.empty(),
        Scala.seq(List.<String>of()),
        // Spark reads another catalog's V1 table only if partitions aren't kept in the catalog.
        false,
        true,
        toScala(new HashMap<>()),
        Option.empty(),
        Option.empty());
  }

  static scala.collection.immutable.Map<String, String> toScala(Map<String, String> map) {
    return Map$.MODULE$.from(CollectionConverters.asScala(map));
  }
}
