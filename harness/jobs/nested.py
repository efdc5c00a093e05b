"""What a run_job_task runs: another job of the same bundle, read as the one around it is.

See https://docs.databricks.com/jobs/run-job.html: no job may run itself, and no more than three may stand in each other.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from harness.jobs.described import Described
    from harness.jobs.errors import JobShapeError
    from harness.jobs.job import Job

DEEPEST = 3
_OF_BUNDLE = re.compile(r"\s*\$\{\s*resources\.jobs\.([^.{}$\s]+)\.id\s*\}\s*")


class Found(NamedTuple):
    """A task's job, None where it is none of the bundle's; ``unclear`` says why nobody can tell what it is given."""

    job: Job | None = None
    unclear: str = ""


class Nested:
    """Finds the jobs that a job's tasks run; ``read`` makes one of its settings, for which these parameters are given."""

    def __init__(
        self,
        found: Described,
        read: Callable[[Described, Collection[str]], Job],
        wrong: Callable[[str, str, str, Any], JobShapeError],
    ) -> None:
        self._found, self._read, self._wrong = found, read, wrong

    def of(self, own: Mapping[str, Any], key: str, given: Collection[str]) -> Found:
        """What a task runs; ``given`` are the names of all that this gets: the task's own, and the parameters of its job.

        Raises:
            JobError: The bundle has no such job, it can't be read, or it would run itself.
        """
        named = _OF_BUNDLE.fullmatch(str(own.get("job_id")))
        if named is None:
            return Found()
        called, above = named[1], (*self._found.above, self._found.key)
        if called in above:
            circle = " -> ".join([*above[above.index(called) :], called])
            raise self._wrong(f'the task "{key}" runs the job "{called}", which it is part of', circle, "break the circle", key)
        if len(above) > DEEPEST:
            cause = f"{' -> '.join([*above, called])}: Databricks supports {DEEPEST} such tasks in each other at most"
            raise self._wrong(f'the task "{key}" runs a job too deep in others', cause, "make one job of two of them", key)
        if called not in self._found.others or self._found.other is None:
            near = get_close_matches(called, self._found.others, n=1)
            mend = f'did you mean "{near[0]}"?' if near else "correct job_id"
            raise self._wrong(f'the task "{key}" runs the job "{called}"', "the bundle has no such job", mend, key)
        job = self._read(self._found.other(called), given)
        old = [one for one in own if one.endswith("_params") and own[one]]
        unknown = [name for name in given if name not in job.parameters]
        if old:
            return Found(job, f"which task of {called} gets {' and '.join(old)} isn't told: write job_parameters")
        if unknown:
            named_so = " and ".join(unknown)
            why = f"it gives {called} the parameter {named_so}, which that doesn't declare, and what becomes of it no page says"
            return Found(job, f"{why}: declare it under parameters of {called}")
        return Found(job)
