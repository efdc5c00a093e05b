"""What a run says of the objects that it kept."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest


def summarise_kept(terminal: Any, config: pytest.Config) -> None:
    """List what was kept, each with the command that opens it; where the engine ends with the run, say that nothing stays."""
    kept = [report.nbh_kept for reports in terminal.stats.values() for report in reports if hasattr(report, "nbh_kept")]
    if not kept:
        return
    from harness.settings import settings_for
    from harness.spark.choose import IDLE, idle_s

    terminal.section("kept objects")
    if not idle_s(settings_for(str(config.rootpath)), os.environ):
        terminal.write_line(f"nothing is kept: the engine ends with this run (CI, or spark_idle_minutes = 0); set {IDLE}=30")
        return
    for space, test in sorted(kept, key=lambda pair: pair[1]):
        terminal.write_line(f"{test}: nbh spark sql --space {space}")
    terminal.write_line("they go when the engine ends: nbh spark stop, or by itself when nobody has used it for a while")
