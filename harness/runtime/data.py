"""``dbutils.data.summarize``: what each column of a table holds, computed by Spark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.errors import DbutilsArgumentError
from harness.runtime.part import Part

if TYPE_CHECKING:
    from collections.abc import Callable

# Tracebacks in pytest show the user's lines, not these.
__tracebackhide__ = True

_NUMBERS = ("tinyint", "smallint", "int", "bigint", "float", "double", "decimal")
_ORDERED = (*_NUMBERS, "string", "date", "timestamp", "timestamp_ntz", "boolean")
_COMPARED = (*_ORDERED, "binary")


class Data(Part):
    """What a table holds."""

    _path = "dbutils.data"

    def __init__(self, show: Callable[[Any], None]) -> None:
        self._show = show

    def summarize(self, df: Any, precise: bool = False) -> None:  # noqa: FBT001, FBT002 -- Databricks' own signature
        """Show each column's counts, mean, deviation and quantiles; percentiles and distinct counts are exact if ``precise``.

        Raises:
            DbutilsArgumentError: It is no table, or a streaming one.
        """
        if hasattr(df, "isStreaming") and hasattr(df, "toPandas"):
            if df.isStreaming:
                raise _refused("a streaming DataFrame", mend="give a batch DataFrame")
            self._show(_of_spark(df, precise=precise))
        elif hasattr(df, "to_spark"):  # pandas on Spark
            self._show(_of_spark(df.to_spark(), precise=precise))
        elif hasattr(df, "describe"):
            self._show(_of_pandas(df))
        else:
            raise _refused(f"of type {type(df).__name__}", mend="give a DataFrame of Spark or pandas")


def _refused(what: str, *, mend: str) -> DbutilsArgumentError:
    return DbutilsArgumentError("dbutils.data.summarize can't summarize this", cause=f"it is {what}", mend=mend)


def _of_spark(df: Any, *, precise: bool) -> Any:
    """One row a column, as a pandas DataFrame; all of them in one pass over the table."""
    import pandas as pd
    from pyspark.sql import functions as f

    asked, wanted = [f.count(f.lit(1)).alias("rows")], []
    # By place, for two columns may have one name, and a name may hold dots.
    plain = df.toDF(*[f"c{at}" for at in range(len(df.columns))])
    for at, (name, kind) in enumerate(df.dtypes):
        column, base = f.col(f"c{at}"), kind.partition("(")[0]
        measures = {"count": f.count(column)}
        if base in _COMPARED:
            measures["distinct"] = f.count_distinct(column) if precise else f.approx_count_distinct(column)
        if base in _NUMBERS:
            cut = f.percentile if precise else f.percentile_approx
            measures |= {"mean": f.avg(column), "std_dev": f.stddev(column), "zeros": f.count_if(column == 0)}
            measures |= {f"{share:.0%}": cut(column, f.lit(share)) for share in (0.25, 0.5, 0.75)}
        if base in _ORDERED:
            measures |= {"min": f.min(column), "max": f.max(column)}
        asked += [value.alias(f"{at}.{measure}") for measure, value in measures.items()]
        wanted.append((name, kind, list(measures)))
    found = plain.agg(*asked).first().asDict()
    rows = [
        {
            "column": name,
            "type": kind,
            "missing": found["rows"] - found[f"{at}.count"],
            **{measure: found[f"{at}.{measure}"] for measure in measures},
        }
        for at, (name, kind, measures) in enumerate(wanted)
    ]
    shown = ("column", "type", "count", "missing", "distinct", "mean", "std_dev", "zeros", "min", "25%", "50%", "75%", "max")
    return pd.DataFrame(rows, columns=list(shown), dtype=object)


def _of_pandas(df: Any) -> Any:
    described = df.describe(include="all").T
    described.insert(1, "missing", df.isna().sum())
    return described
