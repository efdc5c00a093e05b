package io.nbh.spark;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A volume: a real folder. */
final class VolumeEntry {
  final String name;
  final boolean isManaged;
  final Path folder;
  final long created = System.currentTimeMillis();
  volatile String comment;
  volatile String owner;

  VolumeEntry(String name, boolean isManaged, Path folder, String comment, String owner) {
    this.name = name;
    this.isManaged = isManaged;
    this.folder = folder;
    this.comment = comment;
    this.owner = owner;
  }

  void deleteFiles() {
    if (isManaged) {
      Space.delete(folder);
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
    return new VolumeEntry(name, true, to, comment, owner);
  }
}
