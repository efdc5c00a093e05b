"""``nbh doctor --env``: an environment's values with where each came from, and whether its workspace can be used."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any

from harness.commands.doctor_compute import of_cluster, of_spec
from harness.commands.workspace import environment_named, signed_in
from harness.environments import of_one_place, table_of
from harness.errors import HarnessError
from harness.settings import settings_for
from harness.spark.facts import Fact, version_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.environments import Environment
    from harness.remote.client import SdkWorkspace
    from harness.remote.protocol import Identity


def examine(folder: str, name: str, *, tell: Callable[[str], None]) -> list[Fact]:
    """Look at an environment's values, then sign in to its workspace and look at what runs need there.

    Raises:
        SettingsError: The environment is unknown or wrong.
    """
    environment = environment_named(folder, name)
    facts = [Fact("environment", name, ok=True)]
    facts += [Fact(key, f"{text or '-'}  ({origin})", ok=None) for key, text, origin in table_of(environment)]
    if others := of_one_place(environment, settings_for(os.path.join(folder, "x"))):
        told = f"{', '.join(others)}: the same workspace and catalog, so that what tests make in one is in all"
        facts.append(Fact("of one place", told, ok=None))
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
    yield from _compute(environment, workspace, identity)
    if environment.catalog:
        yield from _catalog(environment, workspace, identity)
    with _told("protected catalogs", found := []):
        notes = preflight.check_identity(workspace, environment, identity, is_thorough=True)
        told = "; ".join(notes) or f"{identity.name} can change none of {', '.join(environment.protected_catalogs)}"
        if environment.protected_catalogs:
            found.append(Fact("protected catalogs", told, ok=None if notes else True))
        else:
            found.append(Fact("protected catalogs", "none are named, so nothing is looked at", ok=None))
    yield from found


def _compute(environment: Environment, workspace: SdkWorkspace, identity: Identity) -> Iterator[Fact]:
    cluster_id = environment.compute.cluster_id
    if not cluster_id:
        yield from of_spec(environment.compute)
        return
    from harness.remote.compute import named_cluster

    found: list[Fact] = []
    with _told("cluster", found):
        found += of_cluster(cluster_id, named_cluster(workspace, environment), identity)
    yield from found


def _catalog(environment: Environment, workspace: SdkWorkspace, identity: Identity) -> Iterator[Fact]:
    catalog = environment.catalog
    with _told("catalog", found := []):
        workspace.catalog(catalog)
        found.append(Fact("catalog", f"{catalog} is there", ok=True))
        if not environment.protected:  # else tests make nothing there
            found.append(_may_make(workspace, catalog, identity))
    yield from found


def _may_make(workspace: SdkWorkspace, catalog: str, identity: Identity) -> Fact:
    """Whether tests can make their schemas there."""
    from harness.remote.privileges import missing_to_make_schemas

    try:
        missing = missing_to_make_schemas(workspace, catalog, identity)
    except HarnessError as exc:  # not everybody may read what is granted, and who may not may still make schemas
        return Fact("privileges", f"those of {identity.name} can't be read: {exc.what}", ok=None)
    if not missing:
        return Fact("privileges", f"{identity.name} can make schemas in {catalog}", ok=True)
    mend = "; ".join(f"GRANT {one} ON CATALOG `{catalog}` TO `{identity.name}`" for one in missing)
    return Fact("privileges", f"{identity.name} lacks {' and '.join(missing)} on {catalog}", ok=False, mend=mend)


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
