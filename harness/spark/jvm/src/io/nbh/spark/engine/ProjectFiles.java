package io.nbh.spark.engine;

import java.io.IOException;
import java.net.URI;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Path;

/** Local files, with relative paths read from the folder that the session's test process is in, not the engine's own. */
public final class ProjectFiles extends LocalFileSystem {
  @Override
  public void initialize(URI name, Configuration conf) throws IOException {
    super.initialize(name, conf);
    String folder = conf.get("nbh.working.dir");
    if (folder != null) {
      setWorkingDirectory(new Path(folder));
    }
  }
}
