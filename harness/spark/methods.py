"""Methods that Spark's classes have in Databricks' Python, and open Spark's haven't."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def add(spark: Any, display: Callable[..., None]) -> Callable[[], None]:
    """Give the session's classes what they have there: ``df.display()``, ``df.writeStream.….table(name)``. Gives its undoing.

    A class that has the method keeps its own: that of databricks-connect, or one that the user's code has put there.
    """
    connect = ".connect." in type(spark).__module__
    frames = import_module("pyspark.sql.connect.dataframe" if connect else "pyspark.sql.classic.dataframe").DataFrame
    streams = import_module("pyspark.sql.connect.streaming.readwriter" if connect else "pyspark.sql.streaming.readwriter")

    def table(self: Any, tableName: str) -> Any:  # noqa: N803 -- the real one's signature
        """Start the query that writes into the table, as ``toTable`` does."""
        return self.toTable(tableName)

    wanted = ((frames, "display", display), (streams.DataStreamWriter, "table", table))
    added = [(cls, name, method) for cls, name, method in wanted if not hasattr(cls, name)]
    for cls, name, method in added:
        setattr(cls, name, method)

    def undo() -> None:
        for cls, name, method in added:
            if vars(cls).get(name) is method:
                delattr(cls, name)

    return undo
