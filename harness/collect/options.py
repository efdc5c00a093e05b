"""Options and what the header says of them."""

from __future__ import annotations

import contextlib
import fnmatch
import os
import sys
from importlib import metadata
from typing import TYPE_CHECKING, Any

import pytest

from harness.collect.engine import AROUND
from harness.collect.remote import environment_here
from harness.environments import REHEARSAL, of_one_place
from harness.settings import settings_for

if TYPE_CHECKING:
    from pathlib import Path

    from harness.environments import Environment

_LABS = "databricks-labs-pytester"
_OURS = "databricks-notebook-harness"


def look_around(config: pytest.Config) -> None:
    """Find the notebook whose cell runs this pytest, and refuse options that have no effect there.

    Raises:
        pytest.UsageError: There is one.
    """
    around = config.stash.get(AROUND, None)
    if around is None and "IPython" in sys.modules:
        from harness.runtime.around import around_here

        around = around_here()
    if around is None or hasattr(config, "workerinput"):
        return
    config.stash[AROUND] = around
    for option, plain in (("--nbh-engine", "connect"), ("--nbh-keep", "never")):
        if config.getoption(option) != plain:
            raise pytest.UsageError(
                f"{option} has no effect in a notebook: tests run there on its own spark, which is left alone"
            )


def header(config: pytest.Config) -> list[str]:
    """Say where notebooks' Spark lives, which engine it is, and whose fixtures are used where another plugin has them too."""
    environment = environment_here(config)
    around = config.stash.get(AROUND, None)
    if around is not None:
        where = f"Databricks Runtime {around.runtime}" if around.runtime else "no Databricks Runtime"
        return [
            f"databricks notebooks: in a notebook, on its own spark and dbutils ({where})",
            "isolation is less than on the tests' own engine: what they make or set stays, and the catalogs are the notebook's",
        ]
    where = _workspace(environment) if environment.is_remote else _engine(config)
    lines = [f"databricks notebooks: environment {environment.name}, {where}"]
    if environment.is_remote and (others := of_one_place(environment, settings_for(str(config.rootpath / "x")))):
        lines.append(f"of one place: {', '.join(others)}; what tests make in one is in all")
    if _LABS in {distribution.project_name for _, distribution in config.pluginmanager.list_plugin_distinfo()}:
        lines.extend(_winners(config))
    return lines


def _workspace(environment: Environment) -> str:
    """Where it is, what runs notebooks, and which client Spark is asked by."""
    where = "a workspace on this machine, no proof about a real one" if environment.name == REHEARSAL else environment.host
    if not where:
        where = f"profile {environment.profile}" if environment.profile else "the SDK's own sign-in"
    compute = environment.compute
    what = f"cluster {compute.cluster_id}" if compute.cluster_id else f"{compute.kind} compute"
    for client in ("databricks-connect", "pyspark"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            return f"{where}, {what}, client {client} {metadata.version(client)}"
    return f"{where}, {what}, no Spark client installed"


def _engine(config: pytest.Config) -> str:
    """The engine, its Spark and its client, and the Databricks runtime that it stands for."""
    try:
        told = f"pyspark {(version := metadata.version('pyspark'))}"
    except metadata.PackageNotFoundError:
        try:
            connect = metadata.version("databricks-connect")
        except metadata.PackageNotFoundError:
            return "no Spark installed"
        from harness.spark.versions import spark_beside

        version = spark_beside(connect) or ""
        told = f"client databricks-connect {connect}, Spark {version or 'none that fits it'}"
    from harness.spark.versions import runtime_of  # where Spark is, its import costs more

    told = f"engine {config.getoption('--nbh-engine')} ({told}"
    runtime = runtime_of(settings_for(str(config.rootpath)).runtime, version)
    return told + (f", standing for Databricks {runtime.name} with Spark {runtime.spark})" if runtime else ")")


def _winners(config: pytest.Config) -> list[str]:
    """Say whose fixture is used where databricks-labs-pytester has one too: pytest takes the last that was registered."""
    manager: Any = config.pluginmanager.get_plugin("funcmanage")
    names: dict[str, set[str]] = {_OURS: set(), _LABS: set()}
    for plugin in config.pluginmanager.get_plugins():
        owner = _owner(getattr(plugin, "__name__", ""))
        if owner in names:
            names[owner].update(vars(plugin))
    won: dict[str, list[str]] = {}
    for name in sorted(names[_OURS] & names[_LABS]):
        definitions = manager.getfixturedefs(name, manager.session)  # the only way to ask without a test
        if definitions:
            won.setdefault(_owner(definitions[-1].func.__module__), []).append(name)
    return [
        f"{_LABS} has the fixtures {', '.join(shared)} too: {winner} wins, unless you define your own"
        for winner, shared in won.items()
    ]


def _owner(module: str) -> str:
    if module.startswith("harness.fixtures."):
        return _OURS
    return _LABS if module.startswith("databricks.labs.pytester.") else "another plugin"


def is_test_notebook(path: Path, parent: pytest.Collector) -> bool:
    """Say whether an ``.ipynb`` is to be collected: it was named, or matches ``python_files`` as a ``.py`` would."""
    if parent.session.isinitpath(path):
        return True
    as_python = path.with_suffix(".py")
    patterns: list[str] = parent.config.getini("python_files")
    for pattern in patterns:
        if os.sep in pattern or "/" in pattern:
            if fnmatch.fnmatch(str(as_python), f"*/{pattern}"):
                return True
        elif fnmatch.fnmatch(as_python.name, pattern):
            return True
    return False
