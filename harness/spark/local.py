"""One plain Spark session inside this process: real Spark, tuned for small data, gone without a trace when it is stopped."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import PysparkClashError, PysparkMissingError, SparkStartError
from harness.spark import facts
from harness.spark.conf import WORKER_MODULE, common_conf
from harness.spark.gateway import start_jvm
from harness.spark.java import find_java
from harness.spark.worker import VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pyspark.sql import SparkSession

    from harness.errors import EngineLostError
    from harness.spark.gateway import Jvm

OURS = "NBH_SPARK_CLIENT"
"""Set to the pid beside Spark's own variables while a session on the warm engine is open: those are ours, not the user's."""

INSTALL = 'pip install "databricks-notebook-harness[local]"'


class LocalSession:
    """A session and what has to end with it."""

    def __init__(self, spark: SparkSession, *, stop: Callable[[], None] | None = None) -> None:
        self.spark = spark
        self.is_ours = stop is not None
        self._stop = stop

    is_lost = False
    was_used = True
    outlives_run = False

    def lost_error(self) -> EngineLostError:
        """Never called: a JVM that ends takes the test process's own calls with it, and they say so."""
        raise NotImplementedError

    def ready(self) -> None:
        """Before a test: nothing to do yet."""

    def restore(self) -> None:
        """After a test: nothing to do yet."""

    def keep(self, test: str, *, schema: str) -> None:
        """Nothing of this engine outlives its process."""

    def interrupt(self) -> None:
        """End the jobs that still run."""
        self.spark.sparkContext.cancelAllJobs()

    def stop(self) -> None:
        """End the session, its JVM and its workers, and remove its folder; does nothing to a session that isn't ours."""
        stop, self._stop = self._stop, None
        if stop is not None:
            stop()


def start_session(
    *,
    partitions: int = 1,
    conf: Mapping[str, str] | None = None,
    roots: Sequence[Path] = (),
    progress: Callable[[str], None] = lambda _line: None,
    env: Mapping[str, str] | None = None,
    log_level: str = "ERROR",
) -> LocalSession:
    """Start Spark in this process, or take the session that the user's own code has already started here.

    ``partitions`` is the number of partitions of new and of shuffled data; ``conf`` holds Spark settings that win over ours;
    ``roots`` are the folders whose notebooks no Python worker may import; ``progress`` is told, once, what is being done.

    Raises:
        PysparkMissingError: pyspark isn't installed, or without Spark itself.
        PysparkClashError: pyspark is databricks-connect's, or a variable makes it a client of a remote Spark.
        JavaNotFoundError, JavaTooOldError, JavaBrokenError: See `harness.spark.java.find_java`.
        SparkStartError: Java was found, but Spark didn't start in it.
    """
    forget_inherited()
    environ = os.environ if env is None else env
    active = _active_session()
    if active is not None:
        progress(f"using the Spark {active.version} session that is already active in this process, with its own settings")
        return LocalSession(active)
    spark_home = find_spark_home(environ)
    java = find_java(environ)
    progress(f"starting Spark {facts.pyspark_version()} on Java {java.major} …")
    folder = Path(tempfile.mkdtemp(prefix="nbh-spark-"))
    with contextlib.ExitStack() as undo:
        undo.callback(_remove, folder)
        settings = {**session_conf(folder, partitions=partitions), **(conf or {})}
        jvm = start_jvm(
            java,
            spark_home=spark_home,
            folder=folder,
            conf=settings,
            env=_jvm_env(environ, spark_home=spark_home, folder=folder, roots=roots),
            log_level=log_level,
        )
        undo.callback(jvm.stop)
        undo.enter_context(_own_interrupt_handler())
        spark = _connect(jvm, undo)
        # pyspark writes each failed call to stderr once more, as kilobytes of JSON; the exception says the same.
        logging.getLogger("DataFrameQueryContextLogger").setLevel(logging.CRITICAL)
        undo.callback(spark.stop)
        # If this process is killed the JVM ends by itself; only it can remove the folder then.
        spark._jvm.org.apache.spark.util.ShutdownHookManager.registerShutdownDeleteDir(spark._jvm.java.io.File(str(folder)))  # type: ignore[union-attr]  # noqa: SLF001 -- there is no public way
        return LocalSession(spark, stop=undo.pop_all().close)
    raise AssertionError  # pragma: no cover -- ExitStack never swallows


def session_conf(folder: Path, *, partitions: int) -> dict[str, str]:
    """The settings of a classic session."""
    return {
        **common_conf(folder, delta=False),
        "spark.default.parallelism": str(partitions),
        "spark.sql.shuffle.partitions": str(partitions),
        "spark.sql.leafNodeDefaultParallelism": str(partitions),
    }


def find_spark_home(env: Mapping[str, str]) -> Path:
    """Where the installed pyspark keeps Spark's jars.

    A SPARK_HOME of the user's is not asked: it may well be another version than pyspark's own.

    Raises:
        PysparkMissingError: pyspark isn't installed, or without Spark itself.
        PysparkClashError: pyspark is databricks-connect's, or a variable makes it a client of a remote Spark.
    """
    connect = facts.version_of("databricks-connect")
    if connect is not None and facts.pyspark_version() is None:
        raise PysparkClashError(
            "local Spark can't run beside databricks-connect",
            cause=f"databricks-connect {connect} is installed, and its pyspark is a client without a Spark of its own",
            mend=f"for local tests make another virtual environment and there: {INSTALL}\n"
            "(one environment can't hold both: each brings a package named pyspark)",
        )
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
    home = Path(spec.origin).parent
    if not (home / "jars").is_dir():
        raise PysparkMissingError(
            "the fixture spark needs Spark itself", cause="the installed pyspark is a client only: it has no jars", mend=INSTALL
        )
    for name in facts.REMOTE_VARIABLES:
        if name in env:
            # The value isn't told: it may hold a token.
            raise PysparkClashError(
                "pyspark is set up as a client of a remote Spark",
                cause=f"the variable {name} is set",
                mend=f"unset {name} for this run",
            )
    return home


def forget_inherited() -> None:
    """Take away what a test process on the warm engine left in the environment of those that it starts, as this one."""
    if os.environ.get(OURS, str(os.getpid())) != str(os.getpid()):
        for name in (OURS, *facts.REMOTE_VARIABLES):
            os.environ.pop(name, None)


def has_active_session() -> bool:
    """Whether the user's own code has started a session in this process."""
    return _active_session() is not None


def _active_session() -> SparkSession | None:
    if "pyspark.sql" not in sys.modules:
        return None  # nobody can have started one
    from pyspark.sql import SparkSession

    return SparkSession.getActiveSession()


def _jvm_env(env: Mapping[str, str], *, spark_home: Path, folder: Path, roots: Sequence[Path]) -> dict[str, str]:
    """The JVM's environment, which the Python workers inherit.

    Spark would put PYTHONPATH and the current folder on the workers' path, so a worker could import a notebook, which runs
    its top level. Here they get nothing but our own daemon, which sets the test process's path behind a guard.
    """
    workers = folder / "python"
    workers.mkdir()
    shutil.copyfile(Path(__file__).with_name("worker.py"), workers / f"{WORKER_MODULE}.py")
    (folder / "local").mkdir()
    unwanted = {"SPARK_LOCAL_DIRS", "SPARK_TESTING", "SPARK_CONF_DIR", "PYTHONHOME", "PYTHONSTARTUP", "MASTER"}
    return {
        **{name: value for name, value in env.items() if name not in unwanted},
        "SPARK_HOME": str(spark_home),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_LOCAL_HOSTNAME": "localhost",
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        "PYTHONPATH": str(workers),
        "PYTHONSAFEPATH": "1",
        VARIABLE: json.dumps(
            {"path": [str(Path(entry).absolute()) for entry in sys.path], "roots": [str(root) for root in roots]}
        ),
    }


def _connect(jvm: Jvm, undo: contextlib.ExitStack) -> SparkSession:
    """Open the session over the gateway, by the variables that pyspark offers for it."""
    wanted = {
        "PYSPARK_GATEWAY_PORT": str(jvm.port),
        "PYSPARK_GATEWAY_SECRET": jvm.secret,
        # pyspark's default is the first python3 on PATH, which need not be this one.
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
    }
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        from py4j.protocol import Py4JError  # type: ignore[import-untyped]  # published without types
        from pyspark.sql import SparkSession

        undo.callback(_forget_gateway)
        try:
            return SparkSession.builder.getOrCreate()
        except Py4JError as exc:
            raise SparkStartError(
                "Spark didn't start", cause=str(exc).strip()[:2000], mend="check the Spark settings you gave"
            ) from exc
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _forget_gateway() -> None:
    """Let pyspark start anew later in this process: it keeps its gateway for good, and ours is about to end."""
    from pyspark import SparkContext

    gateway = SparkContext._gateway  # noqa: SLF001 -- pyspark has no public way to let go of a gateway
    if gateway is not None:
        gateway.shutdown()
    SparkContext._gateway = None  # noqa: SLF001 -- as above
    SparkContext._jvm = None  # noqa: SLF001 -- as above


@contextlib.contextmanager
def _own_interrupt_handler() -> Iterator[None]:
    """Put back Ctrl-C's handler: pyspark's own asks Spark to cancel jobs, and fails once Spark has ended."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _remove(folder: Path) -> None:
    # The JVM's own shutdown removes the same folder; both may be at it, so what is gone already is no fault.
    for _ in range(3):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.05)
