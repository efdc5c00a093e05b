package io.nbh.spark;

import java.io.File;
import java.net.URI;
import java.nio.file.Path;
import java.util.Arrays;
import org.apache.hadoop.conf.Configuration;

/**
 * Where the paths of a workspace lie on this machine: {@code /Volumes/catalog/schema/volume/…} in the volume's folder,
 * {@code dbfs:/…} (as a file, {@code /dbfs/…}) below the space's own. Which space is meant stands in the configuration, into which
 * Spark copies a session's.
 */
final class VolumePaths {
  private static final String VOLUMES = "/Volumes/";
  private static final String DBFS = "/dbfs/";
  /** The setting that says what a path without a scheme is. */
  private static final String DEFAULT = "fs.defaultFS";

  private VolumePaths() {}

  static boolean isVolume(String path) {
    return path.startsWith(VOLUMES) || path.equals("/Volumes");
  }

  /** Whether it is no file of this machine's, although it is named like one. */
  static boolean isOfWorkspace(String path) {
    return isVolume(path) || path.startsWith(DBFS) || path.equals("/dbfs");
  }

  /** The folder or file that a path is of which {@link #isOfWorkspace} is true. */
  static Path ofWorkspace(String path, Configuration conf) {
    return isVolume(path) ? ofVolume(path, conf) : ofDbfs(path.substring(DBFS.length() - 1), conf);
  }

  /** The folder or file that a path below /Volumes is; one that can't be there if no such volume exists. */
  static Path ofVolume(String path, Configuration conf) {
    Space space = space(conf);
    String[] parts = path.substring(Math.min(path.length(), VOLUMES.length())).split("/", 4);
    Path nowhere = Path.of(space == null ? "/Volumes" : space.root.resolve("nowhere").toString(), parts);
    VolumeEntry volume = volume(space, parts);
    if (volume == null) {
      return nowhere;
    }
    require(conf, "READ VOLUME", path);
    return parts.length < 4 || parts[3].isEmpty() ? volume.folder : volume.folder.resolve(parts[3]);
  }

  private static VolumeEntry volume(Space space, String[] parts) {
    if (space == null || parts.length < 3) {
      return null;
    }
    CatalogEntry catalog = space.catalogs.get(Space.key(parts[0]));
    SchemaEntry schema = catalog == null ? null : catalog.schemas.get(Space.key(parts[1]));
    return schema == null ? null : schema.volumes.get(Space.key(parts[2]));
  }

  /** An error if the path is below /Volumes and in no volume that there is: what writes there would make the folders up to it. */
  static void requireVolume(Configuration conf, String path) {
    if (!path.startsWith(VOLUMES)) {
      return;
    }
    String[] parts = path.substring(VOLUMES.length()).split("/", 4);
    if (volume(space(conf), parts) == null) {
      String[] name = Arrays.copyOf(parts, Math.min(parts.length, 3));
      throw Errors.make("UC_VOLUME_NOT_FOUND", "42704", "Volume " + Errors.quote(name) + " does not exist. Please use 'SHOW VOLUMES' to"
          + " list available volumes. CREATE VOLUME " + Errors.quoteOdd(name) + " makes it.");
    }
  }

  /** An error if the path is in a volume and whoever asks may not; see {@link Access}. */
  static void require(Configuration conf, String privilege, String path) {
    String principal = conf.get(Access.PRINCIPAL);
    if (principal != null && path.startsWith(VOLUMES)) {
      String[] parts = path.substring(VOLUMES.length()).split("/", 4);
      if (parts.length > 2) {
        Access.require(space(conf), principal, privilege, "VOLUME", parts[0], parts[1], parts[2]);
      }
    }
  }

  static Path ofDbfs(String path, Configuration conf) {
    if (isVolume(path)) {
      return ofVolume(path, conf);
    }
    Space space = space(conf);
    if (space == null) {
      throw new IllegalStateException("dbfs:" + path + ": this Spark session is in no space yet (" + Sessions.SPACE + ")");
    }
    return space.dbfs().resolve(path.replaceFirst("^/+", ""));
  }

  /**
   * Whether a path that names no scheme is meant as this machine's own, in the session of a test: tests hand folders of this machine
   * to notebook code, in which such a path is one of dbfs. It is this machine's if its first two names are there and aren't in dbfs.
   */
  static boolean isOfThisMachine(String path, Configuration conf) {
    if (path.matches("/[A-Za-z]:(/.*)?")) {
      return true; // Windows
    }
    Space space = space(conf);
    if (space == null) {
      return true;
    }
    if (isVolume(path) || conf.get(DEFAULT, "").startsWith("dbfs:")) { // in the session of a notebook that is run whole
      return false;
    }
    String[] names = path.replaceFirst("^/+", "").split("/+", 3);
    String top = names.length > 1 ? names[0] + "/" + names[1] : names[0];
    return new File("/" + top).exists() && !new File(space.dbfs().toFile(), top).exists();
  }

  /** A location as a statement gives it, or as Spark has qualified it, with the scheme that is meant. */
  static URI ofLocation(URI location, Configuration conf) {
    String scheme = location.getScheme() == null ? conf.get(DEFAULT, "file:///").replaceFirst(":.*", "") : location.getScheme();
    if (scheme.equals(BareFiles.SCHEME)) {
      scheme = isOfThisMachine(location.getPath(), conf) ? "file" : "dbfs";
    }
    return scheme.equals(location.getScheme()) ? location : URI.create(scheme + ":" + location.getRawPath());
  }

  /** The folder of this machine that a location is. */
  static Path folderOf(String location, Configuration conf) {
    URI uri = ofLocation(new org.apache.hadoop.fs.Path(location).toUri(), conf);
    return uri.getScheme().equals("dbfs") ? ofDbfs(uri.getPath(), conf) : Path.of(uri.getPath());
  }

  /** Whether it is known whose paths are asked for. */
  static boolean hasSpace(Configuration conf) {
    return space(conf) != null;
  }

  private static Space space(Configuration conf) {
    return Space.find(conf.get(Sessions.SPACE, "shared"));
  }

  /** The path as a Hadoop path of this machine's files. */
  static org.apache.hadoop.fs.Path local(Path path) {
    return new org.apache.hadoop.fs.Path(URI.create("file:" + new org.apache.hadoop.fs.Path(path.toString()).toUri().getRawPath()));
  }
}
