"""Modules that Databricks has and a test environment hasn't: ``databricks.sdk.runtime`` and ``pyspark.dbutils``."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

RUNTIME, DBUTILS = "databricks.sdk.runtime", "pyspark.dbutils"

NAMES = ("dbutils", "display", "displayHTML", "getArgument", "sc", "spark", "sql", "sqlContext", "table", "udf")
"""What ``databricks.sdk.runtime`` holds on Databricks."""


class _Runtime(ModuleType):
    """The names as they are when they are asked for."""

    # With databricks-sdk installed, its sign-in asks for these, and takes None for "not there".
    init_runtime_native_auth = init_runtime_native_unified = init_runtime_repl_auth = init_runtime_legacy_auth = None

    def __init__(self, give: Callable[[str], Any], names: tuple[str, ...]) -> None:
        super().__init__(RUNTIME, "The names that a Databricks notebook finds around it.")
        self.__spec__ = ModuleSpec(RUNTIME, None)
        self.__all__ = list(names)
        vars(self)["_give"] = give

    def __getattr__(self, name: str) -> Any:
        if name not in self.__all__:
            raise AttributeError(f"module {RUNTIME!r} has no attribute {name!r}")
        return vars(self)["_give"](name)


class Late:
    """A name of the running test's, for modules that are imported before any test runs: looked up anew at each use."""

    def __init__(self, name: str, find: Callable[[str], Any]) -> None:
        vars(self).update(_name=name, _find=find)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(vars(self)["_find"](vars(self)["_name"]), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(vars(self)["_find"](vars(self)["_name"]), name, value)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it."""
        return vars(self)["_find"](vars(self)["_name"])(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<{vars(self)['_name']} of the running test>"


def install(names: Mapping[str, Any], *, sign_in: Callable[[], object] | None = None) -> None:
    """Have both modules in this process, with a run's own objects; ``sign_in`` is asked by databricks-sdk."""
    runtime, _ = put(names.__getitem__, tuple(name for name in NAMES if name in names))
    runtime.init_runtime_native_auth = sign_in  # type: ignore[attr-defined]  # a module made by hand


def put(give: Callable[[str], Any], names: tuple[str, ...] = NAMES) -> list[ModuleType]:
    """Have both modules in this process; ``give`` gives a name its object. No package has to be installed for them."""

    class DBUtils:
        """``DBUtils(spark)`` gives ``dbutils``."""

        def __new__(cls, spark: Any = None) -> Any:  # noqa: ARG004 -- the real one's signature
            return give("dbutils")

    runtime, dbutils = _Runtime(give, names), ModuleType(DBUTILS)
    dbutils.__spec__ = ModuleSpec(DBUTILS, None)
    dbutils.DBUtils = DBUtils  # type: ignore[attr-defined]  # a module made by hand
    sys.modules[RUNTIME], sys.modules[DBUTILS] = runtime, dbutils
    return [runtime, dbutils]


def take_away(made: list[ModuleType]) -> None:
    """Undo ``put``."""
    for module in made:
        if sys.modules.get(module.__name__) is module:
            del sys.modules[module.__name__]
