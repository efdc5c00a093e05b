"""Tracebacks that show what a user can act on: their own lines, and our errors as they print."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import _pytest
import pluggy
import pytest

import harness
from harness.errors import HarnessError
from harness.spark.frames import chained, is_sparks_error, shorten, without_sparks

if TYPE_CHECKING:
    from types import TracebackType

    from harness.collect.session import NotebookSession

_FIXTURES = getattr(sys.modules.get("harness.fixtures"), "__path__", ())  # loaded by the plugin, and imported by nobody
_OURS = tuple(folder + os.sep for folder in (*harness.__path__, *_FIXTURES))
_PYTESTS = tuple(folder + os.sep for package in (_pytest, pluggy) for folder in package.__path__)
_NO_FAILURES = (pytest.skip.Exception, pytest.xfail.Exception)
_MARK = ">"  # what pytest puts before the line that failed


def cut(excinfo: pytest.ExceptionInfo[BaseException], config: pytest.Config) -> bool:
    """Take from a failure what a user can't act on, before pytest renders it; say whether a frame of theirs is left.

    Our frames go, pytest's where we called it for a fixture, and those of Spark's client behind the line that an error of
    Spark's came from. An error of ours is shown without what led to it: its cause tells that already. ``--full-trace`` shows
    all.
    """
    if isinstance(excinfo.value, HarnessError):
        excinfo.value.__cause__ = None
        excinfo.value.__suppress_context__ = True
    if config.getoption("fulltrace", default=False) or isinstance(excinfo.value, _NO_FAILURES):
        return True
    kept: list[TracebackType] = []
    is_within_ours = is_cut = False
    step: TracebackType | None = excinfo.tb
    while step is not None:
        file = step.tb_frame.f_code.co_filename
        is_within_ours = file.startswith(_OURS) or (is_within_ours and file.startswith(_PYTESTS))
        is_cut |= is_within_ours
        if not is_within_ours:
            kept.append(step)
        step = step.tb_next
    if is_sparks_error(excinfo.value):
        shorten(excinfo.value)
        shorter = without_sparks(kept)
        is_cut |= len(shorter) < len(kept)
        kept = shorter
    if is_cut:
        rest = chained(kept)  # pytest follows it by itself
        excinfo.traceback = type(excinfo.traceback)(rest if rest is not None else [])
    return any(not step.tb_frame.f_code.co_filename.startswith(_PYTESTS) for step in kept)


def show_error_alone(report: pytest.TestReport, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
    """Show an error of ours that no line of the user's led to, a fixture's or a wrong mark's, as it prints."""
    if isinstance(excinfo.value, HarnessError | pytest.UsageError):
        report.longrepr = str(excinfo.value)


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
