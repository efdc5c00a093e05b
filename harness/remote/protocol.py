"""The calls on a workspace that the harness makes, and what they give: plain dictionaries, as the API has them.

`harness.remote.client` makes them through databricks-sdk; everything else takes an object of this shape.
"""

# What each call does stands in the client, and in Databricks' own reference.
# ruff: noqa: D102

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Facts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Identity:
    """Who is signed in: its name (an e-mail address, or a service principal's application id) and its groups' names."""

    name: str
    groups: tuple[str, ...] = ()


class Workspace(Protocol):
    """A workspace. Every call raises a `harness.remote.errors.RemoteError`.

    `UnreachableError` leaves open whether the call was carried out; `MissingError` says that what it names isn't there.
    """

    host: str

    def me(self) -> Identity: ...

    # -- runs
    def submit(self, body: Mapping[str, Any]) -> int: ...
    def run(self, run_id: int) -> Facts: ...
    def output(self, run_id: int) -> Facts: ...
    def runs_page(self, *, since_ms: int, page_token: str = "", active_only: bool = False) -> tuple[list[Facts], str]: ...
    def export_run(self, run_id: int) -> list[Facts]: ...
    def cancel(self, run_id: int) -> None: ...

    # -- clusters
    def create_cluster(self, spec: Mapping[str, Any]) -> str: ...
    def cluster(self, cluster_id: str) -> Facts: ...
    def clusters(self) -> list[Facts]: ...
    def delete_cluster(self, cluster_id: str) -> None: ...

    # -- files of the workspace
    def make_folder(self, path: str) -> None: ...
    def upload(self, path: str, data: bytes, *, format: str, language: str = "") -> None: ...  # noqa: A002 - the API's name
    def export(self, path: str, *, format: str) -> bytes: ...  # noqa: A002 - the API's name
    def list_folder(self, path: str) -> list[Facts]: ...
    def delete_folder(self, path: str) -> None: ...

    # -- Unity Catalog
    def catalog(self, name: str) -> Facts: ...
    def schemas(self, catalog: str) -> list[Facts]: ...
    def effective_privileges(self, kind: str, name: str) -> Sequence[Facts]: ...
    def delete_schema(self, name: str) -> None: ...
    def delete_catalog(self, name: str) -> None: ...
