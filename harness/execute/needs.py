"""Whether a notebook may ask for Spark; one that surely doesn't is run without: to open a session takes a third of a second."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.model import Notebook

_NAMES = re.compile(
    r"\b(?:spark|sc|sqlContext|sql|table|udf|getOrCreate|exec|__import__|import_module|run_module|run_path)\b"
    r"|%run\b|%sql\b|\bnotebook\s*\.\s*run\b"
)
_IMPORTED = re.compile(r"(?:^|[;:])[ \t]*(?:from[ \t]+([\w.]+)|import[ \t]+([^\n;#]+))", re.MULTILINE)
# What is sure to do without; of anything else nobody has read whether it asks for a session, the project's own on a path of
# its making among it.
_PLAIN = sys.stdlib_module_names | {
    *("dateutil", "matplotlib", "numpy", "packaging", "pandas", "pyarrow", "pytz", "requests", "scipy", "seaborn", "sklearn"),
    *("tqdm", "yaml"),
}


def needs_spark(notebook: Notebook, roots: Sequence[str]) -> bool:
    """Whether it names something of Spark's, runs another notebook, or imports a module that may do so."""
    if any(cell.language == "sql" for cell in notebook.cells):
        return True
    text = "\n".join(cell.source for cell in notebook.cells if cell.language != "markdown")
    if _NAMES.search(text):
        return True
    folders = [os.path.dirname(os.path.abspath(notebook.path)), *roots]
    for name in _imported(text):
        if name not in _PLAIN:
            return True
        if any(os.path.exists(os.path.join(folder, name + suffix)) for folder in folders for suffix in ("", ".py", ".ipynb")):
            return True
    return False


def _imported(text: str) -> set[str]:
    """The top-level names of all modules that a text imports."""
    found = (one for origin, names in _IMPORTED.findall(text) for one in ([origin] if origin else names.split(",")))
    return {(one.split() or [""])[0].split(".")[0] for one in found}
