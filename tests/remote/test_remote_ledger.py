from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest
from workspaces import FakeWorkspace

from harness.remote import sweep
from harness.remote.errors import MissingError, UnreachableError
from harness.remote.ledger import Entry, Ledger, read
from harness.remote.marks import expiry_of, name_of
from harness.remote.removal import is_absent, remove
from harness.remote.state import SharedRun, state_folder

HOST = "https://pps.example.com"


@pytest.fixture
def shared():
    """The folder of a run of this process."""
    return SharedRun("run1", about={"host": HOST, "environment": "pps"})


def test_what_is_made_is_on_disk_first_and_struck_out(tmp_path):
    """With our name before it is made, with its id after, and gone when it is removed."""
    ledger = Ledger(tmp_path / "l.jsonl", about={"host": HOST}, now=lambda: 5.0)
    folder = ledger.note("folder", "/a")
    cluster = ledger.note("cluster", "nbh-x", token="t")
    ledger.learn(cluster, "c-1")
    ledger.strike(folder)

    about, entries = read(ledger.path)

    assert about == {"host": HOST}
    assert entries == [Entry(cluster.key, "cluster", "nbh-x", "c-1", {"token": "t"}, 5.0)]
    assert ledger.path.stat().st_mode & 0o777 == 0o600


def test_two_processes_write_one_ledger(tmp_path):
    """Each line is one write, and a line that was cut off takes none with it."""
    one, other = (Ledger(tmp_path / "l.jsonl", about={}) for _ in range(2))
    one.note("folder", "/a")
    with one.path.open("a") as file:
        file.write('{"made": "half')
    other.note("folder", "/b")

    assert [entry.name for entry in one.entries()] == ["/a", "/b"]


def test_the_folder_of_a_run_goes_with_its_last_process(shared):
    """And stays while the ledger names something."""
    entry = shared.ledger.note("folder", "/a")
    shared.leave()
    assert shared.folder.is_dir()

    shared.ledger.strike(entry)
    shared.leave()
    assert not shared.folder.exists()


def test_a_number_that_another_process_has_now_is_no_holder(shared):
    """What counts is when the process started, too."""
    (shared.folder / "holders" / str(os.getppid())).write_text("12.0")

    assert shared.others() == []


def test_names_carry_when_they_may_go():
    """To the hour, and never too early."""
    at = time.time()
    name = name_of("Kündigung & Wechsel", "9f2c01ab", expires=at)

    assert name.startswith("nbh-k-ndigung-wechsel-9f2c01ab-e")
    assert at < expiry_of(name) <= at + 3600
    assert expiry_of("nbh_orders_x7f2_e2026112314") is not None
    assert [expiry_of(one) for one in ("orders", "nbh-", "nbh-x-e2026112314", "my-nbh-a-bbbb-e2026112314")] == [None] * 4


def test_removal_is_in_reverse_order_and_goes_on_after_a_failure(shared):
    """What isn't there any more is gone; what failed stays in the ledger, and is told."""
    ws = FakeWorkspace()
    ws.make_folder("/f")
    entries = [shared.ledger.note("folder", "/f"), shared.ledger.note("schema", "c.gone"), shared.ledger.note("folder", "/bad")]

    def before(name, *args):
        if args == ("/bad",):
            raise UnreachableError("pps can't be reached", cause="reset", mend="wait")

    ws.before = before
    removed = remove(entries, ws, shared.ledger)

    assert [call[:2] for call in ws.calls if call[0].startswith("delete")] == [
        ("delete_schema", "c.gone"),
        ("delete_folder", "/f"),
    ]
    assert [entry.name for entry in removed.gone] == ["c.gone", "/f"]
    assert [entry.name for entry in removed.taken] == ["/f"]
    assert shared.ledger.entries() == [entries[2]]
    assert "folder /bad: pps can't be reached" in str(removed.error())


def test_what_was_never_made_is_absent(shared):
    """Of each kind; what is there isn't, nor what can't be asked for."""
    ws = FakeWorkspace()
    ws.make_folder("/f")
    ws.catalogs_made["there"], ws.schemas_made["there"] = {}, {"s": {}}
    ws.objects_made = {(kind, "there.s.x") for kind in ("table", "view", "volume", "function")}
    ws.create_cluster({"cluster_name": "nbh-x", "custom_tags": {"nbh": "nbh-x"}})
    there = [("folder", "/f"), ("catalog", "there"), ("schema", "there.s"), ("cluster", "nbh-x"), *sorted(ws.objects_made)]
    never = [(kind, f"{name}2") for kind, name in there]
    made, absent = ([shared.ledger.note(*one) for one in ones] for ones in (there, never))

    assert [is_absent(one, ws) for one in made] == [False] * len(there)
    assert [is_absent(one, ws) for one in absent] == [True] * len(never)
    assert remove(absent, ws, shared.ledger).taken == ()

    def before(*_):
        raise UnreachableError("pps can't be reached", cause="reset", mend="wait")

    ws.before = before
    assert not any(is_absent(one, ws) for one in absent)
    ws.before = lambda *_: None
    assert remove(made, ws, shared.ledger).taken == tuple(made[::-1])


def test_what_was_made_without_an_answer_is_found_by_name(shared):
    """A cluster that was made twice, and a run; both only if they are ours."""
    ws = FakeWorkspace()
    for name in ("nbh-x", "nbh-x", "other"):
        ws.create_cluster({"cluster_name": name, "custom_tags": {"nbh": name}})
    for name in ("nbh-r", "other"):
        ws.submit({"run_name": name, "idempotency_token": name, "tasks": [{"task_key": "t"}]})
    entries = [shared.ledger.note("cluster", "nbh-x"), shared.ledger.note("run", "nbh-r")]

    remove(entries, ws, shared.ledger)

    assert [one["cluster_name"] for one in ws.clusters_made.values()] == ["other"]
    assert [(run["run_name"], run["state"]["life_cycle_state"]) for run in ws.runs_made.values()] == [
        ("nbh-r", "TERMINATED"),
        ("other", "PENDING"),
    ]


def test_a_run_that_has_ended_is_not_cancelled(shared):
    """It is struck out."""
    ws = FakeWorkspace()
    run_id = ws.submit({"run_name": "r", "idempotency_token": "t", "tasks": [{"task_key": "t"}]})
    ws.finish(run_id)
    entry = shared.ledger.learn(shared.ledger.note("run", "r"), str(run_id))

    remove([entry], ws, shared.ledger)

    assert ws.count("cancel") == 0
    assert shared.ledger.entries() == []


_KILLED = """
import os, sys
from pathlib import Path
from harness.remote.state import SharedRun
run = SharedRun("killed", about={"host": sys.argv[1], "environment": "pps"})
run.ledger.note("folder", "/Workspace/Users/me/.nbh/nbh-x")
run.ledger.note("schema", "pps.nbh_x")
print("made", flush=True)
sys.stdin.read()
"""


def test_what_a_killed_run_left_is_found_once_its_process_is_gone():
    """And nothing of a run that is on; of another workspace only where it isn't asked for one."""
    process = subprocess.Popen([sys.executable, "-c", _KILLED, HOST], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "made\n"
        assert sweep.of_ledgers() == []
    finally:
        process.kill()
        process.communicate()

    [left] = sweep.of_ledgers(host=HOST)
    assert (left.run_id, left.environment) == ("killed", "pps")
    assert [entry.name for entry in left.entries] == ["/Workspace/Users/me/.nbh/nbh-x", "pps.nbh_x"]
    assert sweep.of_ledgers(host="https://other") == []

    ws = FakeWorkspace()
    removed = sweep.take_away(left, ws)
    assert not removed.left
    assert sweep.of_ledgers() == []
    assert not left.folder.exists()


def test_what_could_not_be_swept_is_found_again():
    """The ledger stays with it."""
    ledger = state_folder() / "old" / "ledger.jsonl"
    ledger.parent.mkdir()
    book = Ledger(ledger, about={"host": HOST})
    book.note("folder", "/bad")
    book.note("folder", "/good")
    ws = FakeWorkspace()
    ws.make_folder("/good")

    def before(name, *args):
        if args == ("/bad",):
            raise UnreachableError("pps can't be reached", cause="reset", mend="wait")

    ws.before = before
    removed = sweep.take_away(sweep.of_ledgers()[0], ws)

    assert [entry.name for entry in removed.gone] == ["/good"]
    assert [entry.name for entry in sweep.of_ledgers()[0].entries] == ["/bad"]


def test_what_is_kept_outlasts_the_sweep_of_the_rest():
    """Until its time, which stands in the ledger; it goes at once where it is asked for."""
    folder = state_folder() / "red"
    folder.mkdir()
    book = Ledger(folder / "ledger.jsonl", about={"host": HOST})
    kept = book.note("table", "pps.sales.kept")
    book.note("volume", "pps.sales.left")
    book.keep(kept, 5_000_000_000.0)
    ws = FakeWorkspace()
    ws.objects_made = {("table", "pps.sales.kept"), ("volume", "pps.sales.left")}

    [left] = sweep.of_ledgers()
    assert not sweep.take_away(left, ws).left
    assert ws.objects_made == {("table", "pps.sales.kept")}
    assert sweep.of_ledgers() == []
    assert sweep.of_ledgers(now=lambda: 5_000_000_001.0) == sweep.of_ledgers(with_kept=True) != []

    [left] = sweep.of_ledgers(with_kept=True)
    assert not sweep.take_away(left, ws).left
    assert ws.objects_made == set()
    assert not folder.exists()


def test_the_end_of_a_run_leaves_what_is_kept(shared):
    """Its ledger stays with it."""
    entry = shared.ledger.note("schema", "pps.nbh_x")
    shared.ledger.keep(entry, 5_000_000_000.0)

    shared.leave()

    assert [one.kept_until for one in shared.ledger.entries()] == [5_000_000_000.0]


def test_runs_of_another_machine_are_left_for_a_day():
    """Whether their processes are there can't be told from here."""
    ledger = state_folder() / "far" / "ledger.jsonl"
    ledger.parent.mkdir()
    Ledger(ledger, about={"host": HOST, "machine": "elsewhere"}).note("folder", "/x")

    assert sweep.of_ledgers() == []
    assert len(sweep.of_ledgers(now=lambda: time.time() + 90_000)) == 1


def test_what_carries_our_mark_goes_when_it_is_over_age():
    """Whoever made it; never what is younger, or carries no mark."""
    ws = FakeWorkspace()
    old, new = name_of("x", "aaaa", expires=time.time() - 9000), name_of("x", "bbbb", expires=time.time() + 9000)
    for name in (old, new, "notes", "nbh-mine"):
        ws.make_folder(f"/base/{name}")
        ws.create_cluster({"cluster_name": name, "custom_tags": {"nbh": name}})
        ws.submit({"run_name": f"{name} etl", "idempotency_token": name, "tasks": [{"task_key": "t"}]})
    ws.create_cluster({"cluster_name": old, "custom_tags": {}})
    ws.schemas_made["pps"] = {old.replace("-", "_"): {}, "sales": {}}

    left, errors = sweep.over_age(ws, workspace_root="/base", catalogs=["pps"])

    assert not errors
    assert [(entry.kind, entry.name) for entry in left.entries] == [
        ("folder", f"/base/{old}"),
        ("schema", f"pps.{old.replace('-', '_')}"),
        ("cluster", old),
        ("run", f"{old} etl"),
    ]
    sweep.take_away(left, ws)
    assert sweep.over_age(ws, workspace_root="/base", catalogs=["pps"])[0].entries == ()
    assert len(ws.clusters_made) == 4


def test_marked_catalogs_and_schemas_are_found_in_any_catalog():
    """Without a ledger, as of a run on another machine; never those of others, nor anything without an expired mark."""
    ws = FakeWorkspace()
    old, new = (name_of("x", "aaaa", expires=time.time() + ahead).replace("-", "_") for ahead in (-9000, 9000))
    unlike = (f"{old}x", f"my_{old}", "nbh_mine", new)
    ws.catalogs_made = {"pps": {}, "sales": {}, "Prod": {}, "ppd": {}, old: {}, **{one: {} for one in unlike}}
    ws.catalogs_made |= {one: {"catalog_type": "MANAGED_CATALOG"} for one in ("system", "samples", "hive_metastore")}
    ws.catalogs_made |= {"shared": {"catalog_type": "DELTASHARING_CATALOG"}, "mysql": {"catalog_type": "FOREIGN_CATALOG"}}
    ws.catalogs_made |= {f"nbh_f_bbbb_{old[-11:]}": {"catalog_type": "FOREIGN_CATALOG"}}
    ws.schemas_made = {one: {old: {}, **{other: {} for other in unlike}, "default": {}} for one in ws.catalogs_made}

    left, errors = sweep.over_age(ws, workspace_root="/base", catalogs=["pps"], spared=["prod", "ppd"])

    assert not errors
    assert {(entry.kind, entry.name) for entry in left.entries} == {
        ("catalog", old),
        *(("schema", f"{one}.{old}") for one in ("pps", "sales", *unlike)),
    }
    assert len(left.entries) == 7
    assert not sweep.take_away(left, ws).left
    assert sweep.over_age(ws, workspace_root="/base", catalogs=["pps"], spared=["prod", "ppd"])[0].entries == ()
    assert old not in ws.catalogs_made
    assert {one for one, made in ws.schemas_made.items() if old not in made} == {"pps", "sales", *unlike}
    assert all({*unlike, "default"} <= made.keys() for made in ws.schemas_made.values())


@pytest.mark.parametrize("name", ["notes.{}", "{} notes", "my{}"])
def test_a_folder_carries_our_mark_by_its_whole_name(name):
    """What somebody named after one of ours is theirs."""
    ws = FakeWorkspace()
    ws.make_folder("/base/" + name.format(name_of("x", "aaaa", expires=time.time() - 9000)))

    assert sweep.over_age(ws, workspace_root="/base")[0].entries == ()


def test_a_catalog_that_cannot_be_listed_does_not_stop_the_rest():
    """It is told; one that has gone meanwhile is nothing to tell, nor is a workspace without catalogs."""
    ws = FakeWorkspace()
    old = name_of("x", "aaaa", expires=time.time() - 9000).replace("-", "_")
    ws.catalogs_made = {"closed": {}, "gone": {}, "open": {}}
    ws.schemas_made["open"] = {old: {}}

    def before(name, *args):
        if (name, *args) == ("schemas", "closed"):
            raise UnreachableError("closed can't be listed", cause="reset", mend="wait")
        if (name, *args) == ("schemas", "gone"):
            raise MissingError("gone isn't there", cause="404", mend="look")

    ws.before = before
    left, errors = sweep.over_age(ws, workspace_root="/base")
    assert [entry.name for entry in left.entries] == [f"open.{old}"]
    assert [error.what for error in errors] == ["closed can't be listed"]

    def without(name, *_):
        if name == "catalogs":
            raise MissingError("no metastore is assigned", cause="404", mend="assign one")

    ws.before = without
    assert sweep.over_age(ws, workspace_root="/base")[1] == []


def test_what_cannot_be_looked_through_does_not_stop_the_rest():
    """It is told; a folder that no run has made yet is nothing to tell."""
    ws = FakeWorkspace()
    old = name_of("x", "aaaa", expires=time.time() - 9000)
    ws.create_cluster({"cluster_name": old, "custom_tags": {"nbh": old}})
    assert sweep.over_age(ws, workspace_root="/not/there")[1] == []

    def before(name, *_):
        if name == "list_folder":
            raise UnreachableError("no", cause="reset", mend="wait")

    ws.before = before
    left, errors = sweep.over_age(ws, workspace_root="/not/there")

    assert [entry.kind for entry in left.entries] == ["cluster"]
    assert [error.code for error in errors] == ["NBH330"]


def test_no_secret_has_a_place_in_a_ledger(shared):
    """Lines hold what finds a thing, and nothing else."""
    shared.ledger.note("run", "nbh-r", token="idempotency")

    [line] = [json.loads(text) for text in shared.ledger.path.read_text().splitlines() if text]
    assert set(line) == {"made", "kind", "name", "at", "facts", "about"}
    assert set(line["about"]) == {"host", "environment", "run", "machine"}
