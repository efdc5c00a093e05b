package io.nbh.spark;

import java.net.URI;
import java.nio.file.Path;
import org.apache.hadoop.conf.Configuration;

/**
 * Where the paths of a workspace lie on this machine: {@code /Volumes/catalog/schema/volume/…} in the volume's folder,
 * {@code dbfs:/…} below the space's own. Which space is meant stands in the configuration, into which Spark copies a session's.
 */
final class VolumePaths {
  private static final String VOLUMES = "/Volumes/";

  private VolumePaths() {}

  static boolean isVolume(String path) {
    return path.startsWith(VOLUMES) || path.equals("/Volumes");
  }

  /** The folder or file that a path below /Volumes is; one that can't be there if no such volume exists. */
  static Path ofVolume(String path, Configuration conf) {
    Space space = space(conf);
    String[] parts = path.substring(Math.min(path.length(), VOLUMES.length())).split("/", 4);
    Path nowhere = Path.of(space == null ? "/Volumes" : space.root.resolve("volumes").toString(), parts);
    if (space == null || parts.length < 3) {
      return nowhere;
    }
    CatalogEntry catalog = space.catalogs.get(Space.key(parts[0]));
    SchemaEntry schema = catalog == null ? null : catalog.schemas.get(Space.key(parts[1]));
    VolumeEntry volume = schema == null ? null : schema.volumes.get(Space.key(parts[2]));
    if (volume == null) {
      return nowhere;
    }
    return parts.length < 4 || parts[3].isEmpty() ? volume.folder : volume.folder.resolve(parts[3]);
  }

  static Path ofDbfs(String path, Configuration conf) {
    if (isVolume(path)) {
      return ofVolume(path, conf);
    }
    Space space = space(conf);
    if (space == null) {
      throw new IllegalStateException("dbfs:" + path + ": this Spark session is in no space yet (" + Sessions.SPACE + ")");
    }
    return space.root.resolve("dbfs").resolve(path.replaceFirst("^/+", ""));
  }

  private static Space space(Configuration conf) {
    return Space.find(conf.get(Sessions.SPACE, "shared"));
  }

  /** The path as a Hadoop path of this machine's files. */
  static org.apache.hadoop.fs.Path local(Path path) {
    return new org.apache.hadoop.fs.Path(URI.create("file:" + new org.apache.hadoop.fs.Path(path.toString()).toUri().getRawPath()));
  }
}
