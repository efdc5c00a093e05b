from __future__ import annotations

import threading
import time

import pytest
from workspaces import where_runs_end

from harness.environments import Compute, Environment
from harness.errors import WidgetValueError
from harness.jobs.errors import JobKindError
from harness.jobs.job import Condition, Dependency, Job, Task
from harness.remote import sweep
from harness.remote.costs import Costs
from harness.remote.errors import CatalogMentionError, ClusterError, ForeignCopyError, PrivilegeError, UnreachableError
from harness.remote.marks import expiry_of
from harness.remote.session import Remote
from harness.remote.state import state_folder

HEADER = "# Databricks notebook source\n"
NEW = Environment("pps", catalog="pps", compute=Compute("new", spec={"spark_version": "17.3.x"}), concurrency=4)


@pytest.fixture
def project(tmp_path):
    """A project with a notebook that runs another."""
    folder = tmp_path / "Churn Project"
    folder.mkdir()
    (folder / "etl.py").write_text(HEADER + "# MAGIC %run ./setup\n\n# COMMAND ----------\n\nprint(1)\n")
    (folder / "setup.py").write_text(HEADER + "x = 1\n")
    return folder


@pytest.fixture
def ws():
    """A workspace where each run exits with "done" as soon as it is looked at."""
    return where_runs_end(notebook_output={"result": "done"})


@pytest.fixture
def make(ws, project):
    """Make a process's use of the environment; what isn't closed is closed at the end."""
    made = []

    def remote(environment=NEW, **more):
        made.append(Remote(environment, project, workspace=ws, calls_per_s=200.0, **more))
        return made[-1]

    yield remote
    ws.before = lambda *_: None
    for one in made:
        one.close()


def test_a_workspace_on_this_machine_proves_nothing_under_any_name(ws, make):
    """Each run is told with it; a real one has nothing to tell."""
    assert make().run("etl.py").notes == ()
    ws.host = "https://127.0.0.1:4711"

    (note,) = make().run("etl.py").notes

    assert note == "pps is a workspace on this machine, https://127.0.0.1:4711: what ran there is no proof about a real one"


def test_a_notebook_runs_and_nothing_is_left(ws, make):
    """Its closure goes up, it runs on the run's own cluster, and all is removed, last made first."""
    messages = []
    remote = make(progress=messages.append)
    run = remote.run("etl.py", {"day": "1"})

    assert (run.path, run.ended, run.exit_value) == ("etl.py", "exited", "done")
    assert run.digest == remote.closure("etl.py").digest
    folder = remote.folder
    assert folder.startswith("/Workspace/Users/me@example.com/.nbh/nbh-churn-project-")
    assert time.time() < expiry_of(remote.name) < time.time() + 30 * 3600
    place = f"{folder}/{remote.closure('etl.py').place}"
    assert {path for path in ws.objects if path.startswith(f"{place}/")} >= {f"{place}/etl", f"{place}/setup"}
    assert str(remote.costs) == "1 cluster start"
    assert not remote.close().left
    assert folder not in ws.objects
    assert ws.clusters_made == {}
    deletions = [call[0] for call in ws.calls if call[0].startswith("delete")]
    assert deletions == ["delete_cluster", "delete_folder"]
    assert list(state_folder().iterdir()) == []


def test_twenty_notebooks_take_one_cluster_start(ws, make, project):
    """Each has what it needs in a folder of its own, and one that runs again brings nothing more."""
    remote = make()
    for number in range(20):
        (project / f"n{number}.py").write_text(HEADER + "# MAGIC %run ./setup\n")
    handles = [remote.submit(f"n{number}.py") for number in range(20)]

    assert {handle.result().ended for handle in handles} == {"exited"}
    assert len(ws.clusters_made) == ws.count("create_cluster") == 1
    assert sum(call[0] == "upload" and call[1].endswith("/setup") for call in ws.calls) == 20
    before = ws.count("upload")
    assert remote.run("n7.py").ended == "exited"
    assert ws.count("upload") == before


def test_a_file_that_changes_beside_a_run_of_what_it_was_goes_elsewhere(ws, make, project):
    """Each run is of what was sent for it; once that has ended its folder is brought up to date, by what changed alone."""
    ws.after = lambda *_: None
    remote = make()
    handles, targets = [], []
    for text in ("x = 1\n", "x = 2\n", "x = 2\n"):
        (project / "setup.py").write_text(HEADER + text)
        handles.append(remote.submit("etl.py"))
    wait_for(lambda: len(ws.runs_made) == len(handles))
    for run in ws.runs_made.values():
        targets.append(run["tasks"][0]["notebook_task"]["notebook_path"].removesuffix("/etl"))
        ws.finish(run["run_id"], {"notebook_output": {"result": "done"}})
    assert {handle.result().ended for handle in handles} == {"exited"}

    assert targets[0] != targets[1] == targets[2]
    assert [ws.objects[f"{target}/setup"][1] for target in targets[:2]] == [
        b"%sx = %d\n" % (HEADER.encode(), n) for n in (1, 2)
    ]
    (project / "setup.py").write_text(HEADER + "x = 3\n")
    before = ws.count("upload")
    remote.submit("etl.py")
    assert ws.objects[f"{targets[0]}/setup"][1].endswith(b"x = 3\n")
    assert ws.count("upload") - before == 2  # it, and the manifest


def wait_for(condition):
    """Wait until it holds."""
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


WIDGET = HEADER + "dbutils.widgets.text('catalog', 'prd')\n"


@pytest.mark.parametrize(
    ("cell", "widgets", "is_refused"),
    [
        ("# MAGIC %run ./other", {"catalog": "pps"}, False),
        ("# MAGIC %run ./other", {}, True),
        ("dbutils.notebook.run('./other', 60)", {"catalog": "pps"}, True),
        ("dbutils.notebook.run('./other', 60, {'catalog': x})", {}, False),
        ("dbutils.notebook.run('./other', 60, arguments={'catalog': x})", {"catalog": "pps"}, False),
        ("dbutils.notebook.run('./other', 60, arguments={'day': x})", {"catalog": "pps"}, True),
        ("dbutils.notebook.run('./other', 60, known)", {"catalog": "pps"}, False),
        ("dbutils.notebook.run('./other', 60, known)", {}, True),
        ("dbutils.notebook.run('/Shared/t/other', 60)", {"catalog": "pps"}, True),
        ("# MAGIC %run /Shared/t/other", {"catalog": "pps"}, False),
        ("# MAGIC %run ./other $catalog=$c", {}, False),
        ("# MAGIC %run ./other $catalog=$c\n# MAGIC %run ./other", {}, True),
    ],
)
def test_a_widgets_default_counts_where_a_notebook_is_not_given_it(ws, make, project, cell, *, widgets, is_refused):
    """What is %run has the run's own widgets, what is started those that it is started with; a copy there is looked at, too."""
    (project / "nb.py").write_text(HEADER + cell + "\n")
    (project / "other.py").write_text(WIDGET)
    ws.objects["/Shared/t/other"] = ("NOTEBOOK", WIDGET.encode(), 1)
    remote = make(Environment("pps", catalog="pps", other_catalogs=("prd",)), run_prefixes={"/Shared/t": "."})

    if is_refused:
        with pytest.raises(CatalogMentionError, match=r"other.py:2 \(cell 1, line 1\): text\('catalog', 'prd'\)"):
            remote.submit("nb.py", widgets)
        assert ws.count("upload") == 0
    else:
        assert remote.run("nb.py", widgets).ended == "exited"


def test_what_stands_in_the_way_is_one_error(ws, make):
    """It is looked at once, and told to each test as it is."""
    ws.catalogs_made["prod"] = {"owner": "me@example.com"}
    remote = make(Environment("pps", protected_catalogs=("prod",)))

    for _ in range(3):
        with pytest.raises(PrivilegeError):
            remote.run("etl.py")
    assert ws.count("me") == 1
    assert ws.count("make_folder", "upload", "submit") == 0


def test_a_wrong_cluster_leaves_nothing(ws, make):
    """It is found before anything is made; where a later step fails, what was made is removed at the end."""
    with pytest.raises(ClusterError, match="the cluster 'nope' isn't there"):
        make(Environment("pps", compute=Compute("existing", "nope"))).check()
    assert ws.count("make_folder") == 0

    def after(name, *_):
        if name == "make_folder":
            raise UnreachableError("no", cause="the answer was lost", mend="wait")

    ws.after = after
    remote = make()
    with pytest.raises(UnreachableError):
        remote.check()
    [folder] = [path for path in ws.objects if "/nbh-" in path]
    assert not remote.close().left
    assert folder not in ws.objects


def test_what_names_another_catalog_never_leaves(ws, make, project):
    """Unless it is allowed by name; then the result says so."""
    (project / "setup.py").write_text(HEADER + "spark.table('ppd.sales.x')\n")
    environment = Environment("pps", catalog="pps", other_catalogs=("ppd",))

    with pytest.raises(CatalogMentionError, match=r"setup.py:2 \(cell 1, line 1\): NBH346"):
        make(environment).run("etl.py")
    assert ws.count("upload", "submit") == 0
    run = make(environment, allowed_catalogs=["ppd"]).run("etl.py")
    assert run.notes == ("setup.py:2 (cell 1, line 1) names ppd.sales, which is allowed",)


def test_a_foreign_copy_that_differs_is_refused(ws, make, project):
    """Before anything is submitted."""
    (project / "etl.py").write_text(HEADER + "# MAGIC %run /Shared/x/setup\n")

    with pytest.raises(ForeignCopyError):
        make(run_prefixes={"/Shared/x": "."}).run("etl.py")
    assert ws.count("submit") == 0
    assert make().run("etl.py").notes[0].endswith("not compared, no run_prefixes fit")


def test_widgets_are_texts(make):
    """As here."""
    with pytest.raises(WidgetValueError, match="Databricks takes texts only"):
        make().run("etl.py", {"day": 1})


def test_a_widget_may_not_name_a_protected_catalog(ws, make):
    """It says where the notebook writes; before anything is sent."""
    remote = make(Environment("pps", catalog="pps", protected_catalogs=("prd",), unknown_privileges="allow"))

    for value in ("prd", "prd.sales.orders", "/Volumes/prd/raw/in"):
        with pytest.raises(CatalogMentionError, match=r"etl\.py: NBH346 (.|\n)*the widget target = .*(.|\n)*widgets=\{…\}"):
            remote.run("etl.py", {"target": value})
    assert ws.count("submit") == 0
    assert remote.run("etl.py", {"target": "pps"}).passed


def test_processes_of_one_run_share_all(ws, make):
    """Folder, cluster and name; the last one to close removes them."""
    # Two objects in one process stand for two processes: which of them is last is told by their pids alone.
    one = make(run_id="gw")
    other = make(run_id="gw")
    one.run("etl.py")
    other.run("etl.py")

    assert one.folder == other.folder
    assert len(ws.clusters_made) == 1
    assert ws.count("create_cluster") == 1


def test_who_holds_a_run_removes_it(ws, make, monkeypatch):
    """A controller that made nothing itself, after its workers have ended."""
    controller, worker = make(run_id="gw"), make(run_id="gw")
    controller.hold()
    worker.run("etl.py")
    monkeypatch.setattr("harness.remote.state.SharedRun.others", lambda _: [1])
    worker.close()
    assert len(ws.clusters_made) == 1
    monkeypatch.undo()

    assert not controller.close().left
    assert ws.clusters_made == {}


def test_what_is_kept_stays_and_carries_its_expiry(ws, make):
    """Only what costs nothing; the cluster goes."""
    remote = make()
    remote.run("etl.py")
    folder = remote.folder
    remote.close(keep=True)

    assert folder in ws.objects
    assert ws.clusters_made == {}
    assert sweep.of_ledgers() == []


def test_what_cannot_be_removed_is_told_and_swept(ws, make):
    """The ledger stays; the rest is removed."""
    remote = make()
    remote.run("etl.py")
    folder = remote.folder

    def before(name, *_):
        if name == "delete_folder":
            raise UnreachableError("no", cause="reset", mend="wait")

    ws.before = before
    error = remote.close().error()
    assert f"folder {folder}: no" in str(error)
    assert ws.clusters_made == {}
    ws.before = lambda *_: None
    [left] = sweep.of_ledgers(host=ws.host)
    assert [entry.name for entry in left.entries] == [folder]
    sweep.take_away(left, ws)
    assert folder not in ws.objects


def test_closing_ends_what_still_runs(ws, make):
    """And what its test waits for."""
    ws.after = lambda *_: None
    remote = make()
    handle = remote.submit("etl.py")
    while not ws.runs_made:
        time.sleep(0.005)
    results = []
    waiting = threading.Thread(target=lambda: results.append(handle.result()))
    waiting.start()
    remote.close()
    waiting.join(5)

    assert [run.ended for run in results] == ["cancelled"]


def test_closing_what_was_never_used_asks_nothing(ws, make):
    """No sign-in, no folder."""
    assert make().close().gone == ()
    assert ws.calls == []


def test_a_schema_of_a_test_goes_with_the_rest(ws, make):
    """It was made last, so it is removed first."""
    remote = make()
    remote.run("etl.py")
    remote.ledger.note("schema", "pps.nbh_x")
    ws.schemas_made["pps"] = {"nbh_x": {}}
    remote.close()

    assert [call[0] for call in ws.calls if call[0].startswith("delete")] == [
        "delete_schema",
        "delete_cluster",
        "delete_folder",
    ]
    assert ws.schemas_made["pps"] == {}


@pytest.fixture
def job(project):
    """A job of two notebooks with a condition between them."""
    load = Task("load", "notebook_task", path=str(project / "etl.py"), parameters={"table": "{{job.parameters.catalog}}.x.y"})
    check = Task("check", "condition_task", (Dependency("load"),), condition=Condition("EQUAL_TO", "a", "a"))
    train = Task("train", "notebook_task", (Dependency("check", "true"),), path=str(project / "setup.py"))
    return Job("nightly", str(project / "databricks.yml"), (load, check, train), {"catalog": "pps"})


def test_a_job_runs_and_nothing_is_left(ws, make, job):
    """One run for all its tasks, whose notebooks lie in one folder as in the repository, on the run's own cluster."""
    remote = make()
    end = remote.submit_job(job, {"catalog": "pps"}).result()

    assert (end.path, end.ended) == ("nightly", "passed")
    assert {key: task.exit_value for key, task in end.tasks.items()} == {"load": "done", "check": None, "train": "done"}
    [run] = ws.runs_made.values()
    tasks = {task["task_key"]: task for task in run["body"]["tasks"]}
    folder, _, name = tasks["load"]["notebook_task"]["notebook_path"].rpartition("/")
    assert (folder.rpartition("/")[0], name) == (remote.folder, "etl")
    assert tasks["load"]["notebook_task"]["base_parameters"] == {"table": "pps.x.y", "catalog": "pps"}
    assert tasks["train"]["notebook_task"]["notebook_path"] == f"{folder}/setup"
    assert tasks["load"]["existing_cluster_id"] == tasks["train"]["existing_cluster_id"]
    assert "existing_cluster_id" not in tasks["check"]
    assert not remote.close().left
    assert ws.count("submit", "create_cluster") == 2
    assert not list(state_folder().glob("*"))


def test_a_jobs_script_goes_there_as_a_file(ws, make, project):
    """With what it imports, under its own name; that it passed counts without an exit value, and it has no cells."""
    (project / "main.py").write_text("import sys\nimport helper\n\nprint(sys.argv, helper)\n")
    (project / "helper.py").write_text("")
    arguments = ("--catalog={{job.parameters.catalog}}", "{{job.name}}", "{{tasks.x.result_state}}")
    main = Task("main", "spark_python_task", path=str(project / "main.py"), arguments=arguments)
    remote = make()

    end = remote.submit_job(Job("nightly", str(project / "databricks.yml"), (main,)), {"catalog": "pps"}).result()

    assert (end.ended, end.tasks["main"].exit_value) == ("passed", None)
    [run] = ws.runs_made.values()
    [task] = run["body"]["tasks"]
    own = ["--catalog=pps", "nightly", "{{tasks.x.result_state}}"]
    folder = task["spark_python_task"]["python_file"].removesuffix("/main.py")
    assert task["spark_python_task"] == {"python_file": f"{folder}/main.py", "parameters": own, "source": "WORKSPACE"}
    assert folder.startswith(f"{remote.folder}/")
    assert (task["max_retries"], "notebook_task" in task) == (0, False)
    assert {f"{folder}/{name}" for name in ("main.py", "helper.py")} <= ws.objects.keys()


def test_a_script_whose_argument_names_another_catalog_is_refused(ws, make, project):
    """As a notebook's parameters are."""
    (project / "main.py").write_text("")
    main = Task("main", "spark_python_task", path=str(project / "main.py"), arguments=("--catalog", "prd"))
    environment = Environment("pps", catalog="pps", other_catalogs=("prd",), environments=({"environment_key": "e"},))

    with pytest.raises(CatalogMentionError) as caught:
        make(environment).submit_job(Job("nightly", str(project / "j.yml"), (main,)), {})

    assert "main: 2 = prd" in caught.value.cause
    assert ws.count("submit", "upload") == 0


@pytest.mark.parametrize("its_compute", [False, True])
def test_a_script_without_an_environment_is_refused_on_serverless_compute(ws, make, project, its_compute):
    """Databricks asks for one, and nobody can guess of which version."""
    (project / "main.py").write_text("")
    main = Task("main", "spark_python_task", path=str(project / "main.py"))
    job = Job("nightly", str(project / "j.yml"), (main,))

    with pytest.raises(JobKindError, match='the task "main" is a spark_python_task, and has no environment'):
        make(Environment("pps", catalog="pps")).submit_job(job, {}, its_compute=its_compute)

    assert ws.count("submit", "upload") == 0
    own = {"environment_key": "e", "spec": {"environment_version": "2"}}
    made = make(Environment("pps", catalog="pps", environments=(own,)))
    assert made.submit_job(job, {}).result().ended == "passed"


@pytest.mark.parametrize(
    "value", ["prd", "`PRD`", "prd.sales", "SELECT * FROM prd.sales.orders", "/Volumes/prd/x", "dbfs:/Volumes/prd/x"]
)
def test_a_job_whose_parameters_name_another_catalog_is_refused(ws, make, job, value):
    """Its defaults say where its notebooks write; nothing is submitted, and a name that is allowed is told."""
    environment = Environment("pps", catalog="pps", other_catalogs=("prd",))
    with pytest.raises(CatalogMentionError) as caught:
        make(environment).submit_job(job, {"catalog": value})

    assert f"databricks.yml: parameter catalog = {value}" in caught.value.cause
    assert ws.count("submit", "upload") == 0

    allowed = make(environment, allowed_catalogs=["prd"])
    assert any("is allowed" in note for note in allowed.submit_job(job, {"catalog": value}).result().notes)


@pytest.mark.parametrize("value", ["pps", "prd_copy", "a prd b", "/Volumes/prds/x", ""])
def test_a_job_whose_parameters_name_no_other_catalog(make, job, value):
    """A part of another name is none."""
    remote = make(Environment("pps", catalog="pps", other_catalogs=("prd",)))

    assert remote.submit_job(job, {"catalog": value}).result().ended == "passed"


def test_a_process_that_stops_tells_the_others(make):
    """Those that wait for what nobody wants any more then go; another run's go on."""
    controller, worker, other = make(run_id="gw1"), make(run_id="gw1"), make(run_id="gw2")
    controller.hold()
    worker.check()
    other.check()
    before = worker.is_over
    controller.stop()

    assert (before, worker.is_over, other.is_over) == (False, True, False)


def test_costs_of_several_processes_are_one():
    """The cluster that all share counts once, what each brings for itself each time."""
    together = Costs(1, 2, 0.5) + Costs(1, 0, 1.25)

    assert str(together) == "3 cluster starts, 1.8 run minutes"
    assert str(Costs(minutes=0.25)) == "15 run seconds"
    assert str(Costs()) == ""
