package io.nbh.spark.engine;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.catalyst.FunctionIdentifier;
import org.apache.spark.sql.catalyst.TableIdentifier;
import org.apache.spark.sql.catalyst.catalog.CreateDatabaseEvent;
import org.apache.spark.sql.catalyst.catalog.CreateFunctionEvent;
import org.apache.spark.sql.catalyst.catalog.CreateTableEvent;
import org.apache.spark.sql.catalyst.catalog.ExternalCatalog;
import org.apache.spark.sql.catalyst.catalog.ExternalCatalogEvent;
import org.apache.spark.sql.catalyst.catalog.RenameTableEvent;
import org.apache.spark.sql.classic.SparkSession;

/** Schemas, tables and functions that one session made, last made last; dropped last made first. */
final class Made {
  /** The schema that every Spark of ours has in place of the session catalog's own; made when it is first needed, by nobody. */
  private static final String SHARED = "session_default";

  private record Thing(String kind, String schema, String name) {}

  private final SparkSession session;
  private final List<Thing> kept = new ArrayList<>();
  private final List<Thing> fresh = new ArrayList<>();

  Made(SparkSession session) {
    this.session = session;
  }

  synchronized void note(ExternalCatalogEvent event) {
    if (event instanceof CreateDatabaseEvent made && !made.database().equals(SHARED)) {
      fresh.add(new Thing("schema", made.database(), ""));
    } else if (event instanceof CreateTableEvent made) {
      fresh.add(new Thing("table", made.database(), made.name()));
    } else if (event instanceof RenameTableEvent renamed) {
      Thing old = new Thing("table", renamed.database(), renamed.name());
      Thing now = new Thing("table", renamed.database(), renamed.newName());
      fresh.replaceAll(thing -> thing.equals(old) ? now : thing);
      kept.replaceAll(thing -> thing.equals(old) ? now : thing);
    } else if (event instanceof CreateFunctionEvent made) {
      fresh.add(new Thing("function", made.database(), made.name()));
    }
  }

  /** Whether something was made since. */
  synchronized boolean isOutdated() {
    return !fresh.isEmpty();
  }

  synchronized void keep() {
    kept.addAll(fresh);
    fresh.clear();
  }

  /** All that another session made is this one's from now on. */
  synchronized void take(Made other) {
    synchronized (other) {
      fresh.addAll(other.kept);
      fresh.addAll(other.fresh);
      other.kept.clear();
      other.fresh.clear();
    }
  }

  synchronized void drop() {
    drop(fresh);
  }

  synchronized void dropKept() {
    drop(kept);
  }

  private void drop(List<Thing> things) {
    ExternalCatalog catalog = session.sessionState().catalog().externalCatalog();
    List<Thing> newestFirst = new ArrayList<>(things);
    java.util.Collections.reverse(newestFirst);
    things.clear();
    for (Thing thing : newestFirst) {
      try {
        drop(catalog, thing);
      } catch (Exception problem) {
        // One that can't be dropped must not keep the others alive; the log tells.
        System.err.println("left behind: " + thing + ": " + problem);
      }
    }
  }

  private void drop(ExternalCatalog catalog, Thing thing) {
    switch (thing.kind()) {
      case "schema" -> catalog.dropDatabase(thing.schema(), true, true);
      case "function" -> {
        if (catalog.databaseExists(thing.schema()) && catalog.functionExists(thing.schema(), thing.name())) {
          session.sessionState().catalog().dropFunction(new FunctionIdentifier(thing.name(), scala.Option.apply(thing.schema())), true);
        }
      }
      default -> {
        if (catalog.databaseExists(thing.schema()) && catalog.tableExists(thing.schema(), thing.name())) {
          session.sessionState().catalog().dropTable(new TableIdentifier(thing.name(), scala.Option.apply(thing.schema())), true, true);
        }
      }
    }
  }
}
