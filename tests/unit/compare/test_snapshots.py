from __future__ import annotations

import base64

import pytest
from snapshot_runs import display, run_of, stream

from harness.compare.snapshots import run_text, table_text
from harness.errors import CompareUseError, SnapshotError

PNG = base64.b64encode(b"\x89PNG\r\n").decode()


def test_outputs_by_cell():
    """Those that put out something, in their order; no duration, no count of executions."""
    run = run_of(stream("rows: 3\n"), display(plain="   id\n0   0", html="<table>"), ended="exited", exit_value="ok")

    assert run_text(run) == ("etl/a.py: exited\nexit value: ok\n\ncell 2 (python, exited)\n  rows: 3\n     id\n  0   0\n")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("<Axes at 0x7f2a9c0d5e10>", "<Axes at 0x7f1111111110>"),
        ("CPU times: user 2 ms, sys: 1 ms\nWall time: 3 ms", "CPU times: user 9 ms, sys: 8 ms\nWall time: 1.2 s"),
        ("1.5 ms ± 20 µs per loop (mean of 7)", "1.7 s ± 2 ns per loop (mean of 9)"),
        ("2026-11-28 17:50:12,123 INFO done", "2026-11-29 08:00:00,001 INFO done"),
        ("wrote /tmp/nbh-a1b2c3/work/out.csv", "wrote /var/tmp/nbh-xyz/work/out.csv"),
        ("a\rb\r\nc", "a\nb\nc"),
    ],
)
def test_what_changes_from_run_to_run_is_left_out(one, other):
    """Whatever the notebook does, these do; else a snapshot would never hold twice."""
    assert run_text(run_of(stream(one))) == run_text(run_of(stream(other)))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2026-11-28 17:50:12", "2026-11-29 17:50:12"),
        ("0x1F", "0x2F"),
        ("took 3 s", "took 4 s"),
        ("total 3.5", "total 3.6"),
    ],
)
def test_what_may_be_data_stays(one, other):
    """A time in a table is a value like any other: the test says if it isn't to be looked at."""
    assert run_text(run_of(stream(one))) != run_text(run_of(stream(other)))


def test_patterns_of_the_tests_own():
    """Beside those that are always left out."""
    text = run_text(run_of(stream("run 77 at 0x7f2a9c0d5e10")), scrub={r"run \d+": "run …"})

    assert "run … at 0x…" in text


def test_pictures_and_what_has_no_text():
    """A picture is told by its digest; HTML that was shown for its own sake stands there."""
    text = run_text(
        run_of(display(plain="<Figure>", png=PNG), display(plain="<IPython.core.display.HTML object>", html="<b>hi</b>"))
    )

    assert "  <Figure>\n  <image/png sha256 " in text
    assert "  <b>hi</b>\n" in text
    assert text != run_text(run_of(display(plain="<Figure>", png=base64.b64encode(b"other").decode())))


def test_what_no_file_can_hold():
    """A lone half of a character is written as its number."""
    assert r"\udc80" in run_text(run_of(stream("\udc80")))


@pytest.mark.parametrize("ended", ["failed", "timed_out", "unsupported", "cancelled", "infrastructure_failed"])
def test_a_red_run_is_no_snapshot(ended):
    """To update the file would make it the expected one; and nobody has looked at it yet."""
    run = run_of(stream("half of it"), ended=ended)

    with pytest.raises(SnapshotError, match="NBH373 a red run"):
        run_text(run)

    assert run.is_unread_red


def test_what_is_neither_run_nor_table():
    """Each says what it takes."""
    with pytest.raises(SnapshotError, match="this is no run of a notebook"):
        run_text([1])
    with pytest.raises(CompareUseError, match="this is no table"):
        table_text(run_of())
