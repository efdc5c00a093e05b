package io.nbh.spark;

import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.DelegateToFileSystem;

/** {@link DbfsFiles} by Hadoop's other interface: what {@code spark.hadoop.fs.AbstractFileSystem.dbfs.impl} names. */
public final class DbfsContext extends DelegateToFileSystem {
  public DbfsContext(URI uri, Configuration conf) throws IOException, URISyntaxException {
    super(URI.create("dbfs:///"), LocalContext.started(new DbfsFiles(), "dbfs:///", conf), conf, "dbfs", false);
  }
}
