"""Has the clients of this process sign in to a rehearsal, and trust it."""

from __future__ import annotations

import contextlib
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.rehearsal.errors import RehearsalGrantError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.environments import Environment
    from harness.rehearsal.control import Running

_SIGN_IN = ("DATABRICKS_", "ARM_", "GOOGLE_CREDENTIALS")
"""How the variables begin that say who signs in where."""


@contextlib.contextmanager
def clients_of(running: Running, *, is_principal: bool = False) -> Iterator[None]:
    """For a while the variables of this process lead clients to the rehearsal, and to no workspace of the user's.

    They sign in as its user, or as its service principal, to whom only what was granted is open. To be entered before the first
    gRPC call of the process, which reads once what it trusts.
    """
    principal = {"DATABRICKS_CLIENT_ID": running.client_id, "DATABRICKS_CLIENT_SECRET": running.client_secret}
    variables = {
        "DATABRICKS_HOST": running.host,
        **(principal if is_principal else {"DATABRICKS_TOKEN": running.token}),
        "DATABRICKS_CONFIG_FILE": os.devnull,
        "REQUESTS_CA_BUNDLE": str(running.ca),
        "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(running.ca),
    }
    before = {name: value for name, value in os.environ.items() if name.startswith(_SIGN_IN) or name in variables}
    for name in before:
        del os.environ[name]
    os.environ.update(variables)
    try:
        yield
    finally:
        for name in variables:
            os.environ.pop(name, None)
        os.environ.update(before)


@contextlib.contextmanager
def rehearsed(environment: Environment, running: Running) -> Iterator[Environment]:
    """The environment on this rehearsal, as long as this process's clients sign in to it, as whom the settings want.

    Raises:
        RehearsalGrantError: The privileges that the settings name can't be granted.
    """
    there = replace(environment, host=running.host, catalog=environment.catalog or "main")
    if there.privileges is not None:
        hold_to(running, there.catalog, there.privileges)
    with clients_of(running, is_principal=there.privileges is not None):
        yield there


def hold_to(running: Running, catalog: str, privileges: Sequence[str]) -> None:
    """Have the service principal have these privileges on a catalog, and no others that it had on it.

    Raises:
        RehearsalGrantError: There is no such catalog, or no such privilege on one.
    """
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.errors.base import DatabricksError

    wanted = {one.upper().replace(" ", "_") for one in privileges}
    path = f"/api/2.1/unity-catalog/permissions/catalog/{catalog}"
    with clients_of(running):
        api = WorkspaceClient().api_client
        try:
            told: Any = api.do("GET", path, query={"principal": running.client_id})
            has = {name for one in told["privilege_assignments"] for name in one["privileges"]}
            change = {"principal": running.client_id, "add": sorted(wanted - has), "remove": sorted(has - wanted)}
            api.do("PATCH", path, body={"changes": [change]})
        except DatabricksError as exc:
            raise RehearsalGrantError(
                f"the privileges on the catalog {catalog} can't be granted",
                cause=str(exc).split(" Config: ")[0],
                mend='correct [tool.nbh.env.rehearsal], as in privileges = ["USE CATALOG", "CREATE SCHEMA"]',
            ) from None
