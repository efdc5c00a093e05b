"""What the tasks of a job are given: by name, or as a list of texts."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from harness.jobs.errors import JobParameterError
from harness.jobs.job import NOTEBOOK, RUN_JOB, SCRIPT, WHEEL
from harness.jobs.variables import as_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from harness.jobs.described import Described
    from harness.jobs.errors import JobShapeError
    from harness.jobs.job import Job, Task

_NAMED = {NOTEBOOK: "base_parameters", RUN_JOB: "job_parameters"}
"""Where a task has parameters with names that all of the job's are added to."""


class Given:
    """Reads what tasks are given.

    ``files`` and ``above`` are as of `Variables.resolve`, ``wrong`` makes the error of a wrong shape.
    """

    def __init__(
        self, found: Described, wrong: Callable[[str, str, str, Any], JobShapeError], *, files: str, above: str
    ) -> None:
        self._found, self._wrong, self._files, self._above = found, wrong, files, above

    def resolve(self, value: Any) -> Any:
        """A value with its variables in their places.

        Raises:
            JobVariableError: One has no value.
        """
        return self._found.variables.resolve(value, files=self._files, above=self._above)

    def of(self, kind: str, own: Mapping[str, Any], key: str) -> tuple[dict[str, str], tuple[str, ...]]:
        """The parameters that have names, and those that have none; a wheel's task has one kind or the other."""
        if kind in _NAMED:
            return self._parameters(own, _NAMED[kind], key), ()
        if kind not in (SCRIPT, WHEEL):
            return {}, ()
        if kind == WHEEL and own.get("named_parameters"):
            if own.get("parameters"):
                what = f'the task "{key}" has parameters and named_parameters'
                raise self._wrong(what, "Databricks takes one of them", "leave one out", key)
            return self._named(own, key), ()
        return {}, self._arguments(own, key)

    def _named(self, own: Mapping[str, Any], key: str) -> dict[str, str]:
        """What a wheel's task is given by name. As in a list, the API takes texts alone."""
        found = self.resolve(own["named_parameters"])
        if not isinstance(found, dict):
            cause = f"they are {str(found)[:200]!r}"
            raise self._wrong(f'named_parameters of the task "{key}" are no names with texts', cause, "mend them", key)
        for name, one in found.items():
            if not isinstance(one, str):
                cause = f"it is {str(one)[:200]!r}, of type {type(one).__name__}; Databricks takes texts only"
                raise self._wrong(f'parameter {name} of the task "{key}" is no text', cause, "write it in quotes", key)
        return {str(name): one for name, one in found.items()}

    def text(self, value: Any, what: str, key: str = "") -> str:
        """A parameter's value as a text: an empty one where there is none.

        Raises:
            JobShapeError: It is a list, or names with values. Databricks' command line would leave it out, with a warning.
        """
        if isinstance(value, dict | list):
            cause = f"it is {str(value)[:200]!r}, of type {type(value).__name__}; Databricks takes texts only"
            raise self._wrong(f"{what} is no text", cause, "write it in quotes, as JSON", key)
        return "" if value is None else as_text(value)

    def unclear(self, kind: str, parameters: Mapping[str, str], arguments: Sequence[str]) -> str:
        """Why nobody can tell what a task is given, "" where it's told."""
        if kind != WHEEL or parameters or arguments or not self._found.settings.get("parameters"):
            return ""
        return (
            "whether the job's parameters are given to a wheel's task that has none of its own isn't documented: write "
            "parameters (such a task gets none of them), or named_parameters (it gets all)"
        )

    def _parameters(self, own: Mapping[str, Any], field: str, key: str) -> dict[str, str]:
        found = self.resolve(own.get(field) or {})
        if not isinstance(found, dict):
            raise self._wrong(f'{field} of the task "{key}" are no names with values', f"{found!r}", "mend them", key)
        what = field.removesuffix("s").replace("_", " ")
        return {str(name): self.text(value, f'{what} {name} of the task "{key}"', key) for name, value in found.items()}

    def _arguments(self, own: Mapping[str, Any], key: str) -> tuple[str, ...]:
        """What a script is given. The API takes texts alone, and what it makes of others no page says."""
        found = self.resolve(own.get("parameters"))
        if found is None:
            return ()
        if not isinstance(found, list):
            cause = f"they are {str(found)[:200]!r}"
            raise self._wrong(f'parameters of the task "{key}" are no list', cause, "write a list of texts", key)
        for number, one in enumerate(found, 1):
            if not isinstance(one, str):
                cause = f"it is {str(one)[:200]!r}, of type {type(one).__name__}; Databricks takes texts only"
                raise self._wrong(f'parameter {number} of the task "{key}" is no text', cause, "write it in quotes", key)
        return tuple(found)


def given(job: Job, parameters: Mapping[str, str]) -> dict[str, str]:
    """The job's parameters with those that a test gives.

    Raises:
        JobParameterError: The job has none of that name, or a value is no text.
    """
    for name, value in parameters.items():
        if name not in job.parameters:
            near = get_close_matches(name, job.parameters, n=1)
            raise JobParameterError(
                f'the job "{job.name}" has no parameter "{name}"',
                cause=f"its parameters: {', '.join(job.parameters) or 'none'}",
                mend=f'did you mean "{near[0]}"?' if near else "leave it out, or add it to the job's parameters",
            )
        if not isinstance(value, str):
            raise JobParameterError(
                f'the value given for the parameter "{name}" is not a text',
                cause=f"it is {value!r}, of type {type(value).__name__}; Databricks takes texts only",
                mend=f'write parameters={{"{name}": "{value}"}}',
            )
    return {**job.parameters, **parameters}


def pushed_down(task: Task, parameters: Mapping[str, str]) -> dict[str, str]:
    """The parameters by name that a task gets: its own, and all of the job's, which win.

    A script gets none, for its have no names, and a wheel's task only where its own have some.
    """
    return {**task.parameters, **parameters} if task.kind in _NAMED or task.parameters else {}


def as_arguments(named: Mapping[str, str]) -> tuple[str, ...]:
    """How a wheel's task is given what has names."""
    return tuple(f"--{name}={text}" for name, text in named.items())
