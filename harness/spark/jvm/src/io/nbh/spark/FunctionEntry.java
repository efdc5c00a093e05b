package io.nbh.spark;

import java.util.List;

/**
 * A function of a schema: what its statement said, from which Spark's own function is made when it is used. {@code within} are
 * the catalog and the schema that were the current ones then: what its body names without them lies there, whoever calls it.
 */
record FunctionEntry(
    String name,
    String parameters,
    String returns,
    boolean isTable,
    String language,
    String body,
    boolean isQuery,
    String comment,
    boolean isDeterministic,
    String owner,
    String catalog,
    String schema,
    List<String> within,
    long created) {

  FunctionEntry ownedBy(String other) {
    return new FunctionEntry(name, parameters, returns, isTable, language, body, isQuery, comment, isDeterministic, other,
        catalog, schema, within, created);
  }
}
