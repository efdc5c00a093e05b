"""How an engine is laid out on disk and launched: its folder, its settings, its command and its environment."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from harness.spark import places
from harness.spark.conf import WORKER_MODULE, engine_conf
from harness.spark.gateway import LOCALE_OPTIONS, LOG_SETTINGS, MODULE_OPTIONS, TUNING_OPTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.spark.home import SparkHome
    from harness.spark.java import Java

ENGINE_JAR = Path(__file__).parent / "jvm" / "nbh-spark.jar"

# What runs Spark on clusters of machines; each jar more is one more place to look for every class.
_CLUSTER = ("kubernetes-", "spark-kubernetes", "spark-yarn", "spark-hive-thriftserver", "zookeeper", "curator-", "vertx-")

# What a program needs to run; all else stays with the test processes, of which each tells its own Python workers.
_PASSED_ON = (
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


def lay_out(folder: Path, *, delta: bool, owner: int, idle_s: float) -> str:
    """Clear what an earlier engine left and write what this one reads; gives its token."""
    for name in ("record.json", "ready"):
        (folder / name).unlink(missing_ok=True)
    for name in ("clients", "local", "warehouse", "spaces", "python", "cwd", "tmp"):
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir(mode=0o700)
    shutil.copyfile(Path(__file__).with_name("worker.py"), folder / "python" / f"{WORKER_MODULE}.py")
    if (folder / "log").exists():
        (folder / "log").replace(folder / "log.before")
    token = secrets.token_urlsafe(24)
    (folder / "log4j2.properties").write_text(LOG_SETTINGS.format(level="WARN"), encoding="utf-8")
    own = {"nbh.idle_ms": str(int(idle_s * 1000)), "nbh.owner": str(owner or "")}
    lines = {**engine_conf(folder, token=token, delta=delta), **own}
    descriptor = os.open(folder / "engine.properties", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="latin-1", errors="backslashreplace") as file:
        file.writelines(f"{name}={_escaped(value)}\n" for name, value in lines.items())
    return token


def java_command(java: Java, folder: Path, *, spark_home: Path, delta: list[Path], memory: str, archive: Path) -> list[str]:
    """The whole command of an engine.

    Each jar is named: with a wildcard Java may list them in another order, and a class archive of another order is refused.
    """
    jars = sorted(jar for jar in (spark_home / "jars").glob("*.jar") if not jar.name.startswith(_CLUSTER))
    # Spark reads the code of each function it sends to a task from its jar, and Java asks jar after jar for it.
    sparks = [jar for jar in jars if jar.name.startswith("spark-")]
    path = [ENGINE_JAR, *sparks, *delta, *(jar for jar in jars if jar not in sparks)]
    return [
        str(java.executable),
        f"-Xmx{memory}",
        *TUNING_OPTIONS,
        *_archive(java, path, archive),
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


def _archive(java: Java, path: list[Path], cache: Path) -> list[str]:
    """Java's options for an archive of loaded classes, which saves half of a start; the first engine writes it as it ends."""
    sizes = "\0".join(f"{jar}:{jar.stat().st_size}:{jar.stat().st_mtime_ns}" for jar in path)
    name = hashlib.sha256(f"{java.home}\0{java.version}\0{sizes}".encode()).hexdigest()[:12]
    folder = places.private(cache / "classes")
    file = folder / f"{name}.jsa"
    quiet = ["-Xshare:auto", "-Xlog:cds=off", "-Xlog:cds+dynamic=off"]
    if file.exists():
        return [*quiet, f"-XX:SharedArchiveFile={file}"]
    return [*quiet, f"-XX:ArchiveClassesAtExit={file}"]


def engine_env(env: Mapping[str, str], folder: Path, home: SparkHome) -> dict[str, str]:
    """The engine's environment: nothing of the run that happens to start it."""
    return {
        **{name: env[name] for name in _PASSED_ON if name in env},
        "SPARK_HOME": str(home.folder),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_LOCAL_HOSTNAME": "localhost",
        "PYSPARK_PYTHON": home.python,
        "PYSPARK_DRIVER_PYTHON": home.python,
        "PYTHONPATH": str(folder / "python"),
        "PYTHONSAFEPATH": "1",
        "NBH_SPARK_CLIENTS": str(folder / "clients"),
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
