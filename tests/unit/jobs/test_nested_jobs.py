"""A job that has another of its bundle run: read with it, and refused where Databricks would."""

from __future__ import annotations

import pytest

pytest.importorskip("yaml", reason="jobs are read with pyyaml (the extras `local` and `remote`)")

from harness.jobs.errors import JobKindError, JobNotebookError, JobShapeError
from harness.jobs.given import pushed_down
from harness.remote.job_request import check_kinds

NOTEBOOK = "# Databricks notebook source\n"
BUNDLE = """
    bundle: {name: demo}
    include: [jobs/*.yml]
"""
MONITOR = """
    resources:
      jobs:
        monitor:
          parameters: [{name: catalog, default: main}]
          tasks:
            - task_key: retrain
              run_job_task:
                job_id: ${resources.jobs.train.id}
                job_parameters: {day: "2026-01-31", catalog: other}
"""
TRAIN = """
    resources:
      jobs:
        train:
          parameters:
            - {name: catalog, default: dev}
            - {name: day, default: "${var.today}"}
            - {name: model, default: churn}
          tasks:
            - {task_key: fit, notebook_task: {notebook_path: ../src/fit.py}}
"""


@pytest.fixture
def bundle(project):
    """Two jobs, of which one runs the other."""
    return project.write(databricks_yml=BUNDLE, jobs__monitor_yml=MONITOR, jobs__train_yml=TRAIN, src__fit_py=NOTEBOOK)


@pytest.mark.parametrize("asked", ["monitor", "jobs/monitor.yml"])
def test_the_job_that_a_task_runs(bundle, asked):
    """Read with it, also by its file. Parameters of the job around it win, as for a notebook; no default is needed of these."""
    job = bundle.read(asked)

    (task,) = job.tasks
    assert (task.kind, task.unserved, task.unclear) == ("run_job_task", "", "")
    assert pushed_down(task, {"catalog": "pps"}) == {"day": "2026-01-31", "catalog": "pps"}
    assert task.job.parameters == {"catalog": "", "day": "", "model": "churn"}
    assert [inner.path for inner in task.job.tasks] == [str(bundle.root / "src" / "fit.py")]


def test_a_fault_of_the_inner_job_names_its_own_file(bundle):
    """It is found before anything is run."""
    (bundle.root / "src" / "fit.py").unlink()

    with pytest.raises(JobNotebookError) as caught:
        bundle.read("monitor")

    assert str(caught.value.location).startswith("jobs/train.yml:")


def test_a_job_that_the_bundle_has_not(bundle):
    """The near one is named."""
    bundle.write(jobs__monitor_yml=MONITOR.replace("jobs.train.id", "jobs.trains.id"))

    with pytest.raises(JobShapeError, match='"retrain" runs the job "trains"') as caught:
        bundle.read("monitor")

    assert caught.value.mend == 'did you mean "train"?'


@pytest.mark.parametrize("asked", ["${var.train_id}", "123", "${resources.jobs.train.name}"])
def test_a_job_that_is_none_of_the_bundle(bundle, asked):
    """Of a workspace alone: nothing of it lies here, so the task can't run here."""
    bundle.write(jobs__monitor_yml=MONITOR.replace("${resources.jobs.train.id}", asked))

    (task,) = bundle.read("monitor").tasks

    assert (task.unserved, task.job) == ("run_job_task", None)


def test_a_circle(bundle):
    """A job that would run itself."""
    more = "            - {task_key: again, run_job_task: {job_id: '${resources.jobs.monitor.id}'}}\n"
    bundle.write(jobs__train_yml=TRAIN + more)

    with pytest.raises(JobShapeError, match="which it is part of") as caught:
        bundle.read("monitor")

    assert caught.value.cause == "monitor -> train -> monitor"


def test_jobs_too_deep_in_each_other(project):
    """Databricks supports three."""
    jobs = "".join(
        f"{name}: {{tasks: [{{task_key: {name}, run_job_task: {{job_id: '${{resources.jobs.{then}.id}}'}}}}]}}\n    "
        for name, then in ("ab", "bc", "cd", "de")
    )
    text = f"resources:\n  jobs:\n    {jobs}e: {{tasks: [{{task_key: e, notebook_task: {{notebook_path: n.py}}}}]}}\n"
    project.write(databricks_yml=text, n_py=NOTEBOOK)

    assert project.read("b").tasks
    with pytest.raises(JobShapeError, match="too deep") as caught:
        project.read("a")
    assert caught.value.cause.startswith("a -> b -> c -> d -> e: ")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("job_parameters: {day: '1', month: '1'}", "it gives train the parameter month, which that doesn't declare"),
        ("job_parameters: {day: '1'}, notebook_params: {day: '1'}", "which task of train gets notebook_params isn't told"),
    ],
)
def test_what_nobody_can_tell_of_what_it_is_given(bundle, wrong, told):
    """So it isn't run."""
    bundle.write(
        jobs__monitor_yml=MONITOR.replace(
            """job_parameters: {day: "2026-01-31", catalog: other}""", wrong.replace(", note", "\n                note")
        )
    )

    assert bundle.read("monitor").tasks[0].unclear.startswith(told)


def test_a_parameter_of_the_job_around_it_that_it_does_not_declare(bundle):
    """It would be given to it, too."""
    bundle.write(jobs__monitor_yml=MONITOR.replace("default: main}", "default: main}, {name: region, default: eu}"))

    assert "the parameter region, which that doesn't declare" in bundle.read("monitor").tasks[0].unclear


def test_a_misspelt_key(bundle):
    """Databricks would pass it over."""
    bundle.write(jobs__monitor_yml=MONITOR.replace("job_parameters:", "job_parameter:"))

    with pytest.raises(JobShapeError) as caught:
        bundle.read("monitor")

    assert caught.value.mend == 'did you mean "job_parameters"?'


def test_on_a_workspace_it_is_refused(bundle):
    """It would be the deployed job that is run there."""
    with pytest.raises(JobKindError) as caught:
        check_kinds(bundle.read("monitor"), root=str(bundle.root))

    assert 'skip_tasks=["retrain"]' in caught.value.mend
