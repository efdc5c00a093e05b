"""The test's side of a notebook's ``dbutils``: answers what a run, or a unit, asks for. Facts and answers are plain data."""

from __future__ import annotations

import base64
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.errors import ChildRunError, DbutilsCallError, LostAnswerError, NotebookError
from harness.extract.run import find_target, why_missing
from harness.model import GREEN
from harness.runtime.context import facts, workspace_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.model import NotebookRun
    from harness.runtime.secrets import SecretStore
    from harness.runtime.surroundings import Surroundings
    from harness.settings import Settings

# Tracebacks in pytest show the user's lines, not these.
__tracebackhide__ = True

DEEPEST = 16
"""How many notebooks may run each other, one inside the other: each has a process, and a circle would fill the machine."""


MOST_AT_ONCE = 8
"""How many children of one notebook run at the same time; more, from more threads, wait for their turn."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a notebook stands.

    ``task`` is the key of the task that it is, ``number`` that of its run (None for a unit, which is outside of any job), and
    ``above`` are the notebooks that led to it.
    """

    path: str
    task: str
    number: int | None = None
    above: tuple[str, ...] = ()


class Host:
    """Answers for one run, or for the units of one test.

    ``run`` runs a child: ``run(path, widgets, timeout_s, above, stop)``. ``deadline`` is when this run itself has to be done,
    and ``root`` the folder that stands for a workspace's.
    """

    def __init__(
        self,
        around: Surroundings,
        *,
        place: Callable[[], Place],
        settings: Callable[[], Settings],
        run: Callable[..., NotebookRun],
        root: str,
        deadline: float | None = None,
    ) -> None:
        self.around = around
        self.children: list[NotebookRun] = []
        self.resumed: dict[str, Any] | None = None
        self._place, self._settings, self._run, self._root = place, settings, run, root
        self._deadline = deadline
        self._stop = threading.Event()
        self._running: list[threading.Event] = []
        self._room = threading.Semaphore(MOST_AT_ONCE)
        self._answers: dict[str, Callable[..., Any]] = {
            "secret": self._secret,
            "secret_bytes": self._secret_bytes,
            "secret_keys": lambda scope: self._store().keys(scope),
            "secret_scopes": lambda: self._store().scopes(),
            "task_set": self._task_set,
            "task_get": self._task_get,
            "context": self._context,
            "run": self._child,
            "restart": self._restart,
        }

    def answer(self, what: str, **asked: Any) -> Any:
        """Answer one question.

        Raises:
            DbutilsError: As ``dbutils`` itself raises it.
        """
        return self._answers[what](**asked)

    def close(self) -> None:
        """End what still runs for it, and wait for that."""
        self._stop.set()
        for done in list(self._running):
            done.wait(10)

    def _store(self) -> SecretStore:
        return self.around.secret_store(self._settings().secrets)

    def _secret(self, scope: str, key: str) -> str:
        return self._read_secret(scope, key).decode(errors="replace")

    def _secret_bytes(self, scope: str, key: str) -> str:
        return base64.b64encode(self._read_secret(scope, key)).decode()

    def _read_secret(self, scope: str, key: str) -> bytes:
        """Give a secret, hidden from now on; a workspace's also as Python shows its bytes, and as it travels."""
        store = self._store()
        value = store.get_bytes(scope, key)
        self.around.redactor.add(value.decode(errors="replace"))
        if store.beyond is not None:
            self.around.redactor.add(repr(value)[2:-1])
            self.around.redactor.add(base64.b64encode(value).decode())
        return value

    def _task_set(self, key: str, value: str) -> None:
        place = self._place()
        if place.above:
            raise _no_task("set")
        self.around.tasks.set(place.task, key, value)

    def _task_get(self, task: str, key: str, *, has_default: bool, has_debug: bool) -> dict[str, Any]:
        place = self._place()
        if place.above:
            raise _no_task("get")
        return self.around.tasks.find(task, key, has_default=has_default, has_debug=has_debug, is_job=place.number is not None)

    def _context(self) -> dict[str, Any]:
        place, settings = self._place(), self._settings()
        path = workspace_path(place.path, root=self._root, folder=settings.folder, prefixes=settings.run_prefixes)
        return facts(path, run=place.number, user=self.around.user)

    def _restart(self, **state: Any) -> None:
        self.resumed = state

    def _child(self, path: str, timeout_s: int, arguments: dict[str, str]) -> str | None:
        place, settings = self._place(), self._settings()
        chain = (*place.above, place.path)
        found = find_target(path, beside=place.path, prefixes=settings.run_prefixes, root=settings.folder)
        if found is None:
            why, mend = why_missing(path, beside=place.path, prefixes=settings.run_prefixes, root=settings.folder)
            if self.around.is_workspaces:  # the settings are none of the user's
                why = "the workspace has no such notebook"
                mend = "deploy it; one of the project goes up by itself where the call has its path, and not a variable"
            raise _failed(
                f'the notebook "{path}" isn\'t there',
                f'FAILED: Unable to access the notebook "{path}". Either it does not exist, or it can\'t be read.\n{why}',
                mend=mend,
            )
        if len(chain) >= DEEPEST:
            raise _failed(
                f"{len(chain)} notebooks run each other, one inside the other",
                "FAILED: " + " -> ".join(part.rpartition("/")[2] for part in (*chain[-3:], found)),
                mend="break the circle",
            )
        done = threading.Event()
        self._running.append(done)
        try:
            with self._room:
                if self._stop.is_set():
                    raise _failed(f'the notebook "{path}" was not begun', "CANCELED", mend="see how its parent ended")
                left = None if self._deadline is None else max(self._deadline - time.monotonic(), 0.1)
                limit = min((limit for limit in (timeout_s or None, left) if limit is not None), default=None)
                run = self._run(found, widgets=arguments, timeout_s=limit, above=chain, stop=self._stop)
        except NotebookError as exc:
            raise _failed(f'the notebook "{path}" can\'t be run', f"FAILED: {exc}", mend="mend that notebook") from exc
        finally:
            done.set()
            self._running.remove(done)
        self.children.append(run)
        if run.ended in GREEN:
            return run.exit_value
        raise _ended(run)


def _no_task(call: str) -> DbutilsCallError:
    return DbutilsCallError(
        f"dbutils.jobs.taskValues.{call} is not served here in a notebook that another one runs",
        cause="such a run is no task of the job, and what Databricks answers there isn't known",
        mend="hand values over by arguments and by dbutils.notebook.exit",
    )


def _failed(what: str, cause: str, *, mend: str) -> ChildRunError:
    return ChildRunError(
        what, cause=f"com.databricks.WorkflowException: com.databricks.NotebookExecutionException: {cause}", mend=mend
    )


def _ended(run: NotebookRun) -> Exception:
    """What its parent sees of a child that was red."""
    at = run
    while at.error.startswith(f"{ChildRunError.__module__}.{ChildRunError.__name__}") and at.children:
        at = at.children[-1]  # what it failed by is its own child's
    told = f"{at.location}: {at.error}" if at.location is not None else at.error
    if run.ended == "unsupported":
        return DbutilsCallError(
            f"dbutils.notebook.run of {run.path} is not served here",
            cause=f"that notebook holds what can't run here: {told}",
            mend="see what it asks for",
        )
    if run.ended == "infrastructure_failed":
        return LostAnswerError(
            f"the notebook {run.path} was lost", cause=told, mend="run it by itself to see what becomes of it"
        )
    told_as = {"timed_out": "TIMEDOUT", "cancelled": "CANCELED"}.get(
        run.ended, "FAILED: Workload failed, see run output for details"
    )
    return _failed(
        f"the notebook {run.path} {run.ended.replace('_', ' ')}", f"{told_as}\n{told}", mend="see what that notebook says"
    )
