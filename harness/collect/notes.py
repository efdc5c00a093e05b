"""Notes on runs on a workspace: told with the test that looked at the run, and at the end of pytest's what nobody compared.

They go with a test's report as properties, which JUnit shows and xdist's workers hand over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.remote.parts import NotCompared

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest

    from harness.collect.job_runs import StartedJob
    from harness.collect.runs import Started

_NOTE, _NOT_COMPARED = "nbh_note", "nbh_not_compared"
_GREEN, _RED = ("passed", "xpassed"), ("failed", "error")
_SHOWN = 10
_TESTS_SHOWN = 3


def note(item: pytest.Item, runs: Iterable[Started | StartedJob]) -> None:
    """Have the reports of a test that are made from now on hold the notes of its runs."""
    notes = dict.fromkeys(one for started in runs for one in getattr(started.run, "notes", ()))
    held = [one for one in item.user_properties if one[0] not in {_NOTE, _NOT_COMPARED}]
    told = [(_NOT_COMPARED if isinstance(one, NotCompared) else _NOTE, str(one)) for one in notes]
    item.user_properties[:] = [*held, *told]


def annotate(report: pytest.TestReport) -> None:
    """Show the notes that a report holds."""
    lines = [str(value) for name, value in report.user_properties if name in {_NOTE, _NOT_COMPARED}]
    if lines and (report.when == "call" or report.failed):
        report.sections.append(("runs on the workspace", "\n".join(lines)))


def summarise(terminal: Any, of_all: Iterable[str], *, is_whole: bool) -> None:
    """Write what isn't known of all runs, and what ran, or may have, that nobody compared, with the tests that ended on it."""
    places: dict[str, set[str]] = {}
    for report in (one for kept in terminal.stats.values() for one in kept):
        for name, value in getattr(report, "user_properties", ()):
            if name == _NOT_COMPARED:
                places.setdefault(str(value), set()).add(report.nodeid)
    notes = [*dict.fromkeys(of_all), *sorted(places)]
    if not notes:
        return
    green, red = ({one.nodeid for kind in kinds for one in terminal.stats.get(kind, ())} for kinds in (_GREEN, _RED))
    terminal.section("not known of the runs on the workspace", yellow=True)
    shown = notes if is_whole else notes[:_SHOWN]
    for one in shown:
        terminal.line(one, yellow=True)
        tests = places.get(one, set())
        passed = (tests & green) - red
        if passed:
            terminal.line(f"  passed with it: {_listed(sorted(passed))}", yellow=True)
        if tests - passed:
            terminal.line(f"  not passed: {_listed(sorted(tests - passed))}")
    if len(notes) > len(shown):
        terminal.line(f"and {len(notes) - len(shown)} more: -v shows all", yellow=True)


def _listed(tests: list[str]) -> str:
    more = f", and {len(tests) - _TESTS_SHOWN} more" if len(tests) > _TESTS_SHOWN else ""
    return ", ".join(tests[:_TESTS_SHOWN]) + more
