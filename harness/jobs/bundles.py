"""A bundle as its files describe it: jobs, resources, variables, targets."""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.jobs import BUNDLE_FILES
from harness.jobs.errors import JobFileError
from harness.jobs.merge import merged
from harness.jobs.values import OVERRIDES, dict_of, variables_of
from harness.jobs.variables import Variables
from harness.jobs.written import Written, place_of, read

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(slots=True)
class Bundle:
    """A bundle's files, put together.

    ``about`` is what stands under ``bundle``, ``workspace`` and ``presets`` what all targets have, ``resources`` all of them.
    ``in_python`` says what of it is Python.
    """

    path: str
    root: str
    about: dict[str, Any] = field(default_factory=dict)
    workspace: dict[str, Any] = field(default_factory=dict)
    jobs: dict[str, tuple[dict[str, Any], str]] = field(default_factory=dict)
    resources: dict[str, Any] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)
    targets: dict[str, Any] = field(default_factory=dict)
    presets: dict[str, Any] = field(default_factory=dict)
    sync: dict[str, Any] = field(default_factory=dict)
    in_python: dict[str, Any] = field(default_factory=dict)
    wraps_wheels: bool = False
    keeps_schemas: bool = False


def bundle_above(folder: str, root: str) -> str | None:
    """The file of the bundle that a folder is in, None where it's in none below the root."""
    while True:
        for name in BUNDLE_FILES:
            if os.path.isfile(os.path.join(folder, name)):
                return os.path.join(folder, name)
        above = os.path.dirname(folder)
        if os.path.normpath(folder) == os.path.normpath(root) or above == folder:
            return None
        folder = above


def load(path: str, root: str) -> Bundle:
    """Read a bundle, with the files that it includes.

    Raises:
        JobFileError: One of them can't be read, or two describe one job.
        SettingsError: The library that reads YAML isn't installed.
    """
    top = read(path, root=root)
    about = top.get("bundle")
    bundle = Bundle(path, root, about if isinstance(about, dict) else {})
    old = top.get("experimental")
    bundle.in_python = dict_of(top.get("python")) or dict_of(dict_of(old).get("python"))
    bundle.wraps_wheels = isinstance(old, dict) and bool(old.get("python_wheel_wrapper"))
    bundle.keeps_schemas = isinstance(old, dict) and bool(old.get("skip_name_prefix_for_schema"))
    _add(bundle, top, path)
    include = top.get("include") or []
    if not isinstance(include, list) or not all(isinstance(one, str) for one in include):
        raise JobFileError(
            "include is no list of paths",
            cause=f"it is {str(include)[:200]!r}",
            mend="write a list, one path a line",
            location=place_of(None, otherwise=path, root=root),
        )
    for pattern in include:
        for file in sorted(glob.glob(os.path.join(glob.escape(os.path.dirname(path)), pattern), recursive=True)):
            if os.path.isfile(file) and os.path.normpath(file) != os.path.normpath(path):
                # Databricks' own command line takes an empty one, such as a file that is yet to be filled.
                _add(bundle, read(file, root=root, may_be_empty=True), os.path.normpath(file))
    return bundle


def _add(bundle: Bundle, found: Mapping[str, Any], path: str) -> None:
    for key, settings in jobs_in(found).items():
        if key in bundle.jobs and bundle.jobs[key][1] != path:
            raise described_twice(key, bundle.jobs[key][1], path, bundle)
        bundle.jobs[key] = (settings, path)
    for name in ("resources", "variables", "targets", "workspace", "presets", "sync"):
        more, held = found.get(name), getattr(bundle, name)
        if isinstance(more, dict):
            held.update(merged(held, more))


def described_twice(key: str, one: str, other: str, bundle: Bundle) -> JobFileError:
    """The error of a job that two files describe."""
    return JobFileError(
        f'the job "{key}" is described twice',
        cause=f"in {os.path.relpath(one, bundle.root)} and in {os.path.relpath(other, bundle.root)}",
        mend="keep one of them, or give it another key",
        location=place_of(None, otherwise=other, root=bundle.root),
    )


def jobs_in(found: Any) -> dict[str, dict[str, Any]]:
    """The jobs under ``resources``, by key."""
    resources = found.get("resources") if isinstance(found, dict) else None
    jobs = resources.get("jobs") if isinstance(resources, dict) else None
    return {str(key): one for key, one in jobs.items() if isinstance(one, dict)} if isinstance(jobs, dict) else {}


def target_in(bundle: Bundle, wanted: str) -> str:
    """The target: that of the environment's name, else the bundle's default, else its only one; "default" where it has none."""
    if wanted in bundle.targets:
        return wanted
    if bundle.about and not bundle.targets:
        return "default"
    by_default = [name for name, one in bundle.targets.items() if isinstance(one, dict) and one.get("default") is True]
    return str(by_default[0]) if by_default else str(next(iter(bundle.targets))) if len(bundle.targets) == 1 else ""


def variables_in(bundle: Bundle, target: str, environ: Mapping[str, str]) -> Variables:
    """What is known for a target; a user's own values of variables lie beside the bundle, as for its command line.

    Raises:
        JobFileError: The file with these can't be read.
    """
    overrides = os.path.join(os.path.dirname(bundle.path), OVERRIDES.format(target=target))
    found = read(overrides, root=bundle.root) if target and os.path.isfile(overrides) else {}
    values, by_root = variables_of(bundle, target, found, environ)
    return Variables(values, bundle.path, bundle.root, files_by_root=by_root)


def files_of(bundle: Bundle, target: str, variables: Variables) -> str:
    """The folder that goes to a workspace: the innermost that has the bundle and all that it has synchronized besides."""
    home = os.path.dirname(bundle.path)
    own = dict_of(dict_of(bundle.targets.get(target)).get("sync"))
    paths = merged(bundle.sync, own).get("paths")
    besides = []
    for one in paths if isinstance(paths, list) else ():
        beside = os.path.dirname(one.beside) if isinstance(one, Written) else home
        besides.append(os.path.normpath(os.path.join(beside, str(variables.resolve(one)))))
    return os.path.commonpath([home, *besides])
