"""Warnings of tests that ran elsewhere: as plain data there, and as warnings of this run here."""

from __future__ import annotations

import contextlib
import sys
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST = 500
"""So many are brought back: more nobody reads, and an exit value is short."""

_LONGEST = 2000


def as_data(message: warnings.WarningMessage, nodeid: str, when: str) -> dict[str, Any]:
    """A warning as plain data."""
    return {
        "nodeid": nodeid,
        "when": when,
        "text": str(message.message)[:_LONGEST],
        "category": f"{message.category.__module__}.{message.category.__qualname__}",
        "filename": message.filename,
        "lineno": message.lineno,
    }


def of_data(data: Mapping[str, Any]) -> warnings.WarningMessage:
    """The warning of such data. One of a class that nobody here has is a plain one, whose text names the class."""
    module, _, name = str(data["category"]).rpartition(".")
    category, text = getattr(sys.modules.get(module), name, None), str(data["text"])
    message: Warning | None = None
    if isinstance(category, type) and issubclass(category, Warning):
        with contextlib.suppress(Exception):  # a class of the user's own may ask for more
            message = category(text)
    if message is None:
        message = UserWarning(f"{data['category']}: {text}")
    return warnings.WarningMessage(message, type(message), str(data["filename"]), int(data["lineno"]))
