"""A notebook as nbformat has it, for nbclient: cell for cell, so that numbers are the same on both sides."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nbformat import from_dict

from harness.execute.steps import step_of
from harness.notebook.ipynb import CELL_KEY

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from harness.model import Notebook

SKIP = "skip-execution"
"""nbclient's own tag for a cell that isn't to be run."""


def node_of(notebook: Notebook, skipped: frozenset[int]) -> NotebookNode:
    """The notebook as nbformat's, cell for cell."""
    cells: list[dict[str, object]] = []
    for cell in notebook.cells:
        metadata: dict[str, object] = {CELL_KEY: {"title": cell.title}} if cell.title else {}
        made = {"id": f"cell-{cell.number}", "metadata": metadata}
        if step_of(cell).kind == "nothing" and cell.language == "markdown":
            text = re.sub(r"\A\s*%md(?:-sandbox)?\b[ \t]*(?:--i18n-\S*)?", "", cell.source).strip("\n")
            cells.append({**made, "cell_type": "markdown", "source": text})
            continue
        if cell.number in skipped or step_of(cell).kind in ("nothing", "skipped"):
            metadata["tags"] = [SKIP]
        cells.append({**made, "cell_type": "code", "source": cell.source, "execution_count": None, "outputs": []})
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    node: NotebookNode = from_dict({"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5})  # type: ignore[no-untyped-call]  # nbformat's
    return node


def to_run(node: NotebookNode) -> list[int]:
    """The numbers of the cells that a whole run runs; of those that it leaves out a reader can see why."""
    return [
        number
        for number, cell in enumerate(node.cells, 1)
        if cell.cell_type == "code" and SKIP not in cell.metadata.get("tags", ())
    ]
