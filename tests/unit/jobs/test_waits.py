"""Which task of a job runs after which."""

from __future__ import annotations

from harness.jobs.job import Dependency, Task
from harness.jobs.order import before, last_first


def task(key, *after):
    """A task that waits for others."""
    return Task(key, "notebook_task", tuple(Dependency(one) for one in after))


def test_what_has_ended_when_a_task_starts():
    """What it waits for, and what that waits for; none that may run beside it."""
    tasks = [task("a"), task("b"), task("c", "a"), task("d", "c", "b")]

    assert before(tasks) == {"a": set(), "b": set(), "c": {"a"}, "d": {"a", "b", "c"}}


def test_what_is_written_last_runs_first_where_it_may():
    """And each after all that it waits for."""
    tasks = [task("a"), task("b"), task("c", "a"), task("d"), task("e", "d")]

    assert [one.key for one in last_first(tasks)] == ["d", "e", "b", "a", "c"]
