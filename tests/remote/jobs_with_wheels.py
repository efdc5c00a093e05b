"""What the tests of jobs with wheels share: a workspace, a wheel that is built, and jobs that are sent."""

from __future__ import annotations

import pytest
from workspaces import where_runs_end

from harness.environments import Compute, Environment
from harness.jobs.job import Job
from harness.remote import wheels
from harness.remote.session import Remote

SPEC = {"spark_version": "17.3.x-scala2.13", "node_type_id": "n", "num_workers": 1}
CLUSTER = Environment("pps", catalog="pps", compute=Compute("new", spec=SPEC))
OWN = {"environment_key": "e", "spec": {"environment_version": "2", "dependencies": ["numpy"]}}
SERVERLESS = Environment("pps", catalog="pps", environments=(OWN,))


@pytest.fixture
def ws():
    """A workspace where each run passes as soon as it is looked at."""
    return where_runs_end(notebook_output={"result": "done"}, logs="said\n")


@pytest.fixture
def built(monkeypatch):
    """What was built, by folder."""
    built = []

    def build(folder, **_env):
        built.append(folder)
        return f"my_pkg-{len(built)}.0-py3-none-any.whl", b"PK"

    monkeypatch.setattr(wheels, "build", build)
    return built


@pytest.fixture
def send(ws, project, built):
    """Send a job of these tasks; gives its end and the body that was submitted."""
    made = []

    def send(*tasks, environment=CLUSTER, its_compute=False, parameters=None, **more):
        made.append(Remote(environment, project, workspace=ws, calls_per_s=200.0))
        job = Job("nightly", str(project / "j.yml"), tasks, parameters or {}, **more)
        end = made[-1].submit_job(job, parameters or {}, its_compute=its_compute).result()
        return end, list(ws.runs_made.values())[-1]["body"]

    yield send
    for one in made:
        one.close()
