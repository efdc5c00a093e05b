"""What a run says of the objects that it kept."""

from __future__ import annotations

from typing import Any

from harness.spark.choose import IDLE


def summarise_kept(terminal: Any) -> None:
    """List what was kept, each with the command that opens it; where the engine ends with the run, say that nothing stays."""
    kept = [report.nbh_kept for reports in terminal.stats.values() for report in reports if hasattr(report, "nbh_kept")]
    if not kept:
        return
    terminal.section("kept objects")
    if not any(stays for _, _, stays in kept):
        terminal.write_line(f"nothing is kept: the engine ends with this run (CI, or spark_idle_minutes = 0); set {IDLE}=30")
        return
    for space, test, _ in sorted(kept, key=lambda told: str(told[1])):
        terminal.write_line(f"{test}: nbh spark sql --space {space}")
    terminal.write_line(
        "they go by nbh spark drop, or with the engine: by nbh spark stop, or when nobody has used it for a while"
    )
