"""Start the JVM that pyspark talks to, directly and not through pyspark's shell scripts."""

from __future__ import annotations

import collections
import contextlib
import os
import shlex
import struct
import subprocess
import threading
import time
from typing import TYPE_CHECKING, cast

from harness.errors import SparkStartError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import IO

    from harness.spark.java import Java

# What Spark's own launcher passes (a test compares), but for --add-modules=jdk.incubator.vector: the JRE wheel lacks that
# module and refuses to start with it, and without it numbers are the same on every Java.
MODULE_OPTIONS = (
    "-XX:+IgnoreUnrecognizedVMOptions",
    "--add-opens=java.base/java.lang=ALL-UNNAMED",
    "--add-opens=java.base/java.lang.invoke=ALL-UNNAMED",
    "--add-opens=java.base/java.lang.reflect=ALL-UNNAMED",
    "--add-opens=java.base/java.io=ALL-UNNAMED",
    "--add-opens=java.base/java.net=ALL-UNNAMED",
    "--add-opens=java.base/java.nio=ALL-UNNAMED",
    "--add-opens=java.base/java.util=ALL-UNNAMED",
    "--add-opens=java.base/java.util.concurrent=ALL-UNNAMED",
    "--add-opens=java.base/java.util.concurrent.atomic=ALL-UNNAMED",
    "--add-opens=java.base/jdk.internal.ref=ALL-UNNAMED",
    "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
    "--add-opens=java.base/sun.nio.cs=ALL-UNNAMED",
    "--add-opens=java.base/sun.security.action=ALL-UNNAMED",
    "--add-opens=java.base/sun.util.calendar=ALL-UNNAMED",
    "--add-opens=java.security.jgss/sun.security.krb5=ALL-UNNAMED",
    "-Dio.netty.tryReflectionSetAccessible=true",
    "-Dio.netty.allocator.type=pooled",
    "-Dio.netty.handler.ssl.defaultEndpointVerificationAlgorithm=NONE",
    "--sun-misc-unsafe-memory-access=allow",
    "--enable-native-access=ALL-UNNAMED",
    "-Dderby.connection.requireAuthentication=false",
)

# None of these can change a result. Together they halve the processor time of a hundred small tests: a test's code runs too
# seldom for the second compiler to pay, and a small heap needs no collector with threads of its own.
TUNING_OPTIONS = (
    "-XX:TieredStopAtLevel=1",
    # With one compiler Java keeps room for 48 MB of code; Spark's fill it, and Java then throws out what it needs again next.
    # More than half of the processor time of a hundred small tests went there.
    "-XX:ReservedCodeCacheSize=240m",
    # Java runs code by its interpreter until it was called 200 times, which most of Spark's is only after a dozen runs of a
    # suite; and this compiler is cheap. With these a first run takes a quarter less time, a third one a sixth.
    "-XX:Tier3InvocationThreshold=10",
    "-XX:Tier3MinInvocationThreshold=4",
    "-XX:Tier3CompileThreshold=60",
    "-XX:Tier3BackEdgeThreshold=2000",
    "-XX:+UseSerialGC",
    # There is one set of loggers, so none need be looked for by who asks: Spark asks for one each time it plans a query.
    "-Dlog4j2.contextSelector=org.apache.logging.log4j.core.selector.BasicContextSelector",
    "-XX:-UsePerfData",  # no file in the system's temporary folder for each Java
)

# As on Databricks, in any country.
LOCALE_OPTIONS = ("-Duser.timezone=UTC", "-Duser.language=en")

LOG_SETTINGS = """\
rootLogger.level = {level}
rootLogger.appenderRef.stderr.ref = stderr
appender.stderr.type = Console
appender.stderr.name = stderr
appender.stderr.target = SYSTEM_ERR
appender.stderr.layout.type = PatternLayout
appender.stderr.layout.pattern = %d{{HH:mm:ss}} %p %c{{1}}: %m%n%ex
# What these two say of a failed task, with a page of Java's stack, the test gets as an exception.
logger.executor.name = org.apache.spark.executor.Executor
logger.executor.level = off
logger.tasks.name = org.apache.spark.scheduler.TaskSetManager
logger.tasks.level = off
# Where its folder for scratch files is it tells at each start, as if it were a fault.
logger.conf.name = org.apache.spark.SparkConf
logger.conf.level = error
# That there is no Hadoop library in C is so on every developer's machine.
logger.native.name = org.apache.hadoop.util.NativeCodeLoader
logger.native.level = error
"""


class Jvm:
    """A running JVM with Spark's Python gateway in it; it ends when its standard input does, so with this process at latest."""

    def __init__(self, process: subprocess.Popen[bytes], *, port: int, secret: str, output: Output) -> None:
        self.pid = process.pid
        self.port = port
        self.secret = secret
        self._process = process
        self._output = output

    def is_alive(self, *, wait_s: float = 0.0) -> bool:
        """Whether the process runs; one that is just ending is given so long to be gone."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(wait_s)
        return self._process.returncode is None

    def tail(self) -> list[str]:
        """The last lines that it printed which say something."""
        return telling(self._output.lines(), 12)

    def stop(self, *, timeout_s: float = 20.0) -> None:
        """End the JVM and wait for it; one that doesn't listen is killed."""
        _close(self._process.stdin)
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._output.finish()


class Output:
    """Passes on what the JVM prints, as a child with inherited output would, and keeps the last lines for an error's cause."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._kept: collections.deque[str] = collections.deque(maxlen=80)
        self._started = False
        self._thread = threading.Thread(target=self._pump, name="nbh-spark-output", daemon=True)
        self._thread.start()

    def pass_on(self) -> None:
        """Show lines from here on; until Spark has started they are only kept, and told if it doesn't."""
        self._kept.clear()
        self._started = True

    def lines(self) -> list[str]:
        """The last lines so far."""
        return list(self._kept)

    def finish(self) -> list[str]:
        """The last lines, once the JVM has ended."""
        self._thread.join(5)
        self._stream.close()
        return list(self._kept)

    def _pump(self) -> None:
        for line in self._stream:
            self._kept.append(line.decode(errors="replace").rstrip())
            if self._started:
                _write_to_stderr(line)


def _write_to_stderr(line: bytes) -> None:
    # The descriptor, not sys.stderr: a test that reads its own capsys is not to find Spark's lines in it.
    with contextlib.suppress(OSError):  # it may be closed by now
        os.write(2, line)


def start_jvm(
    java: Java,
    *,
    spark_home: Path,
    folder: Path,
    conf: Mapping[str, str],
    env: Mapping[str, str],
    log_level: str = "ERROR",
    timeout_s: float = 120.0,
) -> Jvm:
    """Start Spark's gateway and wait until it tells its port.

    ``folder`` must be private to this user: it gets the settings (they may hold secrets, so they don't stand on the command
    line, which every user of the machine can read) and the gateway's own secret.

    Raises:
        SparkStartError: Java ended, or said nothing for too long; the cause holds what it printed.
    """
    conf_folder = folder / "conf"
    conf_folder.mkdir()
    (conf_folder / "spark-defaults.conf").write_text(
        "".join(f"{name} {_escaped(value)}\n" for name, value in conf.items()), encoding="utf-8"
    )
    (conf_folder / "log4j2.properties").write_text(LOG_SETTINGS.format(level=log_level), encoding="utf-8")
    told = folder / "gateway"
    command = java_command(java, spark_home=spark_home, folder=folder, conf=conf)
    process = subprocess.Popen(  # noqa: S603 -- the user's own java
        [*command, "org.apache.spark.deploy.SparkSubmit", *shlex.split(env.get("PYSPARK_SUBMIT_ARGS", "pyspark-shell"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**env, "SPARK_CONF_DIR": str(conf_folder), "_PYSPARK_DRIVER_CONN_INFO_PATH": str(told), "SPARK_CONNECT_MODE": "0"},
        # Ctrl-C at the terminal is for pytest; Spark has to live on for the clean-up.
        process_group=0 if os.name == "posix" else None,
    )
    output = Output(cast("IO[bytes]", process.stdout))
    try:
        _wait_for(told, process, timeout_s)
    except BaseException as exc:
        process.kill()
        process.wait()
        _close(process.stdin)
        lines = output.finish()
        if isinstance(exc, _NotStartedError):
            raise SparkStartError(
                "Spark didn't start", cause="\n".join([str(exc), *telling(lines)]), mend=mend_for(lines)
            ) from exc
        raise
    port, secret = _read(told.read_bytes())
    told.unlink()
    output.pass_on()
    return Jvm(process, port=port, secret=secret, output=output)


def java_command(java: Java, *, spark_home: Path, folder: Path, conf: Mapping[str, str]) -> list[str]:
    """The command up to the main class, as Spark's launcher would make it of these settings, tuned."""
    jars = spark_home / "jars"
    # Spark's launcher puts slf4j first; the settings' folder comes before all, for log4j finds its file there.
    first = sorted(str(jar) for jar in jars.glob("slf4j-api-*.jar"))
    extra = conf.get("spark.driver.extraClassPath", "")
    path = [*([extra] if extra else []), str(folder / "conf"), *first, str(jars / "*")]
    return [
        str(java.executable),
        "-cp",
        os.pathsep.join(path),
        f"-Xmx{conf.get('spark.driver.memory', '1g')}",
        f"-Dderby.system.home={folder}",
        f"-Djava.io.tmpdir={folder}",
        *LOCALE_OPTIONS,
        *TUNING_OPTIONS,
        *MODULE_OPTIONS,
        *shlex.split(conf.get("spark.driver.extraJavaOptions", "")),
    ]


class _NotStartedError(Exception):
    """The gateway didn't come up; the text says in what way."""


def _wait_for(told: Path, process: subprocess.Popen[bytes], timeout_s: float) -> None:
    until = time.monotonic() + timeout_s
    while not told.exists():
        if process.poll() is not None:
            raise _NotStartedError(f"Java ended with exit code {process.returncode}")
        if time.monotonic() > until:
            raise _NotStartedError(f"no sign of life from Java for {timeout_s:g} seconds")
        time.sleep(0.02)


def _read(told: bytes) -> tuple[int, str]:
    """Port and secret, as Spark's PythonGatewayServer writes them (into a file it then renames, so never half)."""
    port, length = struct.unpack(">ii", told[:8])
    return port, told[8 : 8 + length].decode()


def telling(lines: list[str], count: int = 8) -> list[str]:
    """The last lines that say why, without the stack frames between them."""
    plain = [line for line in lines if line.strip() and not line.lstrip().startswith(("at ", "... "))]
    return plain[-count:]


def mend_for(lines: list[str]) -> str:
    """What to do about a Java that said this and ended."""
    text = "\n".join(lines)
    if "Could not reserve enough space" in text or "insufficient memory" in text or "Invalid maximum heap size" in text:
        return 'give Java a size that this machine has: spark_memory = "1g" (the default) under [tool.nbh]'
    if "ClassNotFoundException" in text or "NoClassDefFoundError" in text or "zip END header not found" in text:
        return "a jar of pyspark's is missing or broken: pip install --force-reinstall --no-deps pyspark"
    if "No space left on device" in text:
        return "free some space in the temporary folder, or name another with TMPDIR"
    return "run `nbh doctor`; if it finds nothing, try another Java (JAVA_HOME)"


def _escaped(value: str) -> str:
    """A value as java.util.Properties reads it back."""
    return value.replace("\\", "\\\\").replace("\n", "\\n")


def _close(stream: IO[bytes] | None) -> None:
    try:
        if stream is not None:
            stream.close()
    except OSError:
        pass  # Java is gone already, which is what closing was for
