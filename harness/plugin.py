"""The pytest plugin: reads options, calls down, writes the answer."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

from harness.collect.coverage import plugin_offered
from harness.collect.session import OURS, SESSION, start

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

FIXTURES = ("spark", "files", "catalog", "dbutils", "notebook", "run", "environment", "rehearsal", "snapshot")


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Bring the fixtures; named in ``pytest_plugins``, each would have pytest read anew what all that is installed says."""
    for name in FIXTURES:
        pluginmanager.register(import_module(f"harness.fixtures.{name}"), f"harness.fixtures.{name}")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("databricks notebooks", "databricks notebooks")
    group.addoption(
        "--databricks-env",
        metavar="NAME",
        default="local",
        help="where Spark, Unity Catalog and notebook runs live: local is this machine, rehearsal a workspace made on this "
        "machine, any other name a workspace that [tool.nbh.env.NAME] describes (default: %(default)s)",
    )
    group.addoption(
        "--nbh-concurrency",
        metavar="N",
        type=int,
        help="on a workspace: how many notebooks run at once, over all workers (default: the environment's, or 8)",
    )
    group.addoption(
        "--nbh-engine",
        choices=("connect", "classic"),
        default="connect",
        help="local Spark: connect is a Spark Connect server kept warm between runs; classic runs inside pytest, for RDDs and "
        "SparkContext; a test can ask for it with @pytest.mark.nbh_engine (default: %(default)s)",
    )

    group.addoption(
        "--nbh-keep",
        choices=("never", "failed", "always"),
        default="never",
        help="keep a copy of the tables and other objects that tests made, to be looked at with `nbh spark sql`, until the "
        "warm engine ends: of no test, of those that failed, or of all; on a workspace they stay themselves, for a day "
        "(default: %(default)s)",
    )
    group.addoption(
        "--nbh-allow",
        action="append",
        choices=("pip", "shell"),
        default=[],
        help="what a notebook that is run whole may do on this machine: pip lets %%pip install what is missing, into a folder "
        "of the run's own; shell lets %%sh and ! run a shell; can be given twice (default: neither)",
    )


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, Any, Any]:
    """Stand before Python's own finder when conftest files are imported, and before pytest-cov starts (hence a wrapper)."""
    start(early_config)
    if early_config.known_args_namespace.databricks_env == "rehearsal":
        from harness.collect.beforehand import Beforehand

        early_config.pluginmanager.register(Beforehand())
    with plugin_offered(early_config):
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> Generator[None, Any, Any]:
    """In xdist's workers pytest-cov starts coverage here; the controller's environment is inherited by those it starts here."""
    if not hasattr(session.config, "workerinput"):
        return (yield)
    with plugin_offered(session.config):
        return (yield)


def pytest_configure(config: pytest.Config) -> None:
    from harness.collect.options import look_around
    from harness.collect.remote import settle

    settle(config)
    look_around(config)
    start(config)  # named in a conftest's pytest_plugins, we come too late for the hook above
    config.addinivalue_line("markers", "nbh_widgets(**values): the test's widget values, as dbutils.widgets.get gives them")
    config.addinivalue_line("markers", "nbh_secrets(scopes): the test's secrets, texts by scope and key")
    config.addinivalue_line("markers", "nbh_env(*names): the environments this test is for; skipped in others")
    config.addinivalue_line("markers", "nbh_local_only: skipped wherever --databricks-env isn't local")
    config.addinivalue_line("markers", "nbh_run(path, **how): the notebook whose run the fixture notebook_run gives")
    config.addinivalue_line(
        "markers", "nbh_on_cluster: on a workspace the test itself runs there, in a job; for RDDs and JVM code"
    )
    config.addinivalue_line("markers", "nbh_engine(name): the engine this test needs; classic for RDDs and SparkContext")


def pytest_report_header(config: pytest.Config) -> list[str]:
    from harness.collect.options import header

    return header(config)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if file_path.suffix != ".ipynb":
        return None
    from harness.collect.options import is_test_notebook

    if not is_test_notebook(file_path, parent):
        return None
    from harness.collect.notebooks import NotebookTests

    return NotebookTests.from_parent(parent, path=file_path)


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Keep pytest from importing a Databricks notebook named ``test_*.py`` as a plain module: that would run it."""
    from harness.extract.importer import has_header

    if not has_header(str(module_path)):
        return None
    from harness.collect.notebooks import NotebookTests

    return NotebookTests.from_parent(parent, path=module_path)


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(collector: pytest.Module | pytest.Class, name: str, obj: object) -> Any:
    """Collect classes derived from Nutter's; before anyone has imported that there are none."""
    if not isinstance(obj, type) or "runtime.nutterfixture" not in sys.modules:
        return None
    from harness.collect.nutter import collector_of

    return collector_of(collector, name, obj)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    from harness.collect.remote import environment_here

    option = session.config.option
    if environment_here(session.config).is_remote and not option.collectonly and not option.setuponly:
        from harness.collect.on_cluster import begin

        begin(session)


def pytest_collectstart(collector: pytest.Collector) -> None:
    if isinstance(collector, pytest.Module):
        collector.config.stash[SESSION].turn_to(collector)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    session = item.config.stash[SESSION]
    session.begin(item)
    try:
        return (yield)
    finally:
        session.end(item)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    from harness.collect.remote import skip_elsewhere

    skip_elsewhere(item)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> Generator[None, Any, Any]:
    """What ``setUpClass`` does to a notebook's values holds for all tests of the class. What is being made isn't asked for."""
    session = request.config.stash[SESSION]
    if fixturedef.argname in OURS:
        session.making.append(fixturedef.argname)
        try:
            return (yield)
        finally:
            session.making.pop()
    loader = session.existing
    if loader is None or not fixturedef.argname.startswith("_unittest_setUpClass_fixture"):
        return (yield)
    fixturedef.addfinalizer(loader.release)  # pytest runs it after tearDownClass: what is added last goes first
    done = yield
    loader.hold()
    return done


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    existing = item.config.stash[SESSION].existing
    if "harness.collect.notebooks" in sys.modules:  # else no notebook holds tests
        from harness.collect.notebooks import refuse_hollow

        refuse_hollow(item)
    if existing is not None:
        existing.ship_by_value()  # fixtures may have imported Spark since the notebooks were loaded
    return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, Any, Any]:
    item.config.stash[SESSION].before_teardown(item, nextitem)
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    session = item.config.stash[SESSION]
    # What unittest caught lies in the item until pytest itself takes it from there, inside this hook.
    raised = call.excinfo or next(iter(getattr(item, "_excinfo", None) or ()), None)
    if raised is None:
        report = yield
    else:
        from harness.collect.tracebacks import cut, show_error_alone, trim

        has_users_frame = cut(raised, item.config)
        report = yield
        trim(report, session) if has_users_frame else show_error_alone(report, raised)
    if session.existing is not None:
        from harness.collect.reports import annotate

        annotate(report, item, call, session)
    # Else no notebook can have read a secret, and nobody has signed in.
    if "harness.collect.surroundings" in sys.modules or "harness.remote.session" in sys.modules:
        from harness.collect.surroundings import hide

        hide(report, item)
    return report


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, Any, Any]:
    try:
        return (yield)
    finally:
        from harness.collect.coverage import label

        label(session.config)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    from harness.collect.board import offer
    from harness.collect.early import begin
    from harness.collect.remote import hold

    offer(node)
    run = str(node.workerinput["testrunuid"])
    hold(node.config, run)
    begin(node.config, run)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    from harness.collect.coverage import receive

    output = getattr(node, "workeroutput", None) or {}
    receive(node.config, output)
    if node.config.getoption("--databricks-env") != "local":
        from harness.collect.told import receive as receive_told

        receive_told(node.config, output)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> Generator[None, Any, Any]:
    from harness.collect.coverage import settle
    from harness.collect.remote import stop_all
    from harness.collect.reports import clean_junit

    settle(session.config)
    if session.config.getoption("--databricks-env") != "local":
        from harness.collect.told import send

        send(session.config)
    if exitstatus not in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED}:
        stop_all(session.config)
    try:
        return (yield)
    finally:
        clean_junit(session.config)


def pytest_terminal_summary(terminalreporter: Any, exitstatus: int, config: pytest.Config) -> None:
    from harness.collect.reports import summarise

    summarise(terminalreporter, exitstatus, config)
    if "harness.remote.session" in sys.modules or config.getoption("--databricks-env") != "local":
        from harness.collect.on_cluster import summarise as summarise_cluster
        from harness.collect.told import summarise as summarise_told

        summarise_cluster(terminalreporter)
        summarise_told(terminalreporter, config)
