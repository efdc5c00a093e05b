"""Bring coverage.py and pytest-cov to see notebooks, without a setting of the user's."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from harness.collect.measured import RUNS, current, take_out
from harness.collect.session import SESSION
from harness.collect.sources import is_notebook, measured_notebooks, show

if TYPE_CHECKING:
    from collections.abc import Iterator

# coverage.py reads this file after the user's own configuration.
_VARIABLE = "COVERAGE_FORCE_CONFIG"
_OFFERED = pytest.StashKey[bool]()
_KEPT_ASIDE = "nbh-coverage"


@dataclass
class Covered:
    """What the summary tells of coverage, by notebook as shown to users; plain data, for xdist's workers send it."""

    held: dict[str, int] = field(default_factory=dict)  # lines held back, and counted as such
    ran: dict[str, list[int]] = field(default_factory=dict)  # those of them that ran: in a cell, or for a value
    whole: dict[str, list[int]] = field(default_factory=dict)  # and those that whole runs ran, where there were any
    missed: dict[str, int] = field(default_factory=dict)  # lines held back that coverage calls missed: it has no plugin of ours
    left_out: list[str] = field(default_factory=list)  # notebooks that coverage would misread
    unread: dict[str, str] = field(default_factory=dict)  # what isn't counted for it can't be read: why
    concealed: bool = False  # the data file was made readable for a coverage.py without our plugin

    def merge(self, other: dict[str, Any]) -> None:
        """Add what a worker found."""
        self.held.update(other["held"])
        for mine, theirs in ((self.ran, other["ran"]), (self.whole, other["whole"])):
            for path, lines in theirs.items():
                mine[path] = sorted({*mine.get(path, ()), *lines})
        self.missed.update(other["missed"])
        self.left_out = sorted({*self.left_out, *other["left_out"]})
        self.unread.update(other["unread"])


COVERED = pytest.StashKey[Covered]()


@contextlib.contextmanager
def plugin_offered(config: pytest.Config) -> Iterator[None]:
    """Have the coverage that pytest-cov starts meanwhile load our plugin, beside those the user configured."""
    options = config.known_args_namespace
    # pytest-cov empties cov_source when it starts for --cov without a path, but is registered by then.
    measures = getattr(options, "cov_source", None) or config.pluginmanager.has_plugin("_cov")
    if not measures or getattr(options, "no_cov", False) or os.environ.get(_VARIABLE):
        yield
        return
    plugins = _configured_plugins(getattr(options, "cov_config", None))
    from harness.extract.coverage import PLUGIN

    if plugins is None or PLUGIN in plugins:
        yield
        return
    handle, path = tempfile.mkstemp(prefix="nbh-coverage-", suffix=".rc")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write("[run]\nplugins =\n" + "".join(f"    {plugin}\n" for plugin in [*plugins, PLUGIN]))
        os.environ[_VARIABLE] = path
        config.stash[_OFFERED] = True
        yield
    finally:
        # Not for longer: a test may run coverage by itself, in an environment that hasn't got us.
        os.environ.pop(_VARIABLE, None)
        os.unlink(path)


def _configured_plugins(given: str | None) -> list[str] | None:
    """Give the coverage plugins of the user's configuration; None where it can't be read, or coverage isn't there."""
    try:
        from coverage.config import read_coverage_config
    except ImportError:
        return None
    try:
        return list(read_coverage_config(given or True, warn=lambda _message: None).plugins)
    except Exception:  # noqa: BLE001 - pytest-cov reads the same file next and tells what is wrong with it
        return None


def label(config: pytest.Config) -> None:
    """Tell coverage which measured files are notebooks, before it reports.

    Every process labels what it measured and what lies below coverage's sources, loaded or not: combining refuses a file with
    two labels. Where the plugin isn't loaded, notebooks that coverage would misread are taken out of its data, and named.
    """
    cov = current()
    if cov is None:
        if RUNS in config.stash:
            config.stash[RUNS].drop()
        return
    covered = config.stash.setdefault(COVERED, Covered())
    session = config.stash[SESSION]
    from harness.extract.coverage import PLUGIN, counted_lines, held_lines, whole_lines

    is_told = PLUGIN in cov.get_option("run:plugins")
    if RUNS in config.stash:
        config.stash[RUNS].hand_over(cov, is_told=is_told)
    notebooks = dict(measured_notebooks(session, cov, covered.unread))
    data = cov.get_data()
    for path, source in notebooks.items():
        held, name = held_lines(source), show(session, path)
        if not is_told and not path.endswith(".py"):
            covered.left_out.append(name)
        elif not is_told and held.difference(data.lines(path) or ()):
            covered.missed[name] = len(held.difference(data.lines(path) or ()))
        elif is_told and held and counted_lines(source):
            covered.held[name] = len(held)
            covered.ran[name] = sorted(held.intersection(data.lines(path) or ()))
            if run_whole := whole_lines(data, path):
                covered.whole[name] = sorted(held & run_whole)
    if is_told:
        _label(config, cov, set(notebooks))
    # What has no label coverage would read as Python.
    unlabelled = [path for path in data.measured_files() if not path.endswith(".py") and is_notebook(path)]
    take_out(data, [path for path in unlabelled if not data.file_tracer(path)])
    if hasattr(config, "workeroutput"):
        config.workeroutput["nbh_covered"] = vars(covered)


def receive(config: pytest.Config, output: dict[str, Any]) -> None:
    """Take what a worker of xdist found."""
    if "nbh_covered" in output:
        config.stash.setdefault(COVERED, Covered()).merge(output["nbh_covered"])


def _label(config: pytest.Config, cov: Any, notebooks: set[str]) -> None:
    from harness.extract.coverage import LABEL

    if not notebooks:
        return
    data = cov.get_data()
    if data.has_arcs() or not data.measured_files():
        data.add_arcs({}) if cov.get_option("run:branch") else data.add_lines({})
    data.touch_files(notebooks, LABEL)
    if not hasattr(config, "workerinput"):  # other workers may be writing theirs; by the controller's turn they have ended
        _label_parts(cov, notebooks)
    if getattr(config.option, "cov_append", False) and not hasattr(config, "workerinput"):
        _bring_back(config, cov.config.data_file)
        _label_file(cov.config.data_file, notebooks)


def _label_parts(cov: Any, notebooks: set[str]) -> None:
    """Label notebooks in the data that child processes left (a user's ``patch = subprocess``), which are combined with ours."""
    from coverage.data import combinable_files
    from coverage.exceptions import NoDataError

    own = os.path.abspath(cov.get_data().data_filename())
    with contextlib.suppress(NoDataError):
        for part in combinable_files(cov.config.data_file):
            if os.path.abspath(part) != own:
                _label_file(part, notebooks)


def _label_file(file: str, notebooks: set[str]) -> None:
    from coverage import CoverageData
    from coverage.exceptions import CoverageException

    from harness.extract.coverage import LABEL, close

    data = CoverageData(file)
    with contextlib.suppress(CoverageException):  # a file that can't be read: combining tells of it
        data.read()
        unlabelled = [path for path in data.measured_files() & notebooks if not data.file_tracer(path)]
        if unlabelled:
            data.touch_files(unlabelled, LABEL)
    close(data)


def settle(config: pytest.Config) -> None:
    """Do what comes after pytest-cov's reports: tell whole runs that its combined data know of, and conceal what is ours."""
    cov = getattr(getattr(config.pluginmanager.get_plugin("_cov"), "cov_controller", None), "cov", None)
    if cov is None or hasattr(config, "workerinput") or COVERED not in config.stash:
        return
    from harness.extract.coverage import held_lines, whole_lines

    covered, session, data = config.stash[COVERED], config.stash[SESSION], cov.get_data()
    for path in data.measured_files():
        name = show(session, path)
        if name in covered.held and (run_whole := whole_lines(data, path)):
            covered.whole[name] = sorted(held_lines(session.loader.extract(path)) & run_whole)
    if config.stash.get(_OFFERED, False):
        _conceal(config, data.data_filename())


def _conceal(config: pytest.Config, file: str) -> None:
    """Make the data file one that a ``coverage report`` without our plugin can read: it dies of a label it doesn't know.

    Only if the user hasn't configured the plugin. What had to go is kept aside for a later ``--cov-append``.
    """
    if not os.path.isfile(file):
        return
    import sqlite3

    from harness.extract.coverage import LABEL

    with contextlib.closing(sqlite3.connect(file)) as connection, connection:
        query = "select file.id, file.path from file join tracer on tracer.file_id = file.id where tracer.tracer = ?"
        labelled = connection.execute(query, (LABEL,)).fetchall()
        if not labelled:
            return
        folder = config.cache.mkdir(_KEPT_ASIDE) if getattr(config, "cache", None) is not None else None
        if folder is not None:
            shutil.copy(file, folder / "data")
        for number, path in labelled:
            connection.execute("delete from tracer where file_id = ?", (number,))
            if not path.endswith(".py"):
                for table, column in (("line_bits", "file_id"), ("arc", "file_id"), ("file", "id")):
                    connection.execute(f"delete from {table} where {column} = ?", (number,))  # noqa: S608 - names of our own
    if folder is not None:
        (folder / "digest").write_text(_digest(file), encoding="utf-8")
    config.stash.setdefault(COVERED, Covered()).concealed = True


def _bring_back(config: pytest.Config, file: str) -> None:
    """Undo ``conceal`` for a run that appends to the data."""
    if not os.path.isfile(file) or getattr(config, "cache", None) is None:
        return
    folder = config.cache.mkdir(_KEPT_ASIDE)
    digest = folder / "digest"
    if digest.is_file() and digest.read_text(encoding="utf-8") == _digest(file):
        shutil.copy(folder / "data", file)


def _digest(file: str) -> str:
    with open(file, "rb") as data:
        return hashlib.sha256(data.read()).hexdigest()
