package io.nbh.spark;

import java.net.URI;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/**
 * What a path without a scheme is in the session of a test: one of dbfs, as on Databricks, or this machine's own where this machine
 * has it (see {@link VolumePaths#isOfThisMachine}). The scheme is what such a path is told by where it is neither.
 */
public final class BareFiles extends MappedFiles {
  static final String SCHEME = "dbfs-or-file";

  @Override
  public String getScheme() {
    return SCHEME;
  }

  @Override
  public URI getUri() {
    return URI.create(SCHEME + ":///");
  }

  /** A test's relative paths are those of its process. */
  @Override
  Path workingFolder(Configuration conf) {
    String folder = conf.get("nbh.working.dir");
    return folder == null ? super.workingFolder(conf) : new Path(new Path("file:///"), folder);
  }

  @Override
  Path real(Path path) {
    Path asked = makeQualified(path);
    String name = asked.toUri().getPath();
    return VolumePaths.local(asked.toUri().getScheme().equals("dbfs") ? VolumePaths.ofDbfs(name, getConf()) : java.nio.file.Path.of(name));
  }

  /** The path with the scheme that is meant: Spark looks for what was listed under names that this has given. */
  @Override
  public Path makeQualified(Path path) {
    URI asked = path.makeQualified(getUri(), getWorkingDirectory()).toUri();
    if (!SCHEME.equals(asked.getScheme()) || !VolumePaths.hasSpace(getConf())) { // nobody's session asks: it will be asked again
      return new Path(asked);
    }
    return VolumePaths.isOfThisMachine(asked.getPath(), getConf())
        ? new Path(URI.create("file:" + asked.getRawPath()))
        : SpacePath.of(new Path(URI.create("dbfs:" + asked.getRawPath())), getConf());
  }

  @Override
  protected void checkPath(Path path) {} // what it gives has other schemes
}
