"""Test Databricks notebooks: their functions and cells as units, on real Spark.

Names are fetched when first used, so that the pytest plugin costs a project without notebooks next to nothing.

A notebook's cell may import it before it starts pytest, which would warn of that: PYTEST_DONT_REWRITE.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from harness.collect.inside import run_tests
    from harness.compare.tables import assert_table_equal
    from harness.errors import HarnessError, NotebookError
    from harness.extract.public import load_notebook
    from harness.jobs.result import JobRun, TaskRun
    from harness.model import Cell, CellRun, Location, Notebook, NotebookRun, Problem, PytestRun
    from harness.notebook import discover, read_archive, read_notebook, replace_cell
    from harness.runtime.notebook import NotebookExit

_HOMES = {
    "Cell": "harness.model",
    "CellRun": "harness.model",
    "HarnessError": "harness.errors",
    "JobRun": "harness.jobs.result",
    "Location": "harness.model",
    "Notebook": "harness.model",
    "NotebookError": "harness.errors",
    "NotebookExit": "harness.runtime.notebook",
    "NotebookRun": "harness.model",
    "Problem": "harness.model",
    "PytestRun": "harness.model",
    "TaskRun": "harness.jobs.result",
    "assert_table_equal": "harness.compare.tables",
    "discover": "harness.notebook",
    "load_notebook": "harness.extract.public",
    "read_archive": "harness.notebook",
    "read_notebook": "harness.notebook",
    "replace_cell": "harness.notebook",
    "run_tests": "harness.collect.inside",
}

__all__ = [
    "Cell",
    "CellRun",
    "HarnessError",
    "JobRun",
    "Location",
    "Notebook",
    "NotebookError",
    "NotebookExit",
    "NotebookRun",
    "Problem",
    "PytestRun",
    "TaskRun",
    "assert_table_equal",
    "discover",
    "load_notebook",
    "read_archive",
    "read_notebook",
    "replace_cell",
    "run_tests",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'harness' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
