"""Bring coverage.py and pytest-cov to see notebooks, without a setting of the user's."""

from __future__ import annotations

import os
import sys
import tempfile
from typing import TYPE_CHECKING, Any

import pytest

from harness.collect.session import SESSION

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.extract.build import Extract

# coverage.py reads this file after the user's own configuration; workers of xdist inherit the variable.
_VARIABLE = "COVERAGE_FORCE_CONFIG"
_FILE = pytest.StashKey[str]()
COVERED = pytest.StashKey["Covered"]()


class Covered:
    """What the summary tells of coverage: held-back lines by notebook, and notebooks that coverage can't be told of."""

    def __init__(self) -> None:
        self.held: dict[str, int] = {}
        self.untold: list[str] = []


def offer_plugin(config: pytest.Config) -> None:
    """Have pytest-cov's coverage load our plugin, beside those the user configured."""
    if os.environ.get(_VARIABLE):
        return  # the user's own, or ours inherited from the controller
    try:
        from coverage.config import read_coverage_config
    except ImportError:
        return
    from harness.extract.coverage import PLUGIN

    given = getattr(config.known_args_namespace, "cov_config", None) or True
    try:
        plugins = read_coverage_config(given, warn=lambda _message: None).plugins
    except Exception:  # noqa: BLE001 - pytest-cov reads the same file next and tells what is wrong with it
        return
    if PLUGIN in plugins:
        return
    handle, path = tempfile.mkstemp(prefix="nbh-coverage-", suffix=".rc")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write("[run]\nplugins =\n" + "".join(f"    {plugin}\n" for plugin in [*plugins, PLUGIN]))
    os.environ[_VARIABLE] = path
    config.stash[_FILE] = path


def withdraw_plugin(config: pytest.Config) -> None:
    """Remove what ``offer_plugin`` left for this run."""
    path = config.stash.get(_FILE, None)
    if path is not None:
        os.environ.pop(_VARIABLE, None)
        os.unlink(path)


def label(config: pytest.Config) -> None:
    """Tell coverage which measured files are notebooks, before it reports.

    Every process labels the same notebooks, loaded or not: combining refuses a file with two labels. Where the plugin isn't
    loaded, notebooks that coverage would misread are taken out of its data and named in the summary.
    """
    measuring = _measuring()
    if not measuring:
        return
    covered = config.stash.setdefault(COVERED, Covered())
    session = config.stash[SESSION]
    from harness.extract.coverage import LABEL, PLUGIN, held_lines

    for cov in measuring:
        notebooks = list(_notebooks(session.root, cov, session))
        data = cov.get_data()
        if PLUGIN in cov.get_option("run:plugins"):
            for source in notebooks:
                if source.held:
                    covered.held[session.loader.show(source.path)] = len(held_lines(source))
            if notebooks:
                if data.has_arcs() or not data.measured_files():
                    data.add_arcs({}) if cov.get_option("run:branch") else data.add_lines({})
                paths = [source.path for source in notebooks]
                data.touch_files(paths, LABEL)
                _label_parts(cov, set(paths))
        else:
            misread = [source.path for source in notebooks if not source.path.endswith(".py")]
            data.purge_files(misread)
            covered.untold = [session.loader.show(path) for path in misread]


def _label_parts(cov: Any, notebooks: set[str]) -> None:
    """Label notebooks in the data that child processes left (a user's ``patch = subprocess``), which are combined with ours."""
    from coverage import CoverageData
    from coverage.data import combinable_files
    from coverage.exceptions import CoverageException, NoDataError

    from harness.extract.coverage import LABEL

    own = cov.get_data().data_filename()
    try:
        parts = [part for part in combinable_files(cov.config.data_file) if os.path.abspath(part) != os.path.abspath(own)]
    except NoDataError:
        return
    for part in parts:
        data = CoverageData(part)
        try:
            data.read()
            unlabelled = [path for path in data.measured_files() & notebooks if not data.file_tracer(path)]
            if unlabelled:
                data.touch_files(unlabelled, LABEL)
        except CoverageException:
            continue  # a file that can't be read: combining tells of it


def _measuring() -> list[Any]:
    module = sys.modules.get("coverage")
    if module is None:
        return []
    current = module.Coverage.current()
    return [current] if current is not None else []


def _notebooks(root: str, cov: Any, session: Any) -> Iterable[Extract]:
    """Give the notebooks with Python that coverage measures: below its sources, or loaded where it has none."""
    from harness.errors import HarnessError
    from harness.notebook import discover

    sources = [os.path.abspath(source) for source in cov.get_option("run:source") or [] if os.path.isdir(source)]
    omitted = cov.get_option("run:omit") or []
    seen: set[str] = set()
    for folder in sources or [root]:
        for path in discover(folder).notebooks:
            file = os.path.abspath(path)
            if file in seen or file.endswith(".dbc") or _is_omitted(file, omitted):
                continue
            seen.add(file)
            try:
                source = session.loader.extract(file)
            except HarnessError:
                continue  # the run's summary names what could not be read
            if source.rows:
                yield source


def _is_omitted(file: str, patterns: list[str]) -> bool:
    from coverage.files import GlobMatcher, prep_patterns

    return bool(patterns) and bool(GlobMatcher(prep_patterns(patterns), "omit").match(file))
