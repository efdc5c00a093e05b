from __future__ import annotations

import sys

import pytest

from harness.commands import doctor_compute
from harness.commands.doctor_compute import of_cluster, of_spec
from harness.environments import Compute
from harness.remote.protocol import Identity

ME = Identity("me@example.com", ("team",))
HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"


@pytest.fixture
def client(monkeypatch):
    """Say which databricks-connect is installed, and that each runtime has the Python that runs here."""
    monkeypatch.setattr(doctor_compute, "_PYTHON_OF", {"15": HERE, "17": HERE, "16": "2.7"})
    return lambda version: monkeypatch.setattr(doctor_compute, "version_of", lambda _: version)


def told(facts):
    """What is said, by its name, with a mark for what is wrong."""
    return {fact.name: (fact.ok, fact.value) for fact in facts}


def test_a_spec_is_looked_at_before_a_cluster_is_made(client):
    """Its runtime, the client, and the access mode."""
    client("17.1.0")
    good = {"spark_version": "17.3.x-scala2.13", "data_security_mode": "USER_ISOLATION"}

    facts = told(of_spec(Compute("new", spec=good)))

    assert facts["runtime"] == (True, f"17.3.x-scala2.13 has Python {HERE}, as here")
    assert facts["databricks-connect"] == (True, "17.1.0 fits the runtime")
    assert facts["access mode"][0] is True

    facts = told(of_spec(Compute("new", spec={"spark_version": "16.4.x-scala2.12"})))

    assert facts["runtime"] == (False, f"16.4.x-scala2.12 has Python 2.7, and this is {HERE}: UDFs of notebooks don't run")
    assert facts["databricks-connect"] == (False, "17.1.0 is newer than the runtime")
    assert facts["access mode"] == (False, "not set: such a cluster has no Unity Catalog")


def test_a_policy_may_say_what_a_spec_does_not(client):
    """What isn't known is no fault, and no praise."""
    client(None)

    facts = told(of_spec(Compute("new", spec={"policy_id": "AB12"})))

    assert facts["runtime"][0] is None
    assert "access mode" not in facts


@pytest.mark.parametrize(
    ("version", "ok", "said"),
    [("14.3.1", False, "knows no serverless compute"), ("15.4.2", True, "knows serverless compute")],
)
def test_serverless_compute_asks_for_a_client_that_knows_it(client, version, ok, said):
    """The first ones don't."""
    client(version)

    found = told(of_spec(Compute()))["databricks-connect"]

    assert found[0] is ok
    assert said in found[1]


def test_serverless_compute_asks_for_the_clients_python(client):
    """Functions run in it there."""
    client("16.4.0")

    assert told(of_spec(Compute()))["Python"][0] is False


@pytest.mark.parametrize(
    ("mode", "user", "ok"),
    [
        ("SINGLE_USER", "me@example.com", True),
        ("SINGLE_USER", "other@example.com", False),
        ("USER_ISOLATION", "", True),
        ("LEGACY_TABLE_ACL", "", False),
    ],
)
def test_a_cluster_has_to_take_runs_of_this_identity_with_unity_catalog(client, mode, user, ok):
    """Nobody else's, and none of before Unity Catalog."""
    client(None)
    facts = {"cluster_name": "team", "state": "RUNNING", "data_security_mode": mode, "single_user_name": user}

    found = told(of_cluster("1", {**facts, "spark_version": "17.3.x-scala2.13"}, ME))

    assert all(one is not False for one, _ in found.values()) is ok, found
