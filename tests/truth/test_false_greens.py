"""One test for each row of FALSE_GREENS that this part of the project touches, named by the row's number."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from importlib.util import find_spec

import pytest

ETL = """
    # Databricks notebook source
    open("ran_" + "top_level", "w").write("x")

    # COMMAND ----------

    RATE = 3
    env = dbutils.widgets.get("env")

    def rate():
        return RATE

    def where():
        return env

    # COMMAND ----------

    frame = spark.table("a.b")
    display(frame)
    """


def jupyter(*cells):
    """Give the cells as a Jupyter notebook."""
    made = [{"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": [cell]} for cell in cells]
    return json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=1)


@pytest.mark.parametrize(
    "test", ["def check(): pass", "import pytest\n\n@pytest.mark.skip\ndef test_a(): pass"], ids=["none", "skipped"]
)
def test_07_no_test_is_no_success(folder, test):
    """The lie: zero tests, passed. Here: the cell that ran them fails, also where pytest's own code is 0."""
    folder.write({"tests/test_a.py": test, "cell.py": "import harness\nharness.run_tests('tests')\n"})

    said, code = folder.run("cell")

    assert code == 1
    assert "NBH381 no test was run" in said


def test_10_every_option_has_an_effect(folder):
    """The lie: an option is accepted and ignored. Here: a value we can't honour ends the run.

    What the others do on Spark, tests/spark shows: test_workers.py for the engine, test_keep.py for what is kept,
    test_pip_and_shell.py for what a notebook is allowed; tests/remote/test_poller.py for how many run at once.
    """
    folder.write({"test_a.py": "def test_a(): pass\n"})

    told, _ = folder.run("pytest", "--help")
    ours = told.partition("databricks notebooks:")[2].partition("\n\n")[0]
    assert re.findall(r"^  (--[a-z-]+)", ours, re.MULTILINE) == [
        "--databricks-env",
        "--nbh-concurrency",
        "--nbh-engine",
        "--nbh-keep",
        "--nbh-allow",
    ]

    said, code = folder.run("pytest", "--databricks-env", "pps")
    assert code == pytest.ExitCode.USAGE_ERROR
    assert 'unknown environment "pps"' in said
    for option in ("--nbh-engine", "--nbh-keep", "--nbh-allow"):
        said, code = folder.run("pytest", option, "other")
        assert code == pytest.ExitCode.USAGE_ERROR
        assert "invalid choice: 'other'" in said
    assert "invalid int value: 'many'" in folder.run("pytest", "--nbh-concurrency", "many")[0]


@pytest.mark.parametrize(
    "command", [("pytest", "--cov=nbs"), ("coverage", "run", "--source=nbs", "-m", "pytest")], ids=" ".join
)
def test_11_a_notebook_that_was_not_read_is_not_covered(folder, command):
    """The lie: JSON parses as Python, "1 statement, 100 %". Here: the cells' lines are counted, or it is left out, loudly."""
    folder.write(
        {"nbs/model.ipynb": jupyter("def f(x):\n    return x\n"), "test_it.py": "from nbs.model import f\ndef test_a(): pass\n"}
    )

    said, _ = folder.run(*command)
    later, code = folder.run("coverage", "report")

    row = re.search(r"^nbs/model.ipynb +(\d+) +(\d+) +(\d+)%", said.replace("\\", "/"), re.MULTILINE)
    if command[0] == "pytest":
        assert row
        assert row.groups() == ("2", "1", "50")
    else:
        assert not row
        assert "nbs/model.ipynb: left out" in said
    assert code in {0, 1}  # 1: "No data to report."
    assert "Traceback" not in later
    assert "ipynb" not in later


def test_14_each_cell_is_a_unit_or_named(folder):
    """The lie: %sql cells are ignored without a word. Here: what can't be run says so, with language and place."""
    folder.write(
        {
            "nb.py": """
                # Databricks notebook source
                # DBTITLE 1,Load
                # MAGIC %sql
                # MAGIC create table t as select 1

                # COMMAND ----------

                # DBTITLE 1,Broken
                def f(:
                """,
            "test_it.py": """
                def test_sql(notebook): notebook("nb.py").cell("Load").execute()
                def test_broken(notebook): notebook("nb.py").cell("Broken").execute()
                """,
            "test_nb.py": """
                # Databricks notebook source
                def test_ok(): pass

                # COMMAND ----------

                def test_lost(:
                """,
        }
    )

    said, code = folder.run("pytest")

    assert code == pytest.ExitCode.TESTS_FAILED
    assert "3 failed, 1 passed" in said
    assert re.search(r"nb.py:3 \(cell 1\): NBH\d+ a sql cell can't be run by itself", said)
    assert "nb.py:9 (cell 2, line 1): NBH102 the cell is not valid Python" in said
    assert "test_nb.py::cell_2_is_broken" in said


def test_23_what_replaced_the_thing_under_test_is_listed(folder):
    """The lie: a value by hand replaced what was to be tested. Here: it stands with the test's result, failed or passed."""
    folder.write(
        {
            "etl.py": ETL,
            "test_it.py": """
                import etl

                def test_patched(monkeypatch):
                    monkeypatch.setattr(etl, "RATE", 5)
                    assert etl.rate() == 5

                def test_given(notebook):
                    assert notebook("etl.py", values={"RATE": 7}).rate() == 8

                def test_own(): assert etl.rate() == 3
                """,
        }
    )

    said, _ = folder.run("pytest", "--junitxml=results.xml")

    cases = ET.parse(folder.path / "results.xml").iter("testcase")
    given = {case.get("name"): [(p.get("name"), p.get("value")) for p in case.iter("property")] for case in cases}
    told = [("nbh_values_given", "etl.py: RATE")]
    assert given == {"test_patched": told, "test_given": told, "test_own": []}
    assert "notebook values given by the test" in said


@pytest.mark.skipif(find_spec("pyspark") is None, reason="needs the extra local")
def test_25_an_empty_table_proves_nothing(folder):
    """The lie: no row, so no row is wrong. Here: refused, compared or kept, unless the test expects it."""
    folder.write(
        {
            "test_it.py": """
                import pytest
                from harness import assert_table_equal

                @pytest.fixture
                def gold(spark):
                    return spark.createDataFrame([(1, "high")], "id int, risk string").where("risk = 'hgih'")

                def test_compared(gold, spark): assert_table_equal(gold, spark.createDataFrame([], gold.schema), key="id")
                def test_rows(gold): assert_table_equal(gold, [])
                def test_kept(gold, table_snapshot): assert gold == table_snapshot
                def test_expected(gold): assert_table_equal(gold, [], empty_ok=True)
                """,
        }
    )

    said, code = folder.run("pytest", "--snapshot-update")

    assert code == pytest.ExitCode.TESTS_FAILED
    assert "3 failed, 1 passed" in said
    assert said.count("NBH370") >= 3
    assert not folder.exists("*.table.txt")


@pytest.mark.skipif(find_spec("pyspark") is None, reason="needs the extra local")
def test_34_spark_workers_never_run_the_notebook(folder):
    """The lie: a UDF makes the worker import the notebook and run its top level. Here: functions travel by value."""
    folder.write(
        {
            "etl.py": """
                # Databricks notebook source
                import os
                open(f"ran_top_level_{os.getpid()}", "w").write("x")

                # COMMAND ----------

                FACTOR = 3

                def times(n):
                    return FACTOR * n
                """,
            "test_it.py": """
                from pyspark.sql.functions import udf
                from chispa import assert_df_equality
                from pyspark.testing import assertDataFrameEqual
                import pytest
                from etl import times

                def test_udf(spark):
                    made = spark.range(4).select(udf(times, "long")("id").alias("n"))
                    assert [row.n for row in made.collect()] == [0, 3, 6, 9]

                def test_chispa(spark):
                    made = spark.createDataFrame([(times(1),)], "n long")
                    assert_df_equality(made, spark.createDataFrame([(3,)], "n long"))
                    with pytest.raises(Exception, match="(?s)3.*4"):
                        assert_df_equality(made, spark.createDataFrame([(4,)], "n long"))

                def test_pyspark_testing(spark):
                    made = spark.createDataFrame([(times(1),)], "n long")
                    assertDataFrameEqual(made, spark.createDataFrame([(3,)], "n long"))
                    with pytest.raises(AssertionError, match="DIFFERENT_ROWS"):
                        assertDataFrameEqual(made, spark.createDataFrame([(4,)], "n long"))
                """,
        }
    )

    said, code = folder.run("pytest")

    assert code == 0, said
    assert "3 passed" in said
    assert not folder.exists("ran_*")


def test_36_held_back_lines_stand_beside_the_percentage(folder):
    """The lie: held-back lines are left out, so a body that never ran is 100 %. Here: they are counted beside it, or missed."""
    folder.write(
        {
            "nbs/etl.py": ETL,
            "nbs/body.py": "# Databricks notebook source\nframe = spark.table('a.b')\ndisplay(frame)\n",
            "test_it.py": "from nbs.etl import rate, where\ndef test_rate(): assert rate() == 3\n",
        }
    )

    said, _ = folder.run("pytest", "--cov=nbs", "--cov-report=term-missing")

    assert re.search(r"^nbs.body.py +2 +2 +0% +2-3$", said, re.MULTILINE)
    assert re.search(r"^nbs.etl.py +5 +1 +80% +13$", said, re.MULTILINE)
    assert "held back: 4 lines, 0 run; they are not counted" in said


def test_36_lines_that_a_cell_ran_are_told(folder):
    """The lie: lines are said never to run which a test did run, by a cell. Here: the number that ran stands beside them."""
    folder.write(
        {
            "nbs/etl.py": "# Databricks notebook source\nA = 1\n\n# COMMAND ----------\n\nb = str(A)\nc = b + b\nprint(c)\n",
            "test_it.py": "def test_cell(notebook): assert notebook('nbs/etl.py').cell(2).execute().c == '11'\n",
        }
    )

    said, _ = folder.run("pytest", "--cov=nbs", "--cov-report=term-missing")

    assert "held back: 2 lines, 2 run; they are not counted" in said


def test_37_nothing_leaks_from_one_test_into_the_next(folder):
    """The lie: a value computed for one test serves the next. Here: it is computed inside each, and forgotten at its end."""
    tests = """
        import pytest
        import etl

        @pytest.mark.nbh_widgets(env="one")
        def test_one(): assert etl.where() == etl.env == "one"

        def test_none():
            with pytest.raises(Exception, match="no widget"):
                etl.where()

        @pytest.mark.nbh_widgets(env="two")
        def test_two(): assert etl.where() == etl.env == "two"
        """
    folder.write({"etl.py": ETL, "test_it.py": tests})

    for order in (["one", "none", "two"], ["two", "none", "one"]):
        said, code = folder.run("pytest", *(f"test_it.py::test_{name}" for name in order))
        assert code == 0, said


@pytest.mark.skipif(find_spec("pyspark") is None, reason="needs the extra local")
def test_50_values_that_only_look_alike(folder):
    """The lie: what is expected is bent until it fits the column. Here: it differs, and both values are shown."""
    folder.write(
        {
            "test_it.py": """
                import pytest
                from harness import assert_table_equal

                @pytest.mark.parametrize(("column", "expected"), [
                    ("'5'", 5), ("true", 1), ("1", True), ("CAST(1.00 AS decimal(6,2))", "1.005"),
                    ("CAST('NaN' AS double)", None),
                    ("TIMESTAMP'2026-10-25 00:30:00+00:00'", "2026-10-25 01:30:00+00:00"),
                ])
                def test_value(spark, column, expected):
                    with pytest.raises(AssertionError, match="1 changed"):
                        assert_table_equal(spark.sql(f"SELECT 1 AS id, {column} AS v"), [(1, expected)], key="id")
                """,
        }
    )

    said, code = folder.run("pytest")

    assert code == 0, said
    assert "6 passed" in said


def test_51_a_failure_is_not_approved_by_an_update(folder):
    """The lie: a red run is written down, and is what is expected from then on. Here: it is refused."""
    folder.write(
        {
            "test_it.py": """
                from harness import NotebookRun

                def test_red(run_snapshot): assert NotebookRun("a.py", "failed", error="ValueError") == run_snapshot
                """,
        }
    )

    said, code = folder.run("pytest", "--snapshot-update")

    assert code == pytest.ExitCode.TESTS_FAILED
    assert "NBH373 a red run was to be kept as a snapshot" in said
    assert not folder.exists("*.run.txt")


@pytest.mark.skipif(find_spec("ipykernel") is None, reason="needs the extra local")
def test_52_a_test_cannot_end_the_notebook_that_runs_it(folder):
    """The lie: a test exits, and the notebook ends well. Here: the exit is refused, and the failure before it is told."""
    folder.write(
        {
            "run_them.py": "# Databricks notebook source\nimport harness\nharness.run_tests('tests')\n",
            "tests/test_a.py": """
                def test_bad(): assert 1 == 2
                def test_exit(dbutils): dbutils.notebook.exit("all is well")
                """,
            "test_it.py": """
                def test_it(run_notebook):
                    run = run_notebook("run_them.py")
                    assert (run.outcome, run.exit_value) == ("failed", None)
                    assert "2 failed" in run.error
                """,
        }
    )

    said, code = folder.run("pytest", "test_it.py")

    assert code == 0, said


def test_53_what_is_tested_is_what_is_in_the_file(folder):
    """The lie: the module was imported before it was edited, and its old text is tested. Here: each run imports it anew."""
    folder.write(
        {
            "steps.py": "def step(): return 1\n",
            "tests/test_a.py": "from steps import step\ndef test_a(): assert step() == 1\n",
            "cell.py": """
                import pathlib
                import harness

                print(harness.run_tests("tests"))
                pathlib.Path("steps.py").write_text("def step(): return 22\\n")
                harness.run_tests("tests")
                """,
        }
    )

    said, code = folder.run("cell")

    assert code == 1
    assert "<tests: 1 passed" in said
    assert "tests/test_a.py::test_a: assert 22 == 1" in said


def test_90_each_notebook_has_the_modules_of_its_own_folder(folder):
    """The lie: Python knows `utils` by its name alone, and the second notebook is tested with the first one's."""
    for place, rate in (("north", 1), ("south", 2)):
        folder.write(
            {
                f"{place}/etl.py": """
                    # Databricks notebook source
                    from utils import rate

                    # COMMAND ----------

                    def price(x):
                        return x * rate()
                    """,
                f"{place}/utils.py": f"def rate(): return {rate}\n",
                f"tests/test_{place}.py": f"from {place}.etl import price\n\ndef test_it(): assert price(3) == 3\n",
            }
        )

    said, code = folder.run("pytest")

    assert code == pytest.ExitCode.TESTS_FAILED
    assert "1 failed, 1 passed" in said
    assert "FAILED tests/test_south.py::test_it - assert 6 == 3" in said


def test_100_what_a_test_sets_around_it_is_gone_with_it(folder):
    """The lie: one test's environment decides what the next one tests. Here: each works its values out anew."""
    folder.write(
        {
            "etl.py": """
                # Databricks notebook source
                import os

                is_prod = os.environ.get("NBH_STAGE") == "prd"

                def target():
                    return "prd.sales" if is_prod else "dev.sales"
                """,
            "test_it.py": """
                import etl

                def test_on_prod(monkeypatch):
                    monkeypatch.setenv("NBH_STAGE", "prd")
                    assert etl.target() == "prd.sales"

                def test_elsewhere():
                    assert etl.target() == "prd.sales"
                """,
        }
    )

    said, code = folder.run("pytest")

    assert code == pytest.ExitCode.TESTS_FAILED
    assert "FAILED test_it.py::test_elsewhere" in said


@pytest.mark.skipif(find_spec("pyspark") is None, reason="needs the extra local")
def test_115_what_a_test_gives_to_spark_is_gone_with_it(folder):
    """The lie: a test passes by what an earlier one registered; alone, or on a workspace, it fails."""
    folder.write(
        {
            "test_it.py": """
                from pyspark.sql.datasource import DataSource

                class Orders(DataSource):
                    @classmethod
                    def name(cls):
                        return "orders"

                    def schema(self):
                        return "n int"

                def test_that_registers_it(spark):
                    spark.dataSource.register(Orders)
                    assert spark.read.format("orders").load().columns == ["n"]

                def test_that_relies_on_it(spark):
                    assert spark.read.format("orders").load().columns == ["n"]
                """
        }
    )

    said, _ = folder.run("pytest", "-p", "no:cacheprovider", "test_it.py")

    assert "1 failed, 1 passed" in said, said
    assert "DATA_SOURCE_NOT_FOUND" in said


@pytest.mark.skipif(find_spec("pyspark") is None, reason="needs the extra local")
def test_116_no_call_gets_the_answer_of_one_that_was_interrupted(folder):
    """The lie: on the classic engine a test takes the late answer of the one before it, which timed out, for its own."""
    folder.write(
        {
            "test_it.py": """
                import signal

                import pytest

                def time_out_after(seconds):
                    # As pytest-timeout does it.
                    signal.signal(signal.SIGALRM, lambda *_: pytest.fail("Timeout"))
                    signal.setitimer(signal.ITIMER_REAL, seconds)

                def test_that_never_ends(spark):
                    time_out_after(1.5)
                    spark.range(0, 10**15, 1, 4).selectExpr("id % 7 k").groupBy("k").count().collect()

                def test_that_is_late(spark):
                    time_out_after(0.5)
                    spark._jvm.java.lang.Thread.sleep(3000)

                def test_after_both(spark):
                    assert spark._jvm.java.lang.Math.abs(-3) == 3
                    assert spark.range(3).count() == 3
                """
        }
    )

    said, _ = folder.run("pytest", "-p", "no:cacheprovider", "--nbh-engine", "classic", "test_it.py")

    assert "2 failed, 1 passed" in said, said
    assert said.count("Failed: Timeout") >= 2
