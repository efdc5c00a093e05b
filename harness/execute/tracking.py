"""MLflow in a notebook that is run whole: runs and models go to a store of the test's own, which has Unity Catalog's rules.

A notebook that names Databricks' store (``databricks``, ``databricks-uc``) gets this one: there is no workspace here.
"""

from __future__ import annotations

import functools
import importlib
import importlib.abc
import importlib.machinery
import logging
import os
import sqlite3
import sys
from collections.abc import Callable  # noqa: TC003 -- a dataclass's field
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from harness.execute.magics import UnsupportedError
from harness.spark import places

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from pathlib import Path
    from types import ModuleType

SCHEME = "nbh-unity"


@dataclass(slots=True)
class _Given:
    """What the running notebook's MLflow is given; with the warm parent it was imported before there was one."""

    store: str = ""
    has_schema: Callable[[str], bool] = lambda _name: True
    session: Callable[[], Any] = lambda: None


_given = _Given()

_TRACKING, _REGISTRY = "mlflow.tracking._tracking_service.utils", "mlflow.tracking._model_registry.utils"
_DATABASES, _SIGNS_IN = "mlflow.store.db.utils", "mlflow.utils.databricks_utils"
_SCORERS = "mlflow.genai.scorers.base"


def serve_mlflow(folder: str, *, has_schema: Callable[[str], bool], session: Callable[[], Any]) -> None:
    """Have MLflow, once it is imported, keep all in a folder; ``has_schema`` tells whether ``catalog.schema`` is there.

    ``session`` gives Spark's, whose catalog and schema complete short names.
    """
    _given.store, _given.has_schema, _given.session = f"sqlite:///{folder}/mlflow.db", has_schema, session
    os.makedirs(folder, exist_ok=True)
    os.environ["MLFLOW_TRACKING_URI"] = _given.store
    os.environ["MLFLOW_REGISTRY_URI"] = "databricks-uc"
    # The artifacts' folder, for MLflow's own would be below the working folder, which goes with the run.
    os.environ["_MLFLOW_SERVER_ARTIFACT_ROOT"] = f"file://{folder}/artifacts"
    change_mlflow()
    if _SIGNS_IN in sys.modules:  # as it is imported in a notebook it takes the notebook's dbutils, to sign in by them
        importlib.reload(sys.modules[_SIGNS_IN])


def change_mlflow() -> None:
    """Have MLflow's modules be changed as they are imported, and tell its makers nothing of tests."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    if not any(isinstance(finder, _After) for finder in sys.meta_path):
        sys.meta_path.insert(0, _After())


class _After(importlib.abc.MetaPathFinder):
    """Changes a module right after it was imported."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Give the module's own spec, with the change after it."""
        if name not in _CHANGES:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is None or spec.loader is None:
            return spec
        loader: Any = spec.loader
        run, change = loader.exec_module, _CHANGES[name]

        def run_and_change(module: ModuleType) -> None:
            run(module)
            change(module)

        loader.exec_module = run_and_change
        return spec


def keep_tables(module: Any) -> None:
    """Copy the empty tables of a store from the user's cache: MLflow makes them by fifty changes, one after the other."""
    make = module._initialize_tables  # noqa: SLF001 -- there is no public way

    def begin(engine: Any) -> None:
        if str(engine.url) != _given.store:  # the notebook's own
            make(engine)
            return
        kept = places.cache(os.environ).folder / f"mlflow-{sys.modules['mlflow'].__version__}.sqlite"
        logging.getLogger(_DATABASES).setLevel(logging.WARNING)  # of tables that no notebook on Databricks makes
        if kept.exists():
            with suppress(sqlite3.Error):  # it is broken
                _copy(kept, engine.url.database)
                return
        make(engine)
        with suppress(OSError, sqlite3.Error):
            part = kept.with_suffix(f".{os.getpid()}")  # two may begin at once
            _copy(engine.url.database, part)
            part.replace(kept)

    module._initialize_tables = begin  # noqa: SLF001 -- as above


def _copy(source: str | Path, target: str | Path) -> None:
    with closing(sqlite3.connect(source)) as read, closing(sqlite3.connect(target)) as written:
        read.backup(written)


def _track(module: Any) -> None:
    # MLflow has a way to add a store for a scheme, and none to say that a name means another.
    asked, told = module._resolve_tracking_uri, module.get_tracking_uri  # noqa: SLF001 -- see above
    module._resolve_tracking_uri = lambda uri=None: _unless_databricks(asked(uri), _given.store)  # noqa: SLF001
    module.get_tracking_uri = lambda: _unless_databricks(told(), _given.store)


def _register(module: Any) -> None:
    asked = module._resolve_registry_uri  # noqa: SLF001 -- as above
    module._resolve_registry_uri = lambda *uris, **named: _unless_databricks(  # noqa: SLF001
        asked(*uris, **named), f"{SCHEME}:{_given.store}"
    )
    module._get_store_registry().register(SCHEME, lambda store_uri, **_: _store(store_uri))  # noqa: SLF001


def _refuse_scorers(module: Any) -> None:
    """Have no scorer registered: what watches an experiment is Databricks' own, and MLflow's answer here is another one."""

    def refuse(_scorer: object, *_: Any, **__: Any) -> NoReturn:
        raise UnsupportedError(
            "a scorer is registered, and watches an experiment, on Databricks only; mlflow.genai.evaluate takes it as it is"
        )

    for name in ("register", "start", "update", "stop"):
        if hasattr(module.Scorer, name):
            setattr(module.Scorer, name, refuse)


_CHANGES: dict[str, Callable[[Any], None]] = {
    _DATABASES: keep_tables,
    _TRACKING: _track,
    _REGISTRY: _register,
    _SCORERS: _refuse_scorers,
}


def _unless_databricks(uri: str | None, ours: str) -> str | None:
    return ours if uri is not None and uri.partition(":")[0] in ("databricks", "databricks-uc") else uri


_OF_A_MODEL = (
    *("create_registered_model", "get_registered_model", "update_registered_model", "rename_registered_model"),
    *("delete_registered_model", "set_registered_model_tag", "delete_registered_model_tag"),
    *("set_registered_model_alias", "delete_registered_model_alias", "get_model_version_by_alias"),
    *("create_model_version", "get_model_version", "update_model_version", "delete_model_version"),
    *("set_model_version_tag", "delete_model_version_tag", "get_model_version_download_uri"),
)
"""What a store does for the model whose name is given first."""


def _by_full_name(call: Callable[..., Any]) -> Callable[..., Any]:
    """The call, with a short name completed by the session's catalog and schema, as MLflow does for Unity Catalog."""
    from mlflow.utils._unity_catalog_utils import get_full_name_from_sc

    @functools.wraps(call)
    def named(store: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        return call(store, get_full_name_from_sc(name, _given.session()) if name else name, *args, **kwargs)

    return named


def _store(uri: str) -> Any:
    from mlflow.exceptions import MlflowException
    from mlflow.models import Model
    from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore

    class UnityStore(SqlAlchemyStore):
        """MLflow's own store on this machine, strict where Unity Catalog is."""

        def create_registered_model(self, name: str, *args: Any, **kwargs: Any) -> Any:
            """Make a model, in a schema that is there."""
            parts = name.split(".")
            if len(parts) != len(("catalog", "schema", "model")) or not all(parts):
                raise MlflowException(f"a model in Unity Catalog is named catalog.schema.model; {name!r} isn't")
            if not _given.has_schema(".".join(parts[:2])):
                raise MlflowException(f"there is no schema {'.'.join(parts[:2])} for the model {name}")
            return super().create_registered_model(name, *args, **kwargs)  # type: ignore[no-untyped-call]  # MLflow's

        def create_model_version(self, name: str, source: str, *args: Any, **kwargs: Any) -> Any:
            """Make a version of a model that says what goes in and comes out."""
            if Model.load(source).signature is None:
                raise MlflowException(f"a model in Unity Catalog needs a signature, and this version of {name} has none")
            return super().create_model_version(name, source, *args, **kwargs)

        def get_latest_versions(self, name: str, *_: Any, **__: Any) -> Any:
            """Refuse: ``models:/name/latest`` and ``models:/name/Production`` ask for these."""
            raise MlflowException(f"models in Unity Catalog have no stages and no latest version: load {name} by an alias")

        def get_registered_model(self, name: str) -> Any:
            """Give it as Unity Catalog does, which tells no latest versions with it."""
            model = super().get_registered_model(name)  # type: ignore[no-untyped-call]  # MLflow's
            model.latest_versions = None
            return model

        def transition_model_version_stage(self, name: str, *_: Any, **__: Any) -> Any:
            """Refuse."""
            raise MlflowException(f"models in Unity Catalog have no stages, and {name} is one: give it an alias")

    for method in _OF_A_MODEL:
        setattr(UnityStore, method, _by_full_name(getattr(UnityStore, method)))
    return UnityStore(uri.removeprefix(f"{SCHEME}:"))  # type: ignore[no-untyped-call]  # MLflow's
