"""In which order a job's tasks may run, which surely runs after which, and that what they refer to is there by then."""

from __future__ import annotations

from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from harness.jobs.job import CONDITION
from harness.jobs.references import named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any, TypeAlias

    from harness.jobs.errors import JobShapeError
    from harness.jobs.job import Task

    Wrong: TypeAlias = Callable[[str, str, str, Any], JobShapeError]


def ordered(tasks: Sequence[Task], wrong: Wrong) -> tuple[Task, ...]:
    """The tasks in an order in which they may run, as written where that is one."""
    by_key = {task.key: task for task in tasks}
    keys, all_keys = [task.key for task in tasks], [task.key for task in with_inner(tasks)]
    twice = next((key for key in all_keys if all_keys.count(key) > 1), None)
    if twice is not None:
        raise wrong(f'two tasks have the key "{twice}"', "each needs its own", "rename one", twice)
    for task in tasks:
        for one in task.after:
            if one.key not in by_key:
                near = get_close_matches(one.key, by_key, n=1)
                mend = f'did you mean "{near[0]}"?' if near else "correct depends_on"
                raise wrong(f'the task "{task.key}" depends on "{one.key}"', "the job has no such task", mend, task.key)
            if one.outcome and by_key[one.key].kind != CONDITION:
                raise wrong(
                    f'the task "{task.key}" waits for an outcome of "{one.key}"',
                    "only a condition_task has one",
                    "leave outcome out",
                    task.key,
                )
    sorter = TopologicalSorter({task.key: [one.key for one in task.after] for task in tasks})
    try:
        sorter.prepare()
    except CycleError as exc:
        circle = " -> ".join(reversed(exc.args[1]))
        raise wrong("tasks wait for each other in a circle", circle, "break it", exc.args[1][0]) from exc
    ordered: list[Task] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready(), key=keys.index)
        ordered += [by_key[key] for key in ready]
        sorter.done(*ready)
    return tuple(ordered)


def check_references(tasks: Sequence[Task], parameters: Mapping[str, str], wrong: Wrong) -> None:
    """See that references to tasks and parameters name some that there are."""
    keys, earlier = [task.key for task in tasks], before(tasks)
    for task in tasks:
        for parts in (found for text in task.all_texts for found in named(text)):
            known, what = {"tasks": (keys, "task"), "job": (list(parameters), "parameter")}.get(parts[0], ([], ""))
            name = parts[1] if parts[0] == "tasks" else parts[2] if parts[:2] == ("job", "parameters") and parts[2:] else ""
            if name and name not in known:
                near = get_close_matches(name, known, n=1)
                raise wrong(
                    f'the task "{task.key}" refers to the {what} "{name}"',
                    f"the job has no such {what}",
                    f'did you mean "{near[0]}"?' if near else "correct the reference",
                    task.key,
                )
            if parts[0] == "tasks" and name not in {*earlier[task.key], "", task.key}:
                raise wrong(
                    f'the task "{task.key}" refers to the task "{name}", which it doesn\'t wait for',
                    "on a workspace both may run at the same time, and only what has ended can be referred to",
                    f'add "{name}" to its depends_on',
                    task.key,
                )


def before(tasks: Sequence[Task]) -> dict[str, frozenset[str]]:
    """By the key of each task, which have ended when it starts: those it waits for, and what these wait for.

    Args:
        tasks: In an order in which they may run.
    """
    found: dict[str, frozenset[str]] = {}
    for task in tasks:
        found[task.key] = frozenset().union(*({one.key} | found.get(one.key, frozenset()) for one in task.after))
    return found


def last_first(tasks: Sequence[Task]) -> list[Task]:
    """An order in which they may run, too: of those that could run at the same time the one that is written last comes first.

    Whoever leaves out a ``depends_on`` mostly writes tasks in the order that they need; in that order the lack isn't seen.
    """
    left, found = list(tasks), []
    done: set[str] = set()
    while left:
        found.append(next(task for task in reversed(left) if done.issuperset(one.key for one in task.after)))
        left.remove(found[-1])
        done.add(found[-1].key)
    return found


def with_inner(tasks: Iterable[Task]) -> Iterator[Task]:
    """All tasks, that of a loop after the loop's own."""
    for task in tasks:
        yield task
        if task.loop is not None:
            yield task.loop.task
