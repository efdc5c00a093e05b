"""The files of tests: each has its own, notebook code finds them, and nothing is left of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

NOTEBOOK = """\
# Databricks notebook source
import os

def load(path):
    with open(path) as file:
        return file.read()

def tidy():
    for info in dbutils.fs.ls("/mnt/raw"):
        if info.size == 0:
            dbutils.fs.rm(info.path)
    return [info.name for info in dbutils.fs.ls("/mnt/raw")]

# COMMAND ----------

FOUND = [info.name for info in dbutils.fs.ls("/mnt/raw")]

def found():
    return FOUND
"""

TESTS = """\
import os

import pytest
from etl import found, load, tidy


@pytest.mark.parametrize("turn", range(4))
def test_each_has_its_own(dbutils, turn):
    assert dbutils.fs.ls("/tmp") == []
    dbutils.fs.put("/tmp/x/y", str(turn))
    dbutils.fs.mount("s3://bucket", "/mnt/bucket")
    assert load("/dbfs/tmp/x/y") == str(turn)
    dbutils.fs.rm("/mnt", True)


def test_notebook_code_has_the_tests(dbutils):
    dbutils.fs.put("/mnt/raw/empty", "")
    dbutils.fs.put("/mnt/raw/full", "1")
    assert tidy() == ["full"]


def test_what_the_notebook_lists_is_the_tests(dbutils):
    dbutils.fs.put("/mnt/raw/a", "1")
    assert found() == ["a"]


def test_and_another_tests(dbutils):
    dbutils.fs.put("/mnt/raw/b", "1")
    assert found() == ["b"]


def test_no_file_there(dbutils):
    with pytest.raises(FileNotFoundError, match="'/dbfs/tmp/nope'"):
        load("/dbfs/tmp/nope")


def test_a_test_without_files():
    with pytest.raises(FileNotFoundError):
        os.listdir("/dbfs")


def test_own_files(dbutils):
    class Mine:
        def ls(self, path):
            return []
    dbutils.fs = Mine()
    assert tidy() == []
"""


@pytest.mark.parametrize("options", [["-p", "no:xdist"], ["-n", "2"]], ids=["plain", "xdist"])
def test_each_test_has_its_own_files(pytester, monkeypatch, options):
    """In one process, in two at once; and the folder is gone afterwards."""
    monkeypatch.setenv("TMPDIR", str(pytester.mkdir("temporary")))
    (pytester.path / "etl.py").write_text(NOTEBOOK)
    pytester.makepyfile(TESTS)

    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", *options)

    result.assert_outcomes(passed=10)
    assert list((pytester.path / "temporary").glob("nbh-files-*")) == []


def test_what_wider_fixtures_wrote_stays(pytester):
    """For as long as their scope; what a test adds to it goes."""
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture(scope="module")
        def shared(request):
            from harness.collect.files import folder_of
            from harness.runtime.files import Files
            from harness.runtime.fs import Fs

            Fs(Files(folder_of(request.config))).put("/FileStore/shared/a", "1")

        @pytest.mark.parametrize("turn", range(2))
        def test_it(shared, dbutils, turn):
            assert [info.name for info in dbutils.fs.ls("/FileStore/shared")] == ["a"]
            dbutils.fs.put("/FileStore/shared/b", "1")
        """
    )

    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=2)


@pytest.mark.skipif(os.name != "posix", reason="there nobody can be asked whether a process is alive")
def test_the_files_of_a_killed_run_go_with_the_next(pytester, monkeypatch):
    """They are told by the process that made them."""
    temporary = pytester.mkdir("temporary")
    monkeypatch.setenv("TMPDIR", str(temporary))
    pytester.makepyfile("def test_it(dbutils):\n    dbutils.fs.put('/tmp/x', '1')\n    import time\n    time.sleep(60)\n")
    run = subprocess.Popen([sys.executable, "-m", "pytest", "-p", "no:cacheprovider"], stdout=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while not list(temporary.glob("nbh-files-*/dbfs/tmp/x")):
        assert time.monotonic() < until
        time.sleep(0.05)
    run.send_signal(signal.SIGKILL)
    run.wait()
    assert len(list(temporary.glob("nbh-files-*"))) == 1
    pytester.makepyfile("def test_it(dbutils):\n    assert dbutils.fs.ls('/tmp') == []\n")

    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)

    assert list(temporary.glob("nbh-files-*")) == []
    assert Path(tempfile.gettempdir()) != temporary


PATHS = """\
import pytest


@pytest.mark.parametrize("path", ["/dbfs/tmp/nope", "/Volumes/main/raw/v/nope", "/dbfsx/nope", "nope"])
def test_alone(path):
    open(path)


def test_served(dbutils):
    open("/dbfs/tmp/nope")
"""


def test_who_has_no_such_files_is_told_what_brings_them(make_folder):
    """Only where nothing serves them, and only of their paths."""
    folder = make_folder({"test_it.py": [PATHS]})

    said = folder.run_apart("pytest", "-q").stdout

    assert "5 failed" in said
    told = [line for line in said.splitlines() if line.startswith("E ") and "is there in tests that use dbutils, uc," in line]
    assert [line.split()[1] for line in told] == ["/dbfs", "/Volumes"], said
