"""``databricks.connect`` as a runtime has it: ``DatabricksSession.builder.getOrCreate()`` gives the run's own session.

https://docs.databricks.com/dev-tools/databricks-connect/python/notebooks: in notebooks and jobs that call gives the default
session, one with connection parameters makes another, and ``create()`` without any is refused.
"""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from harness.execute.magics import UnsupportedError

_PACKAGE = "databricks.connect"


def install(spark: Any) -> None:
    """Have the module in this process, also in place of an installed one, which would sign in to a workspace from here."""

    class Builder:
        """Gives the session that there is."""

        def getOrCreate(self) -> Any:  # noqa: N802 -- Databricks' own name
            """Give it."""
            return spark

        def __getattr__(self, name: str) -> Any:
            if name.startswith("_"):
                raise AttributeError(name)
            raise UnsupportedError(
                f"DatabricksSession.builder.{name}: there is no other session here than the run's own, which "
                "DatabricksSession.builder.getOrCreate() gives"
            )

    class DatabricksSession:
        """The way to the session."""

        builder = Builder()

    for name in (_PACKAGE, f"{_PACKAGE}.session"):
        module = ModuleType(name)
        module.__spec__ = ModuleSpec(name, None)
        module.DatabricksSession = DatabricksSession  # type: ignore[attr-defined]  # a module made by hand
        sys.modules[name] = module
