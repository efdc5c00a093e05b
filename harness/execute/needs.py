"""What a notebook needs before it begins: Spark, or surely not, and modules that take long.

To open a session takes a third of a second, to import MLflow more than one.
"""

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

_HEAVY = ("mlflow", "sklearn")
_WARMED = (*_HEAVY, "mlflow.store.tracking.sqlalchemy_store")  # where runs go here, which takes as long as MLflow itself
_INSTALLS = re.compile(r"\bpip\b|\brestartPython\b")


def needs_spark(notebook: Notebook, roots: Sequence[str]) -> bool:
    """Whether it names something of Spark's, runs another notebook, or imports a module that may do so."""
    if any(cell.language == "sql" for cell in notebook.cells):
        return True
    text = _text(notebook)
    if _NAMES.search(text):
        return True
    return any(_top(name) not in _PLAIN or _is_projects(name, notebook, roots) for name in _modules(text))


def warmed(notebook: Notebook, roots: Sequence[str]) -> Sequence[str]:
    """What is imported before a kernel is forked, once for all notebooks that import what takes long.

    The same for each of them: a module that only another notebook imports would be there for this one, which hasn't asked for
    it. None where it may get another version, or the project has something of that name itself.
    """
    text = _text(notebook)
    if _INSTALLS.search(text) or any(_is_projects(name, notebook, roots) for name in _HEAVY):
        return ()
    return _WARMED if any(_top(name) in _HEAVY for name in _modules(text)) else ()


def _text(notebook: Notebook) -> str:
    return "\n".join(cell.source for cell in notebook.cells if cell.language != "markdown")


def _is_projects(module: str, notebook: Notebook, roots: Sequence[str]) -> bool:
    """Whether a module's first name is one in the folder of the notebook, or in one that the project looks in."""
    folders, name = [os.path.dirname(os.path.abspath(notebook.path)), *roots], _top(module)
    return any(os.path.exists(os.path.join(folder, name + suffix)) for folder in folders for suffix in ("", ".py", ".ipynb"))


def _top(module: str) -> str:
    return module.partition(".")[0]


def _modules(text: str) -> set[str]:
    """The names of all modules that a text imports."""
    found = (one for origin, names in _IMPORTED.findall(text) for one in ([origin] if origin else names.split(",")))
    return {(one.split() or [""])[0] for one in found}
