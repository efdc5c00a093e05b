"""The project's wheels for a job's run: which its tasks ask for, and how the Jobs API is told where they lie.

A copy runs the project's own code, so each wheel is built of it once a pytest run, whatever lies in ``dist``. It is named for
the tasks that ask for it, and for wheel tasks; others have what their compute has.
"""

from __future__ import annotations

import os
import posixpath
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.jobs.errors import JobKindError
from harness.jobs.job import WHEEL
from harness.jobs.packages import folder_above, normal, read_package
from harness.model import Location
from harness.remote.wheels import NO_SOURCE, in_environments, in_libraries

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from harness.jobs.job import Job, Task, Wheel
    from harness.remote.compute import Computes
    from harness.remote.protocol import Facts

_PYTHON = (".py", ".sql")

_LOCAL = re.compile(r"\.whl$|^\.|^(?:-r|-e|--requirement|--editable)[ =]*(?![ =/])")
"""A dependency that is a file or a folder, of the project or of the workspace."""

PLACES = frozenset({"existing_cluster_id", "new_cluster", "environment_key"})
"""The fields of a task that say what it runs on."""


def folders_of_job(job: Job) -> list[str]:
    """The folders of the project whose wheels the tasks of a job need."""
    return list(dict.fromkeys(wheel.home for task in job.tasks for wheel in task.worker.wheels))


def check_wheels(job: Job, computes: Computes, *, its_compute: bool, root: str) -> None:
    """See that each wheel task runs the project's own package, and that a task's wheels can be installed where it runs.

    Raises:
        JobKindError: One doesn't, or they can't.
    """
    for worker in [task.worker for task in job.tasks]:
        why = _why_not(worker, computes, its_compute=its_compute)
        if why is None and its_compute:
            named = [
                *_whls(worker.compute.get("libraries")),
                *_whls_of(job.environments, worker.compute.get("environment_key")),
            ]
            why = _why_not_as_written(worker, named, job, root, otherwise="leave compute out")
        elif why is None and worker.environment and not computes.runs_scripts:
            named = _whls_of([worker.environment], worker.environment.get("environment_key"))
            why = _why_not_as_written(worker, named, job, root, otherwise="write one under [[tool.nbh.env.….environments]]")
        if why:
            what, cause, mend = why
            place = Location(os.path.relpath(job.path, root))
            raise JobKindError(f'the wheel of the task "{worker.key}" {what}', cause=cause, mend=mend, location=place)


def _why_not(worker: Task, computes: Computes, *, its_compute: bool) -> tuple[str, str, str] | None:
    entry = worker.entry
    if worker.kind == WHEEL and (entry is None or not entry.home):
        name = entry.package if entry is not None else "its package"
        return "isn't the project's", f"a copy runs the project's own, and no folder of it describes {name}", "test it here"
    if worker.wheels and ("existing_cluster_id" in worker.compute if its_compute else not computes.takes_wheels):
        cause = "a cluster that is up keeps the wheel that it has of the same version, so that old code would be tested"
        return "is for a cluster that is there", cause, "have one made, or take serverless compute"
    return None


def _why_not_as_written(
    worker: Task, named: Sequence[str], job: Job, root: str, *, otherwise: str
) -> tuple[str, str, str] | None:
    """Why these wheels of a task's own can't be taken: not all of the project's that they have is what lies here."""
    there = [one for one in named if one.startswith("/") or ":/" in one]
    own = worker.entry.package if worker.entry is not None else _package_around(job, root)
    if own and (
        (worker.entry is not None and worker.entry.home not in worker.asked.values())
        or any(normal(posixpath.basename(one).partition("-")[0]) == normal(own) for one in there)
    ):
        cause = "the task asks for one that isn't built of the project, so that the workspace's own would be tested"
        return f"is not that of {own} here", cause, f"name it as ./dist/*.whl, or {otherwise}"
    other = next((one for one in named if one not in there and one not in worker.asked), None)
    if other is not None:
        return f"comes with {other}", "it lies here, and isn't built of the project", f"put it on a volume, or {otherwise}"
    return None


def _package_around(job: Job, root: str) -> str:
    """The name of the package that the job's folder is of, "" for none."""
    folder = folder_above(str(Path(job.path).parent), root)
    found = read_package(folder) if folder is not None else None
    return found.name if found is not None else ""


def _whls(libraries: Any) -> list[str]:
    return [str(one["whl"]) for one in libraries or () if isinstance(one, dict) and one.get("whl")]


def _whls_of(environments: Iterable[Mapping[str, Any]], key: Any) -> list[str]:
    specs = [one.get("spec") or {} for one in environments if key is not None and one.get("environment_key") == key]
    return [str(one) for spec in specs for one in spec.get("dependencies") or () if _LOCAL.search(str(one))]


def files_of(wheels: Iterable[Wheel], root: str) -> dict[str, str]:
    """What of the project goes there in the wheels of a task, as far as it is looked at for catalogs.

    By its path where it is installed, below the folder of packages: its path in the project. Where nobody knows what a wheel
    has, it may be all that lies there.
    """
    found = {}
    for source, modules in ((source, wheel.modules) for wheel in wheels for source in wheel.folders):
        for module in modules or _tops(source):
            for path in _files(Path(source, module)):
                found[path.relative_to(source).as_posix()] = os.path.relpath(path, root).replace(os.sep, "/")
    return found


def _tops(folder: str) -> list[str]:
    names = sorted(one.name for one in Path(folder).iterdir() if not one.name.startswith(".") and one.name not in NO_SOURCE)
    return [name.removesuffix(".py") for name in names]


def _files(base: Path) -> Iterator[Path]:
    yield from (one for one in sorted(base.rglob("*")) if one.suffix in _PYTHON and one.is_file())
    if (alone := base.with_suffix(".py")).is_file():
        yield alone


@dataclass(frozen=True, slots=True)
class Placed:
    """Where the wheels of a job lie on the workspace, by the folders that they are of."""

    paths: Mapping[str, str] = field(default_factory=dict)

    def of_environment(self, task: Facts, submission: Facts, workers: Sequence[Task]) -> tuple[list[Facts], Facts]:
        """What each task runs on, of the environment's compute, with its wheels; tasks with the same share an environment.

        On serverless compute without one, tasks that need one have that of the job.
        """
        made: list[Facts] = []
        environments = [dict(one) for one in submission.get("environments") or ()]
        keys: dict[tuple[str, ...], str] = {}
        for worker in workers:
            wheels = tuple(self.paths[wheel.home] for wheel in worker.wheels)
            if worker.environment and not task.keys() & PLACES:
                its = {text: self.paths[folder] for text, folder in worker.asked.items()}
                [whole] = in_environments([worker.environment], its)
                environments += [whole] if whole not in environments else []
                made.append({**task, "environment_key": whole["environment_key"]})
            elif not wheels:
                made.append(task)
            elif "environment_key" not in task:
                made.append({**task, "libraries": _with(task.get("libraries") or (), wheels)})
            else:
                if wheels not in keys:
                    keys[wheels] = f"nbh_{worker.key}"
                    base = next(one for one in environments if one["environment_key"] == task["environment_key"])
                    environments.append(_environment(base, keys[wheels], wheels))
                made.append({**task, "environment_key": keys[wheels]})
        return made, {**submission, "environments": environments} if environments else submission

    def of_jobs(self, job: Job, workers: Sequence[Task]) -> tuple[list[Facts], Facts]:
        """What each task runs on as the job has it, with the wheels' places on the workspace for their places here."""
        made, places = [], dict[str, dict[str, str]]()
        for worker in workers:
            compute, its = dict(worker.compute), {text: self.paths[folder] for text, folder in worker.asked.items()}
            if compute.get("libraries"):
                compute["libraries"] = in_libraries(compute["libraries"], its)
            places.setdefault(str(compute.get("environment_key")), {}).update(its)
            made.append(compute)
        named = [(one, places.get(str(one.get("environment_key")), {})) for one in job.environments]
        environments = [whole for one, its in named for whole in in_environments([one], its)]
        return made, {"environments": environments} if environments else {}


def _with(libraries: Iterable[Mapping[str, Any]], wheels: Sequence[str]) -> list[dict[str, Any]]:
    held = [dict(one) for one in libraries]
    return [*held, *({"whl": one} for one in wheels if {"whl": one} not in held)]


def _environment(base: Mapping[str, Any], key: str, wheels: Sequence[str]) -> dict[str, Any]:
    spec = dict(base.get("spec") or {})
    dependencies = [*(spec.get("dependencies") or ()), *wheels]
    return {"environment_key": key, "spec": {**spec, "dependencies": list(dict.fromkeys(dependencies))}}
