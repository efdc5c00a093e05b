from __future__ import annotations

from benchmarks import loose
from benchmarks.projects import ipynb


def test_definitions_are_found_wherever_they_stand(tmp_path):
    """Definitions of all parseable Python cells count, under an ``if`` too, and those in other languages don't."""
    (tmp_path / "nb.py").write_text(
        "# Databricks notebook source\n"
        "%pip install x\ndef first(): pass\n"
        "# COMMAND ----------\n"
        "if True:\n    class Second: pass\n"
        "# COMMAND ----------\n"
        "def broken(:\n"
        "# COMMAND ----------\n"
        "# MAGIC %scala\n# MAGIC def third() = 1\n"
        "# COMMAND ----------\n"
        "# MAGIC %python\n# MAGIC def fourth(): pass\n"
    )

    found = loose.read(tmp_path / "nb.py")

    assert [(d.name, d.is_class, d.nested) for d in found.defined] == [
        ("first", False, False),
        ("Second", True, True),
        ("fourth", False, False),
    ]
    assert [body is None for body in found.parsed] == [False, False, True, False]


def test_jupyter_notebooks_are_read(tmp_path):
    """An ``.ipynb`` gives its code cells, and a SQL cell none."""
    (tmp_path / "nb.ipynb").write_text(ipynb(["def f():\n    pass\n", "%sql\nselect 1\n"]))

    assert [d.name for d in loose.read(tmp_path / "nb.ipynb").defined] == ["f"]
