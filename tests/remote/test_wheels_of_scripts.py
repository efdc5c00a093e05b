"""The project's wheels that a job's scripts and notebooks ask for, on a workspace: built, brought there, named for them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from jobs_with_wheels import OWN, SERVERLESS, SPEC, built, send, ws

from harness.environments import Compute, Environment
from harness.jobs.errors import JobKindError
from harness.jobs.job import NOTEBOOK, SCRIPT, Loop, Task, Wheel
from harness.remote.catalogs_named import CatalogMentionError

__all__ = ["built", "send", "ws"]

ASKED = "../dist/*.whl"


@pytest.fixture
def project(tmp_path):
    """A project with a package, a notebook and a script."""
    files = {
        "pyproject.toml": '[project]\nname = "my-pkg"\n',
        "src/my_pkg/steps.py": "def f():\n    raise ValueError('no')\n",
        "etl/nb.py": "# Databricks notebook source\nimport my_pkg\n",
        "etl/main.py": "import my_pkg\n",
    }
    for inside, text in files.items():
        path = tmp_path / "churn" / inside
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "churn"


@pytest.fixture
def task(project):
    """Make the task of the script, or of the notebook, that asks for the wheel."""

    def make(kind, key="", *, asked=ASKED, **more):
        path = project / "etl" / ("nb.py" if kind == NOTEBOOK else "main.py")
        wheel = Wheel("my-pkg", str(project), (str(project / "src"),), ("my_pkg",))
        return Task(key or kind, kind, path=str(path), wheels=(wheel,), asked={asked: str(project)}, **more)

    return make


def test_on_the_runs_own_cluster(send, task, project, built):
    """It is built once, and a library of the tasks that ask for it alone."""
    other = Task("other", NOTEBOOK, path=str(project / "etl/nb.py"))

    end, body = send(task(SCRIPT), task(NOTEBOOK), other)

    tasks = {one["task_key"]: one for one in body["tasks"]}
    assert (end.ended, built) == ("passed", [str(project)])
    [whl] = tasks[SCRIPT]["libraries"]
    assert whl["whl"].endswith("/my_pkg-1.0-py3-none-any.whl")
    assert tasks[NOTEBOOK]["libraries"] == [whl]
    assert "libraries" not in tasks["other"]
    assert tasks[SCRIPT]["spark_python_task"]["python_file"].endswith("/etl/main.py")


def test_on_serverless_compute(send, task, project):
    """Tasks with the same wheels share an environment; one without has the settings' own."""
    other = Task("other", NOTEBOOK, path=str(project / "etl/nb.py"))

    _, body = send(task(SCRIPT, "one"), task(NOTEBOOK, "two"), other, environment=SERVERLESS)

    base, ours = body["environments"]
    assert [one["environment_key"] for one in body["tasks"]] == ["nbh_one", "nbh_one", "e"]
    assert (base, ours["environment_key"]) == (OWN, "nbh_one")
    numpy, place = ours["spec"]["dependencies"]
    assert (numpy, place.rpartition("/")[2]) == ("numpy", "my_pkg-1.0-py3-none-any.whl")


@pytest.mark.parametrize("kind", [SCRIPT, NOTEBOOK])
def test_the_jobs_own_compute(send, task, kind):
    """The wheel's place there stands for what the task's libraries, or its environment, have written."""
    libraries = [{"whl": ASKED}, {"pypi": {"package": "x"}}]
    on_cluster = task(kind, "one", compute={"libraries": libraries, "new_cluster": SPEC})
    serverless = task(kind, "two", compute={"environment_key": "d"})
    own = {"environment_key": "d", "spec": {"environment_version": "2", "dependencies": [ASKED, "numpy"]}}

    _, body = send(on_cluster, serverless, its_compute=True, environments=(own,))

    one, two = body["tasks"]
    whl, pypi = one["libraries"]
    assert (whl["whl"].rpartition("/")[2], pypi) == ("my_pkg-1.0-py3-none-any.whl", libraries[1])
    assert body["environments"][0]["spec"]["dependencies"] == [whl["whl"], "numpy"]
    assert two["environment_key"] == "d"


BARE = Environment("pps", catalog="pps")
JOBS = {"environment_key": "d", "spec": {"environment_version": "2", "dependencies": [ASKED, "numpy"]}}


def test_on_serverless_compute_without_an_environment(send, task, project):
    """Who needs one has the job's own, with the wheel that is built; a notebook without a wheel does without."""
    other = Task("other", NOTEBOOK, path=str(project / "etl/nb.py"))

    _, body = send(task(SCRIPT, environment=JOBS), task(NOTEBOOK, environment=JOBS), other, environment=BARE)

    [own] = body["environments"]
    assert (own["environment_key"], own["spec"]["environment_version"]) == ("d", "2")
    place, numpy = own["spec"]["dependencies"]
    assert (place.rpartition("/")[2], numpy) == ("my_pkg-1.0-py3-none-any.whl", "numpy")
    assert [one.get("environment_key") for one in body["tasks"]] == ["d", "d", None]


def test_the_settings_environment_comes_first(send, task):
    """Where they have one, the job's isn't taken."""
    _, body = send(task(SCRIPT, "one", environment=JOBS), environment=SERVERLESS)

    assert [one["environment_key"] for one in body["environments"]] == ["e", "nbh_one"]


def test_in_a_loop(send, task):
    """It is the inner task's."""
    _, body = send(Task("all", "for_each_task", loop=Loop('["a"]', task(SCRIPT, "one"))))

    assert len(body["tasks"][0]["for_each_task"]["task"]["libraries"]) == 1


EXISTING = Environment("pps", catalog="pps", compute=Compute("existing", "c1"))
THERE = "/Workspace/Shared/.bundle/artifacts/.internal/my_pkg-1.0-py3-none-any.whl"
OTHERS = "dist/other-1.0-py3-none-any.whl"


@pytest.mark.parametrize("kind", [SCRIPT, NOTEBOOK])
@pytest.mark.parametrize(
    ("how", "its", "told"),
    [
        ({"environment": EXISTING}, {}, "is for a cluster that is there"),
        ({"its_compute": True}, {"compute": {"existing_cluster_id": "c1"}}, "is for a cluster that is there"),
        ({"its_compute": True}, {"compute": {"libraries": [{"whl": OTHERS}], "new_cluster": SPEC}}, f"comes with {OTHERS}"),
        (
            {"its_compute": True, "environments": ({"environment_key": "d", "spec": {"dependencies": [ASKED, OTHERS]}},)},
            {"compute": {"environment_key": "d"}},
            f"comes with {OTHERS}",
        ),
        (
            {"its_compute": True},
            {"compute": {"libraries": [{"whl": THERE}], "new_cluster": SPEC}},
            "is not that of my-pkg here",
        ),
        ({"environment": BARE}, {}, "has no environment to run in"),
        ({"environment": BARE}, {"environment": {**JOBS, "spec": {"dependencies": [OTHERS]}}}, f"comes with {OTHERS}"),
        ({"environment": BARE}, {"environment": {**JOBS, "spec": {"dependencies": ["-r ../r.txt"]}}}, "comes with -r ../r.txt"),
        ({}, {"unclear": "nobody knows"}, "can't be told"),
    ],
)
def test_what_is_refused(send, task, ws, kind, how, its, told):  # noqa: PLR0917 -- fixtures, and what they are given
    """Nothing is brought there, and nothing submitted."""
    ws.clusters_made["c1"] = {"cluster_id": "c1", "state": "RUNNING"}
    with pytest.raises(JobKindError) as caught:
        send(task(kind, **its), **how)

    assert told in str(caught.value)
    assert ws.count("submit", "upload") == 0


@pytest.mark.parametrize("modules", [("my_pkg",), ()])
@pytest.mark.parametrize("kind", [SCRIPT, NOTEBOOK])
def test_a_wheel_that_names_another_catalog_is_refused(send, task, ws, project, kind, modules):  # noqa: PLR0917 -- as above
    """Its texts go there too, and are looked at as those beside it are; all that it may have where that isn't known."""
    (project / "src/my_pkg/tables.py").write_text("TABLE = 'prd.x.y'\n")
    environment = Environment("pps", catalog="pps", other_catalogs=("prd",), compute=Compute("new", spec=SPEC))
    asks = task(kind)
    asks = replace(asks, wheels=(replace(asks.wheels[0], modules=modules),))

    with pytest.raises(CatalogMentionError) as caught:
        send(asks, environment=environment)

    assert "src/my_pkg/tables.py" in str(caught.value)
    assert ws.count("submit", "upload") == 0


TRACE = """\
---------------------------------------------------------------------------
ValueError                                Traceback (most recent call last)
File /local_disk0/.ephemeral_nfs/envs/pythonEnv-1/lib/python3.12/site-packages/my_pkg/steps.py:2, in f()
      1 def f():
----> 2     raise ValueError('no')

ValueError: no
"""


@pytest.mark.parametrize("kind", [SCRIPT, NOTEBOOK])
def test_a_wheel_that_fails_says_where(send, task, ws, kind):
    """At the line of the project's own file, which the wheel was built of."""

    def after(name, *_):
        if name == "submit":
            for run_id in ws.runs_made:
                ws.finish(run_id, {"error": "ValueError: no", "error_trace": TRACE}, result="FAILED")

    ws.after = after

    end, _ = send(task(kind))

    assert (end.tasks[kind].ended, str(end.tasks[kind].location)) == ("failed", "src/my_pkg/steps.py:2")
