"""How an engine is laid out on disk and launched: its folder, its settings, its command and its environment."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from harness.settings import LOCAL_USER
from harness.spark.conf import WORKER_MODULE, engine_conf
from harness.spark.gateway import LOCALE_OPTIONS, LOG_SETTINGS, MODULE_OPTIONS, TUNING_OPTIONS
from harness.spark.worker import VARIABLE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.spark.home import SparkHome
    from harness.spark.java import Java

ENGINE_JAR = Path(__file__).parent / "jvm" / "nbh-spark.jar"

# What runs Spark on clusters of machines; each jar more is one more place to look for every class.
_CLUSTER = ("kubernetes-", "spark-kubernetes", "spark-yarn", "spark-hive-thriftserver", "zookeeper", "curator-", "vertx-")

# What a program needs to run; all else stays with the test processes, of which each tells its own Python workers.
PASSED_ON = (
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "LD_LIBRARY_PATH",
    "TMPDIR",
    "SystemRoot",
    "TEMP",
)


_FACTS = "worker.json"
_OF_SESSIONS = ("clients", "local", "warehouse", "spaces", "python", "cwd", "tmp")


def clear(folder: Path) -> None:
    """Remove what an engine that has ended left in its folder: a killed one leaves its sessions' tables."""
    for name in ("record.json", "record.json.half", "ready", "ready.half", "engine.properties"):
        (folder / name).unlink(missing_ok=True)
    for name in _OF_SESSIONS:
        shutil.rmtree(folder / name, ignore_errors=True)


def lay_out(folder: Path, *, delta: bool, own: Mapping[str, object]) -> str:
    """Clear what an earlier engine left and write what this one reads; gives its token.

    ``own`` are the engine's settings beside Spark's: when it ends, and the class archive that it is to write.
    """
    clear(folder)
    for name in _OF_SESSIONS:
        (folder / name).mkdir(mode=0o700)
    shutil.copyfile(Path(__file__).with_name("worker.py"), folder / "python" / f"{WORKER_MODULE}.py")
    if (folder / "log").exists():
        (folder / "log").replace(folder / "log.before")
    token = secrets.token_urlsafe(24)
    (folder / "log4j2.properties").write_text(LOG_SETTINGS.format(level="WARN"), encoding="utf-8")
    lines = {**engine_conf(folder, token=token, delta=delta), **{name: str(value) for name, value in own.items()}}
    descriptor = os.open(folder / "engine.properties", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="latin-1", errors="backslashreplace") as file:
        file.writelines(f"{name}={_escaped(value)}\n" for name, value in lines.items())
    return token


def class_path(spark_home: Path, *, delta: list[Path]) -> list[Path]:
    """The jars of an engine.

    Each is named: with a wildcard Java may list them in another order, and a class archive of another order is refused.
    """
    jars = sorted(jar for jar in (spark_home / "jars").glob("*.jar") if not jar.name.startswith(_CLUSTER))
    # Spark reads the code of each function it sends to a task from its jar, and Java asks jar after jar for it.
    sparks = [jar for jar in jars if jar.name.startswith("spark-")]
    # An archive holds each jar's place, and a cache may have borrowed its jars from another by a link.
    return [ENGINE_JAR, *sparks, *(jar.resolve() for jar in delta), *(jar for jar in jars if jar not in sparks)]


def java_command(java: Java, folder: Path, *, path: list[Path], memory: str, sharing: list[str]) -> list[str]:
    """The whole command of an engine; ``sharing`` holds the options for its class archive."""
    return [
        str(java.executable),
        f"-Xmx{memory}",
        *TUNING_OPTIONS,
        *sharing,
        # A test must fail with "out of memory", rather than all after it hang in an engine that collects garbage for ever.
        "-XX:+ExitOnOutOfMemoryError",
        *MODULE_OPTIONS,
        f"-Dlog4j2.configurationFile={folder / 'log4j2.properties'}",
        f"-Djava.io.tmpdir={folder / 'tmp'}",
        f"-Dderby.system.home={folder / 'tmp'}",
        *LOCALE_OPTIONS,
        "-cp",
        os.pathsep.join(map(str, path)),
        "io.nbh.spark.engine.Engine",
        str(folder),
    ]


def engine_env(env: Mapping[str, str], folder: Path, home: SparkHome) -> dict[str, str]:
    """The engine's environment: nothing of the run that happens to start it."""
    return {
        **{name: env[name] for name in PASSED_ON if name in env},
        **_spark_env(home, folder / "python"),
        "NBH_SPARK_CLIENTS": str(folder / "clients"),
    }


def classic_env(env: Mapping[str, str], *, home: SparkHome, folder: Path, roots: Sequence[Path]) -> dict[str, str]:
    """The environment of a Java in the test process's hands, which the Python workers inherit; makes their folder too.

    Spark would put PYTHONPATH and the current folder on the workers' path, so a worker could import a notebook, which runs
    its top level. Here they get nothing but our own daemon, which sets the test process's path behind a guard.
    """
    workers = folder / "python"
    workers.mkdir()
    shutil.copyfile(Path(__file__).with_name("worker.py"), workers / f"{WORKER_MODULE}.py")
    (folder / "local").mkdir()
    tell_workers(folder, roots)
    unwanted = {
        "SPARK_LOCAL_DIRS",
        "SPARK_TESTING",
        "SPARK_CONF_DIR",
        "PYTHONHOME",
        "PYTHONOPTIMIZE",
        "PYTHONSTARTUP",
        "MASTER",
    }
    return {
        **{name: value for name, value in env.items() if name not in unwanted},
        **_spark_env(home, workers),
        VARIABLE: str(folder / _FACTS),
    }


def tell_workers(folder: Path, roots: Sequence[Path], doubtful: Sequence[str] = ()) -> None:
    """Write down for the Python workers of a Java in the test process's hands what they are to see: its path, as it is now.

    Modules whose names are ``doubtful`` they don't find.
    """
    path = [str(Path(entry).absolute()) for entry in sys.path if isinstance(entry, str)]  # type: ignore[redundant-expr]  # a user's
    facts = {"path": path, "roots": [str(root) for root in roots], "doubtful": list(doubtful)}
    half = folder / f"{_FACTS}.half"
    half.write_text(json.dumps(facts), encoding="utf-8")
    half.replace(folder / _FACTS)


def _spark_env(home: SparkHome, workers: Path) -> dict[str, str]:
    return {
        "SPARK_HOME": str(home.folder),
        "SPARK_USER": LOCAL_USER,  # who current_user() is, as in a notebook's context, and who owns what is made
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_LOCAL_HOSTNAME": "localhost",
        "PYSPARK_PYTHON": home.python,
        "PYSPARK_DRIVER_PYTHON": home.python,
        "PYTHONPATH": str(workers),
        "PYTHONSAFEPATH": "1",
    }


def launch(command: list[str], folder: Path, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start it, apart from this process in all ways; what it says goes to its log."""
    descriptor = os.open(folder / "log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        # A session of its own and nothing inherited: Ctrl-C is for pytest, and `pytest | tee` must end with pytest.
        return subprocess.Popen(  # noqa: S603 -- the user's own java
            command,
            cwd=folder / "cwd",
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            start_new_session=True,
        )
    finally:
        os.close(descriptor)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n")
