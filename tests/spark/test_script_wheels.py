"""The project's wheels that the tasks of scripts and notebooks ask for, run here: their source, and what is no green of it."""

from __future__ import annotations

import json

import pytest

PROJECT = '[project]\nname = "my_pkg"\nversion = "1.0"\n'
STEPS = """\
def count(spark):
    return spark.range(3).count()


def double(x):
    return 2 * x


def broken():
    raise ValueError("no")
"""
ASKS = {"libraries": [{"whl": "./dist/*.whl"}]}
OF_ENVIRONMENT = {"environment_key": "e"}
SPARK = "from pyspark.sql import SparkSession\n\nspark = SparkSession.builder.getOrCreate()\n"
NOTE = "main ran the project's source of my_pkg as it lies here, and no wheel that was built of it"


@pytest.fixture
def job(tmp_path):
    """Write a project whose package lies in ``src``, and a job with one task that asks for its wheel; gives the job's path."""

    def write(text, *, task=ASKS, files=(), kind="script"):
        everything = {
            "pyproject.toml": PROJECT,
            "src/my_pkg/__init__.py": "",
            "src/my_pkg/inner/steps.py": STEPS,
            "etl/main.py": text if kind == "script" else f"# Databricks notebook source\n{text}",
            **dict(files),
        }
        for inside, content in everything.items():
            path = tmp_path / inside
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        own = {"notebook_task": {"notebook_path": "etl/main"}}
        if kind == "script":
            own = {"spark_python_task": {"python_file": "etl/main.py"}}
        environment = {"environment_key": "e", "spec": {"dependencies": ["./dist/*.whl"]}}
        path = tmp_path / "j.json"
        path.write_text(
            json.dumps({"name": "j", "environments": [environment], "tasks": [{"task_key": "main", **own, **task}]})
        )
        return path

    return write


KINDS = ("script", "notebook")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("task", [ASKS, OF_ENVIRONMENT], ids=["library", "environment"])
def test_modules_of_the_projects_wheel(run_job, job, kind, task):
    """They are found, on the driver and by Spark's workers, and a run says that their source was run."""
    text = f"{SPARK}from pyspark.sql.functions import udf\n\nfrom my_pkg.inner import steps\n\n"
    text += "print(steps.count(spark), spark.range(3).select(udf(steps.double, 'long')('id')).collect()[2][0])\n"

    run = run_job(job(text, task=task, kind=kind))

    assert run.passed, run.summary
    assert "".join(cell.text for cell in run.tasks["main"].run.cells) == "3 4\n"
    assert NOTE in run.notes


@pytest.mark.parametrize("kind", KINDS)
def test_a_task_that_asks_for_no_wheel(run_job, job, kind):
    """It has none on Databricks: its modules aren't found, however near they lie."""
    run = run_job(job("import my_pkg\n", task={}, kind=kind))

    assert run.outcome == "failed", run.summary
    assert "No module named 'my_pkg'" in run.error
    assert run.notes == ()


@pytest.mark.parametrize("kind", KINDS)
def test_a_module_that_the_wheel_may_not_have(run_job, job, kind):
    """It isn't passed, also where the code goes on after any error: whether it is built into the wheel nobody knows."""
    run = run_job(job("try:\n    import helper\nexcept Exception:\n    pass\n", files={"src/helper.py": ""}, kind=kind))

    assert run.outcome == "unsupported", run.summary
    assert "whether its wheel has that isn't known" in run.error


def test_a_script_that_is_ready_for_either_of_it(run_job, job):
    """It does the same in both cases; and a folder that it puts on the path itself has all that lies in it."""
    text = "import os, sys\n\ntry:\n    import helper\nexcept ImportError:\n    print('none')\n"
    text += "sys.path.append(os.path.abspath(os.path.join(sys.argv[0], '../../src')))\nimport helper\nprint(helper.X)\n"

    run = run_job(job(text, files={"src/helper.py": "X = 7\n"}))

    assert run.passed, run.summary
    assert run.tasks["main"].run.cells[0].text == "none\n7\n"


def test_a_line_of_the_wheel_that_fails(run_job, job):
    """A script is told by its own line, with that of the package in the traceback."""
    run = run_job(job("from my_pkg.inner.steps import broken\n\nbroken()\n"))

    assert run.outcome == "failed", run.summary
    main = run.tasks["main"]
    assert str(main.location).endswith("etl/main.py:3")
    assert "src/my_pkg/inner/steps.py" in str(main.run.cells[0].outputs[-1]["traceback"])


SIBLING = {"etl/my_pkg/__init__.py": "from pathlib import Path\n\nWHICH = 'sibling'\n"}
WHICH = "import my_pkg\n\nprint(getattr(my_pkg, 'WHICH', 'wheel'))\n"


def test_a_package_beside_a_script_that_is_named_as_the_wheels(run_job, job):
    """Which of them a script gets isn't documented; unless it says so itself."""
    run = run_job(job(WHICH, files=SIBLING))
    assert run.outcome == "unsupported", run.summary
    assert "another module of that name lies beside the script" in run.error

    run = run_job(job("import os, sys\n\nsys.path.insert(0, os.path.dirname(sys.argv[0]))\n" + WHICH, files=SIBLING))
    assert run.tasks["main"].run.cells[0].text == "sibling\n"


def test_a_module_beside_a_script_that_is_named_as_an_installed_one(run_job, job):
    """The same doubt, with any library."""
    run = run_job(job("import chispa\n", task={}, files={"etl/chispa.py": ""}))

    assert run.outcome == "unsupported", run.summary
    assert "the import of chispa: another module of that name" in run.error


def test_a_script_in_the_folder_of_the_package(run_job, job):
    """The wheel's module and the one beside it are one file."""
    path = job("")
    path.write_text(path.read_text().replace("etl/main.py", "src/main.py"))
    (path.parent / "src" / "main.py").write_text(WHICH)

    assert run_job(path).tasks["main"].run.cells[0].text == "wheel\n"


def test_a_package_beside_a_notebook_comes_first(run_job, job):
    """As Databricks' pages say of notebooks."""
    run = run_job(job(WHICH, files=SIBLING, kind="notebook"))

    assert run.tasks["main"].run.cells[0].text == "sibling\n"


@pytest.mark.parametrize("kind", KINDS)
def test_the_wheels_source_comes_before_what_is_installed(run_job, job, kind):
    """An older build of the package that is installed beside the tests isn't what is tested."""
    files = {"pyproject.toml": PROJECT.replace("my_pkg", "chispa"), "src/chispa/__init__.py": "OURS = 1\n"}

    run = run_job(job("import chispa\n\nprint(chispa.OURS)\n", files=files, kind=kind))

    assert run.tasks["main"].run.cells[0].text == "1\n"


def test_a_notebook_that_a_notebook_runs_has_the_wheel_too(run_job, job):
    """It runs on the same compute."""
    child = "# Databricks notebook source\nimport my_pkg.inner.steps as steps\ndbutils.notebook.exit(str(steps.double(4)))\n"
    text = "print(dbutils.notebook.run('child', 60))\n"

    run = run_job(job(text, files={"etl/child.py": child}, kind="notebook"))

    assert run.tasks["main"].run.cells[0].text == "8\n"


def test_a_wheel_after_python_begins_anew(run_job, job):
    """The new process finds it again."""
    text = "dbutils.library.restartPython()\n\n# COMMAND ----------\nimport my_pkg.inner.steps\n"

    assert run_job(job(text, kind="notebook")).passed


@pytest.mark.parametrize("kind", KINDS)
def test_two_wheels_of_one_name(run_job, job, kind):
    """Which of them stays, nobody knows."""
    files = {"other/pyproject.toml": PROJECT.replace("my_pkg", "my-pkg"), "other/my_pkg/__init__.py": ""}
    both = {"libraries": [*ASKS["libraries"], {"whl": "./other/dist/*.whl"}]}

    run = run_job(job("import my_pkg\n", files=files, task=both, kind=kind))

    assert run.outcome == "unsupported", run.summary
    assert 'the package "my-pkg" is in the wheel of ' in run.error


@pytest.mark.parametrize(
    "whl", ["./dist/other-1.0-py3-none-any.whl", "./dist/o*.whl", "/Volumes/a/b/c/my_pkg-1.0-py3-none-any.whl"]
)
def test_a_wheel_that_is_not_the_projects(run_job, job, whl):
    """The project's source doesn't stand in for it."""
    run = run_job(job("import my_pkg\n", task={"libraries": [{"whl": whl}]}))

    assert run.outcome == "failed", run.summary
    assert run.notes == ()


def test_a_loop_over_a_script_with_a_wheel(run_job, job):
    """What it asks for is the inner task's."""
    path = job("import my_pkg.inner.steps\n")
    inner = {"task_key": "one", "spark_python_task": {"python_file": "etl/main.py", "parameters": ["{{input}}"]}, **ASKS}
    path.write_text(json.dumps({"tasks": [{"task_key": "all", "for_each_task": {"inputs": '["a"]', "task": inner}}]}))

    assert run_job(path).passed
