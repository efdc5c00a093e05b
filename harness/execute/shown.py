"""``display`` and ``displayHTML`` in a notebook that is run whole: what they show is an output of the cell."""

from __future__ import annotations

from typing import Any

from harness.execute.magics import UnsupportedError
from harness.runtime.fs import FileInfo
from harness.runtime.mounts import MountInfo

ROWS = 1000
"""How many rows of a table are shown, as on Databricks."""


def display(*values: Any, **_options: Any) -> None:
    """Show values: a table's first rows, a picture, whatever IPython can show."""
    import IPython.display

    for value in values:
        if hasattr(value, "isStreaming") and hasattr(value, "toPandas"):
            IPython.display.display(_table(value))
        elif isinstance(value, list) and value and isinstance(value[0], (FileInfo, MountInfo)):
            IPython.display.display(_files(value))
        else:
            IPython.display.display(value)


def _files(rows: list[Any]) -> Any:
    import pandas as pd

    return pd.DataFrame(rows[:ROWS], columns=list(rows[0]._fields))


def _table(frame: Any) -> Any:
    if frame.isStreaming:  # on Databricks this starts its query
        raise UnsupportedError("display of a streaming DataFrame isn't served here yet")
    return frame.limit(ROWS).toPandas()


def display_html(html: str) -> None:
    """Show HTML."""
    import IPython.display

    IPython.display.display(IPython.display.HTML(html))
