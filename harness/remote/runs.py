"""One run as it goes: what is submitted, what is known of it, what its test waits for."""

from __future__ import annotations

import math
import threading
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.remote.collecting import end_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from filelock import BaseFileLock

    from harness.remote.errors import RemoteError
    from harness.remote.ledger import Entry
    from harness.remote.outcome import RemoteRun, Sent
    from harness.remote.protocol import Facts, Workspace

START_S = 1800.0
"""How long a run may wait for its cluster."""
TASK = "notebook"
_LOOK_S = 0.5


@dataclass(frozen=True, slots=True)
class Request:
    """A notebook's run to be.

    ``name`` carries our mark, ``keys`` gives the keys of the task and of the submission that say what it runs on (it may make
    the cluster), ``lost`` is told of a cluster that took a run with it. ``timeout_s`` counts from when the notebook starts.
    ``is_tried_again`` says whether a run that the platform lost is.
    """

    sent: Sent
    target: str
    name: str
    widgets: Mapping[str, str]
    timeout_s: float
    keys: Callable[[], tuple[Facts, Facts]]
    lost: Callable[[str], None] = lambda _: None
    start_s: float = START_S
    is_tried_again: bool = field(default=True, init=False)

    def body(self, token: str, run_name: str) -> Facts:
        """What is submitted. Nothing on the workspace may try it again by itself, and it ends there whatever becomes of us."""
        task, submission = self.keys()
        return {
            "run_name": run_name,
            "idempotency_token": token,
            "timeout_seconds": math.ceil(self.timeout_s + self.start_s),
            **submission,
            "tasks": [{"task_key": TASK, **notebook_task(self.target, self.widgets), **task}],
        }

    def collect(self, facts: Facts, workspace: Workspace, *, stopped: str) -> RemoteRun:
        """What became of it.

        Raises:
            RemoteError: The workspace may answer later.
        """
        return end_of(facts, self.sent, workspace, stopped=stopped)


_ONCE = {"max_retries": 0, "retry_on_timeout": False, "disable_auto_optimization": True}
"""Nothing on the workspace may try a task again by itself."""


def notebook_task(target: str, parameters: Mapping[str, str]) -> Facts:
    """A notebook as a task that is run once."""
    return {"notebook_task": {"notebook_path": target, "base_parameters": dict(parameters), "source": "WORKSPACE"}, **_ONCE}


def script_task(target: str, arguments: Sequence[str]) -> Facts:
    """A Python script as a task that is run once."""
    return {"spark_python_task": {"python_file": target, "parameters": list(arguments), "source": "WORKSPACE"}, **_ONCE}


def wheel_task(package: str, called: str, named: Mapping[str, str], arguments: Sequence[str]) -> Facts:
    """An entry point of a package as a task that is run once; it takes parameters with names, or without."""
    given = {"named_parameters": dict(named)} if named else {"parameters": list(arguments)}
    return {"python_wheel_task": {"package_name": package, "entry_point": called, **given}, **_ONCE}


@dataclass(slots=True, eq=False)
class Job:
    """A run between its request and its end; only the poller's thread changes it, but for ``stop``."""

    request: Request
    token: str = field(default_factory=lambda: uuid.uuid4().hex)
    entry: Entry | None = None
    slot: BaseFileLock | None = None
    run_id: int = 0
    link: str = ""
    life: str = "queued"
    since: float = 0.0  # when it was submitted
    running_since: float | None = None
    due: float = 0.0  # when it is to be looked at next, or submitted again
    tries: int = 0
    lost_since: float | None = None
    stop: str = ""  # "cancelled", "timed_out" or "start": why it is to be ended
    stopped_at: float | None = None
    is_cancelled: bool = False  # the workspace has taken the call
    earlier: list[RemoteRun] = field(default_factory=list)
    result: RemoteRun | None = None
    error: RemoteError | None = None
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def run_name(self) -> str:
        """Its name on the workspace: our mark, the notebook, and what makes it the only one."""
        return f"{self.request.name} {self.request.sent.path} {self.token[:8]}"[:4096]

    def renew(self) -> None:
        """Make it a new attempt."""
        self.token = uuid.uuid4().hex
        self.entry, self.run_id, self.life = None, 0, "queued"
        self.running_since, self.lost_since, self.due, self.tries = None, None, 0.0, 0


class Handle:
    """What a test holds of a run: it waits for its end, or ends it."""

    def __init__(self, job: Job, wake: Callable[[], None]) -> None:
        self._job = job
        self._wake = wake

    @property
    def is_done(self) -> bool:
        """Whether it has ended."""
        return self._job.ended.is_set()

    @property
    def life(self) -> str:
        """What it is doing: "queued", "pending", "running", …."""
        return self._job.life

    @property
    def link(self) -> str:
        """Its page on the workspace, once it is known."""
        return self._job.link

    def cancel(self) -> None:
        """Ask for its end; `result` then tells how it ended."""
        self._job.stop = self._job.stop or "cancelled"
        self._wake()

    def result(self, look: Callable[[], None] | None = None) -> RemoteRun:
        """Wait for its end. An interrupt cancels it on the workspace, too.

        ``look`` is called now and then meanwhile.

        Raises:
            RemoteError: It couldn't be submitted.
        """
        try:
            while not self._job.ended.wait(None if look is None else _LOOK_S):
                if look is not None:
                    look()
        except KeyboardInterrupt:
            self.cancel()
            raise
        if self._job.error is not None:
            raise self._job.error
        assert self._job.result is not None  # noqa: S101 - a job that has ended has a result or an error
        return self._job.result

    def __repr__(self) -> str:
        return f"<run of {self._job.request.sent.path}: {self._job.life}>"

    def facts(self) -> Mapping[str, Any]:
        """Where it stands: what it is doing, its number on the workspace and its page."""
        return {"life": self._job.life, "run_id": self._job.run_id, "link": self._job.link}
