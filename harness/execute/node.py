"""A notebook as nbformat has it, for nbclient: cell for cell, so that numbers are the same on both sides."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.execute.steps import step_of

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from harness.model import Notebook

SKIP = "skip-execution"
"""nbclient's own tag for a cell that isn't to be run."""


def node_of(notebook: Notebook, skipped: frozenset[int]) -> NotebookNode:
    """The notebook as nbformat's, cell for cell."""
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

    cells = []
    for cell in notebook.cells:
        if step_of(cell).kind == "nothing" and cell.language == "markdown":
            text = re.sub(r"\A\s*%md(?:-sandbox)?\b[ \t]*(?:--i18n-\S*)?", "", cell.source).strip("\n")
            cells.append(new_markdown_cell(text))  # type: ignore[no-untyped-call]  # nbformat's
            continue
        tags = [SKIP] if cell.number in skipped or step_of(cell).kind in ("nothing", "skipped") else []
        metadata = {"tags": tags} if tags else {}
        cells.append(new_code_cell(cell.source, metadata=metadata))  # type: ignore[no-untyped-call]  # as above
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    made: NotebookNode = new_notebook(cells=cells, metadata={"kernelspec": kernel})  # type: ignore[no-untyped-call]  # nbformat's
    return made


def to_run(node: NotebookNode) -> list[int]:
    """The numbers of the cells that a whole run runs; of those that it leaves out a reader can see why."""
    return [
        number
        for number, cell in enumerate(node.cells, 1)
        if cell.cell_type == "code" and SKIP not in cell.metadata.get("tags", ())
    ]
