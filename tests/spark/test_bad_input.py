"""What a test can do to the session that all tests share: it fails with the cause, and the next one passes all the same."""

from __future__ import annotations

import re

HELPERS = """\
import atexit
import multiprocessing
import os
import resource
import signal
import threading
import time
from pathlib import Path

import psutil
import pytest
from pyspark.sql import SparkSession
from pyspark.sql.functions import udf

FILE = Path(__file__).with_name("pid")


def time_out_after(seconds):
    # As pytest-timeout does it.
    signal.signal(signal.SIGALRM, lambda *_: pytest.fail("Timeout"))
    signal.setitimer(signal.ITIMER_REAL, seconds)


def never_end(n):
    FILE.write_text(str(os.getpid()))
    while True:
        time.sleep(0.1)


def ended():
    until = time.monotonic() + 60
    while psutil.pid_exists(int(FILE.read_text())) and time.monotonic() < until:
        time.sleep(0.05)
    return not psutil.pid_exists(int(FILE.read_text()))


def run(spark, function, kind="long"):
    return spark.range(1).select(udf(function, kind)("id")).first()[0]


@pytest.fixture(scope="module", autouse=True)
def wide(spark):
    spark.range(4).write.saveAsTable("wide")
    spark.range(2).createOrReplaceTempView("wide_view")


@pytest.fixture(autouse=True)
def fine(spark):
    # Before each test, so after each that went wrong: what a wider fixture made is there, and nothing else.
    assert spark.table("wide").count() == 4
    assert spark.table("wide_view").count() == 2
    assert SparkSession.builder.getOrCreate() is spark
    assert not spark.catalog.tableExists("left")
    assert run(spark, lambda n: n + 1) == 1
"""

# Each test ends in the way that its name says; the ones that fail say why.
FAILS = {
    "query_that_never_ends": (
        # As many partitions as the engine has threads: while it runs no other query can.
        'time_out_after(1.5)\n    spark.range(0, 10**15, 1, 4).selectExpr("id % 7 k").groupBy("k").count().collect()',
        r"Failed: Timeout",
    ),
    "function_that_never_ends": ("time_out_after(4)\n    run(spark, never_end)", r"Failed: Timeout"),
    "killed_worker": ("run(spark, lambda n: os.kill(os.getpid(), signal.SIGKILL))", r"Python worker exited unexpectedly"),
    "worker_without_memory": (
        "run(spark, lambda n: resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30)) or len(bytearray(8 << 30)))",
        r"MemoryError",
    ),
    "global_setting": ('spark.conf.set("spark.sql.warehouse.dir", "/nowhere")', r"CANNOT_MODIFY_STATIC_CONFIG"),
    "use_after_stop": ("spark.stop()\n    spark.range(1).count()", r"NO_ACTIVE_SESSION"),
}

PASSES = {
    "function_left_running": (
        "FILE.unlink(missing_ok=True)\n"
        "    thread = threading.Thread(target=lambda: pytest.raises(Exception, run, spark, never_end))\n"
        "    thread.start()\n"
        "    while not FILE.exists():\n        time.sleep(0.05)"
    ),
    "it_has_ended": "assert ended()",
    "killed_daemon": "run(spark, lambda n: os.kill(os.getppid(), signal.SIGKILL))",
    "settings_by_the_builder": (
        'again = SparkSession.builder.master("local[2]").appName("x").config("spark.sql.ansi.enabled", "false").getOrCreate()\n'
        '    assert again is spark and spark.conf.get("spark.sql.ansi.enabled") == "false"\n'
        '    assert "token" not in os.environ["SPARK_REMOTE"]'
    ),
    "settings_are_restored": 'assert spark.conf.get("spark.sql.ansi.enabled") == "true"',
    "stopped_and_opened_again": (
        "spark.stop()\n"
        "    again = SparkSession.builder.getOrCreate()\n"
        "    assert again is not spark\n"
        '    assert again.table("wide").count() == 4\n'
        '    again.range(1).write.saveAsTable("left")\n'
        "    again.stop()\n"
        '    assert SparkSession.builder.getOrCreate().table("left").count() == 1'
    ),
    "fork": (
        "child = os.fork()\n"
        "    if not child:\n"
        "        told = str(pytest.raises(Exception, lambda: spark.range(1).count()).value)\n"
        "        told += str(pytest.raises(Exception, lambda: SparkSession.builder.create()).value)\n"
        "        spark.stop()\n"
        "        atexit._run_exitfuncs()\n"
        '        os._exit(0 if told.count("NBH315 a forked process can\'t use the Spark session") == 2 else 1)\n'
        "    assert os.waitpid(child, 0)[1] == 0\n"
        "    assert spark.range(3).count() == 3"
    ),
    "multiprocessing": (
        'with multiprocessing.get_context("fork").Pool(2) as pool:\n'
        "        assert pool.map(abs, [-1, -2]) == [1, 2]\n"
        "    assert spark.range(3).count() == 3"
    ),
}

# With its session the engine forgets what fixtures of a wider scope made, so no later test may need that.
FORGOTTEN = """\
def test_engine_forgets_session(spark):
    spark.client.release_session()
    spark.range(1).count()


def test_after_that(spark):
    spark.range(1).write.saveAsTable("left")
    assert spark.table("left").count() == 1
"""


def test_each_fails_with_its_cause_and_the_next_passes(pytester, spark):
    """In one session, one after the other, with the same look at what should be there before each."""
    names = [f"test_{name}" for name in [*FAILS, *PASSES]]
    body = "".join(f"\n\ndef test_{name}(spark):\n    {text}\n" for name, (text, _) in FAILS.items())
    body += "".join(f"\n\ndef test_{name}(spark):\n    {text}\n" for name, text in PASSES.items())
    body += "\n\ndef test_last(spark):\n    pass\n"
    pytester.makepyfile(test_bad=HELPERS + body, test_forgotten=FORGOTTEN)

    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:xdist", "-rA", "--tb=short")

    said = result.stdout.str()
    failed = {name for name in names if re.search(rf"^FAILED test_bad.py::{name}\b", said, re.MULTILINE)}
    assert failed == {f"test_{name}" for name in FAILS}, said
    result.assert_outcomes(failed=len(FAILS) + 1, passed=len(PASSES) + 2)
    sections = re.split(r"^_+ (test_\w+) _+$", said, flags=re.MULTILINE)
    why = dict(zip(sections[1::2], sections[2::2], strict=True))
    for name, (_, cause) in FAILS.items():
        assert re.search(cause, why[f"test_{name}"]), name
    assert "SESSION_CLOSED" in why["test_engine_forgets_session"]
