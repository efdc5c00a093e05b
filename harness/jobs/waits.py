"""Which task of a job surely runs after which."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.jobs.job import Task


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
