"""What the targets of a bundle say of workspaces, so that hosts and compute are written once.

The file's keys are those of https://docs.databricks.com/aws/en/dev-tools/bundles/settings.
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from harness.errors import SettingsError
from harness.jobs import BUNDLE_FILES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.jobs.bundles import Bundle

_CLUSTER = ("cluster_id", "compute_id")
"""The cluster for everything of a target: its name now, and as it was."""


def targets_of(folder: str) -> tuple[str, ...]:
    """The targets of the bundle in a folder; none if there is no bundle.

    Raises:
        SettingsError: A file of it can't be read.
    """
    bundle = _bundle_in(folder)
    return tuple(str(name) for name in bundle.targets) if bundle is not None else ()


def target_of(folder: str, name: str, environ: Mapping[str, str]) -> dict[str, Any]:
    """What the target of this name says, as keys of an environment: host, profile, compute; and whether it is production.

    Variables are in their places as far as their values are known: defaults, the target's own, ``BUNDLE_VAR_…`` of ``environ``.

    Raises:
        SettingsError: A file of the bundle can't be read.
    """
    bundle = _bundle_in(folder)
    if bundle is None or name not in bundle.targets:
        return {}
    target = bundle.targets[name] if isinstance(bundle.targets[name], dict) else {}
    from harness.jobs.bundles import variables_in
    from harness.jobs.errors import JobVariableError
    from harness.jobs.merge import merged

    own = target.get("workspace")
    workspace = merged(bundle.workspace, own if isinstance(own, dict) else {})
    cluster = next((one for held in (target, bundle.about) for key in _CLUSTER if (one := held.get(key))), None)
    found = {"host": workspace.get("host"), "profile": workspace.get("profile"), "cluster_id": cluster}
    variables = variables_in(bundle, name, environ)
    told: dict[str, Any] = {}
    for key, value in found.items():
        if not value:
            continue
        try:
            known = variables.resolve(value)
        except JobVariableError:
            known = value  # who needs it is told, for it still holds the variable
        told |= {"compute": {"cluster_id": str(known)}} if key == "cluster_id" else {key: str(known)}
    return told | ({"protected": True} if target.get("mode") == "production" else {})


def _bundle_in(folder: str) -> Bundle | None:
    path = next((path for name in BUNDLE_FILES if os.path.isfile(path := os.path.join(folder, name))), None)
    if path is None:
        return None  # as in most projects, whose runs needn't pay for what reads one
    from harness.jobs.errors import JobError

    try:
        return _loaded(path, folder, os.stat(path).st_mtime_ns)
    except JobError as exc:
        raise SettingsError(
            f"{os.path.basename(path)} can't be read",
            cause=f"{exc.what}: {exc.cause}",
            mend=exc.mend,
            location=exc.location,
        ) from exc


@lru_cache(maxsize=16)
def _loaded(path: str, root: str, _changed: int) -> Bundle:
    from harness.jobs.bundles import load

    return load(path, root)
