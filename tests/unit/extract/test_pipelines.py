"""Datasets of a pipeline, read outside of one."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import pytest


@pytest.fixture
def sessions(monkeypatch):
    """A pyspark whose active session is the last of this list, or none."""
    found = [None]
    sql = ModuleType("pyspark.sql")
    sql.SparkSession = SimpleNamespace(getActiveSession=lambda: found[-1])
    monkeypatch.setitem(sys.modules, "pyspark", ModuleType("pyspark"))
    monkeypatch.setitem(sys.modules, "pyspark.sql", sql)
    return found


def test_read_gives_the_running_sessions_table(project, sessions):
    """As a batch, and as a stream."""
    module = project.load("import dlt", 'def both():\n    return dlt.read("raw"), dlt.read_stream("raw")')
    stream = SimpleNamespace(table=lambda name: f"stream of {name}")
    sessions.append(SimpleNamespace(table=lambda name: f"rows of {name}", readStream=stream))

    assert module.both() == ("rows of raw", "stream of raw")


@pytest.mark.usefixtures("sessions")
def test_read_without_a_session_says_what_to_do(project):
    """The test has to ask for one."""
    module = project.load("import dlt", 'def f():\n    return dlt.read("raw")')

    with pytest.raises(RuntimeError, match="ask for the spark fixture"):
        module.f()
