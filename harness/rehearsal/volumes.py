"""Unity Catalog's REST on volumes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.catalog.names import literal, quote
from harness.catalog.statements import create_volume
from harness.rehearsal.answers import ApiError, invalid, not_found, route
from harness.rehearsal.uc_sql import METASTORE, Uc, near, only, owner_of, page, parts_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.routing import Route

    from harness.rehearsal.answers import Call
    from harness.rehearsal.workspace import Workspace

API = "/api/2.1/unity-catalog"


def routes(workspace: Workspace) -> list[Route]:
    """The calls of this subject."""
    volumes = _Volumes(Uc(workspace))
    return [
        route("POST", f"{API}/volumes", volumes.create),
        route("GET", f"{API}/volumes", volumes.listed),
        route("GET", f"{API}/volumes/{{full_name}}", volumes.get),
        route("PATCH", f"{API}/volumes/{{full_name}}", volumes.update),
        route("DELETE", f"{API}/volumes/{{full_name}}", volumes.delete),
    ]


class _Volumes:
    """The calls, each a method."""

    def __init__(self, uc: Uc) -> None:
        self._uc = uc

    def create(self, call: Call) -> dict[str, Any]:
        only(
            call.json(),
            ("catalog_name", "schema_name", "name", "volume_type", "storage_location", "comment"),
            "volumes/create",
        )
        parts = parts_of(".".join(call.text(name) for name in ("catalog_name", "schema_name", "name")), "volume")
        kind, location = call.text("volume_type"), call.text("storage_location", "")
        if kind not in {"MANAGED", "EXTERNAL"}:
            raise invalid(f"Invalid volume type: {kind}")
        if (kind == "EXTERNAL") != bool(location):
            raise invalid(f"A volume of type {kind} {'needs a' if kind == 'EXTERNAL' else 'takes no'} storage_location.")
        self._uc.schema(*parts[:2])
        if self._row(*parts) is not None:
            raise ApiError(400, "VOLUME_ALREADY_EXISTS", f"Volume '{'.'.join(parts)}' already exists")
        where = near(location) if location else ""
        self._uc.rows(create_volume(parts, location=where, comment=call.text("comment", "")))
        self._uc.forget("volume", ".".join(parts))
        return self._facts(parts)

    def listed(self, call: Call) -> dict[str, Any]:
        catalog, schema = parts_of(f"{call.text('catalog_name')}.{call.text('schema_name')}", "schema")
        self._uc.schema(catalog, schema)
        answer = page(self._uc.table(catalog, "volumes", f"volume_schema = {literal(schema)}"), call, "volumes")
        found = [self._facts((catalog, schema, row["volume_name"]), row) for row in answer["volumes"]]
        return {**answer, "volumes": found}

    def get(self, call: Call) -> dict[str, Any]:
        return self._facts(parts_of(call.path["full_name"], "volume"))

    def update(self, call: Call) -> dict[str, Any]:
        given = call.json()
        only(given, ("owner", "comment"), "volumes/update")
        parts = parts_of(call.path["full_name"], "volume")
        self._facts(parts)
        if given.get("comment") is not None:
            self._uc.rows(f"COMMENT ON VOLUME {quote(*parts)} IS {literal(str(given['comment']))}")
        if given.get("owner"):
            owner = str(given["owner"]).replace("`", "``")
            self._uc.rows(f"ALTER VOLUME {quote(*parts)} OWNER TO `{owner}`")
        return self._facts(parts)

    def delete(self, call: Call) -> dict[str, Any]:
        parts = parts_of(call.path["full_name"], "volume")
        self._facts(parts)
        self._uc.rows(f"DROP VOLUME {quote(*parts)}")
        self._uc.forget("volume", ".".join(parts))
        return {}

    def _row(self, catalog: str, schema: str, name: str) -> dict[str, Any] | None:
        where = f"volume_schema = {literal(schema)} AND volume_name = {literal(name)}"
        found = self._uc.table(catalog, "volumes", where)
        return found[0] if found else None

    def _facts(self, parts: tuple[str, ...], row: Mapping[str, Any] | None = None) -> dict[str, Any]:
        if row is None:
            self._uc.schema(*parts[:2])
            row = self._row(*parts)
        full_name = ".".join(parts)
        if row is None:
            self._uc.unseen("READ VOLUME", "VOLUME", *parts)
            raise not_found(f"Volume '{full_name}' does not exist.", code="VOLUME_DOES_NOT_EXIST")
        seen = self._uc.seen("volume", full_name)
        return {
            "name": parts[2],
            "catalog_name": parts[0],
            "schema_name": parts[1],
            "full_name": full_name,
            "volume_type": row["volume_type"],
            "storage_location": row["storage_location"],
            "owner": owner_of(row["volume_owner"]),
            **({"comment": row["comment"]} if row["comment"] else {}),
            "volume_id": seen.id,
            "metastore_id": METASTORE,
            "created_at": seen.at,
            "created_by": owner_of(row["volume_owner"]),
            "updated_at": seen.at,
            "updated_by": owner_of(row["volume_owner"]),
        }
