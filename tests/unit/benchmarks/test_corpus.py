from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import tables

ROOT = Path(__file__).resolve().parents[3]
NOTEBOOK = """# Databricks notebook source
import no_such_package_anywhere as absent
LIMIT = 3
open("out", "w").write("top level")

# COMMAND ----------

def plain(x):
    return min(x, LIMIT)

def with_spark():
    return spark.range(3)

def lacking():
    return absent.f()

def computed():
    return model

def undefined():
    return nowhere

# COMMAND ----------

model = open("model").read()
"""


@pytest.fixture(scope="module")
def facts(tmp_path_factory):
    """The facts of a folder with one notebook, one that can't be read, and one file that is none."""
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "nb.py").write_text(NOTEBOOK)
    (folder / "torn.ipynb").write_text('{"cells": [')
    (folder / "module.py").write_text("raise SystemExit\n")
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.corpus", str(folder), "--json"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert sorted(path.name for path in folder.iterdir()) == ["module.py", "nb.py", "torn.ipynb"]
    return json.loads(done.stdout)


def test_units_are_judged(facts):
    """Each function loads; callable are those that need nothing but what a test gives."""
    units = {unit["name"]: unit for unit in facts[0]["units"]}

    assert all(unit["loads"] for unit in units.values())
    assert {name: unit["callable"] for name, unit in units.items()} == {
        "plain": True, "with_spark": True, "lacking": False, "computed": False, "undefined": False,
    }  # fmt: skip
    assert [bool(units["lacking"][kind]) for kind in ("missing", "causes")] == [True, False]
    assert units["undefined"]["causes"] == ["unresolved: nowhere"]
    assert [unit["needs"] for unit in units.values()] == [
        "computed state", "imports and siblings", "constants", "undefined anywhere", "spark, dbutils, display",
    ]  # fmt: skip


def test_nothing_was_done_to_the_outside(facts):
    """The notebook's top level is not run, and a file that can't be read is a problem, not a crash."""
    assert [fact["effects"] for fact in facts] == [[], []]
    assert [fact["crashes"] for fact in facts] == [[], []]
    assert "NBH100" in facts[1]["problems"][0]
    assert tables.failures(facts) == []


def test_the_report_names_figures_and_causes(facts):
    """The report gives both figures, and the rest by cause with its place."""
    text = "\n".join(tables.report(facts))

    assert "functions and classes that load as what they are: 5/5 (100.0 %)" in text
    assert "callable with nothing given by hand: 2/5 (40.0 %)" in text
    assert "if those that miss only packages counted as callable: 3/5 (60.0 %)" in text
    assert "* 1 x unresolved: nowhere\n    - nb.py:20 undefined" in text
    assert "* 1 x no_such_package_anywhere" in text


def test_what_must_never_be_is_named(facts):
    """A side effect of a notebook, different bytes and a bare NameError each fail the run."""
    bad = {**facts[0], "same bytes": False, "effects": [["notebook statement", "os.mkdir", "x", "nb.py:1"]]}
    bad["units"] = [{**facts[0]["units"][0], "bare": ["x: NameError: x"]}]

    assert len(tables.failures([bad])) == 3
