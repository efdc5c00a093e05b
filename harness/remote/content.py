"""Whether a workspace has what was sent there: it gives notebooks back in a form of its own, files byte for byte."""

from __future__ import annotations

import json
from typing import Any


def is_same(sent: bytes, found: bytes, *, format: str) -> bool:  # noqa: A002 - the API's name
    """Compare what was sent in a format with what was exported in it."""
    if sent == found:
        return True
    if format == "SOURCE":
        return _source(sent) == _source(found)
    if format == "JUPYTER":
        mine, theirs = _cells(sent), _cells(found)
        return mine is not None and mine == theirs
    return False


def _source(data: bytes) -> list[str]:
    """The lines; how they end, and blanks at the end of lines and of the file, are the workspace's own."""
    text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace").rstrip()
    return [line.rstrip() for line in text.splitlines()]


def _cells(data: bytes) -> list[tuple[Any, str]] | None:
    """The kind and text of each cell; outputs and metadata are the workspace's own."""
    try:
        found = json.loads(data)
        cells = [(cell["cell_type"], "".join(cell["source"]).rstrip()) for cell in found["cells"]]
    except (ValueError, KeyError, TypeError):
        return None
    return [cell for cell in cells if cell[1]]
