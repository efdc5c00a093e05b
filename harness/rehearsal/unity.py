"""Unity Catalog's REST on the catalogs of the workspace's Spark: the metastore, catalogs and schemas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.catalog.names import literal, quote
from harness.rehearsal import unity_functions, unity_tables
from harness.rehearsal.answers import ApiError, invalid, not_found, route
from harness.rehearsal.identity import USER
from harness.rehearsal.registry import MODELS, REMOVE
from harness.rehearsal.uc_sql import METASTORE, Uc, near, only, owner_of, page, parts_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.routing import Route

    from harness.rehearsal.answers import Call
    from harness.rehearsal.workspace import Workspace

API = "/api/2.1/unity-catalog"

_SHOWN = "information_schema"


def routes(workspace: Workspace) -> list[Route]:
    """The calls of this subject."""
    uc = Uc(workspace)
    catalogs, schemas, metastore = _Catalogs(uc), _Schemas(uc), _Metastore(workspace)
    return [
        route("GET", f"{API}/metastore_summary", metastore.summary),
        route("GET", f"{API}/current-metastore-assignment", metastore.assignment),
        route("POST", f"{API}/catalogs", catalogs.create),
        route("GET", f"{API}/catalogs", catalogs.listed),
        route("GET", f"{API}/catalogs/{{name}}", catalogs.get),
        route("PATCH", f"{API}/catalogs/{{name}}", catalogs.update),
        route("DELETE", f"{API}/catalogs/{{name}}", catalogs.delete),
        route("POST", f"{API}/schemas", schemas.create),
        route("GET", f"{API}/schemas", schemas.listed),
        route("GET", f"{API}/schemas/{{full_name}}", schemas.get),
        route("PATCH", f"{API}/schemas/{{full_name}}", schemas.update),
        route("DELETE", f"{API}/schemas/{{full_name}}", schemas.delete),
        *unity_tables.routes(uc, API),
        *unity_functions.routes(uc, API),
    ]


class _Metastore:
    """The metastore, which is there and does nothing."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._at = workspace.clock.now_ms()

    def summary(self, _call: Call) -> dict[str, Any]:
        return {
            "metastore_id": METASTORE,
            "name": "rehearsal",
            "owner": USER.name,
            "cloud": "azure",
            "region": "local",
            "global_metastore_id": f"azure:local:{METASTORE}",
            "privilege_model_version": "1.0",
            "delta_sharing_scope": "INTERNAL",
            "created_at": self._at,
            "created_by": USER.name,
            "updated_at": self._at,
            "updated_by": USER.name,
        }

    def assignment(self, _call: Call) -> dict[str, Any]:
        return {"metastore_id": METASTORE, "workspace_id": int(self._workspace.id), "default_catalog_name": "main"}


class _Catalogs:
    """The calls on catalogs, each a method."""

    def __init__(self, uc: Uc) -> None:
        self._uc = uc
        self._more: dict[str, dict[str, Any]] = {}

    def create(self, call: Call) -> dict[str, Any]:
        given = call.json()
        only(given, ("name", "comment", "storage_root", "properties"), "catalogs/create")
        (name,) = parts_of(call.text("name"), "catalog")
        told = f"CREATE CATALOG {quote(name)}"
        root = call.text("storage_root", "")
        if root:
            told += f" MANAGED LOCATION {literal(near(root))}"
        comment = call.text("comment", "")
        if name in self._uc.catalogs():
            raise ApiError(400, "CATALOG_ALREADY_EXISTS", f"Catalog '{name}' already exists")
        self._uc.rows(told + (f" COMMENT {literal(comment)}" if comment else ""))
        self._uc.forget("catalog", name)
        self._more[name] = {
            **({"storage_root": root} if root else {}),
            **({"properties": given["properties"]} if given.get("properties") else {}),
        }
        return self._facts(name)

    def listed(self, call: Call) -> dict[str, Any]:
        seen = [name for name in self._uc.catalogs() if self._uc.may("USE CATALOG", "CATALOG", name)]
        answer = page(seen, call, "catalogs")
        return {**answer, "catalogs": [self._facts(name) for name in answer["catalogs"]]}

    def get(self, call: Call) -> dict[str, Any]:
        return self._facts(call.path["name"].lower())

    def update(self, call: Call) -> dict[str, Any]:
        given = call.json()
        only(given, ("comment", "owner", "properties"), "catalogs/update")
        name = self._facts(call.path["name"].lower())["name"]
        _change(self._uc, "CATALOG", (name,), given)
        if given.get("properties") is not None:
            self._more.setdefault(name, {})["properties"] = given["properties"]
        return self._facts(name)

    def delete(self, call: Call) -> dict[str, Any]:
        name = self._facts(call.path["name"].lower())["name"]
        self._uc.rows(f"DROP CATALOG {quote(name)}" + (" CASCADE" if call.flag("force") else ""))
        self._uc.forget("catalog", name)
        self._more.pop(name, None)
        return {}

    def _facts(self, name: str) -> dict[str, Any]:
        if name not in self._uc.catalogs():
            raise not_found(f"Catalog '{name}' does not exist.", code="CATALOG_DOES_NOT_EXIST")
        row = self._uc.table(name, "catalogs")[0]
        at = round(row["created"].timestamp() * 1000)
        seen = self._uc.seen("catalog", name, at=str(at))
        return {
            "name": name,
            "full_name": name,
            "id": seen.id,
            "owner": owner_of(row["catalog_owner"]),
            **({"comment": row["comment"]} if row["comment"] else {}),
            "catalog_type": "MANAGED_CATALOG",
            "securable_type": "CATALOG",
            "isolation_mode": "OPEN",
            "metastore_id": METASTORE,
            "created_at": at,
            "created_by": owner_of(row["created_by"]),
            "updated_at": at,
            "updated_by": owner_of(row["catalog_owner"]),
            **self._more.get(name, {}),
        }


class _Schemas:
    """The calls on schemas, each a method."""

    def __init__(self, uc: Uc) -> None:
        self._uc = uc

    def create(self, call: Call) -> dict[str, Any]:
        given = call.json()
        only(given, ("name", "catalog_name", "comment", "properties", "storage_root"), "schemas/create")
        catalog, name = parts_of(f"{call.text('catalog_name')}.{call.text('name')}", "schema")
        if any(row["schema_name"] == name for row in self._uc.table(catalog, "schemata")):
            raise ApiError(400, "SCHEMA_ALREADY_EXISTS", f"Schema '{catalog}.{name}' already exists")
        comment, root = call.text("comment", ""), call.text("storage_root", "")
        said = ", ".join(f"{literal(key)} = {literal(str(value))}" for key, value in (given.get("properties") or {}).items())
        self._uc.rows(
            f"CREATE SCHEMA {quote(catalog, name)}"
            + (f" COMMENT {literal(comment)}" if comment else "")
            + (f" MANAGED LOCATION {literal(near(root))}" if root else "")
            + (f" WITH DBPROPERTIES ({said})" if said else "")
        )
        self._uc.own((catalog, name), call)
        self._uc.forget("schema", f"{catalog}.{name}")
        return self._facts(catalog, name)

    def listed(self, call: Call) -> dict[str, Any]:
        (catalog,) = parts_of(call.text("catalog_name"), "catalog")
        answer = page(self._uc.table(catalog, "schemata"), call, "schemas")
        return {**answer, "schemas": [self._short(catalog, row) for row in answer["schemas"]]}

    def get(self, call: Call) -> dict[str, Any]:
        return self._facts(*parts_of(call.path["full_name"], "schema"))

    def update(self, call: Call) -> dict[str, Any]:
        given = call.json()
        only(given, ("comment", "owner", "properties"), "schemas/update")
        parts = parts_of(call.path["full_name"], "schema")
        self._uc.schema(*parts)
        _change(self._uc, "SCHEMA", parts, given)
        said = ", ".join(f"{literal(key)} = {literal(str(value))}" for key, value in (given.get("properties") or {}).items())
        if said:
            self._uc.rows(f"ALTER SCHEMA {quote(*parts)} SET DBPROPERTIES ({said})")
        return self._facts(*parts)

    def delete(self, call: Call) -> dict[str, Any]:
        catalog, name = parts_of(call.path["full_name"], "schema")
        self._uc.schema(catalog, name)
        if name == _SHOWN:
            raise invalid(f"Schema '{catalog}.{name}' is a system schema and can't be deleted.")
        held = {kind: len(self._held(catalog, name, kind)) for kind in ("tables", "volumes", "routines")}
        models = self._models(f"{catalog}.{name}.")
        if not call.flag("force") and (models or any(held.values())):
            told = f"{held['tables']} table(s), {held['volumes']} volume(s), {held['routines']} function(s), "
            told += f"{len(models)} model(s)"
            raise ApiError(400, "SCHEMA_NOT_EMPTY", f"Schema '{catalog}.{name}' is not empty. The schema has {told}")
        for model in models:
            self._uc.workspace.shared[REMOVE](model)
        cascade = " CASCADE" if call.flag("force") else ""  # who sees not all that is in it drops none of that unasked
        self._uc.rows(f"DROP SCHEMA {quote(catalog, name)}{cascade}")
        self._uc.forget("schema", f"{catalog}.{name}")
        return {}

    def _models(self, prefix: str) -> list[str]:
        find = self._uc.workspace.shared.get(MODELS)
        return [name for name in find() if name.startswith(prefix)] if callable(find) else []

    def _held(self, catalog: str, schema: str, kind: str) -> list[dict[str, Any]]:
        return self._uc.table(catalog, kind, f"{kind.removesuffix('s')}_schema = {literal(schema)}")

    def _facts(self, catalog: str, name: str) -> dict[str, Any]:
        row = self._uc.schema(catalog, name)
        facts = self._short(catalog, row)
        if name != _SHOWN:
            rows = self._uc.rows(f"DESCRIBE SCHEMA EXTENDED {quote(catalog, name)}")
            told = {one["database_description_item"]: one["database_description_value"] for one in rows}
            facts["properties"] = _properties(told.get("Properties") or "")
        return facts

    def _short(self, catalog: str, row: Mapping[str, Any]) -> dict[str, Any]:
        name = row["schema_name"]
        seen = self._uc.seen("schema", f"{catalog}.{name}")
        return {
            "name": name,
            "catalog_name": catalog,
            "full_name": f"{catalog}.{name}",
            "schema_id": seen.id,
            "owner": owner_of(row["schema_owner"]),
            **({"comment": row["comment"]} if row["comment"] else {}),
            "catalog_type": "MANAGED_CATALOG",
            "metastore_id": METASTORE,
            "created_at": seen.at,
            "created_by": owner_of(row["schema_owner"]),
            "updated_at": seen.at,
            "updated_by": owner_of(row["schema_owner"]),
        }


def _change(uc: Uc, kind: str, parts: tuple[str, ...], given: Mapping[str, Any]) -> None:
    if given.get("comment") is not None:
        uc.rows(f"COMMENT ON {kind} {quote(*parts)} IS {literal(given['comment'])}")
    if given.get("owner"):
        owner = str(given["owner"]).replace("`", "``")
        uc.rows(f"ALTER {kind} {quote(*parts)} OWNER TO `{owner}`")


def _properties(told: str) -> dict[str, str]:
    """Spark shows them as ((key,value), (key,value))."""
    inner = told.strip().removeprefix("(").removesuffix(")")
    pairs = [one.strip("()") for one in inner.split("), (")] if inner else []
    return dict(pair.split(",", 1) for pair in pairs if "," in pair)
