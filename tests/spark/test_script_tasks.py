"""A job's Python scripts run here, as a ``spark_python_task`` runs them on Databricks, and what is no green of theirs."""

from __future__ import annotations

import json

import pytest

from harness.jobs.errors import JobNotebookError

HEADER = "# Databricks notebook source\n"


@pytest.fixture
def script(tmp_path):
    """Write a job with one script; gives the job's path."""

    def write(text, *arguments, after=(), **more):
        (tmp_path / "etl").mkdir()
        (tmp_path / "etl" / "main.py").write_text(text)
        own = {"python_file": "etl/main.py", "parameters": list(arguments)}
        task = {"task_key": "main", "spark_python_task": own, "depends_on": [{"task_key": one["task_key"]} for one in after]}
        path = tmp_path / "j.json"
        parameters = [{"name": "day", "default": "2026-01-31"}]
        path.write_text(json.dumps({"name": "j", "parameters": parameters, "tasks": [*after, {**task, **more}]}))
        return path

    return write


WHOLE = """\
import os
import sys
from pathlib import Path

from pyspark.sql import SparkSession


def main(argv):
    spark = SparkSession.builder.getOrCreate()
    print(argv, Path(sys.argv[0]).name, os.path.exists("main.py"), spark.range(3).count())
    print([name for name in ("spark", "dbutils", "display", "sql", "__file__") if name in globals()])


def typed(day: int): ...


assert typed.__annotations__ == {"day": int}
if __name__ == "__main__":
    main(sys.argv[1:])
"""


def test_a_script_is_run_as_a_program(run_job, script):
    """With its arguments, whose references are filled in, in its own folder; nothing of a notebook's is predefined."""
    values = {"task_key": "sets", "notebook_task": {"notebook_path": "sets"}}
    path = script(WHOLE, "--day={{job.parameters.day}}", "{{tasks.sets.values.n}}", "{{task.name}}", after=[values])
    (path.parent / "sets.py").write_text(f"{HEADER}dbutils.jobs.taskValues.set('n', [1, 2])\n")

    run = run_job(path)

    assert run.passed, run.summary
    main = run.tasks["main"]
    assert main.run.cells[0].text == "['--day=2026-01-31', '[1, 2]', 'main'] main.py True 3\n[]\n"
    assert main.arguments == ("--day=2026-01-31", "[1, 2]", "main")
    assert (main.exit_value, main.parameters, main.kind) == (None, {}, "spark_python_task")


def test_a_scripts_task_values_reach_other_tasks(run_job, script):
    """It has ``dbutils`` by the ways that Databricks' pages name."""
    sets = "from databricks.sdk.runtime import dbutils\ndbutils.jobs.taskValues.set('n', 3)\n"
    path = script(sets)
    job = json.loads(path.read_text())
    asks = {"task_key": "asks", "depends_on": [{"task_key": "main"}], "notebook_task": {"notebook_path": "asks"}}
    path.write_text(json.dumps({**job, "tasks": [*job["tasks"], asks]}))
    (path.parent / "asks.py").write_text(f"{HEADER}dbutils.notebook.exit(str(dbutils.jobs.taskValues.get('main', 'n')))\n")

    run = run_job(path)

    assert run.tasks["main"].values == {"n": 3}
    assert run.tasks["asks"].exit_value == "3"


SESSION = """\
from databricks.connect import DatabricksSession
from pyspark.sql import SparkSession

spark = DatabricksSession.builder.getOrCreate()
assert spark is SparkSession.builder.getOrCreate()
print(spark.range(2).count())
"""


def test_the_session_of_databricks_connect(run_job, run_notebook, script):
    """It is the run's own, in scripts and in notebooks; one of another compute isn't there, and isn't passed over."""
    path = script(SESSION)
    assert run_job(path).tasks["main"].run.cells[0].text == "2\n"

    (path.parent / "nb.py").write_text(HEADER + SESSION + "assert spark is globals()['spark']\n")
    assert run_notebook(path.parent / "nb.py").passed

    other = "try:\n    DatabricksSession.builder.serverless()\nexcept Exception:\n    spark = None\n"
    (path.parent / "etl" / "main.py").write_text(f"from databricks.connect import DatabricksSession\n\n{other}")
    run = run_job(path)
    assert (run.outcome, str(run.tasks["main"].location)[-9:]) == ("unsupported", "main.py:4")
    assert "no other session here than the run's own" in run.error


FAILS = {
    "raises": ("def f():\n    raise ValueError('no')\n\n\nf()\n", 2, "ValueError: no"),
    "exits badly": ("import sys\n\nsys.exit(3)\n", 3, "SystemExit: 3"),
    "exits well": ("import sys\n\nsys.exit(0)\n", 3, "fails by any SystemExit on Databricks"),
    "exits by name": ("exit(0)\n", 1, "fails by any SystemExit on Databricks"),
    "asks for too many": ("import sys\nprint(sys.argv[2])\n", 2, "IndexError"),
    "has its file": ("print(\n    __file__\n)\n", 2, "take sys.argv[0]"),
    "runs a loop": ("import asyncio\n\n\nasync def f(): ...\n\n\nasyncio.run(f())\n", 7, "an event loop that is running"),
    "has widgets": (
        "from pyspark.dbutils import DBUtils\n\nDBUtils(None).widgets.get('day')\n",
        3,
        "its parameters are in sys.argv",
    ),
    "is no Python": ("x = 1\nif x\n", 2, "SyntaxError"),
    "has magics": ("%pip install nothing\n", 1, "SyntaxError"),
    "imports what is nowhere": ("import no_such_module_anywhere\n", 1, "ModuleNotFoundError"),
}


@pytest.mark.parametrize("how", FAILS)
def test_a_script_that_fails(run_job, script, how):
    """By its own line, whatever it printed before; a ``SystemExit`` is one of an IPython cell there, and fails even by 0."""
    text, line, told = FAILS[how]

    run = run_job(script(text, "a"))

    main = run.tasks["main"]
    assert (run.outcome, main.outcome) == ("failed", "failed"), run.summary
    assert told in main.error
    assert str(main.location).endswith(f"etl/main.py:{line}")


UNCLEAR = {
    "a bare spark": ("x = 1\nspark.range(3).count()\n", 2, "spark = SparkSession.builder.getOrCreate()"),
    "a bare dbutils": ("dbutils.widgets.get('day')\n", 1, "from databricks.sdk.runtime import dbutils"),
    "a bare display": ("display(1)\n", 1, "isn't documented"),
    "a module beside it": (
        "import helper\n",
        1,
        "or have the task ask for the project's wheel: libraries: [{whl: ./dist/*.whl}]",
    ),
    "a bare dbutils that it does without": (
        "def read():\n    return dbutils.secrets.get('a', 'b')\n\n\ntry:\n    read()\nexcept Exception:\n    print('none')\n",
        2,
        "name 'dbutils' is not defined: whether a Python script finds it predefined",
    ),
    "a module that it does without": (
        "try:\n    import helper.inner\nexcept Exception:\n    pass\n",
        2,
        "No module named 'helper': whether a Python script finds modules in",
    ),
    "a module that it looks for": (
        "import importlib.util\n\nprint(importlib.util.find_spec('helper'))\n",
        3,
        "No module named 'helper': whether a Python script finds modules in",
    ),
    "an exit value": (
        "from databricks.sdk.runtime import dbutils\ntry:\n    dbutils.notebook.exit('x')\nexcept BaseException:\n    pass\n",
        3,
        "dbutils.notebook.exit: what it does in a Python script's task isn't documented",
    ),
    "a new Python": (
        "from databricks.sdk.runtime import dbutils\n\ndbutils.library.restartPython()\n",
        3,
        "dbutils.library.restartPython: what it does",
    ),
}


@pytest.mark.parametrize("what", UNCLEAR)
def test_what_nobody_knows_of_scripts_is_not_passed(run_job, script, what):
    """It is told as unsupported, at its line, with what works either way; also where the script goes on."""
    text, line, told = UNCLEAR[what]
    path = script(text)
    (path.parent / "etl" / "helper.py").write_text("")

    run = run_job(path)

    main = run.tasks["main"]
    assert (run.outcome, main.outcome) == ("unsupported", "unsupported"), run.summary
    assert told in main.error
    assert str(main.location).endswith(f"etl/main.py:{line}")


READY = """\
import contextlib
import sys

from pyspark.sql import SparkSession

try:
    spark
except NameError:
    spark = SparkSession.builder.getOrCreate()
try:
    dbutils
except Exception:
    from databricks.sdk.runtime import dbutils
with contextlib.suppress(NameError):
    display
try:
    import helper
except ImportError:
    sys.path.insert(0, "FOLDER")
    import helper
try:
    import no_such_module_anywhere
except Exception:
    print(helper.NAME, dbutils.secrets.listScopes() == [], spark.range(3).count(), __builtins__.len("ab"))
"""


def test_a_script_that_is_ready_for_either(run_job, script):
    """It does the same whether it finds a name or a module, or not: that is no doubt."""
    path = script(READY)
    path.with_name("etl").joinpath("main.py").write_text(READY.replace("FOLDER", str(path.parent / "etl")))
    (path.parent / "etl" / "helper.py").write_text("NAME = 'help'\n")

    run = run_job(path)

    assert run.passed, run.summary
    assert run.tasks["main"].run.cells[0].text == "help True 3 2\n"


def test_modules_whose_folder_a_script_names(run_job, script):
    """By the path in ``sys.argv``, which is the file's own."""
    adds = "import os\nimport sys\n\nsys.path.insert(0, os.path.dirname(os.path.abspath(sys.argv[0])))\nimport helper\n"
    path = script(adds + "\nprint(helper.NAME)\n")
    (path.parent / "etl" / "helper.py").write_text("NAME = 'help'\n")

    assert run_job(path).tasks["main"].run.cells[0].text == "help\n"


GETS = """\
def count():
    from pyspark.sql import SparkSession

    return SparkSession.builder.getOrCreate().table("orders").count()
"""


def test_the_session_of_a_module_is_the_tests(run_job, run_notebook, uc, script):
    """Wherever the module lies, and though nothing but it names Spark: no other Spark is started, which has no such table."""
    uc.make_table(name="orders", columns="id int", rows=[(1,), (2,)])
    gets = GETS.replace('"orders"', f'"{uc.name}.orders"')
    path = script("import sys\n\nsys.path.insert(0, sys.argv[1])\nimport counting\n\nprint(counting.count())\n", "LIB")
    lib = path.parent / "elsewhere"
    lib.mkdir()
    (lib / "counting.py").write_text(gets)
    path.write_text(path.read_text().replace("LIB", str(lib)))
    finds = f"import sys\nsys.path.insert(0, {str(lib)!r})\nimport counting\nprint(counting.count())\n"
    (path.parent / "nb.py").write_text(HEADER + finds)

    assert run_job(path).tasks["main"].run.cells[0].text == "2\n"
    assert run_notebook(path.parent / "nb.py").cells[0].text == "2\n"


def test_no_other_spark_is_started(run_notebook, tmp_path):
    """Where nothing told that one was needed: here a module of a well-known name, in a folder that is put on the path."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "tqdm.py").write_text(GETS.replace('.table("orders").count()', ""))
    folder = str(tmp_path / "own")
    (tmp_path / "nb.py").write_text(f"{HEADER}import sys\nsys.path.insert(0, {folder!r})\nimport tqdm\ntqdm.count()\n")

    run = run_notebook(tmp_path / "nb.py")

    assert run.outcome == "unsupported", run.summary
    assert "write import pyspark there" in run.error


def test_a_script_that_never_ends(run_job, script):
    """It is ended, at the line where it was."""
    run = run_job(script("import time\n\ntime.sleep(600)\n", timeout_seconds=2))

    assert run.outcome == "timed_out"
    assert str(run.tasks["main"].location).endswith("etl/main.py:3")


def test_a_script_that_ends_its_process(run_job, script):
    """Nobody knows what it would have done."""
    run = run_job(script("import os\n\nos._exit(0)\n"))

    assert (run.outcome, run.tasks["main"].outcome) == ("infrastructure_failed", "infrastructure_failed")


def test_an_argument_that_leads_nowhere(run_job, script, tmp_path):
    """The script isn't run."""
    run = run_job(script(f"open({str(tmp_path / 'ran')!r}, 'w')\n", "{{tasks.main.values.x}}"))

    assert run.outcome == "failed"
    assert "{{tasks.main.values.x}} leads nowhere" in run.error
    assert not (tmp_path / "ran").exists()


def test_a_notebook_is_no_script(run_job, script):
    """There is no such file on a workspace, where a notebook has no suffix."""
    with pytest.raises(JobNotebookError, match='the script of the task "main" is a notebook'):
        run_job(script(f"{HEADER}x = 1\n"))


def test_a_loop_over_a_script(run_job, script):
    """Each iteration has its own arguments; a failure is that of one."""
    path = script("import sys\n\nassert sys.argv[1:] != ['b'], 'no b'\nprint(sys.argv[1:])\n")
    inner = {"task_key": "one", "spark_python_task": {"python_file": "etl/main.py", "parameters": ["{{input}}"]}}
    path.write_text(json.dumps({"tasks": [{"task_key": "all", "for_each_task": {"inputs": '["a", "b"]', "task": inner}}]}))

    run = run_job(path)

    good, bad = run.tasks["all"].iterations
    assert (good.outcome, good.arguments, good.input, good.run.cells[0].text) == ("passed", ("a",), "a", "['a']\n")
    assert (bad.outcome, bad.location.line) == ("failed", 3)
    assert run.outcome == "failed"
