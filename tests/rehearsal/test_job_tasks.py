"""Jobs of several tasks, by the SDK: task values, conditions, and what is run after what."""

from __future__ import annotations

import pytest
from data_fixtures import client, ended, rehearsal
from databricks.sdk.errors import BadRequest
from databricks.sdk.service import jobs
from databricks.sdk.service.jobs import ConditionTask, ConditionTaskOp, NotebookTask, RunResultState, TaskDependency
from databricks.sdk.service.workspace import ImportFormat, Language

from harness.rehearsal.clusters import EXISTING

__all__ = ["client", "rehearsal"]

SETS = """
dbutils.widgets.text("rows", "3")
dbutils.jobs.taskValues.set("rows", int(dbutils.widgets.get("rows")))
dbutils.jobs.taskValues.set("name", "ö")
"""
GETS = """
dbutils.widgets.text("told", "")
rows = dbutils.jobs.taskValues.get("sets", "rows")
dbutils.notebook.exit(f"{rows + 1} {dbutils.widgets.get('told')}")
"""


@pytest.fixture(scope="module")
def notebooks(client):
    """Two notebooks: one that sets task values, and one that gets them."""
    for name, text in (("sets", SETS), ("gets", GETS)):
        how = {"format": ImportFormat.SOURCE, "language": Language.PYTHON, "overwrite": True}
        client.workspace.upload(f"/Shared/{name}", text.encode(), **how)


def notebook(key, name, *, after=(), run_if=None, **parameters):
    """A task that runs one of them."""
    return jobs.Task(
        task_key=key,
        existing_cluster_id=EXISTING,
        notebook_task=NotebookTask(f"/Shared/{name}", base_parameters=parameters or None),
        depends_on=[TaskDependency(one, outcome) for one, outcome in after] or None,
        run_if=run_if,
    )


def condition(key, left, op, right, *, after=()):
    """A task that compares."""
    depends_on = [TaskDependency(one) for one in after] or None
    return jobs.Task(task_key=key, condition_task=ConditionTask(ConditionTaskOp(op), left, right), depends_on=depends_on)


def states(run):
    """How each task ended."""
    return {task.task_key: task.state.result_state.value for task in run.tasks}


def test_task_values_and_a_condition(client, notebooks):
    """A job of its own, with a parameter: a value reaches a notebook, a reference, a condition; one branch is excluded."""
    job = client.jobs.create(
        name="branches",
        parameters=[
            jobs.JobParameterDefinition(name="rows", default="3"),
            jobs.JobParameterDefinition(name="key", default="{{task.name}} {{job.name}}"),
        ],
        tasks=[
            notebook("sets", "sets"),
            condition("enough", "{{tasks.sets.values.rows}}", "GREATER_THAN", "9.5", after=["sets"]),
            notebook(
                "yes",
                "gets",
                after=[("enough", "true")],
                told="{{tasks.sets.values.name}} {{tasks.sets.result_state}} {{job.parameters.key}}",
            ),
            notebook("no", "gets", after=[("enough", "false")]),
            notebook("last", "gets", after=[("no", None)]),
        ],
    )

    run = ended(client, client.jobs.run_now(job.job_id, job_parameters={"rows": "10"}).run_id)

    excluded = RunResultState.EXCLUDED.value
    assert states(run) == {"sets": "SUCCESS", "enough": "SUCCESS", "yes": "SUCCESS", "no": excluded, "last": excluded}
    by_key = {task.task_key: task for task in run.tasks}
    assert by_key["enough"].condition_task.outcome == "true"
    assert client.jobs.get_run_output(by_key["yes"].run_id).notebook_output.result == "11 ö success yes branches"
    assert client.jobs.get_run_output(by_key["enough"].run_id).notebook_output is None
    assert run.state.result_state == RunResultState.SUCCESS
    client.jobs.delete(job.job_id)


def test_conditions_alone(client):
    """Texts by ==, numbers by the others; what can't be compared, or resolved, fails and is no "false"."""
    tasks = [
        condition("texts", "12.0", "EQUAL_TO", "12"),
        condition("numbers", "12.0", "GREATER_THAN_OR_EQUAL", "12"),
        condition("no_number", "many", "LESS_THAN", "1"),
        condition("time", "{{job.start_time.year}}", "GREATER_THAN", "2000"),
        condition("no_value", "{{tasks.texts.values.rows}}", "EQUAL_TO", "1", after=["texts"]),
        condition("next", "a", "EQUAL_TO", "a", after=["no_value"]),
    ]

    run = ended(client, client.jobs.run_now(client.jobs.create(name="conditions", tasks=tasks).job_id).run_id)

    by_key = {task.task_key: task for task in run.tasks}
    assert [by_key[key].condition_task.outcome for key in ("texts", "numbers", "time", "no_number")] == [
        "false",
        "true",
        "true",
        None,
    ]
    assert states(run)["no_number"] == states(run)["no_value"] == "FAILED"
    assert "has set no value rows" in by_key["no_value"].state.state_message
    assert states(run)["next"] == "UPSTREAM_FAILED"
    assert by_key["no_value"].attempt_number == 0


def test_what_is_run_after_a_failure(client):
    """As ``run_if`` says; what was to handle failures and has none is excluded, the rest is told as failed upstream."""
    bad, good = condition("bad", "x", "LESS_THAN", "1"), condition("good", "1", "EQUAL_TO", "1")
    hows = {how.lower(): how for how in ("ALL_SUCCESS", "AT_LEAST_ONE_SUCCESS", "NONE_FAILED", "ALL_FAILED", "ALL_DONE")}
    rest = []
    for key, how in hows.items():
        one = condition(key, "1", "EQUAL_TO", "1", after=["bad", "good"])
        one.run_if = jobs.RunIf(how)
        rest.append(one)

    run = ended(client, client.jobs.run_now(client.jobs.create(name="ifs", tasks=[bad, good, *rest]).job_id).run_id)

    found = states(run)
    assert (found["all_success"], found["none_failed"]) == ("UPSTREAM_FAILED", "UPSTREAM_FAILED")
    assert (found["at_least_one_success"], found["all_done"], found["all_failed"]) == ("SUCCESS", "SUCCESS", "EXCLUDED")
    assert run.state.result_state == RunResultState.FAILED


COMPARES = {"op": "EQUAL_TO", "left": "a", "right": "b"}


@pytest.mark.parametrize(
    "changed",
    [
        {"condition_task": {**COMPARES, "op": "EQUALS"}},
        {"condition_task": {**COMPARES, "left": 1}},
        {"condition_task": COMPARES, "existing_cluster_id": EXISTING},
        {"condition_task": {**COMPARES, "left": "{{tasks.none.values.x}}"}},
        {"condition_task": COMPARES, "depends_on": [{"task_key": "first", "outcome": "maybe"}]},
        {"condition_task": COMPARES, "run_if": "SOMETIMES"},
    ],
)
def test_what_is_refused(client, changed):
    """Before anything of it is run."""
    first = {"task_key": "first", "condition_task": COMPARES}

    with pytest.raises(BadRequest):
        client.api_client.do("POST", "/api/2.2/jobs/create", body={"tasks": [first, {"task_key": "c", **changed}]})
