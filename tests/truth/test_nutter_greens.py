"""The rows of FALSE_GREENS about Nutter, each under pytest; for whole runs tests/spark/test_nutter_runs.py has them."""

from __future__ import annotations

import re

import pytest

HEAD = "# Databricks notebook source\nfrom runtime.nutterfixture import NutterFixture, tag\n\n# COMMAND ----------\n\n"
TAIL = "\n# COMMAND ----------\n\nresult = T().execute_tests()\nprint(result.to_string())\nresult.exit(dbutils)\n"


@pytest.fixture
def verdict(folder):
    """Run a notebook of one fixture, and give what pytest says and its exit code."""

    def run(methods, *arguments):
        lines = ["class T(NutterFixture):", *methods]
        (folder.path / "test_n.py").write_text(HEAD + "\n".join(lines) + "\n" + TAIL, encoding="utf-8")
        return folder.run("pytest", "-v", "-p", "no:cacheprovider", *arguments)

    return run


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["plain", "workers"])
def test_1_and_9_an_exception_in_before_all_is_the_error_of_each_case(verdict, workers):
    """The lie: the fixture is dropped, 0 cases and passed. Here: each case has the error, with its line."""
    said, code = verdict(
        [
            "    def before_all(self):",
            "        raise OSError('no data')",
            "    def assertion_a(self): pass",
            "    def assertion_b(self): pass",
        ],
        *workers,
    )

    assert code == pytest.ExitCode.TESTS_FAILED
    assert "2 errors" in said
    assert "passed" not in said.rpartition("\n=")[2]
    for case in "ab":
        assert f"ERROR at setup of T.{case}" in said
    assert said.count("test_n.py:8 (cell 2, line 3) in before_all") == 2
    assert "OSError: no data" in said
    assert "T.before_all failed, so none of its cases is run" in said


def test_2_a_misspelt_method_is_named(verdict):
    """The lie: nobody calls it, and the fixture passes. Here: it fails, and says what it looks like."""
    said, code = verdict(
        ["    def assertoin_a(self): assert 0", "    def before_al(self): pass", "    def assertion_b(self): pass"]
    )

    assert code == pytest.ExitCode.TESTS_FAILED
    assert "2 failed, 1 passed" in said
    assert re.search(r"test_n.py:7 \(cell 2, line 2\): NBH116 T.assertoin_a matches no role, and nothing calls it", said)
    assert "did you mean assertion_a?" in said
    assert re.search(r"test_n.py:8 \(cell 2, line 3\): NBH116 the case 'al' of T has no assertion", said)
    assert "did you mean before_all?" in said


def test_2_a_fixture_without_a_case_is_no_success(verdict):
    """The lie: an empty fixture passes. Here: it fails."""
    said, code = verdict(["    def helper(self): pass"])

    assert code == pytest.ExitCode.TESTS_FAILED
    assert "test_n.py:6 (cell 2, line 1): NBH116 the fixture T holds no case" in said


def test_2_a_case_without_an_assertion_is_no_success(verdict):
    """The lie: something ran, so it passed. Here: nothing was checked, so it fails, and names the method."""
    said, code = verdict(["    def run_a(self): pass", "    def assertion_b(self): pass"])

    assert code == pytest.ExitCode.TESTS_FAILED
    assert "test_n.py::T::a FAILED" in said
    assert "test_n.py:7 (cell 2, line 2): NBH116 the case 'a' of T has no assertion" in said


def test_3_what_comes_after_always_runs(verdict, folder):
    """The lie: after_x is left out where the assertion failed. Here: it runs, and after_all; their failures are told."""
    said, code = verdict(
        [
            "    def assertion_a(self): assert 0",
            "    def after_a(self): open('after_a', 'w').close()",
            "    def assertion_b(self): pass",
            "    def after_b(self): raise OSError('not cleaned up')",
            "    def after_all(self): open('after_all', 'w').close()",
        ]
    )

    assert code == pytest.ExitCode.TESTS_FAILED
    assert "1 failed, 1 passed, 1 error" in said
    assert "ERROR at teardown of T.b" in said
    assert "test_n.py:10 (cell 2, line 5) in after_b" in said
    assert folder.exists("after_a")
    assert folder.exists("after_all")


def test_3_after_all_runs_where_before_all_failed(verdict, folder):
    """The lie: what before_all made is left behind. Here: after_all runs, and its own failure is told too."""
    said, _ = verdict(
        [
            "    def before_all(self): raise OSError('no data')",
            "    def assertion_a(self): pass",
            "    def after_all(self): open('after_all', 'w').close(); raise KeyError('gone')",
        ]
    )

    assert folder.exists("after_all")
    assert "ERROR at setup of T.a" in said
    assert "ERROR at teardown of T.a" in said
    assert "KeyError: 'gone'" in said


def test_42_what_calling_does_not_run_is_no_case(verdict):
    """The lie: an async method, or one with yield, is called and passes. Here: it fails, and says so."""
    said, code = verdict(
        [
            "    async def assertion_a(self): assert 0",
            "    def assertion_b(self): yield; assert 0",
            "    def assertion_c(self): pass",
        ]
    )

    assert code == pytest.ExitCode.TESTS_FAILED
    assert "2 failed, 1 passed" in said
    assert "T.assertion_a is async, so that calling it runs nothing" in said
    assert "T.assertion_b is a generator" in said


def test_43_what_a_second_definition_replaces_is_told(verdict):
    """The lie: the first of two methods of a name is gone without a word. Here: it fails, and names the line."""
    said, code = verdict(["    def assertion_a(self): assert 0", "    def assertion_a(self): pass"])

    assert code == pytest.ExitCode.TESTS_FAILED
    assert "1 failed, 1 passed" in said
    assert "T.assertion_a is defined twice" in said
    assert "the first one, on line 7, is lost" in said
