"""Where local Spark is: the test environment's own pyspark, or beside databricks-connect the one of ``nbh spark install``."""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import PysparkClashError, PysparkMissingError
from harness.spark import facts, places
from harness.spark.java import find_java, wheel_home
from harness.spark.versions import spark_beside

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.spark.java import Java

OURS = "NBH_SPARK_CLIENT"
"""Set to the pid beside Spark's own variables while a session on the warm engine is open: those are ours, not the user's."""

INSTALL = 'pip install "databricks-notebook-harness[local]"'

_PARTS = ("cryptography", "filelock", "platformdirs", "psutil")
"""What an engine takes beside Spark; the extras bring them."""


@dataclass(frozen=True, slots=True)
class SparkHome:
    """A Spark: the folder that holds its jars, its version, the Python that its workers run in.

    ``client`` is databricks-connect's version where that is the client; ``java`` the Java that came with an environment of the
    engine's own.
    """

    folder: Path
    version: str
    python: str
    client: str = ""
    java: Path | None = None

    def find_java(self, env: Mapping[str, str]) -> Java:
        """The Java to run it on; see `harness.spark.java.find_java`."""
        return find_java(env, wheel=lambda: wheel_home() or self.java)


def find_spark(env: Mapping[str, str]) -> SparkHome:
    """The Spark that local engines are started from.

    A SPARK_HOME of the user's is not asked: it may well be another version than pyspark's own.

    Raises:
        PysparkMissingError: pyspark isn't installed, or without Spark itself.
        PysparkClashError: pyspark and databricks-connect are both installed, databricks-connect is and the engine's own
            environment isn't, or a variable makes pyspark a client of a remote Spark.
    """
    connect = facts.version_of("databricks-connect")
    if connect is not None and facts.pyspark_version() is None:
        return _beside(connect, env)
    spec = find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise PysparkMissingError(
            "the fixture spark needs pyspark", cause="pyspark is not installed in this Python", mend=INSTALL
        )
    if connect is not None:
        raise PysparkClashError(
            "pyspark and databricks-connect are installed in one environment",
            cause=f"both bring a package named pyspark: databricks-connect {connect} and pyspark {facts.version_of('pyspark')}",
            mend=f"pip uninstall databricks-connect pyspark, then for local tests: {INSTALL}",
        )
    folder = Path(spec.origin).parent
    if not (folder / "jars").is_dir():
        raise PysparkMissingError(
            "the fixture spark needs Spark itself", cause="the installed pyspark is a client only: it has no jars", mend=INSTALL
        )
    _refuse_remote(env)
    return SparkHome(folder, facts.pyspark_version() or "", sys.executable)


def find_own_spark(env: Mapping[str, str]) -> SparkHome:
    """The Spark of this very environment, which the classic engine needs.

    Raises:
        PysparkMissingError, PysparkClashError: As `find_spark`; and databricks-connect is installed, whose pyspark is a client.
    """
    connect = facts.version_of("databricks-connect")
    if connect is not None and facts.pyspark_version() is None:
        raise PysparkClashError(
            "the classic engine can't run beside databricks-connect",
            cause=f"it runs inside the test process, where databricks-connect {connect} is pyspark: a client without RDDs",
            mend=f"for tests that need it make another virtual environment and there: {INSTALL}",
        )
    return find_spark(env)


def version_here() -> str:
    """The version of Spark that an engine would have, without a look at whether it is there; empty if there can be none."""
    return facts.pyspark_version() or own_spark() or ""


def own_spark() -> str | None:
    """The pyspark of the engine's own environment, where it needs one: beside databricks-connect; else None."""
    connect = facts.version_of("databricks-connect")
    return spark_beside(connect) if connect is not None and facts.pyspark_version() is None else None


def _beside(connect: str, env: Mapping[str, str]) -> SparkHome:
    """The engine's own environment, for a test environment with databricks-connect."""
    from harness.spark.install import find_installed

    _refuse_remote(env)
    check_parts()
    version = spark_beside(connect)
    if version is None:
        raise PysparkClashError(
            f"no local Spark is known to work with databricks-connect {connect}",
            cause="its pyspark is a client without a Spark of its own, and older than those that were tried",
            mend=f"install a newer databricks-connect, or another virtual environment for local tests, and there: {INSTALL}",
        )
    found = find_installed(places.cache(env).folder, version)
    if found is None:
        raise PysparkClashError(
            "beside databricks-connect, local Spark needs an environment of its own",
            cause=f"databricks-connect {connect} is installed, and its pyspark is a client without a Spark of its own",
            mend=f"nbh spark install (makes that environment in your cache, with pyspark {version}; this one stays as it is),\n"
            f"or make another virtual environment for local tests, and there: {INSTALL}",
        )
    return SparkHome(found.spark, version, str(found.python), connect, found.java)


def check_parts() -> None:
    """Refuse a databricks-connect that was installed without what a local engine takes.

    Raises:
        PysparkMissingError: A part of the extra ``connect`` isn't installed.
    """
    missing = [name for name in _PARTS if find_spec(name) is None]
    if missing:
        raise PysparkMissingError(
            "local Spark needs more than a client",
            cause=f"not installed in this Python: {', '.join(missing)}",
            mend='pip install "databricks-notebook-harness[connect]"',
        )


def _refuse_remote(env: Mapping[str, str]) -> None:
    for name in facts.REMOTE_VARIABLES:
        if name in env:
            # The value isn't told: it may hold a token.
            raise PysparkClashError(
                "pyspark is set up as a client of a remote Spark",
                cause=f"the variable {name} is set",
                mend=f"unset {name} for this run",
            )


@contextlib.contextmanager
def variables(wanted: Mapping[str, str]) -> Iterator[None]:
    """Set variables of this process, and put back afterwards what they were."""
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def forget_inherited() -> None:
    """Take away what a test process on the warm engine left in the environment of those that it starts, as this one."""
    if os.environ.get(OURS, str(os.getpid())) != str(os.getpid()):
        for name in (OURS, *facts.REMOTE_VARIABLES):
            os.environ.pop(name, None)
