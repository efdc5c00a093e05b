"""A job run here: its tasks in their order, what they leave for each other, and how it ends where one of them doesn't pass."""

from __future__ import annotations

import json

import pytest

from harness.jobs.errors import JobShapeError

HEADER = "# Databricks notebook source\n"
SETS = "dbutils.jobs.taskValues.set('n', 3)\ndbutils.jobs.taskValues.set('names', ['a'])"
ASKS = "dbutils.notebook.exit(str(dbutils.jobs.taskValues.get('sets', 'n', default='none', debugValue='none')))"


@pytest.fixture
def job(tmp_path):
    """Write a job and its notebooks; gives the job's path."""

    def write(*tasks, **notebooks):
        for name, text in notebooks.items():
            (tmp_path / f"{name}.py").write_text(HEADER + text + "\n")
        path = tmp_path / "j.json"
        path.write_text(json.dumps({"name": "j", "tasks": tasks}))
        return path

    return write


def notebook(key, *after, **more):
    """A task that runs the notebook of its name."""
    depends_on = [{"task_key": one} for one in after]
    return {"task_key": key, "depends_on": depends_on, "notebook_task": {"notebook_path": f"{key}.py"}, **more}


def condition(key, left, op, right, *after):
    """A task that compares."""
    depends_on = [{"task_key": one} for one in after]
    return {"task_key": key, "depends_on": depends_on, "condition_task": {"op": op, "left": left, "right": right}}


def test_task_values_are_one_runs_own(run_job, job):
    """They go from task to task, a test reads them, and the next run of the same test doesn't find them."""
    run = run_job(job(notebook("sets"), notebook("asks", "sets"), sets=SETS, asks=ASKS))

    assert run.passed, run.summary
    assert run.tasks["sets"].values == {"n": 3, "names": ["a"]}
    assert run.tasks["asks"].exit_value == "3"

    again = run_job(job({**notebook("asks"), "task_key": "sets"}, asks=ASKS))

    assert again.tasks["sets"].exit_value == "none"


@pytest.mark.parametrize("default", ["", ", default='none'"])
def test_a_value_of_a_task_that_it_does_not_wait_for(run_job, job, default):
    """Whatever ran first here: on a workspace nobody knows what it finds, also where it has a default."""
    asks = f"dbutils.jobs.taskValues.get('sets', 'n'{default})"
    run = run_job(job(notebook("asks"), notebook("sets"), sets=SETS, asks=asks))

    assert (run.outcome, run.tasks["sets"].outcome) == ("failed", "passed")
    assert 'doesn\'t wait for "sets"' in run.tasks["asks"].why
    assert 'add "sets" to its depends_on' in run.tasks["asks"].why


def test_a_table_of_a_task_that_it_does_not_wait_for(run_job, job, uc):
    """It isn't there yet: what is written last is run first, and told in the order of the file."""
    makes = f"spark.range(3).write.saveAsTable('{uc.name}.made')"
    run = run_job(job(notebook("makes"), notebook("reads"), makes=makes, reads=f"spark.table('{uc.name}.made').count()"))

    assert list(run.tasks) == ["makes", "reads"]
    assert [one.outcome for one in run.tasks.values()] == ["passed", "failed"]
    assert "TABLE_OR_VIEW_NOT_FOUND" in run.tasks["reads"].why


def test_another_version_than_a_task_asks_for_is_told(run_job, job):
    """What is installed here is what ran."""
    asked = ("pytest==0.1", "nobody-has-it", "pytest>=1")
    libraries = [{"pypi": {"package": one}} for one in asked]
    run = run_job(job(notebook("one", libraries=libraries), one="x = 1"))

    assert run.passed, run.summary
    (note,) = run.notes
    told = f"pytest==0.1 is asked for, and {pytest.__version__} is installed; nobody-has-it is not installed"
    assert note == f"one ran with what is installed here: {told}"


def test_a_value_that_is_no_choice(run_job, run_notebook, job):
    """A task has it as its job says, as MLOps Stacks' have a target that no dropdown offers; a default has to be a choice."""
    gives = "dbutils.widgets.dropdown('env', DEFAULT, ['staging', 'prod'])\ndbutils.notebook.exit(dbutils.widgets.get('env'))"
    one = notebook("one")
    one["notebook_task"]["base_parameters"] = {"env": "dev"}

    run = run_job(
        path := job(one, notebook("two"), one=gives.replace("DEFAULT", "'prod'"), two=gives.replace("DEFAULT", "'dev'"))
    )

    assert (run.tasks["one"].outcome, run.tasks["one"].exit_value) == ("exited", "dev")
    assert (run.tasks["two"].outcome, "its default is none of: staging" in run.tasks["two"].error) == ("failed", True)
    typed = run_notebook(path.parent / "one.py", widgets={"env": "dve"})
    assert (typed.outcome, "is none of: staging, prod" in typed.error) == ("failed", True)


def test_a_condition_on_what_nobody_set_fails(run_job, job):
    """It doesn't come to false, and what waits for it isn't run."""
    left = "{{tasks.sets.values.m}}"
    path = job(notebook("sets"), condition("c", left, "EQUAL_TO", "1", "sets"), notebook("last", "c"), sets=SETS, last="x = 1")

    run = run_job(path)

    assert run.outcome == "failed"
    assert run.error.startswith("c failed: {{tasks.sets.values.m}} leads nowhere")
    assert (run.tasks["last"].outcome, run.tasks["last"].why) == ("skipped", "c failed, and it runs if ALL_SUCCESS")


@pytest.mark.parametrize("kind", ["sql_task", "dbt_task", "pipeline_task", "run_job_task"])
def test_a_kind_that_is_not_run_here(run_job, job, kind):
    """It is named, with the reason; nothing that waits for it is run, and the whole isn't passed."""
    run = run_job(job({"task_key": "other", kind: {"x": 1}}, notebook("last", "other"), last="x = 1"))

    assert run.outcome == "unsupported"
    assert run.error.startswith(f"other holds what can't run here: other is a {kind}: ")
    assert run.tasks["last"].outcome == "skipped"


def test_a_branch_for_failures_after_what_is_not_run_here(run_job, job):
    """It isn't run, for nobody knows whether it would be; a task for every end is, and makes no success of the whole."""
    alert, last = notebook("alert", "other", run_if="AT_LEAST_ONE_FAILED"), notebook("last", "other", run_if="ALL_DONE")
    state = condition("state", "{{tasks.other.result_state}}", "EQUAL_TO", "failed", "other")
    other = {"task_key": "other", "sql_task": {"x": 1}}

    run = run_job(job(other, alert, last, {**state, "run_if": "ALL_DONE"}, alert="x = 1", last="x = 1"))

    assert run.outcome == "unsupported"
    assert {key: task.outcome for key, task in run.tasks.items()} == {
        "other": "unsupported",
        "alert": "skipped",
        "last": "passed",
        "state": "failed",
    }
    assert "result_state}} isn't known: other holds what can't run here" in run.tasks["state"].why


def test_the_time_of_all_tasks(run_job, job):
    """The task that is on ends, no other begins."""
    run = run_job(job(notebook("last"), notebook("sleeps"), sleeps="import time\ntime.sleep(60)", last="x = 1"), timeout_s=1.5)

    assert run.outcome == "timed_out"
    assert (run.tasks["sleeps"].outcome, run.tasks["last"].outcome) == ("timed_out", "skipped")
    assert run.tasks["last"].why == "the job's time was over"


def test_a_task_that_fails_is_not_tried_again(run_job, job, tmp_path):
    """Whatever the job says; and that is told."""
    count = tmp_path / "count"
    fails = f"open({str(count)!r}, 'a').write('x')\nraise ValueError('no')"

    run = run_job(job(notebook("fails", max_retries=3), fails=fails))

    assert run.outcome == "failed"
    assert count.read_text() == "x"
    assert run.notes == ("the copy tries no task again, which the job asks for: fails",)


def test_a_wrong_use(run_job, job):
    """Only two words say what it runs on."""
    with pytest.raises(ValueError, match="compute is 'mine'"):
        run_job(job(notebook("sets"), sets=SETS), compute="mine")


def test_a_parameters_own_reference(run_job, tmp_path):
    """It is filled in before those to the parameter; one that leads nowhere fails the tasks that get it."""
    (tmp_path / "n.py").write_text(f"{HEADER}get = dbutils.widgets.get\ndbutils.notebook.exit(get('a') + ' ' + get('b'))\n")
    task = {"task_key": "n", "notebook_task": {"notebook_path": "n", "base_parameters": {"b": "{{job.parameters.a}}"}}}
    job = {"tasks": [task], "parameters": [{"name": "a", "default": "{{job.name}}.{{task.name}}"}], "name": "j"}
    (tmp_path / "j.json").write_text(json.dumps(job))

    assert run_job(tmp_path / "j.json").tasks["n"].exit_value == "j.n j.n"
    wrong = run_job(tmp_path / "j.json", parameters={"a": "{{job.parameters.a}}"})
    assert (wrong.outcome, wrong.tasks["n"].run) == ("failed", None)
    assert "{{job.parameters.a}} leads nowhere" in wrong.error


def loop(key, inputs, *after, **more):
    """A task that runs the notebook ``one`` for each of its inputs."""
    depends_on = [{"task_key": one} for one in after]
    parameters = more.pop("parameters", {"x": "{{input}}"})
    inner = {"task_key": f"{key}_one", "notebook_task": {"notebook_path": "one.py", "base_parameters": parameters}}
    return {"task_key": key, "depends_on": depends_on, "for_each_task": {"inputs": inputs, "task": {**inner, **more}}}


ONE = """
dbutils.widgets.text("x", "")
x = dbutils.widgets.get("x")
dbutils.jobs.taskValues.set("x", x)
if x == "bad":
    raise ValueError("no " + x)
dbutils.notebook.exit(x * 2)
"""


def test_a_loop_runs_its_notebook_for_each_input(run_job, job):
    """Each has its result, what one sets is its own, and one that fails fails the loop, after all have run."""
    run = run_job(job(loop("all", '["a", "bad", {"k": 1}, 2, true, null]'), notebook("last", "all"), one=ONE, last="x = 1"))

    its = run.tasks["all"].iterations
    assert [one.input for one in its] == ["a", "bad", '{"k": 1}', "2", "true", "null"]
    assert [one.exit_value for one in its] == ["aa", None, '{"k": 1}' * 2, "22", "truetrue", "nullnull"]
    assert [one.outcome for one in its] == ["exited", "failed", *["exited"] * 4]
    assert (its[1].location.line, its[0].values, its[0].parameters) == (7, {"x": "a"}, {"x": "a"})
    assert run.tasks["all"].error.startswith("1 of 6 iterations didn't pass, for bad it failed at")
    assert "no bad" in run.tasks["all"].error
    assert (run.outcome, run.tasks["last"].outcome) == ("failed", "skipped")


LISTS = "dbutils.jobs.taskValues.set('them', [{'k': 'a'}, {'k': 'b'}, {'l': 1}])"
FINDS = "dbutils.jobs.taskValues.get('all_one', 'x', default='none')"


def test_a_loop_over_a_task_value(run_job, job):
    """An element without the key fails, and it alone; what an iteration set no other task finds."""
    each = loop("all", "{{tasks.lists.values.them}}", "lists", parameters={"x": "{{input.k}}"})
    last = {**notebook("finds", "all"), "run_if": "ALL_DONE"}

    run = run_job(job(notebook("lists"), each, last, lists=LISTS, one=ONE, finds=FINDS))

    assert [one.outcome for one in run.tasks["all"].iterations] == ["exited", "exited", "failed"]
    assert 'there is no "k" among the keys of the input' in run.tasks["all"].error
    assert run.tasks["all"].iterations[2].run is None
    assert (run.outcome, run.tasks["finds"].outcome) == ("failed", "failed")
    assert 'there is no task "all_one"' in run.tasks["finds"].error


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("'a, b'", "the inputs are no JSON array"),
        ("{'k': 1}", "the inputs are no JSON array, but"),
        ("[1] * 5001", "the inputs have 5,001 elements, and may have 5,000"),
    ],
)
def test_a_task_value_that_is_no_array_to_run_over(run_job, job, value, told):
    """The loop fails, and is no empty one."""
    lists = f"dbutils.jobs.taskValues.set('them', {value})"

    run = run_job(job(notebook("lists"), loop("all", "{{tasks.lists.values.them}}", "lists"), lists=lists, one=ONE))

    assert (run.outcome, run.tasks["all"].outcome, run.tasks["all"].iterations) == ("failed", "failed", ())
    assert told in run.tasks["all"].error


def test_a_loop_without_elements_is_no_success(run_job, job):
    """Nothing was run, and nothing that waits for it is; a job that is only that did nothing."""
    run = run_job(job(loop("all", "[]"), notebook("last", "all"), one=ONE, last="x = 1"))

    assert run.outcome == "excluded"
    assert run.tasks["all"].why == "its inputs are an empty array, so nothing was run"
    assert (run.tasks["all"].passed, run.tasks["last"].outcome) == (False, "excluded")


def test_the_time_of_a_loop(run_job, job):
    """The iteration that is on ends, and no other begins."""
    each = {**loop("all", "[1, 2]"), "timeout_seconds": 1}

    run = run_job(job(each, one="import time\ntime.sleep(60)"))

    its = run.tasks["all"].iterations
    assert (run.outcome, run.tasks["all"].outcome) == ("timed_out", "timed_out")
    assert [(one.outcome, one.why) for one in its][1] == ("skipped", "the loop's time was over")
    assert its[0].outcome == "timed_out"


def test_a_loop_over_what_is_not_run_here(run_job, job):
    """It is named, with the reason."""
    inner = {"task_key": "one", "dbt_task": {"commands": ["dbt run"]}}

    run = run_job(job({"task_key": "all", "for_each_task": {"inputs": "[1]", "task": inner}}))

    assert run.outcome == "unsupported"
    assert "all runs a dbt_task: it needs a SQL warehouse and dbt" in run.error


def test_inputs_that_are_no_array_run_nothing(run_job, job, tmp_path):
    """It is told before any task begins."""
    with pytest.raises(JobShapeError, match='loop of the task "all" has nothing to run over'):
        run_job(job(notebook("marks"), loop("all", "a, b"), one=ONE, marks=f"open({str(tmp_path / 'x')!r}, 'w')"))

    assert not (tmp_path / "x").exists()


def test_a_task_that_the_test_leaves_out(run_job, job):
    """By its name; the run says so, and what waited for it is run."""
    pipeline = {"task_key": "p", "depends_on": [{"task_key": "sets"}], "pipeline_task": {"pipeline_id": "1"}}
    path = job(notebook("sets"), pipeline, notebook("asks", "p"), sets=SETS, asks=ASKS)

    run = run_job(path, skip_tasks=["p"])

    assert run.passed
    assert [*run.tasks] == ["sets", "asks"]
    assert run.tasks["asks"].exit_value == "3"
    assert "; without p)" in run.summary
    with pytest.raises(TypeError, match="several names"):
        run_job(path, skip_tasks="p")


def test_the_folder_that_a_deployed_bundle_has_its_files_in(run_job, tmp_path):
    """As Databricks' bundles give it to scripts, in a job's job too: below its "files" are the bundle's, as they are now."""
    (tmp_path / "conf.yml").write_text("day: monday")
    (tmp_path / "main.py").write_text("import sys\n\nprint(open(f'{sys.argv[1]}/files/conf.yml').read())\n")
    task = {"task_key": "main", "spark_python_task": {"python_file": "main.py", "parameters": ["${workspace.root_path}"]}}
    outer = {"task_key": "inner", "run_job_task": {"job_id": "${resources.jobs.j.id}"}}
    (tmp_path / "j.yml").write_text(json.dumps({"resources": {"jobs": {"j": {"tasks": [task]}}}}))
    (tmp_path / "databricks.yml").write_text("include: [j.yml]\n")
    (tmp_path / "around.json").write_text(json.dumps({"tasks": [outer]}))

    run = run_job(tmp_path / "around.json")

    assert run.passed, run.summary
    assert "day: monday" in str(run.tasks["inner"].job.tasks["main"].run.cells[-1].outputs)
