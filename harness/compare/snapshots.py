"""Tables and notebooks' outputs as texts that are the same on each run, and that people can read and review."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from harness.compare.displayed import CutError, told_whole
from harness.compare.frames import check_left_out, is_frame, is_pandas, names_of, read_frame
from harness.compare.values import rank, shown
from harness.errors import CompareUseError, EmptyTablesError, SnapshotError
from harness.model import GREEN, Location, NotebookRun

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MAX_ROWS = 10_000
"""A file that people review is small."""

# What is another on each run, whatever the notebook does.
_CHANGING = {
    r"\b0x[0-9a-fA-F]{6,}\b": "0x…",
    r"(?m)^(CPU times|Wall time): .*$": r"\1: …",
    r"\b[\d.]+ [nµm]?s ± [\d.]+ [nµm]?s per loop.*": "… per loop",
    r"/\S*/nbh-\w+(?=/|\b)": "…",
    r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\b": "…",
}


def table_text(frame: Any, *, ignore: str | Iterable[str] = (), empty_ok: bool = False, max_rows: int = MAX_ROWS) -> str:
    """Write a table: its columns with their types, then its rows in an order of their own.

    Raises:
        CompareUseError: It is no table.
        EmptyTablesError: It has no row, and ``empty_ok`` isn't set.
        TooManyRowsError: It has more than ``max_rows`` rows.
    """
    if not is_frame(frame):
        raise CompareUseError(
            "this is no table",
            cause=f"it is of type {type(frame).__name__}",
            mend="compare a DataFrame of Spark's"
            + ("; of pandas', spark.createDataFrame(…) makes one" if is_pandas(frame) else ""),
        )
    left_out = names_of(ignore)
    check_left_out(left_out, frame.columns)
    table = read_frame(frame, leave_out=left_out, most=max_rows, whose="this")
    if not table.rows and not empty_ok:
        raise EmptyTablesError(
            "a table without rows was to be kept as a snapshot",
            cause="it would say nothing: the query may read from the wrong place, or filter all away",
            mend="give the test rows that come through; or say that none are expected: table_snapshot(empty_ok=True)",
        )
    columns = [f"  {column.name}: {column.kind}" for column in table.columns]
    lines = ["columns:", *columns, "", f"rows: {len(table.rows)}", f"  {' | '.join(table.names)}"]
    rows = sorted(table.rows, key=lambda row: tuple(map(rank, row)))
    return _writable([*lines, *("  " + " | ".join(map(shown, row)) for row in rows)])


def run_text(run: Any, *, scrub: Mapping[str, str] | None = None) -> str:
    """Write what a notebook's cells put out, without what is another on each run; ``scrub`` says what else is: pattern, text.

    Raises:
        SnapshotError: It is no run, or one that isn't green; or an output holds less than what was shown.
    """
    if not isinstance(run, NotebookRun):
        raise SnapshotError(
            "this is no run of a notebook",
            cause=f"it is of type {type(run).__name__}",
            mend="compare what run_notebook(…) gave; for a table there is table_snapshot",
        )
    if run.ended not in GREEN:  # to ask for its outcome would count as having looked at it
        raise SnapshotError(
            "a red run was to be kept as a snapshot",
            cause=f"{run.path} {run.summary}",
            mend="mend the notebook; a run that is meant to fail is told by run.outcome and run.error",
            location=run.location,
        )
    left_out = {**_CHANGING, **(scrub or {})}
    lines = [f"{run.path}: {run.ended}"]
    if run.exit_value is not None:
        lines.append(f"exit value: {_without(run.exit_value, left_out)}")
    for cell in run.cells:
        texts = [_without(_told(output, Location(run.path, cell=cell.number)), left_out) for output in cell.outputs]
        put_out = [line for text in texts if text for line in text.split("\n")]
        told = "" if cell.outcome == "passed" else f", {cell.outcome}"
        if put_out or told:
            lines += ["", f"cell {cell.number} ({cell.language}{told})", *(f"  {line}".rstrip() for line in put_out)]
    return _writable(lines)


def _told(output: Mapping[str, Any], place: Location) -> str:
    try:
        return told_whole(output)
    except CutError as error:
        raise SnapshotError(
            "an output that pandas has cut was to be kept as a snapshot",
            cause=f"its text leaves out {error}: a change there would not be seen",
            mend="print all of it: print(df.to_string()); or show it as a table of Spark's: display(spark.createDataFrame(df))",
            location=place,
        ) from None


def _without(text: str, patterns: Mapping[str, str]) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")
    for pattern, other in patterns.items():
        text = re.sub(pattern, other, text)
    return text


def _writable(lines: list[str]) -> str:
    """One text that a file gives back as it was written."""
    return "\n".join([*lines, ""]).encode("utf-8", "backslashreplace").decode()
