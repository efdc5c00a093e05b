"""The warm engine: one Spark Connect server a user, environment and set of versions; found, started and ended here."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import EngineStopError, SparkStartError
from harness.spark import archive, facts, jars, places, record
from harness.spark.gateway import mend_for, telling
from harness.spark.home import find_spark, version_here
from harness.spark.launch import ENGINE_JAR, class_path, clear, engine_env, java_command, launch, lay_out
from harness.spark.lock import if_free, starting
from harness.spark.versions import fit_of

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Mapping, Sequence

    from harness.spark.conf import Wishes
    from harness.spark.home import SparkHome
    from harness.spark.record import Record

START_TIMEOUT_S = 120.0
_TOLD_AFTER_S = 2.0
_ARCHIVE_TIMEOUT_S = 180.0  # 6 seconds on an idle machine


@dataclass(frozen=True, slots=True)
class Engine:
    """A running engine and the folder it lives in."""

    folder: Path
    record: Record
    port: int

    @property
    def url(self) -> str:
        """The address with the token, for a client."""
        return self.record.url(self.port, with_token=True)

    @property
    def address(self) -> str:
        """The same without the token."""
        return self.record.url(self.port)

    @property
    def has_catalogs(self) -> bool:
        """Whether it has Unity Catalog's names, which need Delta."""
        return bool(self.record.delta)

    def is_alive(self) -> bool:
        """Whether its process still runs."""
        return record.is_alive(self.record, self.folder)

    def log_tail(self, lines: int = 12) -> list[str]:
        """The last lines of its log that say something."""
        return telling(_log(self.folder), lines)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the engine for these wishes lives, or would live."""

    folder: Path
    cache: places.Cache


def place_of(wishes: Wishes, env: Mapping[str, str]) -> Place:
    """The folder of the engine that fits; the same for all that may share it.

    Whatever makes an engine another one is in its name. Java is told by where it would be looked for, since asking it for its
    version takes longer than all the rest of a warm start.
    """
    found, beside = places.cache(env), Path(__file__).with_name
    told = [
        sys.prefix,
        sys.executable,
        sys.version,
        version_here(),
        facts.version_of("databricks-connect") or "",
        env.get("JAVA_HOME") or shutil.which("java", path=env.get("PATH", "")) or "wheel",
        wishes.memory,
        str(wishes.delta),
        hashlib.sha256(
            b"".join(part.read_bytes() for part in (ENGINE_JAR, beside("conf.py"), beside("worker.py")))
        ).hexdigest(),
    ]
    return Place(found.folder / "engines" / hashlib.sha256("\0".join(told).encode()).hexdigest()[:12], found)


def find(folder: Path) -> Engine | None:
    """The engine of a folder if it is up and its port answers."""
    found = record.read(folder)
    port = record.port(folder, pid=found.pid) if found is not None else None
    if found is None or port is None or not record.is_alive(found, folder) or not _answers(found, port):
        return None
    return Engine(folder, found, port)


def find_or_start(
    wishes: Wishes,
    *,
    env: Mapping[str, str],
    progress: Callable[[str], None] = lambda _line: None,
    owner: int = 0,
    idle_s: float = 1800,
) -> Engine:
    """Give the warm engine, starting it if there is none that answers; two that call at once get the same one.

    Raises:
        PysparkMissingError, PysparkClashError, JavaNotFoundError, JavaTooOldError, JavaBrokenError: Spark can't run here.
        SparkStartError: The engine didn't start; the cause holds the end of its log.
    """
    home = find_spark(env)
    place = place_of(wishes, env)
    engine = find(place.folder)
    if engine is None:
        if place.cache.why:
            progress(f"{place.cache.why}: the engine's files are in {place.cache.folder}")
        folder = _made(place.folder)
        with starting(folder, progress):
            engine = _settle(folder, progress)
            if engine is None:
                return _start(place, wishes, home=home, env=env, progress=progress, owner=owner, idle_s=idle_s)
    progress(f"using the warm Spark {engine.record.spark} engine (pid {engine.record.pid}, up {_told_age(engine.record)})")
    return engine


def _made(folder: Path) -> Path:
    try:
        return places.private(folder)
    except OSError as exc:
        raise _cannot_write(folder, exc) from exc


def _may_come_up(found: Record, folder: Path) -> bool:
    return record.is_alive(found, folder) and not record.is_stopped(found)


def _settle(folder: Path, progress: Callable[[str], None]) -> Engine | None:
    """Under the lock: take the engine that another process has started, wait for it if it isn't up, clear away a sick one."""
    found = record.read(folder)
    if found is None or not record.is_alive(found, folder):
        return None
    # Its starter may have been killed meanwhile; the engine itself goes on starting.
    until = time.monotonic() + max(0.0, min(START_TIMEOUT_S, START_TIMEOUT_S - record.age_s(found)))
    while (port := record.port(folder, pid=found.pid)) is None and time.monotonic() < until and _may_come_up(found, folder):
        time.sleep(0.05)
    if port is not None and _answers(found, port):
        return Engine(folder, found, port)
    progress(f"the engine with pid {found.pid} doesn't answer: starting another")
    end_process(found, folder)
    return None


def _start(
    place: Place,
    wishes: Wishes,
    *,
    home: SparkHome,
    env: Mapping[str, str],
    progress: Callable[[str], None],
    owner: int,
    idle_s: float,
) -> Engine:
    java, version = home.find_java(env), home.version
    _clear_killed(place.folder.parent)
    fit = fit_of(version)
    delta = jars.for_run(
        place.cache.folder,
        fit if wishes.delta else None,
        java=java,
        spark_jars=home.folder / "jars",
        env=env,
        progress=progress,
    )
    progress(f"starting Spark {version} on Java {java.major} …")
    begun, folder = time.monotonic(), place.folder
    path = class_path(home.folder, delta=delta)
    classes = archive.file_of(place.cache.folder, java, path)

    def once() -> Engine:
        # An engine that ends with its run, as in CI, writes none: the run would wait for it, and often nobody would read it.
        writes = None if owner or classes.exists() else classes
        own = {"nbh.idle_ms": round(idle_s * 1000), "nbh.owner": owner or "", "nbh.archive": writes or ""}
        token = lay_out(folder, delta=bool(delta), own=own)
        sharing = archive.options(classes, java, is_written=writes is not None)
        command = java_command(java, folder, path=path, memory=wishes.memory, sharing=sharing)
        process = launch(command, folder, engine_env(env, folder, home))
        told = fit.delta if fit and delta else ""
        made = record.Record(process.pid, token, time.monotonic(), version, java.version, told, owner, str(writes or ""))
        port = _up(folder, process, made)
        process.returncode = 0  # it is to outlive us, and Popen would warn of that
        return Engine(folder, made, port)

    try:
        try:
            engine = once()
        except _NotStartedError as exc:
            is_suspect = classes.exists() and exc.by_signal not in _FROM_OUTSIDE
            if not exc.by_signal and not is_suspect:
                raise
            progress(f"the Spark engine didn't start: {exc}; once more{', without its class archive' if is_suspect else ''} …")
            with archive.set_aside(classes) if is_suspect else contextlib.nullcontext():
                engine = once()
    except _NotStartedError as exc:
        raise _not_started(folder, exc) from exc
    except OSError as exc:
        raise _cannot_write(folder, exc) from exc
    progress(f"the Spark engine is up after {time.monotonic() - begun:.1f} s (pid {engine.record.pid})")
    return engine


def _clear_killed(engines: Path) -> None:
    """Remove what killed engines of other settings or versions left: nobody may ever start one in their folder again."""
    for path in engines.glob("*/record.json"):
        found = record.read(path.parent)
        if found is None or not record.is_alive(found, path.parent):
            with if_free(path.parent) as is_free:
                if is_free:
                    clear(path.parent)


def _up(folder: Path, process: subprocess.Popen[bytes], made: Record) -> int:
    """Record a process that was launched and wait for its port; whatever comes between, nothing is left of it."""
    try:
        record.write(folder, made)
        return _wait(folder, process)
    except BaseException:
        process.kill()
        process.wait()
        clear(folder)
        raise


def _not_started(folder: Path, exc: _NotStartedError) -> SparkStartError:
    lines = _log(folder)
    return SparkStartError(
        "the Spark engine didn't start",
        cause="\n".join([str(exc), *telling(lines, 10)]),
        mend=mend_for(lines) + f"\nits whole log: {folder / 'log'}",
    )


_FROM_OUTSIDE = frozenset({signal.SIGTERM, signal.SIGKILL})


class _NotStartedError(Exception):
    """The engine didn't come up; the text says in what way, and ``by_signal`` what ended it, if that wasn't itself."""

    def __init__(self, text: str, *, by_signal: int = 0) -> None:
        super().__init__(text)
        self.by_signal = by_signal


def _wait(folder: Path, process: subprocess.Popen[bytes]) -> int:
    until = time.monotonic() + START_TIMEOUT_S
    while (port := record.port(folder, pid=process.pid)) is None:
        if (code := process.poll()) is not None:
            ended = f"Java was ended by signal {-code}" if code < 0 else f"Java ended with exit code {code}"
            raise _NotStartedError(ended, by_signal=max(0, -code))
        if time.monotonic() > until:
            raise _NotStartedError(f"it wasn't ready after {START_TIMEOUT_S:g} seconds")
        time.sleep(0.02)
    return port


def all_engines(env: Mapping[str, str]) -> list[Engine]:
    """Every engine of this cache that is up."""
    folders = sorted((places.cache(env).folder / "engines").glob("*/record.json"))
    return [engine for path in folders if (engine := find(path.parent)) is not None]


def stop(engine: Engine, *, progress: Callable[[str], None] = lambda _line: None) -> None:
    """End an engine and wait until it is gone.

    Raises:
        EngineStopError: It doesn't end.
    """
    end_process(engine.record, engine.folder, progress=progress)


def end_process(
    found: Record, folder: Path, *, progress: Callable[[str], None] = lambda _line: None, timeout_s: float = 30.0
) -> None:
    """Ask the process to end, and kill it if it doesn't.

    Raises:
        EngineStopError: It lives on.
    """
    import psutil

    try:
        process = psutil.Process(found.pid)
        children = process.children(recursive=True)
        if not record.is_alive(found, folder):
            return
        process.kill() if record.is_stopped(found) else process.terminate()
        is_gone = record.has_ended(process, within_s=_TOLD_AFTER_S)
        if not is_gone:
            archives = bool(found.archive) and not Path(found.archive).exists()
            progress(
                f"the engine with pid {found.pid} writes the class archive, from which later ones start in half the time …"
                if archives
                else f"waiting for the engine with pid {found.pid} to end …"
            )
            is_gone = record.has_ended(process, within_s=_ARCHIVE_TIMEOUT_S if archives else timeout_s)
        for one in [*([] if is_gone else [process]), *(child for child in children if child.is_running())]:
            one.kill()
        is_gone = is_gone or record.has_ended(process, within_s=10)
    except psutil.NoSuchProcess:
        is_gone = True
    except psutil.AccessDenied as exc:
        raise EngineStopError(
            "the Spark engine can't be ended", cause=f"process {found.pid} is another user's", mend="ask that user"
        ) from exc
    if not is_gone:
        raise EngineStopError(
            "the Spark engine doesn't end", cause=f"process {found.pid} lives on after a kill", mend="restart the machine"
        )
    now = record.read(folder)
    if now is not None and now.pid == found.pid:  # another may be starting there already
        clear(folder)


def _answers(found: Record, port: int) -> bool:
    import socket

    if record.is_stopped(found):
        return False
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


def _log(folder: Path) -> list[str]:
    try:
        return (folder / "log").read_text(encoding="utf-8", errors="replace").splitlines()[-200:]
    except OSError:
        return []


def _told_age(found: Record) -> str:
    seconds = record.age_s(found)
    return f"{seconds:.0f} s" if seconds < 2 * 60 else f"{seconds / 60:.0f} min"


def _cannot_write(folder: Path, exc: OSError) -> SparkStartError:
    return SparkStartError(
        "the Spark engine's files can't be written",
        cause=f"{folder}: {exc.strerror or exc}",
        mend=f"free some space there, or name another folder with {places.VARIABLE}",
    )


def worker_facts(
    roots: list[str], path: list[str], env: Mapping[str, str], *, hidden: Sequence[str] = (), doubtful: Sequence[str] = ()
) -> str:
    """What the Python workers of one session have to know, as JSON: they are to see what its test process sees.

    Packages that are ``hidden`` they don't find, wherever they are, nor modules whose names are ``doubtful``.
    """
    passed = {name: value for name, value in env.items() if not name.startswith(("PYTHON", "SPARK_", "PYSPARK_", "NBH_SPARK_"))}
    return json.dumps({"path": path, "roots": roots, "env": passed, "hidden": list(hidden), "doubtful": list(doubtful)})
