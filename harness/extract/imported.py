"""Which notebooks a notebook imports as modules: Python reads a file, where Databricks has a notebook and refuses."""

from __future__ import annotations

import ast
import os
from typing import TYPE_CHECKING

from harness.extract.importer import has_header
from harness.model import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from harness.extract.run import Entry


def imported_notebooks(entries: Iterable[Entry], roots: Sequence[str]) -> Iterator[Problem]:
    """Give a problem for each of them; modules are looked for beside the notebook, then below the roots."""
    for entry in entries:
        if entry.row.what != "import":
            continue
        beside = os.path.dirname(entry.source.path)
        for name in _modules(entry.source.node(entry.row)):
            found = _notebook(name, dict.fromkeys((beside, *roots)))
            if found is not None:
                file = os.path.relpath(found, beside).replace(os.sep, "/")
                yield Problem(
                    "NBH117",
                    f"the notebook {file} is imported as a module",
                    entry.source.locate(entry.row.line),
                    cause="Databricks refuses that when this notebook runs: there a notebook is no file that Python could read",
                    mend=f"%run it, or take the first line out of {file}, which makes it a plain module",
                )


def _modules(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield node.module
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _notebook(name: str, folders: Iterable[str]) -> str | None:
    for folder in folders:
        base = os.path.join(folder, *name.split("."))
        if os.path.isdir(base):
            return None  # a package, or a folder of modules
        if os.path.isfile(base + ".py"):
            return base + ".py" if has_header(base + ".py") else None
    return None
