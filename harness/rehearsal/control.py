"""Finds, starts and ends a user's rehearsal: one process, told by its record, that outlives the command that started it."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import secrets
import shutil
import socket
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.rehearsal.errors import RehearsalStartError, RehearsalStopError
from harness.rehearsal.place import Place
from harness.spark import jars, places, trust
from harness.spark.idle import idle_s
from harness.spark.launch import PASSED_ON, launch
from harness.spark.record import has_ended

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator, Mapping

    from harness.settings import Settings

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 20.0
IDLE_S = 1800
_LOCK_S = 120.0
_OLD_S = 86400.0  # so long the log of one that has ended is kept

# What the engine is given, and what finding and making one takes: with mirrors of jars and packages, and who is trusted. No
# sign-in of the user's, nor what tests set for themselves.
_PASSED_ON = (
    *PASSED_ON,
    *trust.VARIABLES,
    jars.MIRROR,
    jars.SETTINGS,
    "CI",
    "TF_BUILD",
    "JAVA_HOME",
    "NBH_CACHE_DIR",
    "NBH_SPARK_IDLE_MINUTES",
    "XDG_CACHE_HOME",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
)


@dataclass(frozen=True, slots=True)
class Running:
    """A rehearsal that is up. ``token`` is its user's; ``client_id`` and ``client_secret`` sign its service principal in.

    ``ca`` is the file with the certificate to trust, ``space`` the name of its catalogs on the Spark engine, and ``owner`` the
    pid that it ends with (0: it ends when it has been idle).
    """

    pid: int
    port: int
    token: str
    client_id: str
    client_secret: str
    space: str
    folder: str
    owner: int = 0
    up_since: float = 0.0

    @property
    def host(self) -> str:
        """The address that clients take."""
        return f"https://127.0.0.1:{self.port}"

    @property
    def ca(self) -> Path:
        """The file of the certificate that clients are to trust."""
        return Place(Path(self.folder)).ca

    @property
    def log(self) -> Path:
        """Where it says what it does."""
        return Place(Path(self.folder)).log

    def __repr__(self) -> str:
        # Tokens have no place in a log or an assertion.
        return f"Running(pid={self.pid}, host={self.host!r}, space={self.space!r})"


def place_of(env: Mapping[str, str], owner: int = 0) -> Place:
    """Where the rehearsal lives, or would live: one for each user, Python environment and owner, and for each harness.

    So one that an older harness started is never found by a newer one; it ends when it has been idle.
    """
    named = [sys.prefix, sys.executable, str(owner), _code_here()]
    told = hashlib.sha256("\0".join(named).encode()).hexdigest()[:12]
    return Place(places.cache(env).folder / "rehearsals" / told)


@functools.cache
def _code_here() -> str:
    """Which harness this process has loaded; once, so that a place stays the same when files are edited meanwhile."""
    return code_of(Path(__file__).parents[1])


def code_of(package: Path) -> str:
    """Tell a package's code from what it was before, by the sizes and times of its files: a checkout's version says nothing."""
    told = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        found = path.stat()
        told.update(f"{path.relative_to(package)} {found.st_size} {found.st_mtime_ns}\0".encode())
    return told.hexdigest()


def find(env: Mapping[str, str] = os.environ, *, owner: int = 0) -> Running | None:
    """The rehearsal of this user (or of this owner) if it is up and its port answers."""
    return _find(place_of(env, owner))


def start(
    settings: Settings,
    *,
    env: Mapping[str, str] = os.environ,
    progress: Callable[[str], None] = lambda _line: None,
    owner: int = 0,
) -> Running:
    """Give the rehearsal, starting an empty one if there is none; two that call at once get the same one.

    ``owner`` is the pid of a process that it ends with, as a pytest run in CI; such a run has one of its own.

    Raises:
        RehearsalStartError: It didn't start; the cause holds the end of its log.
    """
    place = place_of(env, owner)
    try:
        places.private(place.folder)
        with _starting(place, progress):
            running = _find(place)
            if running is not None:
                progress(f"using the rehearsal at {running.host} (pid {running.pid})")
                return running
            _clear_ended(place)
            return _start(place, settings, env=env, progress=progress, owner=owner)
    except OSError as exc:
        raise RehearsalStartError(
            "the rehearsal's files can't be written",
            cause=f"{place.folder}: {exc.strerror or exc}",
            mend=f"free some space there, or name another folder with {places.VARIABLE}",
        ) from exc


def stop(running: Running) -> None:
    """End it, with the notebooks that it runs, and wait until it is gone.

    Raises:
        RehearsalStopError: It doesn't end.
    """
    _end(Place(Path(running.folder)), running.pid)


def _find(place: Place) -> Running | None:
    found = read(place)
    if found is None or not is_alive(found.pid, place) or not _answers(found.port):
        return None
    return found


def read(place: Place) -> Running | None:
    """What the record says, None where there is none that can be read."""
    found = _json(place.record)
    try:
        return Running(**found) if found is not None else None
    except TypeError:
        return None


def write(place: Place, running: Running) -> None:
    """Write the record so that nobody ever reads half of it, nor another user any."""
    write_private(place.record, asdict(running))


def write_private(path: Path, data: Mapping[str, Any]) -> None:
    """Write JSON that only this user may read."""
    half = path.with_name(path.name + ".half")
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(data, file)
    half.replace(path)


def is_alive(pid: int, place: Place) -> bool:
    """Whether this very process runs, rather than another that has its number now: its folder is on its command line."""
    import psutil

    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and str(place.folder) in process.cmdline()
    except psutil.Error:
        return False


def _start(place: Place, settings: Settings, *, env: Mapping[str, str], progress: Callable[[str], None], owner: int) -> Running:
    found = _json(place.asked) or {}
    if isinstance(found.get("pid"), int):  # its starter was killed, or it doesn't answer
        _end(place, found["pid"])
    clear(place)
    progress("starting a workspace on this machine …")
    asked = {
        "owner": owner,
        "idle_s": idle_s(settings, env) or IDLE_S,
        "token": f"nbh-rehearsal-{secrets.token_hex(16)}",
        "client_id": "00000000-0000-4000-9000-000000000102",
        "client_secret": f"nbh-rehearsal-{secrets.token_hex(16)}",
        "space": f"rehearsal-{secrets.token_hex(4)}",
        "settings": {**asdict(settings), "run_prefixes": dict(settings.run_prefixes)},
    }
    write_private(place.asked, asked)
    (place.folder / "cwd").mkdir(exist_ok=True)
    command = [sys.executable, "-P", "-m", "harness.rehearsal.serve", str(place.folder)]
    passed_on = {name: value for name, value in env.items() if name in _PASSED_ON or name.startswith("PIP_")}
    process = launch(command, place.folder, passed_on)
    try:
        write_private(place.asked, {**asked, "pid": process.pid})
        running = _up(place, process)
    except BaseException:
        process.kill()
        process.wait()
        raise
    process.returncode = 0  # it is to outlive us, and Popen would warn of that
    progress(f"the rehearsal is up at {running.host} (pid {running.pid})")
    return running


def _up(place: Place, process: subprocess.Popen[bytes]) -> Running:
    until = time.monotonic() + START_TIMEOUT_S
    while True:
        found = read(place)
        if found is not None and found.pid == process.pid and _answers(found.port):
            return found
        code = process.poll()
        if code is not None:
            raise _not_started(place, f"it ended with exit code {code}" if code >= 0 else f"it was ended by signal {-code}")
        if time.monotonic() > until:
            raise _not_started(place, f"it wasn't ready after {START_TIMEOUT_S:g} seconds")
        time.sleep(0.02)


def _not_started(place: Place, how: str) -> RehearsalStartError:
    return RehearsalStartError(
        "the rehearsal didn't start",
        cause="\n".join([how, *log_tail(place)]),
        mend=f"look into its log: {place.log}",
    )


def log_tail(place: Place, lines: int = 12) -> list[str]:
    """The last lines of its log."""
    try:
        return place.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
    except OSError:
        return []


def clear(place: Place) -> None:
    """Remove what a rehearsal that has ended left, but for its log."""
    for path in (place.record, place.asked, place.ca):
        path.unlink(missing_ok=True)
    for folder in (place.state, place.sockets):
        shutil.rmtree(folder, ignore_errors=True)


def _clear_ended(mine: Place) -> None:
    """Remove what rehearsals that have ended left beside this one: the folders of owners that are gone, and old ones."""
    for folder in mine.folder.parent.iterdir():
        place = Place(folder)
        if place == mine or _is_in_use(place):
            continue
        with contextlib.suppress(OSError):  # another starter removes it too
            found, age_s = read(place), time.time() - folder.stat().st_mtime
            clear(place)
            if (found is not None and found.owner) or age_s > _OLD_S:
                shutil.rmtree(folder, ignore_errors=True)


def _is_in_use(place: Place) -> bool:
    """Whether a rehearsal lives there, or is being started."""
    from filelock import FileLock, Timeout

    pids = [found.pid for found in [read(place)] if found is not None]
    pids += [int((_json(place.asked) or {}).get("pid") or 0)]
    if any(pid and is_alive(pid, place) for pid in pids):
        return True
    lock = place.folder / "lock"
    try:
        if lock.exists():
            FileLock(lock).acquire(timeout=0).lock.release()
    except Timeout:
        return True
    return False


def _end(place: Place, pid: int) -> None:
    import psutil

    try:
        process = psutil.Process(pid)
        if not is_alive(pid, place):
            return
        children = process.children(recursive=True)
        process.terminate()
        is_gone = has_ended(process, within_s=STOP_TIMEOUT_S)
        for one in [*([] if is_gone else [process]), *(child for child in children if child.is_running())]:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        is_gone = is_gone or has_ended(process, within_s=5)
    except psutil.NoSuchProcess:
        is_gone = True
    except psutil.AccessDenied as exc:
        raise RehearsalStopError(
            "the rehearsal can't be ended", cause=f"process {pid} is another user's", mend="ask that user"
        ) from exc
    if not is_gone:
        raise RehearsalStopError(
            "the rehearsal doesn't end", cause=f"process {pid} lives on after a kill", mend="restart the machine"
        )
    clear(place)


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


def _json(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


@contextlib.contextmanager
def _starting(place: Place, progress: Callable[[str], None]) -> Iterator[None]:
    from filelock import FileLock, Timeout

    lock = FileLock(place.folder / "lock")
    try:
        try:
            lock.acquire(timeout=1)
        except Timeout:
            progress("another run is starting the rehearsal: waiting for it …")
            lock.acquire(timeout=_LOCK_S)
    except Timeout as exc:
        raise RehearsalStartError(
            "another run doesn't get done with starting the rehearsal",
            cause=f"it has held {place.folder / 'lock'} for {_LOCK_S:.0f} seconds",
            mend="look what that process does, and end it; its lock goes with it",
        ) from exc
    try:
        yield
    finally:
        lock.release()


def ready(place: Place, asked: Mapping[str, Any], *, port: int) -> Running:
    """Record the process that calls this as the rehearsal of its place."""
    names = ("token", "client_id", "client_secret", "space", "owner")
    running = Running(
        pid=os.getpid(), port=port, folder=str(place.folder), up_since=time.time(), **{name: asked[name] for name in names}
    )
    write(place, running)
    return running
