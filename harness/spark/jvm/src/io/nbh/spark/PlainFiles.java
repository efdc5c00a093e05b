package io.nbh.spark;

import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.attribute.PosixFilePermissions;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.fs.permission.FsPermission;

/**
 * This machine's files, by Java's own means.
 *
 * <p>Hadoop's library in C isn't there, and without it Hadoop starts a {@code chmod} for each folder that it makes and a
 * {@code readlink} for each file that it renames: sixteen programs to create, read and drop one table of Delta's.
 */
final class PlainFiles extends RawLocalFileSystem {
  private static final boolean HAS_MODES = FileSystems.getDefault().supportedFileAttributeViews().contains("posix");

  @Override
  public void setPermission(Path path, FsPermission permission) throws IOException {
    if (!HAS_MODES || permission.getStickyBit()) {
      super.setPermission(path, permission);
      return;
    }
    String mode = permission.getUserAction().SYMBOL + permission.getGroupAction().SYMBOL + permission.getOtherAction().SYMBOL;
    Files.setPosixFilePermissions(pathToFile(path).toPath(), PosixFilePermissions.fromString(mode));
  }

  @Override
  public FileStatus getFileLinkStatus(Path path) throws IOException {
    return Files.isSymbolicLink(pathToFile(path).toPath()) ? super.getFileLinkStatus(path) : getFileStatus(path);
  }
}
