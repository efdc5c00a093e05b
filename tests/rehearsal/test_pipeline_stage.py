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

OURS = ("DATABRICKS_", "NBH_", "PYTEST_", "SYSTEM_")
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


@pytest.fixture(scope="module")
def pps(client, rehearsal):
    """The catalog, with what CI's identity needs on it."""
    client.catalogs.create("pps")
    change = {"principal": rehearsal.client_id, "add": ["USE_CATALOG", "CREATE_SCHEMA"]}
    client.api_client.do("PATCH", "/api/2.1/unity-catalog/permissions/catalog/pps", body={"changes": [change]})


@pytest.fixture
def run(rehearsal, client, pps, tmp_path):
    """Run a step's text as an agent does, with its variables in their places; by the user's token, or its own sign-in."""
    _, stage = steps("script")
    variables = {"System.DefaultWorkingDirectory": str(tmp_path), "BIN": str(Path(sys.executable).parent)}
    variables["RESULTS"] = next(one["RESULTS"] for one in found(stage) if "RESULTS" in one)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    told = {"NBH_HOST": rehearsal.host, "REQUESTS_CA_BUNDLE": str(rehearsal.ca)}
    parameters = {"ppsHost": rehearsal.host, "clientId": rehearsal.client_id}

    def filled(text):
        for _ in range(2):  # a variable's value may name another
            for one, value in variables.items():
                text = text.replace(f"$({one})", value)
            for one, value in parameters.items():
                text = text.replace(f"${{{{ parameters.{one} }}}}", value)
        return text

    def federated(settings, job):
        """What the step itself sets, and what an agent sets for each; the job's token is in the step's own words."""
        variables["System.AccessToken"] = job.pop("SYSTEM_ACCESSTOKEN")
        return {**job, **{one: filled(value) for one, value in settings["env"].items()}}

    def step(name, *, job=None):
        settings, text = steps("script")[0][name]
        text = filled(text)
        more = federated(settings, dict(job)) if job else {"DATABRICKS_TOKEN": rehearsal.token}
        folder = settings["workingDirectory"].replace("${{ parameters.project }}", DEFAULTS["project"])
        # One test is enough: what is looked at is that the commands find the project, its settings and the workspace.
        more["PYTEST_ADDOPTS"] = f"-k test_pays_much_is_half_more_than_the_median -p no:cacheprovider --basetemp={tmp_path}/t"
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


@pytest.mark.parametrize("page", ["azure-pipelines.yml", "docs/azure-devops.md"])
def test_tests_that_take_longer_than_an_hour_stay_signed_in(page):
    """What signs in by federation gets no new tokens after an hour, unless the task signs in again meanwhile."""
    text = (ROOT / page).read_text(encoding="utf-8")
    pipeline = yaml.safe_load(text.split("```yaml\n")[1].split("```")[0] if page.endswith(".md") else text)

    tested = [one["inputs"] for one in found(pipeline) if one.get("displayName") == "Test on PPS" and "task" in one]

    assert [one["keepAzSessionActive"] for one in tested] == [True]


def test_the_stage_finds_the_project_and_the_workspace(run, tmp_path):
    """With the defaults of its parameters: the doctor has nothing to mend, tests are run and told, and it is swept."""
    tested = run("Test on PPS")

    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert (tmp_path / "test-results" / "TEST-pps.xml").is_file()
    assert (tmp_path / "coverage.xml").is_file()

    swept = run("Sweep PPS")

    assert swept.returncode == 0, swept.stdout + swept.stderr


def test_the_stage_signs_in_by_the_pipelines_own_token(run, client, tmp_path):
    """By the variables that its step sets and those of an agent, and nothing else: no token of a user's, no secret."""
    job = client.api_client.do("POST", "/rehearsal/pipelines", body={"kind": "azure-devops"})["variables"]

    tested = run("Test on PPS", job=job)

    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert (tmp_path / "test-results" / "TEST-pps.xml").is_file()
    assert job["SYSTEM_ACCESSTOKEN"] not in tested.stdout + tested.stderr
    assert run("Sweep PPS", job=job).returncode == 0


def test_the_stage_of_another_pipeline_is_refused(run, client):
    """Whose subject no policy names: the doctor says so, and no test is run."""
    told = {"kind": "azure-devops", "subject": "p://rehearsal/project/other"}
    job = client.api_client.do("POST", "/rehearsal/pipelines", body=told)["variables"]

    tested = run("Test on PPS", job=job)

    assert tested.returncode != 0
    assert "NBH331" in tested.stdout + tested.stderr
    assert "p://rehearsal/project/other" in tested.stdout + tested.stderr
    assert "test session starts" not in tested.stdout
