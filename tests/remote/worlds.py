"""A workspace in memory, a poller that is stepped by hand, and a clock that only its test moves."""

# The methods of the world say by their names what they do.
# ruff: noqa: D102

from __future__ import annotations

import threading

from workspaces import FakeWorkspace

from harness.jobs.job import Condition, Dependency, Job, Task
from harness.remote.job_request import JobRequest, TaskSent
from harness.remote.outcome import Sent
from harness.remote.poller import Poller
from harness.remote.runs import Request
from harness.remote.slots import Slots
from harness.remote.state import SharedRun

NAME = "nbh-churn-run1-e2030010100"
FOLDER = "/Workspace/f"


class Time:
    """A clock that only its test moves."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


class World:
    """A workspace, a poller that is stepped by hand, and a clock: ``run_for`` lets time pass."""

    def __init__(self, *, slots=8, shared=None, beside=None, me=""):
        """Make one; ``beside`` is another process's world, with the same workspace and clock, and ``me`` names this one's."""
        self.ws = beside.ws if beside else FakeWorkspace()
        self.time = beside.time if beside else Time()
        self.shared = beside.shared if beside else shared or SharedRun("run1", about={"host": self.ws.host})
        self.messages = []
        self.poller = Poller(
            self.ws,
            self.shared,
            Slots(self.shared.folder / "slots", slots),
            now=self.time,
            me=me,
            progress=self.messages.append,
        )
        self.poller._thread = threading.current_thread()  # nothing runs by itself
        self.keys = lambda: ({"existing_cluster_id": "c1"}, {})
        self.lost_clusters = []
        self.events = []  # (time, what to do)

    def submit(self, path="jobs/etl.py", *, timeout_s=600.0, start_s=900.0, **widgets):
        sent = Sent(path, {}, (), FOLDER)
        target = f"{FOLDER}/{path.removesuffix('.py')}"
        return self.poller.submit(
            Request(sent, target, NAME, widgets, timeout_s, self.its_keys, self.lost_clusters.append, start_s)
        )

    def submit_job(self, name="etl", *, timeout_s=600.0, start_s=900.0):
        """A job of two notebooks, with a condition between them."""
        load = Task("load", "notebook_task", path="/p/load.py")
        check = Task("check", "condition_task", (Dependency("load"),), condition=Condition("EQUAL_TO", "a", "a"))
        train = Task("train", "notebook_task", (Dependency("check", "true"),), path="/p/train.py")
        parts = [TaskSent(task, Sent(f"{task.key}.py", {}, (), FOLDER), f"{FOLDER}/{task.key}") for task in (load, train)]
        parts.insert(1, TaskSent(check))
        job = Job(name, "/p/j.yml", (load, check, train))
        sent, limits = Sent(name, {}, (), FOLDER), (timeout_s, self.its_keys, self.lost_clusters.append, start_s)
        return self.poller.submit(JobRequest(sent, "", NAME, {}, *limits, job=job, parts=tuple(parts)))

    def its_keys(self):
        return self.keys()

    def at(self, after, what):
        self.events.append((self.time.now + after, what))

    def run_for(self, seconds):
        end = self.time.now + seconds
        while self.time.now < end:
            for event in [one for one in self.events if one[0] <= self.time.now]:
                self.events.remove(event)
                event[1]()
            wait = self.poller.step()
            ahead = min([one[0] for one in self.events], default=end)
            self.time.now = min(max(self.time.now + max(wait, 0.001), self.time.now), max(ahead, self.time.now + 0.001), end)

    @property
    def run_ids(self):
        return list(self.ws.runs_made)
