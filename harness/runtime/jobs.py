"""``dbutils.jobs.taskValues``: what one task of a job leaves for the next; here the runs of one test are the tasks."""

from __future__ import annotations

import json
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from harness.errors import DbutilsArgumentError, TaskValueError
from harness.runtime.part import Part, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

# Tracebacks in pytest show the user's lines, not these.
__tracebackhide__ = True

MOST_BYTES = 48 * 1024
MOST_VALUES = 250
"""Databricks' own limits: of one value as JSON, and of the values of one job run."""


class TaskStore:
    """The task values of one test: by the key of the task, then by the value's own."""

    def __init__(self) -> None:
        self._values: dict[str, dict[str, str]] = {}
        self._hidden: frozenset[str] = frozenset()

    def begin(self, task: str) -> None:
        """A task starts: what an earlier run of it left is gone."""
        self._values[task] = {}

    def forget(self, task: str) -> None:
        """Have a task that nobody finds any more."""
        self._values.pop(task, None)

    def hide(self, tasks: Iterable[str]) -> None:
        """Let the task that runs now find nothing of these: it doesn't wait for them, whenever they were run here."""
        self._hidden = frozenset(tasks)

    def give(self, values: Mapping[str, Mapping[str, Any]]) -> None:
        """Have tasks that didn't run: a test says what they would have left.

        Raises:
            TaskValueError: A value is none that Databricks takes.
        """
        for task, held in values.items():
            self._values.setdefault(text(task, "the key of a task"), {})
            for key, value in held.items():
                self.set(task, text(key, "the key of a task value"), written(key, value))

    def of(self, task: str) -> dict[str, Any]:
        """The values that a task has set."""
        return {key: json.loads(value) for key, value in self._values.get(task, {}).items()}

    def set(self, task: str, key: str, value: str) -> None:
        """Keep a value, which is JSON.

        Raises:
            TaskValueError: There are too many.
        """
        count = sum(len(held) for held in self._values.values())
        if key not in self._values.setdefault(task, {}) and count >= MOST_VALUES:
            raise TaskValueError(
                f'the task value "{key}" is one too many',
                cause=f"a job run holds {MOST_VALUES} task values at most, and so many are set",
                mend="set one value that holds many, or write them to a table",
            )
        self._values[task][key] = value

    def find(self, task: str, key: str, *, has_default: bool, has_debug: bool, is_job: bool) -> dict[str, Any]:
        """Find a value, as Databricks does inside a job or outside of one.

        Gives what it "is": a "value", with the value itself, or the caller's "default" or "debug" value.

        Raises:
            DbutilsArgumentError: It is asked outside of a job, and there is no debug value to answer with.
            TaskValueError: There is no such task, or it set no such value and there is no default.
        """
        if not is_job and task not in self._values:
            if has_debug:
                return {"is": "debug"}
            raise DbutilsArgumentError(
                "a task value was asked for outside of a job",
                cause="Must pass debugValue when calling get outside of a job context. debugValue cannot be None.",
                mend=f'run the notebook that sets it first, with task_key="{task}", or give debugValue',
            )
        if task not in self._values:
            near = get_close_matches(task, self._values, n=1)
            raise TaskValueError(
                f'there is no task "{task}"',
                cause=f"tasks of this test: {', '.join(sorted(self._values)) or 'none'}",
                mend=(f'did you mean "{near[0]}"? if not, ' if near else "")
                + f'run its notebook first: run_notebook(…, task_key="{task}"),\n'
                f'or say what it leaves: run_notebook(…, task_values={{"{task}": {{"{key}": …}}}})',
            )
        if task in self._hidden:
            raise TaskValueError(
                f'the task value "{key}" of "{task}" can\'t be relied on',
                cause=f'the task that asks for it doesn\'t wait for "{task}": on a workspace both may run at the same time',
                mend=f'add "{task}" to its depends_on',
            )
        if key in self._values[task]:
            return {"is": "value", "value": json.loads(self._values[task][key])}
        if has_default:
            return {"is": "default"}
        near = get_close_matches(key, self._values[task], n=1)
        raise TaskValueError(
            f'the task "{task}" has set no value "{key}"',
            cause=f"it has set: {', '.join(sorted(self._values[task])) or 'none'}",
            mend=f'did you mean "{near[0]}"?' if near else "set it there, or give a default",
        )


def written(key: str, value: Any) -> str:
    """A task value as JSON.

    Raises:
        TaskValueError: It can't be written so, or is too large.
    """
    try:
        told = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as exc:
        raise TaskValueError(
            f'the task value "{key}" is no JSON',
            cause=f"it is of type {type(value).__name__}: {exc}",
            mend="set a text, a number, a list or a dictionary of such",
        ) from None
    size = len(told.encode())
    if size > MOST_BYTES:
        raise TaskValueError(
            f'the task value "{key}" is too large',
            cause=f"as JSON it has {size} bytes; Databricks takes up to {MOST_BYTES}",
            mend="write it to a table or a file, and set its name",
        )
    return told


class TaskValues(Part):
    """Values that one task of a job leaves for the next."""

    _path = "dbutils.jobs.taskValues"

    def __init__(self, ask: Callable[..., Any]) -> None:
        self._ask = ask

    def set(self, key: str, value: Any) -> None:
        """Set a value of this task.

        Raises:
            TaskValueError: It is no JSON, or too large, or one too many.
        """
        self._ask("task_set", key=text(key, "the key of a task value"), value=written(key, value))

    # The arguments have Databricks' own names, for notebooks pass them by name too.

    def get(self, taskKey: str, key: str, default: Any = None, debugValue: Any = None) -> Any:  # noqa: N803 -- see above
        """Give a value that another task set.

        Raises:
            TaskValueError: There is no such task, or it set no such value and there is no default.
            DbutilsArgumentError: Outside of a job, and there is no debugValue.
        """
        task, key = text(taskKey, "the key of a task"), text(key, "the key of a task value")
        found = self._ask("task_get", task=task, key=key, has_default=default is not None, has_debug=debugValue is not None)
        return {"default": default, "debug": debugValue}.get(found["is"], found.get("value"))


class Jobs(Part):
    """What a notebook finds of the job that it runs in."""

    _path = "dbutils.jobs"

    def __init__(self, ask: Callable[..., Any]) -> None:
        self.taskValues = TaskValues(ask)

    def help(self, name: str = "") -> None:
        """Print what there is."""
        self.taskValues.help("" if name == "taskValues" else name)

    def _served(self) -> list[tuple[str, Any]]:
        return [("taskValues", self.taskValues.get), *super()._served()]
