"""The warm engine's life: one for two runs at once, replaced when it is lost, gone when nobody needs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

ONE = "def test_one(spark):\n    assert spark.range(3).count() == 3\n"


class Cache:
    """A cache of its own with the engine in it, ended with the test; jars and class archive are borrowed."""

    def __init__(self, folder):
        self.folder = folder
        self.env = {**os.environ, "NBH_CACHE_DIR": str(folder), "CI": "", "PYTEST_ADDOPTS": ""}

    def nbh(self, *arguments, **env):
        """Run ``nbh spark`` on this cache."""
        command = [sys.executable, "-m", "harness", "spark", *arguments]
        return subprocess.run(command, env={**self.env, **env}, cwd=self.folder, capture_output=True, text=True, check=False)

    def status(self):
        """What ``nbh spark status`` tells."""
        return json.loads(self.nbh("status", "--json").stdout)

    def start_pytest(self, path, *arguments, **env):
        """Start pytest on a file."""
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments, path.name]
        return subprocess.Popen(
            command, env={**self.env, **env}, cwd=path.parent, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def pytest(self, path, *arguments, **env):
        """Run pytest on a file; gives what it printed."""
        return self.start_pytest(path, *arguments, **env).communicate(timeout=200)[0]


@pytest.fixture(scope="module")
def module_cache(tmp_path_factory):
    """A cache that the tests of this file share."""
    from harness.spark import places

    folder = tmp_path_factory.mktemp("cache")
    folder.chmod(0o700)
    for name in ("jars", "classes"):
        kept = places.cache(os.environ).folder / name
        if kept.is_dir():
            (folder / name).symlink_to(kept)
    cache = Cache(folder)
    yield cache
    cache.nbh("stop")


@pytest.fixture
def cache(module_cache):
    """The cache with the engine in it."""
    return module_cache


@pytest.fixture
def test_file(tmp_path):
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


def test_two_runs_at_once_make_one_engine(cache, test_file):
    """And it is there for the run after them, with private files and no token where others could read it."""
    cache.nbh("stop")

    both = [cache.start_pytest(test_file) for _ in range(2)]
    said = [run.communicate(timeout=200)[0] for run in both]

    assert all("1 passed" in text for text in said)
    assert sum("starting Spark" in text for text in said) == 1
    status = cache.status()
    assert f"using the warm Spark {status['spark']} engine (pid {status['pid']}" in cache.pytest(test_file)
    folder = Path(status["log"]).parent
    assert {oct(path.stat().st_mode & 0o077) for path in [folder, *folder.glob("*.json"), *folder.glob("*.properties")]} <= {
        "0o0",
        "0o44",  # log4j2.properties: no secret, in a private folder
    }
    token = json.loads((folder / "record.json").read_text())["token"]
    assert token not in " ".join(psutil.Process(status["pid"]).cmdline())
    assert token not in cache.nbh("status", "--json").stdout


def test_a_wrong_token_is_refused(cache, test_file):
    """Another user of the machine gets nothing."""
    cache.pytest(test_file)
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
import os, signal, psutil

def engine():
    from harness.spark import record
    from pathlib import Path
    return next(r.pid for p in Path(os.environ["NBH_CACHE_DIR"]).glob("engines/*/record.json") if (r := record.read(p.parent)))

def test_before(spark):
    assert spark.range(3).count() == 3

def test_killed(spark):
    os.kill(engine(), signal.SIGKILL)
    assert spark.range(3).count() == 3

def test_after(spark):
    assert spark.range(3).count() == 3
"""


def test_a_killed_engine_fails_its_test_only(cache, tmp_path):
    """That test says what happened, within seconds; the next has a new engine."""
    path = tmp_path / "test_kill.py"
    path.write_text(KILL)

    said = cache.pytest(path)

    assert "1 failed, 2 passed" in said
    assert "NBH309 the Spark engine was lost during this test" in said
    assert "mend:" in said


def test_nothing_is_left_in_ci(cache, test_file):
    """Who started the engine ends it, and nothing of it runs any more."""
    cache.nbh("stop")

    said = cache.pytest(test_file, CI="true")

    pid = int(said.partition("(pid ")[2].partition(")")[0])
    assert gone(pid)
    assert cache.status()["running"] is False


def test_an_engine_without_work_ends_by_itself(cache, test_file):
    """Although no Python process lives; the time is the settings' or the variable's."""
    cache.nbh("stop")
    from harness.settings import Settings
    from harness.spark import choose, server

    engine = server.find_or_start(choose.wishes_of(Settings("")), env=cache.env, idle_s=2)

    assert gone(engine.record.pid, 60)


def test_a_sick_engine_is_replaced(cache, test_file):
    """One that doesn't answer is ended, and another started."""
    cache.pytest(test_file)
    first = cache.status()["pid"]
    (next(cache.folder.glob("engines/*/ready"))).write_text('{"port": 1}')

    said = cache.pytest(test_file)

    assert f"the engine with pid {first} doesn't answer: starting another" in said
    assert "1 passed" in said
    assert gone(first)


def test_a_stale_record_and_lock_are_no_hindrance(cache, test_file):
    """The record of an engine that was killed names a process that is another's by now."""
    cache.pytest(test_file)
    pid = cache.status()["pid"]
    os.kill(pid, signal.SIGKILL)
    gone(pid)
    path = next(cache.folder.glob("engines/*/record.json"))
    stale = json.loads(path.read_text())
    path.write_text(json.dumps({**stale, "pid": os.getpid()}))

    assert cache.status()["running"] is False
    assert "1 passed" in cache.pytest(test_file)


def test_the_output_ends_with_pytest(cache, tmp_path):
    """`pytest | tee` ends, though the engine that it started lives on."""
    cache.nbh("stop")
    (tmp_path / "test_one.py").write_text(ONE)

    done = subprocess.run(
        f"{sys.executable} -m pytest -p no:cacheprovider | cat",
        shell=True,
        cwd=tmp_path,
        env=cache.env,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )

    assert "1 passed" in done.stdout
    assert cache.status()["running"]


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
