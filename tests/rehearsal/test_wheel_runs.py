"""Wheels as tasks, by the SDK: what was uploaded is installed and called, and nothing else stands in for it."""

from __future__ import annotations

import zipfile

import pytest
from data_fixtures import client, ended, rehearsal
from databricks.sdk.errors import BadRequest
from databricks.sdk.errors import NotImplemented as NotServed
from databricks.sdk.service import compute, jobs
from databricks.sdk.service.compute import Library
from databricks.sdk.service.jobs import PythonWheelTask, RunResultState, TaskDependency
from databricks.sdk.service.workspace import ImportFormat

from harness.rehearsal.clusters import EXISTING

__all__ = ["client", "rehearsal"]

MAIN = """
import os
import sys

from databricks.sdk.runtime import dbutils

from our_wheel.inner import NAME


def main():
    print(sys.argv, os.listdir("."), NAME)
    dbutils.jobs.taskValues.set("n", len(sys.argv))
    if sys.argv[1:] == ["bad"]:
        raise ValueError("no bad")
    if sys.argv[1:] == ["exits"]:
        sys.exit(0)
    return 3


def inner():
    import harness.notebook

    print(__file__)
"""

ENTRIES = "[any_group]\nmain = our_wheel.main:main\ninner = our_wheel.main:inner\nnowhere = our_wheel.none:main\n"
PLACE = "/Workspace/Shared/our_wheel-1.0-py3-none-any.whl"


@pytest.fixture(scope="module", autouse=True)
def wheel(client, tmp_path_factory):
    """A wheel in the workspace; no project lies beside it."""
    path = tmp_path_factory.mktemp("wheel") / "our_wheel-1.0-py3-none-any.whl"
    info = "our_wheel-1.0.dist-info"
    files = {
        "our_wheel/__init__.py": "from our_wheel.main import main as begin\n",
        "our_wheel/main.py": MAIN,
        "our_wheel/inner.py": "NAME = 'of the wheel'\n",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: our-wheel\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": ENTRIES,
        f"{info}/RECORD": "",
    }
    with zipfile.ZipFile(path, "w") as file:
        for name, text in files.items():
            file.writestr(name, text)
    client.workspace.upload(PLACE.removeprefix("/Workspace"), path.read_bytes(), format=ImportFormat.AUTO, overwrite=True)


def wheel_task(key, *arguments, after=(), package="our_wheel", entry="main", named=None, libraries=(PLACE,)):
    """A task that calls it."""
    return jobs.Task(
        task_key=key,
        existing_cluster_id=EXISTING,
        python_wheel_task=PythonWheelTask(
            package_name=package, entry_point=entry, parameters=list(arguments) or None, named_parameters=named
        ),
        libraries=[Library(whl=one) for one in libraries] or None,
        depends_on=[TaskDependency(one) for one in after] or None,
    )


def run_of(client, *tasks, **more):
    """The run of these, once it has ended, and its tasks by key."""
    run = ended(client, client.jobs.run_now(client.jobs.create(name="wheels", tasks=list(tasks), **more).job_id).run_id)
    return run, {task.task_key: task for task in run.tasks}


def test_a_wheel(client):
    """It gets its arguments with their references filled in, and those of the job where its own have names."""
    parameters = [jobs.JobParameterDefinition("day", "monday")]
    tasks = [
        wheel_task("one", "{{job.parameters.day}}", "--x"),
        wheel_task("two", after=["one"], package="Our.Wheel", named={"n": "{{tasks.one.values.n}}", "day": "own"}),
        wheel_task("of_package", "x", entry="begin"),
    ]

    run, by_key = run_of(client, *tasks, parameters=parameters)

    outputs = {key: client.jobs.get_run_output(task.run_id) for key, task in by_key.items()}
    assert run.state.result_state is RunResultState.SUCCESS, outputs
    assert outputs["one"].logs == "['our_wheel', 'monday', '--x'] [] of the wheel\n"
    assert outputs["two"].logs == "['Our.Wheel', '--n=3', '--day=monday'] [] of the wheel\n"
    assert (outputs["one"].notebook_output, outputs["one"].error) == (None, None)


@pytest.mark.parametrize(("argument", "error"), [("bad", "ValueError: no bad"), ("exits", "SystemExit: 0")])
def test_a_wheel_that_fails(client, argument, error):
    """By its error, or by any ``SystemExit``; nothing of this machine is shown."""
    run, by_key = run_of(client, wheel_task("one", argument))

    assert run.state.result_state is RunResultState.FAILED
    output = client.jobs.get_run_output(by_key["one"].run_id)
    assert error in output.error
    assert output.logs.startswith(f"['our_wheel', '{argument}'] ")
    assert "/tmp" not in (output.error_trace or "") + output.error


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"libraries": ()}, "PackageNotFoundError: No package metadata was found for our_wheel"),
        ({"package": "databricks-notebook-harness", "entry": "nbh"}, "No package metadata was found for databricks-notebook-"),
        ({"entry": "mains"}, "has no attribute 'mains'"),
        ({"entry": "nowhere"}, "ModuleNotFoundError: No module named 'our_wheel.none'"),
        ({"package": "pytest"}, "PackageNotFoundError"),
        ({"entry": "fit-and-go"}, "SyntaxError"),
    ],
)
def test_what_is_not_in_the_wheel(client, changed, error):
    """What this environment has installed doesn't stand in for it."""
    run, by_key = run_of(client, wheel_task("one", "x", **changed))

    assert run.state.result_state is RunResultState.FAILED
    assert error in client.jobs.get_run_output(by_key["one"].run_id).error


def test_a_wheel_that_is_not_there(client):
    """Nothing is called."""
    run, by_key = run_of(client, wheel_task("one", libraries=["/Workspace/Shared/our_wheel-2.0-py3-none-any.whl"]))

    assert run.state.result_state is RunResultState.FAILED
    assert by_key["one"].status.termination_details.code.value == "LIBRARY_INSTALLATION_ERROR"


def test_a_package_of_an_index(client):
    """As far as this environment has it."""
    task = wheel_task("one", package="packaging", entry="none_such", libraries=())
    task.libraries = [Library(pypi=compute.PythonPyPiLibrary("packaging"))]

    _, by_key = run_of(client, task)

    assert (
        "AttributeError: module 'packaging' has no attribute 'none_such'"
        in client.jobs.get_run_output(by_key["one"].run_id).error
    )


def test_a_loop_over_a_wheel(client):
    """Each iteration is told with what it was given."""
    task = jobs.Task(task_key="all", for_each_task=jobs.ForEachTask('["a", "b"]', wheel_task("one", named={"x": "{{input}}"})))

    run, by_key = run_of(client, task)

    assert run.state.result_state is RunResultState.SUCCESS
    told = client.jobs.get_run(by_key["all"].run_id, include_resolved_values=True).iterations
    assert sorted(one.resolved_values.python_wheel_task.named_parameters["x"] for one in told) == ["a", "b"]


def test_a_wheel_on_serverless_compute(client):
    """In its environment."""
    spec = compute.Environment(environment_version="2", dependencies=[PLACE])
    task = wheel_task("one", "x", libraries=())
    task.existing_cluster_id, task.environment_key = None, "e"
    submitted = jobs.SubmitTask.from_dict(task.as_dict())

    run = ended(
        client, client.jobs.submit(run_name="x", tasks=[submitted], environments=[jobs.JobEnvironment("e", spec)]).run_id
    )

    assert run.state.result_state is RunResultState.SUCCESS


OWN = {"package_name": "our_wheel", "entry_point": "main"}


@pytest.mark.parametrize(
    "changed",
    [
        {"python_wheel_task": {}},
        {"python_wheel_task": {"package_name": "our_wheel"}},
        {"python_wheel_task": {**OWN, "parameters": ["a"], "named_parameters": {"a": "b"}}},
        {"python_wheel_task": {**OWN, "parameters": [1]}},
        {"python_wheel_task": {**OWN, "parameters": "a"}},
        {"python_wheel_task": {**OWN, "named_parameters": {"a": 1}}},
        {"python_wheel_task": {**OWN, "named_parameters": ["a"]}},
        {"python_wheel_task": {**OWN, "named_parameters": {"a": "{{tasks.none.values.x}}"}}},
        {"existing_cluster_id": None},
    ],
)
def test_what_is_refused_of_a_wheel(client, changed):
    """Before anything of it is run."""
    task = {"task_key": "a", "existing_cluster_id": EXISTING, "python_wheel_task": OWN, **changed}

    with pytest.raises(BadRequest):
        client.api_client.do("POST", "/api/2.2/jobs/create", body={"tasks": [task]})


def test_parameters_that_nobody_knows_of(client):
    """A task without any, in a job that has some."""
    with pytest.raises(NotServed, match="without parameters in a job that has some"):
        client.jobs.create(name="x", tasks=[wheel_task("a")], parameters=[jobs.JobParameterDefinition("day", "monday")])
