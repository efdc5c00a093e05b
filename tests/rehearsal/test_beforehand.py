"""Conftest files that ask the workspace before any test does, as that of a project which Databricks' command line has made."""

from __future__ import annotations

import pytest

pytest.importorskip("starlette", reason="a workspace is made here by the extra `rehearsal`")

ASKS = """
import pytest
from databricks.sdk import WorkspaceClient


def pytest_configure(config):
    assert WorkspaceClient().current_user.me().user_name


@pytest.fixture
def me():
    return WorkspaceClient().current_user.me().user_name
"""
TESTS = "def test_signed_in(me):\n    assert '@' in me\n"


@pytest.fixture
def project(pytester, monkeypatch):
    """A folder with such a conftest file."""
    monkeypatch.setenv("CI", "true")  # its rehearsal ends with it
    pytester.makeconftest(ASKS)
    pytester.makepyfile(test_it=TESTS)
    return pytester


@pytest.mark.parametrize("options", [(), ("-n", "1")], ids=["plain", "a worker"])
def test_the_rehearsal_is_up_for_it(project, options):
    """Its clients are signed in from then on, those of the tests too; it is said to be started."""
    done = project.runpytest_subprocess("--databricks-env=rehearsal", *options)

    done.assert_outcomes(passed=1)
    done.stderr.fnmatch_lines("the rehearsal is up at https://*")


def test_for_other_files_nothing_is_started(project):
    """Tests ask when they need it."""
    project.makeconftest("import pytest\n\ndef pytest_configure(config):\n    pass\n")
    project.makepyfile(test_it="def test_it():\n    pass\n")

    done = project.runpytest_subprocess("--databricks-env=rehearsal")

    done.assert_outcomes(passed=1)
    done.stderr.no_fnmatch_line("*is up at*")
    done.stdout.no_fnmatch_line("*is up at*")
