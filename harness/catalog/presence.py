"""Whether an object of a catalog is there, as its Spark tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.catalog.names import quote

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.catalog.ledger import Entry

_MISSING = ("NOT_FOUND", "NO_SUCH_", "UNRESOLVED_ROUTINE", "DOES_NOT_EXIST")


def is_missing(entry: Entry, ask: Callable[[str], object], condition_of: Callable[[BaseException], str]) -> bool:
    """Whether Spark says that there is no such object; false where it says anything else, or can't be asked."""
    kind = {"view": "TABLE"}.get(entry.kind, entry.kind.upper())
    try:
        ask(f"DESCRIBE {kind} {quote(*entry.parts)}")
    except Exception as exc:  # noqa: BLE001 -- whatever it is, it doesn't say that the object isn't there
        condition = condition_of(exc)
        return any(word in condition for word in _MISSING)
    return False
