"""What is put back in a workspace's session after a test, and when nothing need be."""

from __future__ import annotations

import pytest

from harness.spark.remote import WorkspaceSession


@pytest.fixture
def session(spark):
    """A session as a workspace's is used; any server of Spark Connect will do."""
    stub = spark.client._stub
    yield WorkspaceSession(spark)
    spark.client._stub = stub


@pytest.fixture
def calls(session, monkeypatch):
    """How often the state of the session was asked for."""
    asked = []
    state = WorkspaceSession._state
    monkeypatch.setattr(WorkspaceSession, "_state", lambda self: asked.append(1) or state(self))
    return asked


@pytest.mark.parametrize(
    "change",
    [
        lambda spark: spark.range(3).createOrReplaceTempView("v"),
        lambda spark: spark.sql("CREATE TEMPORARY VIEW v AS SELECT 1"),
        lambda spark: spark.conf.set("spark.sql.shuffle.partitions", "7"),
        lambda spark: spark.sql("SET spark.sql.shuffle.partitions=7"),
        lambda spark: spark.conf.set("my.own", "1"),
        lambda spark: spark.sql("CREATE SCHEMA elsewhere") and spark.catalog.setCurrentDatabase("elsewhere"),
        lambda spark: spark.sql("CREATE SCHEMA elsewhere") and spark.sql("USE elsewhere"),
    ],
)
def test_what_a_test_changed_is_as_before(session, change):
    """By whichever way it changed it."""
    before = session._state()
    change(session.spark)
    assert session._state() != before

    session.restore()

    assert session._state() == before


def test_after_reading_nothing_is_asked(session, calls):
    """A test that only reads costs no call."""
    spark = session.spark
    assert spark.createDataFrame([(1, 2)], "a int, b int").where("a > 0").toPandas().shape == (1, 2)
    assert spark.range(3).schema.names == ["id"]
    assert spark.conf.get("spark.sql.ansi.enabled")

    session.restore()

    assert calls == []


def test_what_a_wider_fixture_made_stays(session):
    """It was there before the test."""
    session.spark.range(3).createOrReplaceTempView("of_the_module")
    session.ready()
    session.spark.range(3).createOrReplaceTempView("of_the_test")

    session.restore()

    assert session._state().views >= {"of_the_module"}
    assert "of_the_test" not in session._state().views


def test_a_client_that_connected_anew_is_not_trusted(session, calls):
    """What went by its new stub nobody has seen."""
    session.spark.client._stub = session.spark.client._stub._stub

    session.restore()

    assert calls


def test_a_schema_that_is_current_and_gone_costs_nothing(session):
    """The test used its own schema, which went with its fixture before the session is put back."""
    before = session._state()
    session.spark.sql("CREATE SCHEMA own")
    session.spark.sql("USE own")
    session.spark.range(3).createOrReplaceTempView("v")
    session.spark.sql(f"DROP SCHEMA {before.place[0]}.own")

    session.restore()

    assert session._state() == before


def global_view(spark, name):
    """By a DataFrame."""
    spark.range(1).createOrReplaceGlobalTempView(name)


@pytest.mark.parametrize(
    ("make", "look"),
    [
        (lambda spark, name: spark.udf.register(name, lambda x: x, "int"), "SELECT {}(1)"),
        (lambda spark, name: spark.sql(f"CREATE TEMPORARY FUNCTION {name}(x INT) RETURNS INT RETURN x"), "SELECT {}(1)"),
        (lambda spark, name: spark.sql(f"DECLARE OR REPLACE VARIABLE {name} INT DEFAULT 1"), "SELECT {}"),
        (lambda spark, name: spark.sql(f"declare {name} int default 1"), "SELECT {}"),
        (global_view, "SELECT * FROM global_temp.{}"),
        (lambda spark, name: spark.sql(f"CREATE GLOBAL TEMPORARY VIEW {name} AS SELECT 1"), "SELECT * FROM global_temp.{}"),
    ],
    ids=["udf", "function", "variable", "variable in short", "global view", "global view by SQL"],
)
def test_what_is_temporary_goes_with_its_test(session, make, look):
    """And what a wider fixture made stays."""
    from pyspark.errors import AnalysisException

    make(session.spark, "of_the_module")
    session.ready()
    make(session.spark, "of_the_test")
    assert session.spark.sql(look.format("of_the_test")).count() == 1

    session.restore()

    assert session.spark.sql(look.format("of_the_module")).count() == 1
    with pytest.raises(AnalysisException):
        session.spark.sql(look.format("of_the_test")).count()
