"""Settings: one frozen object a project, built from ``[tool.nbh]`` of the nearest pyproject.toml."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from harness.errors import SettingsError
from harness.model import Location

if TYPE_CHECKING:
    from collections.abc import Mapping

ENVIRONMENTS = ("local",)
RUNTIMES = ("16.4", "17.3")
"""The Databricks runtimes that local Spark can stand for; `harness.spark.versions` says what that sets."""


_LEAST_MEMORY_M = 480
"""Spark asks for 450 that are free for data, and Java keeps some of what it is given for itself."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What ``[tool.nbh]`` holds.

    ``folder`` is the folder of the pyproject.toml. ``roots`` are the folders whose notebooks can be imported (where not set,
    the rootdir and ``pythonpath``). ``run_prefixes`` maps workspace folders in absolute ``%run`` paths to folders of the
    project. ``spark_partitions`` is the number of partitions local Spark works with, ``spark_memory`` what its Java may use,
    and ``spark_idle_minutes`` how long a warm engine waits for the next run (0: it ends with the run). ``runtime`` is the
    Databricks runtime that local Spark stands for; "" is the nearest one. ``run_disk_gb`` is how much a notebook that is
    run whole may write.
    """

    folder: str
    roots: tuple[str, ...] = ()
    run_prefixes: Mapping[str, str] = field(default_factory=dict)
    spark_partitions: int = 1
    spark_memory: str = "1g"
    spark_idle_minutes: int = 30
    runtime: str = ""
    run_disk_gb: float = 10


def settings_from(table: Mapping[str, Any], folder: str) -> Settings:
    """Check a ``[tool.nbh]`` table.

    Raises:
        SettingsError: A key is unknown, or a value is of the wrong type.
    """
    known = {f.name for f in fields(Settings)} - {"folder"}
    for key in table:
        if key not in known:
            near = get_close_matches(key, known, n=1)
            raise _wrong(
                folder,
                f"unknown setting {key!r}",
                f"known: {', '.join(sorted(known))}",
                f"did you mean {near[0]!r}?" if near else "remove it",
            )
    roots = table.get("roots", [])
    if not isinstance(roots, list) or not all(isinstance(root, str) for root in roots):
        raise _wrong(folder, f"roots is {roots!r}", "it is a list of folders", 'write roots = ["notebooks"]')
    prefixes = table.get("run_prefixes", {})
    if not isinstance(prefixes, dict) or not all(isinstance(value, str) for value in prefixes.values()):
        raise _wrong(
            folder,
            f"run_prefixes is {prefixes!r}",
            "it maps workspace folders to folders",
            'write run_prefixes = { "/Shared/project" = "." }',
        )
    partitions = table.get("spark_partitions", 1)
    if type(partitions) is not int or partitions < 1:
        raise _wrong(
            folder, f"spark_partitions is {partitions!r}", "it is a whole number from 1 on", "write spark_partitions = 1"
        )
    memory = table.get("spark_memory", "1g")
    if not isinstance(memory, str) or not re.fullmatch(r"[1-9]\d*[mg]", memory):
        raise _wrong(folder, f"spark_memory is {memory!r}", "it is a size as Java takes it", 'write spark_memory = "1g"')
    if memory[-1] == "m" and int(memory[:-1]) < _LEAST_MEMORY_M:
        raise _wrong(
            folder,
            f"spark_memory is {memory!r}",
            f"Spark doesn't start with less than {_LEAST_MEMORY_M}m",
            'write spark_memory = "1g"',
        )
    idle = table.get("spark_idle_minutes", 30)
    if type(idle) is not int or idle < 0:
        raise _wrong(
            folder, f"spark_idle_minutes is {idle!r}", "it is a whole number from 0 on", "write spark_idle_minutes = 30"
        )
    runtime = table.get("runtime", "")
    if runtime not in ("", *RUNTIMES):
        near = get_close_matches(str(runtime), RUNTIMES, n=1)
        hint = f'write runtime = "{near[0] if near else RUNTIMES[-1]}"'
        raise _wrong(folder, f"runtime is {runtime!r}", f"known: {', '.join(RUNTIMES)}", hint)
    disk = table.get("run_disk_gb", 10)
    if type(disk) not in (int, float) or disk <= 0:
        raise _wrong(folder, f"run_disk_gb is {disk!r}", "it is a number above 0", "write run_disk_gb = 10")
    return Settings(folder, tuple(roots), dict(prefixes), partitions, memory, idle, runtime, disk)


def _wrong(folder: str, what: str, cause: str, mend: str) -> SettingsError:
    return SettingsError(
        what, cause=cause, mend=f"{mend} under [tool.nbh]", location=Location(os.path.join(folder, "pyproject.toml"))
    )


def settings_for(path: str) -> Settings:
    """Give the settings of the project a file or folder belongs to: those of the nearest pyproject.toml above it."""
    folder = os.path.abspath(path)
    while not os.path.isfile(os.path.join(folder, "pyproject.toml")):
        above = os.path.dirname(folder)
        if above == folder:
            return Settings(os.path.dirname(os.path.abspath(path)))
        folder = above
    return _read(folder)


@lru_cache(maxsize=256)
def _read(folder: str) -> Settings:
    file = os.path.join(folder, "pyproject.toml")
    try:
        with open(file, "rb") as source:
            data = source.read()
    except OSError:
        return Settings(folder)
    if b"tool.nbh" not in data:
        return Settings(folder)
    import tomllib

    try:
        table = tomllib.loads(data.decode()).get("tool", {}).get("nbh", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise SettingsError(
            "pyproject.toml can't be read", cause=str(exc), mend="mend the file", location=Location(file)
        ) from exc
    return settings_from(table, folder)
