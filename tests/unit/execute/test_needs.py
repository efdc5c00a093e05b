from __future__ import annotations

from pathlib import Path

import pytest

from harness.execute.needs import needs_spark, warmed
from harness.notebook.source import parse_source


def read(text, path):
    """A notebook of one cell."""
    return parse_source(f"# Databricks notebook source\n{text}\n".encode(), Path(path), headerless=False)


@pytest.mark.parametrize(
    "text",
    ["df = spark.range(1)", "# MAGIC %sql select 1", "%run ./other", "import pyspark", "from delta.tables import DeltaTable",
     "import helper", "sqlContext.sql('x')", "dbutils.notebook.run('./other', 60)", "import elsewhere", "import os, lib as x",
     "from src.x import y", "from . import x", "x = 1; import lib", "if True: import lib", "__import__('os')",
     "runpy.run_path('x.py')"],
)  # fmt: skip
def test_what_may_ask_for_spark(text, tmp_path):
    """Also by a module of the project, which nobody has read."""
    (tmp_path / "helper.py").touch()

    assert needs_spark(read(text, tmp_path / "n.py"), [])


@pytest.mark.parametrize(
    "text",
    ["import json, pandas\nx = 1", "import sys, os as o\nfrom collections.abc import Mapping", "import numpy as np  # lib, x",
     "dbutils.notebook.exit('1')", "sparkle = 1"],
)  # fmt: skip
def test_what_does_not(text, tmp_path):
    """A session is a third of a second, for nothing."""
    assert not needs_spark(read(text, tmp_path / "n.py"), [str(tmp_path)])


@pytest.mark.parametrize(
    ("text", "is_warmed"),
    [
        ("import pandas, sklearn", True),
        ("import os\nfrom sklearn.ensemble import RandomForestRegressor", True),
        ("import mlflow.sklearn as m, json", True),
        ("from mlflow import MlflowClient", True),
        ("import mlflow_helper\nfrom . import mlflow", False),
        ("%pip install mlflow==3.1\nimport mlflow", False),
        ("dbutils.library.restartPython()\nimport mlflow", False),
    ],
)
def test_what_takes_long_is_imported_before_it(text, is_warmed, tmp_path):
    """The same for each, and only where it is the version that the notebook gets."""
    named = {name for name in warmed(read(text, tmp_path / "n.py"), []) if "." not in name}

    assert named == ({"mlflow", "sklearn"} if is_warmed else set())


@pytest.mark.parametrize("name", ["mlflow.py", "sklearn"])
def test_a_projects_own_module_of_that_name(name, tmp_path):
    """Wherever the project looks, it isn't the library that the notebook gets; another notebook's would stand for it."""
    (tmp_path / "src" / name).mkdir(parents=True)

    assert warmed(read("import mlflow", tmp_path / "n.py"), [str(tmp_path / "src")]) == ()
    assert warmed(read("import mlflow", tmp_path / "src" / "n.py"), []) == ()
