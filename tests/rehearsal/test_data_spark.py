"""Spark's own Connect client on the rehearsal's one port, over TLS."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta
from types import SimpleNamespace

import connect_client
import pytest
from data_fixtures import ask, client, connect, rehearsal
from pyspark.errors import PySparkException

from harness.rehearsal import control
from harness.rehearsal.clusters import EXISTING
from harness.settings import Settings
from harness.spark import server

__all__ = ["ask", "client", "rehearsal"]

IN_TIME = timedelta(seconds=60)
"""For what the SDK would wait for twenty minutes, and all tests after it too."""


@contextlib.contextmanager
def session(**changed):
    """A session that is ended after the block."""
    spark = connect(**changed)
    try:
        yield spark
    finally:
        spark.stop()


def refused(**changed):
    """What a first query is refused with."""
    with session(**changed) as spark:
        try:
            spark.range(1).count()
        except PySparkException as exc:
            return str(exc)
    return ""


def count_and_version():
    with session() as spark:
        return spark.range(5).count(), spark.version, spark.catalog.currentCatalog()


def found_by_a_worker():
    """Which packages a worker can import."""
    from pyspark.sql.functions import udf

    def importable(name):
        import importlib

        try:
            importlib.import_module(name)
        except ModuleNotFoundError as exc:
            return str(exc)
        return "found"

    with session() as spark:
        rows = (
            spark.createDataFrame([("harness.errors",), ("pandas",)], "name string").select(udf(importable)("name")).collect()
        )
        return [row[0] for row in rows]


def test_workers_find_nothing_of_the_harness(ask):
    """No cluster has it: what a function took along of it would fail there."""
    assert ask(found_by_a_worker) == ["No module named 'harness'", "found"]


def test_a_session_in_the_workspaces_catalogs(ask):
    """A client gets a session of its own, in the catalogs of the workspace."""
    count, version, catalog = ask(count_and_version)

    assert count == 5
    assert version.startswith("4.")
    assert catalog == "main"


def test_a_wrong_token_is_refused(ask):
    """A token that isn't the workspace's is refused by gRPC's own status, before Spark is asked."""
    assert "StatusCode.UNAUTHENTICATED" in ask(refused_token)


def refused_token():
    return refused(token="not-this-one")


def test_an_unknown_cluster_is_refused(ask):
    """A cluster that isn't there is refused, with its name."""
    told = ask(refused_cluster)

    assert "StatusCode.INVALID_ARGUMENT" in told
    assert "Cluster 0101-000000-nothere does not exist" in told


def refused_cluster():
    return refused(x_databricks_cluster_id="0101-000000-nothere")


def test_no_compute_is_refused(ask):
    """A call that names no compute is refused."""
    assert "neither a cluster nor serverless" in ask(refused_nothing)


def refused_nothing():
    return refused(x_databricks_cluster_id=None)


def test_a_cluster_that_has_ended_is_started(ask, client):
    """A call starts its cluster, as on Databricks."""
    client.clusters.delete(EXISTING).result(IN_TIME)
    before = client.api_client.do("GET", "/rehearsal/clusters")["total"]

    assert ask(count_and_version)[0] == 5

    assert client.clusters.get(EXISTING).state.value == "RUNNING"
    assert client.api_client.do("GET", "/rehearsal/clusters")["total"] == before + 1


def one_table():
    with session() as first, session() as second:
        first.sql("CREATE SCHEMA IF NOT EXISTS main.shared")
        first.sql("CREATE OR REPLACE TABLE main.shared.seen AS SELECT 1 AS id")
        first.conf.set("spark.sql.shuffle.partitions", "7")
        owner = second.sql("DESCRIBE EXTENDED main.shared.seen").where("col_name = 'Owner'").first().data_type
        return second.table("main.shared.seen").first().id, owner, second.conf.get("spark.sql.shuffle.partitions")


def test_two_sessions_see_one_table(ask):
    """Sessions share the catalogs and not their settings; what is made is its caller's."""
    assert ask(one_table) == (1, "rehearsal@example.com", "1")


def after_the_other():
    with session() as spark:
        spark.sql("CREATE OR REPLACE TABLE main.default.left_there AS SELECT 2 AS id")
    time.sleep(3)  # the engine looks after sessions each second
    with session() as spark:
        return spark.table("main.default.left_there").first().id


def test_a_table_outlives_its_session(ask):
    """What a session made stays when it ends."""
    assert ask(after_the_other) == 2


def conditions():
    with session() as spark:
        found = []
        for query in ("SELECT * FROM main.default.nope", "SELECT * FROM nope.a.b", "SELECT 1/0", "SELEC 1"):
            try:
                spark.sql(query).collect()
            except PySparkException as exc:
                found.append((type(exc).__name__, exc.getCondition()))
        return found


def test_error_conditions_are_kept(ask):
    """Errors reach the client as Spark has them: their class and their condition."""
    assert ask(conditions) == [
        ("AnalysisException", "TABLE_OR_VIEW_NOT_FOUND"),
        ("AnalysisException", "TABLE_OR_VIEW_NOT_FOUND"),
        ("ArithmeticException", "DIVIDE_BY_ZERO"),
        ("ParseException", "PARSE_SYNTAX_ERROR"),
    ]


def udf_and_artifact(folder):
    from pathlib import Path

    from pyspark.sql import functions

    module = Path(folder) / "shipped.py"
    module.write_text("TWICE = 2\n")

    def twice(n):
        import shipped

        return n * shipped.TWICE

    with session() as spark:
        spark.addArtifacts(str(module), pyfile=True)
        return [row[0] for row in spark.range(3).select(functions.udf(twice, "long")("id")).collect()]


def test_a_python_function_with_a_module_that_was_sent(ask, tmp_path):
    """Python functions run in Spark's workers, with the files that the client sends."""
    assert ask(udf_and_artifact, str(tmp_path)) == [0, 2, 4]


def worker_path():
    from pyspark.sql import functions

    with session() as spark:
        asked = functions.udf(lambda _: "\n".join([*sys.path, *os.environ]), "string")
        return spark.range(1).select(asked("id")).first()[0]


def test_workers_see_nothing_of_the_client(ask, rehearsal):
    """On Databricks neither the client's folders nor its variables are there."""
    seen = ask(worker_path)

    assert "tests/rehearsal" not in seen
    assert "REHEARSAL_REMOTE" not in seen


def interrupted():
    from pyspark.sql import functions

    with session() as spark:
        threading.Timer(2, spark.interruptAll).start()
        begun = time.monotonic()
        try:
            spark.range(1).select(functions.udf(lambda _: time.sleep(100), "int")("id")).collect()
        except PySparkException as exc:
            return str(exc), time.monotonic() - begun
    return "", 0


def test_a_query_is_interrupted(ask):
    """Interrupting reaches the engine while a query runs."""
    told, took_s = ask(interrupted)

    assert "OPERATION_CANCELED" in told
    assert took_s < 30


def much_both_ways():
    import pandas as pd

    with session() as spark:
        there = spark.createDataFrame(pd.DataFrame({"n": range(300_000)})).count()
        return there, len(spark.range(2_000_000).selectExpr("id", "cast(id AS string) AS text").toPandas())


def test_much_data_both_ways(ask):
    """Streams of many messages pass, in and out."""
    assert ask(much_both_ways) == (300_000, 2_000_000)


def cloned():
    spark = connect()
    spark.conf.set("spark.sql.shuffle.partitions", "7")
    clone = spark.cloneSession()
    try:
        clone.sql("CREATE OR REPLACE TABLE main.default.cloned AS SELECT 3 AS id")
        return clone.conf.get("spark.sql.shuffle.partitions"), spark.table("main.default.cloned").first().id
    finally:
        clone.client.release_session()  # a clone of pyspark's can't be stopped
        clone.client.close()
        spark.stop()


def test_a_session_is_cloned(ask):
    """A clone has its session's settings, and the workspace's catalogs."""
    assert ask(cloned) == ("7", 3)


def the_engines_own():
    from google.protobuf.any_pb2 import Any
    from pyspark.sql.connect.proto import Command

    with session() as spark:
        found = []
        for call in (
            lambda: spark.client.execute_command(Command(extension=Any(type_url="nbh/restore"))),
            lambda: spark.sql("NBH SHOW RELATIONS").collect(),
        ):
            try:
                call()
            except PySparkException as exc:
                found.append(str(exc))
        return found


def test_what_only_the_engine_knows_is_refused(ask):
    """A workspace knows neither the harness's own commands nor its own statements."""
    extension, statement = ask(the_engines_own)

    assert "No handler found for extension" in extension
    assert "PARSE_SYNTAX_ERROR" in statement


def runtime_told(serverless):
    from pyspark.sql.connect.proto import AnalyzePlanRequest

    changed = {"x_databricks_cluster_id": None, "x_databricks_session_id": "0e0e0e0e-0000-4000-8000-000000000001"}
    with session(**(changed if serverless else {})) as spark:
        request = AnalyzePlanRequest(session_id=spark.session_id, spark_version=AnalyzePlanRequest.SparkVersion())
        metadata = spark.client._builder.metadata()
        return spark.client._stub.AnalyzePlan(request, metadata=metadata).SerializeToString()


@pytest.mark.parametrize(("serverless", "told"), [(False, b"\x82\x32\x1017.3.x-scala2.13"), (True, b".x-scala2.13")])
def test_the_runtime_is_told_with_sparks_version(ask, serverless, told):
    """Databricks' clients ask for it in a field that Spark's own server doesn't have."""
    assert told in ask(runtime_told, serverless)


def test_a_fault_on_request(ask, client):
    """A call that meets a fault is answered as a network would: the client tries again, and nothing is done twice."""
    client.api_client.do(
        "POST", "/rehearsal/faults", body={"kind": "unavailable", "path": "/spark.connect.*ExecutePlan", "times": 2}
    )

    assert ask(count_and_version)[0] == 5

    faults = client.api_client.do("GET", "/rehearsal/faults")["faults"]
    client.api_client.do("DELETE", "/rehearsal/faults")
    assert [fault["met"] for fault in faults] == [2]


def over_a_restart(host, token, ca):
    from databricks.sdk import WorkspaceClient

    os.environ["REQUESTS_CA_BUNDLE"] = ca
    client = WorkspaceClient(host=host, token=token)
    with session() as spark:
        spark.range(1).createOrReplaceTempView("of_the_driver")
        client.clusters.delete(EXISTING).result(IN_TIME)
        try:
            spark.table("of_the_driver").count()
        except PySparkException as exc:
            told = str(exc)
    with session() as spark:
        return told, spark.range(3).count()


def test_a_session_ends_with_its_cluster(ask, rehearsal):
    """What a driver held is gone with it, and the client is told; a new session works."""
    told, count = ask(over_a_restart, rehearsal.host, rehearsal.token, str(rehearsal.ca))

    assert "INVALID_HANDLE.SESSION_CHANGED" in told
    assert count == 3


def let_go_late(host, token, ca):
    from databricks.sdk import WorkspaceClient

    os.environ["REQUESTS_CA_BUNDLE"] = ca
    client = WorkspaceClient(host=host, token=token)
    with session() as spark:
        spark.range(1).count()
        client.clusters.delete(EXISTING).result(IN_TIME)
        with contextlib.suppress(PySparkException):  # the session may be closed by then, where a call was on its way
            spark.interruptAll()
        # What it asks where a call had an error, and so after a call that ended with the cluster.
        spark.client._fetch_enriched_error(SimpleNamespace(metadata={"errorId": "e"}))
    return client.clusters.get(EXISTING).state.value


def test_who_lets_go_starts_no_cluster(ask, rehearsal):
    """A client's last calls may come after the cluster's end, of a thread of its own: they are no reason to start it again."""
    assert ask(let_go_late, rehearsal.host, rehearsal.token, str(rehearsal.ca)) == "TERMINATED"


def in_mid_query(host, token, ca):
    from databricks.sdk import WorkspaceClient
    from pyspark.sql import functions

    os.environ["REQUESTS_CA_BUNDLE"] = ca
    client = WorkspaceClient(host=host, token=token)
    with session() as spark:
        threading.Timer(2, lambda: client.clusters.delete(EXISTING)).start()
        begun = time.monotonic()
        try:
            spark.range(1).select(functions.udf(lambda _: time.sleep(100), "int")("id")).collect()
        except PySparkException as exc:
            return str(exc), time.monotonic() - begun
    return "", 0


def test_a_cluster_ends_in_mid_query(ask, rehearsal):
    """The query ends with an error, and in time."""
    told, took_s = ask(in_mid_query, rehearsal.host, rehearsal.token, str(rehearsal.ca))

    assert "INVALID_HANDLE.SESSION_CHANGED" in told
    assert took_s < 60


def with_a_token_that_ends(token, host, personal, ca):
    from databricks.sdk import WorkspaceClient

    os.environ["REQUESTS_CA_BUNDLE"] = ca
    client = WorkspaceClient(host=host, token=personal)
    with session(token=token) as spark:
        before = spark.range(2).count()
        client.api_client.do("POST", "/rehearsal/faults", body={"kind": "token_expired", "path": "/spark.connect.*"})
        try:
            spark.range(2).count()
        except PySparkException as exc:
            return before, str(exc)
        finally:
            client.api_client.do("DELETE", "/rehearsal/faults")
    return before, ""


def test_a_token_that_ends_in_mid_run(ask, rehearsal):
    """A sign-in is good for an hour; later calls of the same session are refused."""
    from databricks.sdk.core import Config

    given = {"client_id": rehearsal.client_id, "client_secret": rehearsal.client_secret}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REQUESTS_CA_BUNDLE", str(rehearsal.ca))
        token = Config(host=rehearsal.host, **given).authenticate()["Authorization"].removeprefix("Bearer ")

    before, told = ask(with_a_token_that_ends, token, rehearsal.host, rehearsal.token, str(rehearsal.ca))

    assert before == 2
    assert "StatusCode.UNAUTHENTICATED" in told
    assert "expired" in told


def test_an_engine_that_ended(own_cache, tmp_path):
    """The next call gets another engine; what was in the one that ended is gone, and the log says so."""
    env = {**os.environ, "NBH_CACHE_DIR": str(own_cache)}
    running = control.start(Settings(str(tmp_path)), env=env, owner=os.getpid())
    try:
        remote = f"sc://127.0.0.1:{running.port}/;use_ssl=true;token={running.token};x-databricks-cluster-id={EXISTING}"
        trust = {"GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(running.ca), "SPARK_CONNECT_MODE_ENABLED": "1"}
        command = [sys.executable, "-c", COUNT, remote]
        clean = {name: value for name, value in env.items() if name != "SPARK_REMOTE"} | trust
        first = subprocess.run(command, env=clean, capture_output=True, text=True, timeout=120, check=False)
        (engine,) = server.all_engines(env)
        os.kill(engine.record.pid, signal.SIGKILL)
        second = subprocess.run(command, env=clean, capture_output=True, text=True, timeout=120, check=False)

        assert first.stdout == "3\n", first.stderr
        assert second.stdout == "3\n", second.stderr
        assert "the engine has ended, and with it all tables" in running.log.read_text()
    finally:
        control.stop(running)


WRITES = """\
# Databricks notebook source
dbutils.fs.put("/tmp/n.txt", str(spark.range(3).count()), True)
dbutils.notebook.exit(dbutils.fs.head("/tmp/n.txt"))
"""


def test_a_run_after_its_engine_was_stopped(own_cache, tmp_path, monkeypatch):
    """`nbh spark stop` ends that of a rehearsal too: its files are gone then, and its next run finds a place for new ones."""
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.jobs import NotebookTask, SubmitTask
    from databricks.sdk.service.workspace import ImportFormat, Language

    env = {**os.environ, "NBH_CACHE_DIR": str(own_cache)}
    running = control.start(Settings(str(tmp_path)), env=env, owner=os.getpid())
    try:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(running.ca))
        client = WorkspaceClient(host=running.host, token=running.token)
        client.workspace.mkdirs("/Shared")
        client.workspace.upload("/Shared/nb", WRITES.encode(), format=ImportFormat.SOURCE, language=Language.PYTHON)
        said = []
        for _ in range(2):
            task = SubmitTask("main", notebook_task=NotebookTask("/Shared/nb"), existing_cluster_id=EXISTING)
            run = client.jobs.submit(run_name="writes", tasks=[task]).result(timeout=IN_TIME)
            said.append(client.jobs.get_run_output(run.tasks[0].run_id).notebook_output.result)
            for engine in server.all_engines(env):
                server.stop(engine)

        assert said == ["3", "3"]
    finally:
        control.stop(running)


COUNT = """\
import sys
from pyspark.sql.connect.session import SparkSession
spark = SparkSession.builder.remote(sys.argv[1]).create()
print(spark.range(3).count())
spark.stop()
"""

DATABRICKS_CLIENT = """\
import sys
from databricks.connect import DatabricksSession
from pyspark.sql import functions as F

host, token, cluster = sys.argv[1:]
told = {"serverless": True} if cluster == "serverless" else {"cluster_id": cluster}
spark = DatabricksSession.builder.remote(host=host, token=token, **told).getOrCreate()
print(spark.range(5).count(), [row[0] for row in spark.range(2).select(F.udf(lambda n: n + 1, "long")("id")).collect()])
try:
    spark.table("main.default.nope").collect()
except Exception as exc:
    print(type(exc).__name__, exc.getErrorClass())
spark.stop()
"""


@connect_client.needed
@pytest.mark.parametrize("compute", [EXISTING, "serverless"])
def test_databricks_connect(rehearsal, tmp_path, compute):
    """Databricks' own client, which looks at the runtime first, on a cluster and serverless."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("DATABRICKS_", "SPARK_"))}
    trust = {"GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(rehearsal.ca), "REQUESTS_CA_BUNDLE": str(rehearsal.ca)}
    command = [connect_client.PYTHON, "-c", DATABRICKS_CLIENT, rehearsal.host, rehearsal.token, compute]

    done = subprocess.run(
        command, cwd=tmp_path, env={**clean, **trust}, capture_output=True, text=True, timeout=180, check=False
    )

    assert done.stdout.splitlines() == ["5 [1, 2]", "AnalysisException TABLE_OR_VIEW_NOT_FOUND"], done.stderr
