"""The test files that the Spark parts run."""

from __future__ import annotations

# A hundred small tests: ten kinds of what notebooks do to DataFrames, ten times each with other numbers.
SUITE = """
import datetime

import pytest
from pyspark.sql import Window
from pyspark.sql import functions as F
from pyspark.testing import assertDataFrameEqual

ten_times = pytest.mark.parametrize("n", range(10))


@pytest.fixture
def orders(spark):
    day = datetime.date(2024, 1, 1)
    rows = [(k, "abc"[k % 3], k * 1.5, day + datetime.timedelta(days=k), None if k % 4 == 0 else k) for k in range(12)]
    return spark.createDataFrame(rows, "id int, shop string, total double, day date, rating int")


@ten_times
def test_filter(orders, n):
    kept = orders.filter((F.col("id") >= n) & F.col("rating").isNotNull()).withColumn("tax", F.col("total") * 0.2)
    assert len(kept.collect()) == sum(k % 4 != 0 for k in range(n, 12))


@ten_times
def test_group(orders, n):
    sums = orders.filter(F.col("id") >= n).groupBy("shop").agg(F.sum("total").alias("s"), F.count("*").alias("c"))
    assert {row.shop: row.c for row in sums.collect()}.get("c") == len([k for k in range(n, 12) if k % 3 == 2])


@ten_times
def test_window(orders, n):
    newest = Window.partitionBy("shop").orderBy(F.desc("day"))
    top = orders.withColumn("rank", F.row_number().over(newest)).filter(F.col("rank") <= n % 3 + 1)
    assert len(top.collect()) == 3 * (n % 3 + 1)


@ten_times
def test_join(spark, orders, n):
    shops = spark.createDataFrame([("a", "Rome"), ("b", "Oslo")], "shop string, town string")
    assert orders.join(shops, "shop", "left").filter(F.col("town").isNull()).count() == 4


@ten_times
def test_equality(spark, orders, n):
    ids = orders.filter(F.col("id") < n + 1).select(F.col("id").cast("long").alias("id"))
    assertDataFrameEqual(ids, spark.range(n + 1))


@ten_times
def test_sql(spark, orders, n):
    orders.createOrReplaceTempView("orders")
    found = spark.sql(f"select shop, max(total) as most from orders where id <= {n + 2} group by shop order by shop")
    assert [row.shop for row in found.collect()] == ["a", "b", "c"]


@ten_times
def test_cases(orders, n):
    banded = orders.withColumn("band", F.when(F.col("total") > n, "high").when(F.col("total") > 0, "low").otherwise("none"))
    assert banded.filter(F.col("band") == "none").count() == 1


@ten_times
def test_text(spark, n):
    names = spark.createDataFrame([(" Ann-%d " % n,), (None,), ("bob",)], "name string")
    clean = names.select(F.coalesce(F.lower(F.trim("name")), F.lit("?")).alias("name"))
    assert sorted(row.name for row in clean.collect()) == sorted(["ann-%d" % n, "?", "bob"])


@ten_times
def test_dates(orders, n):
    later = orders.select(F.date_add("day", n).alias("day"), F.month("day").alias("month"))
    assert later.first().day == datetime.date(2024, 1, 1) + datetime.timedelta(days=n)


@ten_times
def test_union(orders, n):
    both = orders.select("shop").union(orders.limit(n).select("shop")).distinct().orderBy("shop")
    assert [row.shop for row in both.collect()] == ["a", "b", "c"]
"""

UDFS = """
import pandas
import pytest
from pyspark.sql import functions as F


def twice(value):
    return value * 2


@pytest.mark.parametrize("n", range(5))
def test_python_function(spark, n):
    found = spark.range(n + 1).select(F.udf(twice, "long")("id").alias("v"))
    assert sum(row.v for row in found.collect()) == n * (n + 1)


@pytest.mark.parametrize("n", range(5))
def test_pandas_function(spark, n):
    @F.pandas_udf("long")
    def doubled(values: pandas.Series) -> pandas.Series:
        return values * 2

    assert spark.range(n + 1).select(doubled("id").alias("v")).agg(F.sum("v")).first()[0] == n * (n + 1)
"""

# Sail in place of Spark, as its documentation says.
SAIL = """
import pytest


@pytest.fixture(scope="session")
def spark():
    from pyspark.sql import SparkSession
    from pysail.spark import SparkConnectServer
    server = SparkConnectServer()
    server.start(background=True)
    _, port = server.listening_address
    session = SparkSession.builder.remote(f"sc://127.0.0.1:{port}").getOrCreate()
    yield session
    session.stop()
    server.stop()
"""

# Tells at the end what the test process itself has held at most.
TELL_MEMORY = """
import resource, sys
from pathlib import Path


def pytest_unconfigure(config):
    unit = 1 if sys.platform == "darwin" else 1024
    Path(__file__).with_name("client").write_text(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit))
"""

FIRST = """
import time
from pathlib import Path


def test_first(spark):
    assert spark.range(3).count() == 3
    Path(__file__).with_name("first").write_text(repr(time.time()))
"""

# Each test notes when its body begins and ends: what lies between is pytest, the restore and the check.
BETWEEN = """
import json
import time
from pathlib import Path

import pytest

stamps = {"plain": [], "tables": [], "delta": []}


@pytest.fixture(scope="module", autouse=True)
def told():
    yield
    Path(__file__).with_name("stamps.json").write_text(json.dumps(stamps))


@pytest.mark.parametrize("n", range(20))
def test_plain(spark, n):
    begin = time.perf_counter()
    spark.conf.set("spark.sql.ansi.enabled", "false")
    spark.range(n).createOrReplaceTempView("numbers")
    assert spark.table("numbers").count() == n
    stamps["plain"].append((begin, time.perf_counter()))


@pytest.mark.parametrize("n", range(12))
def test_tables(spark, n):
    begin = time.perf_counter()
    spark.sql("create schema bench")
    spark.range(n).write.saveAsTable("bench.numbers")
    spark.sql("create table bench.names (id int, name string)")
    stamps["tables"].append((begin, time.perf_counter()))


@pytest.mark.parametrize("n", range(12))
def test_delta(spark, n):
    begin = time.perf_counter()
    spark.sql("create schema shop")
    spark.sql(f"create table shop.orders as select id, id * 2 as total from range({n + 1})")
    assert spark.table("shop.orders").count() == n + 1
    spark.sql("drop schema shop cascade")
    stamps["delta"].append((begin, time.perf_counter()))
"""

# A thousand tests of mixed work; the plugin beside them notes times, and memory after the first hundred and after the last.
THOUSAND = """
import datetime

import pytest
from pyspark.sql import Window
from pyspark.sql import functions as F


@pytest.mark.parametrize("n", range(@count@))
def test_mixed(spark, n):
    rows = [(k, "ab"[k % 2], float(k * n)) for k in range(10)]
    frame = spark.createDataFrame(rows, "id int, shop string, total double")
    kind = n % 10
    if kind < 3:
        assert len(frame.filter(F.col("id") > n % 9).collect()) == 9 - n % 9
    elif kind < 5:
        assert {row.shop: row.s for row in frame.groupBy("shop").agg(F.sum("total").alias("s")).collect()}["a"] == 20.0 * n
    elif kind < 7:
        ranked = frame.withColumn("r", F.row_number().over(Window.partitionBy("shop").orderBy("id")))
        assert ranked.filter("r = 1").count() == 2
    elif kind < 9:
        frame.createOrReplaceTempView("orders")
        spark.conf.set("spark.sql.session.timeZone", "Europe/Berlin")
        assert spark.sql(f"select count(*) as c from orders a join orders b using (id) where id < {n % 10}").first().c == n % 10
    elif n % 50 == 9:
        assert frame.select(F.udf(lambda v: v + n, "long")("id").alias("v")).agg(F.sum("v")).first()[0] == 45 + 10 * n
    else:
        frame.write.saveAsTable("orders_now")
        assert spark.table("orders_now").count() == 10
"""

THOUSAND_PLUGIN = """
import json, os, time
from pathlib import Path

import psutil

from benchmarks.warm import held_mb

pid, times, held, count = int(os.environ["BENCH_ENGINE"]), [], [], 0


def pytest_runtest_logfinish(nodeid, location):
    global count
    count += 1
    times.append(time.perf_counter())
    if count in (100, 1000):
        held.append((held_mb(pid), psutil.Process().memory_info().rss / 2**20))


def pytest_runtest_logstart(nodeid, location):
    times.append(time.perf_counter())


def pytest_unconfigure(config):
    Path(__file__).with_name("told.json").write_text(json.dumps({"times": times, "held": held}))
"""
