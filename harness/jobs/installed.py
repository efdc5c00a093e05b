"""The packages that are installed in this environment, by their metadata; nothing of theirs is imported."""

from __future__ import annotations

import json
import os
import sys
from importlib import metadata
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlparse

if TYPE_CHECKING:
    from collections.abc import Sequence


def entries_of(package: str, name: str, *, folder: str = "") -> tuple[str, ...]:
    """The values of a package's entry points of that name; with a folder only if it is installed from there, as editable."""
    try:
        found = metadata.distribution(package)
    except (metadata.PackageNotFoundError, ValueError):
        return ()
    if folder and _origin(found) != os.path.realpath(folder):
        return ()
    return tuple(dict.fromkeys(one.value for one in found.entry_points if one.name == name))


def why_another(package: str, versions: Sequence[str]) -> str:
    """Why what is installed here isn't what a task asks for, by what it says of the version; "" where it is."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        here = metadata.version(package)
    except (metadata.PackageNotFoundError, ValueError):
        return "it isn't installed here"
    for version in filter(None, versions):
        try:
            is_it = SpecifierSet(version if version[:1] in "<>=!~" else f"=={version}").contains(here, prereleases=True)
        except InvalidSpecifier:
            is_it = False
        if not is_it:
            return f"the task asks for {version}, while {here} is installed here"
    return "" if versions else "which of its versions the task gets isn't known"


def file_of(module: str) -> str | None:
    """The file of an installed module, by its full name, None if it can't be told without importing."""
    top, *inner = module.split(".")
    spec = PathFinder.find_spec(top, sys.path)
    if spec is None:
        return None
    if not inner:
        return spec.origin if spec.origin and spec.origin.endswith(".py") else None
    for folder in spec.submodule_search_locations or ():
        base = os.path.join(folder, *inner)
        for path in (os.path.join(base, "__init__.py"), f"{base}.py"):
            if os.path.isfile(path):
                return path
    return None


def _origin(found: metadata.Distribution) -> str:
    """The folder that a package is installed from as editable; "" if it isn't."""
    try:
        told = json.loads(found.read_text("direct_url.json") or "{}")
    except ValueError:
        return ""
    is_editable = bool((told.get("dir_info") or {}).get("editable"))
    return os.path.realpath(unquote(urlparse(str(told.get("url") or "")).path)) if is_editable else ""
