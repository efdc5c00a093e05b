"""Unity Catalog's REST on registered models, as Databricks' SDK calls it: the same models as MLflow's client has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.rehearsal.answers import route
from harness.rehearsal.uc_sql import METASTORE, only, page
from harness.rehearsal.workspace import caller_of

if TYPE_CHECKING:
    from starlette.routing import Route

    from harness.rehearsal.answers import Call
    from harness.rehearsal.registry import Registry

API = "/api/2.1/unity-catalog/models"


def routes(registry: Registry) -> list[Route]:
    """The calls of this subject."""
    models = _Models(registry)
    one = f"{API}/{{full_name}}"
    return [
        route("POST", API, models.create),
        route("GET", API, models.listed),
        route("GET", one, models.get),
        route("PATCH", one, models.update),
        route("DELETE", one, models.delete),
        route("PUT", f"{one}/aliases/{{alias}}", models.set_alias),
        route("GET", f"{one}/aliases/{{alias}}", models.by_alias),
        route("DELETE", f"{one}/aliases/{{alias}}", models.delete_alias),
        route("GET", f"{one}/versions", models.versions),
        route("GET", f"{one}/versions/{{version}}", models.version),
        route("PATCH", f"{one}/versions/{{version}}", models.update_version),
        route("DELETE", f"{one}/versions/{{version}}", models.delete_version),
    ]


class _Models:
    """The calls, each a method."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def create(self, call: Call) -> dict[str, Any]:
        only(call.json(), ("catalog_name", "schema_name", "name", "comment"), "models/create")
        name = ".".join(call.text(part) for part in ("catalog_name", "schema_name", "name"))
        owner = caller_of(call.request).name
        return self._model(self._registry.create_model(name, description=call.text("comment", ""), tags={}, owner=owner))

    def listed(self, call: Call) -> dict[str, Any]:
        catalog, schema = call.text("catalog_name", ""), call.text("schema_name", "")
        wanted = f"{catalog}.{schema}.".lower() if catalog and schema else ""
        found = [self._model(one) for one in self._registry.models() if one.name.startswith(wanted)]
        return page(found, call, "registered_models")

    def get(self, call: Call) -> dict[str, Any]:
        return self._model(self._registry.model(call.path["full_name"]))

    def update(self, call: Call) -> dict[str, Any]:
        only(call.json(), ("comment", "full_name"), "models/update")
        return self._model(self._registry.update_model(call.path["full_name"], call.text("comment", "")))

    def delete(self, call: Call) -> dict[str, Any]:
        self._registry.delete_model(call.path["full_name"])
        return {}

    def set_alias(self, call: Call) -> dict[str, Any]:
        name, alias, version = call.path["full_name"], call.path["alias"], call.number("version_num")
        self._registry.set_alias(name, alias, str(version))
        return {"alias_name": alias, "version_num": version}

    def by_alias(self, call: Call) -> dict[str, Any]:
        return self._version(self._registry.by_alias(call.path["full_name"], call.path["alias"]))

    def delete_alias(self, call: Call) -> dict[str, Any]:
        self._registry.delete_alias(call.path["full_name"], call.path["alias"])
        return {}

    def versions(self, call: Call) -> dict[str, Any]:
        found = [self._version(one) for one in self._registry.versions(call.path["full_name"])]
        return page(found, call, "model_versions")

    def version(self, call: Call) -> dict[str, Any]:
        return self._version(self._registry.version(call.path["full_name"], call.path["version"]))

    def update_version(self, call: Call) -> dict[str, Any]:
        only(call.json(), ("comment", "full_name", "version"), "models/versions/update")
        return self._version(
            self._registry.update_version(call.path["full_name"], call.path["version"], call.text("comment", ""))
        )

    def delete_version(self, call: Call) -> dict[str, Any]:
        self._registry.delete_version(call.path["full_name"], call.path["version"])
        return {}

    def _model(self, model: Any) -> dict[str, Any]:
        catalog, schema, name = model.name.split(".")
        owner = self._registry.owner(model.name)
        return {
            "name": name,
            "catalog_name": catalog,
            "schema_name": schema,
            "full_name": model.name,
            "owner": owner,
            **({"comment": model.description} if model.description else {}),
            "aliases": [{"alias_name": alias, "version_num": int(version)} for alias, version in model.aliases.items()],
            "storage_location": f"/Models/{catalog}/{schema}/{name}",
            "metastore_id": METASTORE,
            "created_at": model.creation_timestamp,
            "created_by": owner,
            "updated_at": model.last_updated_timestamp,
            "updated_by": owner,
        }

    def _version(self, version: Any) -> dict[str, Any]:
        catalog, schema, name = version.name.split(".")
        owner = self._registry.owner(version.name)
        return {
            "catalog_name": catalog,
            "schema_name": schema,
            "model_name": name,
            "version": int(version.version),
            **({"comment": version.description} if version.description else {}),
            "aliases": [{"alias_name": alias, "version_num": int(version.version)} for alias in version.aliases],
            "source": self._registry.source(version),
            **({"run_id": version.run_id} if version.run_id else {}),
            "status": "READY" if self._registry.is_ready(version) else "PENDING_REGISTRATION",
            "storage_location": f"/Models/{catalog}/{schema}/{name}/{version.version}",
            "metastore_id": METASTORE,
            "created_at": version.creation_timestamp,
            "created_by": owner,
            "updated_at": version.last_updated_timestamp,
            "updated_by": owner,
        }
