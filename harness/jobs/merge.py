"""Settings of a bundle put together: what all targets have, and what one changes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_KEYED = {"tasks": "task_key", "job_clusters": "job_cluster_key", "parameters": "name", "environments": "environment_key"}
"""Lists whose entries a target changes by their key."""


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with a target's changes: names one by one, entries of keyed lists by their key, other lists in a row."""
    made = dict(base)
    for name, value in changes.items():
        held = made.get(name)
        if isinstance(held, dict) and isinstance(value, dict):
            made[name] = merged(held, value)
        elif isinstance(held, list) and isinstance(value, list):
            made[name] = _merged_lists(held, value, _KEYED.get(name, ""))
        else:
            made[name] = value
    return made


def _merged_lists(held: list[Any], more: list[Any], key: str) -> list[Any]:
    if not key:
        return [*held, *more]
    made = list(held)
    for one in more:
        wanted = one.get(key) if isinstance(one, dict) else None
        at = next((n for n, old in enumerate(held) if isinstance(old, dict) and wanted and old.get(key) == wanted), None)
        if at is None:
            made.append(one)
        else:
            made[at] = merged(held[at], one)
    return made
