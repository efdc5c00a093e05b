"""A job whose tasks ask for the folder that a deployed bundle has its files in: so they lie on the workspace, too."""

from __future__ import annotations

import pytest
from jobs_with_wheels import built, send, ws

from harness.jobs.job import NOTEBOOK, Task
from harness.jobs.variables import FILES, ROOT

__all__ = ["built", "send", "ws"]


@pytest.fixture
def project(tmp_path):
    """A project with a notebook."""
    path = tmp_path / "churn" / "etl" / "nb.py"
    path.parent.mkdir(parents=True)
    path.write_text("# Databricks notebook source\n")
    return tmp_path / "churn"


def sent(send, project, **given):
    """Where the notebook went, and what it is given."""
    end, body = send(Task("t", NOTEBOOK, path=str(project / "etl/nb.py"), parameters=given), files=str(project))
    assert end.ended == "passed"
    [task] = body["tasks"]
    return task["notebook_task"]["notebook_path"], task["notebook_task"]["base_parameters"]


def test_the_folder_that_has_the_files(send, project, ws):
    """What is below its "files" is the project."""
    path, given = sent(send, project, root=ROOT, files=f"{FILES}/conf")

    assert f"/Workspace{path}".endswith(f"{given['root']}/files/etl/nb")
    assert given["files"] == f"{given['root']}/files/conf"
    assert any(one.endswith("/files/etl/nb") for one in ws.objects)


def test_where_nothing_asks_for_it(send, project):
    """Files lie where they always do."""
    path, given = sent(send, project, files=FILES)

    assert f"/Workspace{path}".endswith(f"{given['files']}/etl/nb")
    assert not given["files"].endswith("/files")
