"""What a run tells of notebooks: the place of a failure, values given by hand, and what no test named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from harness.collect.coverage import COVERED
from harness.collect.session import SESSION

if TYPE_CHECKING:
    from harness.collect.session import NotebookSession

_SHOWN = 10  # as many untested units as fit a glance; `nbh list` shows all


def annotate(report: pytest.TestReport, call: pytest.CallInfo[None], session: NotebookSession) -> None:
    """Add to a test's report where in the notebook it failed, and which values were given by hand."""
    if call.when == "call":
        given = session.given()
        if given:
            report.user_properties.append(("nbh_values_given", ", ".join(given)))
            if report.failed:
                report.sections.append(("notebook values given by the test", "\n".join(given)))
    if call.excinfo is not None and report.failed:
        places = [f"{place} in {name}" for place, name in session.places(call.excinfo)]
        if places:
            report.sections.append(("notebook", "\n".join(places)))


def summarise(reporter: Any, exitstatus: int, config: pytest.Config) -> None:
    """Write the notebooks' part of the summary: coverage that can't be told, lines held back, units that no test names."""
    if hasattr(config, "workerinput"):
        return
    covered = config.stash.get(COVERED, None)
    if covered is not None and covered.untold:
        reporter.section("notebooks left out of coverage", red=True)
        reporter.line("coverage.py has no plugin that can read these, and would call them covered:", red=True)
        for path in covered.untold:
            reporter.line(f"  {path}")
        reporter.line('run pytest with --cov, or add plugins = ["harness.extract.coverage"] to [tool.coverage.run]')
    if covered is not None and covered.held:
        total = sum(covered.held.values())
        listed = ", ".join(f"{path} {lines}" for path, lines in sorted(covered.held.items())[:_SHOWN])
        more = f", and {len(covered.held) - _SHOWN} more" if len(covered.held) > _SHOWN else ""
        reporter.section("notebook coverage")
        reporter.line(f"held back: {total} lines are not counted, since unit tests don't run them ({listed}{more})")
    session = config.stash.get(SESSION, None)
    if session is None or config.getoption("verbose") < 0 or exitstatus not in {0, 1} or not _is_complete(config, reporter):
        return
    ran = {report.nodeid.partition("::")[0] for reports in reporter.stats.values() for report in reports if hasattr(report, "nodeid")}
    try:
        untouched = session.untouched_units({str(config.rootpath / file) for file in ran})
    except Exception as exc:  # noqa: BLE001 - at this edge an error of ours would hide the run's own verdict; it is told instead
        reporter.section("notebook units that no test names", red=True)
        reporter.line(f"could not be worked out: {exc!r}", red=True)
        return
    if untouched:
        reporter.section("notebook units that no test names")
        for unit in untouched[:_SHOWN]:
            reporter.line(f"  {unit}")
        if len(untouched) > _SHOWN:
            reporter.line(f"  and {len(untouched) - _SHOWN} more: `nbh list` shows all")


def _is_complete(config: pytest.Config, reporter: Any) -> bool:
    """Say whether all tests ran: a part of them says nothing about the rest."""
    option = config.option
    narrowed = option.keyword or option.markexpr or getattr(option, "lf", False) or getattr(option, "collectonly", False) or option.maxfail
    return (
        not narrowed
        and config.args_source is not pytest.Config.ArgsSource.ARGS
        and not reporter.stats.get("deselected")
    )
