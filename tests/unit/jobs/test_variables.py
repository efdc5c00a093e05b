"""What a job may ask of its bundle: the Git repository around it, and the names of its other resources."""

from __future__ import annotations

import subprocess

import pytest

pytest.importorskip("yaml", reason="jobs are read with pyyaml (the extras `local` and `remote`)")

from harness.jobs import variables
from harness.jobs.described import describe
from harness.jobs.errors import JobFileError, JobVariableError
from harness.jobs.git import details_of
from harness.jobs.resources import as_a_name

JOB = """
    resources:
      jobs:
        j:
          name: nightly
          tasks:
            - task_key: a
              notebook_task:
                notebook_path: ../n.py
                base_parameters: {given}
"""
RESOURCES = """
    resources:
      schemas:
        sales: {catalog_name: "${var.catalog}", name: sales}
      volumes:
        raw: {catalog_name: "${var.catalog}", schema_name: "${resources.schemas.sales.name}", name: raw}
      registered_models:
        churn: {catalog_name: "${var.catalog}", schema_name: "${resources.schemas.sales.name}", name: churn}
      experiments:
        of_all: {name: /Shared/churn}
        bare: {name: churn}
      clusters:
        small: {cluster_name: small, autoscale: {max_workers: 4}, spark_env_vars: {A: "1"}}
"""
TARGETS = """
    bundle: {name: churn}
    include: [resources/*.yml]
    variables: {catalog: {default: ppd}, shape: {type: complex, default: {workers: 2, zones: [a, b]}}}
    targets:
      dev: {mode: development, default: true}
      pps: {mode: production, variables: {catalog: pps}, resources: {schemas: {sales: {name: tested}}}}
      named: {presets: {name_prefix: "x-"}}
"""


@pytest.fixture
def given(project):
    """What a task of a bundle's job is given, where its parameter is this text."""
    project.write(databricks_yml=TARGETS, resources__all_yml=RESOURCES, n_py="# Databricks notebook source\n")

    def of(text, *, target="pps", **more):
        project.write(resources__j_yml=JOB.replace("{given}", f"{{it: '{text}'}}"))
        return project.read("j", target=target, **more).tasks[0].parameters["it"]

    return of


def git(folder, *words):
    """Have git do something in a folder, as somebody."""
    subprocess.run(
        ["git", "-C", str(folder), "-c", "user.name=n", "-c", "user.email=e@e", "-c", "init.defaultBranch=main", *words],
        check=True,
        capture_output=True,
    )


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("schemas.sales.name", "tested"),
        ("schemas.sales.id", "pps.tested"),
        ("volumes.raw.volume_path", "/Volumes/pps/tested/raw"),
        ("registered_models.churn.id", "pps.tested.churn"),
        ("experiments.of_all.name", "/Shared/churn"),
        ("clusters.small.autoscale.max_workers", "4"),
        ("jobs.j.name", "nightly"),
    ],
)
def test_a_resource_by_what_the_bundle_says_of_it(given, asked, found):
    """As its target has it, with what follows from that: in Unity Catalog the full name is the id."""
    assert given(f"${{resources.{asked}}}") == found


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("schemas.sales.name", "dev_ann_lee_sales"),
        ("volumes.raw.volume_path", "/Volumes/ppd/dev_ann_lee_sales/raw"),
        ("experiments.of_all.name", "/Shared/[dev ann_lee] churn"),
        ("experiments.bare.name", "[dev ann_lee] churn"),
        ("clusters.small.cluster_name", "[dev ann_lee] small"),
        ("jobs.j.name", "[dev ann_lee] nightly"),
    ],
)
def test_names_in_development(given, asked, found):
    """A deployed bundle's target in development mode puts the user's name before those of most resources."""
    assert given(f"${{resources.{asked}}}", target="dev", user="ann.lee@example.com".lower) == found


def test_a_prefix_of_the_targets_own(given):
    """It counts instead; where only letters, digits and _ may stand, others become a _."""
    assert given("${resources.jobs.j.name} ${resources.schemas.sales.name}", target="named") == "x-nightly xsales"


@pytest.mark.parametrize(("prefix", "name"), [("[dev ann] ", "dev_ann_"), ("[DEV a.b]", "dev_a_b_"), ("x-", "x"), ("", "")])
def test_a_prefix_as_a_name(prefix, name):
    """As Databricks' own command line makes it."""
    assert as_a_name(prefix) == name


def test_schemas_may_stay_without_a_prefix(project, given):
    """Where the bundle says so."""
    project.write(databricks_yml=TARGETS + "    experimental: {skip_name_prefix_for_schema: true}\n")

    assert given("${resources.schemas.sales.name}", target="dev", user=lambda: "ann@x") == "sales"


@pytest.mark.parametrize(
    ("asked", "mend"),
    [
        ("resources.jobs.j.id", "write what it stands for"),
        ("resources.schemas.sale.name", "did you mean ${resources.schemas.sales.name}? if not, write what it stands for"),
    ],
)
def test_what_only_a_workspace_knows(given, asked, mend):
    """It's an error: never a guess, nor an empty text."""
    with pytest.raises(JobVariableError) as caught:
        given(f"${{{asked}}}")

    assert caught.value.mend == mend
    assert (caught.value.location.path, caught.value.location.line) == ("resources/j.yml", 9)


def test_parts_of_a_complex_variable(given):
    """By keys and by numbers."""
    assert given("${var.shape.workers}${var.shape.zones[1]}") == "2b"


def test_what_a_repository_says(project, given):
    """Branch, commit, origin (without who signs in there) and where the bundle lies in it."""
    git(project.root, "init")
    git(project.root, "commit", "--allow-empty", "-m", "first")
    git(project.root, "remote", "add", "origin", "https://ann:secret@example.com/churn.git")

    assert given("${bundle.git.branch} ${bundle.git.actual_branch}") == "main main"
    assert given("${bundle.git.origin_url} ${bundle.git.bundle_root_path}") == "https://example.com/churn.git ."
    assert len(given("${bundle.git.commit}")) == 40
    assert details_of(str(project.root / "resources"))["bundle_root_path"] == "resources"


def test_a_commit_that_is_checked_out_has_no_branch(project, given):
    """As pipelines check it out; a deployed bundle finds an empty text there. What the bundle writes itself counts."""
    git(project.root, "init")
    git(project.root, "commit", "--allow-empty", "-m", "first")
    git(project.root, "checkout", "--detach")

    assert given("${bundle.git.branch}:${bundle.git.origin_url}") == ":"
    project.write(databricks_yml=TARGETS.replace("{name: churn}", "{name: churn, git: {branch: trunk}}"))
    assert given("${bundle.git.branch}:${bundle.git.actual_branch}") == "trunk:"


def test_no_repository(project, given, monkeypatch):
    """Git's own words are told."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(project.root.parent))

    with pytest.raises(JobVariableError, match="git doesn't know it: fatal: not a git repository") as caught:
        given("${bundle.git.commit}")

    assert caught.value.mend == "run from a clone, or write commit under bundle, git"


def test_the_target_where_none_is_chosen(project, given):
    """Of several, none is the default, and none is called as the environment."""
    project.write(databricks_yml="bundle: {name: churn}\ninclude: [resources/*.yml]\ntargets: {a: {}, b: {}}\n")

    with pytest.raises(JobVariableError) as caught:
        given("${bundle.target}", target="local")

    assert caught.value.mend == "write default: true at one of its targets"
    assert given("${bundle.target}", target="b") == "b"


FILES = "${workspace.file_path}/conf:${workspace.root_path}/files/conf"


def test_the_folder_of_the_bundles_files(given):
    """Told in what tasks are given, by either way of writing it; or left open until it is known. Other places stay unknown."""
    assert given(FILES, files="/w/files") == "/w/files/conf:/w/files/conf"
    assert given(FILES, files=variables.FILES) == f"{variables.FILES}/conf:{variables.FILES}/conf"
    with pytest.raises(JobVariableError, match=r"\$\{workspace.root_path\} has no value"):
        given("${workspace.root_path}/state", files="/w/files")


def test_the_folder_above_the_bundles_files(project, given):
    """Told by itself, where a run has one; of what else is in it on a workspace there is nothing."""
    at = {"files": "/w/files", "above": "/w"}

    assert given("--root=${workspace.root_path}", **at) == "--root=/w"
    assert given(FILES, **at) == "/w/files/conf:/w/files/conf"
    assert given("${workspace.root_path}", files=variables.FILES, above=variables.ROOT) == variables.ROOT
    with pytest.raises(JobVariableError, match=r"\$\{workspace.root_path\} has no value"):
        given("${workspace.root_path}/state", **at)
    project.write(databricks_yml=TARGETS + "    workspace: {file_path: /Workspace/Shared/churn}\n")
    with pytest.raises(JobVariableError, match=r"\$\{workspace.root_path\} has no value"):
        given("${workspace.root_path}", **at)


def test_the_folder_where_a_run_has_not_all_of_its_files(given):
    """It has no value then, for what lies above the project's folder goes nowhere."""
    with pytest.raises(JobVariableError, match=r"\$\{workspace.file_path\} has no value"):
        given("${workspace.file_path}/conf")


def test_the_folder_has_no_more_than_its_own_name(given):
    """What only begins like it is another folder."""
    with pytest.raises(JobVariableError) as caught:
        given("${workspace.root_path}/files_old", files="/w/files")

    assert caught.value.cause == "a copy isn't deployed, and has none of the bundle's folders there but that of its files"
    assert caught.value.mend == "write ${workspace.file_path}, if one of the bundle's files is meant"


def test_a_folder_of_the_bundles_own(project, given):
    """A bundle may have its files lie elsewhere, in the root of its deployment say."""
    project.write(databricks_yml=TARGETS + "    workspace: {file_path: '${workspace.root_path}'}\n")
    assert given("${workspace.root_path}/conf", files="/w") == "/w/conf"

    project.write(databricks_yml=TARGETS + "    workspace: {file_path: /Workspace/Shared/churn}\n")
    with pytest.raises(JobVariableError, match=r"\$\{workspace.root_path\} has no value"):
        given("${workspace.root_path}/files/conf", files="/w")


def test_what_a_bundle_synchronizes_besides(project):
    """Its files are then in the innermost folder that has all of them, from where they are written."""
    project.write(
        dabs__churn__databricks_yml="""
            bundle: {name: churn}
            include: [more/*.yml]
            sync: {paths: [., "${var.shared}"]}
            variables: {shared: {default: ../shared}}
            resources:
              jobs:
                j: {tasks: [{task_key: a, notebook_task: {notebook_path: "${workspace.file_path}/churn/n"}}]}
        """,
        dabs__churn__n_py="# Databricks notebook source\n",
    )

    def files():
        beside, root = str(project.root / "dabs" / "churn" / "test_it.py"), str(project.root)
        return describe("j", beside=beside, root=root, target="local", environ={}).files

    job = project.read("dabs/churn/databricks.yml")

    assert files() == job.files == str(project.root / "dabs")
    assert job.tasks[0].path == str(project.root / "dabs" / "churn" / "n.py")
    project.write(dabs__churn__more__lib_yml="sync: {paths: [../../../lib]}\n")
    assert files() == str(project.root)


def test_files_above_the_folder_of_the_tests(project):
    """They don't lie where the copy runs, and the run says so."""
    inner = project.root / "churn"
    project.write(
        churn__databricks_yml="""
            bundle: {name: churn}
            sync: {paths: [., ../shared]}
            resources: {jobs: {j: {tasks: [{task_key: a, notebook_task: {notebook_path: n}}]}}}
        """,
        churn__n_py="# Databricks notebook source\n",
    )

    (note,) = project.read("databricks.yml", root=inner).notes

    assert note.startswith(
        "the bundle's files go up to .., and the copy works with those of the folder that pytest is run from"
    )


OVERRIDES = ".databricks/bundle/pps/variable-overrides.json"


def test_a_users_own_values(project, given):
    """They lie beside the bundle, as for its command line: they win over the target's, and BUNDLE_VAR_… over them."""
    (project.root / OVERRIDES).parent.mkdir(parents=True)
    (project.root / OVERRIDES).write_text('{"catalog": "mine", "other": "x", "shape": {"workers": 9}}')

    assert given("${var.catalog} ${var.shape.workers}") == "mine 9"
    assert given("${var.catalog}", environ={"BUNDLE_VAR_catalog": "ci"}) == "ci"
    assert given("${var.catalog}", target="named") == "ppd"
    for asked in ("${var.other}", "${var.shape.zones[0]}"):
        with pytest.raises(JobVariableError, match="has no value"):
            given(asked)


def test_a_users_own_values_that_cant_be_read(project, given):
    """It's an error, for the bundle's own would be others than the user sees deployed."""
    (project.root / OVERRIDES).parent.mkdir(parents=True)
    (project.root / OVERRIDES).write_text("{catalog: mine}")

    with pytest.raises(JobFileError) as caught:
        given("${var.catalog}")

    assert caught.value.location.path == OVERRIDES


WITH_A_SHAPE = """
    bundle: {name: churn}
    include: [resources/*.yml]
    variables:
      shape: {type: complex, default: {workers: 2, zones: [a, b]}}
      policy: {lookup: {cluster_policy: "small ${var.shape.workers}"}}
      owner: {description: who}
      empty: {default: null}
    targets:
      short: {variables: {shape: {workers: 3}}}
      whole: {variables: {shape: {type: complex, default: {workers: 4}}, policy: p1, owner: null}}
"""


def test_a_target_gives_names_with_values(project, given):
    """All of them anew, whichever way it is written: of the default nothing stays."""
    project.write(databricks_yml=WITH_A_SHAPE)

    assert given("${var.shape.workers}", target="short") == "3"
    assert given("${var.shape.workers} ${var.policy}", target="whole") == "4 p1"
    for target in ("short", "whole"):
        with pytest.raises(JobVariableError, match="has no value"):
            given("${var.shape.zones[0]}", target=target)


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("policy", "a workspace is to be asked for it: cluster_policy small 3"),
        ("owner", "the bundle declares it, and nothing gives it one"),
        ("empty", "the bundle declares it, and nothing gives it one"),
    ],
)
def test_a_variable_that_nothing_gives_a_value(project, given, name, cause):
    """Why is told, and no other name is offered: this one is there."""
    project.write(databricks_yml=WITH_A_SHAPE)

    with pytest.raises(JobVariableError) as caught:
        given(f"${{var.{name}}}", target="short")

    assert (caught.value.cause, caught.value.mend) == (cause, f"give it a default, or set BUNDLE_VAR_{name}")
    assert given(f"${{var.{name}}}", target="short", environ={f"BUNDLE_VAR_{name}": "x"}) == "x"
