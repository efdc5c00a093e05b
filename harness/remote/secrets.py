"""Keep what signs in out of every text: errors, logs, ledgers, reports."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

MASK = "***"
_LEAST = 6
"""A shorter value is no secret, and to mask it would make texts unreadable."""

_SHAPES = re.compile(
    r"""
      \bdapi[0-9a-f]{8,}(?:-\d+)?                       # a personal access token
    | \bdose[0-9a-f]{8,}                                # a client secret
    | \beyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?               # a JSON web token
    | (?<=bearer\ )[\w.~+/=-]{6,}
    | (?<=basic\ )[\w+/=-]{8,}
    | (?<=://)[^\s/:@]+:[^\s/@]+(?=@)                   # user and password in an address
    """,
    re.VERBOSE | re.IGNORECASE,
)


class Masker:
    """Takes out of texts what looks like a token, and the values that are known to be secret."""

    def __init__(self, values: Iterable[str | None] = ()) -> None:
        known = sorted({value for value in values if value and len(value) >= _LEAST}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, text: object) -> str:
        """The text without its secrets."""
        shown = str(text)
        if self._known is not None:
            shown = self._known.sub(MASK, shown)
        return _SHAPES.sub(MASK, shown)
