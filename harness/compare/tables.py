"""``assert_table_equal``: two tables hold the same, or it is said what differs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from harness.called import plainly
from harness.catalog.names import near_miss
from harness.compare.frames import check_left_out, is_frame, names_of, read_expected, read_frame
from harness.compare.kinds import compare_columns
from harness.compare.match import RowDifferences, compare_as_heap, compare_by_key, first_out_of_place
from harness.compare.text import Comparison, explain
from harness.compare.values import Tolerance
from harness.errors import CompareUseError, EmptyTablesError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.compare.frames import Table

# Tracebacks show the user's lines, not these.
__tracebackhide__ = True

MAX_ROWS = 100_000


@plainly("assert_table_equal")
def assert_table_equal(
    actual: Any,
    expected: Any,
    *,
    key: str | Sequence[str] = (),
    ignore: str | Iterable[str] = (),
    rtol: float = 0.0,
    atol: float = 0.0,
    check_row_order: bool = False,
    check_column_order: bool = False,
    check_nullable: bool = False,
    empty_ok: bool = False,
    max_rows: int = MAX_ROWS,
    max_shown: int = 10,
) -> None:
    """Compare a DataFrame with what is expected: another one, a list of rows (dicts, tuples, Row), or a frame of pandas'.

    Column names, types and rows are compared; nullability and orders only if asked for. With ``key``, rows that have the same
    key are compared column by column; without, equal rows are counted. ``ignore`` leaves columns out. Numbers with a fraction
    may differ by ``atol + rtol * |expected|``, by default not at all. Nulls are equal to each other, and so are NaNs; a null
    is no NaN. A list's rows have the types of ``actual``.

        assert_table_equal(uc.table("gold"), [{"customer_id": 1, "risk": "high"}], key="customer_id", ignore="loaded_at")

    Raises:
        AssertionError: They differ; the text says where.
        EmptyTablesError: Neither has a row, and ``empty_ok`` isn't set.
        TooManyRowsError: One has more than ``max_rows`` rows.
        CompareUseError: They can't be compared that way.
    """
    __tracebackhide__ = True
    keys, left_out = names_of(key), names_of(ignore)
    tolerance = _tolerance(rtol, atol)
    if not is_frame(actual):
        raise CompareUseError(
            "the first table is no DataFrame of Spark's",
            cause=f"it is of type {type(actual).__name__}",
            mend="give what the notebook made first, and what you expect second",
        )
    if actual is expected:
        raise CompareUseError(
            "a table is compared with itself", cause="both are the same DataFrame", mend="give what you expect as the second"
        )
    mine = read_frame(actual, leave_out=left_out, most=max_rows, whose="the first")
    if is_frame(expected):
        theirs = read_frame(expected, leave_out=left_out, most=max_rows, whose="the expected")
    else:
        zone = str(actual.sparkSession.conf.get("spark.sql.session.timeZone"))
        theirs = read_expected(expected, mine, all_names=actual.columns, leave_out=left_out, zone=zone)
    check_left_out(left_out, [*actual.columns, *getattr(expected, "columns", ())])
    _check_names(mine, theirs, keys=keys)
    found = compare(
        mine,
        theirs,
        key=keys,
        tolerance=tolerance,
        row_order=check_row_order,
        column_order=check_column_order,
        nullable=check_nullable,
    )
    if found is not None:
        raise AssertionError(explain(found, most=max_shown))
    if not mine.rows and not empty_ok:
        raise EmptyTablesError(
            "two tables without rows were compared",
            cause="no row is as expected, for there is none: the query may read from the wrong place, or filter all away",
            mend="give the test rows that come through; or say that none are expected: empty_ok=True",
        )


def compare(
    actual: Table,
    expected: Table,
    *,
    key: Sequence[str] = (),
    tolerance: Tolerance,
    row_order: bool = False,
    column_order: bool = False,
    nullable: bool = False,
) -> Comparison | None:
    """Compare two tables that were read; None if nothing differs."""
    schema = compare_columns(actual.columns, expected.columns, nullable=nullable, order=column_order)
    names = schema.alike
    mine, theirs = actual.take(names), expected.take(names)
    if not names or not set(key) <= set(names):
        rows = RowDifferences()
    elif key:
        rows = compare_by_key(names, key, mine, theirs, tolerance)
    else:
        rows = compare_as_heap(mine, theirs, tolerance)
    moved = row_order and not rows and first_out_of_place(mine, theirs, tolerance) is not None
    if not (schema.lines or rows or moved):
        return None
    left_out = tuple(dict.fromkeys(name for name in (*expected.names, *actual.names) if name not in names))
    return Comparison(
        names=names,
        key=tuple(key),
        actual=mine,
        expected=theirs,
        schema=schema.lines,
        rows=rows,
        row_order=moved,
        left_out=left_out,
    )


def _tolerance(rtol: float, atol: float) -> Tolerance:
    for name, value in (("rtol", rtol), ("atol", atol)):
        if not math.isfinite(value) or value < 0:
            raise CompareUseError(f"{name} is {value}", cause="it is how far numbers may differ", mend=f"write {name}=1e-6")
    return Tolerance(rtol, atol)


def _check_names(mine: Table, theirs: Table, *, keys: Sequence[str]) -> None:
    for name in keys:
        if name not in mine.names and name not in theirs.names:
            raise CompareUseError(
                f"the key {name!r} is no column that is compared",
                cause=f"the columns are {', '.join(mine.names)}",
                mend=near_miss(name, mine.names),
            )
    if not mine.columns and not theirs.columns:
        raise CompareUseError("no column is left to compare", cause="all are left out by ignore", mend="leave out fewer")
