"""``display`` and ``displayHTML`` for a test: they remember what was shown."""

from __future__ import annotations

from typing import Any

# Tracebacks in pytest show the user's lines, not these.
__tracebackhide__ = True

ROWS = 1000
"""How many rows of a table are shown, as on Databricks."""


class Display:
    """Stands for ``display`` or ``displayHTML``; ``shown`` holds what was given to it, in order.

    A DataFrame is kept as it is, after Spark has computed the rows that would be shown: one that fails does so here, as on
    Databricks, and isn't taken for shown. A streaming one starts no query.
    """

    def __init__(self) -> None:
        self.shown: list[object] = []

    def __call__(self, *values: Any, **options: object) -> None:  # noqa: ARG002 -- it takes what the real one takes
        """Remember the values; options such as ``streamName`` are accepted and have no effect."""
        for value in values:
            if is_frame(value) and not value.isStreaming:
                value.limit(ROWS + 1).collect()
        self.shown.extend(values)


def is_frame(value: Any) -> bool:
    """Say whether it is a DataFrame of Spark's, by its type: to ask the object may ask Spark."""
    return hasattr(type(value), "isStreaming") and hasattr(type(value), "toPandas")
