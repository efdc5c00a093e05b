package io.nbh.spark;

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
}
