"""``run_tests``: pytest from a notebook's cell, on the notebook's own Spark; a red result fails the cell."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

from harness.collect.engine import AROUND
from harness.errors import DbutilsCallError, NothingTestedError, RedTestsError
from harness.model import PytestRun
from harness.runtime.around import Around, around_here, runtime_here

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from types import ModuleType

_SETTINGS = ("pyproject.toml", "pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml", "tox.ini", "setup.cfg")
_OF_OUTER_RUN = ("PYTEST_CURRENT_TEST", "PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "PYTEST_XDIST_TESTRUNUID")
_SHOWN = 10
_NO_WORKERS = "-n0"
_WORKSPACE = "/Workspace"


def run_tests(*arguments: str | os.PathLike[str], spark: Any = None, dbutils: Any = None) -> PytestRun:
    """Run pytest in this process, as a notebook's cell wants it; the arguments are pytest's own.

    Tests get the notebook's ``spark`` and ``dbutils`` (or those that are given here). Paths count from the notebook's folder.
    Modules of the project are imported anew, so that an edited file is tested as it is now; no cache files are written.

        harness.run_tests("tests", "-k", "tenure")

    Raises:
        RedTestsError: A test failed, or pytest didn't come to its end; its ``run`` has the numbers.
        NothingTestedError: No test was found, or all were skipped or left out.
        ValueError: ``--databricks-env`` is among the arguments: tests run where the notebook runs.
    """
    around = Around(spark, dbutils, runtime_here()) if spark is not None else around_here()
    wanted = [os.fspath(argument) for argument in arguments]
    if any(one.partition("=")[0] == "--databricks-env" for one in wanted):
        raise ValueError("run_tests runs tests where its notebook runs: leave --databricks-env out")
    watch = _Watch(around)
    begun = time.monotonic()
    with _as_a_cell_wants_it(_folder(wanted, around)) as options:
        code = int(pytest.main([*options, *wanted], plugins=[watch]))
    run = watch.result(code, time.monotonic() - begun)
    if not run.passed:
        raise _error(run, watch)
    return run


@dataclass(frozen=True, slots=True)
class Ended:
    """How a pytest ended: its code, what it said of that, and the files that it couldn't read, each with why."""

    code: int
    why: str
    unread: tuple[tuple[str, str], ...]


def run_pytest(folder: str, arguments: Sequence[str], around: Around, plugins: Sequence[object]) -> Ended:
    """Run pytest in a folder as `run_tests` does, with more plugins; red tests raise nothing."""
    watch = _Watch(around)
    with _as_a_cell_wants_it(folder) as options:
        code = int(pytest.main([*options, f"--rootdir={folder}", *arguments], plugins=[watch, *plugins]))
    return Ended(code, watch.why, tuple(watch.unread))


def _folder(wanted: Sequence[str], around: Around | None) -> str:
    """Where relative paths count from: here, or the notebook's own folder, if that is where they are."""
    here = os.getcwd()
    absent = [path for path in (argument.partition("::")[0] for argument in wanted) if path and not os.path.exists(path)]
    folder = _notebooks_folder(around)
    if folder is not None and any(os.path.exists(os.path.join(folder, path)) for path in absent if path[0] != "-"):
        return folder
    return here


def _notebooks_folder(around: Around | None) -> str | None:
    """The folder of the notebook on a Databricks runtime; on serverless compute its cells may work elsewhere."""
    if around is None or around.dbutils is None or not around.runtime:
        return None
    try:
        path = around.dbutils.notebook.entry_point.getDbutils().notebook().getContext().notebookPath().get()
        folder = os.path.dirname(str(path))
    except Exception:  # noqa: BLE001 -- it isn't in any documentation, so it may go; then paths count from here
        return None
    folder = folder if folder.startswith(f"{_WORKSPACE}/") else _WORKSPACE + folder
    return folder if os.path.isdir(folder) else None


@contextlib.contextmanager
def _as_a_cell_wants_it(folder: str) -> Iterator[list[str]]:
    """Write nothing into the folder, show no colours; afterwards all is as it was. Gives the options for pytest."""
    before = os.getcwd(), list(sys.path), sys.dont_write_bytecode, dict(os.environ)
    heard, DbutilsCallError.heard = DbutilsCallError.heard, None  # the tests tell what they were refused
    with tempfile.TemporaryDirectory(prefix="nbh-tests-") as aside:
        for name in _OF_OUTER_RUN:
            os.environ.pop(name, None)
        os.environ.setdefault("COVERAGE_FILE", os.path.join(aside, "coverage"))
        os.environ["PY_COLORS"] = "0"  # Jupyter's kernels ask for colours by another variable
        sys.dont_write_bytecode = True
        os.chdir(folder)
        top = _project_folder(folder)
        for one in (top, folder):  # of the project that is here: in a whole run the path has the one that this is a copy of
            if one is not None and one not in sys.path:
                sys.path.insert(0, one)
        try:
            yield [
                "--color=no",
                # Plugins that the notebook uses are there already; nobody wants their own asserts explained.
                "-Wignore:Module already imported:pytest.PytestAssertRewriteWarning",
                f"--override-ini=cache_dir={os.path.join(aside, 'cache')}",
                # Workers would be other processes, without the notebook's Spark.
                *([_NO_WORKERS] if find_spec("xdist") is not None else []),
                *([] if top is not None else [f"--rootdir={folder}"]),
            ]
        finally:
            DbutilsCallError.heard = heard
            os.chdir(before[0])
            sys.path[:] = before[1]
            sys.dont_write_bytecode = before[2]
            for name in {*os.environ} - {*before[3]}:
                del os.environ[name]
            os.environ.update(before[3])


def _project_folder(folder: str) -> str | None:
    """The folder where a file of settings tells pytest that the project begins; else it would take the tests' alone."""
    while True:
        if any(os.path.isfile(os.path.join(folder, name)) for name in _SETTINGS):
            return folder
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above


class _Watch:
    """A plugin that brings the notebook in, has modules imported anew, and notes what became of each test."""

    def __init__(self, around: Around | None) -> None:
        self._around = around
        self._forgotten = _Forgotten()
        self._outcomes: dict[str, str] = {}
        self._collected: list[str] = []
        self._deselected = 0
        self._unread = 0
        self.failures: list[tuple[str, str]] = []
        self.unread: list[tuple[str, str]] = []
        self.why = ""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_load_initial_conftests(self, early_config: pytest.Config, args: list[str]) -> Generator[None, Any, Any]:
        if _NO_WORKERS in args and not early_config.pluginmanager.hasplugin("xdist"):  # by `addopts = "-p no:xdist"`, say
            args.remove(_NO_WORKERS)
        if self._around is not None:
            early_config.stash[AROUND] = self._around
        self._forgotten.begin(str(early_config.rootpath))
        early_config.add_cleanup(self._forgotten.end)
        return (yield)

    def pytest_configure(self, config: pytest.Config) -> None:
        if getattr(config.option, "numprocesses", None):
            raise pytest.UsageError("run_tests runs tests in the notebook's own process: leave -n out")

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_cmdline_parse(self) -> Generator[None, Any, Any]:
        with self._noted():
            return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_cmdline_main(self) -> Generator[None, Any, Any]:
        with self._noted():
            return (yield)

    @contextlib.contextmanager
    def _noted(self) -> Iterator[None]:
        try:
            yield
        except Exception as exc:
            text = str(getattr(exc, "cause", exc))  # a conftest that can't be imported has its error as cause
            self.why = _line(text.partition("error: ")[2] or text)
            raise

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._unread += 1
            self.failures.append((report.nodeid, _why(report)))
            self.unread.append((report.nodeid, str(report.longrepr)))

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        self._deselected += len(items)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._collected = [item.nodeid for item in session.items]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._outcomes[report.nodeid] = "failed" if report.when == "call" else "error"
            self.failures.append((report.nodeid, _why(report)))
        elif report.when == "call" or report.skipped:
            expected = hasattr(report, "wasxfail")
            kind = ("xfailed" if expected else "skipped") if report.skipped else ("xpassed" if expected else "passed")
            self._outcomes[report.nodeid] = kind

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        self.why = str(excinfo.value) or excinfo.typename

    def pytest_internalerror(self, excrepr: Any) -> None:
        self.why = str(excrepr).strip().splitlines()[-1]

    def result(self, code: int, duration_s: float) -> PytestRun:
        """What became of the run."""
        kinds = [*self._outcomes.values(), *["deselected"] * self._deselected, *["error"] * self._unread]
        kinds += ["not run"] * len({*self._collected} - {*self._outcomes})
        counts = {kind: kinds.count(kind) for kind in PytestRun.KINDS if kind in kinds}
        return PytestRun(code, counts, tuple(self.failures), duration_s)


class _Forgotten:
    """Modules of the project, put aside for a run: it imports its own, and the notebook has its old ones back after it."""

    def __init__(self) -> None:
        self._root = ""
        self._before: dict[str, ModuleType] = {}

    def begin(self, root: str) -> None:
        """Forget all that lies below a folder."""
        self._root = os.path.join(root, "")
        self._before = self._take()
        importlib.invalidate_caches()

    def end(self) -> None:
        """Forget what the run has imported, and bring back what was there."""
        self._take()
        sys.modules.update(self._before)

    def _take(self) -> dict[str, ModuleType]:
        taken = {name: module for name, module in sys.modules.copy().items() if self._is_the_projects(name, module)}
        for name in taken:
            del sys.modules[name]
        return taken

    def _is_the_projects(self, name: str, module: ModuleType) -> bool:
        if name.partition(".")[0] in {"harness", "__main__"}:
            return False
        places = [vars(module).get("__file__") or ""] if isinstance(vars(module).get("__file__"), str) else []
        with contextlib.suppress(Exception):  # a namespace package's path is worked out when it is asked for
            places.extend(vars(module).get("__path__") or ())
        return any(str(place).startswith(self._root) and "site-packages" not in str(place) for place in places)


def _why(report: pytest.TestReport | pytest.CollectReport) -> str:
    """The line that says most."""
    crash = getattr(report.longrepr, "reprcrash", None)
    return _line(str(crash.message if crash is not None else report.longrepr))


def _line(text: str) -> str:
    """The first line; where pytest has shown an error in several, the last of those."""
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["nothing was said"]
    errors = [line[1:].strip() for line in lines if line.startswith("E ")]
    return errors[-1] if errors else lines[0]


def _error(run: PytestRun, watch: _Watch) -> RedTestsError | NothingTestedError:
    """Say what failed, in the text that a cell and a job show."""
    ran = sum(run.counts.get(kind, 0) for kind in ("passed", "failed", "error", "xfailed", "xpassed"))
    if not run.failures and not ran and not watch.why and run.exit_code in {0, 5}:
        left = ", ".join(f"{count} {kind}" for kind, count in run.counts.items())
        return NothingTestedError(
            "no test was run",
            cause=f"of those that were found: {left}" if left else "pytest found no test there: files are named test_*.py",
            mend="check the path, and what leaves tests out (-k, -m, skip)",
        ).of(run)
    lines = [f"{node or 'pytest'}: {text}" for node, text in run.failures[:_SHOWN]]
    lines += [f"and {len(run.failures) - _SHOWN} more"] if len(run.failures) > _SHOWN else []
    lines += [watch.why] if watch.why else []
    what = f"the tests are red: {run.summary}" if run.counts else "pytest couldn't run the tests"
    mend = "read what pytest said above" + (f'; one alone: harness.run_tests("{run.failures[0][0]}")' if run.failures else "")
    return RedTestsError(what, cause="\n".join(lines) or f"pytest ended with {run.exit_code}", mend=mend).of(run)
