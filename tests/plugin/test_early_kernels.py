"""The parent of kernels that the controller of workers begins before there are any."""

from __future__ import annotations

import json

import pytest

psutil = pytest.importorskip("psutil", reason="processes are looked at with psutil (the extra `local`)")
pytest.importorskip("nbclient", reason="kernels need Jupyter's packages (the extra `local`)")

# Above a kernel there is the parent that forked it, and above one that a worker was lent that which it is a fork of: all of one
# command, which names the process that began it.
WHO = """# Databricks notebook source
import json, psutil
above = [one for one in psutil.Process().parents() if "harness.execute.parent" in one.cmdline()]
dbutils.notebook.exit(json.dumps([above[0].pid, above[-1].pid, int(above[-1].cmdline()[4])]))
"""
TESTS = """
import json, os, pytest

@pytest.mark.parametrize("number", range(2))
def test_who(number, run_notebook):
    run = run_notebook("who.py")
    assert run.passed
    with open(f"told{number}.json", "w") as file:
        json.dump([*run.exit_json(), os.getpid(), os.getppid()], file)
"""


@pytest.fixture
def project(pytester):
    """Two tests that each run a notebook which tells where it comes from."""
    pytester.makepyprojecttoml("[tool.pytest.ini_options]")
    pytester.path.joinpath("who.py").write_text(WHO)
    pytester.makepyfile(test_it=TESTS)
    return pytester


def told(project, *options):
    """What each test found: the parent of its kernel, the first above, who began that, its worker, the controller."""
    project.runpytest_subprocess("-n", "2", *options).assert_outcomes(passed=2)
    return [json.loads(project.path.joinpath(f"told{number}.json").read_text()) for number in range(2)]


def test_all_workers_are_lent_forks_of_the_controllers(project):
    """It got warm while they started."""
    found = told(project)
    assert all(lent != first for lent, first, *_ in found)
    assert len({first for _, first, *_ in found}) == 1
    assert all(begun_by == controller for *_, begun_by, _, controller in found)
    assert not psutil.pid_exists(found[0][1])


@pytest.mark.parametrize("why", ["chosen by -k", "not in a test file"])
def test_where_nothing_says_that_notebooks_will_run_a_worker_begins(project, why):
    """What is guessed wrong costs time, and nothing else."""
    options = ["-k", "who"]
    if why == "not in a test file":
        options = ["-p", "helping"]
        helping = "import pytest\n\n@pytest.fixture\ndef whole(run_notebook):\n    return run_notebook\n"
        project.makepyfile(helping=helping, test_it=TESTS.replace("run_notebook", "whole"))
        project.syspathinsert()
    found = told(project, *options)
    assert {begun_by for *_, begun_by, _, _ in found} <= {worker for *_, worker, _ in found}
