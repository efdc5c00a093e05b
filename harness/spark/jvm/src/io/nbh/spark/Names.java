package io.nbh.spark;

/** Which names an object may have: Unity Catalog's rules. */
final class Names {
  private Names() {}

  /** The name as it is kept; an error if Unity Catalog wouldn't have it. */
  static String checked(String name) {
    if (name.isEmpty() || name.codePointCount(0, name.length()) > 255
        || name.chars().anyMatch(c -> c == '.' || c == '/' || c == ' ' || c < 0x20 || c == 0x7f)) {
      throw Errors.make("NBH_INVALID_NAME", "42602", Errors.quote(name)
          + " is not a valid name. Use 1 to 255 characters without periods, spaces, slashes and control characters.");
    }
    return Space.key(name);
  }
}
