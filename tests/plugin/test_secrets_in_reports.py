"""Secrets that a notebook reads by dbutils are in nothing that a run of pytest tells."""

from __future__ import annotations

import pytest

ETL = """\
# Databricks notebook source
from databricks.sdk.runtime import dbutils as named
import helper

def token():
    return dbutils.secrets.get("app", "token")

def by_another_name():
    return named.secrets.get("app", "token")

def login():
    raise ValueError(f"bad token {token()}")
"""
HELPER = """\
from databricks.sdk.runtime import *
from pyspark.dbutils import DBUtils

def from_a_module():
    return dbutils.secrets.get("app", "token")

def by_class():
    return DBUtils(None).secrets.get("app", "token")
"""
TESTS = """\
import logging, sys, warnings, pytest
import helper
from etl import by_another_name, login, token

pytestmark = pytest.mark.nbh_secrets(app={"token": "hunter2hunter2"})


def test_raised():
    login()


def test_compared(record_property):
    value = token()
    record_property("seen", value)
    assert {"token": value} == {"token": "other"}


def test_printed():
    print("out", token())
    print("err", token(), file=sys.stderr)
    logging.getLogger("app").warning("log %s", token())
    raise RuntimeError("a line\\nand " + token())


@pytest.fixture
def broken():
    yield token()
    raise KeyError(token())

def test_torn_down(broken):
    pass


class OfTwo(UserWarning):
    def __init__(self, one, two):
        super().__init__(f"{one} {two}")

def test_warned():
    warnings.warn("of old " + token())
    warnings.warn(OfTwo("of its own", token()))


def test_never_read():
    assert "hunter2hunter" == "x", "nobody has read a secret here"


def test_modules_see_it_too():
    assert token() == by_another_name() == helper.from_a_module() == helper.by_class()


@pytest.mark.nbh_secrets({"app": {"token": "closer"}, "my-scope": {"k": "v"}})
def test_the_closest_marker_wins(dbutils):
    assert token() == "closer"
    assert [scope.name for scope in dbutils.secrets.listScopes()] == ["app", "my-scope"]


@pytest.mark.nbh_secrets(app={"token": 5})
def test_no_text():
    token()
"""


@pytest.fixture
def project(pytester):
    """A notebook that reads a secret, and a module that does so too."""
    pytester.makepyfile(helper=HELPER, test_etl=TESTS)
    (pytester.path / "etl.py").write_text(ETL)
    return pytester


@pytest.mark.parametrize("options", [["-p", "no:xdist"], ["-n", "2"]], ids=["plain", "xdist"])
def test_nothing_tells_a_secret(project, options):
    """Neither tracebacks, locals, captured output, warnings, the summary nor JUnit; what nobody read is no secret."""
    result = project.runpytest_subprocess("--showlocals", "-rA", "--junitxml=junit.xml", *options)

    result.assert_outcomes(passed=4, failed=5, errors=1)
    told = result.stdout.str() + (project.path / "junit.xml").read_text()
    assert "hunter2hunter2" not in told.replace(TESTS, "")
    result.stdout.fnmatch_lines_random(
        [
            "E*ValueError: bad token ?REDACTED?",
            "E*'?REDACTED?'*'other'*",
            "out ?REDACTED?",
            "err ?REDACTED?",
            "WARNING*log ?REDACTED?",
            "E*and ?REDACTED?",
            "E*KeyError: '?REDACTED?'",
            "*UserWarning: of old ?REDACTED?",
            "*UserWarning: test_etl.OfTwo: of its own ?REDACTED?",
            "FAILED test_etl.py::test_raised - ValueError: bad token ?REDACTED?",
            "*NBH358 the marker nbh_secrets takes texts by scope and key",
        ]
    )
    assert 'name="seen" value="[REDACTED]"' in (project.path / "junit.xml").read_text()


def test_a_variable_or_a_setting_gives_it(project, monkeypatch):
    """Without a marker."""
    project.makepyfile(
        test_etl="""
        from etl import token

        def test_setting(monkeypatch):
            monkeypatch.setenv("MY_TOKEN", "by setting")
            assert token() == "by setting"

        def test_variable(monkeypatch):
            monkeypatch.setenv("NBH_SECRET_APP_TOKEN", "by variable")
            assert token() == "by variable"

        def test_neither():
            token()
        """
    )
    project.makepyprojecttoml('[tool.nbh.secrets.app]\ntoken = "MY_TOKEN"\n')

    result = project.runpytest_subprocess()

    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*the variable MY_TOKEN, which *tool.nbh.secrets* names for it, is not set"])


def test_a_module_that_is_imported_inside_a_test(project):
    """Starts no Spark by that, and the next test's names are the next test's."""
    project.makepyfile(
        test_etl="""
        import pytest, sys

        @pytest.mark.nbh_widgets(who="one")
        def test_one():
            from helper import dbutils
            assert dbutils.widgets.get("who") == "one"
            assert "pyspark.sql.connect.session" not in sys.modules

        @pytest.mark.nbh_widgets(who="two")
        def test_two(dbutils):
            import helper
            assert helper.dbutils.widgets.get("who") == "two"
            assert helper.DBUtils(None).widgets.get("who") == "two"
        """
    )

    project.runpytest_subprocess().assert_outcomes(passed=2)


def test_a_module_that_asks_while_it_is_imported(project):
    """There is no test then whose it could be; that is said."""
    project.makepyfile(helper="from databricks.sdk.runtime import dbutils\nWHO = dbutils.widgets.get('who')\n")

    result = project.runpytest_subprocess()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*NBH109 dbutils of databricks.sdk.runtime was used outside a test"])
