"""Spark inside the test process: for RDDs, SparkContext and the JVM; in all else, restore too, as on the warm engine."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import EngineLostError, SparkStartError
from harness.spark import jars, places
from harness.spark.calls import Calls
from harness.spark.clients import tell_of_forks
from harness.spark.conf import BARE, Wishes, classic_conf
from harness.spark.gateway import start_jvm
from harness.spark.handover import forget_gateway, own_interrupt_handler, refuse, remove, variables, watch
from harness.spark.home import find_own_spark, forget_inherited
from harness.spark.kept import Kept
from harness.spark.launch import ENGINE_JAR, classic_env, tell_workers
from harness.spark.versions import fit_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pyspark.sql import SparkSession


class ClassicSession:
    """One process's Spark, with its Java. ``spark`` stays the same object for the whole run, whatever becomes of it."""

    kind = "classic"
    ends_with = "process"
    """What the engine, and so all that was made on it, ends with."""

    def __init__(
        self,
        wishes: Wishes,
        *,
        roots: Sequence[Path],
        progress: Callable[[str], None],
        env: Mapping[str, str],
        files: str = "",
        log_level: str = "ERROR",
    ) -> None:
        self._wishes = wishes
        self._roots = roots
        self._progress = progress
        self._env = env
        self._files = files
        self._log_level = log_level
        self._calls = Calls(self._follow, self._tell_workers)
        self._marked_at = 0
        self._broke = False
        self._includes: list[str] = []
        self._environment: dict[str, str] = {}
        self._has_catalogs = False
        self._undo = contextlib.ExitStack()
        self._context: Any = None
        self._session: Any = None
        self._start()

    @property
    def spark(self) -> SparkSession:
        """The session."""
        return self._session  # type: ignore[no-any-return]

    def _start(self) -> None:
        home = find_own_spark(self._env)
        java = home.find_java(self._env)
        cache = places.cache(self._env).folder
        fit = fit_of(home.version) if self._wishes.delta else None
        delta = jars.for_run(cache, fit, java=java, spark_jars=home.folder / "jars", env=self._env, progress=self._progress)
        self._progress(f"starting Spark {home.version} on Java {java.major} …")
        folder = self._folder = Path(tempfile.mkdtemp(prefix="nbh-spark-"))
        with contextlib.ExitStack() as undo:
            undo.callback(remove, folder)
            space = f"{os.getpid()}-{secrets.token_hex(4)}" if delta else ""
            class_path = os.pathsep.join(map(str, [ENGINE_JAR, *delta]))
            self._has_catalogs = bool(space)
            self._jvm = start_jvm(
                java,
                spark_home=home.folder,
                folder=folder,
                conf=classic_conf(folder, self._wishes, space=space, class_path=class_path, files=self._files),
                env=classic_env(self._env, home=home, folder=folder, roots=self._roots),
                log_level=self._log_level,
            )
            undo.callback(self._jvm.stop)
            undo.enter_context(own_interrupt_handler())
            undo.callback(forget_gateway)
            self._connect_first()
            # pyspark writes each failed call to stderr once more, as kilobytes of JSON; the exception says the same.
            for name in ("DataFrameQueryContextLogger", "SQLQueryContextLogger"):
                logging.getLogger(name).setLevel(logging.CRITICAL)
            undo.callback(self._stop_spark)
            # If this process is killed the JVM ends by itself; only it can remove the folder then.
            java_side = self._session._jvm  # noqa: SLF001 -- as pyspark's users reach Java
            hooks = getattr(java_side, "org.apache.spark.util.ShutdownHookManager")
            hooks.registerShutdownDeleteDir(java_side.java.io.File(str(folder)))
            self._undo = undo.pop_all()
        tell_of_forks(self)

    def _connect_first(self) -> None:
        from py4j.protocol import Py4JError  # type: ignore[import-untyped]  # published without types
        from pyspark.errors import PySparkException

        try:
            self._connect()
        except (Py4JError, PySparkException) as exc:
            # Its text is asked of Java, which ends before anyone would print it.
            raise SparkStartError(
                "Spark didn't start",
                cause=str(exc).strip()[:2000],
                mend="check the Spark settings you gave; `nbh doctor` helps",
            ) from exc

    def _connect(self) -> None:
        """Open the session, or the same objects anew after they were stopped, and take what is so now for its beginning."""
        from pyspark import SparkContext
        from pyspark.sql import SparkSession

        with variables(port=self._jvm.port, secret=self._jvm.secret), self._calls.paused():
            if self._session is None:
                self._session = SparkSession.builder.getOrCreate()
                self._context = self._session.sparkContext
            else:
                # Notebooks and test files hold both objects.
                vars(self._context).clear()
                vars(self._session).clear()
                SparkContext.__init__(self._context)
                SparkSession.__init__(self._session, self._context)
            watch(SparkContext._gateway, call=self._calls.note, broken=self._lose)  # noqa: SLF001 -- there is no public way to a call
            self._in_java = getattr(self._session._jvm, "io.nbh.spark.engine.InProcess")  # noqa: SLF001 -- as above
        self._broke = False
        self._calls.folder = ""
        self._calls.note()  # its folder, from the start
        self._mark()

    def forked(self) -> None:
        """In a process that was forked from this one: let nothing that it does reach Java."""
        refuse(self._context._gateway)  # noqa: SLF001 -- there is no public way to it

    def _lose(self) -> None:
        self._broke = True

    def _follow(self, folder: str) -> None:
        """Have relative paths read from this process's folder, as it is now."""
        if not self.is_stopped:
            conf = self._context._jsc.hadoopConfiguration()  # noqa: SLF001 -- there is no public way
            conf.set("nbh.working.dir", folder)
            if self._has_catalogs:
                # RDDs put it before absolute paths too, which have its scheme then.
                conf.set("mapreduce.job.working.dir", f"{BARE}:{folder}")

    def _tell_workers(self) -> None:
        """Have Python workers import from where this process does, as it is now."""
        if not self.is_stopped:
            tell_workers(self._folder, self._roots, self._calls.doubtful)

    def doubt(self, names: Iterable[str]) -> None:
        """Have Python workers import none of these, for nobody can say which module is meant."""
        self._calls.doubtful = tuple(names)

    def _tell(self, verb: str) -> Any:
        with self._calls.paused():
            answer = getattr(self._in_java, verb)(self._session._jsparkSession)  # noqa: SLF001 -- as above
        self._marked_at = self._calls.count
        return answer

    @property
    def was_used(self) -> bool:
        """Whether something was asked of Spark since the last mark or restore."""
        return self._calls.count != self._marked_at

    @property
    def is_stopped(self) -> bool:
        """Whether the test has stopped the session or its context."""
        java_side = getattr(self._context, "_jsc", None)
        if java_side is None:
            return True
        # It may have been stopped in Java too, where this process isn't told of it.
        with self._calls.paused(), contextlib.suppress(Exception):
            return self.was_used and bool(java_side.sc().isStopped())
        return False

    @property
    def is_lost(self) -> bool:
        """Whether Java has ended under this session."""
        return not self._jvm.is_alive(wait_s=5.0 if self._broke else 0.0)

    def lost_error(self) -> EngineLostError:
        """What to tell of a Java that has ended."""
        lines = "\n".join(f"it said last: {line}" for line in self._jvm.tail()) or "it said nothing: it was killed from outside"
        return EngineLostError(
            "Spark was lost during this test",
            cause=f"its Java, process {self._jvm.pid}, has ended\n{lines}",
            mend="nothing, if you ended it; the next test gets a new one.\n"
            "If it had too little memory: spark_memory in the settings, or let the query use less",
        )

    def ready(self) -> None:
        """Before a test: have a session that works, and take what is so now for what fixtures of a wider scope set up."""
        if self.is_lost:
            with contextlib.suppress(Exception):  # nothing of it answers any more
                self._undo.close()
            self._start()
        elif self.is_stopped:
            self._reopen()
        elif self._calls.count != self._marked_at:
            self._mark()

    def _mark(self) -> None:
        self._tell("mark")
        # What addPyFile gave to Python workers, and their variables; all else of the context is Java's.
        self._includes = list(self._context._python_includes)  # noqa: SLF001 -- there is no public way
        self._environment = dict(self._context.environment)

    def _reopen(self) -> None:
        """Begin again in the same Java, after a test has stopped the session: what it had made goes with it."""
        from pyspark import SparkContext

        self._tell("forget")
        another = SparkContext._active_spark_context  # noqa: SLF001 -- there is no public way to ask
        if another is not None:
            another.stop()
        self._connect()

    def restore(self) -> None:
        """After a test: put back settings, views, functions, streams, catalog and schema, and drop what was made."""
        if self.is_stopped or self.is_lost or self._calls.count == self._marked_at:
            return  # `ready` makes a new session, or nothing was asked of this one
        from pyspark.sql import SparkSession

        self._tell("restore")
        self._context._python_includes = list(self._includes)  # noqa: SLF001 -- as above
        self._context.environment = dict(self._environment)
        # A test may have opened sessions beside this one.
        SparkSession._instantiatedSession = SparkSession._activeSession = self._session  # noqa: SLF001 -- as pyspark sets them

    def keep(self, test: str, *, schema: str) -> Kept | None:
        """What could be kept of this test if the engine didn't end with the process; None if it made nothing."""
        if self.is_stopped or self.is_lost or self._calls.count == self._marked_at:
            return None
        at = self._marked_at
        made = self._tell("hasMade")
        self._marked_at = at  # nothing was restored
        return Kept("", test, schema, round(time.time(), 3)) if made else None

    def interrupt(self) -> None:
        """End the jobs that still run."""
        if not self.is_stopped and not self.is_lost:
            with self._calls.paused(), contextlib.suppress(Exception):
                self._context.cancelAllJobs()

    def stop(self) -> None:
        """End the session, its JVM and its workers, and remove its folder with all that was made."""
        self._undo.close()

    def _stop_spark(self) -> None:
        with warnings.catch_warnings():
            # Of a Java that has ended pyspark warns, which a test has been told already.
            warnings.simplefilter("ignore", RuntimeWarning)
            with contextlib.suppress(Exception) if self.is_lost else contextlib.nullcontext():
                self._session.stop()


class UsersSession:
    """A session that the user's own code has started in this process: used as it is, and left alone."""

    kind = "own"
    is_lost = False
    is_stopped = False
    was_used = False
    ends_with = "process"

    def __init__(self, spark: SparkSession) -> None:
        self.spark = spark

    def lost_error(self) -> EngineLostError:
        """Never asked for: whether that session lives is its owner's affair."""
        raise NotImplementedError

    def ready(self) -> None:
        """Nothing is taken for its beginning."""

    def doubt(self, names: Iterable[str]) -> None:
        """Its workers are its owner's."""

    def restore(self) -> None:
        """Nothing is put back: its owner may rely on it."""

    def keep(self, test: str, *, schema: str) -> Kept | None:  # noqa: ARG002 -- as the others
        """Nothing of it is removed, so nothing need be kept."""
        return None

    def interrupt(self) -> None:
        """End the jobs that still run; Connect has a word of its own for it."""
        with contextlib.suppress(Exception):
            end = getattr(self.spark, "interruptAll", None)
            end() if end is not None else self.spark.sparkContext.cancelAllJobs()

    def stop(self) -> None:
        """Nothing: whoever started it ends it."""


def open_session(
    wishes: Wishes | None = None,
    *,
    roots: Sequence[Path] = (),
    progress: Callable[[str], None] = lambda _line: None,
    env: Mapping[str, str] | None = None,
    files: str = "",
    log_level: str = "ERROR",
) -> ClassicSession | UsersSession:
    """Start Spark in this process, or take the session that the user's own code has already started here.

    ``roots`` are the folders whose notebooks no Python worker may import; ``progress`` is told what is being done; ``files`` is
    the folder for dbfs and volumes.

    Raises:
        PysparkMissingError, PysparkClashError: See `harness.spark.home.find_own_spark`.
        JavaNotFoundError, JavaTooOldError, JavaBrokenError: See `harness.spark.java.find_java`.
        SparkStartError: Java was found, but Spark didn't start in it.
    """
    forget_inherited()
    active = _active_session()
    if active is not None:
        progress(f"using the Spark {active.version} session that is already active in this process, with its own settings")
        return UsersSession(active)
    return ClassicSession(
        wishes or Wishes(),
        roots=roots,
        progress=progress,
        env=os.environ if env is None else env,
        files=files,
        log_level=log_level,
    )


def has_active_session() -> bool:
    """Whether the user's own code has started a session in this process."""
    return _active_session() is not None


def _active_session() -> SparkSession | None:
    if "pyspark.sql" not in sys.modules:
        return None  # nobody can have started one
    from pyspark.sql import SparkSession

    return SparkSession.getActiveSession()
