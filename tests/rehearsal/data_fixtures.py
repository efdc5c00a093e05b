"""A rehearsal for the tests of a file, and clients of it: the SDK here, Spark's own in a process that trusts it."""

from __future__ import annotations

import os
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest
from databricks.sdk.service.jobs import RunResultState
from own_rehearsal import rehearsal

from harness.rehearsal.clusters import EXISTING

__all__ = ["SECONDS", "ask", "client", "ended", "rehearsal", "sql"]

REMOTE = "REHEARSAL_REMOTE"
SECONDS = 120


@pytest.fixture(scope="module")
def client(rehearsal):
    """The SDK's client of it."""
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.core import Config

    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("DATABRICKS_")]:
            patch.delenv(name)
        patch.setenv("REQUESTS_CA_BUNDLE", str(rehearsal.ca))
        yield WorkspaceClient(config=Config(host=rehearsal.host, token=rehearsal.token, retry_timeout_seconds=5))


def ended(client, run_id):
    """The run, once it has ended; what failed in it is printed, for a test that expected otherwise."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        run = client.jobs.get_run(run_id)
        if run.status.state.value == "TERMINATED":
            for task in run.tasks:
                if task.state.result_state is RunResultState.FAILED:
                    why = client.jobs.get_run_output(task.run_id).error
                    print(task.task_key, task.state.state_message, why)  # noqa: T201 -- shown where the test fails
            return run
        time.sleep(0.05)
    raise AssertionError(f"run {run_id} doesn't end: {run}")


def _prepare(ca, remote):
    # gRPC reads its certificates once in a process, before its first use.
    os.environ["GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"] = ca
    os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1"
    os.environ[REMOTE] = remote


@pytest.fixture(scope="module")
def ask(rehearsal):
    """Run a function of this file in a process whose gRPC trusts the rehearsal, and give what it returns."""
    remote = f"sc://127.0.0.1:{rehearsal.port}/;use_ssl=true"
    told = f"{remote};token={rehearsal.token};x-databricks-cluster-id={EXISTING}"
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SPARK_REMOTE", raising=False)
        with ProcessPoolExecutor(1, get_context("spawn"), _prepare, (str(rehearsal.ca), told)) as pool:
            yield lambda function, *values: pool.submit(function, *values).result(180)


def connect(**changed):
    """In that process: a new session on the workspace; with other headers, or a header None for one that isn't to be sent."""
    from pyspark.sql.connect.session import SparkSession

    address, *told = os.environ[REMOTE].split(";")
    headers = {
        **dict(pair.split("=", 1) for pair in told),
        **{name.replace("_", "-"): value for name, value in changed.items()},
    }
    headers["use_ssl"] = headers.pop("use-ssl", "true")
    text = ";".join([address, *(f"{name}={value}" for name, value in headers.items() if value is not None)])
    return SparkSession.builder.remote(text).create()


def run_sql(*statements):
    """In the process of Spark's client."""
    spark = connect()
    try:
        for statement in statements:
            rows = spark.sql(statement).collect()
        return [tuple(row) for row in rows]
    finally:
        spark.stop()


@pytest.fixture(scope="module")
def sql(ask):
    """Run statements over Spark Connect, and give the rows of the last."""
    return lambda *statements: ask(run_sql, *statements)
