from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import SparkStartError
from harness.spark.gateway import java_command, start_jvm
from harness.spark.java import Java


@pytest.fixture
def make_java(tmp_path):
    """Make a java that runs a script of ours."""

    def make(script="exit 1\n"):
        executable = tmp_path / "java"
        executable.write_text(f"#!/bin/sh\n{script}")
        executable.chmod(0o755)
        return Java(tmp_path, executable, 21, "21.0.8", "PATH")

    return make


def start(java, folder, **options):
    """Start it with nothing of Spark about."""
    (folder / "work").mkdir()
    return start_jvm(java, spark_home=folder, folder=folder / "work", conf={}, env={"PATH": "/usr/bin:/bin"}, **options)


def test_java_that_ends_at_once(make_java, tmp_path):
    """The full text holds what Java printed, without the stack."""
    java = make_java(
        "echo 'Error occurred during initialization of boot layer'\n"
        "echo '\tat java.base/Boot.start(Boot.java:1)'\n"
        "echo 'java.lang.module.FindException: Module jdk.absent not found' >&2\nexit 1\n"
    )

    with pytest.raises(SparkStartError) as caught:
        start(java, tmp_path)

    assert str(caught.value) == (
        "NBH306 Spark didn't start\n"
        "  cause: Java ended with exit code 1\n"
        "         Error occurred during initialization of boot layer\n"
        "         java.lang.module.FindException: Module jdk.absent not found\n"
        "  mend:  run `nbh doctor`; if it finds nothing, try another Java (JAVA_HOME)\n"
        "  more:  docs/errors.md#nbh306"
    )


def test_java_that_says_nothing(make_java, tmp_path):
    """A Java that hangs is ended, and said to have hung."""
    with pytest.raises(SparkStartError, match="didn't start") as caught:
        start(make_java("exec tail -f /dev/null\n"), tmp_path, timeout_s=0.2)

    assert caught.value.cause == "no sign of life from Java for 0.2 seconds"


@pytest.mark.parametrize(
    ("said", "mend"),
    [
        ("Could not reserve enough space for 1048576KB object heap", 'spark_memory = "1g"'),
        ("java.io.IOException: No space left on device", "TMPDIR"),
        ("java.lang.NoClassDefFoundError: org/apache/spark/sql/connect/plugin/CommandPlugin", "pip install --force-reinstall"),
    ],
)
def test_known_causes_have_their_own_mend(make_java, tmp_path, said, mend):
    """Too little memory and a full disk are no matter of the Java."""
    with pytest.raises(SparkStartError, match="didn't start") as caught:
        start(make_java(f"echo '{said}'\nexit 1\n"), tmp_path)

    assert mend in caught.value.mend


def test_settings_stay_off_the_command_line(make_java, tmp_path):
    """Everyone on the machine can read a command line, and settings may hold secrets."""
    java = make_java('cat "$SPARK_CONF_DIR/spark-defaults.conf"\nexit 1\n')
    (tmp_path / "work").mkdir()
    conf = {"fs.azure.key": "hunter2", "spark.driver.memory": "2g", "spark.path": "C:\\data"}

    with pytest.raises(SparkStartError) as caught:
        start_jvm(java, spark_home=tmp_path, folder=tmp_path / "work", conf=conf, env={"PATH": "/usr/bin:/bin"})

    assert "hunter2" not in " ".join(java_command(java, spark_home=tmp_path, folder=tmp_path, conf=conf))
    assert "fs.azure.key hunter2" in caught.value.cause
    assert "spark.path C:\\\\data" in caught.value.cause


def test_launcher_settings_are_obeyed(make_java):
    """Memory, class path and Java options are for Spark's launcher, whose place we take."""
    conf = {
        "spark.driver.memory": "3g",
        "spark.driver.extraClassPath": "/a.jar",
        "spark.driver.extraJavaOptions": "-Da='b c' -Dd=e",
    }

    command = java_command(make_java(), spark_home=Path("/spark"), folder=Path("/folder"), conf=conf)

    assert "-Xmx3g" in command
    assert command[command.index("-cp") + 1] == "/a.jar:/folder/conf:/spark/jars/*"
    assert command[-2:] == ["-Da=b c", "-Dd=e"]
