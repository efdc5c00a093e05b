package io.nbh.spark;

import java.io.IOException;
import java.net.URI;
import java.util.EnumSet;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.CreateFlag;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.LocatedFileStatus;
import org.apache.hadoop.fs.Options;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RemoteIterator;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.util.Progressable;

/**
 * The scheme {@code file} as ever, but for what is below /Volumes and /dbfs, and for relative paths: these are read from the folder
 * that the session's test process is in. It is what {@code spark.hadoop.fs.file.impl} names.
 */
public final class LocalFiles extends LocalFileSystem {
  private final Volumes volumes = new Volumes();

  public LocalFiles() {
    super(new PlainFiles());
  }

  @Override
  public void initialize(URI name, Configuration conf) throws IOException {
    super.initialize(name, conf);
    volumes.initialize(name, conf);
    String folder = conf.get("nbh.working.dir");
    if (folder != null) {
      setWorkingDirectory(new Path(folder));
    }
  }

  @Override
  public Path makeQualified(Path path) {
    Path made = super.makeQualified(path);
    return isVolume(made) ? SpacePath.of(made, getConf()) : made;
  }

  private static boolean isVolume(Path path) {
    return VolumePaths.isOfWorkspace(path.toUri().getPath());
  }

  @Override
  public FSDataInputStream open(Path path, int buffer) throws IOException {
    return isVolume(path) ? volumes.open(path, buffer) : super.open(path, buffer);
  }

  @Override
  public FSDataOutputStream create(Path path, FsPermission permission, boolean overwrite, int buffer, short replication,
      long block, Progressable progress) throws IOException {
    return isVolume(path)
        ? volumes.create(path, permission, overwrite, buffer, replication, block, progress)
        : super.create(path, permission, overwrite, buffer, replication, block, progress);
  }

  @Override
  public boolean rename(Path from, Path to) throws IOException {
    return isVolume(from) || isVolume(to) ? volumes.rename(from, to) : super.rename(from, to);
  }

  @Override
  protected void rename(Path from, Path to, Options.Rename... options) throws IOException {
    if (isVolume(from) || isVolume(to)) {
      volumes.rename(from, to, options);
    } else {
      super.rename(from, to, options);
    }
  }

  @Override
  public boolean delete(Path path, boolean recursive) throws IOException {
    return isVolume(path) ? volumes.delete(path, recursive) : super.delete(path, recursive);
  }

  @Override
  public FileStatus[] listStatus(Path path) throws IOException {
    return isVolume(path) ? volumes.listStatus(path) : super.listStatus(path);
  }

  @Override
  public FileStatus getFileStatus(Path path) throws IOException {
    return isVolume(path) ? volumes.getFileStatus(path) : super.getFileStatus(path);
  }

  @Override
  public boolean mkdirs(Path path, FsPermission permission) throws IOException {
    return isVolume(path) ? volumes.mkdirs(path, permission) : super.mkdirs(path, permission);
  }

  @Override
  public boolean mkdirs(Path path) throws IOException {
    return isVolume(path) ? volumes.mkdirs(path) : super.mkdirs(path);
  }

  @Override
  public boolean exists(Path path) throws IOException {
    return isVolume(path) ? volumes.exists(path) : super.exists(path);
  }

  @Override
  public RemoteIterator<LocatedFileStatus> listLocatedStatus(Path path) throws IOException {
    return isVolume(path) ? volumes.listLocatedStatus(path) : super.listLocatedStatus(path);
  }

  @Override
  public RemoteIterator<FileStatus> listStatusIterator(Path path) throws IOException {
    return isVolume(path) ? volumes.listStatusIterator(path) : super.listStatusIterator(path);
  }

  @Override
  public FileStatus getFileLinkStatus(Path path) throws IOException {
    return isVolume(path) ? volumes.getFileStatus(path) : super.getFileLinkStatus(path);
  }

  @Override
  public void setPermission(Path path, FsPermission permission) throws IOException {
    if (isVolume(path)) {
      volumes.setPermission(path, permission);
    } else {
      super.setPermission(path, permission);
    }
  }

  @Override
  public void setTimes(Path path, long modified, long accessed) throws IOException {
    if (isVolume(path)) {
      volumes.setTimes(path, modified, accessed);
    } else {
      super.setTimes(path, modified, accessed);
    }
  }

  @Override
  protected FSDataOutputStream primitiveCreate(Path path, FsPermission permission, EnumSet<CreateFlag> flags, int buffer,
      short replication, long block, Progressable progress, Options.ChecksumOpt checksum) throws IOException {
    return isVolume(path)
        ? volumes.primitiveCreate(path, permission, flags, buffer, replication, block, progress, checksum)
        : super.primitiveCreate(path, permission, flags, buffer, replication, block, progress, checksum);
  }

  @Override
  protected boolean primitiveMkdir(Path path, FsPermission permission) throws IOException {
    return isVolume(path) ? volumes.mkdirs(path, permission) : super.primitiveMkdir(path, permission);
  }

  /** What is below /Volumes and /dbfs, under its name there. */
  private static final class Volumes extends MappedFiles {
    @Override
    public String getScheme() {
      return "file";
    }

    @Override
    public URI getUri() {
      return URI.create("file:///");
    }

    @Override
    Path real(Path path) {
      String asked = path.toUri().getPath();
      return VolumePaths.isOfWorkspace(asked) ? VolumePaths.local(VolumePaths.ofWorkspace(asked, getConf())) : path;
    }
  }
}
