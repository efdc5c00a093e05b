"""Databricks Asset Bundles: what a target in databricks.yml says of a workspace, so that it is written once.

The file's keys are those of https://docs.databricks.com/aws/en/dev-tools/bundles/settings.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from harness.errors import SettingsError
from harness.model import Location

BUNDLE = "databricks.yml"
NAMES = (BUNDLE, "databricks.yaml", "bundle.yml", "bundle.yaml")
"""What the file may be called."""


def target_of(folder: str, name: str) -> dict[str, Any]:
    """What the target of this name says, as keys of an environment: host, profile, workspace_root, compute.

    A value that holds a variable (``${var.…}``) is left out: only Databricks' own command line knows what it is.

    Raises:
        SettingsError: The file can't be read.
    """
    path = next((path for path in (Path(folder, one) for one in NAMES) if path.is_file()), None)
    if path is None:
        return {}
    target = _targets(path, path.stat().st_mtime_ns).get(name)
    if not isinstance(target, dict):
        return {}
    workspace = target.get("workspace")
    found = {key: workspace.get(key) for key in ("host", "profile")} if isinstance(workspace, dict) else {}
    for key in ("cluster_id", "compute_id"):
        if isinstance(target.get(key), str):
            found["compute"] = {"cluster_id": target[key]}
    return {key: value for key, value in found.items() if value and "${" not in str(value)}


@lru_cache(maxsize=16)
def _targets(path: Path, _changed: int) -> dict[str, Any]:
    try:
        import yaml  # type: ignore[import-untyped]  # its stubs are a package of their own
    except ModuleNotFoundError as exc:
        raise SettingsError(
            f"{path.name} can't be read",
            cause="pyyaml isn't installed; it comes with the extra remote",
            mend='python -m pip install "databricks-notebook-harness[remote]"',
            location=Location(str(path)),
        ) from exc
    try:
        read = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as exc:
        raise SettingsError(
            f"{path.name} can't be read",
            cause=str(exc).replace("\n", " "),
            mend="mend the file",
            location=Location(str(path)),
        ) from exc
    targets = read.get("targets") if isinstance(read, dict) else None
    return targets if isinstance(targets, dict) else {}
