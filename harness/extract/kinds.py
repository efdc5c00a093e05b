"""The kinds of top-level statements, and the names that Databricks puts around a notebook."""

from __future__ import annotations

KEPT, DEFERRED, HELD, RUN = "kept", "deferred", "held", "run"

# What a Databricks notebook finds around it. In a test each is the running test's fixture, or comes from one.
INJECTED = frozenset({"spark", "dbutils", "display", "displayHTML", "sc", "sqlContext", "sql", "table", "udf", "getArgument"})

SQLDF = "_sqldf"
"""The rows of the SQL cell before, in a notebook that is run whole."""

# Always the test's own, whatever the notebook assigns to them.
FIXTURE_FIRST = frozenset({"spark", "dbutils", "sc", "sqlContext"})

# Where None may be a value.
NOTHING = object()


class NotNowError(Exception):
    """A definition asked for what only a test can give; caught while loading, never shown."""
