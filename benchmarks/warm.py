"""A Spark engine of the benchmarks' own, what is measured on it, and the usual way to stand beside it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import psutil

from benchmarks.measure import BenchmarkError, environment, pytest_command, wall_s
from harness.spark import places
from harness.spark.versions import FITS
from scripts.plain_java import plain_env

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MB = 2**20

# What projects without a harness have in their conftest.py. With the jars it is what Delta's documentation says.
USUAL = """import pytest

@pytest.fixture(scope="session")
def spark():
    from pyspark.sql import SparkSession
    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        @more@.getOrCreate()
    )
    yield session
    session.stop()
"""
_DELTA = """.config("spark.jars", "{jars}")
        .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
        .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
        """


class Warm:
    """The engine's private cache: only Delta's jars are the user's, so that no figure has their download in it."""

    def __init__(self, folder: Path) -> None:
        self.cache = folder / "cache"
        self.cache.mkdir(mode=0o700, exist_ok=True)
        self.jars = places.cache(os.environ).folder / "jars"
        if len(self._delta()) < len(FITS[0].jars):
            raise BenchmarkError("Delta's jars are not in the user's cache: `nbh spark install` fetches them")
        with contextlib.suppress(FileExistsError):
            (self.cache / "jars").symlink_to(self.jars)
        # One Java for all sides; CI=… would end the engine with each run.
        self.java = plain_env(self.cache)["JAVA_HOME"]
        self.env = {places.VARIABLE: str(self.cache), "JAVA_HOME": self.java, "CI": ""}

    def run_s(self, root: Path, *arguments: str, expect: str) -> float:
        """Give the seconds of a whole pytest run on this engine."""
        return wall_s(pytest_command(*arguments), root, expect=expect, env=self.env)

    def usual_s(self, root: Path, *arguments: str, expect: str, python: str = sys.executable) -> float:
        """Give the seconds of a whole pytest run without the harness."""
        command = pytest_command(*arguments, python=python, plugin=False)
        return wall_s(command, root, expect=expect, env={"JAVA_HOME": self.java})

    def usual_conftest(self, *, delta: bool = False) -> str:
        """Give the conftest.py of the usual way."""
        jars = ",".join(str(jar) for jar in self._delta())
        return USUAL.replace("@more@", _DELTA.format(jars=jars) if delta else "")

    def stop(self) -> None:
        """End the engine, if one runs; its classes are kept for the next start."""
        self._nbh("stop")

    @property
    def pid(self) -> int:
        """The process of the engine that runs."""
        told: dict[str, Any] = json.loads(self._nbh("status", "--json"))
        return int(told["pid"])

    def _nbh(self, *arguments: str) -> str:
        command = [sys.executable, "-m", "harness", "spark", *arguments]
        env = {**environment(), **self.env}
        return subprocess.run(command, env=env, cwd=self.cache, capture_output=True, text=True, timeout=120, check=True).stdout

    def _delta(self) -> list[Path]:
        names = {jar.file for jar in FITS[0].jars}
        return sorted(path for path in self.jars.rglob("*.jar") if path.name in names)


@contextlib.contextmanager
def warm_engine(folder: Path) -> Iterator[Warm]:
    """Give an engine's place, and end the engine that was started there."""
    place = Warm(folder)
    try:
        yield place
    finally:
        place.stop()


def held_mb(pid: int) -> float:
    """The megabytes of a process and all below it: PSS, which counts shared pages once; RSS where the system doesn't tell."""
    total = 0
    process = psutil.Process(pid)
    for one in [process, *process.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            told = one.memory_full_info()
            total += getattr(told, "pss", told.rss)
    return float(total) / _MB


@contextlib.contextmanager
def most_held(pid: int) -> Iterator[list[float]]:
    """Give a list to which the most megabytes that the processes held meanwhile are added at the end."""
    seen: list[float] = [held_mb(pid)]
    most: list[float] = []
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.25):
            seen.append(held_mb(pid))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield most
    finally:
        ended.set()
        thread.join()
        most.append(max(seen))
