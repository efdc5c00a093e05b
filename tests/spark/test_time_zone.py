"""Python's clock, on a machine that doesn't stand in UTC: as on a cluster, or as the settings say."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest
from inner_runs import ADDOPTS

NOTEBOOK = """# Databricks notebook source
from datetime import datetime
from pyspark.sql import functions as F

@F.udf("string")
def shown(at):
    return str(at)

def times(spark):
    at = spark.sql("SELECT TIMESTAMP'2026-01-01 12:00:00Z' AS at")
    sent = spark.createDataFrame([(datetime(2026, 1, 1, 12),)], ["at"])
    return [str(at.first().at), at.select(shown("at")).first()[0], sent.selectExpr("CAST(at AS STRING)").first()[0]]

# COMMAND ----------

dbutils.notebook.exit(" ".join([*times(spark), str(datetime.fromtimestamp(0))]))
"""
TESTS = """
import time

def test_before():
    assert time.localtime(0).tm_hour == 19

def test_unit(notebook, spark):
    assert notebook("nb.py").times(spark) == {unit}
    assert time.localtime(0).tm_hour == {hour}

def test_whole(run_notebook):
    assert run_notebook("nb.py").exit_value == {whole!r}
"""
NOON, MORNING, EVENING = "2026-01-01 12:00:00", "2026-01-01 07:00:00", "2026-01-01 17:00:00"


@pytest.mark.parametrize(
    ("arguments", "passed"), [((), 3), (("--nbh-engine=classic", "-k", "not whole"), 2)], ids=["connect", "classic"]
)
@pytest.mark.parametrize(
    ("settings", "unit", "epoch"),
    [
        ("", [NOON, NOON, NOON], "1970-01-01 00:00:00"),
        ('time_zone = "America/New_York"', [MORNING, MORNING, EVENING], "1969-12-31 19:00:00"),
    ],
    ids=["utc", "set"],
)
def test_times_are_those_of_a_cluster(tmp_path, *, arguments, passed, settings, unit, epoch):
    """Timestamps that are collected, that a function in Spark sees, and datetimes that Spark is given."""
    (tmp_path / "pyproject.toml").write_text(f"[tool.pytest.ini_options]\n[tool.nbh]\n{settings}\n")
    (tmp_path / "nb.py").write_text(NOTEBOOK)
    whole = " ".join([*unit, epoch])
    (tmp_path / "test_nb.py").write_text(TESTS.format(unit=unit, hour=int(epoch[11:13]), whole=whole))

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *arguments],
        cwd=tmp_path,
        env={**os.environ, "TZ": "America/New_York", "PYTEST_ADDOPTS": ADDOPTS},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )

    assert f"{passed} passed" in done.stdout, done.stdout + done.stderr


def test_afterwards_it_is_the_machines_again(monkeypatch):
    """Whatever was set before, or nothing."""
    from harness.runtime.clock import time_zone

    monkeypatch.setenv("TZ", "Asia/Tokyo")
    with time_zone("America/New_York"):
        assert time.localtime(0).tm_hour == 19
    assert time.localtime(0).tm_hour == 9
    monkeypatch.undo()
    time.tzset()
