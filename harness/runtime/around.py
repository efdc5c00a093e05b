"""The notebook whose cell runs the tests: its ``spark`` and ``dbutils``, and what tests get in their place."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.errors import DbutilsCallError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# Tracebacks in pytest show the user's lines, not these.
__tracebackhide__ = True

RUNTIME = "DATABRICKS_RUNTIME_VERSION"
"""The variable that each Databricks runtime sets."""

STANDS_FOR = "NBH_STANDS_FOR"
"""Beside it in a kernel of ours, with the same value: the runtime that this machine's Spark only stands for."""


@dataclass(frozen=True, slots=True)
class Around:
    """What a notebook finds around it. ``runtime`` is the Databricks Runtime's version, "" where it is none."""

    spark: Any
    dbutils: Any = None
    runtime: str = ""


def runtime_here() -> str:
    """The version of the Databricks Runtime that this process is part of; "" where it is none."""
    found = os.environ.get(RUNTIME, "")
    return "" if found == os.environ.get(STANDS_FOR) else found


def around_here() -> Around | None:
    """What the notebook has whose process this is; None where no notebook with a ``spark`` runs here."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None or not hasattr(shell.user_ns.get("spark"), "createDataFrame"):
        return None
    return Around(shell.user_ns["spark"], shell.user_ns.get("dbutils"), runtime_here())


class NotebooksDbutils:
    """The notebook's own ``dbutils``, without the calls that would end the tests' run.

    Widgets are the test's, and secrets pass through it (``ask``): its own come first, and its reports hide what it read.
    """

    def __init__(self, own: Any, *, ask: Callable[..., Any], widgets: Mapping[str, str] | None = None) -> None:
        from harness.runtime.dbutils import Widgets
        from harness.runtime.secrets import Secrets

        self._own = own
        self.secrets = Secrets(ask)
        self.widgets = Widgets(widgets)
        self.notebook = _Guarded(own, "notebook", "exit")
        self.library = _Guarded(own, "library", "restartPython")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)  # Python's own protocols ask every object for such names
        return getattr(self._own, name)


class NotebooksSecrets:
    """The secrets that the notebook's own ``dbutils`` gives, which a test's own stand before; its errors are its own."""

    name = "what this notebook sees"

    def __init__(self, own: Any) -> None:
        self._own = own

    def get(self, scope: str, key: str) -> bytes:
        """Give a secret's value."""
        return bytes(self._own.secrets.getBytes(scope, key))

    def keys(self, scope: str) -> list[str] | None:
        """The keys of a scope; None if there is no such scope."""
        return [one.key for one in self._own.secrets.list(scope)] if scope in self.scopes() else None

    def scopes(self) -> list[str]:
        """The scopes that can be seen."""
        return [one.name for one in self._own.secrets.listScopes()]


class _Guarded:
    """A part of the notebook's own ``dbutils`` but for one call."""

    def __init__(self, own: Any, part: str, refused: str) -> None:
        self._own, self._part, self._refused = own, part, refused

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name == self._refused:
            raise DbutilsCallError(
                f"dbutils.{self._part}.{name} is not served in a test that a notebook runs",
                cause="it would end the notebook, tests that failed included, and nobody would see them",
                mend="keep it out of what is tested, or give the test its own: "
                f"monkeypatch.setattr(dbutils.{self._part}, {name!r}, …, raising=False)",
            )
        return getattr(getattr(self._own, self._part), name)
