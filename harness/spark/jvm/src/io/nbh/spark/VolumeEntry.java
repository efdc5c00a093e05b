package io.nbh.spark;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A volume: a real folder; one that is external has a link to it where it would be if it weren't. */
final class VolumeEntry {
  final String name;
  final boolean isManaged;
  final Path folder;
  private final Path link;
  final long created = System.currentTimeMillis();
  volatile String comment;
  volatile String owner;

  /** A new one; {@code external} is null where it is managed, and {@code own} is the folder. */
  VolumeEntry(String name, Path own, Path external, String comment, String owner) {
    this.name = name;
    this.isManaged = external == null;
    this.folder = isManaged ? own : external;
    this.link = isManaged ? null : own;
    this.comment = comment;
    this.owner = owner;
  }

  void makeFiles() {
    folder.toFile().mkdirs();
    if (link != null) {
      try {
        Files.createDirectories(link.getParent());
        Files.createSymbolicLink(link, folder.toAbsolutePath());
      } catch (IOException | UnsupportedOperationException problem) {
        // Windows has links for few: Spark reads the volume all the same, and dbutils.fs says that it isn't there.
      }
    }
  }

  void deleteFiles() {
    if (isManaged) {
      Space.delete(folder);
      return;
    }
    try {
      Files.deleteIfExists(link);
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }

  VolumeEntry copy(Path to) throws IOException {
    if (!isManaged) {
      return this;
    }
    Files.createDirectories(to);
    if (Files.isDirectory(folder)) {
      Space.copyFiles(folder, to);
    }
    return new VolumeEntry(name, to, null, comment, owner);
  }
}
