"""What a job may ask of the bundle's other resources: ``${resources.schemas.sales.name}``, as far as the bundle itself says it.

What a resource gets only by being deployed, such as the id of a job, isn't among it.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

DEVELOPMENT = "[dev ${workspace.current_user.short_name}] "
"""What a target in development mode puts before names, where it says nothing else."""

_AS_IT_IS = {
    "jobs": "name",
    "pipelines": "name",
    "models": "name",
    "sql_warehouses": "name",
    "clusters": "cluster_name",
    "instance_pools": "instance_pool_name",
    "dashboards": "display_name",
    "alerts": "display_name",
    "genie_spaces": "title",
}
_AS_A_NAME = {"model_serving_endpoints": "name", "registered_models": "name", "schemas": "name"}
_LAST_PART = {"experiments": "name"}

_MADE = {
    ("schemas", "id"): "{catalog_name}.{name}",
    ("registered_models", "id"): "{catalog_name}.{schema_name}.{name}",
    ("volumes", "id"): "{catalog_name}.{schema_name}.{name}",
    ("volumes", "volume_path"): "/Volumes/{catalog_name}/{schema_name}/{name}",
}
"""What follows from other fields: in Unity Catalog the full name is the id."""


@dataclass(frozen=True, slots=True)
class Prefixed:
    """A name that a target puts something before; both may hold variables. ``put`` makes one of the two."""

    prefix: str
    name: Any
    put: Callable[[str, str], str]


def resource_values(resources: Mapping[str, Any], *, prefix: str, keeps_schemas: bool = False) -> dict[str, Any]:
    """The fields of a bundle's resources by their full names, ``resources.schemas.sales.name``, with variables in them.

    Args:
        resources: What stands under ``resources``: settings by kind and key.
        prefix: What the target puts before names, with variables in it.
        keeps_schemas: Whether names of schemas stay without it.
    """
    found: dict[str, Any] = {}
    for kind, of_kind in resources.items():
        for key, settings in of_kind.items() if isinstance(of_kind, dict) else ():
            if not isinstance(settings, dict):
                continue
            here = f"resources.{kind}.{key}"
            found |= dict(flat(here, settings))
            for (made_of, field), pattern in _MADE.items():
                needed = re.findall(r"{(\w+)}", pattern)
                if made_of == kind and all(name in settings for name in needed):
                    found[f"{here}.{field}"] = pattern.format(**{name: f"${{{here}.{name}}}" for name in needed})
            field, put = _put_before(kind)
            if prefix and field in settings and not (kind == "schemas" and keeps_schemas):
                found[f"{here}.{field}"] = Prefixed(prefix, settings[field], put)
    return found


def flat(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """A value by its name, and all that is in it by theirs: ``name.key`` and ``name[0]``."""
    yield name, value
    if isinstance(value, dict):
        for key, held in value.items():
            yield from flat(f"{name}.{key}", held)
    elif isinstance(value, list):
        for number, held in enumerate(value):
            yield from flat(f"{name}[{number}]", held)


def _put_before(kind: str) -> tuple[str, Callable[[str, str], str]]:
    if kind in _LAST_PART:
        return _LAST_PART[kind], _before_last_part
    if kind in _AS_A_NAME:
        return _AS_A_NAME[kind], lambda prefix, name: as_a_name(prefix) + name
    return _AS_IT_IS.get(kind, ""), lambda prefix, name: prefix + name


def _before_last_part(prefix: str, path: str) -> str:
    """An experiment's name is a path in the workspace."""
    folder, name = posixpath.split(path)
    return posixpath.join(folder, prefix + name)


def as_a_name(prefix: str) -> str:
    """A prefix where only letters, digits and _ may stand: "[dev ann] " is "dev_ann_" there, as the command line makes it."""
    bare = prefix.replace("[", "").strip(" ")
    name = re.sub("_+", "_", re.sub(r"[\W_]", "_", bare.lower())).strip("_")
    return name + "_" if bare.endswith("]") else name
