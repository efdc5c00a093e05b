"""A job's run on a workspace: what is submitted, and what is made of what the workspace says of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from workspaces import missing

from harness.jobs.errors import JobKindError, TaskValuesUnknownError
from harness.jobs.job import Condition, Dependency, Job, Loop, Task
from harness.remote.errors import UnreachableError
from harness.remote.job_outcome import end_of_job, job_run
from harness.remote.job_request import JobRequest, TaskSent, check_kinds, values_of
from harness.remote.outcome import Sent, gone, unknown

FOLDER = "/Workspace/f"
WHOLE = Sent("etl", {}, (), FOLDER, ("a note",))
OWN = {"day": "own", "n": "{{job.parameters.n}}"}
LOAD = Task("load", "notebook_task", path="/p/load.py", parameters=OWN, timeout_s=60)
LESS = Condition("LESS_THAN", "{{tasks.load.values.n}}", "{{job.parameters.n}}")
CHECK = Task("check", "condition_task", (Dependency("load"),), condition=LESS)
TRAIN = Task("train", "notebook_task", (Dependency("check", "true"),), "ALL_DONE", path="/p/train.py")
JOB = Job("etl", "/p/databricks.yml", (LOAD, CHECK, TRAIN), {"n": "3", "day": ""}, notes=("no retries",))
PARTS = tuple((task, None if task is CHECK else Sent(f"{task.key}.py", {}, (), FOLDER)) for task in JOB.tasks)


class Outputs:
    """The outputs of tasks by their run's id; an error is raised."""

    def __init__(self, *iterations, **held):
        self.told, self.held = iterations, held

    def iterations(self, run_id):
        """Those of the one loop."""
        if run_id != 5:
            raise missing(f"iterations of {run_id}")
        return list(self.told)

    def output(self, run_id):
        """What a task gave."""
        found = self.held.get(f"t{run_id}", missing(f"output {run_id}"))
        if isinstance(found, Exception):
            raise found
        return found

    def export_run(self, run_id):
        """No page."""
        return []


def told(result, *, life="TERMINATED", run_id=0, key="", message="", **more):
    """What a workspace says of a run or a task."""
    state = {"life_cycle_state": life, "result_state": result, "state_message": message}
    return {"run_id": run_id, "task_key": key, "state": state, **more}


def run_of(load="SUCCESS", check="SUCCESS", train="SUCCESS", whole="SUCCESS", *, outcome="true", leave_out=()):
    """What a workspace says of a run of the job."""
    tasks = [
        told(load, run_id=1, key="load"),
        told(check, run_id=2, key="check", condition_task={"op": "LESS_THAN", **({"outcome": outcome} if outcome else {})}),
        told(train, run_id=3, key="train"),
    ]
    tasks = [task for task in tasks if task["task_key"] not in leave_out]
    return {**told(whole, run_id=9), "tasks": tasks, "run_page_url": "https://p/9", "run_duration": 3000}


OUTPUTS = {"t1": {"notebook_output": {"result": "7"}}, "t3": {"notebook_output": {}}}


def end(facts, outputs=None, *, stopped=""):
    """The result for a test."""
    return job_run(JOB, end_of_job(facts, WHOLE, PARTS, Outputs(**{**OUTPUTS, **(outputs or {})}), stopped=stopped))


def test_what_is_submitted():
    """One run with all tasks, none of which is tried again; the job's parameters are in their places, and win."""
    parts = (TaskSent(LOAD, WHOLE, "/W/load"), TaskSent(CHECK), TaskSent(TRAIN, WHOLE, "/W/train"))
    compute = {"existing_cluster_id": "c1"}
    request = JobRequest(WHOLE, "", "nbh-x", {"n": "3", "day": ""}, 600.0, lambda: (compute, {}), job=JOB, parts=parts)

    body = request.body("token", "name")

    once = {"max_retries": 0, "retry_on_timeout": False, "disable_auto_optimization": True, **compute}
    both = {"source": "WORKSPACE"}
    assert body["tasks"] == [
        {
            "task_key": "load",
            "timeout_seconds": 60,
            "notebook_task": {"notebook_path": "/W/load", "base_parameters": {"day": "", "n": "3"}, **both},
            **once,
        },
        {
            "task_key": "check",
            "depends_on": [{"task_key": "load"}],
            "run_if": "ALL_SUCCESS",
            "condition_task": {"op": "LESS_THAN", "left": "{{tasks.load.values.n}}", "right": "3"},
        },
        {
            "task_key": "train",
            "depends_on": [{"task_key": "check", "outcome": "true"}],
            "run_if": "ALL_DONE",
            "notebook_task": {"notebook_path": "/W/train", "base_parameters": {"n": "3", "day": ""}, **both},
            **once,
        },
    ]
    assert (body["idempotency_token"], body["run_name"], body["timeout_seconds"]) == ("token", "name", 2400)
    assert not request.is_tried_again


def test_its_own_compute():
    """Where the test asks for it."""
    task = Task("load", "notebook_task", path="/p/load.py", compute={"new_cluster": {"num_workers": 1}})
    job = Job("etl", "/p/j.yml", (task,), environments=({"environment_key": "e"},))
    parts = (TaskSent(task, WHOLE, "/W/load"),)
    request = JobRequest(WHOLE, "", "nbh-x", {}, 600.0, lambda: ({}, {}), job=job, parts=parts, has_own_compute=True)

    body = request.body("token", "name")

    assert body["tasks"][0]["new_cluster"] == {"num_workers": 1}
    assert body["environments"] == [{"environment_key": "e"}]


def test_all_is_well():
    """Both the tasks and the workspace say so."""
    run = end(run_of())

    assert run.passed
    assert {key: task.outcome for key, task in run.tasks.items()} == {"load": "exited", "check": "passed", "train": "passed"}
    assert (run.tasks["load"].exit_value, run.tasks["check"].result) == ("7", True)
    assert (run.link, run.duration_s, run.notes) == ("https://p/9", 3.0, ("no retries", "a note"))
    with pytest.raises(TaskValuesUnknownError):
        assert run.tasks["load"].values


def test_what_was_not_run_is_told_as_such():
    """Never as passed; and it says by what."""
    run = end(run_of(train="EXCLUDED", outcome="false"))

    assert run.outcome == "passed"
    assert (run.tasks["train"].ended, run.tasks["train"].why) == ("excluded", "check came to false")


@pytest.mark.parametrize(
    ("facts", "outputs", "outcome", "error"),
    [
        (run_of(leave_out=("train",)), {}, "infrastructure_failed", "the workspace tells nothing of it"),
        (run_of(outcome=""), {}, "infrastructure_failed", "not what it came to"),
        (run_of(), {"t3": missing("output")}, "infrastructure_failed", "what it gave can't be read"),
        (run_of(), {"t3": {}}, "infrastructure_failed", "has no output of a notebook"),
        (run_of(whole="FAILED"), {}, "infrastructure_failed", "the run ended as FAILED"),
        (run_of(whole=None), {}, "infrastructure_failed", "the run ended as nothing"),
        (run_of(train="FAILED"), {"t3": {"error": "boom"}}, "failed", "train failed: boom"),
        (run_of(train=None), {}, "infrastructure_failed", "train was lost"),
        (run_of(train="DISABLED"), {}, "infrastructure_failed", "DISABLED"),
        (run_of(load="FAILED", check="UPSTREAM_FAILED", whole="SUCCESS"), {"t1": {"error": "x"}}, "infrastructure_failed", ""),
        (run_of(check="FAILED", train="UPSTREAM_FAILED", whole="FAILED"), {}, "failed", "check failed"),
        (run_of(train="TIMEDOUT", whole="TIMEDOUT"), {}, "timed_out", "longer than it may"),
        (run_of(train="CANCELED", whole="CANCELED"), {}, "cancelled", "cancelled on the workspace"),
    ],
)
def test_what_contradicts_itself_or_is_lost_is_red(facts, outputs, outcome, error):
    """Whatever else the workspace says."""
    run = end(facts, outputs)

    assert run.is_unread_red
    assert not run.passed
    assert run.outcome == outcome
    assert error in run.error


def test_a_job_of_which_nothing_was_run_is_not_passed():
    """Though the workspace calls it a success."""
    run = end(run_of(load="EXCLUDED", check="EXCLUDED", train="EXCLUDED"))

    assert run.ended == "excluded"
    assert run.is_unread_red


def test_an_answer_that_may_come_later_is_waited_for():
    """An output that can't be had now isn't taken for one that isn't there."""
    with pytest.raises(UnreachableError):
        end(run_of(), {"t3": UnreachableError("gone", cause="reset", mend="wait")})


@pytest.mark.parametrize("make", [unknown, gone])
def test_a_run_that_is_lost_loses_its_tasks(make):
    """Nobody knows of any that it passed."""
    run = job_run(JOB, make(WHOLE, run_id=9, **({"why": "no answer"} if make is unknown else {})))

    assert run.outcome == "infrastructure_failed"
    assert [task.ended for task in run.tasks.values()] == ["infrastructure_failed"] * 3


INNER = Task("one", "notebook_task", path="/p/one.py", parameters={"x": "{{input.k}}", "day": "own"}, timeout_s=9)
EACH = Task("each", "for_each_task", timeout_s=60, loop=Loop("{{job.parameters.names}}", INNER, 4))
NAMES = '[{"k": "a"}, {"k": "b"}]'


def loop_request():
    """A job with one loop, to be submitted."""
    job = Job("etl", "/p/databricks.yml", (EACH,), {"names": NAMES, "day": "1"})
    parts = (TaskSent(EACH, Sent("one.py", {}, (), FOLDER), "/W/one"),)
    compute = {"existing_cluster_id": "c1"}
    return JobRequest(WHOLE, "", "nbh-x", {"names": NAMES, "day": "1"}, 600.0, lambda: (compute, {}), job=job, parts=parts)


def test_how_a_loop_is_submitted():
    """With the job's parameters in their places; what it runs is tried no second time, and has the compute."""
    (task,) = loop_request().body("token", "name")["tasks"]

    inner = task["for_each_task"].pop("task")
    assert task == {"task_key": "each", "timeout_seconds": 60, "for_each_task": {"inputs": NAMES, "concurrency": 4}}
    parameters = inner.pop("notebook_task")["base_parameters"]
    assert parameters == {"x": "{{input.k}}", "day": "1", "names": NAMES}
    once = {"max_retries": 0, "retry_on_timeout": False, "disable_auto_optimization": True, "existing_cluster_id": "c1"}
    assert inner == {"task_key": "one", "timeout_seconds": 9, **once}


def test_how_a_script_is_submitted():
    """Its arguments by their order; the job's parameters have no names there, and are in their places only."""
    one = Task("one", "spark_python_task", path="/p/one.py", arguments=("{{input}}", "--day={{job.parameters.day}}"))
    each = Task("each", "for_each_task", loop=Loop('["a", "b"]', one))
    job = Job("etl", "/p/databricks.yml", (each,), {"day": "1"})
    parts = (TaskSent(each, Sent("one.py", {}, ("one.py",), FOLDER), "/W/one.py"),)
    request = JobRequest(WHOLE, "", "nbh-x", {"day": "1"}, 600.0, lambda: ({}, {}), job=job, parts=parts)

    inner = request.body("token", "name")["tasks"][0]["for_each_task"]["task"]

    assert inner == {
        "task_key": "one",
        "spark_python_task": {"python_file": "/W/one.py", "parameters": ["{{input}}", "--day=1"], "source": "WORKSPACE"},
        "max_retries": 0,
        "retry_on_timeout": False,
        "disable_auto_optimization": True,
    }
    its = [
        told(result, run_id=number, key="one", resolved_values={"spark_python_task": {"parameters": [name, "--day=1"]}})
        for result, number, name in (("SUCCESS", 6, "b"), ("FAILED", 7, "a"))
    ]
    trace = "Traceback:\nFile /Workspace/f/one.py:3, in <module>\n      1 x\n----> 3 fails()\n"
    facts = {**told("FAILED", run_id=9), "tasks": [told("FAILED", run_id=5, key="each", for_each_task={"stats": {}})]}
    outputs = Outputs(*its, t6={"metadata": {}, "logs": ""}, t7={"error": "boom", "error_trace": trace})
    good, bad = job_run(job, request.collect(facts, outputs, stopped="")).tasks["each"].iterations

    assert (good.outcome, good.input, good.arguments, good.exit_value) == ("passed", "b", ("b", "--day=1"), None)
    assert (bad.outcome, bad.input, str(bad.location)) == ("failed", "a", "one.py:3")


def iteration(result, run_id, **given):
    """What a workspace says of one."""
    return told(result, run_id=run_id, key="one", resolved_values={"notebook_task": {"base_parameters": given}})


def end_of_each(*iterations, result="SUCCESS", total=2, whole="SUCCESS", **outputs):
    """The result of a job with one loop."""
    stats = {} if total is None else {"stats": {"task_run_stats": {"total_iterations": total}}}
    facts = {**told(whole, run_id=9), "tasks": [told(result, run_id=5, key="each", for_each_task=stats)]}
    request = loop_request()
    return job_run(request.job, request.collect(facts, Outputs(*iterations, **outputs), stopped=""))


GOOD = {"t6": {"notebook_output": {"result": "7"}}, "t7": {"notebook_output": {}}}
BOTH = (iteration("SUCCESS", 6, x="b", day="1"), iteration("SUCCESS", 7, x="a", day="1"))


def test_the_iterations_of_a_loop():
    """Each by its own output, with what it was given and what it was for."""
    run = end_of_each(*BOTH, **GOOD)

    assert run.passed
    first, second = run.tasks["each"].iterations
    assert (first.input, first.exit_value, first.parameters) == ('{"k": "b"}', "7", {"x": "b", "day": "1"})
    assert (second.input, second.outcome) == ('{"k": "a"}', "passed")


@pytest.mark.parametrize(
    ("run", "outcome", "error"),
    [
        (end_of_each(*BOTH[:1], **GOOD), "infrastructure_failed", "of 2 iterations 1 are told"),
        (end_of_each(*BOTH, total=None, **GOOD), "infrastructure_failed", "nobody knows how many iterations 2 are told"),
        (end_of_each(), "infrastructure_failed", "of 2 iterations 0 are told"),
        (end_of_each(*BOTH, **{**GOOD, "t7": {}}), "infrastructure_failed", "1 of 2 iterations didn't pass"),
        (end_of_each(*BOTH, **{**GOOD, "t7": {"error": "boom"}}), "failed", "it failed: boom"),
        (end_of_each(*BOTH, result="FAILED", whole="FAILED", **GOOD), "failed", "the workspace doesn't say by what"),
        (end_of_each(*BOTH, result="TIMEDOUT", whole="FAILED", **GOOD), "timed_out", "longer than it may"),
        (end_of_each(*BOTH, result=None, whole=None, **GOOD), "infrastructure_failed", ""),
        (
            end_of_each(told("CANCELED", life="SKIPPED", run_id=6), BOTH[1], result="FAILED", whole="FAILED", **GOOD),
            "skipped",
            "it was not run",
        ),
        (end_of_each(total=0), "excluded", ""),
    ],
)
def test_a_loop_of_which_not_all_is_known_to_be_good(run, outcome, error):
    """Whatever else the workspace says; and one that ran nothing is no success."""
    assert run.is_unread_red
    assert run.tasks["each"].outcome == outcome
    assert not run.passed
    assert error in run.tasks["each"].error or error in run.tasks["each"].why


def test_the_cluster_that_a_loop_was_lost_with():
    """It is told, so that the next run gets another."""
    lost = []
    request = replace(loop_request(), lost=lost.append)
    inner = {"task": {"task_key": "one", "existing_cluster_id": "c1"}}
    facts = {**told("FAILED", run_id=9), "tasks": [told(None, run_id=5, key="each", for_each_task=inner)]}

    assert request.collect(facts, Outputs(), stopped="").ended == "infrastructure_failed"
    assert lost == ["c1"]


def test_catalogs_in_the_inputs_of_a_loop():
    """Each text in them is looked at, like a parameter."""
    job = Job("etl", "/p/j.yml", (EACH,))

    values = values_of(job, {"names": '[{"k": "prd"}, "ppd.x"]'}, root="/p")

    assert [(name, text) for _, name, text in values][1:] == [
        *(("one: x", "{{input.k}}"), ("one: day", "own")),
        *(("each: inputs", "ppd.x"), ("each: inputs", "k"), ("each: inputs", "prd")),
    ]


@pytest.mark.parametrize("kind", ["sql_task", "condition_task"])
def test_a_loop_over_what_no_copy_is_run_with(kind):
    """It is named before anything is sent."""
    job = Job("etl", "/p/jobs/j.yml", (Task("each", "for_each_task", loop=Loop("[1]", Task("one", kind))),))

    with pytest.raises(JobKindError, match=f'the task "each" runs a {kind}'):
        check_kinds(job, root="/p")


def test_kinds_that_no_copy_is_run_with():
    """They are named before anything is sent."""
    job = Job("etl", "/p/jobs/j.yml", (LOAD, Task("query", "sql_task")))

    with pytest.raises(JobKindError, match='the task "query" is a sql_task') as caught:
        check_kinds(job, root="/p")

    assert caught.value.location.path == "jobs/j.yml"
