"""The pytest plugin: reads options, calls down, writes the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from harness.collect.session import SESSION, NotebookSession
from harness.errors import HarnessError

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

pytest_plugins = ("harness.fixtures.spark", "harness.fixtures.dbutils", "harness.fixtures.notebook")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("databricks notebooks", "databricks notebooks")
    group.addoption(
        "--databricks-env",
        metavar="NAME",
        default="local",
        help="where Spark, Unity Catalog and notebook runs live: local is this machine (default: %(default)s)",
    )


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, Any, Any]:
    """Stand before Python's own finder when conftest files are imported, and before pytest-cov starts (hence a wrapper)."""
    try:
        session = NotebookSession(early_config)
    except HarnessError as error:
        raise pytest.UsageError(str(error)) from error
    early_config.stash[SESSION] = session
    session.install()
    if getattr(early_config.known_args_namespace, "cov_source", None):
        from harness.collect.coverage import offer_plugin

        offer_plugin(early_config)
    return (yield)


def pytest_configure(config: pytest.Config) -> None:
    from harness.collect.options import check_environment

    check_environment(config.getoption("--databricks-env"))
    config.addinivalue_line("markers", "nbh_widgets(**values): the test's widget values, as dbutils.widgets.get gives them")


def pytest_unconfigure(config: pytest.Config) -> None:
    session = config.stash.get(SESSION, None)
    if session is not None:
        session.uninstall()
        from harness.collect.coverage import withdraw_plugin

        withdraw_plugin(config)


def pytest_report_header(config: pytest.Config) -> str:
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


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    session = item.config.stash[SESSION]
    session.begin(item)
    try:
        return (yield)
    finally:
        session.end()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    existing = item.config.stash[SESSION].existing
    if existing is not None:
        existing.ship_by_value()  # fixtures may have imported Spark since the notebooks were loaded
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    session = item.config.stash[SESSION]
    if session.existing is not None:
        from harness.collect.reports import annotate

        annotate(report, call, session)
    return report


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, Any, Any]:
    try:
        return (yield)
    finally:
        from harness.collect.coverage import label

        label(session.config)


def pytest_terminal_summary(terminalreporter: Any, exitstatus: int, config: pytest.Config) -> None:
    from harness.collect.reports import summarise

    summarise(terminalreporter, exitstatus, config)
