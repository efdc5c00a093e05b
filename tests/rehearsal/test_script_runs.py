"""Python scripts as tasks, by the SDK: truly run, as an IPython cell runs them, and strict about what a task may be."""

from __future__ import annotations

import pytest
from data_fixtures import client, ended, rehearsal
from databricks.sdk.errors import BadRequest
from databricks.sdk.errors import NotImplemented as NotServed
from databricks.sdk.service import compute, jobs
from databricks.sdk.service.jobs import RunResultState, SparkPythonTask, TaskDependency
from databricks.sdk.service.workspace import ImportFormat

from harness.rehearsal.clusters import EXISTING

__all__ = ["client", "rehearsal"]

SAYS = """
import sys

from databricks.sdk.runtime import dbutils

print(sys.argv[1:], __name__)
dbutils.jobs.taskValues.set("n", len(sys.argv))
if sys.argv[1:] == ["bad"]:
    raise ValueError("no bad")
if sys.argv[1:] == ["exits"]:
    sys.exit(0)
"""


@pytest.fixture(scope="module", autouse=True)
def says(client):
    """A script in the workspace, and a notebook, which is none."""
    client.workspace.upload("/Shared/says.py", SAYS.encode(), format=ImportFormat.RAW, overwrite=True)
    client.workspace.upload("/Shared/nb.py", b"# Databricks notebook source\n", format=ImportFormat.AUTO, overwrite=True)


def script(key, *arguments, after=(), path="/Shared/says.py"):
    """A task that runs it."""
    return jobs.Task(
        task_key=key,
        existing_cluster_id=EXISTING,
        spark_python_task=SparkPythonTask(path, parameters=list(arguments) or None),
        depends_on=[TaskDependency(one) for one in after] or None,
    )


def run_of(client, *tasks, **more):
    """The run of these, once it has ended, and its tasks by key."""
    run = ended(client, client.jobs.run_now(client.jobs.create(name="scripts", tasks=list(tasks), **more).job_id).run_id)
    return run, {task.task_key: task for task in run.tasks}


def test_a_script(client):
    """It gets its arguments with their references filled in, and leaves what it printed and its task values."""
    parameters = [jobs.JobParameterDefinition("day", "monday")]
    tasks = [script("one", "{{job.parameters.day}}", "--x"), script("two", "{{tasks.one.values.n}}", after=["one"])]

    run, by_key = run_of(client, *tasks, parameters=parameters)

    assert run.state.result_state is RunResultState.SUCCESS
    outputs = {key: client.jobs.get_run_output(task.run_id) for key, task in by_key.items()}
    assert outputs["one"].logs == "['monday', '--x'] __main__\n"
    assert outputs["two"].logs == "['3'] __main__\n"
    assert (outputs["one"].notebook_output, outputs["one"].logs_truncated, outputs["one"].error) == (None, False, None)
    assert by_key["one"].spark_python_task.parameters == ["{{job.parameters.day}}", "--x"]
    with pytest.raises(BadRequest, match="Only notebook runs"):
        client.jobs.export_run(by_key["one"].run_id)


@pytest.mark.parametrize(("argument", "error"), [("bad", "ValueError: no bad"), ("exits", "SystemExit: 0")])
def test_a_script_that_fails(client, argument, error):
    """By its error, or by any ``SystemExit``, with the place in the workspace."""
    run, by_key = run_of(client, script("one", argument))

    assert run.state.result_state is RunResultState.FAILED
    output = client.jobs.get_run_output(by_key["one"].run_id)
    assert error in output.error
    assert output.logs.startswith(f"['{argument}'] __main__\n")
    if argument == "bad":
        assert "File \x1b[0;32m/Workspace/Shared/says.py:9" in output.error_trace
        assert "/tmp" not in output.error_trace


@pytest.mark.parametrize("path", ["/Shared/none.py", "/Shared/nb", "/Shared/nb.py", "/Shared"])
def test_a_file_that_is_not_there(client, path):
    """A notebook has no suffix in a workspace, and is no file; nothing is run."""
    run, by_key = run_of(client, script("one", path=path))

    assert run.state.result_state is RunResultState.FAILED
    assert f'Unable to access the Python file "{path}"' in by_key["one"].state.state_message


def test_a_loop_over_a_script(client):
    """Each iteration is told with what it was given."""
    inner = script("one", "{{input}}")
    task = jobs.Task(task_key="all", for_each_task=jobs.ForEachTask('["a", "bad"]', inner))

    run, by_key = run_of(client, task)

    assert run.state.result_state is RunResultState.FAILED
    told = client.jobs.get_run(by_key["all"].run_id, include_resolved_values=True).iterations
    ends = {one.resolved_values.spark_python_task.parameters[0]: one.state.result_state.value for one in told}
    assert ends == {"a": "SUCCESS", "bad": "FAILED"}


OWN = {"python_file": "/Shared/says.py"}


@pytest.mark.parametrize(
    "changed",
    [
        {"spark_python_task": {}},
        {"spark_python_task": {"python_file": "says.py"}},
        {"spark_python_task": {**OWN, "parameters": "a"}},
        {"spark_python_task": {**OWN, "parameters": [1]}},
        {"spark_python_task": {**OWN, "parameters": ["{{tasks.none.values.x}}"]}},
        {"existing_cluster_id": None},
    ],
)
def test_what_is_refused(client, changed):
    """Before anything of it is run: texts alone are parameters, and serverless compute needs an environment."""
    task = {"task_key": "a", "existing_cluster_id": EXISTING, "spark_python_task": OWN, **changed}

    with pytest.raises(BadRequest):
        client.api_client.do("POST", "/api/2.2/jobs/create", body={"tasks": [task]})


@pytest.mark.parametrize("own", [{"source": "GIT"}, {"python_file": "dbfs:/says.py"}, {"python_file": "/Volumes/a/b/c.py"}])
def test_what_is_not_served(client, own):
    """It is told as that."""
    task = {"task_key": "a", "existing_cluster_id": EXISTING, "spark_python_task": {**OWN, **own}}

    with pytest.raises(NotServed):
        client.api_client.do("POST", "/api/2.2/jobs/create", body={"tasks": [task]})


def test_a_script_on_serverless_compute(client):
    """In its environment."""
    environment = jobs.JobEnvironment("e", compute.Environment(environment_version="2"))
    task = script("one")
    task.existing_cluster_id, task.environment_key = None, "e"

    run = ended(client, client.jobs.submit(run_name="x", tasks=[as_submitted(task)], environments=[environment]).run_id)

    assert run.state.result_state is RunResultState.SUCCESS


def as_submitted(task):
    """The task as a submission has it."""
    return jobs.SubmitTask.from_dict(task.as_dict())
