package io.nbh.spark;

import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.DelegateToFileSystem;

/** {@link LocalFiles} by Hadoop's other interface: what {@code spark.hadoop.fs.AbstractFileSystem.file.impl} names. */
public final class LocalContext extends DelegateToFileSystem {
  public LocalContext(URI uri, Configuration conf) throws IOException, URISyntaxException {
    super(URI.create("file:///"), started(new LocalFiles(), "file:///", conf), conf, "file", false);
  }

  static <T extends org.apache.hadoop.fs.FileSystem> T started(T files, String uri, Configuration conf) throws IOException {
    files.initialize(URI.create(uri), conf);
    return files;
  }
}
