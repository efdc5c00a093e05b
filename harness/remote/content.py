"""Whether a workspace has what was sent there: it gives notebooks back in a form of its own, files byte for byte."""

from __future__ import annotations

import json
import re
from typing import Any

_SEPARATOR = re.compile(r"(?:#|--|//) COMMAND ----------")
_HEADER = re.compile(r"(?:#|--|//) Databricks notebook source")


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


def _source(data: bytes) -> list[list[str]]:
    """The lines of each cell: the workspace keeps these, and writes header, separators and the blank lines around them anew."""
    cells: list[list[str]] = [[]]
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace").splitlines()):
        if _SEPARATOR.match(line):
            cells.append([])
        elif number or not _HEADER.match(line):
            cells[-1].append(line.rstrip())
    return [cell for cell in map(_trimmed, cells) if cell]


def _trimmed(lines: list[str]) -> list[str]:
    """Without the blank lines around them."""
    return "\n".join(lines).strip("\n").split("\n") if any(lines) else []


def _cells(data: bytes) -> list[tuple[Any, str]] | None:
    """The kind and text of each cell; outputs and metadata are the workspace's own."""
    try:
        found = json.loads(data)
        cells = [(cell["cell_type"], "".join(cell["source"]).rstrip()) for cell in found["cells"]]
    except (ValueError, KeyError, TypeError):
        return None
    return [cell for cell in cells if cell[1]]
