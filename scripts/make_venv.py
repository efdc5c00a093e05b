"""Make the virtual environment that every make target runs in, from the locks in this repository.

Runs on Python 3.8 and later with the standard library alone, so that it can say that a Python is too old instead of failing
on its own syntax. It writes to the environment's folder and to pip's cache, nowhere else. A stamp in the environment says what
was installed; while it holds there is nothing to do and no network is needed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
BUILD_LOCK = ROOT / "locks" / "build.lock"
FULL_LOCK = ROOT / "requirements.lock"
CLIENT_LOCK = ROOT / "locks" / "connect.lock"

CANDIDATES = ("python3", "python3.13", "python3.12", "python3.11")
OLDEST = (3, 11)
NEWEST_TESTED = (3, 13)

# Measured on Linux x86_64: what pip fetches, what stands on disk afterwards, and the room that the work itself needs.
FULL_SIZES = (700, 1.5, 4.0)
CLIENT_SIZES = (125, 0.6, 1.0)
LIGHT_SIZES = (20, 0.1, 0.3)

MENDS = (
    (
        "No space left on device",
        "the disk is full",
        "free some space, then call `make setup` again; it goes on where it stopped",
    ),
    (
        "CERTIFICATE_VERIFY_FAILED|SSLError",
        "the package index shows a certificate that this Python does not trust",
        "name your company's certificate bundle: export PIP_CERT=/path/to/bundle.pem",
    ),
    (
        "do not match the hashes|THESE PACKAGES DO NOT MATCH",
        "a downloaded file is not the one that the lock names",
        "run `.venv/bin/python -m pip cache purge`, then `make setup` again; if it stays, the mirror alters files",
    ),
    (
        r"\b(401|403|407)\b.*(Client Error|Unauthorized|Forbidden|Proxy)",
        "the package index or the proxy refuses this machine",
        "give pip the sign-in of your mirror or proxy (`pip config`), then call `make setup` again",
    ),
    (
        "NewConnectionError|ConnectTimeout|ReadTimeout|ProxyError|name resolution|unreachable|refused|versions: none",
        "the package index can't be reached",
        "connect to the network, or name your mirror with `pip config set global.index-url …`, then call `make setup` again",
    ),
    (
        "command .*(gcc|cc|clang).* failed|Failed to build",
        "a package has no ready build for this machine and could not be built",
        "use Python 3.11, 3.12 or 3.13 on Linux or macOS: `make setup PYTHON=python3.12`",
    ),
)


class SetupError(Exception):
    """The environment can't be made; carries the cause and what to do."""

    def __init__(self, cause: str, mend: str) -> None:
        super().__init__(cause)
        self.cause = cause
        self.mend = mend


class Interpreter(NamedTuple):
    """A Python that was run and answered."""

    command: str
    version: tuple[int, ...]
    has_venv: bool

    @property
    def dotted(self) -> str:
        """The version as people write it."""
        return ".".join(map(str, self.version))


def probe(command: str) -> Interpreter | None:
    """Run a command and see whether it is a Python; a shim that only exists answers nothing."""
    ask = (
        "import json, sys\n"
        "try:\n import venv, ensurepip\n ready = True\n"
        "except ImportError:\n ready = False\n"
        "print(json.dumps([sys.version_info[:3], ready]))"
    )
    try:
        done = subprocess.run([command, "-c", ask], capture_output=True, text=True, timeout=60, check=True)
        version, has_venv = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return Interpreter(command, tuple(version), has_venv)


def choose(commands: tuple[str, ...]) -> Interpreter:
    """Take the first Python that is new enough and can make environments.

    Raises:
        SetupError: None can; the text says which were seen.
    """
    found = [python for python in map(probe, commands) if python]
    fit = [python for python in found if python.version[:2] >= OLDEST]
    ready = [python for python in fit if python.has_venv]
    ready.sort(key=lambda python: python.version[:2] > NEWEST_TESTED)  # a newer one only if there is no other
    if ready:
        return ready[0]
    if fit:
        raise SetupError(
            f"{fit[0].command} is Python {fit[0].dotted}, but its venv module lacks ensurepip",
            f"on Debian or Ubuntu: sudo apt install python{fit[0].version[0]}.{fit[0].version[1]}-venv",
        )
    if found:
        seen = ", ".join(sorted({f"{python.command} is Python {python.dotted}" for python in found}))
        raise SetupError(
            f"Python 3.11 or newer is needed: {seen}",
            "install Python 3.11, 3.12 or 3.13, or name it: make setup PYTHON=/path/to/python",
        )
    raise SetupError(
        f"no Python answers (tried {', '.join(commands)})",
        "install Python 3.11, 3.12 or 3.13, or name it: make setup PYTHON=/path/to/python",
    )


def stamp_of(venv: Path, lock: Path) -> dict[str, str] | None:
    """What the stamp of this environment has to say now; None if its Python does not run."""
    python = probe(str(venv / "bin" / "python"))
    if python is None:
        return None
    return {
        "python": python.dotted,
        "folder": str(venv),
        "lock": digest(BUILD_LOCK, lock),
        "project": digest(ROOT / "pyproject.toml"),
    }


def digest(*paths: Path) -> str:
    """One digest over the files' bytes."""
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in paths)).hexdigest()


def read_stamp(venv: Path) -> dict[str, str]:
    """The stamp as it was written; empty if there is none."""
    try:
        return dict(json.loads((venv / "setup-stamp.json").read_text()))
    except (OSError, ValueError):
        return {}


def check_space(venv: Path, needed_gb: float) -> None:
    """Refuse to begin what can't be finished."""
    free = shutil.disk_usage(venv.parent).free / 1e9
    if free < needed_gb:
        raise SetupError(
            f"{free:.1f} GB are free below {venv.parent}, about {needed_gb:g} GB are needed", "free some space and call again"
        )


def make_folder(venv: Path, python: Interpreter) -> None:
    """Make the environment's folder anew."""
    if venv.exists() and not (venv / "pyvenv.cfg").exists():
        raise SetupError(f"{venv} is there but is no virtual environment", "move it away and call again")
    say(f"1 of 4: {venv.name} from {python.command} (Python {python.dotted})")
    if python.version[:2] > NEWEST_TESTED:
        say(f"Python {python.dotted} is newer than those we test, 3.11 to 3.13")
    shutil.rmtree(venv, ignore_errors=True)
    done = subprocess.run([python.command, "-m", "venv", str(venv)], check=False)
    if done.returncode:
        raise SetupError(f"`{python.command} -m venv` failed", "see the lines above")


def pip(venv: Path, *args: str) -> None:
    """Run the environment's pip, its progress shown, and turn a failure into a mend."""
    log, scratch = venv / "setup.log", venv / "tmp"
    scratch.mkdir(exist_ok=True)
    log.unlink(missing_ok=True)
    # pip builds in TMPDIR: kept inside the environment, for /tmp may be small or another user's business.
    env = {**os.environ, "TMPDIR": str(scratch), "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_USER": "0", "PIP_LOG": str(log)}
    env["PYTHONWARNINGS"] = "ignore"  # setuptools warns of every editable install
    for name in ("PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_PREFIX", "PIP_REQUIRE_VIRTUALENV"):
        env.pop(name, None)
    done = subprocess.run([str(venv / "bin" / "python"), "-m", "pip", *args], env=env, cwd=str(ROOT), check=False)
    shutil.rmtree(scratch, ignore_errors=True)
    if done.returncode:
        raise diagnose(log)


def diagnose(log: Path) -> SetupError:
    """Find the cause in the end of pip's log."""
    end = "\n".join(log.read_text(errors="replace").splitlines()[-400:]) if log.exists() else ""
    for pattern, cause, mend in MENDS:
        if re.search(pattern, end):
            return SetupError(cause, mend)
    return SetupError("pip failed", f"see the lines above; the whole log is {log}")


def install(venv: Path, lock: Path) -> None:
    """Install what the locks name, each file checked against its hash."""
    fetched_mb, disk_gb, _ = sizes(lock)
    say(f"downloads up to {fetched_mb} MB (less what pip's cache holds) and takes {disk_gb:g} GB in {venv.name}")
    say("2 of 4: pip and setuptools")
    pip(venv, "install", "--require-hashes", "--no-deps", "-r", str(BUILD_LOCK))
    say("3 of 4: the locked packages" + (", of which Spark alone is 450 MB and is unpacked here" if lock == FULL_LOCK else ""))
    # What is built here is built with the locked setuptools, so nothing unlocked gets in.
    pip(venv, "install", "--require-hashes", "--no-deps", "--no-build-isolation", "-r", str(lock))


def sizes(lock: Path) -> tuple[float, float, float]:
    """MB to fetch, GB on disk, GB of room that the work needs."""
    return {FULL_LOCK: FULL_SIZES, CLIENT_LOCK: CLIENT_SIZES}.get(lock, LIGHT_SIZES)


def say(text: str) -> None:
    """Print a line at once, also into a pipe."""
    print(f"setup: {text}", flush=True)


def client_fits(python: Interpreter | None) -> bool:
    """Say whether there is a databricks-connect for this Python: the lock names none for others than these."""
    return python is not None and python.version[:2] in {(3, 11), (3, 12)}


def setup(venv: Path, *, lock: Path, commands: tuple[str, ...], is_given: bool) -> None:
    """Make the environment ready, doing only what its stamp says is missing."""
    stamp, now = read_stamp(venv), stamp_of(venv, lock)
    unfit = is_unfit(now, stamp)
    new_python = choose(commands) if is_given or unfit else None
    if now and not unfit and new_python and new_python.dotted == now["python"]:
        new_python = None  # the one that was asked for is there
    if stamp == now and not new_python:
        return
    started = time.monotonic()
    if new_python or not now or {**now, "project": ""} != {**stamp, "project": ""}:
        check_space(venv, sizes(lock)[2])
        if new_python:
            make_folder(venv, new_python)
        (venv / "setup-stamp.json").unlink(missing_ok=True)
        install(venv, lock)
    say("4 of 4: this project itself")
    pip(venv, "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--editable", str(ROOT))
    pip(venv, "check")
    (venv / "setup-stamp.json").write_text(json.dumps(stamp_of(venv, lock), indent=1))
    say(f"done in {time.monotonic() - started:.0f} s; nothing outside {venv.name} and pip's cache was written")


def is_unfit(now: dict[str, str] | None, stamp: dict[str, str]) -> bool:
    """Say whether the environment has to be made anew: no Python or no pip in it, too old, or moved."""
    if now is None or not Path(now["folder"], "bin", "pip").exists():
        return True  # a first try may have ended before pip was there
    is_old = tuple(map(int, now["python"].split(".")))[:2] < OLDEST
    return is_old or stamp.get("folder", now["folder"]) != now["folder"]


def main(argv: list[str] | None = None) -> int:
    """Read the arguments, make the environment, and say what is wrong in two lines."""
    parser = argparse.ArgumentParser(description="Make the virtual environment of this repository.")
    parser.add_argument("--venv", default=".venv", help="its folder, below the repository's root (default: .venv)")
    parser.add_argument("--lock", default=FULL_LOCK.name, help="the lock to install (default: %(default)s)")
    parser.add_argument(
        "--python", default="", help=f"the Python to use (default: the first that fits of {', '.join(CANDIDATES)})"
    )
    args = parser.parse_args(argv)
    if ROOT / args.lock == CLIENT_LOCK and not client_fits(probe(args.python)):
        say("there is no databricks-connect for this Python, so its tests are left out; the last lines of the run say so too")
        return 0
    commands = (args.python,) if args.python else CANDIDATES
    try:
        setup(ROOT / args.venv, lock=ROOT / args.lock, commands=commands, is_given=bool(args.python))
    except SetupError as error:
        print(f"setup: {error.cause}\n  mend: {error.mend}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("setup: stopped; `make setup` goes on where it stopped", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
