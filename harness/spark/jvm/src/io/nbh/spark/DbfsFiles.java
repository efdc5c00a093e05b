package io.nbh.spark;

import java.net.URI;
import org.apache.hadoop.fs.Path;

/** The scheme {@code dbfs}: what {@code spark.hadoop.fs.dbfs.impl} names. */
public final class DbfsFiles extends MappedFiles {
  @Override
  public String getScheme() {
    return "dbfs";
  }

  @Override
  public URI getUri() {
    return URI.create("dbfs:///");
  }

  @Override
  Path real(Path path) {
    return VolumePaths.local(VolumePaths.ofDbfs(makeQualified(path).toUri().getPath(), getConf()));
  }
}
