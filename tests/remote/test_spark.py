from __future__ import annotations

import sys
import threading
from types import SimpleNamespace

import pytest
from databricks.sdk.errors import PermissionDenied

from harness.remote import spark
from harness.remote.errors import ClusterError, RemoteSparkError
from harness.remote.secrets import Masker

TOKEN = "dapi0123456789abcdef0123456789abcdef"


@pytest.fixture
def ws():
    """A workspace with one cluster that runs."""
    facts = {"state": "RUNNING", "spark_version": "16.4.x-scala2.12", "cluster_name": "shared"}
    config = SimpleNamespace(host="https://pps.example.com")
    return SimpleNamespace(
        host="https://pps.example.com",
        mask=Masker([TOKEN]),
        cluster=lambda _: facts,
        client=SimpleNamespace(config=config),
        facts=facts,
    )


@pytest.mark.parametrize(
    ("client", "runtime", "fits"),
    [
        ("16.4.3", "16.4.x-scala2.12", True),
        ("16.4.3", "17.3.x-scala2.13", True),
        ("17.3.1", "16.4.x-scala2.12", False),
        ("17.1.0", "17.x-snapshot-scala2.13", True),
        ("17.1.0", "custom:something", True),
    ],
)
def test_a_runtime_that_is_older_than_the_client_is_refused(client, runtime, fits):
    """With the client that fits; what can't be told is left to the client itself."""
    if fits:
        spark._check_fit(client, runtime)
        return
    with pytest.raises(RemoteSparkError, match=r'NBH347(.|\n)*pip install "databricks-connect==16\.4\.\*"'):
        spark._check_fit(client, runtime)


def test_no_client_at_all_is_told(ws, monkeypatch):
    """With what to install."""
    monkeypatch.setattr(spark, "_version", lambda _: "")

    with pytest.raises(RemoteSparkError, match="neither databricks-connect nor pyspark is installed"):
        spark.open_session(ws, cluster_id="c")


def test_both_clients_in_one_place_are_refused(ws, monkeypatch):
    """Before either is imported: what is found under their one name is a mixture."""
    monkeypatch.setattr(spark, "_version", lambda _: "16.1.7")

    with pytest.raises(RemoteSparkError, match=r"NBH347 pyspark and databricks-connect(.|\n)*pip uninstall databricks-connect"):
        spark.open_session(ws, cluster_id="c")


def test_a_session_that_never_answers_is_given_up(ws, monkeypatch):
    """Long before the client itself would."""
    monkeypatch.setattr(spark, "_version", lambda package: "4.2.0" if package == "pyspark" else "")
    answer, is_answered = threading.Event(), threading.Event()

    def make():
        answer.wait()
        is_answered.set()

    monkeypatch.setattr(spark, "_with_pyspark", lambda *_: make)

    with pytest.raises(RemoteSparkError, match=r"pyspark 4\.2\.0's Connect client had no answer within 0\.2 s"):
        spark.open_session(ws, cluster_id="c", timeout_s=0.2)
    assert not is_answered.is_set()
    answer.set()


def test_a_cluster_that_this_identity_may_not_start(ws, monkeypatch):
    """An ended one is started only by whoever may; the session isn't tried, and the token isn't told."""

    def refuse(cluster_id):
        raise PermissionDenied(f"{TOKEN} has no CAN_RESTART on {cluster_id}")

    monkeypatch.setattr(spark, "_version", lambda package: "16.4.1" if package == "databricks-connect" else "")
    ws.facts["state"] = "TERMINATED"
    ws.client.clusters = SimpleNamespace(ensure_cluster_is_running=refuse)
    told = []

    with pytest.raises(ClusterError, match=r"NBH343 the cluster 'c' doesn't start(.|\n)*needs CAN RESTART") as caught:
        spark.open_session(ws, cluster_id="c", progress=told.append)

    assert caught.value.cause == "*** has no CAN_RESTART on c"
    assert told == ["waiting for the cluster shared to start"]


def test_an_error_of_the_client_is_told_without_a_token(ws, monkeypatch):
    """In one line."""

    def make():
        raise ConnectionError(f"refused for\n{TOKEN}")

    monkeypatch.setattr(spark, "_version", lambda package: "16.4.1" if package == "databricks-connect" else "")
    monkeypatch.setattr(spark, "_with_databricks", lambda *_: make)

    with pytest.raises(RemoteSparkError, match=r"databricks-connect 16\.4\.1: refused for \*\*\*") as caught:
        spark.open_session(ws, cluster_id="c")
    assert caught.value.__cause__ is None


def test_databricks_connect_gets_cluster_or_serverless(ws, monkeypatch):
    """By the sign-in that there is, whatever else variables name."""
    from databricks.sdk.core import Config

    monkeypatch.setattr(Config, "_resolve_host_metadata", lambda _: None)
    seen = []

    class Builder:
        def sdkConfig(self, config):  # noqa: N802 - databricks-connect's name
            seen.append(dict(config.as_dict()))
            return self

        def create(self):
            return SimpleNamespace(version="4.0.0")

    monkeypatch.setitem(
        sys.modules, "databricks.connect", SimpleNamespace(DatabricksSession=SimpleNamespace(builder=Builder()))
    )
    monkeypatch.setattr(spark, "_version", lambda package: "16.4.1" if package == "databricks-connect" else "")
    config = Config(host="https://pps.example.com", token=TOKEN, cluster_id="other", serverless_compute_id="auto")
    ws.client.config = config

    assert spark.open_session(ws, cluster_id="c").client == "databricks-connect 16.4.1"
    assert spark.open_session(ws).session.version == "4.0.0"
    found = [(one.get("cluster_id"), one.get("serverless_compute_id")) for one in seen]
    assert found == [("c", None), (None, "auto")]
