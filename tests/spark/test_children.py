"""Notebooks that run others by ``dbutils.notebook.run``."""

from __future__ import annotations

import pytest
from whole_notebooks import below, writer


@pytest.fixture
def notebook(tmp_path):
    """Write a notebook of these cells; gives its path."""
    return writer(tmp_path)


def test_rows_go_through_a_global_view(run_notebook, notebook, spark):
    """As Databricks describes it: it exits with the view's name, and who ran it reads that. Other views are each one's own."""
    notebook(
        "spark.range(5).createOrReplaceGlobalTempView('of_child')\nspark.range(1).createOrReplaceTempView('own')",
        "assert spark.table('global_temp.of_parent').count() == 2\ndbutils.notebook.exit('of_child')",
        name="child.py",
    )
    path = notebook(
        "spark.range(2).createOrReplaceGlobalTempView('of_parent')",
        "name = dbutils.notebook.run('child', 60)",
        "assert not spark.catalog.tableExists('own')",
        "dbutils.notebook.exit(str(spark.table(f'global_temp.{name}').count()))",
    )

    run = run_notebook(path)

    assert run.exit_value == "5", run.error
    assert spark.table("global_temp.of_child").count() == 5


def test_a_global_view_goes_with_its_test(spark):
    """The one of the test before this one, which a notebook made."""
    assert not spark.catalog.tableExists("global_temp.of_child")


@pytest.fixture
def kernels(_kernels):
    """Give the kernels that run now, and what they started."""
    return lambda: below(_kernels)


def test_arguments_in_and_a_value_out(run_notebook, notebook, uc):
    """Through several notebooks, each beside the one that runs it; all see the catalogs of the test."""
    notebook(
        "spark.table(dbutils.widgets.get('table')).write.saveAsTable(dbutils.widgets.get('table') + '_copy')",
        name="deep/inner.py",
    )
    notebook(
        'dbutils.widgets.text("n", "0")\nprint(dbutils.notebook.run("./inner", 60, {"table": dbutils.widgets.get("table")}))',
        'dbutils.notebook.exit("got " + dbutils.widgets.get("n"))',
        name="deep/child.py",
    )
    table = uc.make_table(name="orders", columns="id int", rows=[(1,), (2,)]).full_name
    path = notebook(
        "x = 1",
        f'value = dbutils.notebook.run("deep/child", 60, {{"n": "3", "table": "{table}"}})',
        "dbutils.notebook.exit(value)",
    )

    run = run_notebook(path)

    assert run.exit_value == "got 3", run.summary
    assert uc.table("orders_copy").count() == 2
    [child] = run.children
    assert (child.outcome, child.cells[0].text) == ("exited", "None\n")
    assert [inner.outcome for inner in child.children] == ["passed"]


def test_a_failing_child(run_notebook, notebook):
    """Is an error in its parent, with Databricks' words, and the place and error of the child."""
    notebook("x = 1", "1 / 0", name="child.py")

    run = run_notebook(notebook("dbutils.notebook.run('./child', 60)"))

    assert (run.outcome, run.location.cell) == ("failed", 1)
    assert "com.databricks.NotebookExecutionException: FAILED" in run.error
    assert "child.py:6 (cell 2, line 1): ZeroDivisionError: division by zero" in run.error
    assert [child.outcome for child in run.children] == ["failed"]


def test_a_failing_child_that_is_tried_again(run_notebook, notebook, uc):
    """The parent may catch it, as on Databricks: the widespread way to retry works."""
    table = f"{uc.catalog}.{uc.schema}.tries"
    notebook(
        f"spark.sql('CREATE TABLE IF NOT EXISTS {table} (n int)')\nn = spark.table('{table}').count()",
        f"spark.sql('INSERT INTO {table} VALUES (1)')\nassert n == 2, n",
        "dbutils.notebook.exit(str(n))",
        name="child.py",
    )
    path = notebook(
        """
        for left in range(5):
            try:
                value = dbutils.notebook.run("./child", 60, {})
                break
            except Exception as error:
                print("retrying", error)
        """,
        "dbutils.notebook.exit(value)",
    )

    run = run_notebook(path)

    assert (run.outcome, run.exit_value) == ("exited", "2"), run.summary
    assert [child.outcome for child in run.children] == ["failed", "failed", "exited"]


def test_a_child_that_takes_too_long(run_notebook, notebook, kernels):
    """Is ended at its own limit, and its parent sees why."""
    notebook("while True: pass", name="forever.py")
    path = notebook(
        "try:\n    dbutils.notebook.run('./forever', 1)\nexcept Exception as error:\n    print('TIMEDOUT' in str(error))"
    )

    run = run_notebook(path, timeout_s=60)

    assert run.cells[0].text == "True\n", run.summary
    assert [child.outcome for child in run.children] == ["timed_out"]
    assert kernels() == []


def test_a_child_does_not_outlive_its_parents_limit(run_notebook, notebook, kernels):
    """Whatever its own is."""
    notebook("import time\ntime.sleep(600)", name="long.py")

    run = run_notebook(notebook("dbutils.notebook.run('./long', 600)"), timeout_s=3)

    assert (run.outcome, run.location.cell) == ("timed_out", 1)
    assert kernels() == []


def test_a_child_ends_with_its_parents_process(run_notebook, notebook, kernels):
    """Nobody is left to take its value."""
    notebook("import time\ntime.sleep(600)", name="long.py")
    path = notebook(
        """
        import os, threading, time
        threading.Thread(target=lambda: (time.sleep(1), os._exit(3))).start()
        dbutils.notebook.run("./long", 600)
        """
    )

    run = run_notebook(path)

    assert run.outcome == "infrastructure_failed"
    assert {child.outcome for child in run.children} <= {"cancelled"}
    assert kernels() == []


def test_a_circle_ends(run_notebook, notebook, kernels):
    """By the limit of the first, or before that because it is too deep; no process is left."""
    run = run_notebook(notebook("dbutils.notebook.run('./n', 0)"), timeout_s=4)

    assert run.outcome in ("timed_out", "failed")
    assert kernels() == []


@pytest.mark.parametrize(
    ("child", "outcome", "why"),
    [
        ("# MAGIC %scala\n# MAGIC val x = 1", "unsupported", "Scala can't run here"),
        ("dbutils.credentials.showRoles()", "unsupported", "dbutils.credentials.showRoles is not served here"),
        ("import os\nos._exit(1)", "infrastructure_failed", "its process ended"),
    ],
)
def test_what_a_child_could_not_do_here(run_notebook, notebook, child, outcome, why):
    """Makes its parent so too, though the parent catches the error and goes on; grandparents too."""
    notebook(child, name="child.py")
    swallow = "try:\n    dbutils.notebook.run('./{}', 60)\nexcept Exception as error:\n    print('never mind')"
    notebook(swallow.format("child"), "print('on')", name="middle.py")

    run = run_notebook(notebook("x = 1", swallow.format("middle"), "dbutils.notebook.exit('fine')"))

    assert (run.outcome, run.passed) == (outcome, False)
    assert (run.location.cell, run.location.cell_line) == (2, 2)
    assert why in run.error
    assert run.cells[2].outcome == "exited"


def test_two_at_once_from_threads(run_notebook, notebook, uc):
    """Each has its own process, arguments and value."""
    notebook(
        "n = dbutils.widgets.get('n')",
        f"spark.range(int(n)).write.saveAsTable('{uc.catalog}.{uc.schema}.t' + n)",
        "dbutils.notebook.exit('made ' + dbutils.widgets.get('n'))",
        name="child.py",
    )
    path = notebook(
        """
        from concurrent.futures import ThreadPoolExecutor
        with ThreadPoolExecutor(3) as pool:
            made = list(pool.map(lambda n: dbutils.notebook.run("./child", 120, {"n": str(n)}), (1, 2, 3)))
        dbutils.notebook.exit(", ".join(made))
        """
    )

    run = run_notebook(path)

    assert run.exit_value == "made 1, made 2, made 3", run.summary
    assert [uc.table(f"t{n}").count() for n in (1, 2, 3)] == [1, 2, 3]


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("run('./nope', 60)", 'NBH356 the notebook "./nope" isn\'t there'),
        ("run('./child', 60, {'n': 3})", "NBH352 the argument 'n' given to dbutils.notebook.run is not a text"),
        ("run('./child', '60')", "NBH358 the timeout given to dbutils.notebook.run is no number of seconds"),
        ("run('./text', 60)", "NBH101"),
        ("run('./child')", "missing 1 required positional argument: 'timeout_seconds'"),
    ],
)
def test_a_call_that_can_not_work(run_notebook, notebook, tmp_path, call, error):
    """Is the notebook's error, at its line."""
    notebook("x = 1", name="child.py")
    (tmp_path / "text.py").write_text("x = 1\n")

    run = run_notebook(notebook(f"dbutils.notebook.{call}"))

    assert (run.outcome, run.location.cell) == ("failed", 1)
    assert error in run.error


def test_a_huge_value_and_argument(run_notebook, notebook):
    """Arrive whole."""
    notebook("dbutils.notebook.exit(dbutils.widgets.get('n') * 2)", name="child.py")

    run = run_notebook(notebook("dbutils.notebook.exit(dbutils.notebook.run('./child', 60, {'n': 'ä' * 1_000_000}))"))

    assert run.exit_value == "ä" * 2_000_000


def test_a_unit_that_runs_a_notebook(pytester):
    """By the fixture ``dbutils``: the same process, the same catalogs, the same answers."""
    writer(pytester.path)("def child(n):\n    return dbutils.notebook.run('./kid', 60, {'n': str(n)})", name="nbs/etl.py")
    writer(pytester.path)(
        "spark.range(2).write.mode('overwrite').saveAsTable('made')\ndbutils.notebook.exit('kid ' + dbutils.widgets.get('n'))",
        name="nbs/kid.py",
    )
    writer(pytester.path)("# MAGIC %r\n# MAGIC x", name="in_r.py")
    pytester.makepyfile(
        """
        import pytest
        from nbs.etl import child

        def test_value(spark):
            assert child(3) == "kid 3"
            assert spark.table("made").count() == 2

        def test_from_the_test_itself(dbutils):
            with pytest.raises(Exception, match='the notebook "kid" isn.t there'):
                dbutils.notebook.run("kid", 60)
            assert dbutils.notebook.run("nbs/kid", 60, {"n": "4"}) == "kid 4"

        def test_unsupported(dbutils):
            dbutils.notebook.run("in_r", 60)
        """
    )

    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")

    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*NBH350 dbutils.notebook.run of in_r.py is not served here", "*R can't run here"])
