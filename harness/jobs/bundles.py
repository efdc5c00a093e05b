"""Where a job is described: by its key in the bundle around a test, or in a file of its own."""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from harness.jobs import BUNDLE_FILES
from harness.jobs.errors import JobFileError, JobNotFoundError
from harness.jobs.merge import merged
from harness.jobs.values import OVERRIDES, dict_of, variables_of
from harness.jobs.variables import Variables
from harness.jobs.written import Written, place_of, read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

SUFFIXES = (".yml", ".yaml", ".json")


@dataclass(frozen=True, slots=True)
class Described:
    """A job's settings as they are written, the file they stand in, and the variables that are known there.

    ``home`` is the bundle's folder, ``files`` the one that goes to a workspace: itself, or one above it that also holds what
    the bundle's ``sync.paths`` name. ``wraps_wheels`` says that the bundle makes notebooks of wheel tasks.
    """

    key: str
    settings: Mapping[str, Any]
    path: str
    variables: Variables
    home: str
    files: str
    wraps_wheels: bool = False


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


def describe(
    asked: str,
    *,
    beside: str,
    root: str,
    target: str,
    environ: Mapping[str, str],
    user: Callable[[], str] | None = None,
) -> Described:
    """Find a job.

    Args:
        asked: Its key in the bundle, or the path of a file, from the test's folder or from the root.
        beside: The test's file; the bundle is the nearest in a folder above it.
        root: The project's folder.
        target: The target of the bundle whose values count, if it has one of that name; else its default.
        environ: Where ``BUNDLE_VAR_…`` may stand.
        user: Gives the name of who runs, for ``${workspace.current_user…}``.

    Raises:
        JobNotFoundError: There is none.
        JobFileError: A file can't be read.
    """
    if asked.endswith(SUFFIXES):
        found = _of_file(asked, beside=beside, root=root, target=target, environ=environ)
        return replace(found, variables=replace(found.variables, user=user))
    path = _bundle_above(os.path.dirname(os.path.abspath(beside)), root)
    if path is None:
        raise JobNotFoundError(
            f'there is no job "{asked}"',
            cause=f"no {BUNDLE_FILES[0]} lies in the test's folder or in one above it",
            mend='name a file that describes the job: run_job("resources/etl.job.yml")',
        )
    bundle = load(path, root)
    wanted = _target_of(bundle, target)
    jobs = {**bundle.jobs}
    for key, changes in _jobs_in(bundle.targets.get(wanted)).items():
        settings, where = jobs.get(key, ({}, path))
        jobs[key] = (merged(settings, changes), where)
    if asked not in jobs:
        near = get_close_matches(asked, jobs, n=1)
        raise JobNotFoundError(
            f'there is no job "{asked}"',
            cause=f"jobs of the bundle: {', '.join(sorted(jobs)) or 'none'}"
            + ("; those that it describes in Python can't be read here" if bundle.in_python else ""),
            mend=f'did you mean "{near[0]}"?' if near else "write its key under resources.jobs, or name a file",
            location=place_of(None, otherwise=path, root=root),
        )
    if bundle.in_python.get("mutators"):
        raise JobFileError(
            f'what the bundle makes of the job "{asked}" can\'t be told',
            cause=f"its Python may change each job, and isn't run here: mutators are {bundle.in_python['mutators']}",
            mend=f'take the job as it is written, by its file: run_job("{os.path.relpath(jobs[asked][1], bundle.root)}")',
            location=place_of(None, otherwise=path, root=root),
        )
    settings, where = jobs[asked]
    variables = replace(variables_in(bundle, wanted, environ), user=user)
    return Described(
        asked, settings, where, variables, os.path.dirname(path), _files(bundle, wanted, variables), bundle.wraps_wheels
    )


def _near_file(asked: str, places: Iterable[str]) -> str:
    """A question for a file that was probably meant, in one of the folders that were looked in; "" for none."""
    for folder, name in map(os.path.split, places):
        files = [one for one in os.listdir(folder) if one.endswith(SUFFIXES)] if os.path.isdir(folder) else []
        near = get_close_matches(name, files, n=1)
        if near:
            return f'did you mean "{os.path.join(os.path.dirname(asked), near[0])}"?'
    return ""


def _of_file(asked: str, *, beside: str, root: str, target: str, environ: Mapping[str, str]) -> Described:
    places = [os.path.join(os.path.dirname(os.path.abspath(beside)), asked), os.path.join(root, asked)]
    path = next((os.path.normpath(place) for place in places if os.path.isfile(place)), None)
    if path is None:
        raise JobNotFoundError(
            f"there is no file {asked}",
            cause="it is neither below the project's folder nor beside the test",
            mend=_near_file(asked, places) or "correct the path; a job of the bundle is named by its key alone",
        )
    found = read(path, root=root)
    jobs = _jobs_in(found)
    if not jobs:
        inner = found.get("settings")  # as jobs/get gives it
        settings = inner if isinstance(inner, dict) else found
        if "tasks" in settings:
            jobs = {str(settings.get("name") or os.path.basename(path).split(".")[0]): settings}
    if len(jobs) != 1:
        holds = f"holds {len(jobs)} jobs: {', '.join(jobs)}" if jobs else "has neither tasks nor resources.jobs"
        raise JobNotFoundError(
            f"{asked} doesn't say which job to run",
            cause=f"it {holds}",
            mend="name the job by its key in the bundle" if jobs else "write the job's settings as the Jobs API has them",
            location=place_of(None, otherwise=path, root=root),
        )
    above = _bundle_above(os.path.dirname(path), root)
    bundle = load(above, root) if above is not None else Bundle(path, root)
    (key, settings), wanted = *jobs.items(), _target_of(bundle, target)
    changes = _jobs_in(bundle.targets.get(wanted)).get(key)
    settings = merged(settings, changes) if changes and key in bundle.jobs else settings
    home, variables = os.path.dirname(above or path), variables_in(bundle, wanted, environ)
    return Described(key, settings, path, variables, home, _files(bundle, wanted, variables), bundle.wraps_wheels)


def _bundle_above(folder: str, root: str) -> str | None:
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
    for key, settings in _jobs_in(found).items():
        if key in bundle.jobs and bundle.jobs[key][1] != path:
            raise JobFileError(
                f'the job "{key}" is described twice',
                cause=f"in {os.path.relpath(bundle.jobs[key][1], bundle.root)} and in {os.path.relpath(path, bundle.root)}",
                mend="keep one of them, or give it another key",
                location=place_of(None, otherwise=path, root=bundle.root),
            )
        bundle.jobs[key] = (settings, path)
    for name in ("resources", "variables", "targets", "workspace", "presets", "sync"):
        more, held = found.get(name), getattr(bundle, name)
        if isinstance(more, dict):
            held.update(merged(held, more))


def _jobs_in(found: Any) -> dict[str, dict[str, Any]]:
    resources = found.get("resources") if isinstance(found, dict) else None
    jobs = resources.get("jobs") if isinstance(resources, dict) else None
    return {str(key): one for key, one in jobs.items() if isinstance(one, dict)} if isinstance(jobs, dict) else {}


def _target_of(bundle: Bundle, wanted: str) -> str:
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


def _files(bundle: Bundle, target: str, variables: Variables) -> str:
    """The folder that goes to a workspace: the innermost that has the bundle and all that it has synchronized besides."""
    home = os.path.dirname(bundle.path)
    own = dict_of(dict_of(bundle.targets.get(target)).get("sync"))
    paths = merged(bundle.sync, own).get("paths")
    besides = []
    for one in paths if isinstance(paths, list) else ():
        beside = os.path.dirname(one.path) if isinstance(one, Written) else home
        besides.append(os.path.normpath(os.path.join(beside, str(variables.resolve(one)))))
    return os.path.commonpath([home, *besides])
