"""The packages that go along with tests to a cluster: the harness, pytest, the plugins that are loaded here, and their needs.

They are taken as they are installed in this Python, so nothing is asked of an index, here or there, and a report that is
written there is read here by the same pytest. Nothing is installed on the cluster either: a zip with their files is unpacked
into a folder of the job's own.
"""

# A package's files may be ten thousand, and their paths are texts of `importlib.metadata`.
# ruff: noqa: PTH100, PTH113, PTH118, PTH120

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING

from harness.remote.errors import TravelError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

OURS = "databricks-notebook-harness"
FIRST = frozenset({OURS, "pytest", "pluggy", "iniconfig"})
"""What has to be of the same version there as here; of all else a runtime's own comes first."""
_RUNTIMES = frozenset(
    {"pyspark", "pyspark-client", "databricks-connect", "delta-spark", "mlflow", "mlflow-skinny", "numpy", "pandas", "pyarrow"}
)
"""What a runtime has of its own, and what only fits it."""
_COMPILED_TOO = frozenset({"coverage"})
"""What works without its compiled part."""
_LEFT_OUT = ("__pycache__",)
_JARS = (".jar",)


@dataclass(frozen=True, slots=True)
class Package:
    """One package: its files by their paths below a folder of packages, and whether it stands before the runtime's own."""

    name: str
    version: str
    is_first: bool
    files: Mapping[str, str]


def packages_along(plugins: Iterable[str], *, more: Iterable[str] = ()) -> tuple[Package, ...]:
    """The packages that go along, sorted by name.

    Args:
        plugins: The names of the distributions whose pytest plugins are loaded.
        more: Further ones.

    Raises:
        TravelError: One isn't installed in a form that can be taken.
    """
    found: dict[str, metadata.Distribution] = {}
    waiting = [OURS, *plugins, *more]
    while waiting:
        name = _plain(waiting.pop())
        if name in found or name in _RUNTIMES:
            continue
        distribution = _distribution(name)
        if distribution is None or not _is_fit(name, distribution):
            continue
        found[name] = distribution
        waiting.extend(_needs(distribution))
    return tuple(_package(name, found[name]) for name in sorted(found))


def _distribution(name: str) -> metadata.Distribution | None:
    """A distribution; None for a need that isn't here, which nothing that runs here can have needed."""
    # A folder of sources on the path has facts about itself too, without the list of what is installed.
    found = sorted(metadata.distributions(name=name), key=lambda one: one.read_text("WHEEL") is None)
    if not found and name in FIRST:
        raise TravelError(
            f"{name} can't go along", cause="it isn't installed in this Python as a package", mend=f"pip install {name}"
        )
    return found[0] if found else None


def _is_fit(name: str, distribution: metadata.Distribution) -> bool:
    """Whether it can run on another machine: not if it was compiled for this one, or lies in a folder where it is edited."""
    if name == OURS or name in _COMPILED_TOO:
        return True
    is_edited = '"editable": true' in (distribution.read_text("direct_url.json") or "")
    return not is_edited and "Root-Is-Purelib: false" not in (distribution.read_text("WHEEL") or "")


def _needs(distribution: metadata.Distribution) -> Iterator[str]:
    from packaging.requirements import InvalidRequirement, Requirement

    for line in distribution.requires or ():
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield requirement.name


def _package(name: str, distribution: metadata.Distribution) -> Package:
    files = _of_harness(distribution) if name == OURS else dict(_listed(distribution))
    if not files:
        raise TravelError(
            f"{name} can't go along",
            cause=f"{distribution.version} is installed without the list of its files",
            mend=f"python -m pip install --force-reinstall --no-deps {name}",
        )
    return Package(name, distribution.version, name in FIRST, files)


def _listed(distribution: metadata.Distribution) -> Iterator[tuple[str, str]]:
    """A package's files as its own list has them; scripts, which lie outside the folder of packages, stay here."""
    for file in distribution.files or ():
        path = file.as_posix()
        if path.startswith("../") or path.endswith((".pyc", ".pth", *_JARS)):
            continue
        place = str(distribution.locate_file(file))
        if os.path.isfile(place):
            yield path, place


def _of_harness(distribution: metadata.Distribution) -> dict[str, str]:
    """The harness as it is imported here: one that is installed to be edited lists none of its files."""
    top = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    fixtures = sys.modules.get("harness.fixtures")
    folders = {"harness": top}
    if fixtures is not None and fixtures.__file__ and not os.path.abspath(fixtures.__file__).startswith(top + os.sep):
        folders["harness/fixtures"] = os.path.dirname(os.path.abspath(fixtures.__file__))
    found = {}
    for target, folder in folders.items():
        for inner, names, files in os.walk(folder):
            names[:] = [one for one in names if one not in _LEFT_OUT]
            below = os.path.relpath(inner, folder).replace(os.sep, "/")
            for file in files:
                if not file.endswith((".pyc", *_JARS)):
                    path = f"{target}/{file}" if below == "." else f"{target}/{below}/{file}"
                    found[path] = os.path.join(inner, file)
    listed = {path: place for path, place in _listed(distribution) if ".dist-info/" in path}
    return {**found, **listed} if listed else {}  # by these pytest knows it for a plugin


def _plain(name: str) -> str:
    """A name as packages' names are compared."""
    return "-".join(part for part in name.lower().replace("_", "-").replace(".", "-").split("-") if part)
