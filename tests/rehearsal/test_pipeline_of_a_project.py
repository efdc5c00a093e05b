"""The pipeline that docs/azure-devops.md has for projects: its steps, run here in a project that isn't ours."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from data_fixtures import client, rehearsal

__all__ = ["client", "rehearsal"]

PAGE = Path(__file__).parents[2] / "docs" / "azure-devops.md"
PIPELINE = yaml.safe_load(PAGE.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0])
OURS = ("CI", "DATABRICKS_", "NBH_", "PYTEST_", "COV_", "COVERAGE_")
TOML = """
[project]
name = "orders"
version = "1"

[tool.nbh.env.pps]
host = "HOST"
catalog = "pps"
compute = { serverless = true }
"""
NOTEBOOK = """# Databricks notebook source
def double(x):
    return 2 * x

# COMMAND ----------

dbutils.notebook.exit(str(double(21)))
"""
TESTS = """
def test_double(notebook):
    assert notebook("notebooks/etl.py").double(2) == 4

def test_whole(run_notebook):
    run = run_notebook("notebooks/etl.py")
    assert run.exit_value == "42", run.summary
"""


@pytest.fixture
def project(tmp_path, rehearsal):
    """A repository with a notebook and its tests."""
    for name, text in {"pyproject.toml": TOML.replace("HOST", rehearsal.host), "notebooks/etl.py": NOTEBOOK}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_etl.py").write_text(TESTS)
    return tmp_path


@pytest.fixture
def run(project):
    """Run the step of a stage with this name, as an agent does that has installed what the page says."""

    def run(stage, step, **more):
        (job,) = next(one["jobs"] for one in PIPELINE["stages"] if one["stage"] == stage)
        (found,) = [one for one in job["steps"] if one.get("displayName") == step]
        text = found.get("script") or found["inputs"]["inlineScript"]
        env = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        path = f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"
        done = subprocess.run(
            ["/bin/sh", "-c", text],
            cwd=project,
            env={**env, "PATH": path, "TF_BUILD": "True", **more},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    return run


def test_the_unit_stage(run, project):
    """Results and coverage are where the next steps look for them."""
    run("unit", "Test")

    assert 'tests="2"' in (project / "TEST-unit.xml").read_text()
    assert 'filename="notebooks/etl.py"' in (project / "coverage.xml").read_text()


def test_the_stage_of_the_workspace(run, project, rehearsal, client):
    """The doctor has nothing to mend, the same tests pass there, and it is swept."""
    client.catalogs.create("pps")
    signed_in = {"DATABRICKS_TOKEN": rehearsal.token, "REQUESTS_CA_BUNDLE": str(rehearsal.ca)}

    run("pps", "Test on PPS", **signed_in)
    run("pps", "Sweep PPS", **signed_in)

    assert 'tests="2"' in (project / "TEST-pps.xml").read_text()
