"""Registered models under Unity Catalog's rules, kept by MLflow's own store; their files come and go by the Files API."""

from __future__ import annotations

import importlib.util
import os
import shutil
import threading
from typing import TYPE_CHECKING, Any

from harness.rehearsal.answers import ApiError, invalid
from harness.rehearsal.files import models_folder, open_versions
from harness.rehearsal.identity import USER
from harness.rehearsal.uc_sql import Uc
from harness.rehearsal.workspace import PRINCIPAL
from harness.spark import places

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from harness.rehearsal.workspace import Workspace

MODELS = "names of models"
"""Under this name the workspace's parts share a function that gives the full names of all models."""

REMOVE = "removal of models"
"""Under this name they share one that removes a model by its full name."""

_LEVELS = 3


STORE = ("mlflow", "sqlalchemy", "alembic")
"""What MLflow's stores take."""

_PACKAGES = {"mlflow": "mlflow-skinny", "flask_cors": "flask-cors"}


def needed(*modules: str) -> None:
    """See that MLflow is installed as far as it takes to serve it.

    Raises:
        ApiError: It isn't.
    """
    missing = [_PACKAGES.get(name, name) for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        message = f"The rehearsal does not serve MLflow here, for want of {', '.join(missing)}: pip install {' '.join(missing)}"
        raise ApiError(501, "NOT_IMPLEMENTED", message)


def open_store(kind: Any, workspace: Workspace, *told: str) -> Any:
    """Open one of MLflow's stores on the workspace's database.

    To make its tables takes seconds, so a database with empty ones is kept in the cache, for the next workspace.
    """
    from mlflow.version import VERSION

    file = workspace.place.mlflow / "mlflow.db"
    kept = places.cache(os.environ).folder / "mlflow" / f"{VERSION}.db"
    is_new = not file.exists()
    if is_new and kept.exists():
        shutil.copyfile(kept, file)
    store = kind(f"sqlite:///{file}", *told)
    if is_new and not kept.exists():
        half = places.private(kept.parent) / f"{os.getpid()}.half"
        shutil.copyfile(file, half)
        half.replace(kept)
    return store


class Registry:
    """The models of a workspace, by full name."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._uc = Uc(workspace)
        self._lock = threading.RLock()
        self._sources: dict[tuple[str, str], str] = {}
        self._owners: dict[str, str] = {}
        self._made: Any = None
        workspace.shared[MODELS] = self.names
        workspace.shared[REMOVE] = self.delete_model

    @property
    def _is_used(self) -> bool:
        return (self._workspace.place.mlflow / "mlflow.db").exists()

    @property
    def _store(self) -> Any:
        with self._lock:
            if self._made is None:
                needed(*STORE)
                from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore

                self._made = open_store(SqlAlchemyStore, self._workspace)
            return self._made

    def names(self) -> list[str]:
        """The full names of all models; none where the registry isn't used."""
        if not self._is_used:
            return []
        return sorted(one.name for one in self._all(self._store.search_registered_models))

    def owner(self, name: str) -> str:
        """Who owns a model."""
        return self._owners.get(name, USER.name)

    def _require(self, privilege: str, name: str) -> None:
        """See that whoever calls owns the model, or has the privilege on its schema."""
        if self.owner(name) != PRINCIPAL.get():
            self._uc.require(privilege, "SCHEMA", *name.split(".")[:2])

    def _changed(self, name: str) -> Any:
        """A model that is to be changed: by its owner, or by who has MANAGE on its schema."""
        found = self.model(name)
        self._require("MANAGE", found.name)
        return found

    def checked(self, name: str) -> str:
        """A model's full name, as it is kept.

        Raises:
            ApiError: It has no three levels, or its catalog or schema isn't there.
        """
        parts = name.split(".")
        if len(parts) != _LEVELS or not all(parts):
            raise invalid(
                f"Invalid registered model name '{name}': it must specify all three levels of the Unity Catalog namespace, "
                "'<catalog_name>.<schema_name>.<model_name>'"
            )
        self._uc.schema(*parts[:2])
        return name.lower()

    def create_model(self, name: str, *, description: str, tags: Mapping[str, str], owner: str) -> Any:
        """Make a model.

        Raises:
            ApiError: It can't be had under this name.
        """
        from mlflow.entities.model_registry import RegisteredModelTag

        told = self.checked(name)
        self._uc.require("CREATE MODEL", "SCHEMA", *told.split(".")[:2])
        with self._lock:
            if told in self.names():
                raise ApiError(400, "RESOURCE_ALREADY_EXISTS", f"Routine or Model '{told}' already exists in that schema")
            made = [RegisteredModelTag(key, value) for key, value in tags.items()]  # type: ignore[no-untyped-call]  # MLflow's
            self._owners[told] = owner
            return self._store.create_registered_model(told, made, description or None)

    def model(self, name: str) -> Any:
        """A model.

        Raises:
            ApiError: There is none of this name.
        """
        told = self.checked(name)
        if told not in self.names():
            raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"Routine or Model '{told}' does not exist.")
        self._require("EXECUTE", told)
        return self._store.get_registered_model(told)

    def models(self) -> list[Any]:
        """All models, by name."""
        seen = [
            name
            for name in self.names()
            if self.owner(name) == PRINCIPAL.get() or self._uc.may("EXECUTE", "SCHEMA", *name.split(".")[:2])
        ]
        return [self._store.get_registered_model(name) for name in seen]

    def update_model(self, name: str, description: str) -> Any:
        """Give it another description."""
        return self._store.update_registered_model(self._changed(name).name, description)

    def delete_model(self, name: str) -> None:
        """Remove it, with all versions and their files."""
        found = self._changed(name)
        self._store.delete_registered_model(found.name)
        shutil.rmtree(self._folder(found.name), ignore_errors=True)

    def create_version(self, name: str, *, source: str, run_id: str, description: str, tags: Mapping[str, str]) -> Any:
        """Make a version of a model, which takes files until it is finalized."""
        from mlflow.entities.model_registry import ModelVersionTag

        told = self._changed(name).name
        made = [ModelVersionTag(key, value) for key, value in tags.items()]  # type: ignore[no-untyped-call]  # MLflow's
        with self._lock:
            # MLflow's own store would look for a source of the kind models:/… in itself.
            version = self._store.create_model_version(told, "dbfs:/Models", run_id or None, made, None, description or None)
            self._sources[told, str(version.version)] = source
            folder = self._folder(told, str(version.version))
            folder.mkdir(parents=True)
            open_versions(self._workspace).add(folder)
        return version

    def finalize(self, name: str, version: str) -> Any:
        """Have a version ready: its files stay as they are from now on.

        Raises:
            ApiError: They are no model, or one without a signature.
        """
        from mlflow.exceptions import MlflowException
        from mlflow.models import Model

        self._changed(name)
        found = self.version(name, version)
        folder = self._folder(found.name, str(found.version))
        try:
            signature = Model.load(str(folder)).signature
        except (MlflowException, OSError) as exc:
            raise invalid(f"Model version {name} {version} has no file MLmodel that can be read") from exc
        if signature is None or signature.outputs is None:
            raise invalid(
                "Model passed for registration did not contain any signature metadata, or its signature has no outputs. All "
                "models in the Unity Catalog must be logged with a model signature containing both input and output types."
            )
        open_versions(self._workspace).discard(folder)
        return found

    def version(self, name: str, version: str) -> Any:
        """A version of a model.

        Raises:
            ApiError: There is none.
        """
        from mlflow.exceptions import MlflowException

        told = self.model(name).name
        try:
            return self._store.get_model_version(told, version)
        except MlflowException as exc:
            raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"Model version '{told}' version {version} does not exist.") from exc

    def versions(self, name: str) -> list[Any]:
        """All versions of a model, the newest first."""
        told = self.model(name).name
        found = self._all(self._store.search_model_versions, f"name = '{told}'")
        return sorted(found, key=lambda one: int(one.version), reverse=True)

    def by_alias(self, name: str, alias: str) -> Any:
        """The version that an alias names.

        Raises:
            ApiError: There is no such alias.
        """
        found = self.model(name)
        if alias.lower() not in {one.lower() for one in found.aliases}:
            raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"Alias '{alias}' of model '{found.name}' does not exist.")
        return self._store.get_model_version_by_alias(found.name, alias)

    def set_alias(self, name: str, alias: str, version: str) -> None:
        """Have an alias name a version."""
        from mlflow.exceptions import MlflowException

        self._changed(name)
        found = self.version(name, version)
        try:
            self._store.set_registered_model_alias(found.name, alias, str(found.version))
        except MlflowException as exc:
            raise invalid(exc.message) from exc

    def delete_alias(self, name: str, alias: str) -> None:
        """Take an alias away; one that isn't there is no error."""
        self._store.delete_registered_model_alias(self._changed(name).name, alias)

    def update_version(self, name: str, version: str, description: str) -> Any:
        """Give a version another description."""
        self._changed(name)
        found = self.version(name, version)
        return self._store.update_model_version(found.name, str(found.version), description)

    def delete_version(self, name: str, version: str) -> None:
        """Remove a version and its files."""
        self._changed(name)
        found = self.version(name, version)
        self._store.delete_model_version(found.name, str(found.version))
        shutil.rmtree(self._folder(found.name, str(found.version)), ignore_errors=True)

    def tag(self, name: str, key: str, value: str | None, *, version: str | None = None) -> None:
        """Set a tag of a model or of a version; None takes it away."""
        from mlflow.entities.model_registry import ModelVersionTag, RegisteredModelTag

        told = self._changed(name).name
        if version is None:
            if value is None:
                self._store.delete_registered_model_tag(told, key)
            else:
                self._store.set_registered_model_tag(told, RegisteredModelTag(key, value))  # type: ignore[no-untyped-call]  # MLflow's
            return
        found = self.version(name, version)
        if value is None:
            self._store.delete_model_version_tag(found.name, str(found.version), key)
        else:
            self._store.set_model_version_tag(found.name, str(found.version), ModelVersionTag(key, value))  # type: ignore[no-untyped-call]  # as above

    def is_ready(self, version: Any) -> bool:
        """Whether a version was finalized."""
        return self._folder(version.name, str(version.version)) not in open_versions(self._workspace)

    def source(self, version: Any) -> str:
        """Where its files came from."""
        return self._sources.get((version.name, str(version.version)), "")

    def _folder(self, name: str, version: str = "") -> Path:
        folder = models_folder(self._workspace).joinpath(*name.split("."))
        return folder / version if version else folder

    def _all(self, search: Any, filter_string: str | None = None) -> Sequence[Any]:
        found: list[Any] = []
        token = None
        while True:
            page = search(filter_string=filter_string, max_results=1000, page_token=token)
            found += page
            token = page.token
            if not token:
                return found
