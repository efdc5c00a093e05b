"""Nutter's fixtures with Spark: tables that cases share, and notebooks that run their fixtures by themselves."""

from __future__ import annotations

import json
import textwrap

import pytest

HEADER = "# Databricks notebook source\n"
CELL = "\n\n# COMMAND ----------\n\n"
IMPORT = "from runtime.nutterfixture import NutterFixture, tag"
EXIT = "result = T().execute_tests()\nprint(result.to_string())\nresult.exit(dbutils)"


@pytest.fixture
def notebook(tmp_path):
    """Write a notebook of these cells; gives its path."""

    def write(*cells, name="n.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEADER + CELL.join(textwrap.dedent(cell).strip("\n") for cell in cells) + "\n")
        return path

    return write


def fixture(*methods, name="T", bases="NutterFixture"):
    """The text of a fixture's class."""
    return f"class {name}({bases}):\n" + "\n".join(f"    {line}" for method in methods for line in method.splitlines())


def test_cases_that_pass_leave_the_run_green(run_notebook, notebook):
    """It exits with the results, in JSON."""
    path = notebook(IMPORT, fixture("def run_a(self): self.v = 1", "def assertion_a(self): assert self.v == 1"), EXIT)

    run = run_notebook(path)

    assert (run.outcome, run.passed) == ("exited", True)
    told = run.exit_json()
    assert told["passed"]
    assert [(case["fixture"], case["case"], case["passed"]) for case in told["cases"]] == [("T", "a", True)]


@pytest.mark.parametrize("end", [EXIT, EXIT.rpartition("\n")[0], "T().execute_tests()"], ids=["exit", "print", "nothing"])
def test_5_a_case_that_fails_makes_the_run_red(run_notebook, notebook, end):
    """The lie: the notebook exits, so it is green. Here: whatever it does with the result, at the line that failed."""
    path = notebook(IMPORT, fixture("def assertion_a(self): pass", "def assertion_b(self):\n    assert 1 == 2"), end)

    run = run_notebook(path)

    assert (run.outcome, run.passed) == ("failed", False)
    assert (run.location.line, run.location.cell) == (9, 2)
    assert run.error.startswith("1 of 2 Nutter cases failed: T.b (")
    assert [cell.outcome for cell in run.cells] == ["passed", "passed", "failed"]
    if end is EXIT:
        assert [case["passed"] for case in json.loads(run.exit_value)["cases"]] == [True, False]


def test_1_the_parallel_runner_drops_no_fixture(run_notebook, notebook):
    """The lie: a fixture whose before_all raised is dropped. Here: the run is red, and says so; others have run."""
    notebook(
        IMPORT,
        fixture("def before_all(self): raise OSError('no data')", "def assertion_a(self): pass", name="A"),
        fixture("def assertion_b(self): pass", name="B"),
        name="fixtures.py",
    )
    path = notebook(
        "# MAGIC %run ./fixtures",
        """
        from runtime.runner import NutterFixtureParallelRunner
        runner = NutterFixtureParallelRunner(num_of_workers=2)
        runner.add_test_fixture(A())
        runner.add_test_fixture(B())
        result = runner.execute()
        print(result.to_string())
        """,
        "result.exit(dbutils)",
    )

    run = run_notebook(path)

    assert run.outcome == "failed"
    assert "A.all cases (" in run.error
    assert "OSError: no data" in run.error
    assert run.location.path.endswith("fixtures.py")
    assert "passed  B.b" in run.cells[1].text
    assert [(case["fixture"], case["passed"]) for case in run.exit_json()["cases"]] == [("A", False), ("B", True)]


def test_2_what_cannot_be_a_case_makes_the_run_red(run_notebook, notebook):
    """The lie: a misspelt method is never called. Here: the run fails, at its line."""
    run = run_notebook(notebook(IMPORT, fixture("def assertoin_a(self): pass", "def assertion_b(self): pass"), EXIT))

    assert run.outcome == "failed"
    assert "T.assertoin_a" in run.error
    assert "matches no role" in run.error
    assert (run.location.line, run.location.cell) == (7, 2)


def test_2_an_empty_fixture_makes_the_run_red(run_notebook, notebook):
    """The lie: nothing was run, so nothing failed."""
    run = run_notebook(notebook(IMPORT, fixture("pass"), EXIT))

    assert run.outcome == "failed"
    assert "the fixture T holds no case" in run.error


def test_3_and_9_before_all_ends_the_notebook_after_after_all(run_notebook, notebook):
    """The lie: what before_all made stays. Here: after_all is called, then the notebook fails, as on Databricks."""
    methods = (
        "def before_all(self): raise OSError('no data')",
        "def after_all(self): print('cleaned')",
        "def assertion_a(self): pass",
    )

    run = run_notebook(notebook(IMPORT, fixture(*methods), EXIT, "print('never')"))

    assert (run.outcome, run.location.line) == ("failed", 7)
    assert "OSError: no data" in run.error
    assert "cleaned" in run.cells[2].text
    assert run.cells[3].outcome == "not_run"


def test_17_an_exit_inside_a_case_is_not_green(run_notebook, notebook):
    """The lie: the notebook exits before its assertion, and is green. Here: the case failed."""
    run = run_notebook(
        notebook(IMPORT, fixture("def run_a(self): dbutils.notebook.exit('early')", "def assertion_a(self): pass"), EXIT)
    )

    assert (run.outcome, run.exit_value) == ("failed", "early")
    assert "T.a" in run.error


def test_what_cannot_run_here_is_told_apart(run_notebook, notebook):
    """A case that fails by a call that isn't served says nothing about the notebook."""
    run = run_notebook(notebook(IMPORT, fixture("def assertion_a(self): dbutils.nothing_of_that_name()"), EXIT))

    assert run.outcome == "unsupported"
    assert "T.a" in run.error


@pytest.fixture
def engine(request):
    """This run's engine; had before pytester, which lets go of all that is imported after it."""
    request.getfixturevalue("spark")


CASES = [
    IMPORT,
    fixture(
        'def before_all(self): spark.sql("CREATE TABLE made_first AS SELECT 1 AS id")',
        'def run_a(self): spark.range(3).createOrReplaceTempView("three")',
        "def assertion_a(self): assert spark.table('three').count() == 3",
        "def assertion_b(self): assert spark.table('three').count() == 3",
        "def run_c(self): spark.sql('INSERT INTO made_first VALUES (2)')",
        "def assertion_c(self): assert spark.table('made_first').count() == 2",
        "def assertion_d(self): assert spark.table('made_first').count() == 2",
        "def after_all(self): assert spark.table('three').count() == 3",
    ),
    fixture(
        "def assertion_a(self): assert not spark.catalog.tableExists('made_first')",
        "def assertion_b(self): assert not spark.catalog.tableExists('three')",
        name="U",
    ),
    EXIT,
]


@pytest.mark.parametrize("arguments", [(), ("--nbh-engine", "classic")], ids=["connect", "classic"])
@pytest.mark.usefixtures("engine")
def test_tables_are_there_for_the_next_case_and_gone_after_the_class(pytester, arguments):
    """What a case or before_all made stays until after_all has run; the next fixture finds nothing of it."""
    path = pytester.path / "test_n.py"
    path.write_text(HEADER + CELL.join(CASES) + "\n")

    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", *arguments)

    result.assert_outcomes(passed=6)


@pytest.mark.usefixtures("engine")
def test_the_same_notebook_run_whole_is_green(run_notebook, tmp_path):
    """Its cases see the tables that they make."""
    path = tmp_path / "n.py"
    path.write_text(HEADER + CELL.join(CASES) + "\n")

    run = run_notebook(path)

    assert (run.outcome, len(run.exit_json()["cases"])) == ("exited", 4)
