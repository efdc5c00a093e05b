package io.nbh.spark;

/** A function of a schema: what its statement said, from which Spark's own function is made when it is used. */
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
    long created) {

  FunctionEntry ownedBy(String other) {
    return new FunctionEntry(name, parameters, returns, isTable, language, body, isQuery, comment, isDeterministic, other,
        catalog, schema, created);
  }
}
