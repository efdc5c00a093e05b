"""What `nbh doctor` tells about Python, Spark and Java: plain facts, each bad one with a mend."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING

from harness.errors import EngineError, JavaNotFoundError
from harness.spark import java, parts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

TESTED_PYSPARK = ("4.2.0", "4.2.1")

_NOT_INSTALLED = "not installed"
_LOCAL = 'pip install "databricks-notebook-harness[local]"'

# Each release of databricks-connect runs on one Python only; nothing is published for the others.
_CONNECT_BY_PYTHON = {(3, 11): "15.4 or 16.1", (3, 12): "16.4 or newer"}

# With one of these set, pyspark is a client of a remote Spark and can't start one here.
REMOTE_VARIABLES = ("SPARK_REMOTE", "SPARK_CONNECT_MODE_ENABLED")


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of `nbh doctor`.

    ``ok`` is None where it is neither good nor bad (something optional isn't there). ``mend`` is empty where nothing
    is to be done.
    """

    name: str
    value: str
    ok: bool | None
    mend: str = ""


def version_of(distribution: str) -> str | None:
    """The installed version, read from its metadata without importing it; None if it isn't installed."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def pyspark_version(versions: Callable[[str], str | None] = version_of) -> str | None:
    """The version of pyspark that is installed as itself or under one of its other names; databricks-connect's isn't meant."""
    return next((found for name in ("pyspark", "pyspark-connect", "pyspark-client") if (found := versions(name))), None)


def engine_facts(
    *,
    env: Mapping[str, str] | None = None,
    python: tuple[int, int, int] = sys.version_info[:3],
    versions: Callable[[str], str | None] = version_of,
    find_java: Callable[[Mapping[str, str]], java.Java] | None = None,
    broken: Callable[[str], str] = parts.broken,
) -> list[Fact]:
    """Look at what local Spark needs, without importing any of it here; Java is run to ask its version."""
    environ = os.environ if env is None else env
    connect = versions("databricks-connect")
    beside = _beside(connect, environ) if connect and not pyspark_version(versions) else None
    wheel = beside[1] if beside else java.wheel_home
    return [
        _python(python),
        _pyspark(versions),
        *([beside[0]] if beside else []),
        _connect(versions, python),
        *(_unless_broken(fact, broken) for fact in (_pandas(versions), _installed("pyarrow", versions))),
        _installed("chispa", versions),
        _java(environ, find_java or (lambda env: java.find_java(env, wheel=wheel)), is_optional=beside is not None),
        *_variables(environ),
    ]


def _python(python: tuple[int, int, int]) -> Fact:
    value = ".".join(map(str, python))
    if python < (3, 11):
        return Fact("Python", value, ok=False, mend="use Python 3.11, 3.12 or 3.13")
    return Fact("Python", value, ok=True if python < (3, 14) else None)


def _pyspark(versions: Callable[[str], str | None]) -> Fact:
    found, connect = pyspark_version(versions), versions("databricks-connect")
    if found and connect:
        mend = "pip uninstall databricks-connect pyspark, then install one of them: each brings a package named pyspark"
        return Fact("pyspark", f"{found}, and databricks-connect {connect} in the same place", ok=False, mend=mend)
    if not found:
        if connect:
            return Fact("pyspark", "databricks-connect's own, a client", ok=True)
        return Fact("pyspark", _NOT_INSTALLED, ok=False, mend=_LOCAL)
    if not versions("pyspark"):
        return Fact("pyspark", f"{found}, a client without Spark itself", ok=False, mend=_LOCAL)
    return Fact(
        "pyspark",
        found if found in TESTED_PYSPARK else f"{found} (tested with {' and '.join(TESTED_PYSPARK)})",
        ok=found in TESTED_PYSPARK or None,
    )


def _beside(connect: str, env: Mapping[str, str]) -> tuple[Fact, Callable[[], Path | None]]:
    """The engine's own environment, which it needs beside databricks-connect, and how to find the Java in it."""
    from harness.spark import places
    from harness.spark.install import find_installed
    from harness.spark.versions import spark_beside

    wanted = spark_beside(connect)
    if wanted is None:
        return Fact("local Spark", f"none is known to work with databricks-connect {connect}", ok=None), java.wheel_home
    try:
        found = find_installed(places.cache(env).folder, wanted)
    except ImportError:  # the extra "connect" brings what finds the cache
        found = None
    if found is None:
        told = f"{_NOT_INSTALLED}; `nbh spark install` makes an environment of its own for it, with pyspark {wanted} and a Java"
        return Fact("local Spark", told, ok=None), java.wheel_home
    return Fact("local Spark", f"{wanted}, in an environment of its own: {found.folder}", ok=True), lambda: found.java


def _connect(versions: Callable[[str], str | None], python: tuple[int, int, int]) -> Fact:
    found, fitting = versions("databricks-connect"), _CONNECT_BY_PYTHON.get(python[:2])
    here = f"Python {python[0]}.{python[1]}"
    if not found:
        could = f"for {here} there is {fitting}, in an environment without pyspark" if fitting else f"there is none for {here}"
        return Fact("databricks-connect", f"{_NOT_INSTALLED} ({could})", ok=None)
    if not fitting:
        return Fact("databricks-connect", found, ok=False, mend=f"use Python 3.12: there is no databricks-connect for {here}")
    number = tuple(int(part) for part in found.split(".")[:2] if part.isdigit())
    fits = number >= (16, 4) if python[:2] == (3, 12) else (15, 4) <= number < (16, 2)
    return Fact("databricks-connect", found, ok=fits, mend="" if fits else f"install the one for {here}: {fitting}")


def _pandas(versions: Callable[[str], str | None]) -> Fact:
    found = versions("pandas")
    if not found:
        return Fact("pandas", _NOT_INSTALLED, ok=None)
    if pyspark_version(versions) and not found.startswith(("1.", "2.")):
        return Fact(
            "pandas", found, ok=False, mend='pip install "pandas<3": pyspark.testing and pyspark.pandas fail with pandas 3'
        )
    return Fact("pandas", found, ok=True)


def _installed(name: str, versions: Callable[[str], str | None]) -> Fact:
    found = versions(name)
    return Fact(name, found or _NOT_INSTALLED, ok=True if found else None)


def _unless_broken(fact: Fact, broken: Callable[[str], str]) -> Fact:
    """The fact; of a module that is installed, and can't be imported, the reason."""
    why = broken(fact.name) if fact.ok else ""
    return Fact(fact.name, f"{fact.value}, which can't be imported: {why}", ok=False, mend=parts.mend(why)) if why else fact


def _java(env: Mapping[str, str], find_java: Callable[[Mapping[str, str]], java.Java], *, is_optional: bool) -> Fact:
    try:
        found = find_java(env)
    except EngineError as exc:
        if is_optional and isinstance(exc, JavaNotFoundError):
            return Fact("Java", f"{exc.what}: {exc.cause}; the engine's own environment brings one", ok=None)
        return Fact("Java", f"{exc.what}: {exc.cause}", ok=False, mend=exc.mend)
    return Fact("Java", f"{found.version} ({found.source}: {found.home})", ok=True)


def _variables(env: Mapping[str, str]) -> list[Fact]:
    # Values aren't told: they may hold a token.
    return [
        Fact(name, "set", ok=False, mend=f"unset {name}: pyspark can't start a local Spark with it")
        for name in REMOTE_VARIABLES
        if name in env
    ]
