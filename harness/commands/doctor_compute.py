"""``nbh doctor --env``: whether what runs notebooks fits them, and fits what is installed here."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

from harness.spark.facts import Fact, version_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.environments import Compute
    from harness.remote.protocol import Identity

# https://docs.databricks.com/aws/en/release-notes/runtime/
_PYTHON_OF = {"13": "3.10", "14": "3.10", "15": "3.11", "16": "3.12", "17": "3.12"}
"""The Python of each Databricks runtime, by the runtime's first number."""

_OLDEST_SERVERLESS = (15, 1)
"""The first databricks-connect for serverless compute (https://docs.databricks.com/aws/dev-tools/databricks-connect/requirements)."""

_MODES = {"USER_ISOLATION": "standard", "DATA_SECURITY_MODE_STANDARD": "standard"} | dict.fromkeys(
    ("SINGLE_USER", "DATA_SECURITY_MODE_DEDICATED"), "dedicated"
)
"""The access modes of a cluster that has Unity Catalog, as the API names them and as the screens do."""


def of_spec(compute: Compute) -> Iterator[Fact]:
    """What can be said before anything is made: of the spec of a cluster, or of serverless compute."""
    if compute.kind == "serverless":
        yield Fact("compute", "serverless", ok=True)
        yield from _serverless()
        return
    if compute.kind != "new":
        return
    runtime, policy = str(compute.spec.get("spark_version") or ""), compute.spec.get("policy_id")
    how = "for each run" if compute.share == "never" else "for all runs of a pytest run"
    yield Fact("compute", f"a new cluster {how}, {runtime or f'of the policy {policy}'}", ok=True)
    if "data_security_mode" in compute.spec or not policy:
        yield _mode(compute.spec, "")
    if runtime:
        yield from fits(runtime)
    else:
        yield Fact("runtime", "the policy says which; whether it fits isn't looked at", ok=None)


def of_cluster(cluster_id: str, facts: Mapping[str, Any], identity: Identity) -> Iterator[Fact]:
    """What can be said of a cluster that is there."""
    from harness.remote.compute import why_not

    name, why = f"{facts.get('cluster_name', cluster_id)}, {facts.get('state')}", why_not(facts, identity)
    mend = "take another cluster, or have one made: [compute] with a spec"
    yield Fact("cluster", f"{name}: {why}" if why else name, ok=not why, mend=mend if why else "")
    yield _mode(facts, str(facts.get("single_user_name") or ""))
    yield from fits(str(facts.get("spark_version", "")))


def _mode(facts: Mapping[str, Any], user: str) -> Fact:
    """Whether a cluster's access mode has Unity Catalog, and what it holds back."""
    told = str(facts.get("data_security_mode") or "not set")
    if told == "DATA_SECURITY_MODE_AUTO":
        return Fact("access mode", "the workspace chooses it by the cluster", ok=None)
    mode = _MODES.get(told)
    if mode is None:
        mend = 'set data_security_mode = "USER_ISOLATION" (standard) or "SINGLE_USER" (dedicated)'
        return Fact("access mode", f"{told}: such a cluster has no Unity Catalog", ok=False, mend=mend)
    if mode == "standard":
        return Fact("access mode", "standard: RDDs, SparkContext and the JVM are closed to notebooks", ok=True)
    return Fact("access mode", f"dedicated{f' to {user}' if user else ''}", ok=True)


def fits(runtime: str) -> Iterator[Fact]:
    """Whether this Python and databricks-connect fit a runtime such as ``17.3.x-scala2.13``."""
    number = re.match(r"(\d+)\.(\d+)", runtime)
    if number is None:
        return
    theirs = _PYTHON_OF.get(number[1])
    if theirs is None:
        yield Fact("runtime", f"{runtime}, whose Python isn't known here", ok=None)
    else:
        yield _python("runtime", runtime, theirs)
    connect = version_of("databricks-connect")
    if connect is not None:
        newer = _numbers(connect) > (int(number[1]), int(number[2]))
        mend = f'pip install "databricks-connect=={number[1]}.{number[2]}.*"'
        told = f"{connect} is newer than the runtime" if newer else f"{connect} fits the runtime"
        yield Fact("databricks-connect", told, ok=not newer, mend=mend if newer else "")


def _serverless() -> Iterator[Fact]:
    """Whether this Python and databricks-connect fit serverless compute, which runs functions in the client's own Python."""
    connect = version_of("databricks-connect")
    if connect is None:
        return
    if _numbers(connect) < _OLDEST_SERVERLESS:
        mend = 'pip install "databricks-connect>=15.1"'
        yield Fact("databricks-connect", f"{connect} knows no serverless compute", ok=False, mend=mend)
        return
    yield Fact("databricks-connect", f"{connect} knows serverless compute", ok=True)
    theirs = _PYTHON_OF.get(connect.partition(".")[0])
    if theirs is not None:
        yield _python("Python", f"databricks-connect {connect}", theirs)


def _python(name: str, of: str, theirs: str) -> Fact:
    ours = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if theirs == ours:
        return Fact(name, f"{of} has Python {theirs}, as here", ok=True)
    mend = f"make the environment of tests with Python {theirs}"
    return Fact(name, f"{of} has Python {theirs}, and this is {ours}: UDFs of notebooks don't run", ok=False, mend=mend)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2])
