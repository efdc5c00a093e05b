"""Settings: one frozen object a project, built from ``[tool.nbh]`` of the nearest pyproject.toml."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from harness.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.model import Location

LOCAL_USER = "local.user@nbh.invalid"
"""Who runs on this machine, for what asks: plainly nobody's address, and the same at each desk and in CI."""

RUNTIMES = ("16.4", "17.3")
"""The Databricks runtimes that local Spark can stand for; `harness.spark.versions` says what that sets."""


_LEAST_MEMORY_M = {"spark_memory": 480, "notebook_memory": 400}
"""Spark asks for 450 that are free for data, and Java keeps some for itself; a kernel with pandas and a session takes 250."""


ENVIRONMENT_KEYS = (
    "host",
    "profile",
    "catalog",
    "workspace_root",
    "protected_catalogs",
    "allowed_catalogs",
    "compute",
    "libraries",
    "environments",
    "data_files",
    "timeout_minutes",
    "concurrency",
    "protected",
    "unknown_privileges",
    "privileges",
)
"""The settings of one environment, under ``[tool.nbh.env.<name>]``; `harness.environments` reads them."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What ``[tool.nbh]`` holds.

    ``folder`` is the folder of the pyproject.toml. ``roots`` are the folders whose notebooks can be imported (where not set,
    the rootdir and ``pythonpath``). ``run_prefixes`` maps workspace folders in absolute ``%run`` paths to folders of the
    project. ``spark_partitions`` is the number of partitions local Spark works with, ``spark_memory`` what its Java may use,
    and ``spark_idle_minutes`` how long a warm engine waits for the next run (0: it ends with the run). ``runtime`` is the
    Databricks runtime that local Spark stands for; "" is the nearest one. ``time_zone`` is that of Python's clock where Spark
    is used, as on a cluster. ``secrets`` are, by scope and key, the names of the variables that hold them. ``notebook_memory``
    is what the process of a notebook that is run whole may use; "" is most of what the machine has. ``run_disk_gb`` is how much
    such a notebook may write, and ``workspace_writes`` whether it may write below ``/Workspace``, into the folders of
    ``run_prefixes``. ``env`` are the tables of the environments, by name; `harness.environments` reads them.
    """

    folder: str
    roots: tuple[str, ...] = ()
    run_prefixes: Mapping[str, str] = field(default_factory=dict)
    spark_partitions: int = 1
    spark_memory: str = "1g"
    spark_idle_minutes: int = 30
    runtime: str = ""
    time_zone: str = "UTC"
    secrets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    notebook_memory: str = ""
    run_disk_gb: float = 10
    workspace_writes: bool = False
    env: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def settings_from(table: Mapping[str, Any], folder: str) -> Settings:
    """Check a ``[tool.nbh]`` table.

    Raises:
        SettingsError: A key is unknown, or a value is of the wrong type.
    """
    known = {f.name for f in fields(Settings)} - {"folder"}
    for key in table:
        if key not in known:
            raise _unknown(key, sorted(known), folder)
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
    memory = _size(table, "spark_memory", default="1g", folder=folder)
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
    zone = table.get("time_zone", "UTC")
    if zone != "UTC" and not _is_zone(zone):
        raise _wrong(folder, f"time_zone is {zone!r}", "it is the name of a time zone", 'write time_zone = "Europe/Vienna"')
    disk = table.get("run_disk_gb", 10)
    if type(disk) not in (int, float) or disk <= 0:
        raise _wrong(folder, f"run_disk_gb is {disk!r}", "it is a number above 0", "write run_disk_gb = 10")
    writes = table.get("workspace_writes", False)
    if not isinstance(writes, bool):
        raise _wrong(folder, f"workspace_writes is {writes!r}", "it is true or false", "write workspace_writes = true")
    return Settings(
        folder,
        tuple(roots),
        dict(prefixes),
        partitions,
        memory,
        idle,
        runtime,
        zone,
        secrets=_secrets(folder, table.get("secrets", {})),
        notebook_memory=_size(table, "notebook_memory", folder=folder),
        run_disk_gb=disk,
        workspace_writes=writes,
        env=_environments(folder, table.get("env", {})),
    )


def _is_zone(name: object) -> bool:
    from zoneinfo import ZoneInfo

    try:
        return isinstance(name, str) and ZoneInfo(name) is not None
    except (ValueError, OSError, KeyError):  # a path out of its folder; a folder; unknown
        return False


def _environments(folder: str, tables: object) -> dict[str, dict[str, Any]]:
    if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
        raise _wrong(
            folder,
            f"env is {tables!r}",
            "it holds a table for each environment",
            'write [tool.nbh.env.pps]\nhost = "https://…"',
        )
    for name in tables:
        if name == "local" or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name):
            why = "local is this machine, and has nothing to set" if name == "local" else "a name has letters, digits, - and _"
            raise _wrong(folder, f"there is a table for the environment {name!r}", why, "rename or remove it")
    return {name: dict(table) for name, table in tables.items()}


def _secrets(folder: str, table: object) -> dict[str, dict[str, str]]:
    """Check the table of secrets; no value is shown, for it may be a secret that somebody wrote there."""
    mend = '[tool.nbh.secrets.my-scope]\napi-token = "MY_API_TOKEN", the name of the variable that holds it,'
    if not isinstance(table, dict) or not all(isinstance(keys, dict) for keys in table.values()):
        raise _wrong(folder, "secrets is not a table of scopes", "it holds for each scope a table of keys", f"write {mend}")
    for scope, keys in table.items():
        for key, variable in keys.items():
            if not isinstance(variable, str) or not re.fullmatch(r"[A-Z_][A-Z0-9_]*", variable):
                raise _wrong(
                    folder,
                    f"the secret {key!r} of the scope {scope!r} is not the name of a variable",
                    "a secret has no place in a file; its variable is named in capital letters",
                    f"write {mend}",
                )
    return {scope: dict(keys) for scope, keys in table.items()}


def _size(table: Mapping[str, Any], name: str, *, folder: str, default: str = "") -> str:
    """An amount of memory: "600m", "2g"."""
    size: Any = table.get(name, default)
    example = f'write {name} = "{default or "4g"}"'
    if not isinstance(size, str) or (not re.fullmatch(r"[1-9]\d*[mg]", size) and name in table):
        raise _wrong(folder, f"{name} is {size!r}", "it is a size as Java takes it", example)
    least = _LEAST_MEMORY_M[name]
    if size.endswith("m") and int(size[:-1]) < least:
        who = "Spark doesn't start" if name == "spark_memory" else "no notebook runs"
        raise _wrong(folder, f"{name} is {size!r}", f"{who} with less than {least}m", example)
    return size


def _wrong(folder: str, what: str, cause: str, mend: str) -> SettingsError:
    return SettingsError(what, cause=cause, mend=f"{mend} under [tool.nbh]", location=location_of(folder))


def _unknown(key: str, known: Sequence[str], folder: str) -> SettingsError:
    near = get_close_matches(key, known, n=1)
    if key in ENVIRONMENT_KEYS:
        mend = "it is one environment's: write it under [tool.nbh.env.NAME], not"
    else:
        mend = f"did you mean {near[0]!r}?" if near else "remove it"
    return _wrong(folder, f"unknown setting {key!r}", f"known: {', '.join(known)}", mend)


def location_of(folder: str) -> Location:
    """Where the settings of a folder's project stand, for an error."""
    from harness.model import Location  # which takes longer to import than the settings do, and only an error has

    return Location(os.path.join(folder, "pyproject.toml"))


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
            "pyproject.toml can't be read", cause=str(exc), mend="mend the file", location=location_of(folder)
        ) from exc
    return settings_from(table, folder)
