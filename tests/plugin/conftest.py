"""Tiny projects for plugin tests: written, then run by a pytest of their own."""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import subprocess
import sys
import textwrap

import pytest
from inner_runs import ADDOPTS

import harness.extract

# A run in this process drops what it imported when it ends. What `harness` has handed out by then must stay the same objects.
for found in pkgutil.walk_packages(harness.extract.__path__, "harness.extract."):
    importlib.import_module(found.name)

PLAIN_AND_WORKERS = [pytest.param((), id="plain"), pytest.param(("-n", "2"), id="workers")]


class Folder:
    """A folder with a user's files, and commands run there in a process of their own."""

    def __init__(self, path):
        self.path = path

    def write(self, files):
        """Write files; a list is a notebook, one text a cell, in the format that the name tells."""
        for name, content in files.items():
            path = self.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if not isinstance(content, list):
                path.write_text(textwrap.dedent(content).lstrip("\n"), encoding="utf-8")
            elif name.endswith(".ipynb"):
                path.write_text(jupyter(content), encoding="utf-8")
            else:
                path.write_text(databricks(content), encoding="utf-8")

    def run_apart(self, *arguments, **environment):
        """Run ``python -m …`` in a process of its own."""
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("COV_", "COVERAGE_", "PYTEST_"))}
        return subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=self.path,
            env={**clean, "PYTEST_ADDOPTS": ADDOPTS, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def exists(self, name):
        """Say whether a file of this name lies anywhere in the project."""
        return any(self.path.rglob(name))


class Project(Folder):
    """A folder of pytester's: ``run`` runs pytest in this process, which is fast."""

    def __init__(self, pytester):
        super().__init__(pytester.path)
        self.pytester = pytester

    def run(self, *arguments):
        """Run pytest in this process."""
        return self.pytester.runpytest_inprocess(*arguments)


def databricks(cells):
    """Give the cells as a notebook in Python source format."""
    texts = (textwrap.dedent(cell).strip("\n") for cell in cells)
    return "# Databricks notebook source\n" + "\n\n# COMMAND ----------\n\n".join(texts) + "\n"


def jupyter(cells, *, indent=1):
    """Give the cells as a Jupyter notebook, each source line on a line of its own."""
    texts = (textwrap.dedent(cell).strip("\n") for cell in cells)
    made = [
        {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": text.splitlines(keepends=True)}
        for text in texts
    ]
    return json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=indent) + "\n"


@pytest.fixture
def project(pytester, monkeypatch):
    """A fresh, empty project."""
    for name in [name for name in os.environ if name.startswith(("PYTEST_ADDOPTS", "COV_"))]:
        monkeypatch.delenv(name)
    pytester.makeini("[pytest]\npythonpath = .\n")
    return Project(pytester)


@pytest.fixture(scope="session")
def make_folder(tmp_path_factory):
    """Make projects that several tests look at."""

    def make(files):
        folder = Folder(tmp_path_factory.mktemp("shared"))
        folder.write({"tox.ini": "[pytest]\npythonpath = .\n", **files})
        return folder

    return make


@pytest.fixture(scope="module", params=PLAIN_AND_WORKERS)
def workers(request):
    """The arguments of a plain run, and of one with two workers."""
    return request.param
