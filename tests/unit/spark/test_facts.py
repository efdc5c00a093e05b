from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import JavaNotFoundError, JavaTooOldError
from harness.spark.facts import engine_facts
from harness.spark.java import Java

GOOD = {"pyspark": "4.2.0", "pandas": "2.3.3", "pyarrow": "26.0.1", "chispa": "0.12.0"}


@pytest.fixture
def facts(tmp_path):
    """Give the facts of an imagined environment, by name."""

    def make(
        installed,
        *,
        python=(3, 12, 1),
        env=None,
        find_java=lambda _env: Java(Path("/java"), Path("/java/bin/java"), 21, "21.0.8", "PATH"),
        broken=lambda _name: "",
    ):
        found = engine_facts(
            env={"NBH_CACHE_DIR": str(tmp_path), **(env or {})},
            python=python,
            versions=installed.get,
            find_java=find_java,
            broken=broken,
        )
        assert all(fact.mend for fact in found if fact.ok is False)
        assert not any(fact.mend for fact in found if fact.ok is not False)
        return {fact.name: fact for fact in found}

    return make


def bad(found):
    """The names of the facts that are bad."""
    return [name for name, fact in found.items() if fact.ok is False]


def test_nothing_is_wrong_where_all_is_there(facts):
    """The extra "local" alone makes no complaint."""
    found = facts(GOOD)

    assert bad(found) == []
    assert found["Java"].value == "21.0.8 (PATH: /java)"


def test_missing_pyspark_has_a_mend(facts):
    """The extra is named."""
    found = facts({})

    assert bad(found) == ["pyspark"]
    assert found["pyspark"].mend == 'pip install "databricks-notebook-harness[local]"'


def test_both_pysparks_clash(facts):
    """Each of the two overwrites files of the other."""
    found = facts({**GOOD, "databricks-connect": "16.4.2"})

    assert bad(found) == ["pyspark"]
    assert "uninstall" in found["pyspark"].mend


def test_databricks_connect_alone_is_no_fault(facts):
    """Remote tests need no pyspark of their own."""
    assert bad(facts({"databricks-connect": "16.4.2"})) == []


def test_a_client_alone_is_no_spark(facts):
    """pyspark-client has no jars."""
    assert bad(facts({"pyspark-client": "4.2.0"})) == ["pyspark"]


@pytest.mark.parametrize(
    ("python", "version", "fits"),
    [
        ((3, 11, 7), "15.4.5", True),
        ((3, 11, 7), "16.1.2", True),
        ((3, 11, 7), "16.4.0", False),
        ((3, 12, 1), "16.4.0", True),
        ((3, 12, 1), "17.3.1", True),
        ((3, 12, 1), "16.1.2", False),
        ((3, 13, 0), "17.3.1", False),
    ],
)
def test_databricks_connect_fits_one_python(facts, python, version, fits):
    """Each release runs on one Python; none on 3.13."""
    assert facts({"databricks-connect": version}, python=python)["databricks-connect"].ok is fits


@pytest.mark.parametrize(
    ("python", "told"),
    [((3, 11, 7), "15.4 or 16.1"), ((3, 12, 1), "16.4 or newer"), ((3, 13, 0), "there is none for Python 3.13")],
)
def test_what_databricks_connect_there_could_be(facts, python, told):
    """Who hasn't got it learns which fits."""
    assert told in facts(GOOD, python=python)["databricks-connect"].value


def test_pandas_3_is_too_new_for_pyspark(facts):
    """pyspark.testing fails with it, but only beside pyspark."""
    assert bad(facts({**GOOD, "pandas": "3.1.1"})) == ["pandas"]
    assert facts({"pandas": "3.1.1"})["pandas"].ok is True


def test_what_is_installed_and_cannot_be_imported_is_bad(facts):
    """As pyarrow beside an older numpy than it was built for, which its metadata doesn't name."""
    found = facts(GOOD, broken={"pyarrow": "ImportError: pyarrow requires NumPy 2.0 or newer, found 1.26.4", "pandas": ""}.get)

    assert bad(found) == ["pyarrow"]
    assert "can't be imported: ImportError: pyarrow requires NumPy 2.0" in found["pyarrow"].value
    assert 'numpy>=2"' in found["pyarrow"].mend


def test_unfit_java_keeps_its_mend(facts):
    """What the search for Java says is handed on."""

    def find_java(_env):
        raise JavaTooOldError("Spark needs Java 17 or newer", cause="it is Java 8", mend="unset JAVA_HOME")

    fact = facts(GOOD, find_java=find_java)["Java"]

    assert (fact.ok, fact.value, fact.mend) == (False, "Spark needs Java 17 or newer: it is Java 8", "unset JAVA_HOME")


def test_remote_variable_is_named_without_its_value(facts):
    """SPARK_REMOTE may hold a token."""
    fact = facts(GOOD, env={"SPARK_REMOTE": "sc://host/;token=hunter2"})["SPARK_REMOTE"]

    assert fact.ok is False
    assert "hunter2" not in repr(fact)


def test_databricks_connect_without_the_engines_environment(facts):
    """Nothing is wrong, for not every project has local tests; what makes it is named."""
    installed = {"databricks-connect": "17.3.15", "pandas": "2.3.3"}

    found = facts(installed, find_java=_no_java)

    assert bad(found) == []
    assert "`nbh spark install` makes" in found["local Spark"].value
    assert found["Java"].ok is None


def _no_java(_env):
    raise JavaNotFoundError("no Java 17 or newer is found", cause="PATH has none", mend="install one")


def test_databricks_connect_with_the_engines_environment(facts, tmp_path):
    """Its place is told."""
    from harness.spark import install

    folder = install.folder_of(tmp_path, "4.2.1")
    made = install._at(folder)
    (made.spark / "jars").mkdir(parents=True)
    made.python.parent.mkdir(parents=True)
    made.python.touch()
    (folder / "nbh.json").write_text('{"pyspark": "4.2.1"}')

    found = facts({"databricks-connect": "17.3.15"})

    assert found["local Spark"].ok
    assert str(folder) in found["local Spark"].value
