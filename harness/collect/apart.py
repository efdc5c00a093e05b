"""Tests that need the other engine: run by a pytest in a process of its own, reported as if they had run here.

pyspark can't hold a Connect session and a classic one in one process. The child collects what this run collects, then runs the
tests it is told to, one at a time, and hands back their reports. Loaded as a plugin (``-p harness.collect.apart``) this module
is the child's side.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from typing import IO, TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

_PIPES = "NBH_APART"
"""The variable by which a child knows its two pipes: "read,write"."""

_ENGINES = ("connect", "classic")

_MOST = 2000
"""Characters of what a process that is gone has said."""

CHILDREN = pytest.StashKey[dict[str, "Child"]]()


def engine_wanted(item: pytest.Item) -> str | None:
    """The engine that a test is marked for, if it isn't the one of this process; None where the mark names none."""
    wanted = _named(item)
    return str(wanted) if wanted in _ENGINES and wanted != item.config.getoption("--nbh-engine") else None


def check_engine(item: pytest.Item) -> None:
    """See that a test's mark names an engine.

    Raises:
        pytest.UsageError: It doesn't.
    """
    wanted = _named(item)
    if wanted not in _ENGINES:
        raise pytest.UsageError(f'{item.nodeid}: nbh_engine({wanted!r}): write nbh_engine("classic") or nbh_engine("connect")')


def _named(item: pytest.Item) -> object:
    mark = item.get_closest_marker("nbh_engine")
    return mark and (mark.args[0] if mark.args else mark.kwargs.get("name"))


def run_apart(item: pytest.Item, nextitem: pytest.Item | None, engine: str) -> None:
    """Have a child run the test, and report what it reports."""
    children = item.config.stash.setdefault(CHILDREN, {})
    if engine in children and children[engine].was_lost:
        children.pop(engine).end()
    if engine not in children:
        children[engine] = Child(item.config, engine)
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for report in children[engine].run(item):
        report.nbh_engine = engine  # type: ignore[attr-defined]  # reports take more attributes
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    # Fixtures of the test before were kept for this one; those that the next doesn't need end here.
    item.session._setupstate.teardown_exact(nextitem)  # noqa: SLF001 -- what pytest's own protocol does


def end_children(config: pytest.Config) -> None:
    """End the children and their fixtures."""
    for child in config.stash.get(CHILDREN, {}).values():
        child.end()


class Child:
    """A pytest in a process of its own, with one engine."""

    def __init__(self, config: pytest.Config, engine: str) -> None:
        self._config = config
        self._engine = engine
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 -- it lives as long as the child
        orders, self._orders = os.pipe()
        self._answers, answers = os.pipe()
        env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_XDIST", "COV_CORE"))}
        self._process = subprocess.Popen(  # noqa: S603 -- pytest itself
            [
                sys.executable,
                *(
                    [] if str(config.invocation_params.dir) in sys.path else ["-P"]
                ),  # as this one: `pytest`, or `python -m pytest`
                "-m",
                "pytest",
                *_arguments(config, engine),
                f"--nbh-engine={engine}",
                "-p",
                "harness.collect.apart",
            ],
            cwd=config.invocation_params.dir,
            env={**env, _PIPES: f"{orders},{answers}"},
            pass_fds=(orders, answers),
            stdin=subprocess.DEVNULL,
            stdout=self._said,
            stderr=self._said,
        )
        os.close(orders)
        os.close(answers)
        self._out: IO[str] = os.fdopen(self._orders, "w", encoding="utf-8")
        self._in: IO[str] = os.fdopen(self._answers, encoding="utf-8")
        self._is_ready = self._is_gone = False

    @property
    def was_lost(self) -> bool:
        """Whether it ended over a test. One that could not even start is no such: another would not, either."""
        return self._is_ready and self._is_gone

    def run(self, item: pytest.Item) -> Iterator[pytest.TestReport]:
        """Run one test; a child that is gone makes it fail, with what the child said last."""
        self._is_ready = self._is_ready or bool(self._in.readline())
        try:
            self._out.write(json.dumps(own_id(item)) + "\n")
            self._out.flush()
        except OSError:
            yield self._lost(item)
            return
        was_run = False
        for line in self._in:
            told = json.loads(line)
            if told is None:
                if not was_run:
                    yield _failed(item, f"the process that runs tests on the {self._engine} engine has not found this one")
                return
            was_run = True
            yield report_of(item, told)
        yield self._lost(item)

    def _lost(self, item: pytest.Item) -> pytest.TestReport:
        from harness.execute.ended import how

        self._is_gone = True
        status = self._process.wait()
        self._said.seek(0)
        said = _last_words(self._said.read().decode(errors="replace").strip())
        text = f"the process that runs tests on the {self._engine} engine has ended, {how(status)}; it said last:"
        return _failed(item, f"{text}\n{said or 'nothing'}")

    def end(self) -> None:
        """Let it end its fixtures, and wait for it."""
        for end in (self._out, self._in):
            with contextlib.suppress(OSError):  # it may be gone already
                end.close()
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._said.close()


def _last_words(said: str) -> str:
    """What a process said last: of a crash where it was, which Python writes between other threads and a list of modules."""
    *_, crash = said.partition("Fatal Python error: ")
    here = crash.find("Current thread ")
    return crash[here:].partition("\n\nExtension modules: ")[0][:_MOST] if here >= 0 else said[-_MOST:]


def report_of(item: pytest.Item, data: dict[str, Any]) -> pytest.TestReport:
    """A report of a test that ran elsewhere, from what JSON has left of it: the place of a skip is a tuple to pytest."""
    report: pytest.TestReport = item.config.hook.pytest_report_from_serializable(config=item.config, data=data)
    report.nodeid = item.nodeid
    longrepr: Any = report.longrepr
    if isinstance(longrepr, list):
        report.longrepr = tuple(longrepr)
    return report


def own_id(item: pytest.Item) -> str:
    """The test's name without the group that xdist writes behind it in its workers (``--dist loadgroup``)."""
    marks = item.iter_markers("xdist_group")
    groups = {str(mark.args[0] if mark.args else mark.kwargs.get("name", "default")) for mark in marks}
    return item.nodeid.removesuffix(f"@{'_'.join(sorted(groups))}") if groups else item.nodeid


def _failed(item: pytest.Item, text: str) -> pytest.TestReport:
    return pytest.TestReport(item.nodeid, item.location, dict(item.keywords), "failed", text, "call")


def _arguments(config: pytest.Config, engine: str) -> list[str]:
    """This run's own arguments for the other engine, without what only its main process may do."""
    given = getattr(config, "workerinput", {}).get("mainargv")
    arguments = list(given[1:] if given is not None else config.invocation_params.args)
    arguments = [*map(str, arguments), f"--nbh-engine={engine}"]
    if config.pluginmanager.hasplugin("xdist"):
        arguments.append("-n0")
    if config.pluginmanager.hasplugin("pytest_cov"):
        arguments.append("--no-cov")
    factory = getattr(config, "_tmp_path_factory", None)
    if factory is not None and config.option.basetemp:
        # pytest empties the folder that it is given, and this process works in it.
        arguments.append(f"--basetemp={factory.getbasetemp() / f'apart-{engine}'}")
    return arguments


# The child's side.


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Look like one of xdist's workers: they too leave the writing of reports to another process."""
    if _PIPES in os.environ and not hasattr(config, "workerinput"):
        config.workerinput = {"workerid": "apart", "testrunuid": "apart"}  # type: ignore[attr-defined]


class _Reporter:
    """Sends each report up as it is made."""

    def __init__(self, config: pytest.Config, out: IO[str]) -> None:
        self._config = config
        self._out = out

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Send it."""
        self.send(self._config.hook.pytest_report_to_serializable(config=self._config, report=report))

    def send(self, told: dict[str, Any] | None) -> None:
        """Send data; None ends a test."""
        self._out.write(json.dumps(told) + "\n")
        self._out.flush()


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Run the tests that the other process names, until it has no more."""
    if _PIPES not in os.environ:
        return None
    orders, answers = map(int, os.environ.pop(_PIPES).split(","))
    items = {item.nodeid: item for item in session.items}
    # After each test the fixtures of its module end and those of the session stay: nobody knows which test is next.
    after = _Nothing.from_parent(session, name="next")
    with os.fdopen(orders, encoding="utf-8") as asked, os.fdopen(answers, "w", encoding="utf-8") as out:
        reporter = _Reporter(session.config, out)
        reporter.send(None)  # it is ready
        session.config.pluginmanager.register(reporter)
        for line in asked:
            item = items.get(json.loads(line))
            if item is not None:
                session.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
            reporter.send(None)
        session.config.pluginmanager.unregister(reporter)
        session._setupstate.teardown_exact(None)  # noqa: SLF001 -- as after the last test of any run
    return True


class _Nothing(pytest.Item):
    """Stands for the next test where none is known."""

    def runtest(self) -> None:
        """Never run."""
        raise NotImplementedError
