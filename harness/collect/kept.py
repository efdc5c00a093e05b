"""What a run says of the objects that it kept."""

from __future__ import annotations

from typing import Any

from harness.spark.choose import IDLE


def summarise_kept(terminal: Any) -> None:
    """List what was kept, each with the command that opens it; say of what can't be kept why: the engine ends with it."""
    kept = [report.nbh_kept for reports in terminal.stats.values() for report in reports if hasattr(report, "nbh_kept")]
    if not kept:
        return
    terminal.section("kept objects")
    kept.sort(key=lambda told: str(told[1]))
    stay = [(space, test) for space, test, ends_with in kept if not ends_with]
    for space, test in stay:
        terminal.write_line(f"{test}: nbh spark sql --space {space}")
    if stay:
        terminal.write_line("they go when the engine ends: nbh spark stop, or by itself when nobody has used it for a while")
    if any(ends_with == "run" for _, _, ends_with in kept):
        terminal.write_line(f"nothing is kept: the engine ends with this run (CI, or spark_idle_minutes = 0); set {IDLE}=30")
    for _, test, ends_with in kept:
        if ends_with == "process":
            terminal.write_line(f"{test}: not kept, for the classic engine ends with its process")
