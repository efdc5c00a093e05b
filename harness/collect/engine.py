"""The run's Spark session, for the hooks and fixtures that share it, and which engines a run had."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from harness.runtime.around import Around
    from harness.spark.choose import Session

SPARK: pytest.StashKey[Session] = pytest.StashKey()
"""In ``config.stash`` while the fixture ``spark`` is set up."""

AROUND: pytest.StashKey[Around] = pytest.StashKey()
"""In ``config.stash`` where a notebook's cell runs the tests: what they have of it."""


def summarise_engines(terminal: Any) -> None:
    """Say how many tests ran on another engine than the one that the head of the run names."""
    told = [
        str(report.nbh_engine)
        for reports in terminal.stats.values()
        for report in reports
        if getattr(report, "when", "") == "call" and hasattr(report, "nbh_engine")
    ]
    for engine in sorted(set(told)):
        count = told.count(engine)
        tests = f"{count} test{'s' if count > 1 else ''}"
        if engine == "own":
            terminal.write_line(f"{tests} used a Spark session that the project's own code had started, with its own settings")
        else:
            terminal.write_line(f"{tests} ran on the {engine} engine, in a process of its own")
