from __future__ import annotations

import ast
from textwrap import dedent

import pytest

from harness.model import Cell
from harness.notebook import assigned_by_magic, parse_source, python_text
from harness.notebook.magics import read_magics


def python_cell(source: str, *, first_line: int = 1) -> Cell:
    """Give the text as a cell of a python notebook."""
    reading = read_magics(source, default="python", first_line=first_line)
    last = first_line + source.count("\n")
    return Cell(1, reading.language, source, first_line, last, 0, 0, None, reading.magics, reading.skipped)


@pytest.mark.parametrize(
    ("source", "language"),
    [
        ("x = 1", "python"),
        ("", "python"),
        ("%sql\nselect 1", "sql"),
        ("%sql select 1", "sql"),
        ("# a comment\n\n%sql\nselect 1", "sql"),
        ("%md # Title", "markdown"),
        ("%md --i18n-1234", "markdown"),
        ("%md--i18n-1234", "markdown"),
        ("%md-sandbox\n<div>", "markdown"),
        ('%environment\n"client": "1"\n"base_environment": ""', "markdown"),
        ("%sh\nls", "shell"),
        ("%fs ls /", "fs"),
        ("%scala\nval x = 1", "scala"),
        ("%r\nx <- 1", "r"),
        ("%run ./setup", "run"),
        ("%run ./setup\n# then\n%run ./more", "run"),
        ("%pip install a", "pip"),
        ("%pip install a \\\n  b", "pip"),
        ("%conda install a", "pip"),
        ("pip install a", "pip"),
        ("\npip uninstall -y a\n", "pip"),
        ("pip install a\nx = 1", "python"),
        ("pip = 1", "python"),
        ("%pip install a\ndbutils.library.restartPython()", "python"),
        ("%python\nx = 1", "python"),
        ("%py\nx = 1", "python"),
        ("%load_ext autoreload\n%autoreload 2", "python"),
        ('%mosaic_kepler df "h3" "h3"', "python"),
        ("!ls", "python"),
        ("!skip", "python"),
        ("!sql", "python"),
        ("%%time\nf()", "python"),
        ("%%sql\nselect 1", "sql"),
        ("%%bash\nls", "shell"),
        ("%%writefile a.py\nx = 1", "python"),
    ],
)
def test_first_magic_decides_the_language(source, language):
    """The first magic, comments aside, says what a cell of a python notebook is written in."""
    reading = read_magics(source, default="python", first_line=1)

    assert (reading.language, reading.doubt) == (language, "")


@pytest.mark.parametrize("default", ["sql", "scala", "r"])
def test_cell_without_magic_has_the_default_language(default):
    """A cell without a magic is written in the notebook's language."""
    reading = read_magics("x % 2", default=default, first_line=1)

    assert reading.language == default


def test_unknown_magic_outside_python_is_doubtful():
    """A magic that only IPython knows leaves a cell of a SQL notebook unknown, and says so."""
    reading = read_magics("%lsmagic", default="sql", first_line=1)

    assert (reading.language, reading.doubt) == ("unknown", "%lsmagic is no magic of a notebook whose language is sql")


def test_run_magics_are_listed_wherever_they_stand():
    """Each %run of a cell is listed with its raw argument and its line, between code too."""
    cell = python_cell('x = 1\n%run ./a $p="b c"\nif x:\n    %run "../d e"\n', first_line=10)

    assert [(magic.name, magic.argument, magic.line) for magic in cell.magics] == [
        ("run", './a $p="b c"', 11),
        ("run", '"../d e"', 13),
    ]


def test_run_in_a_scala_notebook_is_listed():
    """A %run between lines of another language is listed as well."""
    reading = read_magics("val x = 1\n%run ./setup", default="scala", first_line=4)

    assert [(magic.argument, magic.line) for magic in reading.magics] == [("./setup", 5)]


def test_run_in_markdown_text_is_no_magic():
    """A %run that a markdown cell talks about isn't one."""
    reading = read_magics("%md\n%run ./setup", default="python", first_line=1)

    assert [magic.name for magic in reading.magics] == ["md"]


def test_continued_magic_is_joined_by_blanks():
    """A magic line that goes on after a backslash is one magic."""
    cell = python_cell("%pip install a \\\n    b \\\n  c\nx = 1")

    assert [(magic.name, magic.argument) for magic in cell.magics] == [("pip", "install a b c")]


def test_skipped_cell_is_no_python():
    """A %skip cell keeps its language, is marked, and gives no Python and no %run."""
    cell = python_cell("%skip\ndef old():\n    pass\n%run ./x")

    text = python_text(cell)

    assert (text, cell.skipped, [magic.name for magic in cell.magics]) == (None, True, ["skip"])


def test_skip_before_another_magic_keeps_its_language():
    """What follows %skip still says the language."""
    reading = read_magics("%skip\n%sql\nselect 1", default="python", first_line=1)

    assert (reading.language, reading.skipped) == ("sql", True)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("x = 1\n", "x = 1\n"),
        ("%pip install a\nx = 1", "pass  # %pip install a\nx = 1"),
        ("!ls\nx = 1", "pass  # !ls\nx = 1"),
        ("if a:\n    %cd /tmp\nelse:\n\t!ls", "if a:\n    pass  # %cd /tmp\nelse:\n\tpass  # !ls"),
        ("%pip install a \\\n  b\nx = 1", "pass  # %pip install a \\\n#   b\nx = 1"),
        ("files = !ls\nx = 1", "pass  # files = !ls\nx = 1"),
        ("a, b = %magic x", "pass  # a, b = %magic x"),
        ("%%time\nx = f()", "pass  # %%time\nx = f()"),
        ("%%capture out\nx = f()", "pass  # %%capture out\nx = f()"),
        ("%%timeit -n 1\n%cd /\nf()", "pass  # %%timeit -n 1\npass  # %cd /\nf()"),
        ("%python\nx = 1", "\nx = 1"),
        ("%py\nx = 1", "\nx = 1"),
        ("%python x = 1", "x = 1"),
        ("%%python\nx = 1", "\nx = 1"),
        ("# why\n%python\nx = 1", "# why\n\nx = 1"),
    ],
)
def test_magic_lines_become_pass(source, text):
    """Magic lines of a python cell become statements that do nothing, at the same line and indent."""
    shown = python_text(python_cell(source))

    assert shown == text


@pytest.mark.parametrize(
    "source",
    [
        "x = (5\n    % 3)",
        'text = (\n    "%s"\n    % name\n)',
        "x = 5 \\\n  % 3",
        'text = """\n%pip install a\n!ls\n"""',
        "text = '''\n%d ' \"\n''' % 1",
        'text = r"""\\\n%x \\"""\n%y"""',
        'f("a = %s" % x)',
        "assert a != b",
        "x = {  # a comment with ( and '\n  1:\n  2 % 1,\n  'a': '[' % ()\n  % 2}",
        'raise E("""a\n"b" %s""" % x)',
        'd["a=!"] = 1',
        "x == y\nz = 1 % 2",
        "s = 'it''s (' ; t = \"[\"\nu = 1 % 2",
    ],
)
def test_percent_inside_an_expression_survives(source):
    """A line that begins with % inside a string or a continued expression is Python, and stays."""
    text = python_text(python_cell(source))

    assert text == source
    ast.parse(source)


@pytest.mark.parametrize(
    "source",
    ["%%writefile a.py\nx = 1", "%%sql\nselect 1", "%%bash\nls", "%sql select 1", "%md x", "%run ./x", "%pip install a"],
)
def test_other_cells_give_no_python(source):
    """A cell whose text is something else than this notebook's Python gives None."""
    assert python_text(python_cell(source)) is None


def test_indented_cell_is_shifted_left():
    """A cell that is indented as a whole is shifted left, as IPython does."""
    text = python_text(python_cell("\n    x = 1\n    if x:\n        y = 2"))

    assert text == "\nx = 1\nif x:\n    y = 2"


def test_names_bound_by_magic_are_reported():
    """Names that only a magic would bind are listed with their lines."""
    cell = python_cell("x = 1\nfiles = !ls\na, b.c, d[0] = %magic\n", first_line=7)

    assert assigned_by_magic(cell) == {"files": 8, "a": 9}


@pytest.mark.parametrize("character", ["\f", "\x0b", "\x1c", "\x85", "\u2028", "\u2029"])
def test_odd_separators_are_no_line_ends(character):
    """Characters that str.splitlines takes for line ends don't shift magic lines."""
    source = f"text = 'a{character}b'\n%cd /\nx = 1"

    text = python_text(python_cell(source))

    assert text == f"text = 'a{character}b'\npass  # %cd /\nx = 1"


def test_magic_that_breaks_off_is_still_one_line():
    """A magic line that ends in a backslash at the end of the cell is taken as it is."""
    assert python_text(python_cell("x = 1\n!ls \\")) == "x = 1\npass  # !ls \\"


def test_comments_before_a_magic_are_no_code():
    """A pip cell explained by comments is a pip cell, be they marked as MAGIC or not."""
    raw = dedent(
        """\
        # Databricks notebook source
        # why we need it
        # MAGIC %pip install a

        # COMMAND ----------

        # MAGIC # why
        # MAGIC %pip install a
        """
    ).encode()

    cells = parse_source(raw, "n.py").cells

    assert [cell.language for cell in cells] == ["pip", "pip"]
