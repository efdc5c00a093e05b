"""Notebooks that another notebook imports as modules are told of; what Python may import isn't."""

from __future__ import annotations

import pytest

from harness.extract.inventory import list_notebook


@pytest.fixture
def problems(write, loader, tmp_path):
    """Give what is told of a notebook with this text, in a project with a notebook ``features`` and a module ``plain``."""
    for folder in ("jobs", "lib"):
        write(f"{folder}/features.py", "def f():\n    pass\n")
        write(f"{folder}/plain.py", "def f():\n    pass\n", header=False)
    (tmp_path / "jobs" / "pack").mkdir()
    write("jobs/pack.py", "x = 1\n")

    def told(text):
        listed = list_notebook(str(write("jobs/etl.py", text)), loader)
        return [(problem.code, problem.what, problem.location.line) for problem in listed.problems]

    return told


@pytest.mark.parametrize(
    ("text", "file"),
    [
        ("import features", "features.py"),
        ("import json, features as f", "features.py"),
        ("from features import f", "features.py"),
        ("from features import *", "features.py"),
        ("import lib.features", "../lib/features.py"),
        ("from lib import plain, features", "../lib/features.py"),
    ],
)
def test_an_imported_notebook_is_told(problems, text, file):
    """Whichever form names it: Databricks refuses, and the notebook ends there."""
    assert problems(text) == [("NBH117", f"the notebook {file} is imported as a module", 2)]


@pytest.mark.parametrize(
    "text", ["import plain", "from lib.plain import f", "import pack", "import json", "from . import features", "f = 1"]
)
def test_other_imports_are_not(problems, text):
    """Plain modules, packages, what isn't there."""
    assert problems(text) == []


def test_a_notebook_that_is_run_brings_its_imports(problems, write):
    """It is the one in which the import stands that is named."""
    write("jobs/setup.py", "\n# COMMAND ----------\n\nimport features\n")

    assert [what for _, what, _ in problems("# MAGIC %run ./setup")] == ["the notebook features.py is imported as a module"]
