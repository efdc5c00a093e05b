"""One truth: what a notebook that runs as a job makes, Spark Connect, Unity Catalog's REST and the Files API all see."""

from __future__ import annotations

import io

import pytest
from data_fixtures import ask, client, rehearsal, sql
from databricks.sdk.service.catalog import VolumeType
from databricks.sdk.service.jobs import NotebookTask, SubmitTask
from databricks.sdk.service.workspace import ImportFormat, Language

from harness.rehearsal.clusters import EXISTING

__all__ = ["ask", "client", "rehearsal", "sql"]

NOTEBOOK = """\
# Databricks notebook source
spark.sql("CREATE TABLE main.joint.from_job AS SELECT * FROM main.joint.from_client")
rows = spark.read.csv("/Volumes/main/joint/landing/in.csv", header=True).count()
with open("/Volumes/main/joint/landing/out.txt", "w") as file:
    file.write("by python")
dbutils.fs.put("dbfs:/tmp/from_job.txt", "by dbutils", True)
spark.sql("GRANT SELECT ON TABLE main.joint.from_job TO `users`")

# COMMAND ----------
context = dbutils.notebook.entry_point.getDbutils().notebook().getContext()
users = spark.sql("SELECT current_user()").first()[0], context.userName().get()
dbutils.notebook.exit(f"{rows} {dbutils.secrets.get('joint', 'word')} {users[0]} {users[1]}")
"""


@pytest.fixture(scope="module")
def exited(client, sql):
    """Run the notebook, and give its exit value."""
    client.schemas.create("joint", "main")
    client.volumes.create("main", "joint", "landing", VolumeType.MANAGED)
    client.files.upload("/Volumes/main/joint/landing/in.csv", io.BytesIO(b"x\n1\n2\n"))
    client.secrets.create_scope("joint")
    client.secrets.put_secret("joint", "word", string_value="open sesame")
    sql("CREATE TABLE main.joint.from_client AS SELECT 41 AS id")
    client.workspace.mkdirs("/Shared/joint")
    source = io.BytesIO(NOTEBOOK.encode())
    client.workspace.upload("/Shared/joint/nb", source, format=ImportFormat.SOURCE, language=Language.PYTHON)
    task = SubmitTask("main", notebook_task=NotebookTask("/Shared/joint/nb"), existing_cluster_id=EXISTING)
    run = client.jobs.submit(run_name="joint", tasks=[task]).result()
    return client.jobs.get_run_output(run.tasks[0].run_id).notebook_output.result


def test_a_run_reads_what_clients_brought(exited):
    """The table of a Spark client, the file of the Files API, the secret of the SDK; and who has submitted it."""
    assert exited == "2 open sesame rehearsal@example.com rehearsal@example.com"


def test_clients_read_what_a_run_made(exited, client, sql):
    """By each way there is."""
    assert sql("SELECT id FROM main.joint.from_job") == [(41,)]
    assert client.tables.get("main.joint.from_job").owner == "rehearsal@example.com"
    assert client.files.download("/Volumes/main/joint/landing/out.txt").contents.read() == b"by python"
    with client.dbfs.open("/tmp/from_job.txt", read=True) as file:
        assert file.read() == b"by dbutils"
    (granted,) = client.grants.get("table", "main.joint.from_job").privilege_assignments
    assert granted.principal == "users"
