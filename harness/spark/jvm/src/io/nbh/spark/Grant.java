package io.nbh.spark;

/** A privilege that was granted: recorded and shown, never enforced. */
record Grant(String principal, String privilege, String type, String object) {
  /** Whether it is on this object or on one inside it. */
  boolean isOn(String name) {
    return object.equals(name) || object.startsWith(name + ".");
  }
}
