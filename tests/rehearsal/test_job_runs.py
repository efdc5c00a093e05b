"""Runs of notebooks, by the SDK; each is truly run."""

from __future__ import annotations

import base64
import json
import re
import time
import zipfile
from pathlib import Path
from urllib.parse import unquote

import psutil
import pytest
from data_fixtures import SECONDS, client, ended, rehearsal
from databricks.sdk import errors
from databricks.sdk.errors import BadRequest, InvalidParameterValue, ResourceDoesNotExist
from databricks.sdk.service import jobs
from databricks.sdk.service.compute import ClusterSpec, Environment, Library, State
from databricks.sdk.service.jobs import NotebookTask, RunLifeCycleState, RunResultState, SubmitTask, TaskDependency
from databricks.sdk.service.workspace import ImportFormat, Language

from harness.rehearsal.clusters import EXISTING

__all__ = ["client", "rehearsal"]

NEW = ClusterSpec(spark_version="17.3.x-scala2.13", node_type_id="Standard_D4ds_v5", num_workers=1)


@pytest.fixture(scope="module")
def notebook(client):
    """Put a notebook into the workspace; gives its path."""

    def make(name, source):
        path = f"/Shared/{name}"
        text = source.encode()
        client.workspace.upload(path, text, format=ImportFormat.SOURCE, language=Language.PYTHON, overwrite=True)
        return path

    return make


@pytest.fixture
def control(client):
    """Drive the workspace; faults and slow starts are gone after the test."""
    yield lambda subject, /, **body: client.api_client.do("POST", f"/rehearsal/{subject}", body=body)
    client.api_client.do("DELETE", "/rehearsal/faults")
    client.api_client.do("POST", "/rehearsal/clusters", body={"start_s": 0})


def task(path, key="main", **more):
    """One task, on the cluster that is there, unless something else is said."""
    parameters = more.pop("parameters", None)
    compute = {} if {"new_cluster", "environment_key", "serverless"} & set(more) else {"existing_cluster_id": EXISTING}
    more.pop("serverless", None)
    return SubmitTask(task_key=key, notebook_task=NotebookTask(path, base_parameters=parameters), **{**compute, **more})


def running(client, run_id):
    """Wait until the notebook runs."""
    until = time.monotonic() + SECONDS
    while client.jobs.get_run(run_id).tasks[0].state.life_cycle_state != RunLifeCycleState.RUNNING:
        assert time.monotonic() < until
        time.sleep(0.02)


def submitted(client, *tasks, **more):
    """The run of these tasks, once it has ended."""
    return ended(client, client.jobs.submit(run_name="test", tasks=list(tasks), **more).run_id)


def output(client, run, key="main"):
    """What a task gave."""
    return client.jobs.get_run_output(next(one.run_id for one in run.tasks if one.task_key == key))


def processes(text):
    """Processes with a text on their command line."""
    return [one for one in psutil.process_iter(["cmdline"]) if any(text in part for part in one.info["cmdline"] or ())]


def gone(text):
    """Whether such processes are, or soon are: one that is killed may be listed for a moment."""
    return not psutil.wait_procs(processes(text), timeout=SECONDS)[1]


def sleeping(text):
    """The source of a notebook that has a process with a text on its command line, and waits for it."""
    child = f'[sys.executable, "-c", "import time; time.sleep(600)", "{text}"]'
    return f"import subprocess, sys\nsubprocess.run({child}, start_new_session=True)"


def begun(text):
    """Wait until such a notebook is at it."""
    until = time.monotonic() + SECONDS
    while not processes(text):
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_notebook_runs_and_gives_its_exit_value(client, notebook):
    """With its parameters, as texts; and the run is told in Databricks' states."""
    path = notebook("exits", "dbutils.widgets.text('day', 'none')\ndbutils.notebook.exit(dbutils.widgets.get('day') + '!')")

    run = submitted(client, task(path, parameters={"day": "2026-01-31"}))

    assert (run.state.life_cycle_state, run.state.result_state) == (RunLifeCycleState.TERMINATED, RunResultState.SUCCESS)
    assert run.status.termination_details.code.value == "SUCCESS"
    assert output(client, run).notebook_output.as_dict() == {"result": "2026-01-31!", "truncated": False}
    assert run.tasks[0].attempt_number == 0
    assert f"#job/{run.job_id}/run/{run.run_id}" in run.run_page_url


def test_a_notebook_that_just_ends_has_no_result(client, notebook):
    """The output is there, and empty."""
    run = submitted(client, task(notebook("ends", "x = 1")))

    assert output(client, run).notebook_output.as_dict() == {}


def test_a_failing_notebook_tells_its_command_and_line(client, notebook, rehearsal):
    """In ``error`` and ``error_trace``, with colours, and without a path of this machine."""
    source = "x = 1\n\n# COMMAND ----------\n\ny = 0\nx / y\n"

    run = submitted(client, task(notebook("fails", source)))

    found = output(client, run)
    trace = re.sub(r"\x1b\[[0-9;]*m", "", found.error_trace)
    assert run.tasks[0].state.result_state == RunResultState.FAILED
    assert run.tasks[0].state.state_message == "Workload failed, see run output for details"
    assert run.state.life_cycle_state == RunLifeCycleState.INTERNAL_ERROR
    assert run.state.state_message == "Task main failed with message: Workload failed, see run output for details."
    assert found.error == "ZeroDivisionError: division by zero"
    assert found.notebook_output is None
    assert re.search(r"^File <command-\d+>, line 2$", trace, flags=re.MULTILINE)
    assert "----> 2 x / y" in trace
    assert "\x1b[0;31m" in found.error_trace
    assert rehearsal.folder not in trace
    assert "/tmp/" not in trace


def test_what_a_notebook_runs_and_imports_lies_beside_it(client, notebook):
    """By ``%run``, relative and absolute, and by import."""
    client.workspace.mkdirs("/Shared/closure")
    notebook("closure/setup", "a = 1")
    notebook("closure/more", "b = 2")
    client.workspace.upload("/Shared/closure/mod.py", b"c = 4\n", format=ImportFormat.AUTO, overwrite=True)
    path = notebook(
        "closure/main",
        "# MAGIC %run ./setup\n\n# COMMAND ----------\n\n# MAGIC %run /Workspace/Shared/closure/more\n\n"
        "# COMMAND ----------\n\nimport mod\ndbutils.notebook.exit(str(a + b + mod.c))",
    )

    run = submitted(client, task(path))

    assert output(client, run).notebook_output.result == "7"


def test_tables_stay_for_the_next_run(client, notebook):
    """The runs of a workspace share its catalogs."""
    writes = notebook("writes", "spark.range(3).write.saveAsTable('kept')")
    reads = notebook("reads", "dbutils.notebook.exit(str(spark.table('kept').count()))")

    run = submitted(client, task(writes, "w"), task(reads, "r", depends_on=[TaskDependency("w")]))

    assert output(client, run, "r").notebook_output.result == "3"


def test_a_notebook_sees_nothing_of_the_servers_secrets(client, notebook, rehearsal):
    """Neither the user's token nor the service principal's secret is in its environment."""
    run = submitted(client, task(notebook("environ", "import os\ndbutils.notebook.exit(str(dict(os.environ)))")))

    told = output(client, run).notebook_output.result
    assert "PATH" in told
    assert rehearsal.token not in told
    assert rehearsal.client_secret not in told


def test_an_unsupported_notebook_is_no_success(client, notebook):
    """It fails and says that it is the rehearsal that can't."""
    path = notebook("scala", "# MAGIC %scala\n# MAGIC println(1)")

    run = submitted(client, task(path))

    assert run.tasks[0].state.result_state == RunResultState.FAILED
    assert output(client, run).error.startswith("The rehearsal can't run this notebook: ")


def test_a_missing_notebook_fails_its_task(client):
    """As a resource that isn't there."""
    run = submitted(client, task("/Shared/never-made"))

    assert run.tasks[0].state.life_cycle_state == RunLifeCycleState.INTERNAL_ERROR
    assert 'Unable to access the notebook "/Shared/never-made"' in run.tasks[0].state.state_message
    assert run.status.termination_details.code.value == "RESOURCE_NOT_FOUND"


def test_what_depends_on_a_failure_is_not_run(client, notebook):
    """Unless it asks to be run whatever happens."""
    bad = notebook("bad", "raise ValueError('no')")
    good = notebook("good", "dbutils.notebook.exit('ran')")
    after = [TaskDependency("bad")]

    run = submitted(
        client,
        task(bad, "bad"),
        task(good, "after", depends_on=after),
        task(good, "always", depends_on=after, run_if=jobs.RunIf.ALL_DONE),
    )

    results = {one.task_key: one.state.result_state for one in run.tasks}
    assert results["after"] == RunResultState.UPSTREAM_FAILED
    assert results["always"] == RunResultState.SUCCESS
    assert run.state.result_state == RunResultState.FAILED
    assert output(client, run, "always").notebook_output.result == "ran"


def test_a_cancelled_run_ends_with_its_process(client, notebook):
    """And its lines after the one that it was at are not run."""
    path = notebook("sleeps_long", sleeping("sleeps_long"))
    waiting = client.jobs.submit(run_name="test", tasks=[task(path)])
    begun("sleeps_long")

    client.jobs.cancel_run(waiting.run_id)

    run = ended(client, waiting.run_id)
    assert run.state.result_state == RunResultState.CANCELED
    assert run.state.user_cancelled_or_timedout
    assert gone("sleeps_long")
    client.jobs.cancel_run(waiting.run_id)  # once more is no error


def test_runs_go_down_with_the_process_that_they_are_forked_from(client, notebook, rehearsal):
    """That is no fault of the notebook's, and the next run has another one."""
    waiting = client.jobs.submit(run_name="test", tasks=[task(notebook("sleeps_on", sleeping("sleeps_on")))])
    begun("sleeps_on")
    (warm,) = (one for one in psutil.Process(rehearsal.pid).children() if "--serve" in one.cmdline())

    warm.kill()

    run = ended(client, waiting.run_id)
    assert run.state.life_cycle_state == RunLifeCycleState.INTERNAL_ERROR
    assert run.state.result_state == RunResultState.FAILED
    assert "lost" in output(client, run).error
    again = submitted(client, task(notebook("after", "dbutils.notebook.exit('again')")))
    assert output(client, again).notebook_output.result == "again"
    assert gone("sleeps_on")


def test_a_run_that_takes_too_long_is_ended_on_the_clock(client, notebook, control):
    """By the task's own limit."""
    path = notebook("sleeps_over", sleeping("sleeps_over"))
    waiting = client.jobs.submit(run_name="test", tasks=[task(path, timeout_seconds=3600)])
    begun("sleeps_over")

    control("clock", advance_s=3601)

    run = ended(client, waiting.run_id)
    assert run.tasks[0].state.result_state == RunResultState.TIMEDOUT
    assert gone("sleeps_over")


def test_one_token_makes_one_run(client, notebook):
    """Submitted twice, the notebook runs once."""
    path = notebook("once", "dbutils.notebook.exit('1')")

    first = client.jobs.submit(run_name="a", tasks=[task(path)], idempotency_token="once-1").run_id
    second = client.jobs.submit(run_name="a", tasks=[task(path)], idempotency_token="once-1").run_id

    assert first == second
    ended(client, first)
    assert client.jobs.submit(run_name="a", tasks=[task(path)], idempotency_token="once-1").run_id == first


def test_a_lost_answer_and_a_token_make_one_run(client, notebook, control):
    """The SDK asks again, and is told of the run that is on."""
    path = notebook("lost", "dbutils.notebook.exit('1')")
    before = {run.run_id for run in client.jobs.list_runs()}
    control("faults", kind="lost_answer", path="*/runs/submit")

    run_id = client.jobs.submit(run_name="lost", tasks=[task(path)], idempotency_token="lost-1").run_id

    ended(client, run_id)
    assert {run.run_id for run in client.jobs.list_runs()} - before == {run_id}


def test_each_task_with_a_cluster_of_its_own_starts_one(client, notebook):
    """Two tasks, two starts, and both have ended with their tasks."""
    path = notebook("small", "x = 1")
    before = client.api_client.do("GET", "/rehearsal/clusters")["of_jobs"]

    run = submitted(client, task(path, "a", new_cluster=NEW), task(path, "b", new_cluster=NEW))

    assert client.api_client.do("GET", "/rehearsal/clusters")["of_jobs"] - before == 2
    ids = {one.cluster_instance.cluster_id for one in run.tasks}
    assert len(ids) == 2
    assert {client.clusters.get(one).state for one in ids} == {State.TERMINATED}


def test_an_ended_cluster_is_started_by_a_run(client, notebook, control):
    """The run is pending until the cluster is up."""
    made = client.clusters.create(cluster_name="ended", autotermination_minutes=10, **NEW.as_dict())
    client.clusters.delete(made.cluster_id)
    control("clusters", start_s=300)
    spec = SubmitTask(task_key="a", existing_cluster_id=made.cluster_id, notebook_task=NotebookTask(notebook("x", "x = 1")))
    waiting = client.jobs.submit(run_name="test", tasks=[spec])
    time.sleep(0.3)
    assert client.jobs.get_run(waiting.run_id).tasks[0].state.life_cycle_state == RunLifeCycleState.PENDING

    control("clock", advance_s=301)

    assert ended(client, waiting.run_id).state.result_state == RunResultState.SUCCESS
    assert client.clusters.get(made.cluster_id).state == State.RUNNING
    assert client.api_client.do("GET", "/rehearsal/clusters")["starts"][made.cluster_id] == 2


@pytest.mark.parametrize(
    ("kind", "code", "told"),
    [("cluster_lost", "DRIVER_ERROR", "unusable during the run"), ("preempted", "CLOUD_FAILURE", "SPOT_INSTANCE_TERMINATION")],
)
def test_a_lost_machine_is_the_platforms_fault(client, notebook, control, *, kind, code, told):
    """And the notebook's process is gone."""
    path = notebook(f"sleeps_{kind}", sleeping(f"sleeps_{kind}"))
    control("faults", kind=kind, path=path)

    run = submitted(client, task(path, new_cluster=NEW))

    assert run.tasks[0].state.life_cycle_state == RunLifeCycleState.INTERNAL_ERROR
    assert run.tasks[0].status.termination_details.code.value == code
    assert told in run.tasks[0].state.state_message
    assert gone(f"sleeps_{kind}")
    assert client.clusters.get(run.tasks[0].cluster_instance.cluster_id).state == State.TERMINATED


@pytest.mark.parametrize(
    ("kind", "code", "of"),
    [("cluster_lost", "DRIVER_ERROR", "INTERNAL_ERROR"), ("preempted", "CLOUD_FAILURE", "CLOUD_FAILURE")],
)
def test_who_else_is_on_a_lost_machine_is_told_the_same(client, notebook, control, *, kind, code, of):
    """It isn't taken for a cluster that somebody ended: what the platform lost may be tried again."""
    cluster = client.clusters.create(cluster_name="of two", **{"autotermination_minutes": 30, **NEW.as_dict()}).cluster_id
    path = notebook(f"stays_{kind}", sleeping(f"stays_{kind}"))
    lost = notebook(f"goes_{kind}", sleeping(f"goes_{kind}"))
    other = client.jobs.submit(tasks=[task(path, existing_cluster_id=cluster)]).run_id
    running(client, other)
    control("faults", kind=kind, path=lost)

    submitted(client, task(lost, existing_cluster_id=cluster))
    details = ended(client, other).tasks[0].status.termination_details

    assert (details.code.value, details.type.value) == (code, of)
    client.clusters.permanent_delete(cluster)


def test_a_cluster_that_does_not_start_fails_the_run(client, notebook, control):
    """With the cloud's reason."""
    control("faults", kind="cluster_refused", path="job-*")

    run = submitted(client, task(notebook("x", "x = 1"), new_cluster=NEW))

    assert "CLOUD_PROVIDER_RESOURCE_STOCKOUT" in run.tasks[0].state.state_message
    assert run.tasks[0].status.termination_details.type.value == "CLOUD_FAILURE"


@pytest.mark.parametrize(("is_disabled", "attempts"), [(False, 1), (True, 0)])
def test_serverless_tries_again_unless_told_not_to(client, notebook, is_disabled, attempts):
    """An attempt above 0 is told."""
    path = notebook("fails_each_time", "raise ValueError('no')")

    run = submitted(client, task(path, serverless=True, disable_auto_optimization=is_disabled))

    assert run.tasks[0].attempt_number == attempts
    assert run.tasks[0].disable_auto_optimization == is_disabled


def test_retries_are_read_back_and_done(client, notebook):
    """As many as were asked for."""
    run = submitted(client, task(notebook("fails_each_time", "raise ValueError('no')"), max_retries=2))

    assert (run.tasks[0].max_retries, run.tasks[0].attempt_number) == (2, 2)


def test_an_exit_value_is_cut_at_five_megabytes(client, notebook):
    """And said to be."""
    run = submitted(client, task(notebook("much", "dbutils.notebook.exit('x' * (6 * 1024 * 1024))")))

    found = output(client, run).notebook_output

    assert found.truncated
    assert len(found.result) == 5 * 1024 * 1024


def test_a_run_is_exported_as_a_page(client, notebook):
    """Its script holds the cells, and the error of the one that failed."""
    run = submitted(client, task(notebook("page", "print('shown')\n\n# COMMAND ----------\n\n1 / 0\n")))

    view = client.jobs.export_run(run.tasks[0].run_id).views[0]

    cells = model_of(view.content)["commands"]
    assert (view.name, view.type.value) == ("page", "NOTEBOOK")
    assert [cell["state"] for cell in cells] == ["finished", "error"]
    assert cells[0]["results"]["data"][0]["data"] == "shown\n"
    assert "ZeroDivisionError" in cells[1]["errorSummary"]
    assert f"<command-{cells[1]['origId']}>" in cells[1]["error"]


SHOWS = """# MAGIC %md
# MAGIC # Title

# COMMAND ----------

print("shown")
display(spark.range(2))
displayHTML("<b>x</b>")
1 + 1

# COMMAND ----------

1 / 0

# COMMAND ----------

late = 1
"""


def test_a_page_has_the_fields_and_forms_of_public_exports(client, notebook):
    """No field of its own, and each result with the fields of its kind."""
    recorded = json.loads((Path(__file__).parents[1] / "data" / "exports" / "orders.json").read_text(encoding="utf-8"))
    forms = {one["type"]: set(one) for command in recorded["commands"] for one in results(command)}
    run = submitted(client, task(notebook("forms", SHOWS)))

    found = model_of(client.jobs.export_run(run.tasks[0].run_id).views[0].content)

    assert set(found) <= set(recorded)
    assert all(set(command) <= set(recorded["commands"][0]) for command in found["commands"])
    shown = [one for command in found["commands"] for one in results(command)]
    assert {one["type"] for one in shown} == {"ansi", "table", "htmlSandbox", "mimeBundle"}
    assert [(one["type"], set(one) - forms[one["type"]]) for one in shown if set(one) - forms[one["type"]]] == [
        ("htmlSandbox", {"metadata"})  # which the one that was seen, of 2018, didn't have yet
    ]
    title, cell, failed, late = found["commands"]
    assert (title["command"], title["state"], title["results"]) == ("%md\n# Title", "finished", None)
    assert cell["listResultMetadata"] == [["ansi", 6], ["table", 2], ["htmlSandbox", 8], ["mimeBundle", None]]
    assert [one["data"] for one in results(cell)] == ["shown\n", [[0], [1]], "<b>x</b>", {"text/plain": "2"}]
    assert (failed["state"], failed["errorTraceType"], failed["listResultMetadata"]) == ("error", "ansi", [])
    assert (late["state"], late["errorSummary"], late["results"]) == ("error", "Command skipped", None)


def test_a_cell_that_exits_shows_the_value_alone(client, notebook):
    """What it had shown before is gone; cells after it have no result."""
    text = "print('gone')\ndbutils.notebook.exit('done')\n\n# COMMAND ----------\n\nlate = 1\n"
    run = submitted(client, task(notebook("exits_early", text)))

    cell, late = model_of(client.jobs.export_run(run.tasks[0].run_id).views[0].content)["commands"]

    assert [one["data"] for one in results(cell)] == ["Notebook exited: done\n"]
    assert (late["state"], late["results"]) == ("input", None)


def results(command):
    """The results of a command, one by one."""
    held = command["results"] or {"type": "listResults", "data": []}
    return held["data"] if held["type"] in {"listResults", "images"} else [held]


def model_of(page):
    """What the script of a page holds."""
    packed = re.search(r"__DATABRICKS_NOTEBOOK_MODEL = '([^']*)'", page)[1]
    return json.loads(unquote(base64.b64decode(packed).decode()))


def test_outputs_of_many_tasks_are_asked_one_by_one(client, notebook):
    """The run's own id gives none."""
    path = notebook("x", "x = 1")
    run = submitted(client, task(path, "a"), task(path, "b"))

    with pytest.raises(InvalidParameterValue, match="multiple tasks"):
        client.jobs.get_run_output(run.run_id)


def test_runs_are_listed(client, notebook):
    """The newest first, by their state."""
    run = submitted(client, task(notebook("x", "x = 1")))

    listed = list(client.jobs.list_runs(completed_only=True))

    assert listed[0].run_id == run.run_id
    assert [one.run_id for one in client.jobs.list_runs(active_only=True)] == []


def test_the_token_of_a_run_that_was_deleted_makes_no_other(client, notebook):
    """What it stood for has been run once."""
    path = notebook("forgotten", "x = 1")
    run_id = client.jobs.submit(tasks=[task(path)], idempotency_token="forgotten-1").run_id
    ended(client, run_id)
    client.jobs.delete_run(run_id)

    with pytest.raises(InvalidParameterValue, match="was deleted"):
        client.jobs.submit(tasks=[task(path)], idempotency_token="forgotten-1")


def test_a_run_that_was_deleted_is_gone(client, notebook):
    """And is told as one that never was."""
    run = submitted(client, task(notebook("x", "x = 1")))

    client.jobs.delete_run(run.run_id)

    with pytest.raises(ResourceDoesNotExist, match="does not exist"):
        client.jobs.get_run(run.run_id)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"tasks": []}, "INVALID_PARAMETER_VALUE"),
        ({"existing_cluster_id": "0101-000000-nope"}, "INVALID_PARAMETER_VALUE"),
        ({"notebook_task": {"notebook_path": "relative"}}, "INVALID_PARAMETER_VALUE"),
        ({"notebook_task": {"notebook_path": "/x", "base_parameters": {"n": 1}}}, "MALFORMED_REQUEST"),
        ({"depends_on": [{"task_key": "other"}]}, "INVALID_PARAMETER_VALUE"),
        ({"depends_on": [{"task_key": "main"}]}, "INVALID_PARAMETER_VALUE"),
        ({"new_cluster": NEW.as_dict()}, "INVALID_PARAMETER_VALUE"),
        ({"environment_key": "nope", "existing_cluster_id": ""}, "INVALID_PARAMETER_VALUE"),
    ],
)
def test_what_cannot_be_run_is_refused_at_once(client, changed, code):
    """Before anything of it is run."""
    one = {"task_key": "main", "existing_cluster_id": EXISTING, "notebook_task": {"notebook_path": "/Shared/x"}}
    body = {"run_name": "bad", "tasks": changed.get("tasks", [{**one, **changed}])}

    with pytest.raises(BadRequest) as caught:
        client.api_client.do("POST", "/api/2.2/jobs/runs/submit", body=body)

    assert caught.value.error_code == code


@pytest.mark.parametrize(
    "changed",
    [
        {"libraries": [{"maven": {"coordinates": "a:b:1"}}]},
        {"notebook_task": None, "spark_jar_task": {"main_class_name": "X"}},
        {"disabled": True},
        {"compute": {"hardware_accelerator": "GPU_1xA10"}},
        {"environment_variables_key": "x"},
        {"max_retries": 1, "retry_on_timeout": True},
        {"webhook_notifications": {"on_failure": [{"id": "0481e838"}]}},
        {"notebook_task": {"notebook_path": "/x", "base_parameters": {"n": "{{job.trigger.type}}"}}},
    ],
)
def test_what_would_have_no_effect_is_refused_loudly(client, changed):
    """A workspace would do it, the rehearsal doesn't."""
    one = {"task_key": "main", "existing_cluster_id": EXISTING, "notebook_task": {"notebook_path": "/Shared/x"}}
    body = {"tasks": [{name: value for name, value in {**one, **changed}.items() if value is not None}]}

    with pytest.raises(errors.NotImplemented):
        client.api_client.do("POST", "/api/2.2/jobs/runs/submit", body=body)


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ({"run_as": {"user_name": "boss@example.com"}}, "run a job as boss@example.com"),
        ({"run_as": {"service_principal_name": "00000000-0000-4000-9000-000000000102"}}, "run a job as 00000000-0000-4000"),
        ({"access_control_list": [{"user_name": "nobody@example.com", "permission_level": "CAN_VIEW"}]}, "nobody@example.com"),
        ({"access_control_list": [{"group_name": "of-nobody", "permission_level": "CAN_VIEW"}]}, "know of-nobody"),
        ({"timeout_seconds": -1}, "timeout_seconds -1"),
        ({"git_source": {"git_url": "https://x", "git_provider": "gitHub"}}, "git_source"),
        ({"budget_policy_id": "550e8400"}, "the budget_policy_id 550e8400"),
        ({"webhook_notifications": {"on_success": [{"id": "0481e838"}]}}, "the destination 0481e838"),
    ],
)
def test_who_and_how_long_is_refused_loudly_where_it_would_not_be_so(client, field, told):
    """It isn't run by another one than was asked for; neither as a one-time run, of old form or new, nor as a job."""
    notebook_task = {"notebook_path": "/Shared/x"}
    one = {"task_key": "main", "existing_cluster_id": EXISTING, "notebook_task": notebook_task}
    old = {"existing_cluster_id": EXISTING, "notebook_task": notebook_task}

    for path, body in (
        ("2.2/jobs/runs/submit", {"tasks": [one]}),
        ("2.0/jobs/runs/submit", old),
        ("2.2/jobs/create", {"tasks": [one]}),
    ):
        with pytest.raises(errors.NotImplemented, match=told):
            client.api_client.do("POST", f"/api/{path}", body={**body, **field})


@pytest.mark.parametrize(
    "when",
    [
        {"schedule": {"quartz_cron_expression": "0 0 6 * * ?", "timezone_id": "UTC"}},
        {"continuous": {"pause_status": "UNPAUSED"}},
        {"trigger": {"file_arrival": {"url": "/Volumes/a/b/c/"}}},
    ],
)
def test_a_job_that_would_start_by_itself_is_refused_loudly(client, when):
    """It would never run; one that is paused needn't."""
    notebook_task = {"notebook_path": "/Shared/x"}
    body = {"tasks": [{"task_key": "main", "existing_cluster_id": EXISTING, "notebook_task": notebook_task}]}
    ((name, told),) = when.items()

    with pytest.raises(errors.NotImplemented, match=f"{name} has to have the pause_status PAUSED"):
        client.api_client.do("POST", "/api/2.2/jobs/create", body={**body, **when})

    paused = {name: {**told, "pause_status": "PAUSED"}}
    made = client.api_client.do("POST", "/api/2.2/jobs/create", body={**body, **paused})
    client.jobs.delete(made["job_id"])


def test_who_runs_it_and_whom_it_knows_may_be_named(client, notebook):
    """The caller itself, and the groups that each workspace has."""
    path = notebook("by_me", "dbutils.notebook.exit('ran')")
    named = {
        "run_as": {"user_name": client.current_user.me().user_name},
        "access_control_list": [{"group_name": "users", "permission_level": "CAN_VIEW"}],
        "timeout_seconds": 600,
    }
    one = {"task_key": "main", "existing_cluster_id": EXISTING, "notebook_task": {"notebook_path": path}}

    made = client.api_client.do("POST", "/api/2.2/jobs/runs/submit", body={"tasks": [one], **named})

    assert output(client, ended(client, made["run_id"])).notebook_output.result == "ran"


@pytest.mark.parametrize("on", ["cluster", "serverless"])
def test_a_wheel_of_the_workspace_can_be_imported(client, notebook, tmp_path, on):
    """As a library of a cluster's task, or a dependency of a serverless environment."""
    wheel = make_wheel(tmp_path, "ours", "1.0", "ANSWER = 42\n")
    client.workspace.upload(f"/Shared/{wheel.name}", wheel.read_bytes(), format=ImportFormat.AUTO, overwrite=True)
    where = f"/Workspace/Shared/{wheel.name}"
    path = notebook("imports_ours", "import ours\ndbutils.notebook.exit(str(ours.ANSWER))")
    if on == "cluster":
        run = submitted(client, task(path, libraries=[Library(whl=where)]))
    else:
        spec = Environment(environment_version="3", dependencies=[where])
        environments = [jobs.JobEnvironment(environment_key="e", spec=spec)]
        run = submitted(client, task(path, environment_key="e"), environments=environments)

    assert output(client, run).notebook_output.result == "42"


def test_a_library_that_is_not_there_fails_the_task(client, notebook):
    """Before the notebook runs."""
    run = submitted(client, task(notebook("x", "x = 1"), libraries=[Library(whl="/Workspace/Shared/no-1-py3-none-any.whl")]))

    assert run.tasks[0].status.termination_details.code.value == "LIBRARY_INSTALLATION_ERROR"
    assert "no such file" in run.tasks[0].state.state_message


def make_wheel(folder, name, version, source):
    """A wheel of one module."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(f"{name}.py", source)
        file.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{info}/RECORD", "")
    return path


def test_a_job_is_made_run_and_removed(client, notebook):
    """With its own parameters, which a run may change; two tasks share one cluster."""
    path = notebook("job", "dbutils.widgets.text('day', '')\ndbutils.notebook.exit(dbutils.widgets.get('day'))")
    made = client.jobs.create(
        name="nightly",
        parameters=[jobs.JobParameterDefinition(name="day", default="monday")],
        job_clusters=[jobs.JobCluster(job_cluster_key="shared", new_cluster=NEW)],
        tasks=[
            jobs.Task(task_key="a", job_cluster_key="shared", notebook_task=NotebookTask(path)),
            jobs.Task(task_key="b", job_cluster_key="shared", notebook_task=NotebookTask(path)),
        ],
    )
    before = client.api_client.do("GET", "/rehearsal/clusters")["of_jobs"]

    run = ended(client, client.jobs.run_now(made.job_id, job_parameters={"day": "tuesday"}).run_id)

    assert [output(client, run, key).notebook_output.result for key in "ab"] == ["tuesday", "tuesday"]
    assert client.api_client.do("GET", "/rehearsal/clusters")["of_jobs"] - before == 1
    assert [job.job_id for job in client.jobs.list(name="Nightly")] == [made.job_id]
    client.jobs.update(made.job_id, new_settings=jobs.JobSettings(name="weekly"))
    assert client.jobs.get(made.job_id).settings.name == "weekly"
    assert len(client.jobs.get(made.job_id).settings.tasks) == 2
    client.jobs.delete(made.job_id)
    with pytest.raises(ResourceDoesNotExist):
        client.jobs.get(made.job_id)


def test_a_job_runs_once_at_a_time(client, notebook):
    """Unless it says otherwise; the second run is skipped."""
    path = notebook("sleeps_job", "import time\ntime.sleep(600)")
    spec = jobs.Task(task_key="a", existing_cluster_id=EXISTING, notebook_task=NotebookTask(path))
    job_id = client.jobs.create(name="one", tasks=[spec]).job_id
    first = client.jobs.run_now(job_id).run_id
    running(client, first)

    second = ended(client, client.jobs.run_now(job_id).run_id)

    assert second.state.result_state == RunResultState.MAXIMUM_CONCURRENT_RUNS_REACHED
    client.jobs.cancel_all_runs(job_id=job_id)
    assert ended(client, first).state.result_state == RunResultState.CANCELED
