package io.nbh.spark.engine;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Properties;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.connect.service.SparkConnectService$;

/**
 * Hosts one Spark Connect server for test runs and ends by itself when nobody needs it any more.
 *
 * <p>Started with one argument, the engine's folder. It reads {@code engine.properties} there (Spark's settings and a few of its
 * own), serves, and writes {@code ready} with its port. The folder is also the word of its owner: once the record in it no longer
 * names this process, the engine ends.
 */
public final class Engine {
  private Engine() {}

  public static void main(String[] args) {
    try {
      run(Path.of(args[0]));
    } catch (Throwable problem) {
      problem.printStackTrace();
      // Not exit(): shutdown hooks of a half-started Spark may wait for ever.
      Runtime.getRuntime().halt(1);
    }
  }

  private static void run(Path folder) throws Exception {
    Properties settings = new Properties();
    try (Reader reader = Files.newBufferedReader(folder.resolve("engine.properties"))) {
      settings.load(reader);
    }
    // As Spark's own launcher hands them over; on the command line every user of the machine could read the token.
    for (String name : settings.stringPropertyNames()) {
      if (name.startsWith("spark.")) {
        System.setProperty(name, settings.getProperty(name));
      }
    }
    Bookkeeping.stopMetering();
    CodeText.quicken();
    SparkContext context = new EngineContext(new SparkConf());
    SparkSession session = (SparkSession) SparkSession.builder().sparkContext(context).getOrCreate();
    Sessions.watchCatalog(session);
    SparkConnectService$ service = SparkConnectService$.MODULE$;
    service.start(context);
    Bookkeeping.stop(session);
    Watch watch = new Watch(folder, settings);
    tell(folder, service.localPort());
    warm(session); // while the test process finds us and greets
    watch.untilNobodyNeedsUs();
    System.err.println("ending: " + watch.reason());
    Sessions.endAll();
    service.stop(scala.Option.empty(), scala.Option.empty());
    session.stop();
    String archive = settings.getProperty("nbh.archive", "");
    if (!archive.isEmpty()) {
      Archive.write(Path.of(archive));
    }
    System.exit(0);
  }

  /** Runs one query, so that the first test doesn't pay for loading what every query needs. */
  private static void warm(SparkSession session) {
    session.sql("select id, count(*) from range(3) group by id").collectAsList();
  }

  private static void tell(Path folder, int port) throws IOException {
    Path half = folder.resolve("ready.half");
    Files.writeString(half, "{\"pid\": " + ProcessHandle.current().pid() + ", \"port\": " + port + "}\n");
    Files.move(half, folder.resolve("ready"), StandardCopyOption.ATOMIC_MOVE);
  }
}
