from __future__ import annotations

import base64

import pandas as pd
import pytest

from harness.compare.snapshots import run_text, table_text
from harness.errors import CompareUseError, SnapshotError
from harness.model import TABLE, CellRun, NotebookRun

PNG = base64.b64encode(b"\x89PNG\r\n").decode()


def run_of(*outputs, ended="passed", exit_value=None):
    """A run of one cell with these outputs."""
    cell = CellRun(2, "python", "passed" if ended == "passed" else ended, tuple(outputs), 1.25)
    silent = CellRun(1, "markdown", "passed")
    return NotebookRun("etl/a.py", ended, exit_value=exit_value, cells=(silent, cell), duration_s=9.5)


def stream(text):
    """What a cell printed."""
    return {"output_type": "stream", "name": "stdout", "text": text}


def display(**data):
    """What a cell displayed."""
    kinds = {"plain": "text/plain", "html": "text/html", "png": "image/png", "json": "application/json"}
    return {"output_type": "display_data", "data": {kinds[name]: value for name, value in data.items()}, "metadata": {}}


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


def table(*columns, rows, overflow=False):
    """What a notebook shows of Spark's: pandas' text, which is cut, and beside it what the table holds."""
    kept = {
        "type": "table",
        "schema": [{"name": name, "type": '"string"', "metadata": "{}"} for name in columns],
        "data": rows,
        "overflow": overflow,
    }
    return {**value(pd.DataFrame(rows, columns=list(columns))), "metadata": {TABLE: kept}}


def value(of_pandas, max_columns=20):
    """What a cell puts out that ends with a value of pandas'; 0 is as many columns as fit."""
    with pd.option_context("display.max_columns", max_columns):
        made = getattr(of_pandas, "_repr_html_", lambda: None)()
        return display(plain=repr(of_pandas), **({"html": made} if made else {}))


def test_a_table_is_told_by_all_its_rows():
    """A header, and a line for each row; a text, a number and a null can't be taken for each other."""
    text = run_text(run_of(table("id", "name", rows=[[1, "a"], [2, None], [3, "1\n2"]])))

    assert text.endswith("cell 2 (python)\n  id | name\n  1 | 'a'\n  2 | null\n  3 | '1\\n2'\n")
    assert run_text(run_of(table("id", rows=[]))).endswith("  id\n  (no rows)\n")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([[n, "x"] for n in range(200)], [[n if n != 100 else -1, "x"] for n in range(200)]),
        ([[n] * 40 for n in range(3)], [[n] * 20 + [7] + [n] * 19 for n in range(3)]),
        ([["x" * 300]], [["x" * 299 + "y"]]),
    ],
    ids=["a row in the middle", "a column in the middle", "the end of a long text"],
)
def test_what_pandas_would_leave_out_is_compared(one, other):
    """The lie: its text has three dots there, so that a change isn't seen."""
    columns = [f"c{n}" for n in range(len(one[0]))]

    assert repr(pd.DataFrame(one)) == repr(pd.DataFrame(other))
    assert run_text(run_of(table(*columns, rows=one))) != run_text(run_of(table(*columns, rows=other)))


def test_rows_that_the_output_has_not_are_told():
    """A notebook shows a thousand."""
    whole = run_text(run_of(table("id", rows=[[1], [2]])))
    cut = run_text(run_of(table("id", rows=[[1], [2]], overflow=True)))

    assert cut == f"{whole}  (cut: the notebook shows no more than these 2 rows, and there are more)\n"


@pytest.mark.parametrize(
    "output",
    [
        value(pd.DataFrame({"a": range(200)})),
        value(pd.DataFrame([range(40)])),
        value(pd.DataFrame({"a": ["x" * 300]})),
        value(pd.DataFrame({"a": range(200)})["a"]),
        value(pd.Series(["x" * 300, "y"])),
        value(pd.Series(pd.date_range("2026-01-01", periods=200, tz="UTC"))),
        value(pd.Index(range(200)).astype(str)),
        stream(f"the rows:\n{pd.DataFrame({'a': range(200)})}\n"),
        stream(f"{pd.DataFrame({'a': range(200)})['a']}\n"),
    ],
    ids=["rows", "columns", "text", "series", "text in a series", "moments", "index", "printed", "printed series"],
)
def test_what_pandas_has_cut_is_refused(output):
    """Nobody has the rest of it: it is an error, which says what to write."""
    with pytest.raises(SnapshotError, match=r"etl/a\.py \(cell 2\): NBH373 an output that pandas has cut(.|\n)*to_string\(\)"):
        run_text(run_of(output))


@pytest.mark.parametrize(
    "output",
    [
        value(pd.DataFrame({"a": range(20)})),
        value(pd.Series(range(20))),
        stream(pd.DataFrame({"a": range(200)}).to_string()),
        stream("loading\n...\ndone ...\n"),
        display(plain="'and so on ...'"),
    ],
    ids=["frame", "series", "printed", "a line of dots", "a text with dots"],
)
def test_what_is_whole_is_kept_as_it_is(output):
    """Three dots alone are no mark of pandas'."""
    text = str(output.get("text") or output["data"]["text/plain"]).rstrip("\n")

    assert run_text(run_of(output)).endswith("".join(f"  {line}".rstrip() + "\n" for line in text.split("\n")))


def test_columns_that_only_the_html_has():
    """The lines of pandas' text are eighty characters; its HTML has room for more."""
    wide = [[f"{n} <{'x' * 30}>" for n in range(12)]]
    other = [[*wide[0][:6], "another", *wide[0][7:]]]

    assert repr(pd.DataFrame(wide)) == repr(pd.DataFrame(other))
    text = run_text(run_of(value(pd.DataFrame(wide), 0)))
    assert f"  0 | {' | '.join(wide[0])}\n" in text
    assert text != run_text(run_of(value(pd.DataFrame(other), 0)))


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
