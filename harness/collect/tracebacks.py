"""Tracebacks that show what a user can act on: their own lines, and our errors as they print."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError

if TYPE_CHECKING:
    import pytest

    from harness.collect.session import NotebookSession

_MARK = ">"  # what pytest puts before the line that failed


def cut_chain(excinfo: pytest.ExceptionInfo[BaseException]) -> None:
    """Have an error of ours shown without what led to it, before pytest renders it: its cause tells that already."""
    if isinstance(excinfo.value, HarnessError):
        excinfo.value.__cause__ = None
        excinfo.value.__suppress_context__ = True


def trim(report: pytest.TestReport, session: NotebookSession) -> None:
    """Show of a notebook's top-level code the statement that failed: pytest shows the file from its first line on."""
    chain: list[Any] = getattr(report.longrepr, "chain", [])
    for entry in (entry for traceback, *_ in chain for entry in getattr(traceback, "reprentries", ())):
        place, lines = getattr(entry, "reprfileloc", None), entry.lines
        if place is None or session.existing is None or not lines:
            continue
        path = os.path.abspath(os.path.join(session.config.invocation_params.dir, place.path))
        source = session.existing.known(path)
        marked = next((at for at, line in enumerate(lines) if line.startswith(_MARK)), None)
        if source is None or marked is None or not _begins_file(lines[0], path, source.lines()):
            continue
        start = marked
        while start > 0 and lines[start][len(_MARK) :].startswith("    "):  # inside a block or a call: back to where it begins
            start -= 1
        entry.lines = lines[start:]


def _begins_file(line: str, path: str, texts: list[str]) -> bool:
    if texts:
        first = texts[0]
    else:
        with open(path, encoding="utf-8-sig", errors="replace") as file:
            first = file.readline()
    return line[len(_MARK) :].strip() == first.strip()
