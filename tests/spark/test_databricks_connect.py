"""The warm engine with databricks-connect as its client, in the environment that ``make connect`` makes."""

from __future__ import annotations

import re

import connect_client
import pytest

pytestmark = connect_client.needed

NOTEBOOK = """\
# Databricks notebook source
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

LIMIT = 12


def band(months):
    return "new" if months < LIMIT else "loyal"


def with_band(frame: DataFrame) -> DataFrame:
    return frame.withColumn("band", F.udf(band, "string")("months"))

# COMMAND ----------
spark.table("prod.sales.orders").display()
"""

TESTS = """\
import os
import signal
import sys
import threading

import pandas as pd
import pytest
from pyspark.sql import Row, SparkSession, Window
from pyspark.sql import functions as F

from notebooks.etl import with_band
from harness.collect.engine import SPARK


def test_frames(spark):
    frame = spark.createDataFrame([(1, 3), (2, 30)], "id int, months int")

    assert frame.where("months > 5").count() == 1
    assert frame.groupBy().agg(F.sum("months")).first() == Row(33)
    assert frame.toPandas().shape == (2, 2)
    assert frame.withColumn("n", F.row_number().over(Window.partitionBy(F.lit(1)).orderBy("id"))).collect()[1].n == 2
    assert spark.createDataFrame(pd.DataFrame({"a": [1, 2]})).count() == 2
    assert spark.sql("SELECT 1 + :a AS n", args={"a": 2}).first().n == 3
    with pytest.raises(Exception, match="DIVIDE_BY_ZERO"):
        spark.sql("SELECT 1/0").collect()


def test_a_notebooks_function_in_spark(spark):
    frame = spark.createDataFrame([(1, 3), (2, 30)], "id int, months int")

    assert [row.band for row in with_band(frame).collect()] == ["new", "loyal"]


def test_workers_are_of_the_engines_spark(spark):
    @F.udf("string")
    def told(_n):
        import pyspark
        return f"{pyspark.__file__} {pyspark.__version__} {sys.version_info[:2]}"

    @F.pandas_udf("long")
    def more(numbers: pd.Series) -> pd.Series:
        return numbers + 1

    assert "/sparks/pyspark-4.2.1" in spark.range(1).select(told("id")).first()[0]
    told_there = spark.range(1).select(told("id")).first()[0]
    assert " 4.2." in told_there and told_there.endswith(str(sys.version_info[:2]))
    assert [row[0] for row in spark.range(3).select(more("id")).collect()] == [1, 2, 3]
    assert spark.range(3).mapInPandas(lambda frames: (frame * 2 for frame in frames), "id long").count() == 3


def test_catalogs(uc, spark, make_catalog):
    make_catalog(name="prod")
    spark.sql("CREATE SCHEMA prod.sales")
    spark.sql("CREATE TABLE prod.sales.orders AS SELECT 1 AS id")
    orders = uc.make_table(name="orders", rows=[{"id": 1, "price": 2.5}, {"id": 2}])
    spark.sql(f"MERGE INTO {orders} t USING (SELECT 1L AS id, 9.0D AS price) s ON t.id = s.id WHEN MATCHED THEN UPDATE SET *")
    landing = uc.make_volume(name="landing")
    (landing.folder / "a.csv").write_text("x\\n1\\n")
    shout = uc.make_function(parameters="s string", returns="string", language="python", body="return s.upper()")
    spark.range(3).writeTo(f"{uc.name}.numbers").createOrReplace()
    spark.range(3).write.mode("append").saveAsTable(f"{uc.name}.numbers")

    assert {tuple(row) for row in uc.table("orders").collect()} == {(1, 9.0), (2, None)}
    assert spark.read.csv(landing.path + "/a.csv", header=True).count() == 1
    assert spark.sql(f"SELECT {shout}('hi')").first()[0] == "HI"
    assert uc.table("numbers").count() == 6
    assert uc.make_table(columns="id int, d date, t timestamp, m decimal(6,2)", generate=5)


def test_much_is_left(spark):
    spark.conf.set("spark.sql.caseSensitive", "true")
    spark.range(1).createOrReplaceTempView("leak")
    spark.udf.register("leak", lambda n: n + 1, "long")
    spark.range(1).write.saveAsTable("leaked")
    spark.sql("USE CATALOG spark_catalog")


def test_all_is_restored(spark):
    assert spark.conf.get("spark.sql.caseSensitive") == "false"
    assert spark.catalog.currentCatalog() == "main"
    assert not spark.catalog.tableExists("leak")
    assert not spark.catalog.tableExists("main.default.leaked")
    assert pytest.raises(Exception, lambda: spark.sql("SELECT leak(1)").collect()).match("leak")


def test_relative_paths(spark, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("x\\n1\\n")

    assert spark.read.csv("a.csv", header=True).count() == 1


def test_the_session_is_the_one(spark):
    assert SparkSession.getActiveSession() is spark
    assert SparkSession.builder.getOrCreate() is spark


def test_stopped(spark):
    spark.stop()


def test_after_it(spark):
    assert with_band(spark.createDataFrame([(3,)], "months int")).first().band == "new"
    counts = []
    thread = threading.Thread(target=lambda: counts.append(spark.range(3).count()))
    thread.start()
    thread.join()
    assert counts == [3]


def test_killed(spark, request):
    os.kill(request.config.stash[SPARK].engine.record.pid, signal.SIGKILL)
    spark.range(3).count()


def test_after_that(spark):
    assert spark.range(3).count() == 3


def test_lacking(spark):
    spark.range(1).rdd


@pytest.mark.nbh_engine("classic")
def test_classic(spark):
    pass
"""


@pytest.fixture(scope="module", autouse=True)
def _spark():
    connect_client.lend_spark()


def test_local_tests_with_databricks_connect(tmp_path):
    """DataFrames, catalogs, UDFs and restoring, through its client; what can't be is said."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "etl.py").write_text(NOTEBOOK)
    (tmp_path / "pyproject.toml").write_text('[tool.pytest.ini_options]\npythonpath = ["."]\n')
    (tmp_path / "test_client.py").write_text(TESTS)
    if connect_client.INSTALLS:
        installed = connect_client.run("harness", "spark", "install", folder=tmp_path)
        assert installed.returncode == 0, installed.stdout + installed.stderr

    done = connect_client.run("pytest", "-p", "no:cacheprovider", folder=tmp_path)

    # That client uses what is deprecated in other packages, which is counted in between.
    assert re.search(r" 2 failed, 11 passed, (\d+ warnings, )?1 error in ", done.stdout), done.stdout + done.stderr
    assert re.search(r"FAILED test_client\.py::test_killed - .*NBH309", done.stdout)
    assert "FAILED test_client.py::test_lacking - " in done.stdout
    assert 'mark the test: @pytest.mark.nbh_engine("classic")' in done.stdout
    assert "NBH305 the classic engine can't run beside databricks-connect" in done.stdout
    assert "engine connect (client databricks-connect " in done.stdout


def test_that_environment_has_no_spark_of_its_own(tmp_path):
    """It still has databricks-connect alone; Spark is elsewhere."""
    done = connect_client.run("pip", "list", "--format=freeze", folder=tmp_path)

    assert "databricks-connect==" in done.stdout
    assert "pyspark==" not in done.stdout


@pytest.fixture
def with_pyspark(tmp_path):
    """A folder that makes pyspark installed too, as ``pip install pyspark`` leaves it."""
    facts = tmp_path / "more" / "pyspark-4.2.1.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: pyspark\nVersion: 4.2.1\n")
    (tmp_path / "test_it.py").write_text("def test_it(spark):\n    spark.range(1).count()\n")
    return str(facts.parent)


def test_pyspark_beside_it_is_told_at_a_tests_start(tmp_path, with_pyspark):
    """And how to get out of it: the two would run with parts of each other."""
    done = connect_client.run("pytest", "-p", "no:cacheprovider", folder=tmp_path, PYTHONPATH=with_pyspark)

    assert done.returncode == 1
    assert "NBH305 pyspark and databricks-connect are installed in one environment" in done.stdout
    assert "mend:  pip uninstall databricks-connect pyspark" in done.stdout


def test_pyspark_beside_it_is_told_by_the_doctor(tmp_path, with_pyspark):
    """Before any test runs."""
    done = connect_client.run("harness", "doctor", folder=tmp_path, PYTHONPATH=with_pyspark)

    assert done.returncode == 1
    assert "4.2.1, and databricks-connect " in done.stdout
    assert "pip uninstall databricks-connect pyspark" in done.stdout
