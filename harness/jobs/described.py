"""Where a job is described: by its key in the bundle around a test, or in a file of its own."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from harness.jobs import BUNDLE_FILES
from harness.jobs.bundles import Bundle, bundle_above, described_twice, files_of, jobs_in, load, target_in, variables_in
from harness.jobs.errors import JobNotFoundError
from harness.jobs.merge import merged
from harness.jobs.written import place_of, read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from harness.jobs.in_python import InPython
    from harness.jobs.variables import Variables

SUFFIXES = (".yml", ".yaml", ".json")


@dataclass(frozen=True, slots=True)
class Described:
    """A job's settings as they are written, the file they stand in, and the variables that are known there.

    ``home`` is the bundle's folder, ``files`` the one that goes to a workspace: itself, or one above it that also holds what
    the bundle's ``sync.paths`` name. ``wraps_wheels`` says that the bundle makes notebooks of wheel tasks. ``others`` are the
    keys of the bundle's jobs, ``other`` describes one of them, and ``above`` are those that have this one run. ``is_raw`` says
    that the bundle's Python may change it, and hasn't.
    """

    key: str
    settings: Mapping[str, Any]
    path: str
    variables: Variables
    home: str
    files: str
    wraps_wheels: bool = False
    others: tuple[str, ...] = ()
    other: Callable[[str], Described] | None = None
    above: tuple[str, ...] = ()
    is_raw: bool = False


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
        JobFileError: A file can't be read, or the bundle's Python fails.
    """
    if asked.endswith(SUFFIXES):
        key, settings, path = _of_file(asked, beside=beside, root=root)
        above = bundle_above(os.path.dirname(path), root)
        bundle = load(above, root) if above is not None else Bundle(path, root)
        whole = _Target(bundle, target, environ, user)
        changes = whole.changes.get(key) if key in bundle.jobs else None
        settings = merged(settings, changes) if changes else settings
        whole.add_python(settings)
        return replace(whole.described(key, settings, path), is_raw=bool(bundle.in_python.get("mutators")))
    around = bundle_above(os.path.dirname(os.path.abspath(beside)), root)
    if around is None:
        raise JobNotFoundError(
            f'there is no job "{asked}"',
            cause=f"no {BUNDLE_FILES[0]} lies in the test's folder or in one above it",
            mend='name a file that describes the job: run_job("resources/etl.job.yml")',
        )
    whole = _Target(load(around, root), target, environ, user)
    whole.add_python(whole.jobs[asked][0] if asked in whole.jobs else {})
    if asked not in whole.jobs:
        near = get_close_matches(asked, whole.jobs, n=1)
        raise JobNotFoundError(
            f'there is no job "{asked}"',
            cause=f"jobs of the bundle: {', '.join(sorted(whole.jobs)) or 'none'}",
            mend=f'did you mean "{near[0]}"?' if near else "write its key under resources.jobs, or name a file",
            location=place_of(None, otherwise=around, root=root),
        )
    return whole.job(asked)


class _Target:
    """A bundle as one of its targets has it: ``jobs`` are its settings with their files, ``changes`` those of the target."""

    def __init__(self, bundle: Bundle, target: str, environ: Mapping[str, str], user: Callable[[], str] | None) -> None:
        self._bundle, self._name, self._environ, self._user = bundle, target_in(bundle, target), environ, user
        self.changes = jobs_in(bundle.targets.get(self._name))
        self.jobs = {**bundle.jobs}
        for key, changes in self.changes.items():
            settings, where = self.jobs.get(key, ({}, bundle.path))
            self.jobs[key] = (merged(settings, changes), where)
        self._variables = self._known()

    def _known(self) -> Variables:
        return replace(variables_in(self._bundle, self._name, self._environ), user=self._user)

    def add_python(self, settings: Mapping[str, Any]) -> None:
        """Add what the bundle's Python makes, if a job isn't described otherwise, or may ask for what only that describes.

        Raises:
            JobFileError: It fails, or makes a job that is described already.
        """
        bundle = self._bundle
        may_ask = not settings or "${resources." in json.dumps([settings, bundle.variables, bundle.targets], default=str)
        if not bundle.in_python.get("resources") or not may_ask:
            return
        from harness.jobs.in_python import made_in

        made = self._python().resources()
        for key, of_job in made.get("jobs", {}).items():
            where = next(made_in(of_job), bundle.path)
            if key in self.jobs:
                raise described_twice(key, self.jobs[key][1], where, bundle)
            self.jobs[key] = (of_job, where)
        bundle.resources = merged(bundle.resources, made)
        self._variables = self._known()

    def job(self, key: str, above: tuple[str, ...] = ()) -> Described:
        """A job of the bundle, with what its Python changes of it; ``above`` are those that have it run."""
        settings, where = self.jobs[key]
        if self._bundle.in_python.get("mutators"):
            settings = self._python().changed(key, settings, where)
        return self.described(key, settings, where, above)

    def described(self, key: str, settings: Mapping[str, Any], path: str, above: tuple[str, ...] = ()) -> Described:
        """A job of these settings."""
        return Described(
            key,
            settings,
            path,
            self._variables,
            os.path.dirname(self._bundle.path),
            files_of(self._bundle, self._name, self._variables),
            self._bundle.wraps_wheels,
            tuple(self.jobs),
            lambda other: self.job(other, (*above, key)),
            above,
        )

    def _python(self) -> InPython:
        from harness.jobs.in_python import InPython  # which most bundles need not

        return InPython(self._bundle, self._name, self._variables)


def _near_file(asked: str, places: Iterable[str]) -> str:
    """A question for a file that was probably meant, in one of the folders that were looked in; "" for none."""
    for folder, name in map(os.path.split, places):
        files = [one for one in os.listdir(folder) if one.endswith(SUFFIXES)] if os.path.isdir(folder) else []
        near = get_close_matches(name, files, n=1)
        if near:
            return f'did you mean "{os.path.join(os.path.dirname(asked), near[0])}"?'
    return ""


def _of_file(asked: str, *, beside: str, root: str) -> tuple[str, dict[str, Any], str]:
    """The one job of a file: its key, its settings, and the file's path."""
    places = [os.path.join(os.path.dirname(os.path.abspath(beside)), asked), os.path.join(root, asked)]
    path = next((os.path.normpath(place) for place in places if os.path.isfile(place)), None)
    if path is None:
        raise JobNotFoundError(
            f"there is no file {asked}",
            cause="it is neither below the project's folder nor beside the test",
            mend=_near_file(asked, places) or "correct the path; a job of the bundle is named by its key alone",
        )
    found = read(path, root=root)
    jobs = jobs_in(found)
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
    ((key, settings),) = jobs.items()
    return key, settings, path
