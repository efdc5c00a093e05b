"""Tests that live in notebooks: collected as items, never imported as plain modules."""

from __future__ import annotations

import pytest

CELLS = [
    "open('ran_' + 'top_level', 'w').write('x')",
    """
    import pytest


    @pytest.fixture
    def three():
        return 3


    def helper(x):
        return x
    """,
    """
    def test_fixture(three, six):
        assert helper(three) * 2 == six


    @pytest.mark.parametrize("n", [1, 2])
    def test_parametrized(n):
        assert n == 1


    @pytest.mark.skip(reason="not today")
    def test_marked():
        assert 0


    class TestC:
        def test_ok(self, three):
            assert three == 3
    """,
]
CONFTEST = "import pytest\n@pytest.fixture\ndef six(): return 6\n"


@pytest.fixture(params=["test_inside.py", "inside_test.py", "test_inside.ipynb", "inside_test.ipynb"])
def inside(request, project):
    """A notebook with tests under each name that pytest looks for."""
    project.write({request.param: CELLS, "conftest.py": CONFTEST})
    project.name = request.param
    return project


def test_items_are_as_in_a_module(inside):
    """Functions, classes, fixtures of the notebook and of a conftest, parametrize and marks; the top level isn't run."""
    result = inside.run("-v")

    result.assert_outcomes(passed=3, failed=1, skipped=1)
    result.stdout.fnmatch_lines_random(
        [
            f"{inside.name}::test_fixture PASSED*",
            f"{inside.name}::test_parametrized[[]1] PASSED*",
            f"{inside.name}::test_parametrized[[]2] FAILED*",
            f"{inside.name}::TestC::test_ok PASSED*",
            "E       assert 2 == 1",
        ]
    )
    assert not inside.exists("ran_*")


def test_items_run_on_workers(inside):
    """The same with two workers."""
    inside.run("-n", "2").assert_outcomes(passed=3, failed=1, skipped=1)

    assert not inside.exists("ran_*")


@pytest.mark.parametrize(
    ("arguments", "passed"),
    [(("-k", "ok"), 1), (("{}::TestC::test_ok",), 1), (("{}::test_parametrized[1]",), 1), (("{}",), 3)],
)
def test_items_are_chosen_as_ever(inside, arguments, passed):
    """-k, node ids and paths choose among a notebook's tests."""
    result = inside.run(*(argument.format(inside.name) for argument in arguments))

    assert result.parseoutcomes()["passed"] == passed


def test_collect_only_runs_nothing(inside):
    """--collect-only lists the items."""
    result = inside.run("--collect-only", "-q")

    result.stdout.fnmatch_lines([f"{inside.name}::TestC::test_ok"])
    assert not inside.exists("ran_*")


@pytest.mark.parametrize("name", ["test_none.py", "test_none.ipynb"])
def test_a_notebook_without_a_test_is_an_error(project, workers, name):
    """A notebook that matches python_files and holds no test is a collection error, in four parts."""
    project.write({name: ["open('ran_' + 'it', 'w')", "def helper(): pass\nclass TestEmpty:\n    x = 1"]})

    result = project.run(*workers)

    result.assert_outcomes(errors=1)
    assert result.ret != pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        [
            f"{name}:1*NBH110 the notebook matches python_files but holds no test",
            "  cause: no function or class of it matches test or Test, and none is a unittest.TestCase or a NutterFixture",
            "  mend:  rename the notebook, or add a test function",
        ]
    )
    assert not project.exists("ran_*")


def test_only_notebooks_named_as_tests_are_collected(project):
    """An .ipynb that matches no pattern of python_files isn't looked at; one named on the command line is."""
    project.write({"analysis.ipynb": ["def test_inside(): pass"], "test_a.py": "def test_a(): pass\n"})

    project.run().assert_outcomes(passed=1)
    project.run("analysis.ipynb").assert_outcomes(passed=1)


def test_python_files_may_have_other_patterns(project):
    """The user's own python_files and python_functions hold for notebooks of both formats."""
    project.pytester.makeini("[pytest]\npython_files = check_*.py nbs/*.py\npython_functions = check_*\n")
    project.write(
        {
            "check_a.py": ["def check_a(): pass"],
            "check_b.ipynb": ["def check_b(): pass"],
            "nbs/any.ipynb": ["def check_c(): pass"],
            "test_d.ipynb": ["def check_d(): assert 0"],
        }
    )

    project.run().assert_outcomes(passed=3)


@pytest.mark.parametrize("name", ["test_broken.py", "test_broken.ipynb"])
def test_a_broken_cell_is_a_failing_item(project, workers, name):
    """One broken cell costs only itself: the others' tests run, and it fails under its number."""
    project.write({name: ["def test_ok(): pass", "def test_lost(:\n    pass"]})

    result = project.run(*workers)

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*cell_2_is_broken*", f"{name}:* (cell 2, line 1): NBH102 the cell is not valid Python"])
    result.stdout.no_fnmatch_line("*raise self.error*")


def test_a_missing_run_target_is_a_failing_item(project):
    """What a %run would have brought may be tests: a target that isn't there fails."""
    project.write({"test_runs.py": ["# MAGIC %run ./helpers", "def test_ok(): pass"]})

    result = project.run()

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*NBH104 the %run target './helpers' isn't there"])


def test_tests_and_fixtures_come_through_run(project):
    """A test notebook that %runs another has its fixtures."""
    project.write(
        {
            "helpers.py": ["import pytest\n@pytest.fixture\ndef four(): return 4"],
            "test_runs.py": ["# MAGIC %run ./helpers", "def test_four(four): assert four == 4"],
        }
    )

    project.run().assert_outcomes(passed=1)


def test_an_unreadable_notebook_is_a_collection_error(project):
    """A torn .ipynb named as a test isn't skipped."""
    project.write({"test_torn.ipynb": '{"cells": [', "test_a.py": "def test_a(): pass\n"})

    result = project.run("--continue-on-collection-errors")

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["test_torn.ipynb:1: NBH100 the notebook is not valid JSON"])


def test_a_class_that_needs_a_test_to_exist_fails(project):
    """A test class whose body computes can't be collected: it fails with the reason instead of being left out."""
    project.write({"test_c.py": ["class TestC:\n    df = spark.range(3)\n    def test_it(self): pass", "def test_ok(): pass"]})

    result = project.run()

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*the test class TestC can't be collected"])


def test_unittest_classes_in_a_notebook(project):
    """A unittest.TestCase of a notebook is collected."""
    project.write({"test_u.py": ["import unittest", "class Checks(unittest.TestCase):\n    def test_it(self): self.fail()"]})

    project.run().assert_outcomes(failed=1)


def test_a_plain_test_file_is_left_to_pytest(project):
    """A test file without the notebook header is pytest's own, top level and all."""
    project.write({"test_plain.py": "open('ran_plain', 'w').close()\ndef test_a(): assert __name__ == 'test_plain'\n"})

    project.run().assert_outcomes(passed=1)
    assert project.exists("ran_plain")
