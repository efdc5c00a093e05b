"""``display`` and ``displayHTML`` for a test: they remember what was shown and run nothing."""

from __future__ import annotations


class Display:
    """Stands for ``display`` or ``displayHTML``; ``shown`` holds what was given to it, in order.

    A DataFrame is kept as it is: no Spark action runs, and a streaming one starts no query.
    """

    def __init__(self) -> None:
        self.shown: list[object] = []

    def __call__(self, *values: object, **options: object) -> None:  # noqa: ARG002 -- it takes what the real one takes
        """Remember the values; options such as ``streamName`` are accepted and have no effect."""
        self.shown.extend(values)
