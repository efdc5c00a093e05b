"""The classic engine: what tests of the warm one ask, asked of Spark inside the test process, which all of these share."""

from __future__ import annotations

import os
import sys
from typing import Any

import pytest
from pyspark.sql.functions import udf
from test_catalogs import (  # noqa: F401 -- pytest runs them here on the other engine
    test_no_inner_name_is_shown,
    test_parameters_reach_a_statement,
    test_streams_read_and_write_tables,
    test_the_catalog_api,
    test_using_and_dropping_catalogs,
    test_views_keep_where_they_were_made,
    test_writing_with_the_dataframe_api,
)
from test_methods import test_a_frame_displays_itself, test_a_stream_starts_by_table  # noqa: F401 -- as above
from test_restore import LEAKS, OLD, SAYS, Heard, Leak, give, is_there, leave_a_mark, listeners, mark
from test_uc import (  # noqa: F401 -- as above
    test_each_test_has_a_schema_of_its_own,
    test_grants_and_owners,
    test_nothing_is_left,
    test_other_sources,
    test_rows_become_a_table,
    test_views_functions_and_volumes,
    test_what_is_made_is_written_down_first,
    test_what_was_there_before_is_not_removed,
)

from harness.errors import ForkedSessionError

pytestmark = pytest.mark.nbh_engine("classic")


@pytest.fixture
def sql(spark):
    """As the catalogs' own, but in the one space of this process: that it is as fresh for each test is what restoring is."""

    def run(statement: str, **options: Any) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in spark.sql(statement, **options).collect()]

    run.spark = spark
    return run


def add(spark, folder):
    """Give workers a module."""
    (folder / "leaked.py").write_text("x = 1")
    spark.sparkContext.addPyFile(str(folder / "leaked.py"))


def fails(text, known):
    """Whether what looks for a leak finds one."""
    try:
        exec(text, known)
    except (Exception, pytest.fail.Exception):  # noqa: BLE001 -- each in a way of its own
        return True
    return False


OWN_LEAKS = {
    "context": (
        'sc = spark.sparkContext; sc.setLocalProperty("leak", "x"); sc.setCheckpointDir(str(tmp_path))',
        'assert spark.sparkContext.getLocalProperty("leak") is None; assert spark.sparkContext.getCheckpointDir() is None',
    ),
    "persisted_rdd": (
        'spark.sparkContext.parallelize([1]).setName("leak").persist().count()',
        "assert len(spark.sparkContext._jsc.getPersistentRDDs()) == 0",
    ),
    "rdd_worker_state": (
        "spark.sparkContext.parallelize([1]).map(leave_a_mark).collect()",
        'assert spark.sparkContext.parallelize([1]).map(mark).collect() == ["none"]',
    ),
    "python_file": (
        "add(spark, tmp_path); assert spark.sparkContext.parallelize([1]).map(is_there).collect() == [True]",
        "assert spark.sparkContext.parallelize([1]).map(is_there).collect() == [False]",
    ),
    "another_sessions_table": (
        'spark.newSession().range(1).write.saveAsTable("main.default.leak")',
        'assert not spark.catalog.tableExists("main.default.leak")',
    ),
    "another_sessions_stream": (
        'spark.newSession().readStream.format("rate").load().writeStream.format("memory").queryName("leak").start()',
        "assert spark._jsparkSession.sharedState().activeStreamingQueries().size() == 0",
    ),
    "another_sessions_cache": (
        "spark.newSession().range(7).cache().count()",
        "assert not spark.range(7).storageLevel.useMemory",
    ),
    "active_session": (
        "spark.newSession().createDataFrame([(1,)])",
        "assert type(spark).getActiveSession() is spark",
    ),
    "hadoop_setting": (
        'spark.sparkContext._jsc.hadoopConfiguration().set("my.own", "x")',
        'assert spark.sparkContext._jsc.hadoopConfiguration().get("my.own") is None',
    ),
    "variable_of_workers": (
        'spark.sparkContext.environment["LEAK"] = "x"; spark.range(1).count()',
        'assert "LEAK" not in spark.sparkContext.environment',
    ),
    "time_zone_of_java": (
        'zone = spark._jvm.java.util.TimeZone; zone.setDefault(zone.getTimeZone("Asia/Tokyo"))',
        'assert spark._jvm.java.util.TimeZone.getDefault().getID() == "UTC"',
    ),
    "stopped_in_java": (
        "spark.sparkContext._jsc.sc().stop()",
        "assert spark.range(3).count() == 3",
    ),
    "stopped_context": (
        "spark.sparkContext.stop()",
        "assert spark.sparkContext.parallelize([1, 2]).sum() == 3; assert spark.range(3).count() == 3",
    ),
    "stopped_and_begun_anew": (
        'spark.stop(); type(spark).builder.config("spark.app.name", "leak").getOrCreate().range(1).count()',
        'assert spark.sparkContext.appName != "leak"; assert spark.range(3).count() == 3',
    ),
}

STEPS = [
    pytest.param(step, texts, id=f"{name}-{step}")
    for name, texts in {**LEAKS, **OWN_LEAKS}.items()
    for step in ("clean-before", "leaving", "clean-after")
]


@pytest.mark.parametrize(("step", "texts"), STEPS)
def test_nothing_leaks_into_the_next_test(spark, step, texts, tmp_path, monkeypatch):
    """Each pair in both orders, in one process: clean, leaving, clean again; what is left is seen by what looks for it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    known = {
        "spark": spark,
        "tmp_path": tmp_path,
        "pytest": pytest,
        "OLD": OLD,
        "SAYS": SAYS,
        "udf": udf,
        "leave_a_mark": leave_a_mark,
        "mark": mark,
        "give": give,
        "is_there": is_there,
        "Heard": Heard,
        "Leak": Leak,
        "listeners": listeners,
        "add": add,
    }

    leave, see_that_it_is_clean = texts
    if step == "leaving":
        exec(leave, known)
        assert fails(see_that_it_is_clean, known)
    else:
        exec(see_that_it_is_clean, known)


def test_a_forked_process_gets_an_error(spark):
    """As on the warm engine; and what it does harms no test."""
    child = os.fork()
    if not child:
        try:
            for use in (lambda: spark.range(1), spark.stop):
                with pytest.raises(ForkedSessionError):
                    use()
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0

    assert spark.range(3).count() == 3


def test_delta(spark, uc):
    """Changed, and looked back at."""
    orders = uc.make_table(name="orders", columns="id int, who string", rows=[(1, "a"), (2, "b")])
    spark.sql(
        f"MERGE INTO {orders} t USING (SELECT 2 AS id, 'm' AS who UNION ALL SELECT 9, 'n') s ON t.id = s.id "
        "WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
    )

    assert {tuple(row) for row in uc.table("orders").collect()} == {(1, "a"), (2, "m"), (9, "n")}
    assert spark.sql(f"SELECT count(*) FROM {orders} VERSION AS OF 1").first()[0] == 2


def test_what_delta_keeps_of_a_table_goes_with_it(spark, uc):
    """Else the engine grows by megabytes with each table that a test made."""
    orders = uc.make_table(name="orders", columns="id int", rows=[(1,)])
    delta = spark._jvm.org.apache.spark.sql.delta.DeltaLog
    place = spark.sql(f"DESCRIBE DETAIL {orders}").first().location
    kept = delta.forTable(spark._jsparkSession, place)
    assert delta.forTable(spark._jsparkSession, place).equals(kept)

    spark.sql(f"DROP TABLE {orders}")

    assert not delta.forTable(spark._jsparkSession, place).equals(kept)


def test_rdds_and_java(spark):
    """What Connect lacks, with a notebook's own kind of code."""
    sc = spark.sparkContext
    words = sc.parallelize(["a b", "b"]).flatMap(str.split).map(lambda word: (word, 1)).reduceByKey(lambda x, y: x + y)

    assert sorted(words.collect()) == [("a", 1), ("b", 2)]
    assert words.toDF(["word", "n"]).where("n > 1").first().word == "b"
    assert sc.broadcast([1, 2]).value == [1, 2]
    assert spark._jvm.java.lang.Math.abs(-3) == 3
    assert spark.range(2)._jdf.count() == 2


def test_rdds_read_volumes_and_relative_paths(uc, spark, tmp_path, monkeypatch):
    """As DataFrames do."""
    volume = uc.make_volume(name="landing")
    (volume.folder / "a.csv").write_text("x\n1\n")
    (tmp_path / "b.csv").write_text("x\n1\n2\n")
    monkeypatch.chdir(tmp_path)

    assert spark.sparkContext.textFile(f"{volume.path}/a.csv").count() == 2
    assert spark.sparkContext.textFile(f"dbfs:{volume.path}/a.csv").count() == 2
    assert spark.sparkContext.textFile("b.csv").count() == spark.read.text("b.csv").count() == 3


def test_a_new_session_sees_the_same_catalogs(spark, make_catalog):
    """And the same global views, as Spark has it."""
    make_catalog(name="prod")
    spark.sql("CREATE TABLE prod.default.t AS SELECT 1 AS a")
    spark.range(4).createGlobalTempView("seen")
    new = spark.newSession()

    assert new.table("prod.default.t").collect() == [(1,)]
    assert new.table("global_temp.seen").count() == 4


MIXED = """
import os
import signal
import warnings

import pytest

from harness.collect.engine import SPARK

classic = pytest.mark.nbh_engine("classic")


@pytest.fixture(scope="session")
def orders(session_uc, spark, request):
    spark.sql("CREATE CATALOG prod")
    engine = request.config.getoption("--nbh-engine")
    spark.sql(f"CREATE TABLE prod.default.orders AS SELECT '{engine}' AS who")


def test_warm_one(orders, spark):
    assert spark.table("prod.default.orders").collect() == [("connect",)]


@classic
def test_classic_one(orders, spark):
    assert spark.table("prod.default.orders").collect() == [("classic",)]
    spark.sql("INSERT INTO prod.default.orders VALUES ('more')")


def test_warm_again(orders, spark):
    assert spark.table("prod.default.orders").collect() == [("connect",)]


@classic
def test_classic_fails(uc):
    uc.make_table(name="kept", rows=[{"id": 1}])
    assert False


def test_warm_fails(uc, spark):
    uc.make_table(name="kept", rows=[{"id": 1}])
    spark.range(1).rdd


@classic
def test_java_is_killed(spark, request):
    os.kill(request.config.stash[SPARK]._jvm.pid, signal.SIGKILL)
    spark.range(3).count()


@classic
def test_after_it(uc, spark):
    assert spark.sparkContext.parallelize([1]).count() == 1
    assert uc.make_table(columns="id int")
"""


@pytest.mark.nbh_engine("connect")  # it starts its engines itself
def test_a_run_with_both_engines(pytester, monkeypatch, own_cache):
    """Each has its own space; the summary names the engines; what can't be kept is said; a killed Java costs its own test."""
    monkeypatch.setenv("CI", "")
    monkeypatch.setenv("NBH_SPARK_IDLE_MINUTES", "30")
    monkeypatch.setenv("NBH_CACHE_DIR", str(own_cache))
    pytester.makepyfile(test_mixed=MIXED)

    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "--nbh-keep", "failed")

    result.assert_outcomes(passed=4, failed=3)
    result.stdout.fnmatch_lines(
        [
            "*engine connect (pyspark *",
            "*NBH309 Spark was lost during this test*",
            "*has ended*",
            "test_mixed.py::test_warm_fails: nbh spark sql --space kept-*",
            "test_mixed.py::test_classic_fails: not kept, for the classic engine ends with its process",
            "4 tests ran on the classic engine, in a process of its own",
        ]
    )
    result.stdout.fnmatch_lines(['*for RDDs, SparkContext and the JVM mark the test: @pytest.mark.nbh_engine("classic")*'])


WITHOUT_DELTA = """
def test_spark_works(spark):
    assert spark.sparkContext.parallelize([1, 2]).sum() == 3
    spark.range(2).write.saveAsTable("t")
    assert spark.table("t").count() == 2


def test_restored(spark):
    assert not spark.catalog.tableExists("t")


def test_catalogs(uc):
    pass
"""


@pytest.mark.nbh_engine("connect")  # it starts its engine itself
def test_without_deltas_jars(pytester, tmp_path, monkeypatch):
    """The run says that there is no Delta, and what to do; Spark works, and catalogs say why they don't."""
    monkeypatch.setenv("NBH_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("NBH_MAVEN_URL", "http://127.0.0.1:9/")
    pytester.makepyfile(test_without=WITHOUT_DELTA)

    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:xdist", "--nbh-engine", "classic")

    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(
        ["no Delta tables in this run:", "NBH308 Delta 4.4.0 can't be fetched", "*NBH320 there are no catalogs in this run*"]
    )
