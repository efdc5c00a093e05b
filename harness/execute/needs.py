"""Whether a notebook may ask for Spark; one that surely doesn't is run without: to open a session takes a third of a second."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.model import Notebook

_NAMES = re.compile(r"\b(?:spark|sc|sqlContext|sql|table|udf|getOrCreate)\b|%run\b|%sql\b|\bnotebook\s*\.\s*run\b")
_IMPORTED = re.compile(r"^[ \t]*(?:from|import)[ \t]+([\w.]+)", re.MULTILINE)
# pytest and harness: what they run may want the notebook's.
_OF_SPARK = frozenset({"pyspark", "databricks", "delta", "mlflow", "pytest", "harness"})


def needs_spark(notebook: Notebook, roots: Sequence[str]) -> bool:
    """Whether it names something of Spark's, runs another notebook, or imports a module of the project, which may do so."""
    if any(cell.language == "sql" for cell in notebook.cells):
        return True
    text = "\n".join(cell.source for cell in notebook.cells if cell.language != "markdown")
    if _NAMES.search(text):
        return True
    folders = [os.path.dirname(os.path.abspath(notebook.path)), *roots]
    for name in {found.split(".")[0] for found in _IMPORTED.findall(text)}:
        if not name or name in _OF_SPARK:
            return True
        if any(os.path.exists(os.path.join(folder, name + suffix)) for folder in folders for suffix in ("", ".py", ".ipynb")):
            return True
    return False
