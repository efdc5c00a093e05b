# ruff: noqa: D102, N802 -- the methods of pyspark's classes are what their names say
"""What one test changes in the session the next one doesn't see: a pair for each leak, run in both orders."""

from __future__ import annotations

import inspect
import json
import locale
import os
import signal
import sys
import threading
import time

import pytest
from pyspark.sql.datasource import DataSource
from pyspark.sql.streaming.listener import StreamingQueryListener

# The runs below take the engine of this one.
pytestmark = pytest.mark.usefixtures("spark")

OLD = [("SCHEMAS", "spark_catalog"), ("TABLES", "hive_metastore.default")]

SAYS = [
    *(f"COMMENT ON {one} IS 'leak'" for one in ("SCHEMA main.default", "CATALOG main")),
    "ALTER SCHEMA default OWNER TO leak",
]

LEAKS = {
    "setting": (
        'spark.conf.set("spark.sql.ansi.enabled", "false"); spark.sql("SET spark.sql.session.timeZone = Asia/Tokyo")',
        'assert [spark.conf.get(f"spark.sql.{name}") for name in ("ansi.enabled", "session.timeZone")] == ["true", "UTC"]',
    ),
    "new_setting": (
        'spark.conf.set("my.own", "x")',
        'assert spark.conf.get("my.own", "none") == "none"',
    ),
    "temporary_view": (
        'spark.range(1).createOrReplaceTempView("leak")',
        'assert not spark.catalog.tableExists("leak")',
    ),
    "global_view": (
        'spark.range(1).createOrReplaceGlobalTempView("leak")',
        'assert not spark.catalog.tableExists("global_temp.leak")',
    ),
    "function": (
        'spark.udf.register("leak", lambda n: n + 1, "long"); spark.sql("select leak(1)").collect()',
        'assert "leak" not in {f.name for f in spark.catalog.listFunctions(pattern="leak*")}',
    ),
    "variable": (
        'spark.sql("DECLARE VARIABLE leak INT DEFAULT 5")',
        'assert pytest.raises(Exception, lambda: spark.sql("select leak").collect()).match("leak")',
    ),
    "table": (
        'spark.range(1).write.saveAsTable("leak")',
        'assert not spark.catalog.tableExists("leak")',
    ),
    "schema": (
        'spark.sql("CREATE SCHEMA leak"); spark.sql("CREATE TABLE leak.t AS SELECT 1 AS n"); spark.sql("USE leak")',
        'assert not spark.catalog.databaseExists("leak"); assert spark.catalog.currentDatabase() == "default"',
    ),
    "old_metastore": (
        'spark.sql("CREATE TABLE hive_metastore.default.leak AS SELECT 1 AS n"); spark.sql("CREATE SCHEMA spark_catalog.leak")',
        'assert [spark.sql(f"SHOW {what} IN {where}").count() for what, where in OLD] == [1, 0]',
    ),
    "stream": (
        'spark.readStream.format("rate").load().writeStream.format("memory").queryName("leak").start()',
        "assert spark.streams.active == []",
    ),
    "listener": (
        "spark.streams.addListener(Heard())",
        "assert listeners(spark) == 0",
    ),
    "data_source": (
        "spark.dataSource.register(Leak)",
        'pytest.raises(Exception, lambda: spark.read.format("leak").load().schema).match("DATA_SOURCE_NOT_FOUND")',
    ),
    "python_module": (
        'give(spark, tmp_path); assert spark.range(1).select(udf(is_there, "boolean")("id")).first()[0]',
        'assert not spark.range(1).select(udf(is_there, "boolean")("id")).first()[0]',
    ),
    "dropped_schema": (
        'spark.sql("DROP SCHEMA main.default CASCADE")',
        'spark.sql("CREATE TABLE main.default.again AS SELECT 1 AS n")',
    ),
    "dropped_catalog": (
        'spark.sql("CREATE CATALOG other"); spark.sql("USE CATALOG other"); spark.sql("DROP CATALOG main CASCADE")',
        'assert spark.catalog.currentCatalog() == "main"; spark.sql("CREATE TABLE main.default.again AS SELECT 1 AS n")',
    ),
    "query_tag": (
        'spark.addTag("leak"); spark.range(1).count()',
        "assert spark.getTags() == set()",
    ),
    "said_of_schema_and_catalog": (
        "[spark.sql(said) for said in SAYS]",
        'assert "leak" not in str([spark.sql(f"DESCRIBE {it}").collect() for it in ("SCHEMA default", "CATALOG main")])',
    ),
    "cache": (
        "spark.range(7).cache().count()",
        "assert not spark.range(7).storageLevel.useMemory",
    ),
    "relative_paths": (
        'import os; os.chdir(tmp_path); spark.range(1).write.mode("overwrite").parquet("leak")',
        'pytest.raises(Exception, lambda: spark.read.parquet("leak").count()).match("PATH_NOT_FOUND")',
    ),
    "worker_state": (
        'spark.range(1).select(udf(leave_a_mark, "string")("id")).collect()',
        'assert spark.range(1).select(udf(mark, "string")("id")).first()[0] == "none"',
    ),
    "stopped_session": (
        "spark.stop()",
        "assert spark.range(3).count() == 3",
    ),
}


class Heard(StreamingQueryListener):
    """Is told of streams."""

    def onQueryStarted(self, event): ...

    def onQueryProgress(self, event): ...

    def onQueryTerminated(self, event): ...


def listeners(spark):
    """How many are told of the session's streams, on either engine."""
    bus = getattr(spark.streams, "_sqlb", None)
    return len(bus._listener_bus if bus else spark._jsparkSession.streams().listListeners())


class Leak(DataSource):
    """A source of data that a test registers."""

    @classmethod
    def name(cls):
        return "leak"

    def schema(self):
        return "n int"


def give(spark, folder):
    """Give workers a module."""
    (folder / "leaked.py").write_text("x = 1")
    spark.addArtifacts(str(folder / "leaked.py"), pyfile=True)


def is_there(_n):
    """Whether a worker finds the module that a test gave it."""
    from importlib.util import find_spec

    return find_spec("leaked") is not None


def leave_a_mark(n):
    """Change something in the worker."""
    sys.nbh_mark = "left"
    sys.path.insert(0, "/left")
    sys.modules["left"] = sys
    sys.kept_open = open("/dev/null")  # noqa: PTH123, SIM115 -- left open on purpose
    os.environ["NBH_LEFT"] = "left"
    os.chdir("/")
    os.umask(0o777)
    json.dumps = None
    locale.setlocale(locale.LC_ALL, "C.UTF-8")
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
    return "left"


def mark(n):
    """Tell what is found there."""
    umask = os.umask(0)
    os.umask(umask)
    found = [
        name
        for name, is_there in {
            "attribute": hasattr(sys, "nbh_mark"),
            "path": "/left" in sys.path,
            "module": "left" in sys.modules,
            "file": hasattr(sys, "kept_open"),
            "variable": "NBH_LEFT" in os.environ,
            "folder": os.path.realpath(".") == "/",
            "umask": umask == 0o777,
            "function": json.dumps is None,
            "signal": signal.getsignal(signal.SIGUSR1) == signal.SIG_IGN,
            "thread": threading.active_count() > 1,
        }.items()
        if is_there
    ]
    return ", ".join(found) or "none"


TESTS = (
    """\
import json
import locale
import os
import signal
import sys
import threading
import time

import pytest
from pyspark.sql.datasource import DataSource
from pyspark.sql.functions import udf
from pyspark.sql.streaming.listener import StreamingQueryListener

"""
    f"OLD = {OLD!r}\nSAYS = {SAYS!r}\n\n\n"
    + "".join(inspect.getsource(part) for part in (Heard, listeners, Leak, give, is_there, leave_a_mark, mark))
    + """

@pytest.fixture(autouse=True)
def here(tmp_path_factory, monkeypatch):
    monkeypatch.chdir(tmp_path_factory.mktemp("here"))
"""
)


def _leaving(name):
    return f"\n\ndef test_{name}_is_left(spark, tmp_path):\n    {LEAKS[name][0]}\n"


def _clean(name, turn):
    return f"\n\ndef test_{name}_is_clean_{turn}(spark):\n    {LEAKS[name][1]}\n"


def test_nothing_leaks_into_the_next_test(pytester):
    """Each pair in both orders: clean, leaving, clean again."""
    body = "".join(_clean(name, "before") + _leaving(name) + _clean(name, "after") for name in LEAKS)
    pytester.makepyfile(test_leaks=TESTS + body)

    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:xdist")

    result.assert_outcomes(passed=3 * len(LEAKS))


WIDER = """\
import pytest


@pytest.fixture(scope="module")
def orders(spark):
    spark.range(4).write.saveAsTable("orders")
    spark.range(2).createOrReplaceTempView("seen")
    spark.conf.set("spark.sql.caseSensitive", "true")
    spark.sql("DECLARE VARIABLE most INT DEFAULT 5")
    spark.sql("CREATE TEMPORARY FUNCTION more(n INT) RETURNS INT RETURN n + 1")
    spark.sql("CREATE TEMPORARY FUNCTION twice(n INT) RETURNS TABLE (n INT) RETURN SELECT 2 * n")
    spark.sql("CREATE VIEW few AS SELECT 1 AS n")
    spark.sql("CREATE FUNCTION same(n INT) RETURNS INT RETURN n")


def look(spark):
    assert spark.table("orders").count() == 4
    assert spark.table("seen").count() == 2
    assert spark.conf.get("spark.sql.caseSensitive") == "true"
    assert spark.sql("SELECT most, more(1), same(4) FROM twice(3)").first() == (5, 2, 4)
    assert spark.table("few").first() == (1,)


def test_first(spark, orders):
    look(spark)
    spark.range(9).createOrReplaceTempView("seen")
    spark.conf.unset("spark.sql.caseSensitive")
    spark.sql("SET VARIABLE most = 9")
    spark.sql("CREATE OR REPLACE TEMPORARY FUNCTION more(n INT) RETURNS INT RETURN n + 100")
    spark.sql("DROP TEMPORARY FUNCTION twice")
    spark.sql("CREATE OR REPLACE VIEW few AS SELECT 2 AS n")
    spark.sql("DROP FUNCTION same")


def test_second(spark, orders):
    look(spark)
"""


def test_what_a_wider_fixture_sets_up_stays(pytester):
    """Restored is what was there when the test began, with the fixtures that outlive it."""
    pytester.makepyfile(test_wider=WIDER)

    pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:xdist").assert_outcomes(passed=2)


GONE = """\
import pytest


@pytest.fixture(scope="module")
def schema(spark):
    spark.sql("CREATE SCHEMA kept")
    spark.sql("USE kept")


@pytest.fixture(scope="module")
def catalog(spark):
    spark.sql("CREATE CATALOG prod")
    spark.sql("USE CATALOG prod")


def test_schema_is_dropped(spark, schema):
    spark.sql("USE default")
    spark.sql("DROP SCHEMA kept")


def test_default_one(spark):
    assert spark.sql("SELECT current_catalog(), current_schema()").first() == ("main", "default")


def test_catalog_is_dropped(spark, catalog):
    spark.sql("DROP CATALOG prod CASCADE")


def test_default_catalog(spark):
    assert spark.sql("SELECT current_catalog(), current_schema()").first() == ("main", "default")
    assert spark.sql("SHOW CATALOGS LIKE 'prod'").count() == 0


def test_all_are_dropped(uc, spark):
    uc.make_table(columns="n int")
    spark.sql("DROP CATALOG main CASCADE")
"""


def test_the_current_schema_may_be_gone(pytester):
    """Where a test drops what a wider fixture made it, or the catalog that its own objects are in: the next ones pass."""
    pytester.makepyfile(test_gone=GONE)

    pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:xdist").assert_outcomes(passed=5)


@pytest.mark.parametrize("order", ["", "--reverse"])
def test_the_engine_is_clean_for_the_next_run(pytester, order):
    """A table of one run is gone in the next, which shares the engine."""
    pytester.makepyfile(
        test_run="def test_table(spark):\n"
        "    assert not spark.catalog.tableExists('kept')\n"
        "    spark.range(1).write.saveAsTable('kept')\n"
    )
    for _ in range(2):
        pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:xdist").assert_outcomes(passed=1)
