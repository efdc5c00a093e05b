"""Run public projects' notebook tests, unmodified and as their authors wrote them, and hold the verdicts against a table.

Nothing of theirs is kept here: scripts/public_notebooks.toml names repositories by commit, and git brings them.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import tomllib
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

TABLE = Path(__file__).with_name("public_notebooks.toml")
GITHUB = "https://github.com/{owner}/{name}"

SAME, DIFFERENT, UNKNOWN = 0, 1, 3
"""What the script exits with: UNKNOWN where a repository can't be had, or pytest or nbh gave no answer."""

_PATIENCE_S = 600


class NoAnswerError(Exception):
    """What should have been compared couldn't be found out."""


@dataclass(frozen=True, slots=True)
class Change:
    """A fault that is put into a project's code, and what it makes of some of its verdicts."""

    path: str
    old: str
    new: str
    verdicts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Project:
    """One repository at one commit.

    ``tests`` are pytest's arguments. ``verdicts`` are by test id, and by the path of a notebook that is run whole: its outcome,
    and where it ended ("failed at nbs/a.py:3").
    """

    repository: str
    commit: str
    tests: Sequence[str]
    verdicts: Mapping[str, str]
    change: Change | None = None

    @property
    def notebooks(self) -> list[str]:
        """Those that are run whole."""
        return [name for name in self.verdicts if "::" not in name]


@dataclass(slots=True)
class Tally:
    """What has been compared."""

    same: int = 0
    different: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    @property
    def code(self) -> int:
        """What to exit with; a table in which nothing is compared is no success."""
        return UNKNOWN if self.unknown or not (self.same or self.different) else DIFFERENT if self.different else SAME


def read_table(path: Path) -> list[Project]:
    """Read which projects to run, and what is to come of it."""
    found = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
    return [Project(**{**one, "change": Change(**one["change"]) if "change" in one else None}) for one in found]


def bring(project: Project, pattern: str, folder: Path) -> None:
    """Check the project's commit out into an empty folder."""
    owner, name = project.repository.split("/")
    _git(folder, "init", "--quiet")
    _git(folder, "fetch", "--quiet", "--depth=1", pattern.format(owner=owner, name=name), project.commit)
    _git(folder, "-c", "advice.detachedHead=false", "checkout", "--quiet", project.commit)


def _git(folder: Path, *arguments: str) -> None:
    never_ask = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=never_ask, timeout=_PATIENCE_S)
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise NoAnswerError(f"git {arguments[0]}: {exc}") from exc
    if done.returncode:
        raise NoAnswerError(f"git {arguments[0]}: {done.stderr.strip()[-300:]}")


def found_in(project: Project, folder: Path) -> dict[str, str]:
    """Run the project's tests, and its notebooks whole; what became of each, by the table's names."""
    return {**_tested(project, folder), **{name: _run_whole(name, folder) for name in project.notebooks}}


def _tested(project: Project, folder: Path) -> dict[str, str]:
    with tempfile.TemporaryDirectory(prefix="nbh-public-") as beside:
        results = Path(beside, "results.xml")
        options = ["-q", "-p", "no:cacheprovider", "--rootdir=.", "-o", "junit_family=xunit1", f"--junitxml={results}"]
        done = _ours("pytest", *options, *project.tests, folder=folder)
        if done.returncode not in (0, 1) or not results.is_file():
            raise NoAnswerError(f"pytest ended with {done.returncode}: {(done.stdout + done.stderr).strip()[-600:]}")
        return dict(_cases(results))


def _cases(results: Path) -> Iterator[tuple[str, str]]:
    for case in ET.parse(results).iter("testcase"):  # noqa: S314 -- pytest has just written it
        kinds = [child.tag for child in case if child.tag in ("failure", "error", "skipped")]
        name = f"{case.get('file')}::{str(case.get('classname')).rpartition('.')[2]}::{case.get('name')}"
        yield name, {"failure": "failed"}.get(kinds[0], kinds[0]) if kinds else "passed"


def _run_whole(notebook: str, folder: Path) -> str:
    done = _ours("harness", "run", "--json", notebook, folder=folder)
    try:
        facts: dict[str, Any] = json.loads(done.stdout)
    except ValueError as exc:
        raise NoAnswerError(f"nbh run {notebook} ended with {done.returncode}: {done.stderr.strip()[-600:]}") from exc
    place = facts["location"]
    return f"{facts['outcome']} at {place['path']}:{place['line']}" if place else str(facts["outcome"])


def _ours(module: str, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A command of this environment, in the project's folder, with none of this project's own options."""
    around = {name: value for name, value in os.environ.items() if name not in ("PYTEST_ADDOPTS", "PYTHONPATH")}
    command = [sys.executable, "-m", module, *arguments]
    try:
        return subprocess.run(command, cwd=folder, env=around, capture_output=True, text=True, check=False, timeout=_PATIENCE_S)
    except subprocess.TimeoutExpired as exc:
        raise NoAnswerError(f"{module} gave no answer in {_PATIENCE_S} s") from exc


def differences(expected: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    """What isn't as expected: another verdict, a test that is gone, or one that nobody expects."""
    names = sorted({*expected, *found})
    return [
        f"{name}: {found.get(name, 'not there')}, expected {expected.get(name, 'no such test')}"
        for name in names
        if expected.get(name) != found.get(name)
    ]


def try_project(project: Project, pattern: str, tally: Tally) -> Iterator[str]:
    """Run one as it is, and once more with its fault; one line for each."""
    with tempfile.TemporaryDirectory(prefix="nbh-public-") as made:
        folder = Path(made).resolve()
        try:
            bring(project, pattern, folder)
            yield _compare(f"{project.repository}@{project.commit[:7]}", project.verdicts, found_in(project, folder), tally)
            change = project.change
            if change is not None:
                _put_in(change, folder)
                name = f"{project.repository}, with {change.new} in {change.path}"
                yield _compare(name, {**project.verdicts, **change.verdicts}, found_in(project, folder), tally)
        except NoAnswerError as exc:
            tally.unknown.append(project.repository)
            yield f"{project.repository}: could not be found out: {exc}"


def _put_in(change: Change, folder: Path) -> None:
    path = folder / change.path
    text = path.read_text(encoding="utf-8")
    if text.count(change.old) != 1:
        raise NoAnswerError(f"{change.path} has {change.old!r} {text.count(change.old)} times")
    path.write_text(text.replace(change.old, change.new), encoding="utf-8")


def _compare(name: str, expected: Mapping[str, str], found: Mapping[str, str], tally: Tally) -> str:
    wrong = differences(expected, found)
    tally.different += wrong
    tally.same += len({*expected, *found}) - len(wrong)
    verdicts = f"{name}: {len(expected)} verdicts"
    return f"{verdicts}, all as expected" if not wrong else "\n  ".join([f"{verdicts}, {len(wrong)} not as expected", *wrong])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run them all; 0: all as expected, 1: something isn't, 3: something couldn't be found out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--from",
        dest="pattern",
        default=GITHUB,
        metavar="PATTERN",
        help="where git finds {owner} and {name}: a URL or a folder (default: %(default)s)",
    )
    parser.add_argument("--table", type=Path, default=TABLE, metavar="FILE", help="another table (default: %(default)s)")
    given = parser.parse_args(arguments)
    tally = Tally()
    for project in read_table(given.table):
        for line in try_project(project, given.pattern, tally):
            print(line, flush=True)
    return tally.code


if __name__ == "__main__":
    sys.exit(main())
