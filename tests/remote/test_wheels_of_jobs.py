"""The wheels of a job's run on a workspace: built of the project, brought there once, and named for tasks that ask for them."""

from __future__ import annotations

import pytest
from jobs_with_wheels import OWN, SERVERLESS, SPEC, built, send, ws

from harness.environments import Compute, Environment
from harness.jobs.errors import JobKindError
from harness.jobs.job import WHEEL, Entry, Loop, Task, Wheel
from harness.remote.catalogs_named import CatalogMentionError

__all__ = ["built", "send", "ws"]

ASKS = {"libraries": [{"whl": "./dist/*.whl"}, {"pypi": {"package": "x"}}], "new_cluster": SPEC}


@pytest.fixture
def project(tmp_path):
    """A project with a package, and a notebook."""
    folder = tmp_path / "churn"
    (folder / "src" / "my_pkg").mkdir(parents=True)
    (folder / "src" / "my_pkg" / "main.py").write_text("def main():\n    print('pps')\n")
    (folder / "nb.py").write_text("# Databricks notebook source\nx = 1\n")
    return folder


@pytest.fixture
def wheel(project):
    """Make a wheel's task."""

    def make(key="main", *, home=None, wheels=None, **more):
        source = str(project / "src")
        entry = Entry("my-pkg", "main", "my_pkg.main:main", str(project) if home is None else home)
        asked = {"./dist/*.whl": str(project)} if wheels is None else wheels
        others = [Wheel("", folder) for folder in asked.values() if folder != str(project)]
        wheels = (Wheel("my-pkg", str(project), (source,), ("my_pkg",)), *others)
        return Task(key, WHEEL, path=f"{source}/my_pkg/main.py", entry=entry, asked=asked, wheels=wheels, **more)

    return make


def test_a_wheel_on_the_runs_own_cluster(send, wheel, ws, project, built):
    """It is a library of its tasks alone, built once; the task has its names, and what it is given."""
    notebook = Task("nb", "notebook_task", path=str(project / "nb.py"))
    one = wheel("one", arguments=("--catalog={{job.parameters.catalog}}", "{{tasks.nb.values.n}}"))
    two = wheel("two", parameters={"day": "{{job.name}}", "catalog": "own"})

    end, body = send(notebook, one, two, parameters={"catalog": "pps"})

    tasks = {task["task_key"]: task for task in body["tasks"]}
    assert end.ended == "passed"
    assert built == [str(project)]
    [place] = [path for path, held in ws.objects.items() if held[1] == b"PK"]
    assert tasks["one"]["libraries"] == tasks["two"]["libraries"] == [{"whl": place}]
    assert "libraries" not in tasks["nb"]
    own = {"package_name": "my-pkg", "entry_point": "main"}
    assert tasks["one"]["python_wheel_task"] == {**own, "parameters": ["--catalog=pps", "{{tasks.nb.values.n}}"]}
    assert tasks["two"]["python_wheel_task"] == {**own, "named_parameters": {"day": "nightly", "catalog": "pps"}}
    assert (tasks["one"]["max_retries"], tasks["one"]["existing_cluster_id"]) == (0, tasks["nb"]["existing_cluster_id"])
    assert end.tasks["one"].run.cells[0].text == "said\n"
    assert end.tasks["one"].run.path == "src/my_pkg/main.py"


def test_a_wheel_on_serverless_compute(send, wheel, project):
    """Its environment is the first of the environment's, with the wheel; other tasks have that as it is."""
    notebook = Task("nb", "notebook_task", path=str(project / "nb.py"))

    _, body = send(notebook, wheel(), environment=SERVERLESS)

    base, ours = body["environments"]
    tasks = {task["task_key"]: task for task in body["tasks"]}
    assert (base, tasks["nb"]["environment_key"]) == (OWN, "e")
    assert tasks["main"]["environment_key"] == ours["environment_key"] == "nbh_main"
    assert ours["spec"]["environment_version"] == "2"
    numpy, place = ours["spec"]["dependencies"]
    assert (numpy, place.rpartition("/")[2]) == ("numpy", "my_pkg-1.0-py3-none-any.whl")
    assert "libraries" not in tasks["main"]


def test_a_wheel_that_the_environment_has_too(send, wheel):
    """It is built and named once."""
    environment = Environment("pps", catalog="pps", compute=Compute("new", spec=SPEC), libraries=({"whl": "."}, {"pypi": {}}))

    _, body = send(wheel(), environment=environment)

    whl, pypi = body["tasks"][0]["libraries"]
    assert (whl["whl"].rpartition("/")[2], pypi) == ("my_pkg-1.0-py3-none-any.whl", {"pypi": {}})


def test_two_wheels_of_one_task(send, wheel, project, built):
    """Both are brought."""
    _, body = send(wheel(wheels={"a.whl": str(project / "other"), "b.whl": str(project)}))

    assert built == [str(project), str(project / "other")]
    assert len(body["tasks"][0]["libraries"]) == 2


def test_the_jobs_own_compute(send, wheel):
    """The wheel's place on the workspace stands for its place here; what else the task asks for is as it is."""
    _, body = send(wheel(compute=ASKS), its_compute=True)

    whl, pypi = body["tasks"][0]["libraries"]
    assert (whl["whl"].rpartition("/")[2], pypi) == ("my_pkg-1.0-py3-none-any.whl", {"pypi": {"package": "x"}})
    assert body["tasks"][0]["new_cluster"] == SPEC


def test_the_jobs_own_environment(send, wheel):
    """As of libraries."""
    own = {"environment_key": "d", "spec": {"environment_version": "2", "dependencies": ["./dist/*.whl", "numpy"]}}

    _, body = send(wheel(compute={"environment_key": "d"}), its_compute=True, environments=(own,))

    [environment] = body["environments"]
    place, numpy = environment["spec"]["dependencies"]
    assert (place.rpartition("/")[2], numpy) == ("my_pkg-1.0-py3-none-any.whl", "numpy")
    assert body["tasks"][0]["environment_key"] == "d"


def test_a_wheel_in_a_loop(send, wheel):
    """Its library is the inner task's."""
    inner = wheel("one", parameters={"x": "{{input}}"})

    _, body = send(Task("all", "for_each_task", loop=Loop('["a"]', inner)))

    its = body["tasks"][0]["for_each_task"]["task"]
    assert its["python_wheel_task"]["named_parameters"] == {"x": "{{input}}"}
    assert len(its["libraries"]) == 1


EXISTING = Environment("pps", catalog="pps", compute=Compute("existing", "c1"))


@pytest.mark.parametrize(
    ("how", "its", "told"),
    [
        ({"environment": EXISTING}, {}, "is for a cluster that is there"),
        ({"its_compute": True}, {"compute": {"existing_cluster_id": "c1"}}, "is for a cluster that is there"),
        ({}, {"home": ""}, "isn't the project's"),
        ({"its_compute": True}, {"compute": ASKS, "wheels": {}}, "is not that of my-pkg here"),
        (
            {"its_compute": True},
            {"compute": {**ASKS, "libraries": [*ASKS["libraries"], {"whl": "dist/other-1.0-py3-none-any.whl"}]}},
            "comes with dist/other-1.0-py3-none-any.whl",
        ),
        ({"environment": Environment("pps", catalog="pps")}, {}, "has no environment to run in"),
        ({}, {"unclear": "nobody knows"}, "can't be told"),
    ],
)
def test_a_wheel_that_is_refused(send, wheel, ws, how, its, told):  # noqa: PLR0917 -- fixtures, and what they are given
    """Nothing is brought there, and nothing submitted."""
    ws.clusters_made["c1"] = {"cluster_id": "c1", "state": "RUNNING"}
    with pytest.raises(JobKindError) as caught:
        send(wheel(**its), **how)

    assert told in str(caught.value)
    assert ws.count("submit", "upload") == 0


def test_a_wheel_that_names_another_catalog_is_refused(send, wheel, ws, project):
    """Its texts are looked at as a script's are, and what it is given."""
    environment = Environment("pps", catalog="pps", other_catalogs=("prd",), compute=Compute("new", spec=SPEC))
    with pytest.raises(CatalogMentionError):
        send(wheel(arguments=("prd.x.y",)), environment=environment)

    (project / "src" / "my_pkg" / "inner").mkdir()
    (project / "src" / "my_pkg" / "inner" / "deep.py").write_text("TABLE = 'prd.x.y'\n")
    with pytest.raises(CatalogMentionError) as caught:
        send(wheel(), environment=environment)

    assert "src/my_pkg/inner/deep.py" in str(caught.value)
    assert ws.count("submit", "upload") == 0


TRACE = """\
---------------------------------------------------------------------------
ValueError                                Traceback (most recent call last)
File ~/.ipykernel/1/command--1-2:3
      2 entry = 1
----> 3 entry[0].load()()

File /local_disk0/.ephemeral_nfs/envs/pythonEnv-1/lib/python3.12/site-packages/my_pkg/main.py:2, in main()
      1 def main():
----> 2     print('pps')

ValueError: no
"""


def test_a_wheel_that_fails_says_where(send, wheel, ws):
    """At the line of the project's own file, which the wheel was built of."""

    def after(name, *_):
        if name == "submit":
            for run_id in ws.runs_made:
                ws.finish(run_id, {"error": "ValueError: no", "error_trace": TRACE}, result="FAILED")

    ws.after = after

    end, _ = send(wheel())

    main = end.tasks["main"]
    assert (main.ended, str(main.location)) == ("failed", "src/my_pkg/main.py:2")
