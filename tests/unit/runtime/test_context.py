from __future__ import annotations

import json

import pytest

from harness.errors import DbutilsCallError
from harness.runtime.context import facts, workspace_path
from harness.runtime.notebook import NotebookPart


def context(run=7):
    """The context of a notebook, by the way that notebooks take."""
    part = NotebookPart(lambda what: facts("/team/etl", run=run))
    return part.entry_point.getDbutils().notebook().getContext()


def test_answers_are_plainly_local():
    """No name, token or address is one that anything could take for real."""
    here = context()

    assert here.notebookPath().get() == "/team/etl"
    assert here.userName().get() == here.tags().apply("user") == "local.user@nbh.invalid"
    assert here.apiUrl().getOrElse(None) == "https://nbh.invalid"
    assert here.apiToken().get() == "nbh-no-token"
    assert here.clusterId().get() == here.tags().get("clusterId").get() == "0000-000000-nbhlocal"
    assert here.workspaceId().get() == here.tags().apply("orgId") == "0"
    assert here.extraContext().apply("notebook_path") == "/team/etl"


def test_a_run_has_a_number():
    """As one of a job has; Nutter notebooks, for one, ask whether there is one."""
    here = context()

    assert here.currentRunId().isDefined()
    assert here.currentRunId().get().id() == 7
    assert here.currentRunId().toString() == "Some(RunId(7))"
    assert json.loads(here.toJson())["currentRunId"] == {"id": 7}
    assert json.loads(here.toJson())["tags"]["jobId"] == here.jobId().get() == "0"
    assert json.loads(here.safeToJson())["attributes"]["clusterId"] == "0000-000000-nbhlocal"
    assert "apiToken" not in here.safeToJson()


def test_a_unit_has_none():
    """It is no run, as a notebook that a person works in."""
    here = context(run=None)

    assert not here.currentRunId().isDefined()
    assert here.currentRunId().toString() == "None"
    assert json.loads(here.toJson())["currentRunId"] is None
    assert here.jobId().getOrElse("interactive") == "interactive"
    assert not here.tags().contains("jobId")
    with pytest.raises(LookupError, match=r"None\.get"):
        here.jobId().get()
    with pytest.raises(LookupError, match="key not found: jobId"):
        here.tags().apply("jobId")


def test_what_libraries_look_for_is_empty():
    """They find that this is no notebook of a workspace, and go on."""
    assert context().aclPathOfAclRoot().isEmpty()
    assert context().mlflowGitRepoUrl().isEmpty()
    assert not context().extraContext().get("aclPathOfAclRoot").isDefined()


def test_a_name_that_no_context_has():
    """Is named, with the nearest."""
    with pytest.raises(
        DbutilsCallError, match=r'getContext\(\).notebokPath is not served here(.|\n)*did you mean "notebookPath"'
    ):
        context().notebokPath()


@pytest.mark.parametrize(
    ("prefixes", "path", "told"),
    [
        ({}, "/repo/nbs/etl.py", "/nbs/etl"),
        ({}, "/repo/nbs/my etl.v2.ipynb", "/nbs/my etl.v2"),
        ({}, "/elsewhere/etl.py", "/etl"),
        ({"/Shared/project": "."}, "/repo/nbs/etl.py", "/Shared/project/nbs/etl"),
        ({"/Workspace/Shared/project": "."}, "/repo/nbs/etl.py", "/Shared/project/nbs/etl"),
        ({"/Shared/all/": ".", "/Shared/nbs": "nbs"}, "/repo/nbs/etl.py", "/Shared/nbs/etl"),
    ],
)
def test_the_path_in_a_workspace(prefixes, path, told):
    """That of the settings' prefixes, so that an absolute path made of it leads back."""
    assert workspace_path(path, root="/repo", folder="/repo", prefixes=prefixes) == told


def test_the_path_below_the_root():
    """Where the project is a folder of the repository, or has no settings: notebooks cut their own path at a folder's name."""
    assert workspace_path("/repo/a/nbs/etl.py", root="/repo", folder="/repo/a/nbs", prefixes={}) == "/a/nbs/etl"
    assert workspace_path("/repo/a/nbs/etl.py", root="/repo", folder="/repo/a", prefixes={"/Shared": "nbs"}) == "/Shared/etl"
