"""What became of tests that a job ran: judged from what it brought back.

Of each test all is known, or there is an error that says why it isn't: a report that is missing, half a test's reports, two
that contradict each other, those of another job.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.remote.errors import OnClusterResultError, OnClusterRunError, RemoteError
from harness.remote.on_cluster import unpacked
from harness.remote.pieces import Pieces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from harness.remote.on_cluster import Order
    from harness.remote.outcome import RemoteRun

_OF_A_TEST = "TestReport"
_AGAIN = "rerun"


@dataclass(frozen=True, slots=True)
class Told:
    """What became of one test: its reports as pytest serialises them, or why it isn't known."""

    reports: tuple[Mapping[str, Any], ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Results:
    """What a job brought back.

    ``root`` is where the project lay there, ``coverage`` what was measured, in coverage's bytes, ``warnings`` those of tests.
    """

    tests: Mapping[str, Told]
    root: str = ""
    coverage: bytes = b""
    notes: tuple[str, ...] = ()
    warnings: tuple[Mapping[str, Any], ...] = ()


def judge(order: Order, run: RemoteRun, pieces: Callable[[], Pieces] = Pieces) -> Results:
    """What became of each test that a job was to run; only what its reports say whole is taken.

    ``pieces`` reads what the job wrote as it went on: of one that died, or that had more to tell than an exit value holds.
    """
    if not run.passed:
        return _of_dead(order, run, _read(pieces))
    try:
        facts = unpacked(run.exit_value or "")
    except (ValueError, KeyError, OSError, EOFError) as exc:
        return _unknown(order, run, "what it gave can't be read", f"{type(exc).__name__}: {exc}")
    if facts["token"] != order.token:
        return _unknown(order, run, "its results are those of another job", f"they are of {facts['token']!r}")
    if facts.get("pieces"):
        read = _read(pieces)
        if read.count != facts["pieces"]:
            return _unknown(order, run, "its results aren't whole", f"{read.count} of {facts['pieces']} pieces can be read")
        facts["reports"] = list(read.reports)
    if not facts["reports"] and not facts.get("unread") and facts.get("said"):
        return _unknown(order, run, "pytest ran no test there", str(facts["said"]))
    found = _by_test(facts["reports"])
    tests = {one: _told(one, found.get(one, []), _said(one, facts), run) for one in order.tests}
    notes = [f"{facts['left_out']} didn't fit into what a workspace gives back"] if facts.get("left_out") else []
    if run.retried:
        notes.append(f"the tests were run again after: {'; '.join(run.retried)}")
    coverage = base64.b85decode(facts.get("coverage") or "")
    return Results(tests, str(facts.get("root") or ""), coverage, tuple(notes), tuple(facts.get("warnings") or ()))


def _by_test(reports: Iterable[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for report in reports:
        found.setdefault(str(report.get("nodeid")), []).append(report)
    return found


def _read(pieces: Callable[[], Pieces]) -> Pieces:
    try:
        return pieces()
    except RemoteError:
        return Pieces()  # then nothing is known by them


def _of_dead(order: Order, run: RemoteRun, pieces: Pieces) -> Results:
    """What is known of the tests of a job that didn't come to its end: of those before it died, and which was on then."""
    found = _by_test(pieces.reports)
    tests = {}
    for test in order.tests:
        told = _told(test, found.get(test, []), "", run)
        was_on = " (when it last wrote, this test was on)" if test == pieces.running else ""
        tests[test] = told if not told.problem else Told(problem=_died(run, run.summary, was_on))
    return Results(tests, pieces.root, notes=("what a job covered that died isn't known",) if order.measure is not None else ())


def all_unknown(order: Order, problem: str) -> Results:
    """The results where nothing is known of any test."""
    return Results({one: Told(problem=problem) for one in order.tests})


def _died(run: RemoteRun, what: str, was_on: str) -> str:
    error = OnClusterRunError(
        f"the job that was to run this test died{was_on}: {what}", cause=run.error or "it ended without a word", mend=_look(run)
    )
    return str(error)


def _unknown(order: Order, run: RemoteRun, what: str, cause: str) -> Results:
    error = OnClusterRunError(f"the job that was to run this test gave no results: {what}", cause=cause, mend=_look(run))
    return all_unknown(order, str(error))


def _look(run: RemoteRun) -> str:
    return f"look at its page: {run.link}" if run.link else "see the cause, and run the tests again"


def _said(test: str, facts: Mapping[str, Any]) -> str:
    """Why pytest has no report of a test: its file couldn't be read there, or what else it said at its end."""
    unread = [text for name, text in facts.get("unread") or () if name and test.startswith(name)]
    return str(unread[-1] if unread else facts.get("said") or "")


def _told(test: str, reports: Sequence[Mapping[str, Any]], said: str, run: RemoteRun) -> Told:
    """A test's reports, if they are whole and say one thing."""
    kept: list[Mapping[str, Any]] = []
    outcomes: dict[str, str] = {}
    for report in reports:
        when, outcome = str(report.get("when")), str(report.get("outcome"))
        if report.get("$report_type") == _OF_A_TEST and outcome != _AGAIN:
            if outcomes.setdefault(when, outcome) != outcome:
                return _lost(test, f"its {when} is reported as {outcomes[when]}, and as {outcome}", run)
            if report in kept:
                continue
        kept.append(report)
    missing = [when for when in ("setup", "teardown") if when not in outcomes]
    if outcomes.get("setup") == "passed" and "call" not in outcomes:
        missing.append("call")
    if not outcomes:
        return _lost(test, said or "the job brought back no report of it", run)
    if missing:
        return _lost(test, f"the job brought back no report of its {' and '.join(missing)}", run)
    return Told(tuple(kept))


def _lost(test: str, cause: str, run: RemoteRun) -> Told:
    error = OnClusterResultError(
        f"what became of {test} on the cluster isn't known",
        cause=cause,
        mend=f"look at the job's page: {run.link}" if run.link else "run the tests again",
    )
    return Told(problem=str(error))


def as_data(results: Results) -> dict[str, Any]:
    """Results as plain data, which the processes of a run hand each other."""
    return {
        "tests": {name: {"reports": list(told.reports), "problem": told.problem} for name, told in results.tests.items()},
        "root": results.root,
        "notes": list(results.notes),
        "warnings": list(results.warnings),
    }


def of_data(data: Mapping[str, Any]) -> Results:
    """Results of such data, without coverage: the process that ran the job has that."""
    tests = {name: Told(tuple(told["reports"]), str(told["problem"])) for name, told in data["tests"].items()}
    return Results(tests, str(data["root"]), b"", tuple(data["notes"]), tuple(data["warnings"]))
