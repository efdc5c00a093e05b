"""What a task asks to be installed for it: which of that are wheels of the project, and what may hold a package."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from harness.jobs.errors import JobVariableError
from harness.jobs.packages import folder_above, normal
from harness.jobs.written import Written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_ELSEWHERE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/|/")
_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\]\s*)?([^;]*)")
_NO_PYTHON = frozenset({"jar", "maven", "cran"})


@dataclass(frozen=True, slots=True)
class Asked:
    """One thing that a task asks for, as it is written; ``folder`` is that of the project whose wheel it is, "" if of none.

    Of a requirement and of a wheel by its whole name ``package`` is the package's, else "": then it may hold any.
    """

    text: str
    folder: str = ""
    package: str = ""

    @property
    def version(self) -> str:
        """What it says of the version: "1.2" of a wheel, "==1.2" of a requirement, or nothing."""
        if self.text.endswith(".whl"):
            name = _file(self.text).split("-")
            return name[1] if self.package and len(name) > 2 else ""  # noqa: PLR2004 -- name-version-tags
        found = _REQUIREMENT.match(self.text)
        return found[2].strip() if found is not None and self.package else ""

    def may_hold(self, package: str) -> bool:
        """Whether the package may come with it."""
        if self.package or not self.text.endswith(".whl"):
            return not self.package or normal(self.package) == normal(package)
        own, dash, _ = _file(self.text).lower().partition("-")
        name = normal(package).replace("-", "_")
        return fnmatchcase(name if dash else f"{name}-0-py3-none-any.whl", own)


def asked_of(
    task: Mapping[str, Any], settings: Mapping[str, Any], resolve: Callable[[Any], Any], *, file: str, root: str
) -> tuple[Asked, ...]:
    """What a task's libraries and its environment ask for; what has a variable that nobody knows may hold anything."""
    found = []
    for text in (*_of_libraries(task.get("libraries")), *_of_environment(task.get("environment_key"), settings, resolve)):
        try:
            known = resolve(text)
        except JobVariableError:
            known = ""
        found.append(_asked(known, file, root) if isinstance(known, str) and known else Asked(""))
    return tuple(found)


def brings_its_own(task: Mapping[str, Any], settings: Mapping[str, Any]) -> bool:
    """Whether nothing is installed where it runs but what it asks for: neither by a cluster that is there nor by a policy."""
    spec = task.get("new_cluster")
    shared = task.get("job_cluster_key")
    if shared is not None:
        clusters = [one for one in settings.get("job_clusters") or () if isinstance(one, dict)]
        spec = next((one.get("new_cluster") for one in clusters if one.get("job_cluster_key") == shared), None)
    return not task.get("existing_cluster_id") and not (isinstance(spec, dict) and spec.get("policy_id"))


def _of_libraries(libraries: Any) -> Iterator[Any]:
    for one in libraries if isinstance(libraries, list) else ():
        for kind, value in one.items() if isinstance(one, dict) else [("", "")]:
            if kind not in _NO_PYTHON:
                yield value.get("package") if kind == "pypi" and isinstance(value, dict) else value


def _of_environment(key: Any, settings: Mapping[str, Any], resolve: Callable[[Any], Any]) -> Iterator[Any]:
    environments = settings.get("environments")
    for one in environments if key is not None and isinstance(environments, list) else ():
        try:
            is_it = isinstance(one, dict) and resolve(one.get("environment_key")) == resolve(key)
        except JobVariableError:
            is_it = True
        if is_it:
            spec = one.get("spec")
            yield from (spec.get("dependencies") or ()) if isinstance(spec, dict) else ()


def _asked(text: str, file: str, root: str) -> Asked:
    if text.endswith(".whl"):
        name = _file(text)
        package = "" if _is_pattern(name.partition("-")[0]) or "-" not in name else name.partition("-")[0]
        beside = os.path.dirname(text.beside if isinstance(text, Written) else file)
        is_elsewhere = _ELSEWHERE.match(text) or _is_pattern(text.removesuffix(name))  # or in whichever folders
        local = "" if is_elsewhere else os.path.dirname(os.path.normpath(os.path.join(beside, text)))
        return Asked(str(text), (folder_above(local, root) or "") if local else "", package)
    found = _REQUIREMENT.match(text)
    is_file = text.startswith(("-", ".", "/")) or text.endswith(".txt") or "://" in text or found is None
    return Asked(str(text)) if is_file or found is None else Asked(str(text), package=found[1])


def _file(text: str) -> str:
    return text.replace("\\", "/").rpartition("/")[2]


def _is_pattern(name: str) -> bool:
    return any(sign in name for sign in "*?[")
