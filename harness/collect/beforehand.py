"""The rehearsal for conftest files that ask the workspace as pytest begins, before any test does.

That of a project which Databricks' command line has made opens a session of databricks-connect in its ``pytest_configure``
(https://github.com/databricks/bundle-examples, default_python).
"""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

import pytest

from harness.collect.remote import rehearse, settle
from harness.environments import REHEARSAL
from harness.errors import HarnessError

_HOOKS = ("pytest_configure", "pytest_sessionstart")


class Beforehand:
    """Has the rehearsal up, and the process's clients signed in to it, before the hooks of such files are called."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Start it only for them: other runs start it when a test asks.

        Raises:
            pytest.UsageError: It can't be had.
        """
        environment = settle(config)
        if environment.name != REHEARSAL or not any(map(_asks, config.pluginmanager.get_plugins())):
            return
        try:
            rehearse(config, environment, partial(_tell, config))
        except HarnessError as exc:
            raise pytest.UsageError(str(exc)) from exc


def _tell(config: pytest.Config, line: str) -> None:
    """Say how far it is; pytest has no terminal yet, and xdist's workers none at all."""
    capture: Any = config.pluginmanager.get_plugin("capturemanager")
    if hasattr(config, "workerinput") or config.option.verbose < 0 or capture is None:
        return
    with capture.global_and_fixture_disabled():
        sys.stderr.write(f"{line}\n")


def _asks(plugin: object) -> bool:
    """Whether it is a conftest file that has hooks of pytest's beginning, and clients of Databricks'."""
    names = getattr(plugin, "__dict__", {})
    if not str(names.get("__file__", "")).endswith("conftest.py") or not any(hook in names for hook in _HOOKS):
        return False
    return any(str(getattr(value, "__module__", "")).startswith("databricks.") for value in names.values())
