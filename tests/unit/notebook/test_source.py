from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import CellWriteError, NotANotebookError, NotebookReadError
from harness.notebook import parse_source, python_text, replace_cell

HEADER = "# Databricks notebook source\n"
SEPARATOR = "\n# COMMAND ----------\n\n"


def parse(text: str, name: str = "n.py", **options):
    """Parse text as a source notebook."""
    return parse_source(text.encode(), name, **options)


def test_cells_are_numbered_with_their_lines_and_bytes():
    """Each cell has its number, text, lines and bytes, blank lines around it aside."""
    notebook = parse(f"{HEADER}\nx = 'é'\n{SEPARATOR}\n# MAGIC %md\n# MAGIC # T\n{SEPARATOR}def f():\n\n    return 1\n")

    shown = [(cell.number, cell.source, cell.first_line, cell.last_line) for cell in notebook.cells]
    held = [notebook.raw[cell.start : cell.end].decode() for cell in notebook.cells]
    assert shown == [(1, "x = 'é'", 3, 3), (2, "%md\n# T", 8, 9), (3, "def f():\n\n    return 1", 13, 15)]
    assert held == ["x = 'é'", "# MAGIC %md\n# MAGIC # T", "def f():\n\n    return 1"]


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        (HEADER, [("", 2)]),
        (HEADER.rstrip(), [("", 1)]),
        (f"{HEADER}# COMMAND ----------\nx = 1", [("", 2), ("x = 1", 3)]),
        (f"{HEADER}x = 1\n# COMMAND ----------", [("x = 1", 2), ("", 3)]),
        (f"{HEADER}x = 1{SEPARATOR}", [("x = 1", 2), ("", 4)]),
        (f"{HEADER}\n \n\t\n", [("", 2)]),
        (f"{HEADER}# COMMAND ----------\n# COMMAND ----------\n", [("", 2), ("", 3), ("", 4)]),
        (f"{HEADER}x = 1\n# COMMAND ----------  \t\ny = 2", [("x = 1", 2), ("y = 2", 4)]),
        ("\ufeff" + HEADER + "x = 1", [("x = 1", 2)]),
        ("# Databricks notebook source exported at Sat, 18 Jun 2016 05:46:47 UTC\nx = 1", [("x = 1", 2)]),
        (HEADER + "x = 1  \n\n", [("x = 1  ", 2)]),
    ],
)
def test_edges_of_a_file(text, cells):
    """Headers, separators and blank lines at the edges give the cells that the notebook's screen shows."""
    notebook = parse(text)

    assert [(cell.source, cell.first_line) for cell in notebook.cells] == cells
    assert notebook.to_bytes() == text.encode()


@pytest.mark.parametrize(
    "line",
    [
        "# COMMAND--------------------",
        "# COMMAND ---------",
        "#COMMAND ----------",
        " # COMMAND ----------",
        "# COMMAND ----------x",
    ],
)
def test_only_the_exact_separator_separates(line):
    """A hand-written line that looks like a separator is a comment."""
    notebook = parse(f"{HEADER}x = 1\n{line}\ny = 2\n")

    assert [cell.source for cell in notebook.cells] == [f"x = 1\n{line}\ny = 2"]


@pytest.mark.parametrize(
    ("name", "mark", "language"), [("n.sql", "--", "sql"), ("n.scala", "//", "scala"), ("n.r", "#", "r"), ("n.R", "#", "r")]
)
def test_other_languages_have_their_own_comments(name, mark, language):
    """The .sql, .scala and .r formats put header, separators and magics in their own comments."""
    text = f"{mark} Databricks notebook source\nx\n{mark} COMMAND ----------\n{mark} MAGIC %python\n{mark} MAGIC y = 1\n"

    notebook = parse(text, name)

    assert notebook.language == language
    assert [(cell.language, cell.source) for cell in notebook.cells] == [(language, "x"), ("python", "%python\ny = 1")]


@pytest.mark.parametrize(
    ("lines", "title", "first_line", "source"),
    [
        ("# DBTITLE 1,Load, then clean\nx = 1", "Load, then clean", 3, "x = 1"),
        ("# DBTITLE 0,Hidden\nx = 1", "Hidden", 3, "x = 1"),
        ("# DBTITLE Odd\nx = 1", "Odd", 3, "x = 1"),
        ("# DBTITLE 1,\nx = 1", None, 3, "x = 1"),
        ("\n# DBTITLE 1,T\n\n# MAGIC %sql\n# MAGIC select 1", "T", 5, "%sql\nselect 1"),
        ("# DBTITLE 1,Only", "Only", 2, ""),
        ("# DBTITLE 1,Größe ☃\nx = 1", "Größe ☃", 3, "x = 1"),
    ],
)
def test_title_is_no_part_of_the_text(lines, title, first_line, source):
    """A DBTITLE line gives the title, and the text begins after it."""
    cell = parse(HEADER + lines).cells[0]

    assert (cell.title, cell.first_line, cell.source) == (title, first_line, source)


def test_magic_prefixes_are_taken_off():
    """Prefixes with and without a blank, and blank lines without a prefix, are one magic cell."""
    cell = parse(HEADER + "# MAGIC %md\n# MAGIC\n# MAGIC \n\n# MAGIC  * x\n# MAGIC # MAGIC y").cells[0]

    assert (cell.language, cell.source) == ("markdown", "%md\n\n\n\n * x\n# MAGIC y")


def test_script_header_is_no_cell():
    """A serverless header gives the dependencies, and the first cell begins after it."""
    text = (
        f'{HEADER}# /// script\n# [tool.databricks.environment]\n# environment_version = "5"\n# dependencies = [\n'
        '#   "a==1",\n#   "b",\n# ]\n# ///\n# MAGIC %md\n# MAGIC Title\n'
    )

    notebook = parse(text)

    assert notebook.dependencies == ("a==1", "b")
    assert [(cell.language, cell.source, cell.first_line) for cell in notebook.cells] == [("markdown", "%md\nTitle", 10)]


def test_plain_script_header_gives_dependencies():
    """The dependencies of a standard script header count as well."""
    notebook = parse(f'{HEADER}# /// script\n# dependencies = ["a"]\n# ///\nx = 1\n')

    assert (notebook.dependencies, notebook.cells[0].source) == (("a",), "x = 1")


def test_broken_script_header_is_a_problem():
    """A script header that isn't TOML costs the dependencies only."""
    notebook = parse(f"{HEADER}# /// script\n# dependencies = [\n# ///\nx = 1\n")

    assert [(problem.code, str(problem.location)) for problem in notebook.problems] == [("NBH100", "n.py:2")]
    assert [cell.source for cell in notebook.cells] == ["x = 1"]


@pytest.mark.parametrize(
    ("lines", "language", "source", "text"),
    [
        (
            "# MAGIC %pip install a\ndbutils.library.restartPython()",
            "python",
            "%pip install a\ndbutils.library.restartPython()",
            "pass  # %pip install a\ndbutils.library.restartPython()",
        ),
        (
            "# ruff: noqa: F821\n# MAGIC %pip install a\nx = 1",
            "python",
            "# ruff: noqa: F821\n%pip install a\nx = 1",
            "# ruff: noqa: F821\npass  # %pip install a\nx = 1",
        ),
        ("# using sql\n# MAGIC %sql\n# MAGIC select 1", "sql", "# using sql\n%sql\nselect 1", None),
        ("# MAGIC %python\nx = 1", "python", "%python\nx = 1", "\nx = 1"),
    ],
)
def test_mixed_cells_keep_their_python(lines, language, source, text):
    """A cell of prefixed and bare lines is one cell, in which no Python is lost."""
    notebook = parse(HEADER + lines)

    cell = notebook.cells[0]
    assert (cell.language, cell.source, python_text(cell), notebook.problems) == (language, source, text, ())


@pytest.mark.parametrize("lines", ["# MAGIC %md\n# MAGIC Title\nx = 1", "x = 1\n# MAGIC %sql\n# MAGIC select 1"])
def test_code_beside_another_language_is_kept_and_told(lines):
    """Where Python stands beside a text of another language, only the Python is taken, and a problem says so."""
    notebook = parse(HEADER + lines)

    assert python_text(notebook.cells[0]) == lines
    assert [(problem.code, str(problem.location)) for problem in notebook.problems] == [("NBH112", "n.py:2 (cell 1)")]


def test_mixed_cell_of_another_language_is_unknown():
    """Bare SQL beside a prefixed Python text is neither."""
    notebook = parse("-- Databricks notebook source\n-- MAGIC %md\n-- MAGIC T\nselect 1", "n.sql")

    assert [cell.language for cell in notebook.cells] == ["unknown"]
    assert [problem.code for problem in notebook.problems] == ["NBH112"]


@pytest.mark.parametrize("newline", ["\r\n", "\r"])
def test_other_line_ends_are_lines_too(newline):
    """With CRLF or CR line ends the cells have the same text and lines, and their own bytes."""
    text = f"{HEADER}# DBTITLE 1,T\nx = 1\n\ny = 'é'\n{SEPARATOR}# MAGIC %sql\n# MAGIC select 1\n"
    raw = text.replace("\n", newline).encode()

    notebook = parse_source(raw, "n.py")

    plain = parse(text)
    assert [(c.source, c.first_line, c.last_line, c.title) for c in notebook.cells] == [
        (c.source, c.first_line, c.last_line, c.title) for c in plain.cells
    ]
    assert notebook.raw[notebook.cells[0].start : notebook.cells[0].end] == f"x = 1{newline}{newline}y = 'é'".encode()
    assert notebook.to_bytes() == raw


@pytest.mark.parametrize("character", ["\f", "\x0b", "\x1c", "\x85", "\u2028"])
def test_odd_separators_shift_no_line(character):
    """Characters that str.splitlines takes for line ends count no line."""
    notebook = parse(f"{HEADER}x = 'a{character}b'\n# COMMAND ----------\ny = 1")

    assert [cell.first_line for cell in notebook.cells] == [2, 4]


def test_named_encoding_is_honoured():
    """A file that isn't UTF-8 is read in the encoding that its second line names."""
    text = f"{HEADER}# -*- coding: cp1252 -*-\n# COMMAND ----------\nx = 'é'\n"

    notebook = parse_source(text.encode("cp1252"), "n.py")
    changed = replace_cell(notebook, 2, "x = 'ü'")

    assert notebook.cells[1].source == "x = 'é'"
    assert changed.raw == text.replace("é", "ü").encode("cp1252")


def test_headerless_file_is_taken_on_request():
    """A file with separators and no header is a notebook only when asked for."""
    text = "x = 1\n\n# COMMAND ----------\n\ny = 2\n"

    notebook = parse(text, headerless=True)

    assert [(cell.source, cell.first_line) for cell in notebook.cells] == [("x = 1", 1), ("y = 2", 5)]


def test_headerless_file_may_begin_with_a_separator():
    """The first line of a file without a header may be a separator."""
    notebook = parse("# COMMAND ----------\ny = 2\n", headerless=True)

    assert [(cell.source, cell.first_line) for cell in notebook.cells] == [("", 1), ("y = 2", 2)]


def test_missing_header_shows_its_text():
    """A file without the header is refused with what stands there."""
    with pytest.raises(NotANotebookError) as caught:
        parse("import os\n# COMMAND ----------\n")

    assert str(caught.value) == (
        "n.py:1: NBH101 the file is not a Databricks notebook\n"
        "  cause: line 1 is 'import os', not '# Databricks notebook source'\n"
        "  mend:  put '# Databricks notebook source' on line 1, or read it by read_notebook(…, headerless=True)\n"
        "  more:  docs/errors.md#nbh101"
    )


def test_a_module_is_told_from_a_notebook():
    """Without a cell separator it is likely to be one, and a test needs no harness for it."""
    with pytest.raises(NotANotebookError) as caught:
        parse("import os\n")

    assert caught.value.mend == "put '# Databricks notebook source' on line 1; if it is a Python module, import it as any other"


@pytest.mark.parametrize("text", ["", "\n# Databricks notebook source\n", "import os\n"])
def test_plain_file_is_refused_even_headerless(text):
    """Without header and without separators a file is no notebook at all."""
    with pytest.raises(NotANotebookError):
        parse(text, headerless=True)


def test_foreign_bytes_show_their_place():
    """Bytes that aren't UTF-8 are refused with their offset and line."""
    with pytest.raises(NotebookReadError) as caught:
        parse_source(f"{HEADER}x = 1\n# é\n".encode("cp1252"), "n.py")

    assert str(caught.value) == (
        "n.py:3: NBH100 the notebook is not UTF-8 text\n"
        "  cause: byte 0xe9 at offset 37 (line 3): invalid continuation byte\n"
        "  mend:  save the file as UTF-8, or name its encoding on line 2, as in '# -*- coding: cp1252 -*-'\n"
        "  more:  docs/errors.md#nbh100"
    )


def test_binary_file_shows_its_first_nul():
    """A binary file under a source name is refused as such."""
    with pytest.raises(NotebookReadError) as caught:
        parse_source(b"\x7fELF\0\0", "n.py")

    assert str(caught.value) == (
        "n.py: NBH100 the notebook is not text\n"
        "  cause: byte 4 of the file is NUL, which no text holds\n"
        "  mend:  check what the file is; a notebook is UTF-8 text\n"
        "  more:  docs/errors.md#nbh100"
    )


def test_utf16_file_is_told_apart():
    """A UTF-16 file is named as one."""
    with pytest.raises(NotebookReadError, match="the file is UTF-16"):
        parse_source(HEADER.encode("utf-16"), "n.py")


def test_replaced_magic_cell_keeps_its_prefixes():
    """A magic cell is written back with its prefixes, in the style the cell had."""
    notebook = parse(f"{HEADER}x = 1{SEPARATOR}# MAGIC %md\n# MAGIC \n# MAGIC old\n{SEPARATOR}y = 2")

    changed = replace_cell(notebook, 2, "%md\n\nnew\n\n")

    assert changed.raw.decode() == (
        f"{HEADER}x = 1{SEPARATOR}# MAGIC %md\n# MAGIC \n# MAGIC new\n# MAGIC \n# MAGIC \n{SEPARATOR}y = 2"
    )
    assert changed.cells[1].source == "%md\n\nnew\n\n"


def test_python_cell_becomes_a_magic_cell():
    """Python replaced by a magic text gets prefixes, and loses them again."""
    notebook = parse(f"{HEADER}x = 1\n")

    as_sql = replace_cell(notebook, 1, "%sql\nselect 1")
    back = replace_cell(as_sql, 1, "x = 1")

    assert as_sql.raw.decode() == f"{HEADER}# MAGIC %sql\n# MAGIC select 1\n"
    assert back.raw == notebook.raw


def test_replaced_cell_keeps_line_ends():
    """The file's own line ends are used for the new text."""
    notebook = parse_source(f"{HEADER}x = 1\n".replace("\n", "\r\n").encode(), "n.py")

    changed = replace_cell(notebook, 1, "y = 1\nz = 2")

    assert changed.raw == f"{HEADER}y = 1\nz = 2\n".replace("\n", "\r\n").encode()


@pytest.mark.parametrize(
    "text",
    [
        HEADER.rstrip(),
        f"{HEADER}# COMMAND ----------\n# COMMAND ----------",
        f"{HEADER}# DBTITLE 1,T",
        f"{HEADER}# COMMAND ----------\n\n\n",
    ],
)
def test_empty_cell_can_be_filled(text):
    """Text can be put into any empty cell, though it has no line of its own."""
    notebook = parse(text)

    filled = [replace_cell(notebook, cell.number, "x = 1") for cell in notebook.cells]

    for cell, changed in zip(notebook.cells, filled, strict=True):
        assert [c.source for c in changed.cells] == ["x = 1" if c is cell else "" for c in notebook.cells]


def test_separator_in_a_new_text_is_refused():
    """A text that would make two cells is refused with the line that would."""
    notebook = parse(f"{HEADER}x = 1\n")

    with pytest.raises(CellWriteError) as caught:
        replace_cell(notebook, 1, "y = 1\n# COMMAND ----------\nz = 1")

    assert str(caught.value) == (
        "n.py:2 (cell 1): NBH113 the new text can't stand in one cell\n"
        "  cause: line 2 of it is '# COMMAND ----------'\n"
        "  mend:  leave out the lines that Databricks reads as marks of its own, or make two cells\n"
        "  more:  docs/errors.md#nbh113"
    )


@pytest.mark.parametrize(
    "source", ["# DBTITLE 1,T\nx = 1", "# MAGIC x = 1", "# /// script\n# ///\nx = 1", "x = '\0'", "x = '\ud800'"]
)
def test_text_that_would_read_otherwise_is_refused(source):
    """A text that would not come back as it was given is refused."""
    notebook = parse(f"{HEADER}x = 1\n")

    with pytest.raises(CellWriteError):
        replace_cell(notebook, 1, source)


def test_text_outside_the_encoding_is_refused():
    """A character that the file's encoding lacks is refused by name."""
    notebook = parse_source(f"{HEADER}# coding: latin-1\n# COMMAND ----------\nx = 'é'\n".encode("latin-1"), "n.py")

    with pytest.raises(CellWriteError) as caught:
        replace_cell(notebook, 2, "x = '€'")

    assert str(caught.value) == (
        "n.py:4 (cell 2): NBH113 the cell's new text can't be written in the file's encoding\n"
        "  cause: '€' has no place in latin-1\n"
        "  mend:  save the notebook as UTF-8 first\n"
        "  more:  docs/errors.md#nbh113"
    )


def test_path_may_be_text_or_path():
    """The path may be given either way, and is kept as a Path."""
    assert parse(HEADER).path == parse_source(HEADER.encode(), Path("n.py")).path == Path("n.py")
