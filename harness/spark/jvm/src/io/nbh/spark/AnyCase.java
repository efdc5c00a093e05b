package io.nbh.spark;

import scala.Option;
import scala.collection.mutable.HashMap;

/** The catalogs that a session knows, found by their names in any case, as in Unity Catalog: Spark's own list tells cases apart. */
final class AnyCase extends HashMap {
  AnyCase(scala.collection.mutable.Map<String, Object> known) {
    addAll(known);
  }

  @Override
  public Option get(Object name) {
    Option found = super.get(name);
    return found.isDefined() ? found : super.get(Space.key((String) name));
  }

  @Override
  public boolean contains(Object name) {
    return get(name).isDefined();
  }
}
