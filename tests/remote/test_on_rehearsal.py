"""The whole way, by databricks-sdk and over TLS, against a workspace on this machine that truly runs what it is given."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from own_rehearsal import driver, rehearsal
from wheel_backend import SETTINGS, backend

from harness.environments import Compute, Environment
from harness.jobs.job import NOTEBOOK, SCRIPT, WHEEL, Entry, Job, Task, Wheel
from harness.model import TABLE
from harness.remote import sweep
from harness.remote.client import connect
from harness.remote.errors import LeftUnknownError, MissingError, SignInError
from harness.remote.removal import is_ours
from harness.remote.session import Remote
from harness.remote.state import state_folder

__all__ = ["rehearsal"]

HEADER = "# Databricks notebook source\n"
SPEC = {"spark_version": "17.3.x-scala2.13", "node_type_id": "Standard_D4ds_v5", "num_workers": 1}
ETL = (
    HEADER
    + """import lib.clean

# COMMAND ----------

# MAGIC %run ./setup

# COMMAND ----------

dbutils.widgets.text("mode", "good")
mode = dbutils.widgets.get("mode")

# COMMAND ----------

if mode == "bad":
    rows = 0
    lib.clean.ratio(1, rows)
if mode == "slow":
    import time
    time.sleep(60)

# COMMAND ----------

if mode == "exit":
    dbutils.notebook.exit(f"{base} {lib.clean.NAME}")
"""
)


@pytest.fixture
def drive(rehearsal, monkeypatch):
    """Sign in to it, and drive it; its faults are gone after the test."""
    monkeypatch.setenv("DATABRICKS_TOKEN", rehearsal.token)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(rehearsal.ca))

    call = driver(rehearsal)
    yield call
    call("DELETE", "faults")
    call("POST", "clusters", start_s=0)


@pytest.fixture
def project(tmp_path):
    """A notebook that runs another and imports a module."""
    folder = tmp_path / "churn"
    (folder / "jobs" / "lib").mkdir(parents=True)
    (folder / "jobs" / "etl.py").write_text(ETL)
    (folder / "jobs" / "setup.py").write_text(HEADER + 'base = "from setup"\n')
    (folder / "jobs" / "lib" / "__init__.py").write_text("")
    (folder / "jobs" / "lib" / "clean.py").write_text('NAME = "and lib"\n\n\ndef ratio(a, b):\n    return a / b\n')
    return folder


@pytest.fixture
def make(rehearsal, drive, project):
    """Make a process's use of the workspace; it is closed at the end, and leaves nothing."""
    made = []

    def remote(compute=None, **more):
        environment = Environment(
            "rehearsal", host=rehearsal.host, catalog="main", compute=compute or Compute("new", spec=SPEC), **more
        )
        made.append(Remote(environment, project))
        return made[-1]

    yield remote
    drive("DELETE", "faults")
    for one in made:
        assert not one.close().left
    left = connect(rehearsal.host)
    assert [
        one for one in left.clusters() if one["state"] in {"RUNNING", "PENDING"} and one["cluster_name"].startswith("nbh-")
    ] == []
    assert not list(state_folder().iterdir())


@pytest.mark.parametrize(
    "compute",
    [
        Compute(),
        Compute("new", spec=SPEC),
        Compute("new", spec=SPEC, share="never"),
        Compute("existing", "9000-000000-nbhshare"),
    ],
)
def test_a_notebook_runs_with_all_that_it_needs(make, compute):
    """On every kind of compute."""
    run = make(compute).run("jobs/etl.py", {"mode": "exit"})

    assert (run.ended, run.exit_value, run.error) == ("exited", "from setup and lib", "")
    assert run.link.startswith("https://127.0.0.1:")
    assert run.duration_s > 0


def test_a_notebook_written_by_hand_is_whole(make, project):
    """The workspace gives it back with other blank lines than it was sent with, and tells lines by cells without them."""
    (project / "jobs" / "hand.py").write_text(HEADER + "# COMMAND ----------\nx = 1\n# COMMAND ----------\n\n\n\nx / 0\n\n\n")

    run = make().run("jobs/hand.py")

    assert (run.ended, str(run.location)) == ("failed", "jobs/hand.py:8 (cell 3, line 1)")


def test_a_failure_is_told_with_its_line(make):
    """Of the module that raised, as the workspace names it."""
    run = make().run("jobs/etl.py", {"mode": "bad"})

    assert (run.ended, run.error) == ("failed", "ZeroDivisionError: division by zero")
    assert str(run.location) == "jobs/lib/clean.py:5"
    assert "<command-" in run.trace


def test_a_failure_in_a_cell_is_told_with_its_line(make, project):
    """By the code that the traceback shows."""
    (project / "jobs" / "lib" / "clean.py").write_text("ratio = (1).__truediv__ and (lambda a, b: None)\n")
    (project / "jobs" / "etl.py").write_text(ETL.replace("lib.clean.ratio(1, rows)", "1 / rows"))

    run = make().run("jobs/etl.py", {"mode": "bad"})

    assert str(run.location) == "jobs/etl.py:17 (cell 4, line 3)"


def test_a_failure_in_sql_is_told_with_its_cell(make, project):
    """No traceback names it; the executed notebook that the workspace exports does."""
    text = "x = 1\n\n# COMMAND ----------\n\n# MAGIC %sql\n# MAGIC SELECT * FROM main.no.such\n"
    (project / "a.py").write_text(HEADER + text)

    run = make().run("a.py")

    assert run.ended == "failed"
    assert (run.location.path, run.location.cell) == ("a.py", 2)


def test_what_the_rehearsal_cannot_run_has_not_failed(make, project):
    """A test that expects a failure would pass by it; with the cell, also where the notebook goes on."""
    (project / "a.py").write_text(HEADER + "x = 1\n\n# COMMAND ----------\n\n# MAGIC %scala\n# MAGIC val x = 1\n")
    swallowed = "try:\n    spark.sql('COPY INTO t FROM x')\nexcept Exception:\n    pass\n"
    (project / "b.py").write_text(HEADER + swallowed)

    remote = make()
    scala, copies = remote.run("a.py"), remote.run("b.py")

    assert (scala.ended, scala.location.cell) == ("unsupported", 2)
    assert scala.error == "The rehearsal can't run this notebook: Scala can't run here"
    assert copies.ended == "unsupported"
    assert "COPY INTO is Databricks only" in copies.error


SHOWS = """# MAGIC %md
# MAGIC # Orders

# COMMAND ----------

import sys

print("two orders")
print("careful", file=sys.stderr)
display(spark.sql("SELECT 1 AS id, 9.50BD AS price, date'2026-01-23' AS day, array('a') AS tags"))
displayHTML("<b>bold</b>")
1 + 1

# COMMAND ----------

# MAGIC %sql
# MAGIC SELECT 'x' AS only

# COMMAND ----------

if dbutils.widgets.get("mode") == "bad":
    print("before")
    raise ValueError("a < b")

# COMMAND ----------

if dbutils.widgets.get("mode") == "exit":
    print("gone on Databricks, too")
    dbutils.notebook.exit("done")

# COMMAND ----------

late = 1
"""


def test_what_cells_put_out_is_read_when_it_is_looked_at(make, project, drive):
    """The same as of a run here: outcomes, printed text, tables with their rows, HTML and values."""
    (project / "a.py").write_text(HEADER + SHOWS)
    remote = make()
    drive("DELETE", "calls")

    run = remote.run("a.py", {"mode": "exit"})
    assert run.ended == "exited", run.summary
    before = drive("GET", "calls")["calls"]
    cells = run.cells

    assert not [name for name in before if "runs/export" in name]
    assert [cell.outcome for cell in cells] == ["passed", "passed", "passed", "passed", "exited", "not_run"]
    printed, warned, table, shown, value = cells[1].outputs
    assert (printed["name"], printed["text"], warned["name"], warned["text"]) == (
        "stdout",
        "two orders\n",
        "stderr",
        "careful\n",
    )
    assert table["metadata"][TABLE]["data"] == [[1, "9.50", "2026-01-23", ["a"]]]
    assert "price" in table["data"]["text/plain"]
    assert (shown["data"]["text/html"], value["data"]["text/plain"]) == ("<b>bold</b>", "2")
    assert (value["output_type"], cells[1].duration_s > 0) == ("execute_result", True)
    assert cells[2].outputs[0]["metadata"][TABLE]["data"] == [["x"]]
    assert cells[4].text == "Notebook exited: done\n"
    assert (cells[3].text, cells[5].text) == ("", "")


def test_what_a_failed_run_put_out_is_known(make, project):
    """The failed cell's text and error; the cells after it weren't run."""
    (project / "a.py").write_text(HEADER + SHOWS)

    run = make().run("a.py", {"mode": "bad"})

    assert str(run.location) == "a.py:24 (cell 4, line 3)"
    assert [cell.outcome for cell in run.cells] == ["passed", "passed", "passed", "failed", "not_run", "not_run"]
    printed, error = run.cells[3].outputs
    assert (printed["text"], error["ename"], error["evalue"]) == ("before\n", "ValueError", "a < b")
    assert any("<command-" in line for line in error["traceback"])


def test_cells_of_a_run_that_somebody_removed_are_not_empty(make):
    """Nobody can say what they were."""
    remote = make()
    run = remote.run("jobs/etl.py", {"mode": "good"})
    remote.workspace.client.jobs.delete_run(run.run_id)

    with pytest.raises(LeftUnknownError, match="the cells of the run aren't known"):
        len(run.cells)


def test_cells_are_known_after_the_run_is_cleaned_up(make):
    """Its folder is gone then, and its record is still there."""
    remote = make()
    run = remote.run("jobs/etl.py", {"mode": "good"})

    remote.close()

    assert len(run.cells) == 5


def test_a_run_passes_or_takes_too_long(make):
    """The time is kept from here, and it ends there."""
    remote = make()
    passed, slow = remote.submit("jobs/etl.py"), remote.submit("jobs/etl.py", {"mode": "slow"}, timeout_s=2)

    assert passed.result().ended == "passed"
    assert slow.result().ended == "timed_out"


def test_many_notebooks_take_one_cluster_start(make, drive, project):
    """And few calls while they are waited for."""
    for number in range(8):
        (project / f"n{number}.py").write_text(HEADER + f"dbutils.notebook.exit('{number}')\n")
    before = drive("GET", "clusters")
    remote = make(concurrency=4)
    handles = [remote.submit(f"n{number}.py") for number in range(8)]

    assert [handle.result().exit_value for handle in handles] == [str(number) for number in range(8)]
    after = drive("GET", "clusters")
    assert sum(after["starts"].values()) - sum(before["starts"].values()) == 1


def test_five_hundred_files_go_up_once(make, project):
    """The second time nothing is sent."""
    (project / "many").mkdir()
    for number in range(500):
        (project / "many" / f"m{number}.py").write_text(f"x = {number}\n")
    (project / "a.py").write_text(HEADER + "".join(f"import many.m{number}\n" for number in range(500)))
    remote = make()
    closure = remote.closure("a.py")
    remote.check()
    uploader = remote._made_ready().sender.folders.uploader(closure)

    assert uploader.upload(closure).sent == 501
    assert uploader.upload(closure).sent == 0


FAULTS = [
    ("too_many_requests", "*/workspace/import", {"seconds": 1}),
    ("reset", "*/workspace/*", {}),
    ("lost_answer", "*/workspace/mkdirs", {}),
    ("half_written", "*setup", {}),
    ("lost_answer", "*/clusters/create", {}),
    ("internal_error", "*/clusters/create", {}),
    ("internal_error", "*/jobs/runs/submit", {}),
    ("lost_answer", "*/jobs/runs/submit", {}),
    ("reset", "*/jobs/runs/get", {}),
    ("unavailable", "*/jobs/runs/get*", {"seconds": 1, "times": 2}),
    ("internal_error", "*/jobs/runs/get-output", {"times": 2}),
    ("slow", "*/jobs/runs/*", {"seconds": 0.5}),
    ("internal_error", "*/workspace/*", {}),
    ("internal_error", "*/scim/*", {}),
    ("preempted", "*", {}),
]


@pytest.mark.parametrize(("kind", "path", "more"), FAULTS, ids=[f"{kind}-{path.strip('*/')}" for kind, path, _ in FAULTS])
def test_faults_lose_and_repeat_nothing(make, drive, kind, path, more):
    """The result is found, the notebook ran once for it, and what the platform lost is shown."""
    remote = make()
    drive("POST", "faults", kind=kind, path=path, **more)

    run = remote.run("jobs/etl.py", {"mode": "exit"})

    assert (run.ended, run.exit_value) == ("exited", "from setup and lib"), run.error
    assert bool(run.retried) is (kind == "preempted")
    runs = remote.workspace.runs_page(since_ms=0)[0]
    ours = [one for one in runs if one["run_name"].startswith(remote.name)]
    assert len(ours) == 1 + len(run.retried)


def test_a_cluster_that_is_lost_is_no_pass_and_no_failure(make, drive):
    """The notebook may have cost its driver the memory: it isn't tried again, and the next run has another cluster."""
    remote = make()
    drive("POST", "faults", kind="cluster_lost", path="*")

    run = remote.run("jobs/etl.py", {"mode": "exit"})

    assert (run.ended, run.retried) == ("infrastructure_failed", ())
    assert "driver" in run.error
    assert remote.run("jobs/etl.py", {"mode": "exit"}).passed


_WORKER = """
import json, sys
from harness.environments import Compute, Environment
from harness.remote.session import Remote
host, project, spec = json.loads(sys.argv[1])
environment = Environment("rehearsal", host=host, compute=Compute("new", spec=spec))
remote = Remote(environment, project, run_id="gw1234")
runs = [remote.submit("jobs/etl.py", {"mode": "exit"}).result() for _ in range(2)]
print(json.dumps([[run.exit_value for run in runs], remote.folder]))
assert not remote.close().left
"""


def test_the_workers_of_a_run_share_cluster_and_folder(rehearsal, drive, project):
    """Whoever of them ends first takes nothing away; their controller removes all."""
    controller = Remote(Environment("rehearsal", host=rehearsal.host), project, run_id="gw1234")
    controller.hold()
    before = drive("GET", "clusters")["total"]
    told = json.dumps([rehearsal.host, str(project), SPEC])
    workers = [subprocess.Popen([sys.executable, "-c", _WORKER, told], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    answers = [json.loads(worker.communicate(timeout=120)[0]) for worker in workers]

    assert [values for values, _ in answers] == [["from setup and lib"] * 2] * 2
    assert len({folder for _, folder in answers}) == 1
    assert drive("GET", "clusters")["total"] - before == 1
    workspace = connect(rehearsal.host)
    assert len(ours_in(workspace)) == 1
    assert not controller.close().left
    assert ours_in(workspace) == []
    assert not [one for one in workspace.clusters() if is_ours(one) and one["state"] != "TERMINATED"]


def ours_in(workspace):
    """The folders of runs that are there."""
    try:
        return workspace.list_folder(f"/Workspace/Users/{workspace.me().name}/.nbh")
    except MissingError:
        return []


_KILLED = """
import json, sys
from harness.environments import Compute, Environment
from harness.jobs.job import Job, Task
from harness.remote.session import Remote
host, project, spec = json.loads(sys.argv[1])
remote = Remote(Environment("rehearsal", host=host, compute=Compute("new", spec=spec)), project)
etl = Task("etl", "notebook_task", path=f"{project}/jobs/etl.py")
handle = remote.submit_job(Job("all of it", f"{project}/j.yml", (etl,), {"mode": "slow"}), {"mode": "slow"})
while not handle.facts()["run_id"]:
    pass
print("on", flush=True)
handle.result()
"""


def test_what_a_killed_run_of_a_job_left_is_swept(rehearsal, drive, project):
    """Its run is ended, its cluster and folder are gone."""
    told = json.dumps([rehearsal.host, str(project), SPEC])
    process = subprocess.Popen([sys.executable, "-c", _KILLED, told], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "on\n"
    process.kill()
    process.communicate()
    workspace = connect(rehearsal.host)

    for left in sweep.of_ledgers(host=workspace.host):
        assert not sweep.take_away(left, workspace).left

    assert sweep.of_ledgers() == []
    assert ours_in(workspace) == []
    assert not [one for one in workspace.clusters() if is_ours(one) and one["state"] != "TERMINATED"]
    until = time.monotonic() + 20
    while [one for one in workspace.runs_page(since_ms=0, active_only=True)[0] if one["run_name"].startswith("nbh-")]:
        assert time.monotonic() < until
        time.sleep(0.1)


PACKAGE = """\
import sys

from pyspark.sql import SparkSession


def main():
    print(sys.argv, SparkSession.builder.getOrCreate().range(3).count())
    if sys.argv[1:] == ["bad"]:
        raise ValueError("no bad")
"""


SERVERLESS = {"compute": Compute(), "environments": ({"environment_key": "e", "spec": {"environment_version": "2"}},)}


@pytest.mark.parametrize(
    "how",
    [
        {"compute": Compute("new", spec=SPEC)},
        {"compute": Compute("new", spec=SPEC, share="never")},
        SERVERLESS,
    ],
)
def test_a_wheel_is_built_of_the_project_and_called(make, project, how):
    """By its own build; what an earlier build left in ``dist`` isn't looked at."""
    name = "churn_wheel"
    (project / "pyproject.toml").write_text(f'{SETTINGS}[project]\nname = "churn-wheel"\nversion = "1.0"\n')
    (project / "backend.py").write_text(backend(name, PACKAGE.replace("\n", "\\n").replace('"', '\\"')))
    (project / f"{name}.py").write_text(PACKAGE)
    (project / "dist").mkdir()
    (project / "dist" / f"{name}-1.0-py3-none-any.whl").write_bytes(b"an older one")
    entry = Entry("churn-wheel", "main", f"{name}:main", str(project))
    wheels = (Wheel("churn-wheel", str(project), (str(project),), (name,)),)
    task = Task("", WHEEL, path=str(project / f"{name}.py"), wheels=wheels)
    tasks = [
        replace(task, key=key, entry=replace(entry, package=package), arguments=(key,))
        for key, package in (("good", name), ("bad", name), ("none", "churn-wheel"))
    ]

    end = make(**how).submit_job(Job("wheels", str(project / "j.yml"), tuple(tasks)), {}).result()

    # Of the names of packages only metadata take both; the function of the package itself is by the module's.
    good, bad, none = (end.tasks[key].run for key in ("good", "bad", "none"))
    assert (good.ended, good.cells[0].text) == ("passed", f"['{name}', 'good'] 3\n"), good.error
    assert (bad.ended, str(bad.location)) == ("failed", f"{name}.py:9"), bad.error
    assert (none.ended, "No module named 'churn-wheel'" in none.error) == ("failed", True)


@pytest.mark.parametrize("how", [{"compute": Compute("new", spec=SPEC)}, SERVERLESS])
def test_a_wheel_is_built_for_the_scripts_and_notebooks_that_ask_for_it(make, project, how):
    """They have what its build made; others of the same job haven't it."""
    (project / "pyproject.toml").write_text(f'{SETTINGS}[project]\nname = "sold"\nversion = "1.0"\n')
    (project / "backend.py").write_text(backend("sold", "BUILT = 1"))
    (project / "src").mkdir()
    (project / "src" / "sold.py").write_text("BUILT = 0\n")
    (project / "script.py").write_text("import sold\n\nprint(sold.BUILT)\n")
    (project / "nb.py").write_text("# Databricks notebook source\nimport sold\n\ndbutils.notebook.exit(str(sold.BUILT))\n")
    wheels = (Wheel("sold", str(project), (str(project / "src"),), ("sold",)),)
    tasks = [
        Task("script", SCRIPT, path=str(project / "script.py"), wheels=wheels),
        Task("notebook", NOTEBOOK, path=str(project / "nb.py"), wheels=wheels),
        Task("without", NOTEBOOK, path=str(project / "nb.py")),
    ]

    end = make(**how).submit_job(Job("wheels", str(project / "j.yml"), tuple(tasks)), {}).result()

    script, notebook, without = (end.tasks[key].run for key in ("script", "notebook", "without"))
    assert (script.ended, script.cells[0].text) == ("passed", "1\n"), script.error
    assert (notebook.ended, notebook.exit_value) == ("exited", "1"), notebook.error
    assert (without.ended, "No module named 'sold'" in without.error) == ("failed", True)


def test_a_wrong_token_is_one_clear_error(rehearsal, drive, project, monkeypatch):
    """Within seconds."""
    monkeypatch.setenv("DATABRICKS_TOKEN", "dapi" + "0" * 32)
    remote = Remote(Environment("rehearsal", host=rehearsal.host), project)

    for _ in range(2):
        with pytest.raises(SignInError, match="NBH331"):
            remote.run("jobs/etl.py")


_SPARK = """
import json, sys
from harness.environments import Compute, Environment
from harness.remote.session import Remote
host, project = json.loads(sys.argv[1])
remote = Remote(Environment("rehearsal", host=host, compute=Compute("existing", "9000-000000-nbhshare")), project)
found = remote.spark()
spark = found.session
from pyspark.sql.functions import udf
double = udf(lambda x: x * 2, "long")
doubled = spark.range(3).select(double("id")).collect()[2][0]
print(json.dumps([found.client, doubled, spark.sql("SELECT 41 + 1").collect()[0][0]]))
remote.close()
"""


def test_spark_by_pysparks_own_client(rehearsal, drive, project):
    """Where databricks-connect isn't installed; the SDK signs its calls."""
    env = {**os.environ, "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(rehearsal.ca)}
    told = json.dumps([rehearsal.host, str(project)])
    done = subprocess.run(
        [sys.executable, "-c", _SPARK, told], capture_output=True, text=True, env=env, timeout=180, check=False
    )

    assert done.returncode == 0, done.stderr[-3000:]
    client, doubled, selected = json.loads(done.stdout.splitlines()[-1])
    assert "pyspark" in client or "databricks-connect" in client
    assert (doubled, selected) == (4, 42)
