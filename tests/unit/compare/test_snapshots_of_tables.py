"""Tables and values of pandas' in snapshots: all of it is compared, or the snapshot is refused."""

from __future__ import annotations

from html import escape

import pytest
from snapshot_runs import display, run_of, stream

from harness.compare.snapshots import run_text
from harness.errors import SnapshotError
from harness.model import TABLE

pd = pytest.importorskip("pandas", reason="tables are shown by pandas (the extras `local` and `connect`)")


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
    assert all(f"<td>{escape(one)}</td>" in text for one in wide[0])
    assert text != run_text(run_of(value(pd.DataFrame(other), 0)))
