"""Tests that a job runs: what goes there, and what comes back by the notebook's exit value; plain data on both ways.

The job's notebook unpacks two zips into a folder of its own (the project's files, and the packages that tests need), runs
`harness.collect.in_job`, and exits with a text that `judge` reads. Of each test it is known what became of it, or there is an
error that says why it isn't: a report that is missing, half a test's reports, two that contradict each other, those of another
job.
"""

# Paths are texts, as the closure has them.
# ruff: noqa: PTH118, PTH123

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import os
import zipfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.remote.errors import OnClusterResultError, OnClusterRunError
from harness.remote.parts import Closure, Part, digest_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from harness.remote.outcome import RemoteRun
    from harness.remote.travel import Package

FOLDER = "nbh-on-cluster"
"""The folder below the run's that holds what a job needs."""
MOST_BYTES = 4 * 1024 * 1024
"""So long may an exit value be: a workspace gives 5 MB, and half of a text is none."""
PIECE_BYTES = 8 * 1024 * 1024
"""A workspace takes files of up to 10 MB, so a zip goes in pieces."""

_MARK = "nbh-tests-1:"
_TIME = (2000, 1, 1, 0, 0, 0)
_OF_A_TEST = "TestReport"
_AGAIN = "rerun"

_NOTEBOOK = """# Databricks notebook source
# Written by databricks-notebook-harness for one run of tests; it goes with the run's folder.
import io, json, os, sys, tempfile, zipfile

order = json.loads({order!r})
if sys.version_info < (3, 11):
    raise RuntimeError(f"tests need Python 3.11 or newer on the cluster, and this is {{sys.version.split()[0]}}")
here = next(one for one in (os.getcwd(), order["folder"]) if os.path.isfile(os.path.join(one, order["zips"]["tests"][0])))
place = tempfile.mkdtemp(prefix="nbh-on-cluster-")
for name, pieces in order["zips"].items():
    content = b"".join(open(os.path.join(here, one), "rb").read() for one in pieces)
    zipfile.ZipFile(io.BytesIO(content)).extractall(os.path.join(place, name))
sys.path.insert(0, os.path.join(place, "packages", "first"))
sys.path.append(os.path.join(place, "packages", "last"))

# COMMAND ----------

from harness.collect.in_job import run_sent

told = run_sent(order, os.path.join(place, "tests"), spark, dbutils)

# COMMAND ----------

dbutils.notebook.exit(told)
"""


@dataclass(frozen=True, slots=True)
class Order:
    """What a job is to do.

    ``token`` is its own and comes back with the results. ``tests`` are the ids in their order, ``files`` those that hold them,
    by their paths below the project. ``arguments`` are pytest's own, ``measure`` what coverage is to measure (None: nothing).
    """

    token: str
    environment: str
    host: str
    catalog: str
    tests: tuple[str, ...]
    files: tuple[str, ...]
    arguments: tuple[str, ...] = ()
    measure: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What became of one test: its reports as pytest serialises them, or why it isn't known."""

    reports: tuple[Mapping[str, Any], ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Results:
    """What a job brought back. ``root`` is where the project lay there, ``coverage`` what was measured, in coverage's bytes."""

    tests: Mapping[str, Told]
    root: str = ""
    coverage: bytes = b""
    notes: tuple[str, ...] = field(default=())


# -- there ---------------------------------------------------------------------------------------------------------------------


def stage(folder: Path, order: Order, *, root: str, parts: Iterable[Part], packages: Sequence[Package], there: str) -> Closure:
    """Write what a job needs into a folder of this machine; gives it as a closure whose notebook is the job's.

    ``there`` is the folder on the workspace that it goes to.
    """
    project = [(part.path, os.path.join(root, part.path)) for part in parts]
    along = [
        (f"{'first' if package.is_first else 'last'}/{path}", place)
        for package in packages
        for path, place in sorted(package.files.items())
    ]
    made: list[Part] = []
    zips = {}
    for name, files in (("tests", project), ("packages", along)):
        content = _zipped(files)
        pieces = [content[at : at + PIECE_BYTES] for at in range(0, len(content), PIECE_BYTES)]
        digest = hashlib.sha256(content).hexdigest()[:16]
        zips[name] = [f"{name}-{digest}-{number}.zip" for number in range(len(pieces))]
        for file, piece in zip(zips[name], pieces, strict=True):
            (folder / file).write_bytes(piece)
            made.append(Part(file, "file", "RAW", digest_of(piece), len(piece)))
    text = _NOTEBOOK.format(order=json.dumps({**_plain(order), "zips": zips, "folder": there}))
    path = f"tests-{order.token[:8]}.py"
    (folder / path).write_bytes(text.encode())
    made.append(Part(path, "notebook", "SOURCE", digest_of(text.encode()), len(text.encode()), "PYTHON"))
    return Closure(path, tuple(sorted(made, key=lambda part: part.path)))


def _plain(order: Order) -> dict[str, Any]:
    return {name: getattr(order, name) for name in Order.__slots__}


def _zipped(files: Iterable[tuple[str, str]]) -> bytes:
    """A zip whose bytes depend on names and contents alone, so that the same isn't sent twice."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, place in files:
            with open(place, "rb") as source:
                archive.writestr(zipfile.ZipInfo(name, _TIME), source.read(), zipfile.ZIP_DEFLATED)
    return made.getvalue()


def packed(facts: Mapping[str, Any], *, most_bytes: int = MOST_BYTES) -> str:
    """The text that the job's notebook exits with: the whole, or as much as a workspace gives, with what had to be left out.

    Raises:
        OnClusterResultError: Not even outcomes and errors alone are short enough.
    """
    for left_out, smaller in _smaller(facts):
        text = _MARK + base64.b85encode(gzip.compress(json.dumps({**smaller, "left_out": left_out}).encode(), mtime=0)).decode()
        if len(text) <= most_bytes:
            return text
    raise OnClusterResultError(
        "the results of the tests are longer than a workspace gives",
        cause=f"it gives up to {most_bytes:,} bytes of an exit value, and outcomes and errors alone are longer",
        mend="run fewer tests at once, by -k or by files",
    )


def _smaller(facts: Mapping[str, Any]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    yield "", facts
    reports = facts["reports"]
    yield (
        "output of tests that passed",
        {**facts, "reports": [{**one, "sections": []} if one.get("outcome") == "passed" else one for one in reports]},
    )
    bare = {**facts, "reports": [{**one, "sections": []} for one in reports]}
    yield "output of all tests", bare
    yield "output of all tests, and coverage", {**bare, "coverage": ""}


# -- here ----------------------------------------------------------------------------------------------------------------------


def judge(order: Order, run: RemoteRun) -> Results:
    """What became of each test that a job was to run; only what its reports say whole is taken."""
    if not run.passed:
        return _unknown(order, run, run.summary, run.error or "it ended without a word")
    try:
        facts = _unpacked(run.exit_value or "")
    except (ValueError, KeyError, OSError, EOFError) as exc:
        return _unknown(order, run, "what it gave can't be read", f"{type(exc).__name__}: {exc}")
    if facts["token"] != order.token:
        return _unknown(order, run, "its results are those of another job", f"they are of {facts['token']!r}")
    if not facts["reports"] and not facts.get("unread") and facts.get("said"):
        return _unknown(order, run, "pytest ran no test there", str(facts["said"]))
    found: dict[str, list[Mapping[str, Any]]] = {}
    for report in facts["reports"]:
        found.setdefault(str(report.get("nodeid")), []).append(report)
    tests = {one: _told(one, found.get(one, []), _said(one, facts), run) for one in order.tests}
    notes = [f"{facts['left_out']} didn't fit into what a workspace gives back"] if facts.get("left_out") else []
    if run.retried:
        notes.append(f"the tests were run again after: {'; '.join(run.retried)}")
    coverage = base64.b85decode(facts.get("coverage") or "")
    return Results(tests, str(facts.get("root") or ""), coverage, tuple(notes))


def all_unknown(order: Order, problem: str) -> Results:
    """The results where nothing is known of any test."""
    return Results({one: Told(problem=problem) for one in order.tests})


def _unknown(order: Order, run: RemoteRun, what: str, cause: str) -> Results:
    error = OnClusterRunError(
        f"the job that was to run this test gave no results: {what}",
        cause=cause,
        mend=f"look at its page: {run.link}" if run.link else "see the cause, and run the tests again",
    )
    return all_unknown(order, str(error))


def _unpacked(text: str) -> dict[str, Any]:
    if not text.startswith(_MARK):
        raise ValueError(f"it begins with {text[:40]!r}")
    facts = json.loads(gzip.decompress(base64.b85decode(text[len(_MARK) :])))
    if not isinstance(facts, dict) or not isinstance(facts["reports"], list) or not isinstance(facts["token"], str):
        raise ValueError("it holds no reports")  # noqa: TRY004 -- one kind of error, of a text that isn't ours
    return facts


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
    }


def of_data(data: Mapping[str, Any]) -> Results:
    """Results of such data, without coverage: the process that ran the job has that."""
    tests = {name: Told(tuple(told["reports"]), str(told["problem"])) for name, told in data["tests"].items()}
    return Results(tests, str(data["root"]), b"", tuple(data["notes"]))
