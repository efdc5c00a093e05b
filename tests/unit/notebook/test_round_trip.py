"""What holds for any notebook: reading loses no byte, and writing one cell touches no other."""

from __future__ import annotations

import ast
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import CellWriteError, HarnessError
from harness.notebook import parse_ipynb, parse_source, python_text, replace_cell
from harness.notebook.source import DIALECTS

LINES = st.sampled_from(
    [
        "",
        "  ",
        "\t",
        "x = 1",
        "    y = 2  ",
        "é = '☃'",
        "# a comment",
        "-- a comment",
        "%sql",
        "%md # T",
        "%pip install a \\",
        "%run ./a",
        "    % 3",
        "x = (",
        ")",
        '"""',
        "'''",
        "!ls",
        "files = !ls",
        "%%time",
        "%%writefile a.py",
        "%python",
        "%skip",
        "\x0c",
        "a\x0bb",
        "\u2028",
        "# MAGIC",
        "# MAGIC %sql",
        "# MAGIC # MAGIC",
        "# MAGIC\t",
        "#MAGIC x",
        "# MAGICAL",
        "-- MAGIC x",
        "# DBTITLE 1,T, t",
        "# DBTITLE",
        "# /// script",
        "# ///",
        "# COMMAND ----------",
        "# COMMAND ---------- ",
        "# COMMAND--------------------",
        "-- COMMAND ----------",
        "// COMMAND ----------",
    ]
)
NEWLINES = st.sampled_from(["\n", "\r\n", "\r"])
BODIES = st.lists(LINES, max_size=12)


@st.composite
def source_files(draw) -> tuple[bytes, str]:
    """Give any text below a header, and a name for its file."""
    suffix = draw(st.sampled_from(sorted(DIALECTS)))
    dialect = DIALECTS[suffix]
    lines = [dialect.header.decode() + draw(st.sampled_from(["", " exported at x"])), *draw(BODIES)]
    separator, magic = dialect.separator.decode()[1:], dialect.magic
    for body in draw(st.lists(BODIES, max_size=4)):
        lines.append(separator)
        lines.extend(f"{magic} {line}" if draw(st.booleans()) else line for line in body)
    text = draw(NEWLINES).join(lines) if draw(st.booleans()) else "".join(line + draw(NEWLINES) for line in lines)
    return draw(st.sampled_from([b"", b"\xef\xbb\xbf"])) + text.encode(), f"n{suffix}"


@st.composite
def jupyter_files(draw) -> bytes:
    """Give any cells in any style of JSON."""
    cells = []
    for body in draw(st.lists(BODIES, max_size=5)):
        text = draw(NEWLINES).join(body)
        as_list = draw(st.booleans())
        cells.append(
            {
                "cell_type": draw(st.sampled_from(["code", "markdown", "raw"])),
                "outputs": [{"text": ['"source": ["x"]\n', "}]{["]}],
                "metadata": {"source": ["not this"]},
                "source": text.splitlines(keepends=True) if as_list else text,
            }
        )
    content = {"metadata": {"cells": [{"source": "nor this"}]}, "cells": cells, "nbformat": 4}
    text = json.dumps(content, indent=draw(st.sampled_from([1, 2, None, "\t"])), ensure_ascii=draw(st.booleans()))
    return (text + draw(st.sampled_from(["", "\n"]))).replace("\n", draw(NEWLINES)).encode()


@given(source_files())
def test_source_files_read_without_loss(file):
    """Any text with a header reads into cells in order, whose lines and bytes are those of the file."""
    raw, name = file

    notebook = parse_source(raw, name)

    lines = raw.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n").decode().split("\n")
    end = 0
    assert notebook.to_bytes() == raw
    for cell in notebook.cells:
        held = raw[cell.start : cell.end].decode().replace("\r\n", "\n").replace("\r", "\n")
        assert cell.start >= end
        assert cell.last_line - cell.first_line == cell.source.count("\n")
        if cell.source:
            assert lines[cell.first_line - 1 : cell.last_line] == held.split("\n")
        end = cell.end


@given(source_files(), st.data())
def test_replaced_source_cell_touches_no_other(file, data):
    """Replacing a cell changes only its bytes and text, or is refused in our words."""
    raw, name = file
    notebook = parse_source(raw, name)
    cell = data.draw(st.sampled_from(notebook.cells))
    source = "\n".join(data.draw(BODIES))

    try:
        changed = replace_cell(notebook, cell.number, source)
    except CellWriteError:
        return

    assert changed.raw.startswith(raw[: cell.start])
    assert changed.raw.endswith(raw[cell.end :])
    assert changed.cells[cell.number - 1].source.strip() == source.strip()
    assert [c.source for c in changed.cells if c.number != cell.number] == [
        c.source for c in notebook.cells if c.number != cell.number
    ]


@given(jupyter_files(), st.data())
def test_replaced_jupyter_cell_touches_no_other(raw, data):
    """Replacing a cell changes only its source value, and reads back as it was given."""
    notebook = parse_ipynb(raw, "n.ipynb")
    assert notebook.to_bytes() == raw
    if not notebook.cells:
        return
    cell = data.draw(st.sampled_from(notebook.cells))
    source = "\n".join(data.draw(BODIES))

    changed = replace_cell(notebook, cell.number, source)

    assert changed.raw.startswith(raw[: cell.start])
    assert changed.raw.endswith(raw[cell.end :])
    assert [c.source for c in changed.cells] == [source if c is cell else c.source for c in notebook.cells]


@given(jupyter_files())
def test_jupyter_lines_are_true(raw):
    """Where lines are exact, each line of code stands on its line of the JSON text; else they are counted through."""
    notebook = parse_ipynb(raw, "n.ipynb")

    text = raw.decode().replace("\r\n", "\n").replace("\r", "\n").split("\n")
    kinds = [cell["cell_type"] for cell in json.loads(raw)["cells"]]
    line = 0
    for cell, kind in zip(notebook.cells, kinds, strict=True):
        if not notebook.exact_lines:
            assert cell.first_line > line
            line = cell.last_line
        elif kind == "code" and cell.source:
            assert cell.first_line > line
            line = cell.last_line
            for index, shown in enumerate(cell.source.removesuffix("\n").split("\n")):
                # Writers that split by str.splitlines put a form feed's two sides on two lines of the JSON.
                start = (shown.splitlines() or [""])[0]
                there = text[cell.first_line + index - 1]
                assert json.dumps(start)[1:-1] in there or json.dumps(start, ensure_ascii=False)[1:-1] in there


@given(source_files())
def test_python_text_keeps_the_lines(file):
    """The Python of a cell has as many lines as its text."""
    notebook = parse_source(*file)

    for cell in notebook.cells:
        text = python_text(cell)
        if text is not None:
            assert text.count("\n") == cell.source.count("\n")


@given(st.lists(LINES, max_size=8).map("\n".join))
def test_python_stays_as_it_is(text):
    """Text that is Python already is left alone."""
    try:
        ast.parse(text)
    except SyntaxError:
        return
    (cell,) = parse_source(
        b"# Databricks notebook source\nstart = 1\n" + text.replace("# COMMAND", "# command").encode(), "n.py"
    ).cells

    assert cell.skipped or python_text(cell) == cell.source


@settings(max_examples=300)
@given(st.binary(max_size=200), st.sampled_from(["n.py", "n.sql", "n.ipynb"]), st.booleans())
def test_any_bytes_read_or_are_refused(raw, name, headed):
    """Any bytes are a notebook or refused with an error of ours."""
    header = DIALECTS[name[1:]].header + b"\n" if headed and name != "n.ipynb" else b""

    try:
        notebook = parse_ipynb(raw, name) if name == "n.ipynb" else parse_source(header + raw, name, headerless=True)
    except HarnessError:
        return

    assert notebook.to_bytes() == header + raw
