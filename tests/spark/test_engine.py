"""The warm engine's life: one for two runs at once, replaced when it is lost, gone when nobody needs it."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from inner_runs import ADDOPTS

from harness.settings import Settings
from harness.spark import archive, choose, facts, record, server

ONE = "def test_one(spark):\n    assert spark.range(3).count() == 3\n"


class Cache:
    """A cache of its own with the engine in it, ended with the test; jars and class archive are borrowed."""

    def __init__(self, folder):
        self.folder = folder
        # Not what a session of this very process has set.
        clean = {name: value for name, value in os.environ.items() if name not in facts.REMOTE_VARIABLES}
        self.env = {**clean, "NBH_CACHE_DIR": str(folder), "CI": "", "PYTEST_ADDOPTS": ADDOPTS}

    def nbh(self, *arguments, **env):
        """Run ``nbh spark`` on this cache."""
        command = [sys.executable, "-m", "harness", "spark", *arguments]
        return subprocess.run(command, env={**self.env, **env}, cwd=self.folder, capture_output=True, text=True, check=False)

    def status(self):
        """What ``nbh spark status`` tells."""
        return json.loads(self.nbh("status", "--json").stdout)

    def start_pytest(self, path, *arguments, piped=False, **env):
        """Start pytest on a file; ``piped`` has its output go through a pipe to another program."""
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments, path.name]
        return subprocess.Popen(
            f"{shlex.join(command)} | cat" if piped else command,
            shell=piped,
            env={**self.env, **env},
            cwd=path.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def pytest(self, path, *arguments, **env):
        """Run pytest on a file; gives what it printed."""
        return self.start_pytest(path, *arguments, **env).communicate(timeout=200)[0]


@pytest.fixture(scope="module")
def module_cache(tmp_path_factory, borrow):
    """A cache that the tests of this file share."""
    cache = Cache(borrow(tmp_path_factory.mktemp("cache")))
    yield cache
    cache.nbh("stop")


@pytest.fixture
def cache(module_cache):
    """The cache with the engine in it."""
    return module_cache


@pytest.fixture
def small_test(tmp_path):
    """A file with one small test."""
    path = tmp_path / "test_one.py"
    path.write_text(ONE)
    return path


def gone(pid, seconds=30):
    """Wait until a process has ended."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False


def test_two_runs_at_once_make_one_engine(cache, small_test):
    """And it is there for the run after them, with private files and no token where others could read it; `| cat` ends."""
    cache.nbh("stop")

    both = [cache.start_pytest(small_test, piped=True) for _ in range(2)]
    said = [run.communicate(timeout=200)[0] for run in both]

    assert all("1 passed" in text for text in said)
    assert sum("starting Spark" in text for text in said) == 1
    status = cache.status()
    assert f"using the warm Spark {status['spark']} engine (pid {status['pid']}" in cache.pytest(small_test)
    folder = Path(status["log"]).parent
    looked_at = [folder, *folder.glob("*.json"), *folder.glob("*.properties")]
    assert {"record.json", "engine.properties"} < {path.name for path in looked_at}
    assert "rules stay metered" not in (folder / "log").read_text()
    # It holds no secret, and the folder is private.
    assert {path.name for path in looked_at if path.stat().st_mode & 0o077} <= {"log4j2.properties"}
    token = json.loads((folder / "record.json").read_text())["token"]
    assert token not in " ".join(psutil.Process(status["pid"]).cmdline())
    assert token not in cache.nbh("status", "--json").stdout


def test_a_wrong_token_is_refused(cache, small_test):
    """Another user of the machine gets nothing."""
    cache.pytest(small_test)
    url = cache.status()["url"]
    script = (
        "from pyspark.sql.connect.session import SparkSession\n"
        f"s = SparkSession(connection='{url};token=wrong')\n"
        "try:\n    s.range(1).count()\n"
        "except Exception as e:\n    print('refused' if 'UNAUTHENTICATED' in str(e).upper() else e)\n"
        "s.client.close()\n"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)

    assert done.stdout.strip() == "refused"


KILL = """\
import os, signal, threading, time, psutil, pytest
from pyspark.sql.functions import udf

def engine():
    from harness.spark import record
    from pathlib import Path
    return next(r.pid for p in Path(os.environ["NBH_CACHE_DIR"]).glob("engines/*/record.json") if (r := record.read(p.parent)))

def kill_soon():
    threading.Timer(1, os.kill, (engine(), signal.SIGKILL)).start()

def test_before(spark):
    assert spark.range(3).count() == 3

def test_killed(spark):
    kill_soon()
    spark.range(0, 10**15, 1, 4).selectExpr("sum(id % 7)").collect()

def test_after(spark):
    assert spark.range(3).count() == 3

def test_an_error_is_expected(spark):
    kill_soon()
    with pytest.raises(Exception):
        spark.range(0, 10**15, 1, 4).selectExpr("sum(id % 7)").collect()
"""


def test_a_killed_engine_fails_its_test_only(cache, tmp_path):
    """That test says what happened, also where it takes what it got for the error that it expects; the next one passes."""
    path = tmp_path / "test_kill.py"
    path.write_text(KILL)

    said = cache.pytest(path, "-rA")

    assert "2 failed, 2 passed" in said, said
    assert {"FAILED test_kill.py::test_killed", "FAILED test_kill.py::test_an_error_is_expected"} == {
        line.partition(" - ")[0] for line in said.splitlines() if line.startswith("FAILED")
    }
    assert said.count("NBH309 the Spark engine was lost during this test") == 2
    assert "its log says nothing: it was killed from outside" in said, said


def test_a_halted_engine_is_replaced(cache, small_test):
    """It takes calls and answers none: it is ended, and another started."""
    cache.pytest(small_test)
    first = cache.status()["pid"]
    os.kill(first, signal.SIGSTOP)

    said = cache.pytest(small_test)

    assert f"the engine with pid {first} doesn't answer: starting another" in said
    assert "1 passed" in said
    assert gone(first)


def wait_for_start(cache):
    """Wait until an engine is recorded; gives its pid."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        for path in cache.folder.glob("engines/*/record.json"):
            found = record.read(path.parent)
            if found is not None and record.is_alive(found, path.parent):
                return found.pid
        time.sleep(0.01)
    raise AssertionError("no engine was started")


def test_a_run_that_is_killed_while_it_starts_the_engine(cache, small_test):
    """Its lock goes with it; the engine comes up all the same, and the next run takes it."""
    cache.nbh("stop")
    first = cache.start_pytest(small_test)
    pid = wait_for_start(cache)
    first.kill()
    first.communicate()

    said = cache.pytest(small_test)

    assert "1 passed" in said
    assert f"using the warm Spark {cache.status()['spark']} engine (pid {pid}" in said


def test_an_engine_that_is_killed_while_it_starts(cache, monkeypatch):
    """It is started once more; beside what a killed one left, on a machine where Spark's usual port is taken.

    This one ends by itself, when nobody has used it for two seconds.
    """
    cache.nbh("stop")
    wishes = choose.wishes_of(Settings(""))
    folder = server.place_of(wishes, cache.env).folder
    folder.mkdir(parents=True, exist_ok=True)
    record.write(folder, record.Record(os.getpid(), "old", 0, "4.2.1", "17", "4.4.0"))
    (folder / "ready").write_text(json.dumps({"pid": os.getpid(), "port": 15002}))
    (folder / "spaces" / "left").mkdir(parents=True)
    assert cache.status()["running"] is False
    told = []

    def kill_the_first(line):
        told.append(line)
        if line.startswith("starting Spark"):
            threading.Thread(target=lambda: os.kill(wait_for_start(cache), signal.SIGKILL)).start()

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 15002))
        taken.listen()
        engine = server.find_or_start(wishes, env=cache.env, idle_s=2, progress=kill_the_first)

    assert told[1] == "the Spark engine didn't start: Java was ended by signal 9; once more …"
    assert told[2].startswith("the Spark engine is up after")
    assert not (folder / "spaces" / "left").exists()
    assert gone(engine.record.pid, 60)


def test_a_class_archive_that_java_fails_on(cache, tmp_path, monkeypatch):
    """The engine starts without it, and it is gone: a disk's bad block must not be the end of all tests."""
    cache.nbh("stop")
    broken = tmp_path / "broken.jsa"
    broken.write_bytes(b"no archive")
    right = archive.options
    monkeypatch.setattr(archive, "file_of", lambda *_: broken)
    # What a broken archive does to Java differs from one to the next; this always ends it, with exit code 1.
    monkeypatch.setattr(archive, "options", lambda file, *a, **k: ["-Xmx1x"] if file.exists() else right(file, *a, **k))
    told = []

    engine = server.find_or_start(choose.wishes_of(Settings("")), env=cache.env, idle_s=2, progress=told.append)

    assert told[1] == "the Spark engine didn't start: Java ended with exit code 1; once more, without its class archive …"
    assert not broken.exists()
    assert gone(engine.record.pid, 60)


def test_workers_of_a_run_share_the_engine(cache, tmp_path):
    """With -n 2 there is one engine, and each worker sees its own tables."""
    path = tmp_path / "test_share.py"
    path.write_text(
        "import os, pytest\n"
        "@pytest.mark.parametrize('n', range(6))\n"
        "def test_share(spark, n):\n"
        "    spark.range(n).createOrReplaceGlobalTempView('mine')\n"
        "    assert spark.table('global_temp.mine').count() == n\n"
    )

    said = cache.pytest(path, "-n", "2")

    assert "6 passed" in said
    assert cache.status()["others"] == []


MEMORY = """\
def test_eats(spark):
    spark.range(0, 10**9, 1, 2).selectExpr("collect_list(id)").collect()

def test_after(spark):
    assert spark.range(3).count() == 3
"""


def test_a_query_that_eats_all_memory_says_so(cache, tmp_path):
    """With the setting that mends it; the next test has a new engine."""
    (tmp_path / "pyproject.toml").write_text('[tool.nbh]\nspark_memory = "480m"\n')
    path = tmp_path / "test_memory.py"
    path.write_text(MEMORY)

    said = cache.pytest(path)

    assert "1 failed, 1 passed" in said, said
    assert "ran out of memory: a query used up all that it may have (480m)" in said
    assert 'give the engine more: spark_memory = "960m" under [tool.nbh]' in said
    assert "OutOfMemoryError" in said


EATING = """\
# Databricks notebook source
try:
    spark.range(0, 10**9, 1, 2).selectExpr("collect_list(id)").collect()
except Exception as exc:
    dbutils.notebook.exit("too large")
"""


def test_a_notebook_that_loses_the_engine_has_not_passed(cache, tmp_path):
    """Whatever it makes of the error: Spark didn't answer it. Said with the memory that it had, and what to set."""
    (tmp_path / "pyproject.toml").write_text('[tool.nbh]\nspark_memory = "480m"\n')
    path = tmp_path / "n.py"
    path.write_text(EATING)
    command = [sys.executable, "-m", "harness", "run", "n.py"]

    done = subprocess.run(command, env=cache.env, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)

    assert done.returncode == 3, done.stdout + done.stderr
    assert "n.py was lost at n.py:5" in done.stdout
    assert "the Spark engine was lost during this run" in done.stdout
    assert "ran out of memory" in done.stdout
    assert 'spark_memory = "960m" under [tool.nbh]' in done.stdout


ENDED_LATE = """\
import os, signal, sys, threading
from harness.cli import main
from harness.execute.changes import Changes

asked = Changes.tables

def tables(self):
    engine = self._spark.engine.record.pid
    os.kill(engine, signal.SIGSTOP)  # so that it is there still when it is asked
    threading.Timer(1, os.kill, (engine, signal.SIGKILL)).start()
    return asked(self)

Changes.tables = tables
sys.exit(main(["run", "n.py"]))
"""


def test_an_engine_that_ends_after_the_last_cell_is_told_as_lost(cache, tmp_path):
    """It ends while it is asked what the run has made: no traceback of the harness, and no run that has passed."""
    (tmp_path / "n.py").write_text("# Databricks notebook source\nspark.range(3).count()\n")
    command = [sys.executable, "-c", ENDED_LATE]

    done = subprocess.run(command, env=cache.env, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)

    assert done.returncode == 3, done.stdout + done.stderr
    assert "the Spark engine was lost during this run" in done.stdout
    assert "Traceback" not in done.stderr


def test_nothing_is_left_in_ci(cache, small_test):
    """Who started the engine ends it, and nothing of it runs any more; no class archive is written that nobody would read."""
    cache.nbh("stop")
    if (cache.folder / "classes").is_symlink():
        (cache.folder / "classes").unlink()

    said = cache.pytest(small_test, CI="true")

    pid = int(said.partition("(pid ")[2].partition(")")[0])
    assert gone(pid)
    assert cache.status()["running"] is False
    assert list((cache.folder / "classes").iterdir()) == []
    left = {path.name for path in (cache.folder / "engines").rglob("*") if path.is_file()}
    assert left <= {"lock", "starter", "log", "log.before", "log4j2.properties"}
