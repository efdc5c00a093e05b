"""What ``import dlt`` and ``pyspark.pipelines`` give outside a pipeline: decorators that hand back the plain function.

A pipeline dataset is then called like any function and its DataFrame checked. ``read`` and ``read_stream`` read the table or
temporary view of that name from the running test's Spark. Names: the Databricks reference of the ``dlt`` and
``pyspark.pipelines`` modules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_DATASETS = (
    "table", "view", "materialized_view", "temporary_view", "append_flow", "foreach_batch_sink", "on_event_hook",
    "create_table", "create_view",
)  # fmt: skip
_EXPECTATIONS = ("expect", "expect_or_drop", "expect_or_fail", "expect_all", "expect_all_or_drop", "expect_all_or_fail")

__all__ = [*_DATASETS, *_EXPECTATIONS, "read", "read_stream"]  # noqa: PLE0604 - the names are built below from the same lists


def _dataset(*args: Any, **_options: Any) -> Any:
    """Serve both ``@dlt.table`` and ``@dlt.table(name=…)``."""
    if len(args) == 1 and callable(args[0]):
        return args[0]
    return _unchanged


def _expectation(*_args: Any, **_options: Any) -> Callable[[Any], Any]:
    return _unchanged


def _unchanged(function: Any) -> Any:
    return function


def _spark() -> Any:
    from pyspark.sql import SparkSession

    active = SparkSession.getActiveSession()
    if active is None:
        raise RuntimeError("no Spark session is active: ask for the spark fixture in the test")
    return active


def read(name: str) -> Any:
    """Read a dataset of the pipeline: the table or temporary view of that name."""
    return _spark().table(name)


def read_stream(name: str) -> Any:
    """Read a dataset of the pipeline as a stream."""
    return _spark().readStream.table(name)


for _name in _DATASETS:
    globals()[_name] = _dataset
for _name in _EXPECTATIONS:
    globals()[_name] = _expectation
