package io.nbh.spark;

import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/**
 * A path of dbfs or of a volume, which is another file in another space, and in the next test. Delta keeps what it knows of a table
 * by its path, for all sessions: by this it doesn't take one for the other.
 */
final class SpacePath extends Path {
  private static final long serialVersionUID = 1L;

  private final String owner;

  private SpacePath(Path path, String owner) {
    super(path.toUri());
    this.owner = owner;
  }

  static Path of(Path path, Configuration conf) {
    Space space = Space.find(conf.get(Sessions.SPACE, "shared"));
    return space == null ? path : new SpacePath(path, space.id + "/" + space.tests.get());
  }

  /** A path that says nothing of its space may be any of them: Spark makes such of ours, to look up what was listed a moment ago. */
  @Override
  public boolean equals(Object other) {
    return super.equals(other) && (!(other instanceof SpacePath) || owner.equals(((SpacePath) other).owner));
  }

  @Override
  public int hashCode() {
    return super.hashCode();
  }
}
