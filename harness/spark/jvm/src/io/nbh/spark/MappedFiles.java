package io.nbh.spark;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.net.URI;
import java.util.EnumSet;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.CreateFlag;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileAlreadyExistsException;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Options;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.util.Progressable;

/** This machine's files under other names: each call goes on to the local file system, and answers carry the names that were asked. */
abstract class MappedFiles extends FileSystem {
  private final LocalFileSystem files = new LocalFileSystem(new PlainFiles());
  private Path working;

  @Override
  public void initialize(URI name, Configuration conf) throws IOException {
    super.initialize(name, conf);
    setConf(conf);
    files.initialize(URI.create("file:///"), conf);
    // Hadoop's files of checksums are in no workspace, and a file that Python has written since would not fit its own.
    files.setWriteChecksum(false);
    files.setVerifyChecksum(false);
    working = workingFolder(conf);
  }

  /** What relative paths count from where these files stand for paths without a scheme: the root, as on Databricks. */
  Path workingFolder(Configuration conf) {
    return makeQualified(new Path("/"));
  }

  @Override
  public Path makeQualified(Path path) {
    return SpacePath.of(super.makeQualified(path), getConf());
  }

  /** Where this path really is. */
  abstract Path real(Path path);

  /** The same, for what is changed there. */
  private Path changed(Path path) {
    String asked = makeQualified(path).toUri().getPath();
    VolumePaths.require(getConf(), "WRITE VOLUME", asked);
    VolumePaths.requireVolume(getConf(), asked);
    return real(path);
  }

  @Override
  public FSDataInputStream open(Path path, int buffer) throws IOException {
    return files.open(real(path), buffer);
  }

  @Override
  public FSDataOutputStream create(Path path, FsPermission permission, boolean overwrite, int buffer, short replication,
      long block, Progressable progress) throws IOException {
    return files.create(changed(path), permission, overwrite, buffer, replication, block, progress);
  }

  @Override
  public FSDataOutputStream append(Path path, int buffer, Progressable progress) throws IOException {
    return files.append(changed(path), buffer, progress);
  }

  @Override
  public boolean rename(Path from, Path to) throws IOException {
    return files.rename(changed(from), changed(to));
  }

  @Override
  protected void rename(Path from, Path to, Options.Rename... options) throws IOException {
    super.rename(from, to, options);
  }

  @Override
  public boolean delete(Path path, boolean recursive) throws IOException {
    return files.delete(changed(path), recursive);
  }

  @Override
  public FileStatus[] listStatus(Path path) throws IOException {
    FileStatus[] found;
    try {
      found = files.listStatus(real(path));
    } catch (FileNotFoundException missing) {
      throw missing(path);
    }
    for (int i = 0; i < found.length; i++) {
      String name = found[i].getPath().getName();
      boolean isItself = !found[i].isDirectory() && found.length == 1 && name.equals(path.getName()) && files.isFile(real(path));
      found[i] = named(found[i], isItself ? path : new Path(path, name));
    }
    return found;
  }

  @Override
  public FileStatus getFileStatus(Path path) throws IOException {
    try {
      return named(files.getFileStatus(real(path)), path);
    } catch (FileNotFoundException missing) {
      throw missing(path);
    }
  }

  @Override
  public boolean mkdirs(Path path, FsPermission permission) throws IOException {
    return files.mkdirs(changed(path), permission);
  }

  // Hadoop's other interface (FileContext) comes by these

  @Override
  protected FSDataOutputStream primitiveCreate(Path path, FsPermission permission, EnumSet<CreateFlag> flags, int buffer,
      short replication, long block, Progressable progress, Options.ChecksumOpt checksum) throws IOException {
    boolean overwrite = flags.contains(CreateFlag.OVERWRITE);
    if (!overwrite && exists(path)) {
      throw new FileAlreadyExistsException("File " + path + " already exists");
    }
    return create(path, permission, overwrite, buffer, replication, block, progress);
  }

  @Override
  protected boolean primitiveMkdir(Path path, FsPermission permission) throws IOException {
    return mkdirs(path, permission);
  }

  @Override
  protected void primitiveMkdir(Path path, FsPermission permission, boolean createParent) throws IOException {
    mkdirs(path, permission);
  }

  @Override
  public void setPermission(Path path, FsPermission permission) throws IOException {
    files.setPermission(changed(path), permission);
  }

  @Override
  public void setTimes(Path path, long modified, long accessed) throws IOException {
    files.setTimes(changed(path), modified, accessed);
  }

  @Override
  public void setWorkingDirectory(Path path) {
    working = makeQualified(path);
  }

  @Override
  public Path getWorkingDirectory() {
    return working;
  }

  private FileStatus named(FileStatus status, Path path) {
    status.setPath(makeQualified(path));
    return status;
  }

  private static FileNotFoundException missing(Path path) {
    return new FileNotFoundException("File " + path + " does not exist");
  }
}
