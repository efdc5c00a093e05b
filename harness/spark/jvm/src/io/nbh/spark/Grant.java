package io.nbh.spark;

/** A privilege that was granted: recorded and shown, and asked for where a session is a principal's (see {@link Access}). */
record Grant(String principal, String privilege, String type, String object) {
  /** Whether it is on this object or on one inside it. */
  boolean isOn(String name) {
    return object.equals(name) || object.startsWith(name + ".");
  }

  /** Whether it is on this object or on one that holds it. */
  boolean reaches(String kind, String name) {
    return object.equals(name) ? plain(type).equals(plain(kind)) : name.startsWith(object + ".");
  }

  private static String plain(String type) {
    return type.equals("VIEW") ? "TABLE" : type; // they share one set of names
  }
}
