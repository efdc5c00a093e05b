from __future__ import annotations

from pathlib import Path

import pytest

from harness.execute.steps import step_of
from harness.notebook.source import parse_source

HEADER = "# Databricks notebook source\n"
MIXED = (
    "some of its lines begin with '# MAGIC' and set a language, others are code: what Databricks runs of it can't be told, "
    "so give each a cell of its own"
)


def steps(text):
    """The kind and text of what is to be done for each cell."""
    notebook = parse_source((HEADER + text).encode(), Path("n.py"), headerless=False)
    return [(step.kind, step.text) for step in map(step_of, notebook.cells)]


def test_python_stays_as_it_is():
    """IPython knows the magics in it, and lines keep their places."""
    assert steps("\n# a comment\n%time x = 1\n") == [("code", "# a comment\n%time x = 1")]


def test_a_cell_of_sql_is_one_call():
    """With what stands on the magic's own line before what follows."""
    [(kind, text)] = steps("# MAGIC %sql select 1;\n# MAGIC select 'a' -- \"b\"\n")

    assert kind == "code"
    called = []
    fake = type("Shell", (), {"run_cell_magic": staticmethod(lambda *call: called.append(call))})
    exec(text, {"get_ipython": lambda: fake})
    assert called == [("sql", "", "select 1;\nselect 'a' -- \"b\"")]


def test_the_line_that_names_python_says_nothing_more():
    """Its place is kept, and what stands behind it is code."""
    assert steps("# MAGIC %python\n# MAGIC x = 1\n") == [("code", "\nx = 1")]
    assert steps("# MAGIC %python x = 1\n") == [("code", "x = 1")]
    assert steps("# MAGIC %%python\n# MAGIC x = 1\n") == [("code", "\nx = 1")]


@pytest.mark.parametrize("magic", ["%sql", "%%sql", "%fs", "%sh", "%SQL"])
def test_a_magic_without_anything_under_it(magic):
    """IPython would say that two percent signs want a text."""
    assert steps(f"# MAGIC {magic}\n# MAGIC \n") == [
        ("unsupported", f"there is nothing under {magic}: write what it is to do, or take the cell out")
    ]
    assert steps("# MAGIC %fs ls\n")[0][0] == "code"


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("# MAGIC %sh -e\n# MAGIC ls\n", ("nbh_sh", "", "-e\nls")),
        ("# MAGIC %%sh\n# MAGIC ls\n", ("sh", "", "ls")),
        ("# MAGIC %%bash --out x\n# MAGIC ls\n", ("bash", "--out x", "ls")),
        ("# MAGIC %%script python3\n# MAGIC 1\n", ("script", "python3", "1")),
    ],
)
def test_a_cell_of_shell(text, call):
    """Databricks' own magic is told from IPython's: only that one fails where its shell does, and has options."""
    [(_, code)] = steps(text)

    called = []
    fake = type("Shell", (), {"run_cell_magic": staticmethod(lambda *given: called.append(given))})
    exec(code, {"get_ipython": lambda: fake})
    assert called == [call]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("# MAGIC %scala\n# MAGIC val x = 1\n", "Scala can't run here"),
        ("# MAGIC %r\n# MAGIC x <- 1\n", "R can't run here"),
        ("# MAGIC %md\n# MAGIC # Title\nx = 1\n", MIXED),
        ("x = 1\n# MAGIC %sql\n# MAGIC SELECT 1\n", MIXED),
    ],
)
def test_other_languages_are_not_passed_over(text, why):
    """They are named as what can't run."""
    assert steps(text) == [("unsupported", why)]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("# MAGIC %run ./setup\n", "code"),
        ("# why it is run\n# MAGIC %run ./setup $day=1\n", "code"),
        ("# MAGIC %run ./setup\n# MAGIC print(x)\n", "unsupported"),
        ("# MAGIC %run ./setup\n# MAGIC %run ./more\n", "unsupported"),
        ("x = 1\n%run ./setup\n", "unsupported"),
    ],
)
def test_a_run_has_a_cell_of_its_own(text, kind):
    """Databricks runs none that stands beside something else."""
    assert [found for found, _ in steps(text)] == [kind]


def test_what_is_for_people_and_what_is_skipped():
    """Markdown runs nothing; ``%skip`` is told apart from it."""
    assert [
        kind for kind, _ in steps("# MAGIC %md\n# MAGIC # Title\n\n# COMMAND ----------\n\n# MAGIC %skip\n# MAGIC x = 1\n")
    ] == [
        "nothing",
        "skipped",
    ]
