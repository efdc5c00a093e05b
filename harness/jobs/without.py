"""A job without the tasks that its test leaves out by name: what waits for such a one waits for what that waited for."""

from __future__ import annotations

from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING

from harness.jobs.references import named

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from harness.jobs.errors import JobShapeError
    from harness.jobs.job import Dependency, Task

# By these a task runs after one that passed if it runs after what that one waited for; by others it asks how that one ended.
_GO_ON = frozenset({"ALL_SUCCESS", "ALL_DONE", "NONE_FAILED"})

_MEND = "leave it out, too, or run the job whole"


def without(
    tasks: Sequence[Task], names: Collection[str], wrong: Callable[[str, str, str, str | None], JobShapeError]
) -> tuple[Task, ...]:
    """The tasks, in their order, but for those of these names; ``wrong`` makes an error of what, cause, mend and a task's key.

    Raises:
        JobShapeError: A name is no task's, no task is left, or one that is needs to know how one that isn't ended.
    """
    by_key = {task.key: task for task in tasks}
    for name in names:
        if name not in by_key:
            near = get_close_matches(name, by_key, n=1)
            mend = f'did you mean "{near[0]}"?' if near else "correct skip_tasks"
            raise wrong(f'skip_tasks names the task "{name}"', f"the job has: {', '.join(by_key)}", mend, None)
    left = [task for task in tasks if task.key not in names]
    if not left:
        raise wrong("skip_tasks leaves no task of the job", "nothing would be run", "leave one", None)
    for task in left:
        if (why := _needs(task, by_key, names)) is not None:
            raise wrong(f'the task "{task.key}" needs one that skip_tasks leaves out', why, _MEND, task.key)
    return tuple(replace(task, after=tuple(dict.fromkeys(_after(task, by_key, names)))) for task in left)


def _needs(task: Task, by_key: Mapping[str, Task], names: Collection[str]) -> str | None:
    """Why a task needs to know how one that is left out ended."""
    for name in names:
        if any(parts[:2] == ("tasks", name) for text in task.all_texts for parts in named(text)):
            return f'what it is given refers to "{name}"'
    for one, asks in _left_out(task, by_key, names):
        other = by_key[one.key]
        if one.outcome:
            return f'"{asks.key}" waits for an outcome of the condition "{one.key}"'
        if asks.run_if not in _GO_ON:
            return f'"{asks.key}" asks by its run_if, {asks.run_if}, how "{one.key}" ended'
        if other.run_if != "ALL_SUCCESS":
            return f'"{one.key}" has a run_if, {other.run_if}, of its own'
    return None


def _left_out(task: Task, by_key: Mapping[str, Task], names: Collection[str]) -> Iterator[tuple[Dependency, Task]]:
    """What a task waits for and is left out, and what such ones wait for; each with who waits for it."""
    for one in task.after:
        if one.key in names:
            yield one, task
            yield from _left_out(by_key[one.key], by_key, names)


def _after(task: Task, by_key: Mapping[str, Task], names: Collection[str]) -> Iterator[Dependency]:
    for one in task.after:
        if one.key in names:
            yield from _after(by_key[one.key], by_key, names)
        else:
            yield one
