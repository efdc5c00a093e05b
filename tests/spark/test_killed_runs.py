"""A pytest that is killed or interrupted while a notebook runs: no process, no table and no file of it is left."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from harness.collect.engine import SPARK

HEADER = "# Databricks notebook source\n"

TESTS = """
def test_long(run_notebook, uc):
    uc.make_table(name="mine", rows=[{"id": 1}])
    assert run_notebook("long.py", widgets={"schema": f"{uc.catalog}.{uc.schema}"}).passed
"""

AT_THE_END = """
import pathlib, time

def pytest_sessionfinish():
    pathlib.Path("here").touch()
    time.sleep(99)
"""

# It leaves a process that hides, makes a table, and then waits where it is to be killed.
NOTEBOOK = """
import os, pathlib, subprocess, time
subprocess.Popen(["sleep", "99"], start_new_session=True)
spark.sql(f"CREATE TABLE {dbutils.widgets.get('schema')}.made AS SELECT 1 AS id")
"""

# When to kill it: a look at its folder and its process, and what the notebook does then.
MOMENTS = {
    "while the parent of kernels starts": ("", lambda run: any("harness.execute.parent" in word for word in words(run))),
    "in a cell": ("pathlib.Path(home, 'here').touch()\nwhile True:\n    pass", None),
    "in a cell with MLflow": ("import mlflow\npathlib.Path(home, 'here').touch()\nwhile True:\n    pass", None),
    "while Spark works": (
        "pathlib.Path(home, 'here').touch()\nspark.range(0, 10**15, 1, 4).selectExpr('sum(id % 7)').collect()",
        None,
    ),
    "at the end": ("", None),
}


def words(run):
    """All words of the commands of its children."""
    found = []
    for child in psutil.Process(run.pid).children():
        try:
            found += child.cmdline()
        except psutil.Error:
            continue
    return found


def until(true, seconds=60):
    """Wait until that is true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.01)


def until_none(left, seconds):
    """Wait until nothing of it is left."""
    end = time.monotonic() + seconds
    while found := left():
        assert time.monotonic() < end, f"left after {seconds} s: {found}"
        time.sleep(0.01)


@pytest.fixture
def temporary():
    """A folder for its temporary files, with a short name for the sake of sockets."""
    with tempfile.TemporaryDirectory(prefix="t") as folder:
        yield Path(folder)


@pytest.fixture
def engine(spark, request):
    """The engine that all share; it is there before."""
    return request.config.stash[SPARK].engine


def start(folder, temporary, code, *options):
    """Start pytest on a notebook that ends with this code."""
    (folder / "long.py").write_text(f"{HEADER}home = {str(folder)!r}\n{NOTEBOOK}\n{code}\n")
    (folder / "test_long.py").write_text(TESTS)
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options],
        cwd=folder,
        env={**os.environ, "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def left(run, family, temporary, engine):
    """What is left of it: its processes, its catalogs on the engine, its files."""
    alive = [process for process in family if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]
    processes = {run.pid, *(process.pid for process in family)}
    spaces = [path.name for path in (engine.folder / "spaces").glob("*-*") if path.name.split("-")[0] in map(str, processes)]
    files = [path.name for path in temporary.glob("nbh-*")]
    return [*alive, *spaces, *files]


@pytest.mark.parametrize("whom", ["pytest", "its process group"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_nothing_is_left_of_a_killed_pytest(spark, engine, pytester, temporary, moment, whom):  # noqa: PLR0917 -- fixtures
    """Ten seconds after ``kill -9``, whatever it was doing; and the engine goes on."""
    code, is_there = MOMENTS[moment]
    if moment == "at the end":
        (pytester.path / "conftest.py").write_text(AT_THE_END)
    run = start(pytester.path, temporary, code)
    until(lambda: is_there(run) if is_there else (pytester.path / "here").exists())
    family = psutil.Process(run.pid).children(recursive=True)

    (os.kill if whom == "pytest" else os.killpg)(run.pid, signal.SIGKILL)
    run.communicate()

    until_none(lambda: left(run, family, temporary, engine), seconds=10)
    assert spark.range(0, 4, 1, 4).count() == 4


def kernels_of(worker):
    """The kernels of the first worker: the parent of the other's kernels is below its own."""
    return {kernel.pid for parent in worker.children() for kernel in parent.children()}


BEGUN_BY = {"controller": (), "first worker": ("-k", "test")}
"""Who begins the parent that all kernels come from: the controller, where it can tell that there will be any."""


def is_alive(pid):
    """Whether it runs, and isn't waited for by somebody who hasn't noticed."""
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("whom", ["controller", "a worker"])
@pytest.mark.parametrize("begun_by", BEGUN_BY)
def test_nothing_is_left_of_killed_workers(engine, pytester, temporary, begun_by, whom):
    """Each has a parent of kernels of its own, and those are forks of one; the other worker's kernels live on."""
    (pytester.path / "test_second.py").write_text(TESTS)
    code = "pathlib.Path(home, f'here{os.getpid()}').touch()\ntime.sleep(99)"
    run = start(pytester.path, temporary, code, "-n", "2", *BEGUN_BY[begun_by])
    until(lambda: len(list(pytester.path.glob("here*"))) == 2)
    family = psutil.Process(run.pid).children(recursive=True)

    parents = [process for process in family if any("harness.execute.parent" in word for word in process.cmdline())]
    first = parents[0].parent()
    assert (first.pid == run.pid) == (begun_by == "controller")
    if whom == "a worker":
        kernels = [int(path.name[4:]) for path in pytester.path.glob("here*")]
        workers = [process for process in psutil.Process(run.pid).children() if process not in parents]
        (first if first in workers else workers[0]).kill()
        until(lambda: sum(map(is_alive, kernels)) == 1)  # it has ended what it had to
        family += psutil.Process(run.pid).children(recursive=True)
    run.kill()
    run.communicate()

    until_none(lambda: left(run, family, temporary, engine), seconds=10)


def test_nothing_is_left_where_a_fork_of_pytest_lives_on(engine, pytester, temporary):
    """It holds the other end of the pipe on which kernels are asked for."""
    (pytester.path / "conftest.py").write_text(
        "import os, time, pathlib, pytest\n"
        "@pytest.fixture(autouse=True)\n"
        "def fork(run_notebook):\n"
        "    pathlib.Path('small.py').write_text('# Databricks notebook source\\nx = 1\\n')\n"
        "    assert run_notebook('small.py').passed\n"
        "    if os.fork() == 0:\n"
        "        os.setsid()\n"
        "        time.sleep(20)\n"
        "        os._exit(0)\n"
    )
    run = start(pytester.path, temporary, MOMENTS["in a cell"][0])
    until((pytester.path / "here").exists)
    children = psutil.Process(run.pid).children()
    fork = [child for child in children if "harness.execute.parent" not in child.cmdline()]
    family = [process for process in psutil.Process(run.pid).children(recursive=True) if process not in fork]

    run.kill()
    run.wait()
    run.stdout.close()

    try:
        until_none(lambda: left(run, family, temporary, engine), seconds=10)
        assert len(fork) == 1
    finally:
        for child in fork:
            child.kill()


def test_nothing_is_left_of_an_interrupted_pytest(engine, pytester, temporary):
    """After Ctrl-C; it says at which line the notebook was, and which line of the test ran it."""
    run = start(pytester.path, temporary, MOMENTS["in a cell"][0])
    until((pytester.path / "here").exists)
    family = psutil.Process(run.pid).children(recursive=True)

    run.send_signal(signal.SIGINT)
    said, _ = run.communicate(timeout=30)

    assert run.returncode == pytest.ExitCode.INTERRUPTED
    assert re.search(
        r"test_long.py:4: KeyboardInterrupt: long.py was interrupted at long.py:(8|9|10) \(cell 1, line [789]\)", said
    )
    until_none(lambda: left(run, family, temporary, engine), seconds=10)
