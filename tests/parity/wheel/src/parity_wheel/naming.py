"""What another module of the wheel imports."""

from __future__ import annotations


def named(rows: int) -> str:
    """A text with the number of rows."""
    return f"counted {rows}"
