"""How long the iterations of a loop may take, and what each is given."""

from __future__ import annotations

import pytest

from harness.execute.jobs import run_job
from harness.jobs.job import Job, Loop, Task
from harness.model import NotebookRun
from harness.runtime.surroundings import Surroundings

ONE = Task("one", "notebook_task", path="/p/one.py", parameters={"x": "{{input}} {{task.notebook_path}}"}, timeout_s=20)


@pytest.mark.parametrize(
    ("timeout_s", "of_job", "of_loop", "most"),
    [(None, 0, 0, 20), (10, 0, 0, 10), (None, 15, 0, 15), (100, 50, 12, 12), (100, 0, 500, 20)],
)
def test_an_iteration_has_the_least_of_what_is_left(timeout_s, of_job, of_loop, most):
    """Of its own time, the loop's, the job's, and the test's; the next one has as much of its own."""
    asked = []
    loop = Task("each", "for_each_task", timeout_s=of_loop, loop=Loop('["a", "b"]', ONE))

    def run(task, left):
        asked.append((task.key, task.parameters["x"], left))
        return NotebookRun("one.py", "passed")

    job = Job("j", "/p/j.yml", (loop,), timeout_s=of_job)

    shown = {"shown": lambda path: f"/W{path}"}
    done = run_job(job, {}, around=Surroundings(), run=run, run_other=pytest.fail, timeout_s=timeout_s, **shown)

    assert done.passed
    assert [one[:2] for one in asked] == [("one", "a /W/p/one.py"), ("one", "b /W/p/one.py")]
    assert all(most - 5 < left <= most for _, _, left in asked)
