"""MLflow as a workspace serves it: tracking by MLflow's own server code, models under the rules of Unity Catalog."""

from __future__ import annotations

import importlib
import threading
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from harness.rehearsal import unity_models
from harness.rehearsal.answers import ApiError, invalid, route
from harness.rehearsal.registry import STORE, Registry, needed, open_store
from harness.rehearsal.workspace import caller_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.routing import Route

    from harness.rehearsal.answers import Call
    from harness.rehearsal.workspace import Workspace

UC = "/api/2.0/mlflow/unity-catalog"
ARTIFACTS = "dbfs:/databricks/mlflow-tracking"
"""Where runs and models of experiments are, as clients are told; they reach them by the Files API."""

_SERVED = ("experiments", "runs", "metrics", "logged-models")
_METHODS = ("GET", "POST", "PATCH", "DELETE")
_LEGACY = ("registered-models", "model-versions", "databricks")


def routes(workspace: Workspace) -> list[Route]:
    """The calls of this subject."""
    registry = Registry(workspace)
    models, tracking = _Models(registry), _Tracking(workspace)
    one, version = f"{UC}/registered-models", f"{UC}/model-versions"
    return [
        route("GET", f"{one}:is-databricks-sdk-models-artifact-repository-enabled", models.has_files_api),
        route("POST", f"{one}/create", models.create),
        route("GET", f"{one}/get", models.get),
        route("PATCH", f"{one}/update", models.update),
        route("DELETE", f"{one}/delete", models.delete),
        route("GET", f"{one}/search", models.search),
        route("POST", f"{one}/set-tag", models.set_tag),
        route("DELETE", f"{one}/delete-tag", models.delete_tag),
        route("POST", f"{one}/alias", models.set_alias),
        route("GET", f"{one}/alias", models.by_alias),
        route("DELETE", f"{one}/alias", models.delete_alias),
        route("POST", f"{version}/create", models.create_version),
        route("POST", f"{version}/finalize", models.finalize),
        route("GET", f"{version}/get", models.get_version),
        route("PATCH", f"{version}/update", models.update_version),
        route("DELETE", f"{version}/delete", models.delete_version),
        route("GET", f"{version}/search", models.search_versions),
        route("GET", f"{version}/get-download-uri", models.download_uri),
        route("POST", f"{version}/set-tag", models.set_tag),
        route("DELETE", f"{version}/delete-tag", models.delete_tag),
        route("POST", f"{version}/emit-lineage", models.emit_lineage),
        *unity_models.routes(registry),
        *(
            route(["GET", "POST", "PATCH", "DELETE"], f"/api/{api}/mlflow/{{rest:path}}", tracking.answer)
            for api in ("2.0", "3.0")
        ),
    ]


class _Tracking:
    """MLflow's own handlers of calls on experiments, runs and their models, with a database of the workspace's own."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lock = threading.Lock()
        self._client: Any = None

    def answer(self, call: Call) -> Response:
        """Answer one call."""
        path, method = call.request.url.path, call.request.method
        subject = path.split("/mlflow/", 1)[1].split("/")[0]
        if subject in _LEGACY:
            raise ApiError(
                400,
                "FEATURE_DISABLED",
                "Workspace model registry is disabled for this workspace. Use models in Unity Catalog: "
                "mlflow.set_registry_uri('databricks-uc').",
            )
        if subject not in _SERVED:
            message = (
                f"The rehearsal does not serve {method} {path}; of MLflow it serves {', '.join(_SERVED)} and unity-catalog."
            )
            raise ApiError(501, "NOT_IMPLEMENTED", message)
        if path.endswith("/experiments/create"):
            _check_experiment(call.text("name"))
        if path.endswith("/experiments/update"):
            _check_experiment(call.text("new_name"))
        needed(*STORE, "flask", "flask_cors")
        with self._lock:  # one at a time, as the handlers keep their store in a module
            if self._client is None:
                self._client = _client(self._workspace)
            told = self._client.open(
                path,
                method=method,
                query_string=call.request.url.query,
                data=call.content,
                content_type=call.request.headers.get("content-type", "application/json"),
            )
        if told.status_code == 404 and not told.data.lstrip().startswith(b"{"):  # noqa: PLR2004 -- HTTP's own number
            raise ApiError(501, "NOT_IMPLEMENTED", f"The rehearsal does not serve {method} {path}.")
        return Response(told.data, told.status_code, media_type="application/json")


def _check_experiment(name: str) -> None:
    if not name.startswith("/"):
        raise invalid(
            f"Got an invalid experiment name '{name}'. An experiment name must be an absolute path within the Databricks "
            "workspace. E.g. '/Users/<some-username>/my-experiment'."
        )


def _client(workspace: Workspace) -> Any:
    """MLflow's handlers behind a client that needs no port."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    # By name: an environment that only runs notebooks has MLflow without its server.
    handlers: Any = importlib.import_module("mlflow.server.handlers")
    flask, werkzeug = importlib.import_module("flask"), importlib.import_module("werkzeug.test")

    class Store(SqlAlchemyStore):
        """MLflow's own, with the folders that Databricks has."""

        MODELS_FOLDER_NAME = "logged_models"

    store = open_store(Store, workspace, ARTIFACTS)
    store.delete_experiment("0")  # a workspace has no experiment that nobody named
    handlers._tracking_store = store  # noqa: SLF001 -- there is no public way to give it
    app = flask.Flask("mlflow")
    for path, handler, methods in handlers.get_endpoints():
        if path.startswith("/api/") and path.split("/mlflow/")[-1].split("/")[0] in _SERVED:
            app.add_url_rule(path, f"{path} {methods}", handler, methods=methods)
    return werkzeug.Client(app)


class _Models:
    """The calls on models, each a method, in the shapes of MLflow's client."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def has_files_api(self, _call: Call) -> dict[str, Any]:
        return {"is_databricks_sdk_models_artifact_repository_enabled": True}

    def create(self, call: Call) -> dict[str, Any]:
        needed(*STORE)
        made = self._registry.create_model(
            call.text("name"),
            description=call.text("description", ""),
            tags=_tags(call.given),
            owner=caller_of(call.request).name,
        )
        return {"registered_model": self._model(made)}

    def get(self, call: Call) -> dict[str, Any]:
        needed(*STORE)
        return {"registered_model": self._model(self._registry.model(call.text("name")))}

    def update(self, call: Call) -> dict[str, Any]:
        if call.text("new_name", None) is not None:
            raise ApiError(501, "NOT_IMPLEMENTED", "The rehearsal does not rename models.")
        return {"registered_model": self._model(self._registry.update_model(call.text("name"), call.text("description", "")))}

    def delete(self, call: Call) -> dict[str, Any]:
        self._registry.delete_model(call.text("name"))
        return {}

    def search(self, call: Call) -> dict[str, Any]:
        needed(*STORE)
        return _page([self._model(one) for one in self._registry.models()], call, "registered_models")

    def create_version(self, call: Call) -> dict[str, Any]:
        made = self._registry.create_version(
            call.text("name"),
            source=call.text("source"),
            run_id=call.text("run_id", ""),
            description=call.text("description", ""),
            tags=_tags(call.given),
        )
        return {"model_version": self._version(made)}

    def finalize(self, call: Call) -> dict[str, Any]:
        return {"model_version": self._version(self._registry.finalize(call.text("name"), call.text("version")))}

    def get_version(self, call: Call) -> dict[str, Any]:
        return {"model_version": self._version(self._registry.version(call.text("name"), call.text("version")))}

    def update_version(self, call: Call) -> dict[str, Any]:
        found = self._registry.update_version(call.text("name"), call.text("version"), call.text("description", ""))
        return {"model_version": self._version(found)}

    def delete_version(self, call: Call) -> dict[str, Any]:
        self._registry.delete_version(call.text("name"), call.text("version"))
        return {}

    def search_versions(self, call: Call) -> dict[str, Any]:
        needed(*STORE)
        name = _name_in(call.text("filter", ""))
        return _page([self._version(one) for one in self._registry.versions(name)], call, "model_versions")

    def download_uri(self, call: Call) -> dict[str, Any]:
        found = self._registry.version(call.text("name"), call.text("version"))
        return {"artifact_uri": location(found)}

    def set_alias(self, call: Call) -> dict[str, Any]:
        self._registry.set_alias(call.text("name"), call.text("alias"), call.text("version"))
        return {}

    def by_alias(self, call: Call) -> dict[str, Any]:
        return {"model_version": self._version(self._registry.by_alias(call.text("name"), call.text("alias")))}

    def delete_alias(self, call: Call) -> dict[str, Any]:
        self._registry.delete_alias(call.text("name"), call.text("alias"))
        return {}

    def set_tag(self, call: Call) -> dict[str, Any]:
        self._registry.tag(call.text("name"), call.text("key"), call.text("value"), version=call.text("version", None))
        return {}

    def delete_tag(self, call: Call) -> dict[str, Any]:
        self._registry.tag(call.text("name"), call.text("key"), None, version=call.text("version", None))
        return {}

    def emit_lineage(self, _call: Call) -> dict[str, Any]:
        """Where a model came from is told here and shown nowhere: a workspace's own clients tell it unasked."""
        return {}

    def _model(self, model: Any) -> dict[str, Any]:
        return {
            "name": model.name,
            "creation_timestamp": model.creation_timestamp,
            "last_updated_timestamp": model.last_updated_timestamp,
            "user_id": self._registry.owner(model.name),
            "description": model.description or "",
            "aliases": [{"alias": alias, "version": str(version)} for alias, version in model.aliases.items()],
            "tags": [{"key": key, "value": value} for key, value in model.tags.items()],
        }

    def _version(self, version: Any) -> dict[str, Any]:
        return {
            "name": version.name,
            "version": str(version.version),
            "creation_timestamp": version.creation_timestamp,
            "last_updated_timestamp": version.last_updated_timestamp,
            "user_id": self._registry.owner(version.name),
            "description": version.description or "",
            "source": self._registry.source(version),
            "run_id": version.run_id or "",
            "status": "READY" if self._registry.is_ready(version) else "PENDING_REGISTRATION",
            "storage_location": location(version),
            "aliases": [{"alias": alias, "version": str(version.version)} for alias in version.aliases],
            "tags": [{"key": key, "value": value} for key, value in version.tags.items()],
        }


def location(version: Any) -> str:
    """Where the Files API has a version's files."""
    return f"/Models/{version.name.replace('.', '/')}/{version.version}"


def _tags(given: Mapping[str, Any]) -> dict[str, str]:
    return {str(tag["key"]): str(tag.get("value", "")) for tag in given.get("tags") or ()}


def _name_in(text: str) -> str:
    name, _, value = text.partition("=")
    told = value.strip()
    if name.strip() != "name" or len(told) < 3 or told[0] not in "'\"" or told[-1] != told[0]:  # noqa: PLR2004 -- quotes and a letter
        raise invalid(f"Invalid filter '{text}': models in Unity Catalog are searched by name = '<catalog>.<schema>.<model>'")
    return told[1:-1]


def _page(found: list[dict[str, Any]], call: Call, name: str) -> dict[str, Any]:
    size, begin = call.number("max_results", 0) or 100, call.number("page_token", 0)
    more = {"next_page_token": str(begin + size)} if begin + size < len(found) else {}
    return {name: found[begin : begin + size], **more}
