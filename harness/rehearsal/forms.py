"""A notebook in the other of its two forms, as an export gives it: Databricks' source format, or Jupyter's."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.notebook import parse_ipynb, parse_source
from harness.rehearsal.answers import invalid

_COMMENTS = {"PYTHON": "#", "SQL": "--", "SCALA": "//", "R": "#"}
_NAMES = {"PYTHON": "x.py", "SQL": "x.sql", "SCALA": "x.scala", "R": "x.r"}


def with_header(content: bytes, language: str) -> bytes:
    """Source code as a notebook: the first line says that it is one."""
    head = f"{_COMMENTS[language]} Databricks notebook source".encode()
    if content.removeprefix(b"\xef\xbb\xbf").startswith(head):
        return content
    return head + b"\n" + content


def rewritten(content: bytes, language: str) -> bytes:
    """Source code as an export gives it: a workspace keeps cells, and writes header, separators and blank lines anew."""
    mark = re.escape(_COMMENTS[language].encode())
    text = content.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n")
    _, _, body = text.partition(b"\n")
    cells = [cell.strip(b"\n") for cell in re.split(rb"(?m)^" + mark + rb" COMMAND ----------[^\n]*$", body)]
    comment = _COMMENTS[language].encode()
    return comment + b" Databricks notebook source\n" + (b"\n\n" + comment + b" COMMAND ----------\n\n").join(cells)


def as_source(content: bytes) -> bytes:
    """A Jupyter notebook in Databricks' source format.

    Raises:
        ApiError: It is no Jupyter notebook.
    """
    try:
        notebook = parse_ipynb(content, Path("x.ipynb"))
    except HarnessError as exc:
        raise invalid(f"The content is not a Jupyter notebook: {exc.cause or exc.what}") from exc
    cells = [_source_of(cell.source, cell.language) for cell in notebook.cells]
    return ("# Databricks notebook source\n" + "\n\n# COMMAND ----------\n\n".join(cells) + "\n").encode()


def _source_of(source: str, language: str) -> str:
    if language == "python":
        return source
    lines = source.splitlines()
    if language == "markdown" and not source.lstrip().startswith("%md"):
        lines = ["%md", *lines]
    return "\n".join(f"# MAGIC {line}".rstrip() for line in lines)


def as_jupyter(content: bytes, language: str) -> bytes:
    """A notebook in source format as a Jupyter notebook."""
    import nbformat
    from nbformat.v4 import new_code_cell, new_notebook

    notebook = parse_source(content, Path(_NAMES[language]))
    node: Any = new_notebook()  # type: ignore[no-untyped-call]  # nbformat's
    node.metadata["language_info"] = {"name": language.lower()}
    node.cells = [new_code_cell(cell.source, id=str(cell.number)) for cell in notebook.cells]  # type: ignore[no-untyped-call]  # as above
    return str(nbformat.writes(node)).encode()  # type: ignore[no-untyped-call]  # as above
