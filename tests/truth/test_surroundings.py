"""Rows of the list that what a notebook finds around it touches, named by the row's number."""

from __future__ import annotations

from importlib.util import find_spec

import pytest


@pytest.mark.skipif(find_spec("nbclient") is None, reason="needs the extra local")
def test_60_a_refusal_that_the_notebook_catches_is_not_passed(folder):
    """The lie: ``except Exception`` hides that a call was not served, and what came out instead is taken for a result."""
    folder.write(
        {
            "nbs/etl.py": """
                # Databricks notebook source
                try:
                    region = dbutils.credentials.showCurrentRole()[0]
                except Exception:
                    region = "none"

                # COMMAND ----------

                dbutils.notebook.exit(region)
                """,
            "test_it.py": """
                def test_call(run_notebook):
                    run = run_notebook("nbs/etl.py")
                    assert (run.outcome, run.passed) == ("unsupported", False)
                    assert "dbutils.credentials.showCurrentRole is not served here" in run.error
                    assert (run.location.cell, run.location.line) == (1, 3)
                    assert [cell.outcome for cell in run.cells] == ["unsupported", "exited"]

                def test_unread(run_notebook):
                    run_notebook("nbs/etl.py")
                """,
        }
    )

    said, code = folder.run("pytest", "-v", "test_it.py")

    assert code == pytest.ExitCode.TESTS_FAILED
    assert "test_call PASSED" in said
    assert "NBH360 nbs/etl.py holds what can't run here at nbs/etl.py:3" in said
