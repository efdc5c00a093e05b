"""What a run says of the objects that it kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from harness.spark.idle import IDLE


@dataclass(frozen=True, slots=True)
class KeptThere:
    """What a test made on a workspace and stays there: each one's kind, name and until when; ``runs`` are its runs' pages."""

    test: str
    host: str
    made: list[tuple[str, str, str]]
    runs: list[str] = field(default_factory=list)


def page_of(host: str, kind: str, name: str) -> str:
    """The page of Catalog Explorer of a catalog, schema, table, view, volume or function."""
    within = {"volume": "volumes/", "function": "functions/"}.get(kind, "")
    return f"{host.rstrip('/')}/explore/data/{within}{name.replace('.', '/')}"


def summarise_kept(terminal: Any, *, environment: str) -> None:
    """List what was kept, each with what opens it; say of what can't be kept why: the engine ends with it."""
    reports = [report for reports in terminal.stats.values() for report in reports]
    _summarise_here(terminal, reports)
    _summarise_there(terminal, [one.nbh_kept_there for one in reports if hasattr(one, "nbh_kept_there")], environment)


def _summarise_there(terminal: Any, kept: list[dict[str, Any]], environment: str) -> None:
    if not kept:
        return
    terminal.section("kept on the workspace")
    for told in sorted(kept, key=lambda told: str(told["test"])):
        terminal.write_line(f"{told['test']}:")
        for kind, name, until in told["made"]:
            terminal.write_line(f"  {kind} {name}, until {until}: {page_of(told['host'], kind, name)}")
        for link in told["runs"]:
            terminal.write_line(f"  run: {link}")
    terminal.write_line(f"`nbh sweep --env {environment}` removes it then, and with --kept at once")


def _summarise_here(terminal: Any, reports: list[Any]) -> None:
    kept = [report.nbh_kept for report in reports if hasattr(report, "nbh_kept")]
    if not kept:
        return
    terminal.section("kept objects")
    kept.sort(key=lambda told: str(told[1]))
    stay = [(space, test) for space, test, ends_with in kept if not ends_with]
    for space, test in stay:
        terminal.write_line(f"{test}: nbh spark sql --space {space}")
    if stay:
        terminal.write_line(
            "they go by nbh spark drop, or with the engine: by nbh spark stop, or when nobody has used it for a while"
        )
    if any(ends_with == "run" for _, _, ends_with in kept):
        terminal.write_line(f"nothing is kept: the engine ends with this run (CI, or spark_idle_minutes = 0); set {IDLE}=30")
    for _, test, ends_with in kept:
        if ends_with == "process":
            terminal.write_line(f"{test}: not kept, for the classic engine ends with its process")
