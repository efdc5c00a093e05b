"""The packages that a task asks for: wheels of the workspace, into a folder of the run's own, and what is installed here."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.requirements import InvalidRequirement, Requirement

from harness.rehearsal.answers import ApiError
from harness.rehearsal.notebooks import tree_of
from harness.runtime.files import Files

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.rehearsal.workspace import Workspace

_TIMEOUT_S = 120


class InstallError(Exception):
    """A package can't be had; the text says which and why."""


def wanted_by(task: Mapping[str, Any], settings: Mapping[str, Any]) -> list[str]:
    """What a task asks for: paths of wheels, and requirements.

    Raises:
        ApiError: It asks for what the rehearsal doesn't install.
    """
    found = []
    for library in task.get("libraries") or ():
        pypi = library.get("pypi") or {}
        if library.get("whl"):
            found.append(str(library["whl"]))
        elif pypi.get("package") and not pypi.get("repo"):
            found.append(str(pypi["package"]))
        else:
            raise _unserved(f"libraries of the kind {', '.join(library)}")
    for environment in settings.get("environments") or ():
        if environment.get("environment_key") == task.get("environment_key"):
            found += [str(one) for one in (environment.get("spec") or {}).get("dependencies") or ()]
    for one in found:
        if not _is_wheel(one):
            try:
                Requirement(one)
            except InvalidRequirement as exc:
                raise _unserved(f"the dependency {one!r}") from exc
    return found


def install(workspace: Workspace, wanted: Sequence[str], folder: Path) -> None:
    """Put wheels into a folder; a requirement is looked for among what is installed here.

    Raises:
        InstallError: One isn't there.
    """
    wheels = []
    for one in wanted:
        if _is_wheel(one):
            wheels.append(str(_found(workspace, one)))
        elif not _is_here(Requirement(one)):
            raise InstallError(f"{one}: the rehearsal installs nothing from an index, and this isn't in its own environment")
    if not wheels:
        return
    command = [
        sys.executable,
        "-P",
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--target",
        str(folder),
        *wheels,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)  # noqa: S603 -- our own
    if done.returncode:
        raise InstallError(f"{', '.join(wanted)}: {done.stderr.strip()[-500:]}")


def _is_wheel(text: str) -> bool:
    return text.endswith(".whl")


def _found(workspace: Workspace, path: str) -> Path:
    plain = path.removeprefix("file:").removeprefix("dbfs:")
    try:
        if plain.startswith("/Workspace/"):
            tree = tree_of(workspace)
            return tree.on_disk(tree.find(plain))
        inside = plain if plain.startswith("/Volumes/") else f"/dbfs{plain.removeprefix('/dbfs')}"
        place = Files(str(workspace.files)).as_file(inside)
    except (OSError, ApiError) as exc:
        raise InstallError(f"{path}: there is no such file") from exc
    if place is None or not Path(place.real).is_file():
        raise InstallError(f"{path}: there is no such file")
    return Path(place.real)


def _is_here(requirement: Requirement) -> bool:
    try:
        return requirement.specifier.contains(metadata.version(requirement.name), prereleases=True)
    except metadata.PackageNotFoundError:
        return False


def _unserved(what: str) -> ApiError:
    return ApiError(501, "NOT_IMPLEMENTED", f"The rehearsal does not install {what}; it installs wheels of the workspace.")
