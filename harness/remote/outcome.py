"""What became of a run on a workspace, from what ``runs/get`` and ``runs/get-output`` say: the same result as of a run here.

Only what is known to be good is green. A state that isn't known, an output that can't be read, a word that contradicts another:
each is `infrastructure_failed`, for nobody can say that the notebook passed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.errors import ExitValueCutError
from harness.model import NOTHING_RUN, Location, NotebookRun
from harness.remote.errors import ContactLostError, LeftUnknownError, RunGoneError
from harness.remote.frames import place_of
from harness.remote.later import Later
from harness.remote.later import unknown as not_known
from harness.remote.removal import has_ended
from harness.remote.views import failed_cell

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.model import CellRun, Notebook, Outcome
    from harness.remote.protocol import Facts

_PLATFORM = frozenset(
    {
        "CLOUD_FAILURE",
        "CLUSTER_ERROR",
        "CLUSTER_REQUEST_LIMIT_EXCEEDED",
        "INTERNAL_ERROR",
        "MAX_SPARK_CONTEXTS_EXCEEDED",
        "STORAGE_ACCESS_ERROR",
        "WORKSPACE_RUN_LIMIT_EXCEEDED",
    }
)
"""Why a run ended by no fault of its notebook or settings, so that it may be tried again. A driver that died is none: the
notebook may have used up its memory, and a second try that passes would hide it."""

_NOTEBOOKS_OWN = frozenset({"RUN_EXECUTION_ERROR"})
_LONGEST_ERROR = 20_000
_ONLY_THERE = "The rehearsal can't run this "
"""How an error begins that says nothing of the notebook: only the rehearsal has it, and no state of a run is for it."""


def _nobody_knows(what: str) -> Later[Any]:
    cause = "no call of a workspace tells it"
    mend = "look for it on the workspace, by uc.table(…) or dbutils.fs.ls(…), or mark the test nbh_local_only"
    return not_known(LeftUnknownError(f"{what} isn't known", cause=cause, mend=mend))


@dataclass(frozen=True, slots=True, repr=False)
class RemoteRun(NotebookRun):
    """A notebook's run on a workspace.

    ``link`` is its page there, ``run_id`` its number, ``digest`` that of all that was sent. ``retried`` says for each earlier
    attempt why it was lost; ``notes`` what else there is to know, such as output that the workspace cut. ``trace`` is the
    traceback as the workspace shows it.
    """

    # A look at these may cost a call or be an error: runs are compared without them.
    cells: Sequence[CellRun] = field(
        default_factory=partial(_nobody_knows, "what the cells of this run put out"), compare=False
    )
    tables: Sequence[str] = field(default_factory=partial(_nobody_knows, "which tables a run there made"), compare=False)
    files: Sequence[str] = field(default_factory=partial(_nobody_knows, "which files a run there wrote"), compare=False)
    children: Sequence[NotebookRun] = field(
        default_factory=partial(_nobody_knows, "which notebooks a run there ran"), compare=False
    )
    link: str = ""
    run_id: int = 0
    retried: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    trace: str = ""
    digest: str = ""

    @property
    def summary(self) -> str:
        """One clause for people, with how often it was tried again and where to look."""
        # super() without arguments doesn't find its class in one that has slots.
        told = NotebookRun.summary.fget(self)  # type: ignore[attr-defined]
        again = f" (tried again after: {'; '.join(self.retried)})" if self.retried else ""
        return f"{told}{again}{f' [{self.link}]' if self.link else ''}"


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent: the notebook's path, the closure's notebooks and other files, the folder they lie in there.

    ``notes`` are what is to be told with the result, such as a copy of the workspace's own that couldn't be compared;
    ``digest`` is the closure's. ``installed`` are the files of wheels, by their paths below the folder of packages there.
    """

    path: str
    notebooks: Mapping[str, Notebook]
    files: Sequence[str]
    folder: str
    notes: tuple[str, ...] = ()
    digest: str = ""
    installed: Mapping[str, str] = field(default_factory=dict)


def outcome_of(run: Facts, output: Facts | None, sent: Sent, *, stopped: str = "", page: str = "") -> RemoteRun:
    """Judge a run that has ended.

    Args:
        run: What ``runs/get`` says of it.
        output: What ``runs/get-output`` says of its task; None if there is none to be had.
        sent: What was sent there.
        stopped: Why it was cancelled from here: "timed_out", "cancelled", or "" if it wasn't.
        page: The executed notebook as ``runs/export`` gives it, for a failure whose place the traceback doesn't tell.
    """
    task = task_of(run)
    ended, error = _judged(run, task, output, stopped)
    given = (output or {}).get("notebook_output") or {}
    value = given.get("result")
    notes = list(sent.notes)
    if ended in ("passed", "exited") and given.get("truncated"):
        cut = ExitValueCutError(
            "the workspace gave only the beginning of the exit value",
            cause=f"it gave {len(str(value or '').encode()):,} bytes, and says that there are more",
            mend="exit with a short value, and write what is long to a table or a volume",
        )
        ended, error = "infrastructure_failed", str(cut)
    if (output or {}).get("logs_truncated"):
        notes.append("the workspace cut the run's output; its page has more")
    notebook = sent.notebooks.get(sent.path)
    if ended == "passed" and notebook is not None and notebook.is_left_out():
        ended, error = "unsupported", NOTHING_RUN
    retries = int(task.get("attempt_number") or 0)
    trace = str((output or {}).get("error_trace") or "")
    place: Location | None = None
    if ended in ("failed", "unsupported"):
        cell = failed_cell(page, notebook) if page and notebook is not None else None
        failed = (sent.path, cell) if cell is not None else None
        place = place_of(
            trace,
            notebooks=sent.notebooks,
            files=sent.files,
            folder=sent.folder,
            failed=failed,
            installed=sent.installed,
        )
    return RemoteRun(
        path=sent.path,
        ended=ended,
        exit_value=None if value is None else str(value),
        error=error[:_LONGEST_ERROR],
        location=place,
        duration_s=_seconds(task, run),
        link=str(task.get("run_page_url") or run.get("run_page_url") or ""),
        run_id=int(run.get("run_id") or 0),
        retried=("the workspace retried it by itself",) * retries,
        notes=tuple(notes),
        trace=trace,
        digest=sent.digest,
        left_out=notebook.left_out() if notebook is not None else (),
        is_empty=notebook is not None and notebook.is_empty,
    )


def gone(sent: Sent, *, run_id: int, link: str = "") -> RemoteRun:
    """The outcome of a run that isn't on the workspace any more."""
    error = RunGoneError(
        "the run isn't on the workspace any more",
        cause=f"run {run_id} was removed, or can't be seen by this identity any more",
        mend="run the tests again, and leave runs that begin with nbh- alone while tests run",
    )
    return RemoteRun(
        sent.path, "infrastructure_failed", error=str(error), run_id=run_id, link=link, notes=sent.notes, digest=sent.digest
    )


def unknown(sent: Sent, *, why: str, run_id: int = 0, link: str = "") -> RemoteRun:
    """The outcome of a run of which the workspace couldn't be asked what became of it."""
    error = ContactLostError(
        "what became of the run isn't known",
        cause=why,
        mend="look at its page, and run the tests again; `nbh sweep` ends it if it is still on",
    )
    return RemoteRun(
        sent.path, "infrastructure_failed", error=str(error), run_id=run_id, link=link, notes=sent.notes, digest=sent.digest
    )


def after(earlier: Sequence[RemoteRun], last: RemoteRun) -> RemoteRun:
    """The last attempt's outcome, which tells of those before it."""
    lost = tuple(one.error.splitlines()[0] if one.error else one.ended for one in earlier)
    return replace(last, retried=(*lost, *last.retried)) if lost else last


def is_fault_of_platform(run: Facts) -> bool:
    """Whether a run that ended may be tried again: it was lost by the platform, by no fault of the notebook or the settings."""
    details = _details(task_of(run))
    if details:
        return details.get("code") in _PLATFORM and details.get("type") != "CLIENT_ERROR"
    state = task_of(run).get("state") or {}
    return state.get("life_cycle_state") == "INTERNAL_ERROR" and "workload failed" not in _message(state).lower()


def task_of(run: Facts) -> Facts:
    """The last attempt at the run's one task; the run itself where it tells of none."""
    tasks = sorted(run.get("tasks") or (), key=lambda task: int(task.get("attempt_number") or 0))
    return tasks[-1] if tasks else run


def _judged(run: Facts, task: Facts, output: Facts | None, stopped: str) -> tuple[Outcome, str]:
    state = task.get("state") or {}
    result, life = state.get("result_state"), state.get("life_cycle_state")
    details = _details(task)
    code = str(details.get("code") or "")
    told = output or {}
    error = str(told.get("error") or "")
    message = str(details.get("message") or _message(state) or _message(run.get("state") or {}))
    if not has_ended(task) or not has_ended(run):
        return "infrastructure_failed", f"it hadn't ended when it was last asked for: {life or 'no state'}"
    if result == "SUCCESS" or (result is None and code == "SUCCESS"):
        return _good(code, life, output, error)
    if result == "TIMEDOUT" or stopped == "timed_out":
        return "timed_out", message or "it took longer than it may"
    if result == "CANCELED" and code in {"", "USER_CANCELED", "CANCELED"}:
        return (
            "cancelled",
            message or "it was cancelled"
            if stopped
            else f"it was cancelled on the workspace{f': {message}' if message else ''}",
        )
    if code in _NOTEBOOKS_OWN or (
        not code and result == "FAILED" and (life == "TERMINATED" or error or told.get("error_trace"))
    ):
        how: Outcome = "unsupported" if error.startswith(_ONLY_THERE) else "failed"
        return how, error or message or "it failed, and the workspace doesn't say by what"
    why = ", ".join(filter(None, (code or str(result or life), str(details.get("type") or ""))))
    return "infrastructure_failed", f"{why}: {message or error}" if message or error else why


def _good(code: str, life: Any, output: Facts | None, error: str) -> tuple[Outcome, str]:
    """The workspace says that it passed; that counts only if nothing else it says speaks against it."""
    if output is None:
        return "infrastructure_failed", "it is said to have passed, but what it gave can't be read"
    if error or output.get("error_trace"):
        return "failed", error or "it is said to have passed, but has a traceback"
    if code not in {"", "SUCCESS"} or life not in {"TERMINATED", None}:
        return "infrastructure_failed", f"it is said to have passed, but ended as {code or life}"
    if "notebook_output" not in output and "metadata" not in output:
        return "infrastructure_failed", "it is said to have passed, but has no output of a notebook"
    return ("passed" if (output.get("notebook_output") or {}).get("result") is None else "exited"), ""


def _details(task: Facts) -> Facts:
    return (task.get("status") or {}).get("termination_details") or {}


def _message(state: Facts) -> str:
    return str(state.get("state_message") or "")


def _seconds(task: Facts, run: Facts) -> float:
    took = task.get("execution_duration") or run.get("execution_duration") or run.get("run_duration") or 0
    return float(took) / 1000
