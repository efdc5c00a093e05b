"""The project's wheels for a job's run: which its tasks ask for, and how the Jobs API is told where they lie.

A copy runs the project's own code, so each wheel is built of it once a pytest run, whatever lies in ``dist``. It is named for
the wheel tasks alone: other tasks have what their compute has.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.jobs.errors import JobKindError
from harness.jobs.job import WHEEL
from harness.model import Location
from harness.remote.wheels import in_environments, in_libraries

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from harness.jobs.job import Entry, Job, Task
    from harness.remote.compute import Computes
    from harness.remote.protocol import Facts

_PYTHON = (".py", ".sql")


def folders_of_job(job: Job) -> list[str]:
    """The folders of the project whose wheels the wheel tasks of a job need: each package's own, and the others asked for."""
    found = [folder for task in job.tasks for folder in _folders(task.worker)]
    return list(dict.fromkeys(found))


def _folders(worker: Task) -> list[str]:
    if worker.entry is None or not worker.entry.home:
        return []
    return list(dict.fromkeys([worker.entry.home, *worker.wheels.values()]))


def check_wheels(job: Job, computes: Computes, *, its_compute: bool, root: str) -> None:
    """See that each wheel task runs the project's own package, and that its wheel can be installed where it runs.

    Raises:
        JobKindError: One doesn't, or it can't.
    """
    for worker in [task.worker for task in job.tasks if task.worker.kind == WHEEL]:
        why = _why_not(worker, computes, its_compute=its_compute)
        if why:
            what, cause, mend = why
            place = Location(os.path.relpath(job.path, root))
            raise JobKindError(f'the wheel of the task "{worker.key}" {what}', cause=cause, mend=mend, location=place)


def _why_not(worker: Task, computes: Computes, *, its_compute: bool) -> tuple[str, str, str] | None:
    entry = worker.entry
    if entry is None or not entry.home:
        name = entry.package if entry is not None else "its package"
        return "isn't the project's", f"a copy runs the project's own, and no folder of it describes {name}", "test it here"
    if "existing_cluster_id" in worker.compute if its_compute else not computes.takes_wheels:
        cause = "a cluster that is up keeps the wheel that it has of the same version, so that old code would be tested"
        return (
            "is for a cluster that is there",
            cause,
            "have one made, or take serverless compute",
        )
    if its_compute and entry.home not in worker.wheels.values():
        cause = "the task asks for none that is built of the project, so that the workspace's own would be tested"
        return f"is not that of {entry.package} here", cause, "name it as ./dist/*.whl, or leave compute out"
    left = [one for one in _whls(worker.compute.get("libraries")) if not one.startswith("/") and ":/" not in one]
    other = next((one for one in left if one not in worker.wheels), None)
    if its_compute and other is not None:
        return f"comes with {other}", "it lies here, and isn't built of the project", "put it on a volume, or leave compute out"
    return None


def _whls(libraries: Any) -> list[str]:
    return [str(one["whl"]) for one in libraries or () if isinstance(one, dict) and one.get("whl")]


def files_of(entry: Entry, root: str) -> dict[str, str]:
    """What of the project goes there in the wheels of a task, as far as it is looked at for catalogs.

    By its path where it is installed, below the folder of packages: its path in the project.
    """
    found = {}
    for source in entry.folders:
        for module in entry.modules:
            for path in _files(Path(source, module)):
                found[path.relative_to(source).as_posix()] = os.path.relpath(path, root).replace(os.sep, "/")
    return found


def _files(base: Path) -> Iterator[Path]:
    yield from (one for one in sorted(base.rglob("*")) if one.suffix in _PYTHON and one.is_file())
    if (alone := base.with_suffix(".py")).is_file():
        yield alone


@dataclass(frozen=True, slots=True)
class Placed:
    """Where the wheels of a job lie on the workspace, by the folders that they are of."""

    paths: Mapping[str, str] = field(default_factory=dict)

    def of_environment(self, task: Facts, submission: Facts, workers: Sequence[Task]) -> tuple[list[Facts], Facts]:
        """What each task runs on, of the environment's compute; a wheel task has its wheels as well."""
        made: list[Facts] = []
        environments = [dict(one) for one in submission.get("environments") or ()]
        for worker in workers:
            wheels = [self.paths[folder] for folder in _folders(worker)]
            if not wheels:
                made.append(task)
            elif "environment_key" not in task:
                made.append({**task, "libraries": _with(task.get("libraries") or (), wheels)})
            else:
                base = next(one for one in environments if one["environment_key"] == task["environment_key"])
                key = f"nbh_{worker.key}"
                environments.append(_environment(base, key, wheels))
                made.append({**task, "environment_key": key})
        return made, {**submission, "environments": environments} if environments else submission

    def of_jobs(self, job: Job, workers: Sequence[Task]) -> tuple[list[Facts], Facts]:
        """What each task runs on as the job has it, with the wheels' places on the workspace for their places here."""
        places = {text: self.paths[folder] for one in workers if one.entry is not None for text, folder in one.wheels.items()}
        made = []
        for worker in workers:
            compute = dict(worker.compute)
            if compute.get("libraries"):
                compute["libraries"] = in_libraries(compute["libraries"], places)
            made.append(compute)
        environments = in_environments(job.environments, places)
        return made, {"environments": environments} if environments else {}


def _with(libraries: Iterable[Mapping[str, Any]], wheels: Sequence[str]) -> list[dict[str, Any]]:
    held = [dict(one) for one in libraries]
    return [*held, *({"whl": one} for one in wheels if {"whl": one} not in held)]


def _environment(base: Mapping[str, Any], key: str, wheels: Sequence[str]) -> dict[str, Any]:
    spec = dict(base.get("spec") or {})
    dependencies = [*(spec.get("dependencies") or ()), *wheels]
    return {"environment_key": key, "spec": {**spec, "dependencies": list(dict.fromkeys(dependencies))}}
