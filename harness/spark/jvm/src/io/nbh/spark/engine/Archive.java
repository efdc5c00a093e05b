package io.nbh.spark.engine;

import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.management.JMException;
import javax.management.ObjectName;

/**
 * The archive of loaded classes, from which later engines start in half the time.
 *
 * <p>Written as the last thing of an engine's life: it takes seconds in which nothing else goes on, and half a gigabyte that Java
 * never gives back. Not by Java's own way of doing that ({@code -XX:ArchiveClassesAtExit}), which leaves half a file when it is
 * killed, and later engines, which pass over a file that is cut off, would never be faster.
 */
final class Archive {
  private Archive() {}

  /** Writes all that is loaded now; Java writes beside the file and renames, so nobody ever reads half of it. */
  static void write(Path file) {
    if (Files.exists(file)) {
      return; // another engine was first
    }
    try {
      ManagementFactory.getPlatformMBeanServer()
          .invoke(
              new ObjectName("com.sun.management:type=DiagnosticCommand"),
              "vmCds",
              new Object[] {new String[] {"dynamic_dump", file.toString()}},
              new String[] {String[].class.getName()});
    } catch (JMException | RuntimeException problem) {
      // A full disk, or a Java that can't: engines then start as slowly as this one did.
      System.err.println("no class archive: " + problem);
    }
  }
}
