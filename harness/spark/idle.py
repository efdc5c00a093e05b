"""How long the engine waits for work before it ends; known without what starts one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.settings import Settings

IDLE = "NBH_SPARK_IDLE_MINUTES"
"""The variable that says in place of the settings how long an engine waits; 0 ends it with the run."""


def idle_s(settings: Settings, env: Mapping[str, str]) -> int:
    """How long the engine is kept when nobody uses it; 0 where nothing is to be left after the run, as in CI.

    Raises:
        SettingsError: The variable holds no number.
    """
    told = env.get(IDLE, "")
    if told:
        if not told.isdigit():
            raise SettingsError(f"{IDLE} is {told!r}", cause="it is a whole number of minutes", mend=f"set {IDLE}=30")
        return int(told) * 60
    return 0 if is_ci(env) else settings.spark_idle_minutes * 60


def is_ci(env: Mapping[str, str]) -> bool:
    """Whether this is a build, whose machine somebody else may get: by ``CI``, and where that isn't there by ``TF_BUILD``.

    Azure Pipelines has only that (https://learn.microsoft.com/azure/devops/pipelines/build/variables).
    """
    return env.get("CI", env.get("TF_BUILD", "")).lower() not in {"", "0", "false"}
