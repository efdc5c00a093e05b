"""``nbh doctor --env``: an environment's values with where each came from, and whether its workspace can be used."""

from __future__ import annotations

import contextlib
import re
import sys
from typing import TYPE_CHECKING, Any

from harness.commands.workspace import environment_named, signed_in
from harness.environments import table_of
from harness.errors import HarnessError
from harness.spark.facts import Fact, version_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.environments import Environment
    from harness.remote.client import SdkWorkspace

# https://docs.databricks.com/aws/en/release-notes/runtime/
_PYTHON_OF = {"13": "3.10", "14": "3.10", "15": "3.11", "16": "3.12", "17": "3.12"}
"""The Python of each Databricks runtime, by the runtime's first number."""


def examine(folder: str, name: str, *, tell: Callable[[str], None]) -> list[Fact]:
    """Look at an environment's values, then sign in to its workspace and look at what runs need there.

    Raises:
        SettingsError: The environment is unknown or wrong.
    """
    environment = environment_named(folder, name)
    facts = [Fact("environment", name, ok=True)]
    facts += [Fact(key, f"{text or '-'}  ({origin})", ok=None) for key, text, origin in table_of(environment)]
    facts += _clients()
    try:
        with signed_in(folder, name, tell) as (here, workspace):
            facts += _workspace(here, workspace)
    except HarnessError as exc:
        facts.append(_wrong("sign-in", exc))
    return facts


def _clients() -> list[Fact]:
    if version_of("databricks-sdk") is None:
        return [Fact("databricks-sdk", "not installed", ok=False, mend='pip install "databricks-notebook-harness[remote]"')]
    facts = [Fact("databricks-sdk", str(version_of("databricks-sdk")), ok=True)]
    connect, pyspark = version_of("databricks-connect"), version_of("pyspark")
    if connect is not None and pyspark is not None:
        mend = "pip uninstall databricks-connect pyspark, then install one of them: databricks-connect for a workspace"
        told = f"databricks-connect {connect} and pyspark {pyspark} in the same place"
        return [*facts, Fact("Spark client", told, ok=False, mend=mend)]
    if connect is not None:
        return [*facts, Fact("Spark client", f"databricks-connect {connect}", ok=True)]
    if pyspark is not None:
        mend = "databricks-connect, in an environment of its own, is what Databricks supports"
        return [*facts, Fact("Spark client", f"pyspark {pyspark}; {mend}", ok=None)]
    return [*facts, Fact("Spark client", "not installed", ok=False, mend='pip install "databricks-notebook-harness[connect]"')]


def _workspace(environment: Environment, workspace: SdkWorkspace) -> Iterator[Fact]:
    from harness.remote import preflight

    identity = workspace.me()
    yield Fact("sign-in", f"{identity.name} on {workspace.host}", ok=True)
    if environment.compute.cluster_id:
        yield from _cluster(workspace, environment.compute.cluster_id)
    if environment.catalog:
        with _told("catalog", found := []):
            workspace.catalog(environment.catalog)
            found.append(Fact("catalog", f"{environment.catalog} is there", ok=True))
        yield from found
    with _told("protected catalogs", found := []):
        notes = preflight.check_identity(workspace, environment, identity, is_thorough=True)
        told = "; ".join(notes) or f"{identity.name} can change none of {', '.join(environment.protected_catalogs)}"
        if environment.protected_catalogs:
            found.append(Fact("protected catalogs", told, ok=None if notes else True))
        else:
            found.append(Fact("protected catalogs", "none are named, so nothing is looked at", ok=None))
    yield from found


def _cluster(workspace: SdkWorkspace, cluster_id: str) -> Iterator[Fact]:
    with _told("cluster", found := []):
        facts = workspace.cluster(cluster_id)
        access = str(facts.get("data_security_mode", "unknown access mode"))
        found.append(Fact("cluster", f"{facts.get('cluster_name', cluster_id)}, {facts.get('state')}, {access}", ok=True))
        found += _fits(str(facts.get("spark_version", "")))
    yield from found


def _fits(runtime: str) -> Iterator[Fact]:
    """Whether this Python and databricks-connect fit a runtime such as ``17.3.x-scala2.13``."""
    number = re.match(r"(\d+)\.(\d+)", runtime)
    if number is None:
        return
    theirs, ours = _PYTHON_OF.get(number[1]), f"{sys.version_info[0]}.{sys.version_info[1]}"
    if theirs is None:
        yield Fact("runtime", f"{runtime}, whose Python isn't known here", ok=None)
    elif theirs != ours:
        mend = f"make the environment of tests with Python {theirs}"
        yield Fact(
            "runtime", f"{runtime} has Python {theirs}, and this is {ours}: UDFs of notebooks don't run", ok=False, mend=mend
        )
    else:
        yield Fact("runtime", f"{runtime} has Python {theirs}, as here", ok=True)
    connect = version_of("databricks-connect")
    if connect is not None:
        newer = tuple(int(part) for part in connect.split(".")[:2]) > (int(number[1]), int(number[2]))
        mend = f'pip install "databricks-connect=={number[1]}.{number[2]}.*"'
        told = f"{connect} is newer than the runtime" if newer else f"{connect} fits the runtime"
        yield Fact("databricks-connect", told, ok=not newer, mend=mend if newer else "")


@contextlib.contextmanager
def _told(name: str, found: list[Any]) -> Iterator[None]:
    """Make a fact of an error; the rest is looked at all the same."""
    try:
        yield
    except HarnessError as exc:
        found.append(_wrong(name, exc))


def _wrong(name: str, exc: HarnessError) -> Fact:
    cause = exc.cause.replace("\n", "; ")
    return Fact(name, f"{exc.code} {exc.what}{f': {cause}' if cause else ''}", ok=False, mend=exc.mend)
