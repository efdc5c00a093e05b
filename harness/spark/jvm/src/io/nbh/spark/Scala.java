package io.nbh.spark;

import java.util.List;
import scala.collection.immutable.ArraySeq;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;

/** Scala's collections from Java's, and back. */
public final class Scala {
  private Scala() {}

  /** Eclipse's compiler finds the methods of Scala's Seq ambiguous, so they are used as Java's. */
  public static <T> List<T> list(Seq<T> seq) {
    return CollectionConverters.asJava(seq);
  }

  public static <T> Seq<T> seq(List<T> list) {
    return (Seq<T>) (Seq<?>) ArraySeq.unsafeWrapArray(list.toArray());
  }
}
