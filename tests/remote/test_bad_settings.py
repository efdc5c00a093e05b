"""What an environment's settings may have wrong, or a notebook too large: each told with its mend, on the rehearsal."""

from __future__ import annotations

import pytest

NOTEBOOK = """# Databricks notebook source
dbutils.widgets.text("n", "1")
dbutils.notebook.exit("ü" * int(dbutils.widgets.get("n")))
"""
TESTS = """
import pytest

@pytest.mark.parametrize("length", [3, 6_000_000])
def test_exit(run_notebook, length):
    run = run_notebook("../Größe und Zeit/maß nehmen.py", widgets={"n": str(length)})
    assert run.exit_value == "ü" * length, run.error

def test_table(uc):
    uc.make_table(name="t", rows=[{"id": 1}])
"""


@pytest.fixture
def run(pytester):
    """Run the tests with an environment's table; gives the result."""
    (pytester.path / "Größe und Zeit").mkdir()
    (pytester.path / "Größe und Zeit" / "maß nehmen.py").write_text(NOTEBOOK, encoding="utf-8")
    (pytester.path / "tests").mkdir()
    (pytester.path / "tests" / "test_it.py").write_text(TESTS, encoding="utf-8")

    def made(table):
        pytester.makepyprojecttoml(f"[tool.nbh.env.rehearsal]\n{table}\n")
        return pytester.runpytest_subprocess("--databricks-env=rehearsal", "-p", "no:cacheprovider")

    return made


def test_a_catalog_that_is_not_there(run):
    """Notebooks run, and what needs the catalog names it; an exit value that the API cuts is lost, and no other value."""
    result = run('catalog = "mein"\ncompute = { serverless = true }')

    result.assert_outcomes(passed=1, failed=1, errors=1)
    result.stdout.fnmatch_lines(
        [
            "*NBH323 there is no catalog 'mein' to make the schema in*",
            '*mend: *correct `catalog` of the run\'s environment*did you mean "main"?*',
        ]
    )
    result.stdout.fnmatch_lines(["*NBH391 the workspace gave only the beginning of the exit value*"])


def test_a_cluster_that_is_not_there(run):
    """Nothing is tried on it."""
    result = run('catalog = "main"\ncompute = { cluster_id = "0000-000000-nothere0" }')

    result.assert_outcomes(failed=2, errors=1)
    result.stdout.fnmatch_lines(["*NBH343 the cluster '0000-000000-nothere0' isn't there*", "*correct cluster_id of the env*"])
