"""Replacing names of a notebook in a test, and keeping two projects' notebooks apart."""

from __future__ import annotations

import pytest

NOTEBOOK = """
# Databricks notebook source
catalog = dbutils.widgets.get("catalog")
model = load_it_from_somewhere()

# COMMAND ----------

def where(): return f"{catalog}.sales"
def predict(x): return model.predict(x)
def rows(): return spark.range(3)
"""


def test_mock_replaces_a_name_that_only_a_test_can_give(project):
    """``mock.patch`` asks for the old value first: that must neither fail nor be kept."""
    project.write(
        {
            "nbs/etl.py": NOTEBOOK,
            "test_it.py": """
            from unittest import mock
            import pytest
            from nbs import etl

            def test_patched():
                with mock.patch.object(etl, "catalog", "x"):
                    assert etl.where() == "x.sales"

            @pytest.mark.nbh_widgets(catalog="main")
            def test_the_notebooks_own_afterwards():
                assert etl.where() == "main.sales"
            """,
        }
    )

    done = project.run_apart("pytest", "-q")

    assert "2 passed" in done.stdout, done.stdout


def test_replacing_spark_starts_no_spark(project):
    """A stand-in of the test's own is all it needs."""
    project.write(
        {
            "nbs/etl.py": NOTEBOOK,
            "conftest.py": """
            import pytest

            @pytest.fixture
            def spark():
                pytest.fail("Spark was started")
            """,
            "test_it.py": """
            from unittest import mock
            from nbs import etl

            def test_mock():
                with mock.patch("nbs.etl.spark") as spark:
                    spark.range.return_value = 7
                    assert etl.rows() == 7

            def test_monkeypatch(monkeypatch):
                monkeypatch.setattr(etl, "spark", type("Fake", (), {"range": lambda self, n: n})())
                assert etl.rows() == 3
            """,
        }
    )

    done = project.run_apart("pytest", "-q")

    assert "2 passed" in done.stdout, done.stdout


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["plain", "workers"])
def test_same_named_notebooks_stay_apart(project, workers):
    """Each project's tests get their own ``etl``, also inside functions and in packages of one name."""
    files = {"pyproject.toml": ""}
    for name in ("north", "south"):
        notebook = f"# Databricks notebook source\ndef who(): return '{name}'\n"
        files |= {
            f"{name}/pyproject.toml": "",
            f"{name}/conftest.py": "import sys, os\nsys.path.insert(0, os.path.dirname(__file__))\n",
            f"{name}/etl.py": notebook,
            f"{name}/nbs/__init__.py": "",
            f"{name}/nbs/deep.py": notebook,
            f"{name}/tests/test_{name}.py": f"""
            import etl
            from etl import who
            from nbs.deep import who as deep

            def test_mine():
                import etl as again
                assert who() == deep() == again.who() == '{name}'
                assert again is etl
            """,
        }
    project.write(files)

    done = project.run_apart("pytest", "-q", *workers)

    assert "2 passed" in done.stdout, done.stdout
