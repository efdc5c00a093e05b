"""What a run tells of notebooks: the place of a failure, values given by hand, and what no test named."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.collect.coverage import COVERED, Covered
from harness.collect.session import SESSION

if TYPE_CHECKING:
    from harness.collect.session import NotebookSession

# Options that leave tests out, or stop before the last.
_NARROWING = (
    *("keyword", "markexpr", "lf", "maxfail", "ignore", "ignore_glob", "deselect"),
    *("collectonly", "setuponly", "setupplan"),
)
_COLOUR = re.compile(r"#x1B\[[0-9;]*m")  # as pytest's JUnit writer spells a character that XML can't hold
_SHOWN = 10  # as many untested units as fit a glance; `nbh list` shows all


def annotate(report: pytest.TestReport, item: pytest.Item, call: pytest.CallInfo[None], session: NotebookSession) -> None:
    """Add to a test's report where in the notebook it failed, and which values were given by hand."""
    if call.when == "call" or report.failed:
        given = session.given(item)
        if given:
            told = ("nbh_values_given", ", ".join(given))
            for properties in (report.user_properties, item.user_properties):  # JUnit takes those of the report made last
                properties[:] = [*(p for p in properties if p[0] != told[0]), told]
            if report.failed:
                report.sections.append(("notebook values given by the test", "\n".join(given)))
    if call.excinfo is not None and report.failed:
        places = [f"{place} in {name}" for place, name in session.places(call.excinfo)]
        if places:
            report.sections.append(("notebook", "\n".join(places)))


def clean_junit(config: pytest.Config) -> None:
    """Take colours out of the JUnit file: pytest writes an assert's coloured details into it where the terminal has colours."""
    if not getattr(config.option, "xmlpath", None) or hasattr(config, "workerinput"):
        return
    file = Path(os.path.expandvars(config.option.xmlpath)).expanduser()
    if file.is_file():
        text = file.read_text(encoding="utf-8")
        clean = _COLOUR.sub("", text)
        if clean != text:
            file.write_text(clean, encoding="utf-8")


def summarise(reporter: Any, exitstatus: int, config: pytest.Config) -> None:
    """Write the notebooks' part of the summary: coverage that can't be told, lines held back, units that no test names."""
    if hasattr(config, "workerinput"):
        return
    covered = config.stash.get(COVERED, None)
    if covered is not None:
        _tell_covered(reporter, covered)
    session = config.stash.get(SESSION, None)
    if session is None or config.getoption("verbose") < 0 or exitstatus not in {0, 1} or not _is_complete(config, reporter):
        return
    told = [report for reports in reporter.stats.values() for report in reports if hasattr(report, "nodeid")]
    ran = {report.nodeid.partition("::")[0] for report in told}
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


def _tell_covered(reporter: Any, covered: Covered) -> None:
    """Write what the percentages don't tell; what coverage could not be told in red."""
    if covered.left_out or covered.missed:
        reporter.section("notebooks that coverage can't be told of", red=True)
        reporter.line("coverage.py runs without the plugin that reads notebooks for it:", red=True)
        for path in sorted(covered.left_out):
            reporter.line(f"  {path}: left out, for coverage.py would take its text for code")
        for path, lines in sorted(covered.missed.items()):
            reporter.line(f"  {path}: lines held back and called missed: {lines}")
        reporter.line('run pytest with --cov, or add plugins = ["harness.extract.coverage"] to [tool.coverage.run]')
    if not (covered.held or covered.unread or covered.concealed):
        return
    reporter.section("notebook coverage")
    for path, why in sorted(covered.unread.items()):
        reporter.line(f"not counted: {path} ({why})", red=True)
    if covered.held:
        reporter.line(_held_back(covered))
    if covered.concealed:
        reporter.line(
            "a later `coverage report` would see no .ipynb, and call held-back lines missed: to let it read notebooks,\n"
            'add plugins = ["harness.extract.coverage"] to [tool.coverage.run]'
        )


def _held_back(covered: Covered) -> str:
    """Say how many lines are held back, how many of them ran, and which of them the percentages count."""
    total = sum(covered.held.values())
    by_runs = sum(map(len, covered.whole.values()))
    by_units = sum(len(set(lines).difference(covered.whole.get(path, ()))) for path, lines in covered.ran.items())
    told = [
        f"{path} {len(covered.whole[path])} of {lines}" if path in covered.whole else f"{path} {lines}"
        for path, lines in sorted(covered.held.items())
    ]
    listed = ", ".join(told[:_SHOWN]) + (f", and {len(told) - _SHOWN} more" if len(told) > _SHOWN else "")
    if not covered.whole:
        return f"held back: {total} lines, {by_units} run; they are not counted, for unit tests don't run them whole ({listed})"
    more = f", {by_units} by units" if by_units else ""
    return (
        f"held back: {total} lines, {by_runs} run by whole runs{more}; they count in notebooks that were run whole ({listed})"
    )


def _is_complete(config: pytest.Config, reporter: Any) -> bool:
    """Say whether all tests ran: a part of them says nothing about the rest."""
    option = config.option
    if any(getattr(option, name, None) for name in _NARROWING) or reporter.stats.get("deselected"):
        return False
    source = pytest.Config.ArgsSource
    if config.args_source is source.INVOCATION_DIR:
        return config.invocation_params.dir == config.rootpath
    return config.args_source is source.TESTPATHS
