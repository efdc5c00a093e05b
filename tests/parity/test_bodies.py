"""What must be the same wherever it runs: on this machine, on the rehearsal, and on a real workspace.

``docs/real-workspace.md`` tells how to run these on one. Nothing in them may know where it is.
"""

from __future__ import annotations

import parity_prices
import pytest
from parity_prices import raised

NOTEBOOKS = "tests/parity/notebooks"


@pytest.fixture
def orders(uc):
    """A table of three orders."""
    return uc.make_table(name="orders", rows=[(1, 4), (2, 10), (3, 6)], columns="id int, price int")


def test_a_table_is_made_changed_and_read(spark, uc, orders):
    """Delta's statements, by three-level names."""
    spark.sql(f"DELETE FROM {orders} WHERE price < 5")
    spark.sql(
        f"MERGE INTO {orders} USING (SELECT 3 AS id, 7 AS price) AS n ON n.id = {orders}.id WHEN MATCHED THEN UPDATE SET *"
    )

    assert sorted((row.id, row.price) for row in uc.table("orders").collect()) == [(2, 10), (3, 7)]


def test_a_missing_table_has_its_condition(spark, uc):
    """As Spark names it."""
    from pyspark.errors import AnalysisException

    with pytest.raises(AnalysisException) as caught:
        spark.table(f"{uc.name}.nothing").collect()

    assert "TABLE_OR_VIEW_NOT_FOUND" in str(caught.value)


def test_a_notebooks_function_runs_on_the_workers(notebook, orders, spark):
    """It reaches them by value: no repository is there."""
    loaded = notebook(f"{NOTEBOOKS}/orders.py")

    doubled = loaded.with_double(spark.table(orders.full_name))

    assert sorted(row.double for row in doubled.collect()) == [8, 12, 20]


def test_a_function_of_a_plain_module_runs_on_the_workers(spark):
    """It reaches them with what it calls, by its own name or its module's."""
    from pyspark.sql.functions import udf

    by_name, by_module = udf(raised, "long"), udf(lambda price: parity_prices.raised(price + 0), "long")
    found = spark.range(2).select(by_name("id"), by_module("id")).collect()

    assert [tuple(row) for row in found] == [(1, 1), (4, 4)]


def test_a_builder_gives_the_session_that_is_open(spark):
    """As in a notebook: what a module of the project opens is no other Spark."""
    from pyspark.sql import SparkSession

    spark.range(3).createOrReplaceTempView("three")

    assert SparkSession.builder.getOrCreate().table("three").count() == 3
    assert SparkSession.getActiveSession() is spark


def test_a_temporary_view_is_gone_after_its_test(spark):
    """The next test must not find it."""
    spark.sql("SELECT 1 AS n").createOrReplaceTempView("parity_view")

    assert spark.table("parity_view").count() == 1


def test_a_temporary_view_of_the_test_before_is_gone(spark):
    """It isn't there."""
    assert not spark.catalog.tableExists("parity_view")


def test_the_tests_own_schema_may_be_the_current_one(spark, uc, orders):
    """What ``USE`` does ends with the test, though the schema is gone before it."""
    spark.sql(f"USE {uc.name}")

    assert spark.table("orders").count() == 3
    assert orders.name == "orders"


def test_the_schema_of_the_test_before_is_not_the_current_one(spark, uc):
    """And the session works."""
    assert spark.catalog.currentDatabase() != uc.schema
    assert not spark.catalog.tableExists("orders")


def test_a_whole_run_with_its_closure(run_notebook, uc, orders):
    """Widgets arrive, what it ``%run``s is there, what it writes can be read, and the exit value is a text."""
    run = run_notebook(f"{NOTEBOOKS}/orders.py", widgets={"schema": uc.name})

    assert (run.outcome, run.exit_value) == ("exited", "3"), run.summary
    assert sorted(row.double for row in uc.table("doubled").collect()) == [8, 12, 20]
    assert orders.name == "orders"


def test_a_failing_run_says_where(run_notebook):
    """The line of the repository's file, in the function where it happened."""
    run = run_notebook(f"{NOTEBOOKS}/fails.py")

    assert run.outcome == "failed"
    assert "ZeroDivisionError" in run.error
    assert (run.location.path, run.location.line) == (f"{NOTEBOOKS}/fails.py", 9)


def test_what_the_cells_of_a_run_put_out_is_known(run_notebook):
    """Printed text, and tables with their rows; a cell that shows nothing has no output."""
    run = run_notebook(f"{NOTEBOOKS}/shows.py")

    assert run.passed, run.summary
    assert [(cell.language, cell.outcome) for cell in run.cells] == [
        ("markdown", "passed"),
        ("python", "passed"),
        ("sql", "passed"),
        ("python", "passed"),
    ]
    assert run.cells[1].text.startswith("two orders\n")
    assert rows_of(run.cells[1]) == [[1, "1.00"], [2, "2.00"]]
    assert rows_of(run.cells[2]) == [["x"]]
    assert run.cells[3].text == ""


def rows_of(cell):
    """The rows of the table that a cell displayed last, as Databricks keeps them."""
    return cell.outputs[-1]["metadata"]["application/vnd.databricks.v1+output"]["data"]


def test_two_runs_side_by_side(run_notebook, uc, orders):
    """Each has its own end."""
    good = run_notebook.submit(f"{NOTEBOOKS}/orders.py", widgets={"schema": uc.name})
    bad = run_notebook.submit(f"{NOTEBOOKS}/fails.py")

    assert (good.result().exit_value, bad.result().outcome) == ("3", "failed")
    assert orders.name == "orders"


def test_a_table_of_a_file_of_this_machine(uc, tmp_path):
    """A workspace can't see it, and has the same rows."""
    file = tmp_path / "people of ümlaut.csv"
    file.write_text("id,name\n1,Ann\n2,\n", encoding="utf-8")

    uc.make_table(name="people", csv=file)
    uc.make_table(name="typed", csv=file, columns="id bigint, name string")

    for name in ("people", "typed"):
        assert {tuple(row) for row in uc.table(name).collect()} == {(1, "Ann"), (2, None)}
    assert uc.table("typed").schema.simpleString() == "struct<id:bigint,name:string>"


def test_a_table_of_several_files_of_this_machine(uc, tmp_path):
    """Of a folder, or of a pattern, where two files may have one name; a hidden one isn't read."""
    for month, name in (("01", "sales.csv"), ("02", "sales.csv"), ("02", "_SUCCESS"), ("02", ".sales.csv.crc")):
        (tmp_path / month).mkdir(exist_ok=True)
        (tmp_path / month / name).write_text(f"id,name\n{month},{name}\n")

    uc.make_table(name="of_a_folder", csv=tmp_path / "02")
    uc.make_table(name="of_both", csv=f"{tmp_path}/*/sales.csv")
    uc.make_table(name="of_both_folders", csv=f"{tmp_path}/*", columns="id int, name string")

    assert [tuple(row) for row in uc.table("of_a_folder").collect()] == [(2, "sales.csv")]
    for name in ("of_both", "of_both_folders"):
        assert sorted(row.id for row in uc.table(name).collect()) == [1, 2]


def test_files_of_a_volume_are_the_same_for_all(dbutils, uc, spark):
    """What ``dbutils.fs`` puts there Spark reads."""
    landing = uc.make_volume(name="landing")

    dbutils.fs.put(f"{landing.path}/crm.csv", "id;name\n1;Ann\n")
    (landing.folder / "more.csv").write_text("id;name\n2;Bo\n")

    rows = spark.read.csv(landing.path, header=True, sep=";").collect()
    assert sorted(row.name for row in rows) == ["Ann", "Bo"]
    assert [one.name for one in dbutils.fs.ls(landing.path)] == ["crm.csv", "more.csv"]
    assert (landing.folder / "crm.csv").read_text() == "id;name\n1;Ann\n"
    assert (landing.folder / "none.csv").exists() is False


def test_dbutils_fs_answers_as_on_a_cluster(dbutils, uc):
    """Of a folder path and name end with a slash; nothing there is a False, or an error with Databricks' words."""
    volume = uc.make_volume(name="landing").path
    for folder in (volume, f"dbfs:/tmp/{uc.schema}"):
        dbutils.fs.put(f"{folder}/a.txt", "one")
        dbutils.fs.mkdirs(f"{folder}/sub")

        found = dbutils.fs.ls(folder)

        shown = "dbfs:" + folder.removeprefix("dbfs:")
        assert [(one.path, one.name, one.size) for one in found] == [
            (f"{shown}/a.txt", "a.txt", 3),
            (f"{shown}/sub/", "sub/", 0),
        ]
        assert [one.isDir() for one in found] == [False, True]
        assert dbutils.fs.rm(f"{folder}/none", recurse=True) is False
        for call in (dbutils.fs.ls, dbutils.fs.head):
            with pytest.raises(Exception, match=r"java\.io\.FileNotFoundException"):
                call(f"{folder}/none")
        assert dbutils.fs.rm(folder + "/sub", recurse=True) is True
    assert dbutils.fs.rm(f"dbfs:/tmp/{uc.schema}", recurse=True) is True
    with pytest.raises(Exception, match="landing2") as caught:
        dbutils.fs.rm(f"{volume}2/none")
    assert "java.io.FileNotFoundException" not in str(caught.value)


@pytest.mark.nbh_run(f"{NOTEBOOKS}/fails.py")
def test_a_declared_run(notebook_run):
    """It may have begun long before."""
    assert notebook_run.outcome == "failed"


FLOW = "tests/parity/jobs/flow.job.yml"


def test_a_job_runs_the_branch_that_its_condition_comes_to(run_job):
    """With task values from task to task, parameters and references in their places; what wasn't run is never passed."""
    run = run_job(FLOW, parameters={"rows": "5"})

    assert run.passed, run.summary
    assert {key: task.outcome for key, task in run.tasks.items()} == {
        "ingest": "exited",
        "enough": "passed",
        "train": "exited",
        "wait": "excluded",
        "alert": "excluded",
    }
    assert run.tasks["ingest"].exit_value == "flow ingest of 5"
    assert run.tasks["enough"].result is True
    assert run.tasks["train"].exit_value == "6: 5 after success"
    assert not run.tasks["wait"].passed
    assert run.tasks["wait"].why == "enough came to true"


def test_a_job_whose_task_fails_is_red(run_job):
    """The line is the repository's, what handles failures runs, and the whole is no success for that."""
    run = run_job(FLOW, parameters={"breaks": "yes"})

    assert run.outcome == "passed_with_failures", run.summary
    assert not run.passed
    train = run.tasks["train"]
    assert (train.outcome, train.location.path, train.location.line) == ("failed", f"{NOTEBOOKS}/train.py", 9)
    assert "no model of 3 rows" in train.error
    assert run.tasks["alert"].passed


LOOP = "tests/parity/jobs/loop.job.yml"


def test_a_loop_runs_its_notebook_for_each_input(run_job):
    """Over a task value and a parameter; each iteration has its input and its result, and an empty array is no success."""
    run = run_job(LOOP)

    assert run.passed, run.summary
    load, again = run.tasks["load"].iterations, run.tasks["again"].iterations
    assert {one.input: one.exit_value for one in load} == {
        '{"name": "north", "rows": 2}': "north 2 loop load_one",
        '{"name": "south", "rows": 3}': "south 3 loop load_one",
    }
    assert {one.input: one.exit_value for one in again} == {
        '{"name": "north", "rows": 2}': "again north",
        '{"name": "south", "rows": 3}': "again south",
    }
    assert {one.parameters["name"] for one in again} == {"again north", "again south"}
    assert run.tasks["none"].outcome == "excluded"
    assert not run.tasks["none"].passed


def test_an_iteration_that_fails_fails_its_loop(run_job):
    """The others run all the same, and the line is the repository's."""
    run = run_job(LOOP, parameters={"bad": "south"})

    assert run.outcome == "passed_with_failures", run.summary
    load = run.tasks["load"]
    assert load.outcome == "failed"
    ends = {one.parameters["name"]: one for one in load.iterations}
    assert (ends["north"].outcome, ends["south"].outcome) == ("exited", "failed")
    assert (ends["south"].location.path, ends["south"].location.line) == (f"{NOTEBOOKS}/region.py", 10)
    assert "no rows of south" in load.error
    assert run.tasks["again"].passed


SCRIPTS = "tests/parity/jobs/scripts.job.yml"


def test_a_jobs_scripts_are_run_with_their_arguments(run_job):
    """References are filled in, task values reach notebooks, each iteration has its own; a script has no exit value."""
    run = run_job(SCRIPTS, compute="job")

    assert run.passed, run.summary
    assert (run.tasks["count"].outcome, run.tasks["count"].exit_value) == ("passed", None)
    assert run.tasks["shows"].exit_value == "count on 2026-01-31: 3"
    assert run.tasks["count"].run.cells[0].text == "counted beside naming.py: True\n"
    each = run.tasks["each"].iterations
    assert [one.run.cells[0].text for one in each] == ["counted beside count.py: True\n"] * 2
    assert {one.input: one.arguments for one in each} == {day: ("--day", day, "each") for day in ("north", "south")}


def test_a_script_that_fails_says_where(run_job):
    """The line of the repository's file; what needs it isn't run."""
    run = run_job(SCRIPTS, parameters={"breaks": "yes"}, compute="job")

    assert run.outcome == "failed", run.summary
    count = run.tasks["count"]
    assert "ValueError: no count of 3" in count.error
    assert (count.location.path, count.location.line, count.location.cell) == ("tests/parity/scripts/count.py", 26, None)
    assert run.tasks["shows"].outcome == "skipped"


WHEELS = "tests/parity/jobs/wheels.job.yml"


def test_a_jobs_wheels_are_called_with_their_arguments(run_job):
    """The project's own package, by its own metadata; arguments without names get none of the job's, those with names all."""
    run = run_job(WHEELS, compute="job")

    assert run.passed, run.summary
    assert (run.tasks["count"].outcome, run.tasks["count"].exit_value) == ("passed", None)
    assert run.tasks["shows"].exit_value == "parity-wheel counted 3 on 2026-01-31"
    each = run.tasks["each"].iterations
    assert [one.run.cells[0].text for one in each] == ["counted 3\n"] * 2
    assert [one.arguments for one in each] == [("--day=2026-01-31", "--breaks=no")] * 2


def test_a_wheel_that_fails_says_where(run_job):
    """The line of the repository's file; what needs it isn't run."""
    run = run_job(WHEELS, parameters={"breaks": "yes"}, compute="job")

    assert run.outcome == "failed", run.summary
    count = run.tasks["count"]
    assert "ValueError: no count of 3" in count.error
    assert count.location.path == "tests/parity/wheel/src/parity_wheel/count.py"
    assert (count.location.line, count.location.cell) == (22, None)
    assert run.tasks["shows"].outcome == "skipped"


def test_the_wheel_of_a_jobs_script_and_notebook(run_job):
    """Both find the package by the wheel that their environment asks for, and by nothing else."""
    run = run_job("tests/parity/jobs/beside.job.yml", compute="job", skip_tasks=["refresh"])

    assert run.passed, run.summary
    assert [*run.tasks] == ["script", "notebook"]
    assert run.tasks["script"].run.cells[0].text == "counted 3\n"
    assert run.tasks["notebook"].exit_value == "counted 3"
