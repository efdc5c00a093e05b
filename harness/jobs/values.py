"""What a bundle says of itself, by full names such as "var.catalog"; the last that says something counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from harness.jobs.merge import merged
from harness.jobs.resources import DEVELOPMENT, flat, resource_values
from harness.jobs.variables import FILES_BY_ROOT, ROOT, LookedUp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.jobs.bundles import Bundle

OVERRIDES = ".databricks/bundle/{target}/variable-overrides.json"
"""Where a user's own values of variables lie, from the bundle's folder."""

_DEFINITIONS = ({"default"}, {"lookup"})
_BESIDE = {"type", "description"}


class Values(NamedTuple):
    """What is known, and how a path in the folder of the bundle's files may begin, other than by that folder's own name."""

    values: dict[str, Any]
    files_by_root: str


def variables_of(bundle: Bundle, target: str, overrides: Mapping[str, Any], environ: Mapping[str, str]) -> Values:
    """What is known for a target; ``overrides`` are the user's own values of variables."""
    own = dict_of(bundle.targets.get(target))
    values: dict[str, Any] = {}
    for name, value in _assigned(bundle.variables, dict_of(own.get("variables")), overrides, environ).items():
        values |= flat(f"var.{name}", value)
    about = merged(bundle.about, dict_of(own.get("bundle")))
    its_git = merged(dict_of(about.get("git")), dict_of(own.get("git")))
    values |= {f"bundle.git.{name}": value for name, value in its_git.items() if isinstance(value, str)}
    if isinstance(about.get("name"), str):
        values["bundle.name"] = about["name"]
    if target:
        values |= {"bundle.target": target, "bundle.environment": target}
    workspace = merged(bundle.workspace, dict_of(own.get("workspace")))
    if isinstance(workspace.get("host"), str):
        values["workspace.host"] = workspace["host"]
    prefix = merged(bundle.presets, dict_of(own.get("presets"))).get("name_prefix")
    values |= resource_values(
        merged(bundle.resources, dict_of(own.get("resources"))),
        prefix=str(prefix or (DEVELOPMENT if own.get("mode") == "development" else "")),
        keeps_schemas=bundle.keeps_schemas,
    )
    files = str(workspace.get("file_path") or FILES_BY_ROOT).rstrip("/")
    return Values(values, files if files.startswith(ROOT) else "")


def _assigned(
    defined: Mapping[str, Any], of_target: Mapping[str, Any], overrides: Mapping[str, Any], environ: Mapping[str, str]
) -> dict[str, Any]:
    """The variables with their values: by default, of the target, of the user's file, of the environment."""
    made: dict[str, Any] = {}
    for source in (defined, of_target):
        for name, value in source.items():
            # A target may write the value alone, and this, too, may be of names with their values.
            is_whole = isinstance(value, dict) and (source is defined or set(value) - _BESIDE in _DEFINITIONS)
            found = value.get("default") if is_whole else value
            if is_whole and value.get("lookup") is not None:
                found = LookedUp(dict_of(value["lookup"]))
            if found is not None or name not in made:
                made[name] = LookedUp({}) if found is None else found
    for name, value in overrides.items():
        held = made.get(name)
        if name in defined and value is not None and not (isinstance(held, LookedUp) and held.what):
            made[name] = value
    return made | {name[11:]: value for name, value in environ.items() if name.startswith("BUNDLE_VAR_")}


def dict_of(value: Any) -> dict[str, Any]:
    """Names with their values, none where it is anything else."""
    return value if isinstance(value, dict) else {}
