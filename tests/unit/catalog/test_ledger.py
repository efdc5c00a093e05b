from __future__ import annotations

import stat

import pytest

from harness.catalog.ledger import Entry, Ledger, forget_dead, read, removals


@pytest.fixture
def ledger(tmp_path):
    """An empty ledger."""
    return Ledger(tmp_path / "1-a.jsonl", about={"environment": "local"}, now=lambda: 5.0)


def test_a_line_is_written_before_anything_is_made(ledger):
    """Only its user can read it, and it says whose it is."""
    ledger.note("schema", ("main", "größe"))

    assert stat.S_IMODE(ledger.path.stat().st_mode) == 0o600
    assert '"environment": "local"' in ledger.path.read_text(encoding="utf-8")
    assert read(ledger.path) == [Entry(1, "schema", ("main", "größe"))]


def test_what_is_gone_is_struck(ledger):
    """What is left is told in the order of making."""
    schema, table, view = (ledger.note(kind, ("main", "s", kind)) for kind in ("schema", "table", "view"))

    ledger.strike(table)

    assert read(ledger.path) == ledger.entries == [schema, view]


def test_the_file_goes_with_the_last_object(ledger):
    """And comes again with the next."""
    ledger.strike(ledger.note("schema", ("main", "s")))
    assert not ledger.path.exists()

    entry = ledger.note("schema", ("main", "s"))
    ledger.strike(entry)
    ledger.strike(entry)

    assert not ledger.path.exists()


def test_a_line_that_was_cut_off_is_left_out(ledger):
    """The process was killed, or the disk was full, while it was written."""
    entry = ledger.note("schema", ("main", "s"))
    with ledger.path.open("a") as file:
        file.write('{"made": 2, "kind": "ta')

    assert read(ledger.path) == [entry]


def test_removal_is_last_made_first_and_by_container():
    """What is in a schema of ours goes with it; what is in somebody else's goes by itself."""
    made = [
        catalog := Entry(1, "catalog", ("prod",)),
        schema := Entry(2, "schema", ("prod", "sales")),
        alone := Entry(3, "table", ("main", "default", "t")),
        own := Entry(4, "schema", ("main", "s")),
        table := Entry(5, "table", ("prod", "sales", "t")),
        inside := Entry(6, "view", ("main", "s", "v")),
    ]

    assert removals(made) == [(own, [inside]), (alone, []), (catalog, [table, schema])]


def test_names_that_begin_alike_hold_nothing_of_each_other():
    """``prod`` holds nothing of ``prod2``."""
    assert not Entry(1, "catalog", ("prod",)).holds(Entry(2, "schema", ("prod2", "s")))


def test_ledgers_of_dead_processes_go(tmp_path):
    """Those of living ones stay, and so does what is no ledger."""
    for name in ("1-a.jsonl", "2-b.jsonl", "x.jsonl"):
        (tmp_path / name).touch()

    forget_dead(tmp_path, is_alive=lambda pid: pid == 2)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["2-b.jsonl", "x.jsonl"]
