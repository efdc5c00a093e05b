"""What a ``python_wheel_task`` may be asked to be, and whether what it is to call was installed for it.

A workspace finds the package by the metadata of what is installed where the task runs. Here that is what the task itself asks
for: the rehearsal's own environment may have the project installed, which a workspace hasn't.
"""

from __future__ import annotations

import ast
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from harness.jobs.installed import file_of
from harness.rehearsal.answers import ApiError, invalid

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


def texts_of(own: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What such a task is given, by name: its named parameters, and the others by their numbers.

    Raises:
        ApiError: It has both, or they are of another shape.
    """
    named, given = own.get("named_parameters") or {}, own.get("parameters") or []
    for name, value, kind, what in (("named_parameters", named, dict, "a map"), ("parameters", given, list, "an array")):
        if not isinstance(value, kind):
            raise ApiError(400, "MALFORMED_REQUEST", f"Could not parse request object: Expected '{name}' to be {what}")
    if named and given:
        raise invalid("Only one of parameters and named_parameters may be specified for a python_wheel_task.")
    return named, {str(number): one for number, one in enumerate(given)}


def check(key: str, own: Mapping[str, Any], *, needs_environment: bool) -> None:
    """See that a task names a package and an entry point, and has an environment if it needs one.

    Raises:
        ApiError: It doesn't.
    """
    for field in ("package_name", "entry_point"):
        if not isinstance(own.get(field), str) or not own[field]:
            raise invalid(f"Task {key}: {field} is required.")
    if needs_environment:
        raise invalid(f"Task {key}: an environment_key is required for a python_wheel_task on serverless compute.")


def is_unclear(worker: Mapping[str, Any], settings: Mapping[str, Any]) -> bool:
    """Whether no page says what a task is given: it has no parameters, and the job has."""
    own = worker.get("python_wheel_task")
    return own is not None and bool(settings.get("parameters")) and not (own.get("parameters") or own.get("named_parameters"))


def lack(own: Mapping[str, Any], wanted: Sequence[str], folder: Path | None) -> str:
    """What of a task's package isn't there, as Python says it; "" where it may be called.

    ``wanted`` is what the task asks for, ``folder`` where its wheels were installed.
    """
    name, called = str(own["package_name"]), str(own["entry_point"])
    found = _of(name, metadata.distributions(path=[str(folder)]) if folder is not None else ())
    if found is None and canonicalize_name(name) in _names(wanted):
        found = _of(name, metadata.distributions())
    if found is None:
        return f"PackageNotFoundError: No package metadata was found for {name}"
    values = {one.value for one in found.entry_points if one.name == called}
    if len(values) > 1:
        return f"The rehearsal can't run this wheel: {called} is in several groups of its entry points, and which is taken?"
    try:
        ast.parse(f"module.{called}()")
    except (SyntaxError, ValueError):
        return f"SyntaxError: module.{called}()"
    module = (values.pop() if values else name).partition(":")[0].strip()
    has = _has(module, found) or (folder is None and file_of(module) is not None)
    return "" if has else f"ModuleNotFoundError: No module named '{module}'"


def _of(name: str, distributions: Iterable[metadata.Distribution]) -> metadata.Distribution | None:
    return next((one for one in distributions if canonicalize_name(one.name) == canonicalize_name(name)), None)


def _names(wanted: Iterable[str]) -> set[str]:
    found = set[str]()
    for one in wanted:
        try:
            found.add(canonicalize_name(Requirement(one).name))
        except InvalidRequirement:  # a wheel's path
            continue
    return found


def _has(module: str, found: metadata.Distribution) -> bool:
    base = module.replace(".", "/")
    return any(Path(str(found.locate_file(f"{base}{end}"))).is_file() for end in (".py", "/__init__.py"))
