"""A job is read from a bundle or a file, and looked through before anything is run."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest

pytest.importorskip("yaml", reason="jobs are read with pyyaml (the extras `local` and `remote`)")

from harness.jobs.errors import (
    JobFileError,
    JobNotebookError,
    JobNotFoundError,
    JobParameterError,
    JobShapeError,
    JobVariableError,
)
from harness.jobs.given import given, pushed_down
from harness.jobs.job import Condition, Dependency

BUNDLE = """
    bundle:
      name: churn
    include:
      - resources/*.yml
    variables:
      day:
        default: 2026-01-31
      where:
        default: ${bundle.target}_${var.day}
    targets:
      dev:
        default: true
      pps:
        variables:
          day: monday
        resources:
          jobs:
            etl:
              tasks:
                - task_key: load
                  notebook_task:
                    base_parameters:
                      more: yes
"""
ETL = """
    resources:
      jobs:
        etl:
          name: "[${bundle.target}] etl"
          parameters:
            - {name: n, default: 3}
          tasks:
            - task_key: check
              depends_on: [{task_key: load}]
              condition_task: {op: EQUAL_TO, left: "{{tasks.load.values.rows}}", right: 1}
            - task_key: load
              notebook_task:
                notebook_path: ../src/load.py
                base_parameters: {where: "${var.where}", on: true}
              new_cluster: {spark_version: "${var.nobody_knows}"}
              timeout_seconds: 60
              max_retries: 3
            - task_key: after
              depends_on: [{task_key: check, outcome: true}]
              run_if: ALL_DONE
              notebook_task: {notebook_path: "${workspace.file_path}/src/load.py"}
"""
A = "{task_key: a, notebook_task: {notebook_path: n.py}"
B = A.replace("key: a", "key: b")
C = "{task_key: c, condition_task: {op: EQUAL_TO, right: b"
LOOP = "[{{task_key: l, for_each_task: {{{}}}}}]"
ONE = "tasks: [{task_key: a, notebook_task: {notebook_path: n.py}}]"


@pytest.fixture
def bundle(project):
    """A bundle with one job in a file of its own."""
    return project.write(databricks_yml=BUNDLE, resources__etl_yml=ETL, src__load_py="# Databricks notebook source\n")


def test_a_job_of_a_bundle(bundle):
    """By its key; variables are in their places, paths count from the file, tasks stand in running order."""
    job = bundle.read("etl")

    load, check, after = job.tasks
    assert (job.name, job.parameters, [task.key for task in job.tasks]) == ("[dev] etl", {"n": "3"}, ["load", "check", "after"])
    assert load.path == str(bundle.root / "src" / "load.py") == after.path
    assert load.parameters == {"where": "dev_2026-01-31", "on": "true"}
    assert (load.timeout_s, load.retries, load.compute) == (60, 3, {})
    assert check.condition == Condition("EQUAL_TO", "{{tasks.load.values.rows}}", "1")
    assert (after.after, after.run_if) == ((Dependency("check", "true"),), "ALL_DONE")
    assert job.notes == ("the copy tries no task again, which the job asks for: load",)


def test_the_target_of_the_environment_counts(bundle):
    """Its variables and what it changes of the job; a variable of the environment of the process wins."""
    assert bundle.read("etl", target="pps").tasks[0].parameters == {"where": "pps_monday", "on": "true", "more": "yes"}
    assert bundle.read("etl", target="pps", environ={"BUNDLE_VAR_day": "x"}).tasks[0].parameters["where"] == "pps_x"


def test_a_target_brings_a_job_of_its_own(project):
    """Paths count from the file in which they are written, also where a target changes the job of another file."""
    own = "targets: {dev: {default: true, resources: {jobs: {own: {tasks: [%s]}}}}}"
    project.write(
        databricks_yml="""
            bundle: {name: demo}
            include: [resources/*/*.yml]
            targets:
              dev: {resources: {jobs: {of_all: {tasks: [{task_key: b, notebook_task: {notebook_path: src/b.py}}]}}}}
        """,
        resources__set__own_yml=own % "{task_key: a, notebook_task: {notebook_path: ../../src/a.py}}",
        resources__set__all_yml="resources: {jobs: {of_all: {tasks: [{task_key: b, notebook_task: {notebook_path: ../b}}]}}}",
        src__a_py="",
        src__b_py="",
    )

    assert project.read("own").tasks[0].path == str(project.root / "src" / "a.py")
    assert project.read("of_all").tasks[0].path == str(project.root / "src" / "b.py")


@pytest.mark.parametrize("empty", ["", "# resources:\n#   jobs: {}\n"])
def test_a_file_of_a_bundle_that_holds_nothing(bundle, empty):
    """It is included, and brings nothing: as a template's file of which everything is commented out."""
    bundle.write(resources__more_yml=empty)

    assert bundle.read("etl").name == "[dev] etl"


def test_a_bundle_without_targets(project):
    """Its target is called default."""
    project.write(
        databricks_yml=f"bundle: {{name: demo}}\nresources: {{jobs: {{j: {{name: 'j ${{bundle.target}}', {ONE}}}}}}}", n_py=""
    )

    assert project.read("j").name == "j default"


@pytest.mark.parametrize("settings", ["{}", '{{"job_id": 7, "settings": {}}}'])
def test_a_file_as_the_api_gives_it(project, settings):
    """JSON with the settings, or what jobs/get answers."""
    job = {"name": "j", "tasks": [{"task_key": "a", "notebook_task": {"notebook_path": "n"}}]}
    project.write(jobs__j_json=settings.format(json.dumps(job)), jobs__n_py="# Databricks notebook source\n")

    read = project.read("jobs/j.json")

    assert (read.name, read.tasks[0].path) == ("j", str(project.root / "jobs" / "n.py"))


def test_what_a_job_runs_on_is_read_if_wanted(project):
    """Each task that shares a job cluster gets its spec."""
    text = """
        job_clusters: [{job_cluster_key: c, new_cluster: {num_workers: 1}}]
        tasks:
          - {task_key: a, job_cluster_key: c, notebook_task: {notebook_path: n.py}}
          - {task_key: b, job_cluster_key: d, notebook_task: {notebook_path: n.py}}
    """
    project.write(j_yml=text, n_py="")
    for wanted in (False, True):
        with pytest.raises(JobShapeError, match='runs on the job cluster "d"'):
            project.read("j.yml", with_compute=wanted)

    project.write(j_yml=text.replace("key: d", "key: c"))
    assert project.read("j.yml").tasks[0].compute == {}
    assert project.read("j.yml", with_compute=True).tasks[1].compute == {"new_cluster": {"num_workers": 1}}


def test_an_unknown_key_names_the_near_one(bundle):
    """And the others."""
    with pytest.raises(JobNotFoundError) as caught:
        bundle.read("elt")

    assert caught.value.mend == 'did you mean "etl"?'
    assert str(caught.value).startswith("databricks.yml: NBH411")


@pytest.mark.parametrize(("asked", "cause"), [("etl", "no databricks.yml lies"), ("jobs/none.yml", "neither below")])
def test_no_bundle_and_no_file(project, asked, cause):
    """Each says where was looked."""
    with pytest.raises(JobNotFoundError, match="there is no") as caught:
        project.read(asked)

    assert cause in caught.value.cause


def test_a_misspelt_file_names_the_near_one(bundle):
    """In the folder that was looked in."""
    bundle.write(resources__nightly_job_yml=ETL)
    (bundle.root / "resources" / "nightly_job.yml").rename(bundle.root / "resources" / "nightly.job.yml")

    with pytest.raises(JobNotFoundError) as caught:
        bundle.read("resources/nightly.yml")

    assert caught.value.mend == 'did you mean "resources/nightly.job.yml"?'


def test_a_variable_that_nothing_gives_a_value(bundle):
    """The error names the file, the line and the variable; nothing becomes an empty text."""
    bundle.write(resources__etl_yml=ETL.replace("${var.where}", "${var.were}"))

    with pytest.raises(JobVariableError) as caught:
        bundle.read("etl")

    assert str(caught.value).startswith("resources/etl.yml:14: NBH412 the variable ${var.were} has no value")
    assert "did you mean ${var.where}?" in caught.value.mend


OF_USER = """
    bundle: {name: demo}
    resources:
      jobs:
        j:
          parameters:
            - {name: schema, default: "${workspace.current_user.short_name}_dev"}
            - {name: owner, default: "${workspace.current_user.userName}"}
          tasks:
            - {task_key: a, condition_task: {op: EQUAL_TO, left: "1", right: "1"}}
    """


def test_who_runs_is_a_variable_too(project):
    """As a bundle's default target has it: a schema of each developer's own."""
    project.write(databricks_yml=OF_USER)

    parameters = project.read("j", user=lambda: "ann.other@example.com").parameters

    assert parameters == {"schema": "ann_other_dev", "owner": "ann.other@example.com"}


def test_a_parameter_that_is_given_needs_no_default(project):
    """Nobody is asked who runs, and what only a workspace knows may stand there."""
    project.write(databricks_yml=OF_USER.replace("${workspace.current_user.userName}", "${resources.schemas.x.name}"))

    with pytest.raises(JobVariableError) as caught:
        project.read("j", user=lambda: "ann", given={"schema"})
    assert 'parameters={"owner": "…"}' in caught.value.mend
    assert project.read("j", user=None, given={"schema", "owner"}).parameters == {"schema": "", "owner": ""}


def test_a_variable_that_leads_back_to_itself(project):
    """It has no value either."""
    text = f"variables: {{a: '${{var.b}}', b: '${{var.a}}'}}\nresources: {{jobs: {{j: {{name: '${{var.a}}', {ONE}}}}}}}"
    project.write(databricks_yml=text, n_py="")

    with pytest.raises(JobVariableError, match="has no value") as caught:
        project.read("j")

    assert "var.a -> var.b -> var.a" in caught.value.cause


@pytest.mark.parametrize(
    ("tasks", "what", "more"),
    [
        ("[]", "the job has no tasks", ""),
        ("[{task_key: a, notebook_task: {notebook_path: n.py}}, {task_key: a, condition_task: {}}]", "isn't whole", "op, left"),
        (f"{ONE[7:-1]}, {ONE[8:]}", 'two tasks have the key "a"', ""),
        ("[{task_key: a}]", "has to be of one kind", "it has none"),
        ("[{task_key: 'a b', notebook_task: {}}]", "'a b' can't be one", ""),
        (
            "[{task_key: load, notebook_task: {notebook_path: n.py}, depends_on: [{task_key: loads}]}]",
            'depends on "loads"',
            'did you mean "load"?',
        ),
        (f"[{A}, depends_on: [{{task_key: b}}]}}, {B}, depends_on: [{{task_key: a}}]}}]", "wait for each other", "a -> b -> a"),
        (f"[{A}}}, {B}, depends_on: [{{task_key: a, outcome: 'true'}}]}}]", 'waits for an outcome of "a"', "only a condition"),
        ("[{task_key: a, notebook_task: {notebook_path: n.py}, run_if: ALL_SUCESS}]", "run_if", "write ALL_SUCCESS"),
        ("[{task_key: a, condition_task: {op: EQUALS, left: a, right: b}}]", "op of the task", "EQUAL_TO"),
        (f"[{A}}}, {C}, left: '{{{{tasks.aa.values.n}}}}'}}}}]", 'refers to the task "aa"', 'did you mean "a"?'),
        (
            "[{task_key: c, condition_task: {op: EQUAL_TO, left: '{{job.parameters.x}}', right: b}}]",
            'refers to the parameter "x"',
            "",
        ),
        ("[{task_key: a, notebook_task: {notebook_path: n.py}, timeout_seconds: -1}]", "timeout_seconds", ""),
        (f"[{A}, disabled: true}}]", 'the task "a" is disabled', "doesn't say"),
        ("[{task_key: a, notebook_task: {notebook_path: n.py, source: GIT}}]", "takes its notebook from Git", ""),
        (f"[{A}}}]\ngit_source: {{git_url: x}}", "takes its notebook from Git", "source: WORKSPACE"),
        (LOOP.format("inputs: [a, b], task: " + A + "}"), 'inputs of the task "l" are no text', "a JSON array as text"),
        (LOOP.format("task: " + A + "}"), 'inputs of the task "l" are no text', "None"),
        (LOOP.format("inputs: '[1]', concurrency: 101, task: " + A + "}"), "concurrency", "from 1 to 100"),
        (LOOP.format("inputs: '[1]', concurrency: 0, task: " + A + "}"), "concurrency", "from 1 to 100"),
        (LOOP.format("inputs: '[1]'"), "runs nothing", "task is missing"),
        (LOOP.format("inputs: '[1]', task: {task_key: m, for_each_task: {}}"), "runs another loop", "no loop within a loop"),
        (LOOP.format(f"inputs: '[1]', task: {A}, depends_on: [{{task_key: b}}]}}"), '"a" in a loop depends', 'to "l"'),
        (LOOP.format(f"inputs: '[1]', task: {A.replace('key: a', 'key: l')}}}"), 'two tasks have the key "l"', ""),
        (LOOP.format("inputs: '{{tasks.m.values.x}}', task: " + A + "}"), 'refers to the task "m"', ""),
        (
            LOOP.format(f"inputs: '[1]', task: {A[:-1]}, base_parameters: {{p: '{{{{job.parameters.x}}}}'}}}}}}"),
            '"x"',
            "parameter",
        ),
        (f"[{A}}}, {B}, dependson: [{{task_key: a}}]}}]", '"b" has "dependson"', 'did you mean "depends_on"?'),
        (f"[{A}, runIf: ALL_DONE}}]", '"a" has "runIf"', 'did you mean "run_if"?'),
        ("[{task_key: a, notebook_task: {notebook_path: n.py, parameters: {x: '1'}}}]", '"parameters"', '"base_parameters"?'),
        (f"[{C}, left: a}}}}, {A}, depends_on: [{{task_key: c, outcom: 'true'}}]}}]", '"outcom"', '"outcome"?'),
        ("[{task_key: a, notebook_task: {notebook_path: n.py, base_parameters: {x: {a: 1}}}}]", "base parameter x", "as JSON"),
        (f"[{A}}}]\nparameters: [{{name: x, default: [1]}}]", "default of the parameter x is no text", "in quotes"),
        (f"[{A}}}]\nparameters: [{{name: x}}]", 'the parameter "x" of the job has no default', "write its default"),
        (f"[{A}}}]\nparameters: [{{name: x, default: 1}}, {{name: x, default: 2}}]", 'have the name "x"', "rename one"),
        (f"[{A}}}]\nParameters: [{{name: x, default: 1}}]", 'the job has "Parameters"', 'did you mean "parameters"?'),
        (f"[{A}}}]\ntimeout_second: 5", 'the job has "timeout_second"', 'did you mean "timeout_seconds"?'),
        (f"[{A}, environment_key: plain2}}]\nenvironments: [{{environment_key: plain}}]", "plain2", '"plain"?'),
        (f"[{A}, environment_key: e}}]", 'the environment "e"', "add it to environments"),
        (f"[{A}}}, {C}, left: '{{{{tasks.a.values.n}}}}'}}}}]", "doesn't wait for", 'add "a" to its depends_on'),
        (f"[{A}}}, {C}, left: '{{{{tasks.a.result_state}}}}'}}}}]", "doesn't wait for", "may run at the same time"),
        (f"[{C}, left: a}}}}, {A}, depends_on: [{{task_key: c, outcome: 'yes'}}]}}]", "outcome in depends_on", "true or false"),
        (f"[{C}, left: [a]}}}}]", 'left of the task "c" is no text', "texts only"),
        ("text", "the job has no tasks", ""),
        ("[text]", "tasks is no list", ""),
    ],
)
def test_what_databricks_would_refuse(project, tasks, what, more):
    """Before anything of it is run."""
    project.write(j_yml=f"tasks: {tasks}\n", n_py="")

    with pytest.raises(JobShapeError) as caught:
        project.read("j.yml")

    assert what in caught.value.what
    assert more in f"{caught.value.cause}\n{caught.value.mend}"
    assert caught.value.location.path == "j.yml"


def test_a_loop(project):
    """What it runs over, what it runs, and how many at once; both may ask for retries, which a copy doesn't make."""
    text = f"""
        job_clusters: [{{job_cluster_key: c, new_cluster: {{num_workers: 1}}}}]
        tasks:
          - task_key: l
            max_retries: 1
            for_each_task:
              inputs: '["a"]'
              concurrency: 3
              task: {A}, job_cluster_key: c, timeout_seconds: 9, max_retries: 2, run_if: ALL_SUCCESS}}
    """
    project.write(j_yml=text, n_py="")

    job = project.read("j.yml", with_compute=True)

    (task,) = job.tasks
    assert (task.kind, task.loop.inputs, task.loop.concurrency, task.path) == ("for_each_task", '["a"]', 3, "")
    assert (task.worker.key, task.worker.path, task.worker.timeout_s) == ("a", str(project.root / "n.py"), 9)
    assert (task.compute, task.worker.compute) == ({}, {"new_cluster": {"num_workers": 1}})
    assert job.notes == ("the copy tries no task again, which the job asks for: l, a",)


def test_a_missing_notebook_names_the_near_one(project):
    """With the line of its path."""
    project.write(j_yml="tasks:\n  - task_key: a\n    notebook_task: {notebook_path: src/loads.py}\n", src__load_py="")

    with pytest.raises(JobNotebookError) as caught:
        project.read("j.yml")

    assert str(caught.value).startswith("j.yml:3: NBH414")
    assert caught.value.mend == 'did you mean "load.py"?'
    assert caught.value.cause == "src/loads.py, which counts from the folder of the file that names it"


def test_a_missing_notebook_of_the_workspace(project):
    """Its path counts from no file of the project."""
    path = "/Workspace/Users/me@x.org/project/load"
    project.write(j_yml=f"tasks:\n  - task_key: a\n    notebook_task: {{notebook_path: {path}}}\n", load_py="")

    with pytest.raises(JobNotebookError) as caught:
        project.read("j.yml")

    assert caught.value.cause == f"{path}, which leads from the workspace to nothing in the project"
    assert "run_prefixes" in caught.value.mend


def test_a_path_that_would_count_from_the_bundle(bundle):
    """It doesn't, and what it would be is told."""
    bundle.write(resources__etl_yml=ETL.replace("../src/load.py", "./src/load.py"))

    with pytest.raises(JobNotebookError) as caught:
        bundle.read("etl")

    assert caught.value.mend == 'did you mean "../src/load.py"?'


def test_yaml_that_takes_in_other_parts(project):
    """Anchors are followed, and what stands beside them wins."""
    text = """
        x: &both {notebook_task: {notebook_path: n.py}, run_if: ALL_DONE, timeout_seconds: 5}
        tasks: [{<<: *both, task_key: a}, {<<: *both, task_key: b, timeout_seconds: 7}]
    """
    project.write(j_yml=text, n_py="")

    assert [(task.key, task.run_if, task.timeout_s) for task in project.read("j.yml").tasks] == [
        ("a", "ALL_DONE", 5.0),
        ("b", "ALL_DONE", 7.0),
    ]


def test_yaml_that_says_the_same_twice(project):
    """Nothing is lost, and Databricks' own command line deploys it."""
    project.write(
        j_yml="name: j\ntimeout_seconds: 5\ntasks: [{task_key: a, notebook_task: {notebook_path: n}}]\nname: j\n", n_py=""
    )

    assert project.read("j.yml").name == "j"


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{b}: &{b} [{', '.join([f'*{a}'] * 10)}]\n" for a, b in zip("abcdef", "bcdefg", strict=True)
)


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("", "it holds nothing"),
        ("[1]", "it holds a list"),
        ("tasks: [", "expected"),
        ("tasks: 1\ntasks: 2\n", 'line 2 has "tasks" for the second time'),
        ("tasks: 1\ntasks: '1'\n", 'line 2 has "tasks" for the second time'),
        ("tasks: [a]\ntasks: [a]\n", 'line 2 has "tasks" for the second time'),
        ("tasks: { {a} }", "line 1: while constructing a mapping, found unhashable key"),
        ("tasks: !!python/object/apply:os.system [exit 1]", "could not determine a constructor"),
        ("tasks: !!set {a}", "could not determine a constructor"),
        ("tasks: !!bool maybe", "isn't what its tag says"),
        (BOMB, "too many values"),
        ("tasks: &a [*a]", "nested too deep"),
        ("[" * 3000, ""),
        ("a: " + "x" * (4 * 1024 * 1024), "bytes"),
    ],
)
def test_a_file_that_cannot_be_trusted_or_read(project, text, cause):
    """It is refused, quickly, and nothing of it is run."""
    project.write(j_yml=text)

    with pytest.raises(JobFileError) as caught:
        project.read("j.yml")

    assert cause in caught.value.cause


@pytest.mark.parametrize("text", ["", "# jobs are to come\n"])
def test_an_included_file_may_be_empty(bundle, text):
    """As for Databricks' own command line, which deploys the rest; the bundle's own file may not."""
    bundle.write(resources__later_yml=text)
    assert [task.key for task in bundle.read("etl").tasks] == ["load", "check", "after"]

    bundle.write(databricks_yml=text)
    with pytest.raises(JobFileError) as caught:
        bundle.read("etl")
    assert "it holds nothing" in caught.value.cause


@pytest.mark.parametrize("include", ["resources/*.yml", "[[a]]", "{a: b}"])
def test_an_include_that_is_no_list_of_paths(bundle, include):
    """Nothing is left out without a word."""
    bundle.write(databricks_yml=f"include: {include}\n")

    with pytest.raises(JobFileError, match="include is no list of paths"):
        bundle.read("etl")


def test_json_with_a_name_twice(project):
    """The first would be gone without a word."""
    project.write(j_json='{"tasks": [], "tasks": []}')

    with pytest.raises(JobFileError, match="can't be read") as caught:
        project.read("j.json")

    assert '"tasks" twice' in caught.value.cause


def test_one_key_in_two_files(bundle):
    """Which of them would be run isn't guessed."""
    bundle.write(resources__more_yml=ETL)

    with pytest.raises(JobFileError, match="described twice"):
        bundle.read("etl")


def test_a_file_of_several_jobs(bundle):
    """It names none of them."""
    bundle.write(two_yml=f"resources: {{jobs: {{a: {{{ONE}}}, b: {{{ONE}}}}}}}")

    with pytest.raises(JobNotFoundError) as caught:
        bundle.read("two.yml")

    assert caught.value.cause == "it holds 2 jobs: a, b"


def test_parameters_that_a_test_gives(bundle):
    """Texts, of the job's own names; each notebook gets all of them, and they win."""
    job = bundle.read("etl")

    assert given(job, {"n": "5"}) == {"n": "5"}
    assert pushed_down(job.tasks[0], {"where": "here"}) == {"where": "here", "on": "true"}
    with pytest.raises(JobParameterError, match="not a text"):
        given(job, {"n": 5})
    with pytest.raises(JobParameterError, match='has no parameter "m"'):
        given(job, {"m": "5"})


def test_what_clusters_set_is_told(project):
    """By its name alone, for values may be secret; not where the job's own compute is taken."""
    project.write(
        j_yml="""
            tasks:
              - task_key: a
                job_cluster_key: main
                notebook_task: {notebook_path: n.py}
              - task_key: b
                notebook_task: {notebook_path: n.py}
                new_cluster: {num_workers: 1, spark_conf: {spark.x: 1}, init_scripts: [{workspace: {destination: /x.sh}}]}
            job_clusters:
              - job_cluster_key: main
                new_cluster: {spark_env_vars: {ENV: prod, TOKEN: "{{secrets/a/b}}"}, spark_conf: {}}
        """,
        n_py="",
    )

    assert project.read("j.yml").notes == (
        "the copy hasn't what the job's clusters set: spark_env_vars ENV, TOKEN, spark_conf spark.x, init_scripts",
    )
    assert project.read("j.yml", with_compute=True).notes == ()


def test_what_the_api_knows_is_no_misspelling(project):
    """Whatever else a task may have."""
    jobs = pytest.importorskip("databricks.sdk.service.jobs")
    kinds = {"notebook_task": jobs.NotebookTask, "condition_task": jobs.ConditionTask}
    for kind, its in kinds.items():
        more = {one.name: None for one in fields(jobs.Task) if not one.name.endswith("_task")}
        own = {one.name: "n.py" for one in fields(its) if one.name not in {"base_parameters", "source"}} | {"op": "EQUAL_TO"}
        settings = {"tasks": [{**more, "task_key": "a", kind: own}]}
        project.write(j_json=json.dumps(settings), n_py="")

        assert [task.kind for task in project.read("j.json").tasks] == [kind]


@pytest.mark.parametrize(
    ("written", "given"),
    [
        ("1:30", "1:30"),
        ("1:30.5", "1:30.5"),
        ("2026-01-31", "2026-01-31"),
        ("010", "10"),
        ("007", "7"),
        ("08", "8"),
        ("1_000", "1000"),
        ("0x1F", "31"),
        ("0o17", "15"),
        ("-5", "-5"),
        ("1e3", "1000"),
        ("1.0", "1"),
        ("0.10", "0.1"),
        ("1.5E-7", "0.00000015"),
        ("on", "on"),
        ("True", "true"),
        ("1.2.3", "1.2.3"),
        ("'010'", "010"),
    ],
)
def test_a_value_without_quotes_is_what_databricks_command_line_makes_of_it(project, written, given):
    """The library that reads YAML here has other rules for numbers: to it 1:30 is ninety, and 010 is eight."""
    project.write(
        n_py="# Databricks notebook source\nx = 1\n",
        j_yml=f"""
            resources:
              jobs:
                j:
                  tasks:
                    - task_key: a
                      notebook_task:
                        notebook_path: ./n.py
                        base_parameters: {{day: {written}}}
            """,
    )

    assert project.read("j.yml").tasks[0].parameters == {"day": given}
