"""``display`` and ``displayHTML`` in a notebook that is run whole: what they show is an output of the cell."""

from __future__ import annotations

from typing import Any

from harness.execute import figures
from harness.execute.magics import UnsupportedError
from harness.execute.rows import MONTHS, UnclearError, table
from harness.model import TABLE
from harness.runtime.display import ROWS, is_frame
from harness.runtime.fs import FileInfo
from harness.runtime.mounts import MountInfo


def display(*values: Any, **_options: Any) -> None:
    """Show values: a table's first rows, a picture, whatever IPython can show."""
    import IPython.display

    for value in values:
        if is_frame(value):
            _table(value)
        elif isinstance(value, list) and value and isinstance(value[0], (FileInfo, MountInfo)):
            _files(value)
        else:
            IPython.display.display(value)
            figures.note(value)


def _files(rows: list[Any]) -> None:
    import pandas as pd
    from pyspark.sql import types

    frame = pd.DataFrame(rows[:ROWS], columns=list(rows[0]._fields))
    kinds = [types.LongType() if isinstance(value, int) else types.StringType() for value in rows[0]]
    _show(frame, kinds, overflow=len(rows) > ROWS, zone="UTC")


def head(frame: Any) -> Any:
    """Read a table's first rows, and whether there are more, as a frame of pandas'.

    Raises:
        UnsupportedError: It is a stream's.
    """
    if frame.isStreaming:
        raise UnsupportedError(
            "display of a streaming DataFrame starts a query that goes on until somebody stops it, and nobody is here to look: "
            "write it with .writeStream.trigger(availableNow=True).toTable(…) and display that table, "
            "or leave the cell out by skip_cells"
        )
    return _readable(frame.limit(ROWS + 1)).toPandas()


def _readable(frame: Any) -> Any:
    """The frame with intervals of months as their text in SQL: Arrow and pandas have no such values."""
    from pyspark.sql import functions

    fields = frame.schema.fields
    if not any(_has_months(field.dataType) for field in fields):
        return frame
    kinds = ["string" if _has_months(field.dataType) else field.dataType for field in fields]
    columns = [functions.col(f"c{i}").cast(kind) for i, kind in enumerate(kinds)]
    numbered = frame.toDF(*(f"c{i}" for i in range(len(fields))))  # two columns may have one name
    return numbered.select(*(column.alias(field.name) for column, field in zip(columns, fields, strict=True)))


def _has_months(kind: Any) -> bool:
    return kind.typeName() in MONTHS


def _table(frame: Any) -> None:
    rows = head(frame)
    zone = frame.sparkSession.conf.get("spark.sql.session.timeZone")
    _show(rows.head(ROWS), [field.dataType for field in frame.schema], overflow=len(rows) > ROWS, zone=zone)


def _show(frame: Any, kinds: list[Any], *, overflow: bool, zone: str) -> None:
    """Show a frame of pandas', and keep with it what it holds."""
    import IPython.display

    try:
        columns = zip(frame.columns, kinds, strict=True)
        held = {TABLE: table(columns, frame.itertuples(index=False, name=None), overflow=overflow, zone=zone)}
    except UnclearError:
        held = {}
    IPython.display.display(frame, metadata=held)


def display_html(html: str) -> None:
    """Show HTML."""
    import IPython.display

    IPython.display.display(IPython.display.HTML(html))
