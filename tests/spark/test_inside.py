"""``run_tests`` in a notebook's cell: on the notebook's own Spark, and red where anything is. The notebook runs whole here."""

from __future__ import annotations

import textwrap

import pytest

HEADER = "# Databricks notebook source\n"
CELL = "\n\n# COMMAND ----------\n\n"
RUN = 'import harness\nharness.run_tests("tests")'

GREEN = """
    def test_one(): assert 1 + 1 == 2
    """


@pytest.fixture
def notebook(tmp_path):
    """Write a notebook of these cells in a project with these tests; gives its path."""

    def write(*cells, name="n.py", **tests):
        path = tmp_path / name
        path.write_text(HEADER + CELL.join(textwrap.dedent(cell).strip("\n") for cell in cells) + "\n")
        (tmp_path / "tests").mkdir(exist_ok=True)
        for test, text in tests.items():
            (tmp_path / "tests" / f"{test}.py").write_text(textwrap.dedent(text).lstrip("\n"))
        return path

    return write


def all_files(folder):
    """Everything below a folder."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_the_sample_runs_from_top_to_bottom(run_notebook):
    """The notebook that people start with: its own cells, then its tests, on its own Spark."""
    run = run_notebook("sample_notebooks/unit_test_demo.py")  # the %pip of what is installed here

    assert run.passed, run.summary
    assert "11 passed in" in run.cells[24].text
    assert "in a notebook, on its own spark and dbutils" in run.cells[24].text
    assert "starting Spark" not in run.cells[24].text
    assert "using the warm" not in run.cells[24].text


def test_notebooks_are_imported_by_the_tests_of_any_project(pytester):
    """Whatever its settings say: the run works in a copy of the project, and the path has the project itself."""
    pytester.makefile(".toml", pyproject="[project]\nname = 'p'\nversion = '1'\n")
    pytester.mkdir("nbs").joinpath("tests").mkdir()
    (pytester.path / "nbs" / "demo.py").write_text(f"{HEADER}def f():\n    return 1{CELL}{RUN}\n")
    (pytester.path / "nbs" / "tests" / "test_demo.py").write_text(
        "from nbs.demo import f\n\ndef test_f():\n    assert f() == 1\n"
    )
    pytester.makepyfile(
        test_whole="""
        def test_whole(run_notebook):
            run = run_notebook('nbs/demo.py')
            assert run.passed, run.cells[1].text
        """
    )

    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "test_whole.py")

    result.assert_outcomes(passed=1)


def test_the_notebooks_own_spark_and_dbutils(run_notebook, notebook, uc):
    """The tests see its temporary view and its table, and no other engine starts; what they made is there after them."""
    uc.make_table(name="orders", columns="id int", rows=[(1,), (2,)])
    path = notebook(
        """
        dbutils.widgets.text("schema", "")
        spark.range(7).createOrReplaceTempView("mine")
        session = spark
        """,
        RUN,
        'assert spark is session and spark.table("made_inside").count() == 1 and spark.catalog.currentDatabase() == "default"',
        test_it="""
            import pytest
            from IPython import get_ipython

            def test_same_objects(spark, dbutils):
                assert spark is get_ipython().user_ns["session"]
                assert spark.table("mine").count() == 7
                spark.range(1).createOrReplaceTempView("made_inside")

            def test_tables(spark, uc):
                assert spark.sql("SELECT count(*) FROM SCHEMA.orders").first()[0] == 2
                uc.make_table(name="own", rows=[{"id": 1}])
                spark.sql(f"USE {uc.name}")

            @pytest.mark.nbh_widgets(schema="of_the_test")
            def test_widgets(dbutils):
                assert dbutils.widgets.get("schema") == "of_the_test"

            @pytest.mark.nbh_engine("classic")
            def test_mark(spark):
                assert spark is get_ipython().user_ns["session"]
            """.replace("SCHEMA", uc.name),
    )

    run = run_notebook(path, widgets={"schema": "of_the_notebook"})

    assert run.passed, run.summary
    assert "4 passed" in run.cells[1].text
    assert [name for name in run.cells[1].text.splitlines() if "engine" in name and "isolation" not in name] == []


def test_red_tests_fail_the_cell(run_notebook, notebook):
    """The error says which and why, so that a job's page shows it; what stands below is not run."""
    path = notebook(
        RUN,
        "raise SystemError",
        test_a="def test_good(): pass\ndef test_sums(): assert 1 + 1 == 3, 'sums'\n",
        test_b="import not_there\n",
    )

    run = run_notebook(path)

    assert run.outcome == "failed"
    assert "NBH380 the tests are red: " in run.error
    assert "tests/test_b.py: ModuleNotFoundError: No module named 'not_there'" in run.error
    assert [cell.outcome for cell in run.cells] == ["failed", "not_run"]

    (path.parent / "tests" / "test_b.py").unlink()
    run = run_notebook(path)

    assert run.outcome == "failed"
    assert "NBH380 the tests are red: 1 failed, 1 passed" in run.error
    assert "tests/test_a.py::test_sums: AssertionError: sums" in run.error
    assert 'one alone: harness.run_tests("tests/test_a.py::test_sums")' in run.error
    assert (run.location.cell, run.location.line) == (1, 3)
    assert "assert 1 + 1 == 3" in run.cells[0].text


def test_an_edited_file_is_tested_as_it_is_now(run_notebook, notebook, tmp_path):
    """Test, module and notebook, changed between two runs; what the notebook itself had imported stays its own."""
    path = notebook(
        """
        import os, pathlib, shutil, sys
        import harness

        # What lies beside a notebook is linked into the run's folder: these are its own, to be changed.
        for name in ("helper.py", "steps.py"):
            text = pathlib.Path(name).read_text()
            pathlib.Path(name).unlink()
            pathlib.Path(name).write_text(text)
        shutil.copytree("kept", "tests")
        sys.path.insert(0, os.getcwd())

        def change(name, old, new):
            text = pathlib.Path(name).read_text()
            assert old in text
            pathlib.Path(name).write_text(text.replace(old, new))

        import helper
        # Python takes a file for unchanged that has the size and the second of what it has compiled.
        change("helper.py", "return 0", "return 1  # edited")
        """,
        RUN,
        """
        change("helper.py", "return 1", "return 2  # again,")
        change("steps.py", "return 10", "return 20  # edited")
        change("tests/test_it.py", "(1, 10)", "(2, 20)")
        """,
        RUN,
        "assert helper.value() == 0 and sys.modules['helper'] is helper and not {'steps', 'test_it'} & {*sys.modules}",
        test_it="""
            import helper
            from steps import step

            def test_it(): assert (helper.value(), step()) == (1, 10)
            """,
    )
    (tmp_path / "helper.py").write_text("def value():\n    return 0\n")
    (tmp_path / "steps.py").write_text(f"{HEADER}def step():\n    return 10\n\n\nraise SystemError\n")
    (tmp_path / "tests").rename(tmp_path / "kept")

    run = run_notebook(path)

    assert run.passed, run.summary


def test_nothing_is_written_beside_the_notebook(run_notebook, notebook, tmp_path):
    """A workspace's folder may be read-only, and its files are in git: no caches, no compiled files, no coverage data."""
    path = notebook(
        "import sys\nsys.dont_write_bytecode = False",
        RUN,
        test_it="from helper import f\n\ndef test_it(tmp_path, cache): cache.set('a/b', 1); assert f() == 1\n",
    )
    (tmp_path / "helper.py").write_text("def f(): return 1\n")
    (tmp_path / "tests" / "conftest.py").write_text("")
    before = all_files(tmp_path)

    run = run_notebook(path)

    assert run.passed, run.summary
    assert all_files(tmp_path) == before


def test_pytest_itself_in_a_cell(run_notebook, notebook):
    """The way that many use today: the plugin takes the notebook's Spark there too."""
    path = notebook(
        "import pytest\nspark.range(3).createOrReplaceTempView('mine')",
        "assert pytest.main(['tests', '-p', 'no:cacheprovider']) == 0",
        test_it="def test_it(spark): assert spark.table('mine').count() == 3\n",
    )

    run = run_notebook(path)

    assert run.passed, run.summary
    assert "in a notebook, on its own spark" in run.cells[1].text


@pytest.mark.parametrize(
    ("call", "what"),
    [
        ("dbutils.notebook.exit('fine')", "dbutils.notebook.exit"),
        ("dbutils.library.restartPython()", "dbutils.library.restartPython"),
    ],
)
def test_what_would_end_the_notebook(run_notebook, notebook, call, what):
    """A test that exits would make the notebook's run a green one, with the failures before it forgotten."""
    path = notebook(
        RUN,
        test_it=f"def test_bad(): assert 0\ndef test_exit(dbutils): {call}\n",
    )

    run = run_notebook(path)

    assert run.outcome == "failed"
    assert "2 failed" in run.error
    assert f"NBH350 {what} is not served in a test that a notebook runs" in run.error


def test_a_notebook_that_runs_itself_by_its_tests(run_notebook, notebook):
    """Would never end; it is refused, on the first round."""
    path = notebook(RUN, test_it="def test_whole(run_notebook): run_notebook('n.py')\n")

    run = run_notebook(path, timeout_s=60)

    assert run.outcome == "failed"
    assert "NBH361 a notebook can't be run whole by tests that a notebook runs" in run.error


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ('"tests", "-n2"', "leave -n out"),
        ('"tests", "--nbh-engine", "classic"', "--nbh-engine has no effect in a notebook"),
        ('"tests", "--nbh-keep", "failed"', "--nbh-keep has no effect in a notebook"),
        ('"nowhere"', "file or directory not found: nowhere"),
        ('"tests", "--no-such-option"', "unrecognized arguments: --no-such-option"),
    ],
)
def test_arguments_that_cannot_be(run_notebook, notebook, arguments, told):
    """The cell fails with what pytest said, and no option is taken without an effect."""
    run = run_notebook(notebook(f"spark\nimport harness\nharness.run_tests({arguments})", test_it=GREEN))

    assert run.outcome == "failed"
    assert told in run.error


def test_uc_outside_our_engine_is_refused(run_notebook, notebook):
    """On a session that isn't ours nothing is made in catalogs that may be real."""
    path = notebook(
        """
        import harness

        class Foreign:  # a session of a runtime's: without our catalogs
            def __init__(self, spark): self._spark = spark
            def __getattr__(self, name): return getattr(self._spark, name)
            @property
            def conf(self): return self
            def get(self, name, default=None): return default

        harness.run_tests("tests", spark=Foreign(spark), dbutils=dbutils)
        """,
        test_it="def test_it(uc): pass\n",
    )

    run = run_notebook(path)

    assert run.outcome == "failed"
    assert "NBH320" in run.error


def test_the_head_says_which_runtime(run_notebook, notebook):
    """And that isolation is less: nobody takes it for what they have at their desk."""
    path = notebook(
        'import os\nos.environ["DATABRICKS_RUNTIME_VERSION"] = "18.1"\nspark',
        RUN,
        test_it=GREEN,
    )

    run = run_notebook(path)

    assert run.passed, run.summary
    assert "in a notebook, on its own spark and dbutils (Databricks Runtime 18.1)" in run.cells[1].text
    assert "isolation is less than on the tests' own engine" in run.cells[1].text


def test_printed_text_is_one_piece(run_notebook, notebook):
    """However the kernel sent it; a table shown in between stays between."""
    path = notebook("for part in 'abc':\n    print(part, end='', flush=True)\nprint()\ndisplay(1)\nprint('d')")

    run = run_notebook(path)

    assert run.cells[0].text == "abc\n1\nd\n"
    assert [output["output_type"] for output in run.cells[0].outputs] == ["stream", "display_data", "stream"]
