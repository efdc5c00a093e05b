"""One test for each row of the list that whole runs touch, named by the row's number."""

from __future__ import annotations

import textwrap
from importlib.util import find_spec

import pytest

pytestmark = pytest.mark.skipif(find_spec("nbclient") is None, reason="needs the extra local")

HEADER = "# Databricks notebook source\n"
CELL = "\n\n# COMMAND ----------\n\n"


def outcome_of(folder, notebook, *, widgets="{}"):
    """Run a notebook in a test that tells how it ended; gives outcome, exit value and error as the test saw them."""
    folder.write(
        {
            "nb.py": notebook,
            "test_it.py": f"""
                def test_run(run_notebook):
                    run = run_notebook("nb.py", widgets={widgets}, timeout_s=60)
                    print("TOLD", run.outcome, run.passed, run.exit_value, run.error.partition(chr(10))[0], sep="|")
                """,
        }
    )
    said, code = folder.run("pytest", "-s")
    assert code == 0, said
    return next(line for line in said.splitlines() if "TOLD" in line).partition("TOLD|")[2].split("|")


def test_04_parameters_arrive(folder):
    """The lie: the parameters of a run are dropped, and its defaults are tested. Here: they arrive, or it is refused."""
    assert outcome_of(
        folder,
        f"{HEADER}dbutils.widgets.text('day', 'today'){CELL}dbutils.notebook.exit(dbutils.widgets.get('day'))\n",
        widgets="{'day': '2026-01-31'}",
    ) == ["exited", "True", "2026-01-31", ""]


def test_06_no_value_is_no_success(folder):
    """The lie: a notebook that returned nothing counts as "all tests passed". Here: to read the value is an error."""
    folder.write(
        {
            "nb.py": f"{HEADER}x = 1\n",
            "test_it.py": "def test_run(run_notebook):\n    assert run_notebook('nb.py').exit_json() != 'failed'\n",
        }
    )

    said, code = folder.run("pytest")

    assert code == pytest.ExitCode.TESTS_FAILED
    assert "nb.py gave no exit value: it passed" in said


def test_07_no_tests_is_an_error(folder):
    """The lie: zero tests have passed. Here: pytest's exit code 5, and a failing item where a notebook was named as one."""
    folder.write({"nb.py": f"{HEADER}x = 1\n", "test_nb.py": f"{HEADER}x = 1\n"})

    assert folder.run("pytest", "nb.py")[1] != 0
    assert folder.run("pytest", "test_nb.py")[1] != 0
    (folder.path / "test_nb.py").unlink()
    assert folder.run("pytest")[1] == pytest.ExitCode.NO_TESTS_COLLECTED


@pytest.mark.parametrize("how", ["import os; os._exit(0)", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"])
def test_08_a_lost_run_is_no_success(folder, how):
    """The lie: what never came to an end exits with 0. Here: an outcome of its own, and exit code 3 of ``nbh run``."""
    assert outcome_of(folder, f"{HEADER}{how}\n")[:2] == ["infrastructure_failed", "False"]
    assert folder.run("harness", "run", "nb.py")[1] == 3


@pytest.mark.skipif(find_spec("pyspark") is None, reason="needs the extra local")
def test_12_only_spark_answers(folder):
    """The lie: a stand-in answers otherwise than Spark, silently. Here: only Spark, in tests and in whole runs."""
    checks = """
        from pyspark.sql.utils import AnalysisException

        def raises(kind, what):
            try:
                what()
            except Exception as exc:
                return type(exc).__name__ == kind
            return False

        assert raises("AnalysisException", lambda: spark.read.parquet("/no/such/path").count())
        assert raises("ArithmeticException", lambda: spark.sql("SELECT 2147483647 + 1").collect())
        nothing = spark.sql("SELECT named_struct('a', 1) AS s WHERE false UNION ALL SELECT NULL")
        assert nothing.selectExpr("s.a").first()[0] is None
        spark.sql("CREATE TABLE main.default.days (n INT, day INT) PARTITIONED BY (day)")
        spark.sql("INSERT INTO main.default.days VALUES (1, 1), (2, 2)")
        spark.conf.set("spark.sql.sources.partitionOverwriteMode", "dynamic")
        spark.sql("SELECT 3 AS n, 2 AS day").write.mode("overwrite").insertInto("main.default.days")
        assert sorted(row.n for row in spark.table("main.default.days").collect()) == [1, 3]
        """
    plain = textwrap.dedent(checks).strip()
    folder.write({"test_unit.py": "def test_unit(spark):\n" + textwrap.indent(plain, "    ")})

    assert outcome_of(folder, f"{HEADER}{plain}\n")[:2] == ["passed", "True"]
    said, code = folder.run("pytest", "test_unit.py")
    assert code == 0, said


@pytest.mark.parametrize(
    "cell",
    [
        "# MAGIC %scala\n# MAGIC val x = 1",
        "# MAGIC %r\n# MAGIC x <- 1",
        "# MAGIC %sh rm -rf data",
        "# MAGIC %mosaic_kepler\n# MAGIC x",
    ],
    ids=["scala", "r", "sh", "unknown"],
)
def test_14_each_cell_is_run_or_named(folder, cell):
    """The lie: a cell in another language is passed over. Here: the run is red and says which, unless the test names it."""
    outcome, passed, _, why = outcome_of(folder, f"{HEADER}x = 1{CELL}{cell}{CELL}y = 2\n")

    assert (outcome == "passed", passed) == (False, "False")
    assert why


@pytest.mark.parametrize("call", ["dbutils.notebook.quit('x')", "dbutils.fs.lst('/')", "dbutils.nothing.at.all()"])
def test_15_an_unknown_call_is_an_error(folder, call):
    """The lie: every call on dbutils is a mock, and anything passes. Here: the run is red."""
    assert outcome_of(folder, f"{HEADER}{call}\n")[1] == "False"


def test_17_an_early_exit_is_told(folder):
    """The lie: a notebook that exits before its checks has passed them. Here: the outcome is "exited", the rest "not run"."""
    folder.write(
        {
            "nb.py": f"{HEADER}dbutils.notebook.exit('nothing to do'){CELL}assert 1 == 2\n",
            "test_it.py": """
                def test_run(run_notebook):
                    run = run_notebook("nb.py")
                    assert run.outcome == "exited"
                    assert [cell.outcome for cell in run.cells] == ["exited", "not_run"]

                def test_whole(run_notebook):
                    assert run_notebook("nb.py").outcome == "passed"
                """,
        }
    )

    said, code = folder.run("pytest")

    assert code == pytest.ExitCode.TESTS_FAILED
    assert "1 failed, 1 passed" in said
    assert "'exited' == 'passed'" in said.replace('"', "'")


def test_63_nothing_of_the_developers_own_ipython_counts(folder, monkeypatch):
    """The lie: a name that only this developer's start-up files define is found. Here: it is missing, as on Databricks."""
    folder.write(
        {
            "ipython/profile_default/startup/first.py": "from_startup = 1\n",
            "ipython/profile_default/ipython_kernel_config.py": "c.InteractiveShellApp.exec_lines = ['from_config = 1']\n",
            "startup.py": "from_python = 1\n",
        }
    )
    monkeypatch.setenv("IPYTHONDIR", str(folder.path / "ipython"))
    monkeypatch.setenv("PYTHONSTARTUP", str(folder.path / "startup.py"))

    names = "[name for name in ('from_startup', 'from_config', 'from_python') if name in globals()]"

    assert outcome_of(folder, f"{HEADER}dbutils.notebook.exit(str({names}))\n")[:3] == ["exited", "True", "[]"]


def test_65_random_numbers_are_each_runs_own(folder):
    """The lie: two notebooks that make up keys make up the same ones. Here: they differ, as in two processes there."""
    made = "import random\nimport numpy\ndbutils.notebook.exit(f'{random.random()} {numpy.random.rand()}')"
    folder.write(
        {
            "nb.py": f"{HEADER}{made}\n",
            "test_it.py": """
                def test_run(run_notebook):
                    one, two = (run_notebook("nb.py", timeout_s=60).exit_value.split() for _ in range(2))
                    assert one[0] != two[0]
                    assert one[1] != two[1]
                """,
        }
    )

    said, code = folder.run("pytest")

    assert code == 0, said


JOB = """
    name: j
    tasks:
      - task_key: check
        condition_task: {op: EQUAL_TO, left: a, right: b}
      - task_key: work
        depends_on: [{task_key: check, outcome: "true"}]
        notebook_task: {notebook_path: nb.py}
    """


LOOPS = """
    tasks:
      - task_key: none
        for_each_task: {inputs: "[]", task: {task_key: none_one, notebook_task: {notebook_path: nb.py}}}
      - task_key: some
        for_each_task:
          inputs: '["a", "b", "c"]'
          task: {task_key: some_one, notebook_task: {notebook_path: nb.py, base_parameters: {x: "{{input}}"}}}
    """


LOOKS = """
    def test_the_empty_one(run_job):
        run = run_job("j.yml")
        assert run.outcome == "failed"
        assert run.tasks["none"].passed

    def test_another_iteration(run_job):
        assert run_job("j.yml").tasks["some"].iterations[0].passed

    def test_read(run_job):
        its = run_job("j.yml").tasks["some"].iterations
        assert [one.outcome for one in its] == ["passed", "failed", "passed"]
    """


def test_73_a_loop_is_no_better_than_its_iterations(folder):
    """The lie: a loop over nothing is a success, and so is one that ran on after a failure. Here: excluded, and failed."""
    folder.write({"nb.py": f"{HEADER}assert dbutils.widgets.get('x') != 'b'\n", "j.yml": LOOPS, "test_it.py": LOOKS})

    said, code = folder.run("pytest")

    assert code == pytest.ExitCode.TESTS_FAILED
    assert "2 failed, 1 passed" in said
    assert "NBH360 j failed" in said
    assert "<task none: was excluded: its inputs are an empty array" in said


ASKS = """
    def test_unread(run_job):
        run_job("j.yml")

    def test_passed(run_job):
        assert run_job("j.yml").passed

    def test_task_passed(run_job):
        assert run_job("j.yml").tasks["work"].passed

    def test_read(run_job):
        assert run_job("j.yml").tasks["work"].outcome == "excluded"
    """


def test_64_a_job_that_did_nothing_has_not_passed(folder):
    """The lie: each task was left out by a condition, and the job is a success. Here: it is "excluded", and has to be read."""
    folder.write({"nb.py": f"{HEADER}raise ValueError\n", "j.yml": JOB, "test_it.py": ASKS})

    said, code = folder.run("pytest")

    assert code == pytest.ExitCode.TESTS_FAILED
    assert "3 failed, 1 passed" in said
    assert "NBH360 j was excluded" in said
    assert "work was excluded: check came to false" in said


RACE = """
    tasks:
      - {task_key: makes, notebook_task: {notebook_path: makes.py}}
      - {task_key: asks, notebook_task: {notebook_path: asks.py}}
    """


@pytest.mark.parametrize(
    ("makes", "asks"),
    [
        ("spark.range(3).write.saveAsTable('made_101')", "spark.table('made_101').count()"),
        ("dbutils.jobs.taskValues.set('n', 3)", "dbutils.jobs.taskValues.get('makes', 'n', default=3)"),
    ],
)
def test_101_a_task_that_does_not_wait_for_what_it_needs(folder, makes, asks):
    """The lie: tasks run in the order in which they are written. Here: only what a task waits for has surely been."""
    head = "# Databricks notebook source\n"
    test = "def test_it(run_job): assert run_job('j.yml').passed"
    folder.write({"j.yml": RACE, "makes.py": head + makes, "asks.py": head + asks, "test_it.py": test})

    said, code = folder.run("pytest")

    assert code == 1
    assert "asks failed" in said


@pytest.mark.parametrize(
    "lie",
    [
        "parameters: [{name: day}]",
        "parameters: [{name: day, default: a}, {name: day, default: b}]",
        "Parameters: [{name: day, default: a}]",
        "environments: [{environment_key: other}]",
    ],
)
def test_102_a_job_that_cannot_be_made(folder, lie):
    """The lie: its copy is run with what was understood of it. Here: an error before anything is run."""
    task = "{task_key: a, notebook_task: {notebook_path: nb.py}, environment_key: e}"
    job = f"environments: [{{environment_key: e}}]\ntasks: [{task}]\n"
    job = f"{lie}\ntasks: [{task}]\n" if lie.startswith("environments") else f"{lie}\n{job}"
    test = "def test_it(run_job): assert run_job('j.yml').passed"
    folder.write({"j.yml": job, "nb.py": "# Databricks notebook source\nopen('ran', 'w')\n", "test_it.py": test})

    said, code = folder.run("pytest")

    assert code == 1
    assert "NBH413" in said


def test_71_a_notebook_is_no_module(folder):
    """The lie: what imports a notebook passes here and fails on Databricks. Here: it fails with Databricks' words."""
    folder.write({"helpers.py": f"{HEADER}def f(): return 1\n", "plain.py": "def f(): return 1\n"})

    assert outcome_of(folder, f"{HEADER}import plain{CELL}dbutils.notebook.exit(str(plain.f()))\n")[:3] == [
        "exited",
        "True",
        "1",
    ]
    for statement in ("from helpers import f", "try:\n    import helpers\nexcept ImportError:\n    f = None"):
        outcome, passed, _, error = outcome_of(folder, f"{HEADER}{statement}\n")
        assert (outcome, passed) == ("failed", "False")
        assert error.startswith("NotebookImportException: Unable to import module `helpers`")


@pytest.mark.parametrize("name", ["packaging", "tabnanny"])
def test_149_a_notebook_that_is_named_as_a_package(folder, name):
    """The lie: ``import packaging`` runs the notebook packaging.py. Here: it is the package, or Python's own module."""
    folder.write({f"{name}.py": f"{HEADER}print('it ran')\nopen('ran', 'w')\n"})

    outcome, _, value, error = outcome_of(folder, f"{HEADER}import {name}{CELL}dbutils.notebook.exit({name}.__file__)\n")

    assert outcome == "exited", error
    assert not value.startswith(str(folder.path))
    assert not (folder.path / "ran").exists()


def test_150_a_module_that_another_notebook_imports(folder):
    """The lie: it is there for the next one, which doesn't import it and would fail alone. Here: each has what it imports."""
    pytest.importorskip("mlflow.deployments")
    folder.write(
        {
            "first.py": f"{HEADER}import mlflow.deployments, sklearn.experimental.enable_iterative_imputer\n",
            "next.py": f"{HEADER}import mlflow, sys{CELL}"
            "assert 'sklearn.experimental.enable_iterative_imputer' not in sys.modules\nmlflow.deployments\n",
            "test_it.py": """
                def test_first(run_notebook):
                    assert run_notebook("first.py").passed

                def test_next(run_notebook):
                    run = run_notebook("next.py")
                    assert run.outcome == "failed"
                    assert "module 'mlflow' has no attribute 'deployments'" in run.error
                """,
        }
    )

    said, code = folder.run("pytest")

    assert code == 0, said
    assert "2 passed" in said


def test_71_but_an_installed_package_may_look_like_one(folder):
    """A wheel's modules aren't read from the workspace; one whose sources lie in the project is installed all the same."""
    folder.write({"src/pkg/__init__.py": "", "src/pkg/steps.py": f"{HEADER}def f(): return 7\n"})
    installed = "src/pkg-1.0.dist-info"
    folder.write(
        {f"{installed}/METADATA": "Metadata-Version: 2.1\nName: pkg\nVersion: 1.0\n", f"{installed}/top_level.txt": "pkg\n"}
    )
    folder.write(
        {
            "tox.ini": "[pytest]\npythonpath = . src\n",
            "nb.py": f"{HEADER}from pkg.steps import f\ndbutils.notebook.exit(str(f()))\n",
            "test_it.py": "def test_run(run_notebook):\n    assert run_notebook('nb.py').exit_value == '7'\n",
        }
    )
    said, code = folder.run("pytest")
    assert code == 0, said


def test_72_a_timestamp_does_not_hang_on_where_the_machine_stands(folder, monkeypatch):
    """The lie: what is midnight at a desk is another day on a cluster. Here: the clock is the cluster's."""
    monkeypatch.setenv("TZ", "America/New_York")
    asked = "spark.sql(\"SELECT TIMESTAMP'2026-01-01 00:30:00Z' AS at\").first().at.date()"

    assert outcome_of(folder, f"{HEADER}dbutils.notebook.exit(str({asked}))\n")[2] == "2026-01-01"


def test_74_a_run_is_told_that_it_is_on_databricks(folder):
    """The lie: a notebook is told that it is elsewhere, exits, and has passed. Here: it is told a runtime's version."""
    asked = """
        import os

        version = os.environ.get("DATABRICKS_RUNTIME_VERSION", "0.0")
        if float(".".join(version.split(".")[:2])) < 14.3:
            dbutils.notebook.exit("needs a newer runtime")
        """

    assert outcome_of(folder, HEADER + textwrap.dedent(asked) + CELL + "1 / 0\n") == [
        *("failed", "False", "None"),
        "ZeroDivisionError: division by zero",
    ]


def test_80_a_script_that_passes_at_a_desk(folder):
    """The lie: a job's script passes as a program does, and fails as a task. Here: it is run as a task is."""
    folder.write(
        {
            "main.py": "import sys\n\nif __name__ == '__main__':\n    print('done')\n    sys.exit(0)\n",
            "beside.py": "import helper\n",
            "helper.py": "",
            "j.yml": """
                tasks:
                  - {task_key: exits, spark_python_task: {python_file: main.py}}
                  - {task_key: imports, spark_python_task: {python_file: beside.py}}
            """,
            "test_it.py": """
                def test_run(run_job):
                    run = run_job("j.yml")
                    print("TOLD", run.outcome, *(f"{key} {task.outcome}" for key, task in run.tasks.items()), sep="|")
                """,
        }
    )
    said, _ = folder.run("pytest", "-s")

    assert "TOLD|unsupported|exits failed|imports unsupported" in said


def test_87_a_wheel_that_passes_at_a_desk(folder):
    """The lie: a wheel's task passes in the project's folder, and fails from the wheel. Here: it finds what that surely has."""
    task = "{{task_key: {0}, python_wheel_task: {{package_name: own, entry_point: {0}, parameters: [x]}}{1}}}"
    asks = ", libraries: [{whl: ./dist/*.whl}]"
    names = ("imports", "reads", "exits", "returns")
    folder.write(
        {
            "own/__init__.py": """
                import sys

                def imports():
                    try:
                        import helper
                    except BaseException:
                        pass

                def reads():
                    open("helper.py")

                def exits():
                    sys.exit(0)

                def returns():
                    return 1
                """,
            "helper.py": "",
            "setup.py": "from setuptools import setup\nsetup(name='own')\n",
            "j.yml": "tasks:\n" + "".join(f"  - {task.format(name, asks)}\n" for name in names),
            "none.yml": f"tasks:\n  - {task.format('returns', '')}\n",
            "test_it.py": """
                def test_run(run_job):
                    run = run_job("j.yml")
                    print("TOLD", run.outcome, *(f"{key} {task.outcome}" for key, task in run.tasks.items()), sep="|")

                def test_none(run_job):
                    run_job("none.yml")
                """,
        }
    )
    said, _ = folder.run("pytest", "-s")

    assert "TOLD|unsupported|imports unsupported|reads failed|exits failed|returns passed" in said
    assert 'NBH413 nothing that the task "returns" asks for has the package "own"' in said


def test_81_what_was_left_out_has_not_passed(folder):
    """The lie: each cell is left out, and nothing fails. Here: `unsupported`; of a run of some cells the others are counted."""
    cells = ("x = 1", "# MAGIC %md\n# MAGIC text", "# MAGIC %skip\n# MAGIC y = 1")
    folder.write(
        {
            "nb.py": HEADER + CELL.join(cells),
            "skipped.py": HEADER + cells[2],
            "calls.py": HEADER + "dbutils.notebook.run('./skipped', 60)",
            "test_it.py": """
                def test_some(run_notebook):
                    run = run_notebook("nb.py")
                    assert run.passed and run.summary == "passed (1 cell left out)" and run.left_out == (3,)

                def test_unread(run_notebook):
                    run_notebook("nb.py", skip_cells=[1])

                def test_passed(run_notebook):
                    assert run_notebook("skipped.py").passed

                def test_called(run_notebook):  # as on Databricks
                    run = run_notebook("calls.py")
                    assert run.passed and run.children[0].left_out == (1,)

                def test_no_code(run_notebook):
                    run = run_notebook("nb.py", skip_cells=[1])
                    assert (run.outcome, run.location, run.left_out) == ("unsupported", None, (1, 3))
                """,
        }
    )

    said, code = folder.run("pytest", "-rA")

    assert code == pytest.ExitCode.TESTS_FAILED
    passed = [name for name in ("some", "unread", "passed", "called", "no_code") if f"PASSED test_it.py::test_{name}" in said]
    assert passed == ["some", "called", "no_code"]
    assert "nb.py was not run, and the test doesn't look at it" in said
    assert "all its cells with code are left out, by skip_cells or %skip" in said
    assert folder.run("harness", "run", "nb.py", "--skip-cell", "1")[1] == 3
    assert '"left_out": [3]' in folder.run("harness", "run", "nb.py", "--json")[0]


def test_120_comments_beside_what_was_left_out_are_no_code(folder):
    """The lie: a cell that holds a licence has passed, so not all is left out. Here: it counts as none."""
    folder.write(
        {
            "nb.py": HEADER
            + CELL.join(["# Copyright: ours", "# MAGIC %skip\n# MAGIC y = 1", "# MAGIC %sql\n# MAGIC -- later"]),
            "none.py": HEADER + "# Copyright: ours\n# x = 1",
            "test_it.py": """
                def test_left_out(run_notebook):
                    run = run_notebook("nb.py")
                    assert (run.outcome, run.left_out) == ("unsupported", (2,))

                def test_none(run_notebook):
                    assert run_notebook("none.py").summary == "passed (there is no code in it)"

                def test_unread(run_notebook):
                    run_notebook("nb.py")
                """,
        }
    )

    said, code = folder.run("pytest")

    assert code == pytest.ExitCode.TESTS_FAILED
    assert "1 failed, 2 passed" in said
    assert "nb.py was not run, and the test doesn't look at it" in said


def test_117_a_submitted_run_is_waited_for(folder):
    """The lie: here it has ended, and green, when it is handed out, so nobody misses it. Here: it is, as on a workspace."""
    folder.write(
        {
            "good.py": HEADER + "x = 1",
            "good.json": '{"tasks": [{"task_key": "one", "notebook_task": {"notebook_path": "good.py"}}]}',
            "test_it.py": """
                def test_notebook(run_notebook):
                    run_notebook.submit("good.py")

                def test_job(run_job):
                    run_job.submit("good.json")

                def test_waits(run_notebook, run_job):
                    started = [run_notebook.submit("good.py"), run_job.submit("good.json")]
                    assert all(one.result().passed for one in started)
                """,
        }
    )

    said, code = folder.run("pytest")

    assert code == pytest.ExitCode.TESTS_FAILED
    assert "2 failed, 1 passed" in said
    for path in ("good.py", "good"):
        assert f"NBH360 {path} was submitted, and the test doesn't wait for its end" in said


def test_121_a_run_of_a_test_s_clean_up_is_looked_at(folder):
    """The lie: what a fixture runs after the test may fail, and nobody hears of it. Here: the test has the error."""
    folder.write(
        {
            "bad.py": HEADER + "raise ValueError('not removed')",
            "test_it.py": """
                import pytest

                @pytest.fixture
                def cleaned(run_notebook):
                    yield
                    run_notebook("bad.py")

                @pytest.fixture
                def known(run_notebook):
                    yield
                    assert run_notebook("bad.py").outcome == "failed"

                def test_unread(cleaned):
                    pass

                def test_read(known):
                    pass
                """,
        }
    )

    said, code = folder.run("pytest")

    assert code == pytest.ExitCode.TESTS_FAILED
    assert "2 passed, 1 error" in said
    assert "ERROR at teardown of test_unread" in said
    assert "NBH360 bad.py failed at bad.py:2 (cell 1, line 1), and the test doesn't look at it" in said


def test_122_a_run_does_not_know_that_a_test_runs_it(folder):
    """The lie: a notebook, or what it imports, sees that it is tested and leaves out its work. Here: it can't tell."""
    asked = """
        import os, sys

        told = ("PYTEST_CURRENT_TEST", "PYTEST_VERSION", "PYTEST_XDIST_")
        if any(name.startswith(told) for name in os.environ) or {"pytest", "_pytest"} & set(sys.modules):
            dbutils.notebook.exit("in a test")
        """
    folder.write(
        {
            "nb.py": HEADER + textwrap.dedent(asked) + CELL + "1 / 0\n",
            "test_it.py": """
                def test_run(run_notebook):
                    run = run_notebook("nb.py")
                    assert (run.outcome, run.exit_value) == ("failed", None)
                """,
        }
    )

    for workers in ("0", "1"):
        assert folder.run("pytest", "-n", workers)[1] == pytest.ExitCode.OK


def test_123_a_relative_path_of_spark_s_is_of_dbfs(folder):
    """The lie: Spark reads a file that lies beside the notebook, which no cluster finds. Here: it isn't found here either."""
    folder.write(
        {
            "nbs/limits.csv": "1",
            "nbs/bad.py": HEADER + "spark.read.csv('limits.csv').count()",
            "nbs/good.py": HEADER
            + CELL.join(
                [
                    "import os\nassert spark.read.csv(f'file:{os.getcwd()}/limits.csv').count() == 1",
                    "import pandas as pd\nassert len(pd.read_csv('limits.csv', header=None)) == 1",
                    "spark.range(2).write.csv('out')\nassert spark.read.csv('dbfs:/out').count() == 2",
                    "assert spark.read.csv('out').count() == 2",
                ]
            ),
            "test_it.py": """
                def test_bad(run_notebook):
                    run = run_notebook("nbs/bad.py")
                    assert run.outcome == "failed"
                    assert "PATH_NOT_FOUND" in run.error and "dbfs:/limits.csv" in run.error
                    assert 'f"file:{os.getcwd()}/limits.csv"' in run.error

                def test_good(run_notebook):
                    run = run_notebook("nbs/good.py")
                    assert run.passed, run.summary
                    assert [name for name in run.files if name.endswith("_SUCCESS")] == ["dbfs:/out/_SUCCESS"]

                def test_own(spark):  # a test's relative paths are its own
                    assert spark.read.csv("nbs/limits.csv").count() == 1
                """,
        }
    )

    said, code = folder.run("pytest")

    assert code == pytest.ExitCode.OK, said


def test_129_a_value_that_a_workspace_cuts(folder):
    """The lie: a notebook whose exit value is longer than a workspace gives is green here. Here: it is as red as there."""
    folder.write(
        {
            "nb.py": f"{HEADER}dbutils.notebook.exit('ok ' + 'x' * 6_000_000)\n",
            "test_it.py": "def test_run(run_notebook):\n    assert run_notebook('nb.py').exit_value.startswith('ok')\n",
        }
    )

    said, code = folder.run("pytest")

    assert code == pytest.ExitCode.TESTS_FAILED
    assert "NBH391 only the beginning of the exit value is kept" in said


def test_130_a_refusal_that_a_script_of_sql_catches(folder):
    """The lie: a script's handler takes a call that isn't served for an error of its own. Here: no handler gets it."""
    script = (
        "# MAGIC %sql\n# MAGIC BEGIN\n# MAGIC   DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN SELECT 'none'; END;\n"
        "# MAGIC   {};\n# MAGIC END;\n"
    )

    assert outcome_of(folder, HEADER + script.format("SELECT 1 / 0")) == ["passed", "True", "None", ""]
    for call in ("SELECT ai_query('m', 'x')", "EXECUTE IMMEDIATE 'UNDROP TABLE t'"):
        outcome, _, _, error = outcome_of(folder, HEADER + script.format(call))
        assert (outcome, "is Databricks only" in error) == ("unsupported", True), error


def test_131_a_script_of_sql_beside_other_statements(folder):
    """The lie: a cell has a script and other statements, which Databricks refuses. Here: it is refused, too."""
    script = "# MAGIC BEGIN\n# MAGIC   SELECT 1;\n# MAGIC END;\n"

    assert outcome_of(folder, f"{HEADER}# MAGIC %sql\n# MAGIC -- alone\n{script}") == ["passed", "True", "None", ""]
    before = outcome_of(folder, f"{HEADER}# MAGIC %sql\n# MAGIC SELECT 1;\n{script}")
    behind = outcome_of(folder, f"{HEADER}# MAGIC %sql\n{script}# MAGIC SELECT 1\n")
    assert (before[0], behind[0]) == ("unsupported", "failed")
    assert "on Databricks it has a cell of its own" in before[3]
    assert "ParseException" in behind[3]


def test_139_each_project_has_its_own_notebooks(folder):
    """The lie: in one run of two projects a test runs the other one's notebook of that path. Here: its own."""
    folder.write({"notebooks/etl.py": f"{HEADER}WHOSE = 'rootdir'{CELL}dbutils.notebook.exit('rootdir')\n"})
    for name in ("billing", "churn"):
        folder.write(
            {
                f"{name}/pyproject.toml": "[tool.pytest.ini_options]\n",
                f"{name}/notebooks/etl.py": f"{HEADER}WHOSE = '{name}'{CELL}dbutils.notebook.exit('{name}')\n",
                f"{name}/tests/test_{name}.py": f"""
                    def test_it(notebook, run_notebook):
                        assert notebook("notebooks/etl.py").WHOSE == "{name}"
                        assert run_notebook("notebooks/etl.py").exit_value == "{name}"
                    """,
            }
        )

    said, code = folder.run("pytest", "billing", "churn")

    assert code == pytest.ExitCode.OK, said
    assert "2 passed" in said


def test_138_a_notebook_run_as_a_script(folder):
    """The lie: to Python the SQL of a notebook is a comment, and the run passes. Here: a notebook isn't run as a script."""
    folder.write({"nb.py": f"{HEADER}print('begun'){CELL}# MAGIC %sql\n# MAGIC SELECT raise_error('wrong')\n"})

    said, code = folder.run("harness", "run", "nb.py", "--script")

    assert code == 2, said
    assert "NBH200 --script is given for a notebook: nb.py" in said
    assert "begun" not in said


def test_144_code_beside_another_language(folder):
    """The lie: the SQL of a cell that holds Python too is a comment, and the run passes. Here: the run is unsupported."""
    folder.write({"nb.py": f"{HEADER}# MAGIC %sql\n# MAGIC SELECT raise_error('wrong')\n\nprint(6 * 7)\n"})

    said, code = folder.run("harness", "run", "nb.py")

    assert code != 0, said
    assert "nb.py holds what can't run here at nb.py:2 (cell 1, line 1)" in said
    assert "some of its lines begin with '# MAGIC' and set a language, others are code" in said
    assert "42" not in said.split("\n")


@pytest.mark.parametrize("driver", [".option('driver', 'org.postgresql.Driver')", ""])
def test_145_a_driver_that_databricks_has(folder, driver):
    """The lie: the notebook catches that the driver isn't there, and passes. Here: the run is unsupported, at its cell."""
    read = f"spark.read.format('jdbc').option('url', 'jdbc:postgresql://db/x').option('dbtable', 't'){driver}.load().collect()"

    ended = outcome_of(folder, f"{HEADER}try:\n    {read}\nexcept Exception:\n    print('no such table yet')\n")

    assert ended[0] == "unsupported"
    assert "Databricks has the JDBC drivers of PostgreSQL" in ended[-1]


def test_146_a_scorer_is_registered(folder):
    """The lie: MLflow refuses here what Databricks takes, the notebook catches it and passes. Here: it is unsupported."""
    pytest.importorskip("mlflow.genai.scorers")
    made = "from mlflow.genai.scorers import scorer\n\n@scorer\ndef short(outputs):\n    return len(outputs) < 9\n\n"

    ended = outcome_of(folder, f"{HEADER}{made}try:\n    short.register(name='short')\nexcept Exception:\n    print('kept')\n")

    assert ended[0] == "unsupported"
    assert "a scorer is registered, and watches an experiment, on Databricks only" in ended[-1]


def test_124_asserts_hold_whatever_python_the_tests_run_in(folder, monkeypatch):
    """The lie: `PYTHONOPTIMIZE` takes a notebook's checks out of it. Here: they are there, as on Databricks."""
    monkeypatch.setenv("PYTHONOPTIMIZE", "1")

    ended = outcome_of(folder, HEADER + "assert 1 == 2, 'not equal'\n")

    assert ended == ["failed", "False", "None", "AssertionError: not equal"]


STREAM = (
    HEADER
    + """import time
spark.sql("CREATE TABLE events AS SELECT 1 AS n")

def begin():
    return spark.readStream.table("events").writeStream.option("checkpointLocation", "dbfs:/tmp/checkpoint")

stream, finite = begin(), begin().trigger(availableNow=True)

def fail(rows, number):
    raise ValueError("not written")"""
)
QUERIES = {
    "fails": ("finite.foreachBatch(fail).start()", "pass", "failed"),
    "fails, and the notebook exits": ("finite.foreachBatch(fail).start()", "dbutils.notebook.exit('done')", "failed"),
    "fails early": ("query = finite.foreachBatch(fail).start()\nwhile query.isActive:\n    time.sleep(0.2)", "pass", "failed"),
    "fails, without an end of its own": ("stream.foreachBatch(fail).start()\ntime.sleep(8)", "pass", "failed"),
    "its failure is handled": (
        "try:\n    finite.foreachBatch(fail).start().awaitTermination()\nexcept Exception:\n    print('again')",
        "pass",
        "passed",
    ),
    "goes on": ("stream.toTable('copied')", "pass", "unsupported"),
    "goes on, and the notebook exits": ("stream.toTable('copied')", "dbutils.notebook.exit('done')", "unsupported"),
    "is stopped": ("query = stream.toTable('copied')", "query.stop()", "passed"),
}


@pytest.mark.parametrize(("start", "rest", "outcome"), QUERIES.values(), ids=QUERIES.keys())
def test_88_a_streaming_query_is_part_of_the_run(run_notebook, tmp_path, start, rest, outcome):
    """The lie: a query that was started fails beside the cells, or never ends, and the notebook has passed."""
    (tmp_path / "nb.py").write_text(CELL.join([STREAM, start, rest]) + "\n")

    run = run_notebook(tmp_path / "nb.py")

    assert run.outcome == outcome, run.error
    if outcome == "failed":
        assert "not written" in run.error
    if outcome == "unsupported":
        assert "goes on until somebody stops it" in run.error
    if outcome in ("failed", "unsupported"):
        assert (run.location.cell, run.cells[1].outcome) == (2, outcome)


def test_88_continuous_processing_is_refused(run_notebook, tmp_path):
    """The lie: open-source Spark does it. Here: standard compute doesn't, also where the notebook goes on without it."""
    rate = "spark.readStream.format('rate').load().writeStream.format('noop').option('checkpointLocation', 'dbfs:/tmp/c')"
    cell = f"try:\n    {rate}.trigger(continuous='1 second').start()\nexcept Exception:\n    pass\n"
    (tmp_path / "nb.py").write_text(f"# Databricks notebook source\n{cell}")

    run = run_notebook(tmp_path / "nb.py")

    assert (run.outcome, run.location.line) == ("unsupported", 3)
    assert "no continuous processing" in run.error


def test_88_a_streaming_query_is_waited_for(run_notebook, tmp_path, spark):
    """What it writes is there when the run is over."""
    (tmp_path / "nb.py").write_text(CELL.join([STREAM, "finite.toTable('main.default.copied')\nprint('begun')"]) + "\n")

    run = run_notebook(tmp_path / "nb.py")

    assert run.passed, run.error
    assert spark.table("main.default.copied").count() == 1
    assert (run.cells[1].text, run.executed.cells[1].source[:6]) == ("begun\n", "finite")


@pytest.mark.parametrize(
    "lie",
    [
        "ALTER TABLE main.default.facts ADD CONSTRAINT facts_pk PRIMARY KEY (id)",
        "ALTER TABLE main.default.facts ADD CONSTRAINT facts_fk FOREIGN KEY (id) REFERENCES main.default.dimension (id)",
    ],
)
def test_89_a_key_that_databricks_refuses(run_notebook, tmp_path, lie):
    """The lie: keys are for information only, so a statement that Databricks refuses is taken."""
    made = "# MAGIC %sql\n# MAGIC CREATE TABLE main.default.facts (id INT)"
    (tmp_path / "nb.py").write_text(CELL.join([f"{HEADER}{made}", f"# MAGIC %sql\n# MAGIC {lie}"]) + "\n")

    run = run_notebook(tmp_path / "nb.py")

    assert (run.outcome, run.location.cell) == ("failed", 2), run.error


@pytest.mark.parametrize(
    "lie",
    [
        "spark.range(3).write.format('parquet').saveAsTable('files_103')",
        "spark.sql('CREATE TABLE files_103 (a INT) USING csv')",
        "spark.sql('CREATE TABLE files_103 (a INT) STORED AS PARQUET')",
        "spark.sql('CREATE VOLUME v_103')\nspark.sql(\"CREATE TABLE t_103 (a INT) LOCATION '/Volumes/main/default/v_103/t'\")",
        "spark.sql(\"CREATE SCHEMA s_103 LOCATION 'dbfs:/tmp/s_103'\")",
        "spark.sql('CREATE TABLE g_103 (a INT)')\nspark.sql('GRANT SELECTS ON TABLE g_103 TO `analysts`')",
        "spark.sql('CREATE TABLE g_103 (a INT)')\nspark.sql('GRANT CREATE TABLE ON TABLE g_103 TO `analysts`')",
    ],
)
def test_103_what_unity_catalog_does_not_take(run_notebook, tmp_path, lie):
    """The lie: open-source Spark makes it, so it passes. Here: what Unity Catalog's pages exclude is refused."""
    (tmp_path / "nb.py").write_text(f"# Databricks notebook source\n{lie}\n")

    assert run_notebook(tmp_path / "nb.py").outcome == "failed"


def test_104_a_function_of_a_newer_runtime(run_notebook, tmp_path):
    """The lie: the local Spark is newer, and answers. Here: what the runtime that it stands for hasn't is refused."""
    cell = "from pyspark.sql import functions as F\nspark.range(3).agg(F.theta_sketch_agg('id')).collect()"
    (tmp_path / "nb.py").write_text(f"# Databricks notebook source\n{cell}\n")

    assert run_notebook(tmp_path / "nb.py").outcome == "failed"


LEFT = """
import threading
from concurrent.futures import ThreadPoolExecutor

go_on = threading.Event()

def work():
    go_on.wait(60)
    raise ValueError("nobody hears of it")
"""


@pytest.mark.parametrize(
    ("start", "outcome"),
    [
        ("threading.Thread(target=work).start()", "unsupported"),
        ("pool = ThreadPoolExecutor()\npool.submit(work)", "unsupported"),
        ("threading.Thread(target=work).start()\ndbutils.notebook.exit('done')", "unsupported"),
        ("threading.Thread(target=work, daemon=True).start()", "passed"),
        ("pool = ThreadPoolExecutor()\npool.submit(len, 'it is done, and the pool waits for more').result()", "passed"),
    ],
)
def test_105_a_thread_that_is_left_at_work(run_notebook, tmp_path, start, outcome):
    """The lie: the cells are done, so the notebook has passed. Here: what it left at work is told, with its line."""
    (tmp_path / "nb.py").write_text(f"# Databricks notebook source\n{LEFT}\n{start}\n")

    run = run_notebook(tmp_path / "nb.py")

    assert run.outcome == outcome
    if outcome == "unsupported":
        assert "a thread is still at work" in run.error
        assert run.location.line == 9


def test_95_each_statement_of_a_cell_of_sql(folder):
    """The lie: a query that isn't a cell's last statement is never read, so what it checks has passed. Here: each is run."""
    checked = "# MAGIC %sql\n# MAGIC SELECT assert_true(n > 1) FROM VALUES ({}) AS t(n);\n# MAGIC SELECT 'done'\n"

    assert outcome_of(folder, HEADER + checked.format(2)) == ["passed", "True", "None", ""]
    outcome, _, _, error = outcome_of(folder, HEADER + checked.format(0))
    assert (outcome, "'(n > 1)' is not true!" in error) == ("failed", True), error


@pytest.mark.parametrize(
    ("asked", "lacking"),
    [
        (
            "SELECT max(last_altered) FROM main.information_schema.tables",
            "the column last_altered of information_schema.tables",
        ),
        ("SELECT * FROM main.information_schema.key_column_usage", "information_schema.key_column_usage is on Databricks only"),
    ],
)
def test_98_what_information_schema_lacks_here(run_notebook, tmp_path, asked, lacking):
    """The lie: a column that Databricks has isn't here, the notebook catches that error, and takes an empty list for it."""
    caught = f"try:\n    rows = spark.sql('{asked}').collect()\nexcept Exception:\n    rows = []\n"
    (tmp_path / "nb.py").write_text(CELL.join([f"{HEADER}import pyspark", caught]))

    run = run_notebook(tmp_path / "nb.py")

    assert (run.outcome, run.location.cell) == ("unsupported", 2), run.error
    assert lacking in run.error


def test_99_what_a_sql_function_names(run_notebook, tmp_path):
    """The lie: a function reads a table of that name elsewhere. Here: the one beside it, whatever the caller's schema is."""
    made = "CREATE TABLE main.default.costs AS SELECT 1 AS cost; CREATE TABLE spark_catalog.default.costs AS SELECT 2 AS cost;"
    function = "CREATE FUNCTION main.default.cost() RETURNS INT RETURN (SELECT max(cost) FROM costs)"
    called = "USE spark_catalog.default; SELECT assert_true(main.default.cost() = 1)"
    cells = [f"# MAGIC %sql\n# MAGIC {cell}" for cell in (made + function, called)]
    (tmp_path / "nb.py").write_text(CELL.join([HEADER + cells[0], cells[1]]) + "\n")

    run = run_notebook(tmp_path / "nb.py")

    assert run.passed, run.error


@pytest.mark.parametrize("writes", ["spark.range(3).write.csv(there)", "spark.range(3).write.format('delta').save(there)"])
def test_148_a_volume_that_is_not_there(run_notebook, tmp_path, writes):
    """The lie: Spark makes the folders up to what it writes, and a run without the volume passes."""
    read = "spark.read.load(there).count()" if "delta" in writes else "spark.read.csv(there).count()"
    there = "there = '/Volumes/main/default/gone/out'"
    (tmp_path / "nb.py").write_text(CELL.join([f"{HEADER}import pyspark", f"{there}\n{writes}", read]) + "\n")

    run = run_notebook(tmp_path / "nb.py")

    assert (run.outcome, run.location.cell) == ("failed", 2), run.error
    assert "[UC_VOLUME_NOT_FOUND] Volume `main`.`default`.`gone` does not exist." in run.error
