"""What azure-pipelines.yml runs on PPS, run here on a rehearsal: the same text, in the same folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from data_fixtures import client, rehearsal

__all__ = ["client", "rehearsal"]

ROOT = Path(__file__).parents[2]
PIPELINE = yaml.safe_load((ROOT / "azure-pipelines.yml").read_text(encoding="utf-8"))
DEFAULTS = {one["name"]: str(one["default"]) for one in PIPELINE["parameters"]}


def found(part):
    """All objects within."""
    if isinstance(part, dict):
        yield part
    for one in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from found(one)


def steps(way):
    """The steps of the PPS stage that use our commands, by their names; ``way`` is what a step of this sign-in has."""
    (stage,) = [one for one in found(PIPELINE["stages"]) if one.get("stage") == "pps"]
    told = [{**one, **one.get("inputs", {})} for one in found(stage) if way in one]
    commands = [(one, one.get("inlineScript") or one.get("script")) for one in told]
    return {one["displayName"]: (one, text) for one, text in commands if text and "$(BIN)" in text}, stage


@pytest.fixture
def run(rehearsal, client, tmp_path):
    """Run a step's text as an agent does, with its variables in their places."""
    client.catalogs.create("pps")
    _, stage = steps("script")
    variables = {"System.DefaultWorkingDirectory": str(tmp_path), "BIN": str(Path(sys.executable).parent)}
    variables["RESULTS"] = next(one["RESULTS"] for one in found(stage) if "RESULTS" in one)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("DATABRICKS_", "NBH_", "PYTEST_"))}
    told = {"NBH_HOST": rehearsal.host, "DATABRICKS_TOKEN": rehearsal.token, "REQUESTS_CA_BUNDLE": str(rehearsal.ca)}

    def step(name):
        settings, text = steps("script")[0][name]
        for _ in range(2):  # a variable's value may name another
            for one, value in variables.items():
                text = text.replace(f"$({one})", value)
        folder = settings["workingDirectory"].replace("${{ parameters.project }}", DEFAULTS["project"])
        # One test is enough: what is looked at is that the commands find the project, its settings and the workspace.
        more = {"PYTEST_ADDOPTS": f"-k test_pays_much_is_half_more_than_the_median -p no:cacheprovider --basetemp={tmp_path}/t"}
        return subprocess.run(
            ["/bin/sh", "-c", text],
            cwd=ROOT / folder,
            env={**environment, **told, **more},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return step


def test_both_ways_to_sign_in_run_the_same():
    """Only who signs in differs."""
    theirs, ours = steps("task")[0], steps("script")[0]

    assert {name: text for name, (_, text) in theirs.items()} == {name: text for name, (_, text) in ours.items()}
    assert list(ours) == ["Test on PPS", "Sweep PPS"]
    assert {one["condition"] for way in (theirs, ours) for name, (one, _) in way.items() if name == "Sweep PPS"} == {"always()"}


def test_the_stage_finds_the_project_and_the_workspace(run, tmp_path):
    """With the defaults of its parameters: the doctor has nothing to mend, tests are run and told, and it is swept."""
    tested = run("Test on PPS")

    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert (tmp_path / "test-results" / "TEST-pps.xml").is_file()
    assert (tmp_path / "coverage.xml").is_file()

    swept = run("Sweep PPS")

    assert swept.returncode == 0, swept.stdout + swept.stderr
