"""``nbh doctor --env`` on the rehearsal, as a user and as CI's identity, which has no more than it was granted."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

SETTINGS = """
[tool.nbh.env.rehearsal]
privileges = {}
[tool.nbh.env.rehearsal.compute]
spark_version = "17.3.x-scala2.13"
node_type_id = "Standard_D4ds_v5"
num_workers = 1
data_security_mode = "USER_ISOLATION"
"""


@pytest.fixture
def examined(tmp_path):
    """Ask the doctor in a project whose CI has these privileges; gives facts by their name."""

    def examined(privileges, settings=SETTINGS):
        (tmp_path / "pyproject.toml").write_text(settings.format(json.dumps(privileges)))
        command = [sys.executable, "-m", "harness", "doctor", "--env", "rehearsal", "--json"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=180, check=False)
        return {fact["name"]: fact for fact in json.loads(done.stdout)["facts"]}

    return examined


def test_what_is_enough_is_said_to_be(examined):
    """The two privileges of the README, and a cluster to be with Unity Catalog."""
    facts = examined(["USE CATALOG", "CREATE SCHEMA"])

    assert facts["privileges"]["ok"] is True, facts["privileges"]
    assert facts["access mode"]["ok"] is True
    assert facts["compute"]["value"] == "a new cluster for all runs of a pytest run, 17.3.x-scala2.13"


def test_what_is_missing_is_named_as_the_grant_that_gives_it(examined):
    """The tests would find it by their first schema."""
    fact = examined(["USE CATALOG"])["privileges"]

    assert fact["ok"] is False
    assert fact["mend"].startswith("GRANT CREATE SCHEMA ON CATALOG `main` TO `")


def test_a_cluster_that_is_not_there_has_the_code_that_a_run_gives(examined):
    """And the setting to correct."""
    settings = SETTINGS.partition("[tool.nbh.env.rehearsal.compute]")[0] + 'compute = {{ cluster_id = "1234-567890-nope" }}\n'

    fact = examined(["USE CATALOG", "CREATE SCHEMA"], settings)["cluster"]

    assert fact["ok"] is False
    assert fact["value"].startswith("NBH343 the cluster '1234-567890-nope' isn't there")
    assert fact["mend"].startswith("correct cluster_id of the environment 'rehearsal'")
