"""The scripts that a job names: found in the project before anything is run, or refused with their place."""

from __future__ import annotations

import pytest

pytest.importorskip("yaml", reason="jobs are read with pyyaml (the extras `local` and `remote`)")

from harness.jobs.errors import JobNotebookError, JobShapeError, JobVariableError

JOB = """
tasks:
  - task_key: main
    spark_python_task: {own}
"""


@pytest.fixture
def script(project):
    """Read a job whose one task has these settings, beside ``src/main.py``."""
    project.write(src__main_py="print(1)\n", src__nb_py="# Databricks notebook source\n")
    (project.root / "src" / "q.sql").write_text("SELECT 1\n")

    def read(own, *, name="resources/j.yml", more=""):
        project.write(**{name.replace("/", "__").replace(".yml", "_yml"): JOB.format(own=own) + more})
        return project.read(name)

    return read


def test_a_script(script, project):
    """Its path counts from the file that names it; its arguments keep their order."""
    (task,) = script('{python_file: ../src/main.py, parameters: ["--a", "{{job.name}}"]}').tasks

    assert (task.kind, task.path) == ("spark_python_task", str(project.root / "src" / "main.py"))
    assert (task.arguments, task.parameters) == (("--a", "{{job.name}}"), {})
    assert task.texts == {"1": "--a", "2": "{{job.name}}"}
    assert task.unserved == ""


def test_a_script_of_a_bundle(project):
    """By the folder of its files on a workspace, too, and with its variables in their places."""
    project.write(
        databricks_yml="bundle: {name: b}\nvariables: {day: {default: monday}}\ninclude: [j.yml]\n",
        j_yml="""
            resources:
              jobs:
                j:
                  tasks:
                    - task_key: a
                      spark_python_task:
                        python_file: ${workspace.file_path}/src/main.py
                        parameters: ["${var.day}", "${bundle.name}"]
        """,
        src__main_py="",
    )

    (task,) = project.read("j").tasks

    assert (task.path, task.arguments) == (str(project.root / "src" / "main.py"), ("monday", "b"))


@pytest.mark.parametrize(
    ("own", "what", "said"),
    [
        ("{}", "names no script", "python_file is missing"),
        ("{python_file: 3}", "names no script", "python_file is missing"),
        ("{python_file: ../src/main.py, source: GIT}", "takes its script from Git", "the project's own"),
        ("{python_file: ../src/main.py, parameters: {a: b}}", "parameters of the task", "{'a': 'b'}"),
        ("{python_file: ../src/main.py, parameters: --a}", "parameters of the task", "'--a'"),
        ("{python_file: ../src/main.py, parameters: [a, 3]}", 'parameter 2 of the task "main" is no text', "of type int"),
        ("{python_file: ../src/main.py, parameters: [true]}", 'parameter 1 of the task "main" is no text', "of type bool"),
        ("{python_file: ../src/main.py, parameters: [null]}", 'parameter 1 of the task "main" is no text', "NoneType"),
        ('{python_file: ../src/main.py, parameters: ["{{tasks.none.values.x}}"]}', 'refers to the task "none"', "no such task"),
        ('{python_file: ../src/main.py, parameters: ["{{job.parameters.none}}"]}', 'refers to the parameter "none"', "no such"),
    ],
)
def test_settings_that_are_none(script, own, what, said):
    """They are told with the file and the line."""
    with pytest.raises(JobShapeError) as caught:
        script(own)

    assert what in caught.value.what
    assert said in caught.value.cause
    assert caught.value.location.path == "resources/j.yml"


def test_a_job_of_git(script):
    """The project's own file is run only where the task says so."""
    git = "git_source: {git_url: x}\n"
    with pytest.raises(JobShapeError, match="takes its script from Git"):
        script("{python_file: ../src/main.py}", more=git)

    assert script("{python_file: ../src/main.py, source: WORKSPACE}", more=git).tasks[0].path.endswith("main.py")


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("../src/mains.py", ("isn't there", "../src/mains.py", 'did you mean "main.py"?')),
        ("../src/main", ("isn't there", "../src/main", 'did you mean "main.py"?')),
        ("../src", ("isn't there", "../src", "correct python_file")),
        ("/Workspace/x/main.py", ("isn't there", "/Workspace/x/main.py", "or map the workspace folder")),
        ("/Workspace/Users/a@b/x/src/main.py", ("isn't there", "a@b", 'run_prefixes = { "/Users/a@b/x" = "." }')),
        ("../src/nb.py", ("is a notebook", "plain Python files", "make it a notebook_task")),
        ("../src/q.sql", ("is no Python file", "../src/q.sql", "name a Python file")),
        ("dbfs:/main.py", ("isn't the project's", "a cloud's storage", "name a file of the project")),
        ("s3://b/main.py", ("isn't the project's", "a cloud's storage", "name a file of the project")),
        ("../../outside.py", ("lies outside the project", "outside.py", "move it into the project")),
    ],
)
def test_a_file_that_is_no_script_of_the_project(script, tmp_path, path, told):
    """It is told with its place, before anything is run."""
    (tmp_path.parent / "outside.py").write_text("")

    with pytest.raises(JobNotebookError) as caught:
        script(f"{{python_file: {path}}}")

    found = (caught.value.what, caught.value.cause, caught.value.mend)
    assert all(text in whole for text, whole in zip(told, found, strict=True)), found
    assert (caught.value.location.path, caught.value.location.line) == ("resources/j.yml", 3)


def test_a_variable_without_a_value(script):
    """It isn't taken for an empty text."""
    with pytest.raises(JobVariableError):
        script('{python_file: ../src/main.py, parameters: ["${var.none}"]}')
