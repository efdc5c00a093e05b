package io.nbh.spark.engine;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.spark.SparkContext;
import org.apache.spark.SparkFiles;
import org.apache.spark.sql.artifact.ArtifactManager;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.util.Utils;
import scala.Option;
import scala.Tuple3;
import scala.jdk.javaapi.CollectionConverters;

/** The modules and files that a session has given to its Python workers, by {@code addArtifacts}. */
final class Artifacts {
  private final List<String> modules;
  private final List<Object> files;

  private Artifacts(ArtifactManager manager) {
    modules = List.copyOf(manager.pythonIncludeList());
    files = List.copyOf(manager.sparkContextRelativePaths());
  }

  static Artifacts of(SparkSession session) {
    return new Artifacts(session.artifactManager());
  }

  /** Takes away what was given since, or a later test would find it, and couldn't give another of its name. */
  void restore(SparkSession session) {
    ArtifactManager manager = session.artifactManager();
    manager.pythonIncludeList().retainAll(modules);
    for (Tuple3<?, Path, Option<String>> given : List.copyOf(manager.sparkContextRelativePaths())) {
      if (!files.contains(given)) {
        manager.sparkContextRelativePaths().remove(given);
        forget(session.sparkContext(), session.sessionUUID(), given._2(), given._3().getOrElse(() -> given._2().getFileName().toString()));
        delete(manager.artifactPath().resolve(given._2()));
      }
    }
  }

  /** Has no worker get it any more, nor find it where earlier ones did. */
  private static void forget(SparkContext context, String session, Path file, String name) {
    for (var given : List.of(context.addedFiles(), context.addedArchives())) {
      CollectionConverters.asJava(given).values().forEach(
          added -> CollectionConverters.asJava(added).keySet().removeIf(address -> address.replaceFirst("#.*", "").endsWith(session + "/" + file)));
    }
    Utils.deleteRecursively(new File(new File(SparkFiles.getRootDirectory(), session), name));
  }

  private static void delete(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }
}
