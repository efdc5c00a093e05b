from __future__ import annotations

import importlib
import json
import socket
import sys

import pytest

from harness.errors import WorkerImportError
from harness.spark.worker import CLIENTS, NotebookGuard, following, prepare

NOTEBOOK = "# Databricks notebook source\nraise SystemExit('the top level ran')\n"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder on the path, with a guard before all finders, as a worker has it."""
    monkeypatch.setattr(sys, "meta_path", [NotebookGuard([str(tmp_path)]), *sys.meta_path])
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.mark.parametrize("start", ["", "\ufeff"], ids=["plain", "byte-order mark"])
def test_notebook_is_refused(project, start):
    """The full text; the top level does not run."""
    (project / "guarded_etl.py").write_text(start + NOTEBOOK, encoding="utf-8")

    with pytest.raises(WorkerImportError) as caught:
        importlib.import_module("guarded_etl")

    assert str(caught.value) == (
        'NBH307 a Spark worker may not import the notebook "guarded_etl"\n'
        "  cause: guarded_etl.py is a Databricks notebook, and importing it in a worker would run its whole top level\n"
        "  mend:  let the code that runs on Spark use only functions of notebooks and of test files, which travel by value;\n"
        "         a plain module that imports a notebook can't be used there\n"
        "  more:  docs/errors.md#nbh307"
    )


def test_plain_module_is_imported(project):
    """Modules of the project are there for UDFs."""
    (project / "guarded_plain.py").write_text("VALUE = 7\n")

    assert importlib.import_module("guarded_plain").VALUE == 7


def test_notebook_in_a_package_is_refused(project):
    """The path of a package is looked at too."""
    (project / "guarded_package").mkdir()
    (project / "guarded_package" / "etl.py").write_text(NOTEBOOK)

    with pytest.raises(WorkerImportError):
        importlib.import_module("guarded_package.etl")


def test_library_made_of_notebooks_is_imported(tmp_path, monkeypatch, project):
    """What is installed is a library, whatever its first line."""
    installed = project / ".venv" / "site-packages"
    installed.mkdir(parents=True)
    (installed / "guarded_library.py").write_text("# Databricks notebook source\nVALUE = 7\n")
    monkeypatch.syspath_prepend(installed)

    assert importlib.import_module("guarded_library").VALUE == 7


def test_path_is_the_test_process_own_in_its_order(monkeypatch):
    """What the worker has besides comes last."""
    monkeypatch.setattr(sys, "path", ["/spark.zip", "/b"])
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])

    prepare(json.dumps({"path": ["/a", "/b"], "roots": []}))

    assert sys.path == ["/a", "/b", "/spark.zip"]
    assert isinstance(sys.meta_path[0], NotebookGuard)


def test_a_worker_follows_the_path(monkeypatch, tmp_path):
    """Of each task it is what the test process's was before the task, with the worker's own last; also where it is shorter."""
    first = json.dumps({"path": ["/a"], "roots": []})
    monkeypatch.setattr(sys, "path", ["/spark.zip"])
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    monkeypatch.setenv(CLIENTS, str(tmp_path))
    monkeypatch.setenv("SPARK_JOB_ARTIFACT_UUID", "s")
    prepare(first)
    task = following(lambda sock, number: seen.append([*sys.path]) or number, first)
    seen = []
    ours, theirs = socket.socketpair()
    ours.send(b"a task")

    for path in (["/a"], ["/a", "/b"], ["/a", "/b"], ["/c"]):
        (tmp_path / "s.json").write_text(json.dumps({"path": path, "roots": []}))
        assert task(theirs, 3) == 3

    ours.close()
    theirs.close()
    assert seen == [["/a", "/spark.zip"], ["/a", "/b", "/spark.zip"], ["/a", "/b", "/spark.zip"], ["/c", "/spark.zip"]]
