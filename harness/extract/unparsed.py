"""What to tell of a cell that can't be parsed: Python's own words, and whether a newer Python could."""

from __future__ import annotations

import re
import sys

# An f-string that holds its own quotes, a function or class with parameters for types, a `type` statement.
_IN_BRACES = r"\{(?:(?!\1)[^}\n])*"
_NEWER = re.compile(
    rf"""\b[rR]?[fF][rR]?(["'])(?:(?!\1)[^{{\n]|{_IN_BRACES}\}})*{_IN_BRACES}\1[^}}\n]*\}}"""
    r"|^\s*(?:(?:async\s+)?def|class)\s+\w+\[|^\s*type\s+\w+\b.*="
)


def told(error: Exception, line: str) -> tuple[str, str]:
    """Give cause and mend; ``line`` is the one that the error is at."""
    mend = 'mend the cell, or put "%skip" on its first line; the other cells are used as they are'
    return of_newer(error, line) or (_words(error), mend)


def of_newer(error: Exception, line: str) -> tuple[str, str] | None:
    """Give cause and mend where a newer Python may take the line; None where none does, or this one is no older."""
    if sys.version_info >= (3, 12) or not _NEWER.search(line):
        return None
    here = ".".join(map(str, sys.version_info[:2]))
    return (
        f"{_words(error)}; Python 3.12 and newer may take this line, and here is {here}",
        "run the tests with the Python of your runtime: Databricks has 3.12 from 16.0 on",
    )


def _words(error: Exception) -> str:
    return str(getattr(error, "msg", None) or str(error) or type(error).__name__)
