from __future__ import annotations

import importlib.machinery

import pytest

from harness.errors import PysparkClashError, PysparkMissingError
from harness.spark import facts, local


@pytest.fixture
def installed(monkeypatch, tmp_path):
    """Pretend that these distributions are installed; ``jars`` says whether their pyspark brings Spark itself."""

    def pretend(*, jars=True, **versions):
        found = {name.replace("_", "-"): version for name, version in versions.items()}
        monkeypatch.setattr(facts, "version_of", found.get)
        monkeypatch.setattr(facts, "pyspark_version", lambda: found.get("pyspark") or found.get("pyspark-client"))
        (tmp_path / ("jars" if jars else "nothing")).mkdir()
        spec = importlib.machinery.ModuleSpec("pyspark", None, origin=str(tmp_path / "__init__.py"))
        monkeypatch.setattr(local, "find_spec", lambda _name: spec if found else None)
        return tmp_path

    return pretend


def test_spark_home_is_the_installed_pyspark(installed):
    """A SPARK_HOME of another version is not taken."""
    home = installed(pyspark="4.2.1")

    assert local.find_spark_home({"SPARK_HOME": "/opt/spark-3"}) == home


def test_no_pyspark(installed):
    """The full text."""
    installed()

    with pytest.raises(PysparkMissingError) as caught:
        local.find_spark_home({})

    assert str(caught.value) == (
        "NBH304 the fixture spark needs pyspark\n"
        "  cause: pyspark is not installed in this Python\n"
        '  mend:  pip install "databricks-notebook-harness[local]"\n'
        "  more:  docs/errors.md#nbh304"
    )


def test_client_only(installed):
    """pyspark-client has no Spark in it."""
    installed(pyspark_client="4.2.1", jars=False)

    with pytest.raises(PysparkMissingError, match="it has no jars"):
        local.find_spark_home({})


def test_databricks_connect_instead(installed):
    """The full text; two environments are the way out."""
    installed(databricks_connect="16.4.2", jars=False)

    with pytest.raises(PysparkClashError) as caught:
        local.find_spark_home({})

    assert str(caught.value) == (
        "NBH305 local Spark can't run beside databricks-connect\n"
        "  cause: databricks-connect 16.4.2 is installed, and its pyspark is a client without a Spark of its own\n"
        "  mend:  for local tests make another virtual environment and there: "
        'pip install "databricks-notebook-harness[local]"\n'
        "         (one environment can't hold both: each brings a package named pyspark)\n"
        "  more:  docs/errors.md#nbh305"
    )


def test_both_installed(installed):
    """Which files are whose can't be told any more."""
    installed(databricks_connect="16.4.2", pyspark="4.2.1")

    with pytest.raises(PysparkClashError, match="pip uninstall databricks-connect pyspark"):
        local.find_spark_home({})


@pytest.mark.parametrize("variable", facts.REMOTE_VARIABLES)
def test_remote_variable(installed, variable):
    """Any pyspark would obey it; its value may hold a token and isn't shown."""
    installed(pyspark="4.2.1")

    with pytest.raises(PysparkClashError, match=f"the variable {variable} is set") as caught:
        local.find_spark_home({variable: "sc://host/;token=hunter2"})

    assert "hunter2" not in str(caught.value)


def test_partitions_are_set_everywhere(tmp_path):
    """The number of partitions decides how data is cut, and nothing else does."""
    conf = local.session_conf(tmp_path, partitions=4)

    assert {name for name, value in conf.items() if value == "4"} == {
        "spark.default.parallelism",
        "spark.sql.shuffle.partitions",
        "spark.sql.leafNodeDefaultParallelism",
    }
