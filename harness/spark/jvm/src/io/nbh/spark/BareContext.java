package io.nbh.spark;

import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.DelegateToFileSystem;

/** {@link BareFiles} by Hadoop's other interface: what {@code spark.hadoop.fs.AbstractFileSystem.dbfs-or-file.impl} names. */
public final class BareContext extends DelegateToFileSystem {
  public BareContext(URI uri, Configuration conf) throws IOException, URISyntaxException {
    super(URI.create(BareFiles.SCHEME + ":///"), LocalContext.started(new BareFiles(), BareFiles.SCHEME + ":///", conf), conf,
        BareFiles.SCHEME, false);
  }
}
