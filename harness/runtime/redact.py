"""Secrets stay out of what is shown: their values are replaced by ``[REDACTED]``, as on Databricks."""

from __future__ import annotations

import html
import json
import re
from typing import Any

MARK = "[REDACTED]"

_SHORT = 3
"""Up to so many characters a secret is hidden only where it stands by itself: "a" is part of nearly every word."""

_LINE = 8
"""A secret of several lines (a key, say) is hidden line by line too, but not by a line as short as a bracket."""


class Redactor:
    """Knows the secrets that were read so far, and hides them in text and in plain data."""

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def add(self, value: str) -> None:
        """Hide this value from now on."""
        if value.strip() and value not in self._values:
            self._values.add(value)
            forms = {form for known in self._values for form in _forms(known)}
            # The mark comes first, so that what was hidden once is left as it is; then the longest.
            parts = [re.escape(MARK), *map(_part, sorted(forms, key=len, reverse=True))]
            self._pattern = re.compile("|".join(parts))

    def __bool__(self) -> bool:
        return self._pattern is not None

    def text(self, text: str) -> str:
        """Give the text without the secrets."""
        return self._pattern.sub(MARK, text) if self._pattern is not None else text

    def data(self, value: Any) -> Any:
        """Give plain data (dictionaries, lists, texts) without the secrets; pictures are left as they are."""
        if self._pattern is None:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return type(value)(
                {
                    self.data(key): held if str(key).startswith("image/") and key != "image/svg+xml" else self.data(held)
                    for key, held in value.items()
                }
            )
        if isinstance(value, list | tuple):
            return type(value)(self.data(held) for held in value)
        return value


def _forms(value: str) -> set[str]:
    """How a value may stand in what is shown: as it is, as Python or JSON writes it, in HTML, or line by line."""
    lines = [line.strip() for line in value.splitlines()]
    whole = {value, value.strip(), *([line for line in lines if len(line) >= _LINE] if len(lines) > 1 else [])}
    written = {form for known in whole for form in (repr(known)[1:-1], json.dumps(known)[1:-1], html.escape(known))}
    return whole | written


def _part(form: str) -> str:
    pattern = re.escape(form)
    return rf"(?<!\w){pattern}(?!\w)" if len(form) <= _SHORT else pattern
