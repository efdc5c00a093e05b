"""Jobs of several tasks, by the SDK: task values, conditions, and what is run after what."""

from __future__ import annotations

import pytest
from data_fixtures import client, ended, rehearsal
from databricks.sdk.errors import BadRequest
from databricks.sdk.errors import NotImplemented as NotServed
from databricks.sdk.service import jobs
from databricks.sdk.service.jobs import ConditionTask, ConditionTaskOp, NotebookTask, RunResultState, TaskDependency
from databricks.sdk.service.workspace import ImportFormat, Language

from harness.rehearsal.clusters import EXISTING
from harness.remote.client import SdkWorkspace
from harness.remote.secrets import Masker

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
        {"condition_task": {**COMPARES, "left": "{{tasks.first.values.x}} {{tasks.none.values.x}}"}},
        {"condition_task": COMPARES, "depends_on": [{"task_key": "first", "outcome": "maybe"}]},
        {"condition_task": COMPARES, "run_if": "SOMETIMES"},
    ],
)
def test_what_is_refused(client, changed):
    """Before anything of it is run."""
    first = {"task_key": "first", "condition_task": COMPARES}

    with pytest.raises(BadRequest):
        client.api_client.do("POST", "/api/2.2/jobs/create", body={"tasks": [first, {"task_key": "c", **changed}]})


def test_what_only_looks_like_a_reference(client):
    """Outside of braces it is a text as any other."""
    compares = {**COMPARES, "left": "tasks.none.result_state"}

    made = client.api_client.do("POST", "/api/2.2/jobs/create", body={"tasks": [{"task_key": "c", "condition_task": compares}]})

    assert client.jobs.get(made["job_id"]).settings.tasks[0].condition_task.left == "tasks.none.result_state"


ONE = """
dbutils.widgets.text("x", "")
x = dbutils.widgets.get("x")
dbutils.jobs.taskValues.set("x", x)
assert x != "bad", "no " + x
dbutils.notebook.exit(x)
"""


def loop(key, inputs, name="one", *, after=(), at_once=None, **parameters):
    """A task that runs a notebook for each of its inputs."""
    depends_on = [TaskDependency(one) for one in after] or None
    each = jobs.ForEachTask(inputs, notebook(f"{key}_one", name, **parameters), at_once)
    return jobs.Task(task_key=key, for_each_task=each, depends_on=depends_on)


def test_a_loop(client, notebooks):
    """Each iteration is a run of its own, told with the loop's; one that fails fails the loop, after all have run."""
    client.workspace.upload("/Shared/one", ONE.encode(), format=ImportFormat.SOURCE, language=Language.PYTHON, overwrite=True)
    tasks = [
        notebook("sets", "sets"),
        loop("good", '["{{tasks.sets.values.name}}", {"k": 1}]', after=["sets"], at_once=2, x="{{input}}"),
        loop("bad", "{{job.parameters.names}}", x="{{input.k}}"),
        loop("no_array", "{{tasks.sets.values.name}}", after=["sets"]),
        loop("empty", "[]"),
        condition("found", "{{tasks.good.values.x}}", "EQUAL_TO", "1", after=["good"]),
    ]
    parameters = [jobs.JobParameterDefinition("names", '[{"k": "bad"}, {"k": "a"}, {"l": 1}]')]
    job = client.jobs.create(name="loops", tasks=tasks, parameters=parameters)

    run = ended(client, client.jobs.run_now(job.job_id).run_id)

    assert states(run) == {
        "sets": "SUCCESS",
        "good": "SUCCESS",
        "bad": "FAILED",
        "no_array": "FAILED",
        "empty": "EXCLUDED",
        "found": "FAILED",
    }
    by_key = {task.task_key: task for task in run.tasks}
    assert by_key["good"].for_each_task.stats.task_run_stats.succeeded_iterations == 2
    told = client.jobs.get_run(by_key["good"].run_id, include_resolved_values=True)
    given = {one.run_id: one.resolved_values.notebook_task.base_parameters["x"] for one in told.iterations}
    assert sorted(given.values()) == ["ö", '{"k": 1}'][::-1]
    assert {client.jobs.get_run_output(one).notebook_output.result for one in given} == {"ö", '{"k": 1}'}
    stats = by_key["bad"].for_each_task.stats
    assert (stats.task_run_stats.total_iterations, stats.task_run_stats.failed_iterations) == (3, 2)
    assert any("{{input.k}} can't be resolved" in one.error_message for one in stats.error_message_stats)
    assert "not a JSON array: ö" in by_key["no_array"].state.state_message
    assert "has set no value x" in by_key["found"].state.state_message
    client.jobs.delete(job.job_id)


def test_many_iterations_are_told_page_by_page(client):
    """By the SDK's call, and by our own; what each was given comes with it."""
    inputs = str(list(range(150)))
    job = client.jobs.create(name="many", tasks=[loop("many", inputs, "none_such", at_once=100, x="{{input}}")])

    run = ended(client, client.jobs.run_now(job.job_id).run_id)

    (task,) = run.tasks
    assert task.for_each_task.stats.task_run_stats.failed_iterations == 150
    assert len({one.run_id for one in client.jobs.get_run(task.run_id).iterations}) == 150
    assert len({one["run_id"] for one in SdkWorkspace(client, Masker()).iterations(task.run_id)}) == 150


def test_a_loop_is_cancelled_with_its_run(client, notebooks):
    """What is on ends, and what isn't doesn't begin."""
    sleeps = b"import time\ntime.sleep(600)"
    client.workspace.upload("/Shared/sleeps", sleeps, format=ImportFormat.SOURCE, language=Language.PYTHON, overwrite=True)
    job = client.jobs.create(name="long", tasks=[loop("long", "[1, 2, 3]", "sleeps")])
    run_id = client.jobs.run_now(job.job_id).run_id
    client.jobs.cancel_run(run_id)

    run = ended(client, run_id)

    assert states(run) == {"long": "CANCELED"}
    told = client.jobs.get_run(run.tasks[0].run_id).iterations or []
    assert {one.state.result_state.value for one in told} <= {"CANCELED"}


INNER = {"task_key": "o", "notebook_task": {"notebook_path": "/Shared/one"}, "existing_cluster_id": EXISTING}


@pytest.mark.parametrize(
    "changed",
    [
        {"inputs": "a, b"},
        {"inputs": ["a"]},
        {"inputs": '{"a": 1}'},
        {"inputs": ""},
        {"inputs": f"[{'1,' * 5000}1]"},
        {"concurrency": 101},
        {"concurrency": True},
        {"task": None},
        {"task": {**INNER, "task_key": "l"}},
        {"task": {**INNER, "task_key": "a b"}},
        {"task": {**INNER, "depends_on": [{"task_key": "first"}]}},
        {"task": {"task_key": "o", "for_each_task": {"inputs": "[1]", "task": INNER}}},
        {"inputs": "{{tasks.none.values.x}}"},
        {"task": {**INNER, "existing_cluster_id": "none"}},
    ],
)
def test_a_loop_that_is_refused(client, changed):
    """Before anything of it is run."""
    first = {"task_key": "first", "condition_task": COMPARES}
    each = {"task_key": "l", "for_each_task": {"inputs": "[1]", "task": INNER, **changed}}

    with pytest.raises(BadRequest):
        client.api_client.do("POST", "/api/2.2/jobs/create", body={"tasks": [first, each]})


def test_what_a_loop_is_not_served_with(client):
    """It is told as not served: no other kind of task, and no element outside of a loop."""
    for inner in (
        {"task_key": "o", "dbt_task": {"commands": ["dbt run"]}},
        {"task_key": "o", "condition_task": COMPARES},
    ):
        body = {"tasks": [{"task_key": "l", "for_each_task": {"inputs": "[1]", "task": inner}}]}
        with pytest.raises(NotServed, match="does not run"):
            client.api_client.do("POST", "/api/2.2/jobs/create", body=body)
    with pytest.raises(NotServed, match=r"the reference {{input}}"):
        client.jobs.create(name="x", tasks=[condition("c", "{{input}}", "EQUAL_TO", "a")])


def test_the_time_of_a_loop(client, notebooks):
    """The iteration that is on ends with it, and the next one doesn't begin."""
    sleeps = b"import time\ntime.sleep(600)"
    client.workspace.upload("/Shared/sleeps", sleeps, format=ImportFormat.SOURCE, language=Language.PYTHON, overwrite=True)
    task = loop("long", "[1, 2]", "sleeps")
    task.timeout_seconds = 1
    job = client.jobs.create(name="late", tasks=[task])

    run = ended(client, client.jobs.run_now(job.job_id).run_id)

    told = client.jobs.get_run(run.tasks[0].run_id).iterations
    assert states(run) == {"long": "TIMEDOUT"}
    assert [one.state.result_state.value for one in told] == ["TIMEDOUT", "TIMEDOUT"]
    assert told[1].setup_duration == told[1].execution_duration == 0


def test_an_iteration_is_tried_again(client):
    """As often as its task says; the last attempt is told, and the first can be asked for."""
    task = loop("many", "[1]", "none_such")
    task.for_each_task.task.max_retries = 1
    job = client.jobs.create(name="again", tasks=[task])

    run = ended(client, client.jobs.run_now(job.job_id).run_id)

    (last,) = client.jobs.get_run(run.tasks[0].run_id).iterations
    assert (last.attempt_number, last.state.result_state.value) == (1, "FAILED")
    first = client.jobs.get_run(client.jobs.get_run(last.run_id).original_attempt_run_id)
    assert first.attempt_number == 0
    assert run.tasks[0].attempt_number == 0
