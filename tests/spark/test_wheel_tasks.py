"""A job's wheel tasks run here: the project's own source, called as a ``python_wheel_task`` calls it, and what is no green."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

PROJECT = """
[project]
name = "{name}"
version = "1.0"

[project.scripts]
main = "my_pkg.main:main"
"""

MAIN = """\
import os
import sys

from my_pkg.steps import count


def main():
    print(sys.argv, os.listdir("."), __name__, count())
    return 3
"""

STEPS = """\
def count():
    from pyspark.sql import SparkSession

    return SparkSession.builder.getOrCreate().range(3).count()
"""

WHEEL = {"package_name": "my_pkg", "entry_point": "main"}
ASKS = {"libraries": [{"whl": "./dist/*.whl"}]}


@pytest.fixture
def wheel(tmp_path):
    """Write a project with one package in ``src``, and a job with one wheel task; gives the job's path."""

    def write(main=MAIN, *, name="my_pkg", files=(), after=(), task=ASKS, **own):
        everything = {
            "pyproject.toml": PROJECT.format(name=name),
            "src/my_pkg/__init__.py": "",
            "src/my_pkg/main.py": main,
            "src/my_pkg/steps.py": STEPS,
            **dict(files),
        }
        for inside, text in everything.items():
            path = tmp_path / inside
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        one = {"task_key": "main", "python_wheel_task": {**WHEEL, **own}, **task}
        one["depends_on"] = [{"task_key": before["task_key"]} for before in after]
        path = tmp_path / "j.json"
        path.write_text(json.dumps({"name": "j", "parameters": [{"name": "day", "default": "monday"}], "tasks": [*after, one]}))
        return path

    return write


def test_an_entry_point_is_called(run_job, wheel):
    """Without arguments, and what it returns is passed over; it works where nothing of the project lies."""
    sets = {"task_key": "sets", "notebook_task": {"notebook_path": "sets"}}
    more = {"sets.py": "# Databricks notebook source\ndbutils.jobs.taskValues.set('n', [1, 2])\n"}
    path = wheel(parameters=["--day={{job.parameters.day}}", "{{tasks.sets.values.n}}"], after=[sets], files=more)

    run = run_job(path)

    assert run.passed, run.summary
    main = run.tasks["main"]
    assert main.run.cells[0].text == "['my_pkg', '--day=monday', '[1, 2]'] [] my_pkg.main 3\n"
    assert (main.arguments, main.exit_value, main.kind) == (("--day=monday", "[1, 2]"), None, "python_wheel_task")
    assert run.notes == ("main ran the project's source of my_pkg as it lies here, and no wheel that was built of it",)


def test_parameters_with_names(run_job, wheel):
    """All of the job's come along, and win; in the order of the file, those that are new at the end."""
    run = run_job(wheel(named_parameters={"z": "1", "day": "own", "a": "{{job.name}}"}), parameters={"day": "friday"})

    main = run.tasks["main"]
    assert main.run.cells[0].text.startswith("['my_pkg', '--z=1', '--day=friday', '--a=j'] ")
    assert main.parameters == {"z": "1", "day": "friday", "a": "j"}
    assert main.arguments == ("--z=1", "--day=friday", "--a=j")


def test_a_name_with_a_dash(run_job, wheel):
    """Names of packages are compared as installers do, and sys.argv has the task's own."""
    run = run_job(wheel(name="My.Pkg", package_name="my-pkg", parameters=["x"]))

    assert run.tasks["main"].run.cells[0].text.startswith("['my-pkg', 'x'] ")


def test_a_function_of_the_package_itself(run_job, wheel):
    """Where the metadata have no such entry point."""
    more = {"src/my_pkg/__init__.py": "from my_pkg.main import main as begin\n"}

    run = run_job(wheel(files=more, entry_point="begin", parameters=["x"]))

    assert run.passed, run.summary


FAILS = {
    "raises": ("def main():\n    raise ValueError('no')\n", 2, "ValueError: no"),
    "exits badly": ("import sys\n\n\ndef main():\n    sys.exit(3)\n", 5, "SystemExit: 3"),
    "exits well": ("import sys\n\n\ndef main():\n    sys.exit(0)\n", 5, "fails by any SystemExit on Databricks"),
    "has no such function": ("def mains(): ...\n", None, "AttributeError"),
    "wants an argument": ("def main(argv): ...\n", None, "missing 1 required positional argument"),
    "is no Python": ("x = 1\nif x\n", 2, "SyntaxError"),
    "fails as it is imported": ("def main(): ...\n\n\n1 / 0\n", 4, "ZeroDivisionError"),
    "runs a loop": ("import asyncio\n\n\nasync def f(): ...\n\n\ndef main():\n    asyncio.run(f())\n", 8, "an event loop that"),
    "a bare spark": ("def main():\n    spark.range(1)\n", 2, "a module finds no spark predefined"),
    "reads a file of the project": ("def main():\n    open('pyproject.toml')\n", 2, "FileNotFoundError"),
    "imports what is nowhere": ("def main():\n    import no_such_module_anywhere\n", 2, "ModuleNotFoundError"),
}


@pytest.mark.parametrize("how", FAILS)
def test_what_fails(run_job, wheel, how):
    """As on Databricks, whatever was printed before; at its line, where a line of the entry point's module had a part in it."""
    text, line, told = FAILS[how]

    run = run_job(wheel(text, parameters=["x"]))

    main = run.tasks["main"]
    assert (run.outcome, main.outcome) == ("failed", "failed"), run.summary
    assert told in main.error
    assert (main.location.path.endswith("src/my_pkg/main.py"), main.location.line) == (True, line)


UNCLEAR = {
    "a module beside it": (
        "def main():\n    try:\n        import helper\n    except Exception:\n        pass\n",
        "helper: whether its",
    ),
    "an exit value": (
        "from databricks.sdk.runtime import dbutils\n\n\ndef main():\n    dbutils.notebook.exit('x')\n",
        "what it does in a wheel's task isn't documented",
    ),
}


@pytest.mark.parametrize("what", UNCLEAR)
def test_what_nobody_knows_is_not_passed(run_job, wheel, what):
    """Also where the code goes on."""
    text, told = UNCLEAR[what]

    run = run_job(wheel(text, files={"src/helper.py": ""}, parameters=["x"]))

    assert (run.outcome, run.tasks["main"].outcome) == ("unsupported", "unsupported"), run.summary
    assert told in run.tasks["main"].error


def test_parameters_that_nobody_knows_of(run_job, wheel):
    """A task without any, in a job that has some."""
    run = run_job(wheel())

    assert run.outcome == "unsupported"
    assert "isn't documented" in run.error
    assert run.notes == ()


def test_a_folder_that_a_wheel_may_leave_out(run_job, wheel):
    """``find_packages`` of a setup.py takes no folder without an ``__init__.py``."""
    setup = "from setuptools import find_packages, setup\n\nsetup(name='my_pkg', package_dir={'': 'src'}, "
    setup += "packages=find_packages('src'), entry_points={'packages': ['main=my_pkg.main:main']})\n"
    text = "def main():\n    import my_pkg.inner.deep\n"
    path = wheel(text, files={"setup.py": setup, "src/my_pkg/inner/deep.py": ""}, parameters=["x"])
    (path.parent / "pyproject.toml").unlink()

    run = run_job(path)

    assert (run.outcome, run.tasks["main"].outcome) == ("unsupported", "unsupported"), run.summary
    assert "src/my_pkg/inner has no __init__.py" in run.error

    (path.parent / "src/my_pkg/inner/__init__.py").touch()
    assert run_job(path).passed

    (path.parent / "setup.py").write_text(setup.replace("find_packages('src')", "['my_pkg']"))
    run = run_job(path)
    assert (run.outcome, "the list of its packages doesn't name it" in run.error) == ("unsupported", True)


def test_two_wheels(run_job, wheel):
    """A task that asks for both has the modules of both."""
    other = {"other/pyproject.toml": '[project]\nname = "other-lib"\n', "other/other_lib/__init__.py": "X = 7\n"}
    text = "def main():\n    import other_lib\n    print(other_lib.X)\n"

    both = {"libraries": [{"whl": "./dist/*.whl"}, {"whl": "./other/dist/*.whl"}]}
    run = run_job(wheel(text, files=other, task=both, parameters=["x"]))
    assert run.tasks["main"].run.cells[0].text == "7\n"

    run = run_job(wheel(text, files=other, parameters=["x"]))
    assert run.tasks["main"].outcome == "failed"


def test_the_source_comes_before_what_is_installed(run_job, wheel):
    """And a module of the project doesn't stand in for one of Python's own."""
    text = "import random\n\n\ndef main():\n    import chispa\n    print(chispa.OURS, hasattr(random, 'OURS'))\n"
    files = {
        "src/chispa/__init__.py": "OURS = 1\n",
        "src/random.py": "OURS = 1\n",
        "pyproject.toml": PROJECT.format(name="my_pkg") + 'other = "chispa:x"\n',
    }

    assert run_job(wheel(text, files=files, parameters=["x"])).tasks["main"].run.cells[0].text == "1 False\n"


def test_a_loop_over_a_wheel(run_job, wheel):
    """Each iteration has its own arguments."""
    path = wheel("import sys\n\n\ndef main():\n    assert sys.argv[1:] != ['b'], 'no b'\n")
    inner = {"task_key": "one", "python_wheel_task": {**WHEEL, "parameters": ["{{input}}"]}, **ASKS}
    path.write_text(json.dumps({"tasks": [{"task_key": "all", "for_each_task": {"inputs": '["a", "b"]', "task": inner}}]}))

    run = run_job(path)

    good, bad = run.tasks["all"].iterations
    assert (good.outcome, good.arguments) == ("passed", ("a",))
    assert (bad.outcome, bad.location.line) == ("failed", 5)


def test_udfs_of_a_wheel(run_job, wheel):
    """Spark's workers find its modules, too."""
    text = "from pyspark.sql import SparkSession\nfrom pyspark.sql.functions import udf\n\n"
    text += "from my_pkg.steps import double\n\n\n"
    text += "def main():\n    spark = SparkSession.builder.getOrCreate()\n"
    text += "    print(spark.range(3).select(udf(double, 'long')('id')).collect()[2][0])\n"
    more = {"src/my_pkg/steps.py": "def double(x):\n    return 2 * x\n"}

    assert run_job(wheel(text, files=more, parameters=["x"])).tasks["main"].run.cells[0].text == "4\n"


@pytest.mark.parametrize(
    ("name", "code", "told"),
    [("main", 0, "['my_pkg', '--day', 'x'] [] my_pkg.main 3"), ("mains", 3, "NBH414 the package")],
)
def test_an_entry_point_by_the_command_line(wheel, name, code, told):
    """Of the package of the current folder."""
    folder = wheel().parent
    command = [sys.executable, "-m", "harness", "run", "my_pkg", "--entry-point", name, "--argument=--day", "--argument=x"]

    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)

    assert done.returncode == code, done.stdout + done.stderr
    assert told in done.stdout + done.stderr
