"""Jobs that a bundle describes or changes in Python, by Databricks' own library."""

from __future__ import annotations

import sys
import textwrap

import pytest

pytest.importorskip("yaml", reason="jobs are read with pyyaml (the extras `local` and `remote`)")
pytest.importorskip("databricks.bundles.core", reason="asked as a user's own")

from harness.jobs.errors import JobFileError, JobNotebookError, JobNotFoundError

BUNDLE = """
    bundle: {name: demo}
    python:
      venv_path: .venv
      resources: ["resources:load_resources"]
    variables: {catalog: {default: main}, lag: {default: 3}, cluster: {lookup: {cluster: shared}}}
    targets:
      dev: {default: true}
      pps: {variables: {catalog: pps}}
"""
INIT = """
    from databricks.bundles.core import Bundle, Resources, load_resources_from_current_package_module


    def load_resources(bundle: Bundle) -> Resources:
        return load_resources_from_current_package_module()
"""
JOB = """
    from databricks.bundles.jobs import Job

    nightly = Job.from_dict(
        {
            "name": "nightly",
            "parameters": [{"name": "catalog", "default": "${var.catalog}"}],
            "tasks": [{"task_key": "load", "notebook_task": {"notebook_path": "src/load.py"}}],
        }
    )
"""
NOTEBOOK = "# Databricks notebook source\n"
LOOPED = """
    from databricks.bundles.core import Bundle, Resources
    from databricks.bundles.jobs import Job, NotebookTask, Task


    def load_resources(bundle: Bundle) -> Resources:
        resources = Resources()
        for name in ("orders", "customers"):
            parameters = {"table": name, "into": bundle.variables["catalog"]}
            notebook = NotebookTask(notebook_path="src/load", base_parameters=parameters)
            tasks = [Task(task_key="load", notebook_task=notebook, existing_cluster_id=bundle.variables["cluster"])]
            resources.add_job(f"{name}_{bundle.target}", Job(name=name, tasks=tasks))
        return resources
"""


@pytest.fixture
def bundle(project):
    """A bundle with a job in Python, as Databricks' template has it."""
    project.write(databricks_yml=BUNDLE, resources__jobs_py=JOB, src__load_py=NOTEBOOK)
    (project.root / "resources" / "__init__.py").write_text(textwrap.dedent(INIT))
    return project


def test_a_job_in_python(bundle):
    """Its paths count from the bundle's folder, its variables are those of the target; nothing is left beside it."""
    job = bundle.read("nightly", target="pps")

    assert job.parameters == {"catalog": "pps"}
    assert job.tasks[0].path == str(bundle.root / "src" / "load.py")
    assert job.path == str(bundle.root / "resources" / "jobs.py")
    assert not list(bundle.root.rglob("__pycache__"))


def test_where_older_bundles_say_so(bundle):
    """Under experimental."""
    text = (bundle.root / "databricks.yml").read_text()
    python, variables, rest = text[text.index("python:") :].partition("variables:")
    (bundle.root / "databricks.yml").write_text(
        f"bundle: {{}}\nexperimental:\n{textwrap.indent(python, '  ')}{variables}{rest}"
    )

    with pytest.raises(JobNotFoundError) as caught:
        bundle.read("nightl")

    assert caught.value.mend == 'did you mean "nightly"?'


def test_what_python_makes_by_the_target_and_its_variables(project):
    """A value that only a workspace knows stays a variable, which is an error where it is needed, and not before."""
    project.write(databricks_yml=BUNDLE, resources_py=LOOPED, src__load_py=NOTEBOOK)

    job = project.read("orders_pps", target="pps")

    assert job.tasks[0].parameters == {"table": "orders", "into": "pps"}
    with pytest.raises(JobNotFoundError, match='no job "order_pps"') as caught:
        project.read("order_pps", target="pps")
    assert caught.value.mend == 'did you mean "orders_pps"?'


def test_an_error_in_what_python_made_names_the_python_file(bundle):
    """And its line, where the job is made."""
    (bundle.root / "src" / "load.py").unlink()

    with pytest.raises(JobNotebookError) as caught:
        bundle.read("nightly")

    assert str(caught.value.location) == "resources/jobs.py:3"


def test_python_that_fails(bundle):
    """The exception, with the line of the bundle's own file."""
    (bundle.root / "resources" / "jobs.py").write_text('import os\n\nlag = int("three")\n')

    with pytest.raises(JobFileError) as caught:
        bundle.read("nightly")

    assert "ValueError: invalid literal for int() with base 10: 'three'" in caught.value.cause
    assert str(caught.value.location) == "resources/jobs.py:3"


def test_python_that_names_no_function(project):
    """What is missing is told, with the mend."""
    project.write(databricks_yml=BUNDLE)

    with pytest.raises(JobFileError) as caught:
        project.read("nightly")

    assert "Can't find function 'load_resources' in module 'resources'" in caught.value.cause


def test_without_databricks_own_library(bundle):
    """The mend says what to install; the environment that the bundle names is the one that counts, if it is there."""
    python = bundle.root / ".venv" / "bin" / "python3"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nshift\nexec "{sys._base_executable}" -S -I -m "$@"\n')
    python.chmod(0o755)

    with pytest.raises(JobFileError) as caught:
        bundle.read("nightly")

    assert caught.value.mend == "python -m pip install databricks-bundles"


def test_code_that_may_not_be_run(bundle, monkeypatch):
    """Databricks' command line refuses it then, too."""
    monkeypatch.setenv("DATABRICKS_BUNDLE_RESTRICTED_CODE_EXECUTION", "1")

    with pytest.raises(JobFileError, match="isn't known") as caught:
        bundle.read("nightly")

    assert "DATABRICKS_BUNDLE_RESTRICTED_CODE_EXECUTION" in caught.value.mend


def test_a_job_in_python_and_in_yaml(bundle):
    """Databricks' command line takes no second one of the same key; others of the file need no Python."""
    yaml = "resources: {jobs: {%s: {tasks: [{task_key: t, notebook_task: {notebook_path: src/load.py}}]}}}\n"
    text = (bundle.root / "databricks.yml").read_text()

    (bundle.root / "databricks.yml").write_text(text + yaml % "other")
    assert [task.key for task in bundle.read("other").tasks] == ["t"]
    assert [task.key for task in bundle.read("nightly").tasks] == ["load"]

    (bundle.root / "databricks.yml").write_text(text + yaml % "nightly")
    (bundle.root / "resources" / "more.py").write_text(textwrap.dedent(JOB).replace("nightly =", "other ="))
    with pytest.raises(JobFileError, match='"nightly" is described twice'):
        bundle.read("other")


def test_another_resource_that_python_describes(bundle):
    """A job in YAML asks for it by name."""
    (bundle.root / "resources" / "schemas.py").write_text(
        'from databricks.bundles.schemas import Schema\n\nsales = Schema(catalog_name="${var.catalog}", name="sales")\n'
    )
    with (bundle.root / "databricks.yml").open("a") as file:
        file.write(
            "resources: {jobs: {other: {parameters: [{name: s, default: '${resources.schemas.sales.id}'}], "
            "tasks: [{task_key: t, notebook_task: {notebook_path: src/load.py}}]}}}\n"
        )

    assert bundle.read("other", target="pps").parameters == {"s": "pps.sales"}


MUTATED = """
    bundle: {name: demo}
    include: [jobs/*.yml]
    python: {mutators: ["mutators:add_table"]}
    variables: {table: {default: orders}, cluster: {lookup: {cluster: shared}}}
"""
YAML = """
    resources:
      jobs:
        nightly:
          tasks:
            - task_key: load
              existing_cluster_id: ${var.cluster}
              notebook_task: {notebook_path: ../src/load.py, base_parameters: {table: "${var.table}"}}
"""
MUTATOR = """
    from dataclasses import replace

    from databricks.bundles.core import Bundle, job_mutator
    from databricks.bundles.jobs import Job, NotebookTask, Task


    @job_mutator
    def add_table(bundle: Bundle, job: Job) -> Job:
        first = job.tasks[0]
        seen = {"seen": first.notebook_task.base_parameters["table"]}
        check = NotebookTask(notebook_path=first.notebook_task.notebook_path, base_parameters=seen)
        return replace(job, tasks=[*job.tasks, Task(task_key="check", notebook_task=check)])
"""


def test_a_job_that_python_changes(project):
    """It is given what the job is for the target, with paths from the bundle's folder; the file alone is still as written."""
    project.write(databricks_yml=MUTATED, jobs__j_yml=YAML, mutators_py=MUTATOR, src__load_py=NOTEBOOK)

    job = project.read("nightly", environ={"BUNDLE_VAR_table": "customers"})

    assert [(task.key, dict(task.parameters)) for task in job.tasks] == [
        ("load", {"table": "customers"}),
        ("check", {"seen": "customers"}),
    ]
    assert {task.path for task in job.tasks} == {str(project.root / "src" / "load.py")}
    raw = project.read("jobs/j.yml")
    assert [task.key for task in raw.tasks] == ["load"]
    assert "what the bundle's mutators make of it is run by its key" in raw.notes[0]
    assert not job.notes


def test_a_mutator_that_fails(project):
    """Its exception, and its line."""
    broken = MUTATOR.replace("job.tasks[0]", "job.tasks[7]")
    project.write(databricks_yml=MUTATED, jobs__j_yml=YAML, mutators_py=broken, src__load_py=NOTEBOOK)

    with pytest.raises(JobFileError) as caught:
        project.read("nightly")

    assert "Failed to apply 'add_table' mutator: IndexError" in caught.value.cause
    assert str(caught.value.location) == "mutators.py:9"
