"""Tests that are marked ``nbh_on_cluster``: one job of the run runs them all, and they are shown here as if they had run here.

All processes of a run send one job: each collects the same tests, the first one at the lock sends all that are marked, and the
others wait for the lock and read what came back. With ``--databricks-env=local`` the mark has no effect.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from harness.collect import warned
from harness.collect.apart import own_id, report_of
from harness.collect.covered_there import combine, measure
from harness.collect.measured import current
from harness.collect.remote import environment_here, is_left_out, refuse_writing, remote_of
from harness.collect.sent_files import files_for
from harness.collect.session import SESSION
from harness.collect.waiting import Waiting
from harness.collect.watching import tell
from harness.environments import LOCAL
from harness.errors import HarnessError
from harness.remote.errors import OnClusterRunError
from harness.remote.judged import all_unknown, as_data, judge, of_data
from harness.remote.on_cluster import FOLDER, Order
from harness.remote.pieces import reader
from harness.remote.travel import packages_along

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from pathlib import Path

    from harness.remote.judged import Results, Told
    from harness.remote.runs import Handle
    from harness.remote.session import Remote

MARK = "nbh_on_cluster"

_LOOK_S = 0.5


def begin(session: pytest.Session) -> None:
    """Send the marked tests of a run on their way, as soon as it is known which there are."""
    items = [item for item in session.items if item.get_closest_marker(MARK) is not None and not is_left_out(item)]
    if items:
        session.config.pluginmanager.register(OnCluster(session.config, items), "nbh-on-cluster")


class OnCluster:
    """A plugin that has one job run this process's marked tests, and reports what the job reports."""

    def __init__(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        self._config = config
        self._ids = {item: own_id(item) for item in items}
        self._results: Results | None = None
        self._handle: Handle | None = None
        self._remote: Remote | None = None
        self._is_over = False
        self._ended = threading.Event()
        self._order = _order(config, items, tuple(self._ids.values()))
        try:
            refuse_writing(config, "a test on the cluster")
            self._remote = remote = remote_of(config)
        except HarnessError as exc:
            self._give(all_unknown(self._order, str(exc)))
            return
        threading.Thread(target=self._work, args=(remote,), name="nbh-on-cluster", daemon=True).start()

    # -- the job, in a thread of its own ---------------------------------------------------------------------------------------

    def _work(self, remote: Remote) -> None:
        try:
            self._give(self._found(remote))
        except HarnessError as exc:
            self._give(all_unknown(self._order, str(exc)))
        except Exception as exc:  # noqa: BLE001 -- the thread's edge: no test may wait for ever, and none may pass
            self._give(all_unknown(self._order, f"the harness itself failed at it: {type(exc).__name__}: {exc}"))

    def _found(self, remote: Remote) -> Results:
        """Send the job, or wait for the process of this run that has sent it."""
        from filelock import FileLock

        folder = remote.shared_folder
        begun, done = folder / "on-cluster.begun", folder / "on-cluster.json"
        with FileLock(folder / "on-cluster.lock", thread_local=False):
            if done.exists():
                return of_data(json.loads(done.read_text(encoding="utf-8")))
            if begun.exists():
                raise OnClusterRunError(
                    "what became of the job that runs this test isn't known",
                    cause="the process of this run that had sent it is gone",
                    mend="run the tests again; `nbh sweep` removes what is left",
                )
            begun.touch()
            results = self._sent(remote)
            _write(done, as_data(results))
            return results

    def _sent(self, remote: Remote) -> Results:
        try:
            plugins = [dist.project_name for _, dist in self._config.pluginmanager.list_plugin_distinfo()]
            packages = packages_along(plugins, more=["coverage"] if self._order.measure is not None else [])
            files = files_for(self._config.stash[SESSION], list(self._ids), self._config)
            self._handle = handle = remote.submit_tests(self._order, packages, files)
            pieces = reader(remote.workspace, f"{remote.folder}/{FOLDER}", self._order.token)
            if self._is_over:
                handle.cancel()
            run = handle.result()
        except HarnessError as exc:
            return all_unknown(self._order, str(exc))
        return judge(self._order, run, pieces)

    def _give(self, results: Results) -> None:
        self._results = results
        self._ended.set()

    # -- the tests -------------------------------------------------------------------------------------------------------------

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        """Wait for what became of a marked test, and report it."""
        if item not in self._ids:
            return None
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        with Waiting(self._config, "tests on the cluster") as waiting:
            while not self._ended.wait(_LOOK_S):
                waiting.show(self._handle.life if self._handle is not None else "being sent")
        assert self._results is not None  # noqa: S101 -- given before the event
        for report in self._reports(item, self._results):
            item.ihook.pytest_runtest_logreport(report=report)
        self._warn(item, self._results)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        # Fixtures of the test before were kept for this one; those that the next doesn't need end here.
        item.session._setupstate.teardown_exact(nextitem)  # noqa: SLF001 -- what pytest's own protocol does
        return True

    def _warn(self, item: pytest.Item, results: Results) -> None:
        for data in results.warnings:
            if data["nodeid"] == self._ids[item]:
                here = _moved(dict(data), results.root, str(self._config.rootpath)) if results.root else data
                message = warned.of_data(here)
                item.ihook.pytest_warning_recorded.call_historic(
                    kwargs={"warning_message": message, "nodeid": item.nodeid, "when": here["when"], "location": None}
                )

    def _reports(self, item: pytest.Item, results: Results) -> list[pytest.TestReport]:
        told = results.tests.get(self._ids[item])
        if told is None:
            return [_unknown(item, "the job of this run was sent without this test: its processes collect other tests")]
        if told.problem or not told.reports:
            return [_unknown(item, told.problem or "nothing is known of it")]
        found = [report_of(item, data) for data in _here(told, results.root, str(self._config.rootpath))]
        for report in found:
            report.nbh_cluster = True  # type: ignore[attr-defined]  # reports take more attributes
        return found

    # -- the end ---------------------------------------------------------------------------------------------------------------

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, Any, Any]:
        """Wait for the job where other processes wait for it too, and add what was covered there, before coverage reports."""
        is_whole = False
        try:
            done = yield
            is_whole = not (session.shouldstop or session.shouldfail)
            return done
        finally:
            self._finish(is_wanted=is_whole and hasattr(self._config, "workerinput"))

    def _finish(self, *, is_wanted: bool) -> None:
        while is_wanted and self._remote is not None and not self._ended.wait(_LOOK_S):
            is_wanted = not self._remote.is_over  # said by the controller where it stops early
        if self._ended.is_set():
            self._cover()
        else:
            self._stop()

    def _stop(self) -> None:
        """Nobody wants to know any more."""
        self._is_over = True
        if self._handle is not None:
            self._handle.cancel()

    def _cover(self) -> None:
        results, cov = self._results, current()
        if results is None:
            return
        for note in results.notes:
            tell(self._config, f"tests on the cluster: {note}")
        if cov is not None and results.coverage:
            why = combine(cov, results.coverage, results.root, str(self._config.rootpath))
            if why:
                tell(self._config, f"what tests on the cluster covered isn't counted: {why}")


def _order(config: pytest.Config, items: list[pytest.Item], ids: tuple[str, ...]) -> Order:
    environment = environment_here(config)
    files = tuple(dict.fromkeys(os.path.relpath(item.path, config.rootpath).replace(os.sep, "/") for item in items))
    return Order(
        secrets.token_hex(16),
        environment.name,
        environment.host,
        environment.catalog,
        ids,
        files,
        tuple(_arguments(config)),
        measure(str(config.rootpath)),
    )


def _arguments(config: pytest.Config) -> list[str]:
    """What of this run's options holds there; which tests are run is decided here."""
    option = config.option
    found = [f"--databricks-env={LOCAL}", "-k", "", "-m", "", "--continue-on-collection-errors"]
    found += [f"--maxfail={option.maxfail or 0}", f"--tb={option.tbstyle}", f"--import-mode={option.importmode}"]
    found += ["--showlocals"] if option.showlocals else []
    found += ["--runxfail"] if option.runxfail else []
    found += ["--doctest-modules"] if getattr(option, "doctestmodules", False) else []
    found += [word for one in option.pythonwarnings or () for word in ("-W", one)]
    found += ["-" + "v" * option.verbose] if option.verbose > 0 else []
    found += [f"--override-ini={one}" for one in option.override_ini or ()]
    if sys.warnoptions:  # PYTHONWARNINGS, or Python's own -W: what pytest's settings say comes after it, as here
        found.append("--override-ini=filterwarnings=" + "\n".join([*sys.warnoptions, *config.getini("filterwarnings")]))
    found += ["--no-cov"] if config.pluginmanager.hasplugin("pytest_cov") else []
    inside = None if config.inipath is None else os.path.relpath(config.inipath, config.rootpath)
    found += ["-c", inside.replace(os.sep, "/")] if inside is not None and not inside.startswith("..") else []
    return found


def _here(told: Told, there: str, here: str) -> list[Any]:
    """Reports with the paths of this machine."""
    return [_moved(report, there, here) for report in told.reports] if there else list(told.reports)


def _moved(value: Any, there: str, here: str) -> Any:
    if isinstance(value, str):
        return value.replace(there + "/", here + os.sep)
    if isinstance(value, dict):
        return {name: _moved(inner, there, here) for name, inner in value.items()}
    return [_moved(inner, there, here) for inner in value] if isinstance(value, list) else value


def _unknown(item: pytest.Item, problem: str) -> pytest.TestReport:
    """An error, which is what pytest calls a test that couldn't be run."""
    return pytest.TestReport(item.nodeid, item.location, dict.fromkeys(item.keywords, 1), "failed", problem, "setup")


def _write(path: Path, data: Mapping[str, Any]) -> None:
    """Write for other processes: all, or nothing."""
    spare = path.with_suffix(".tmp")
    spare.write_text(json.dumps(data), encoding="utf-8")
    spare.replace(path)


def summarise(terminal: Any) -> None:
    """Say how many tests ran there."""
    if "harness.collect.on_cluster" not in sys.modules:
        return
    with contextlib.suppress(AttributeError):
        ids = {one.nodeid for reports in terminal.stats.values() for one in reports if hasattr(one, "nbh_cluster")}
        if ids:
            terminal.write_line(f"{len(ids)} test{'s' if len(ids) > 1 else ''} ran on the cluster, in one job")
