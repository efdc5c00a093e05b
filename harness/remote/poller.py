"""One thread watches all runs of a process: it submits, looks, ends and collects, and asks the workspace at most so often.

Looking is what costs calls while one waits: at most ``calls_per_s`` in all, however many runs are on and however many processes
they are of. A few runs are looked at one by one; many are listed page by page, as long as that takes fewer calls.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.remote.costs import starts_of
from harness.remote.errors import MissingError, RemoteError, SignInError, is_passing
from harness.remote.outcome import after, gone, is_fault_of_platform, task_of, unknown
from harness.remote.removal import has_ended
from harness.remote.runs import Handle, Job
from harness.remote.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.remote.outcome import RemoteRun
    from harness.remote.protocol import Facts, Workspace
    from harness.remote.runs import Request
    from harness.remote.slots import Slots
    from harness.remote.state import SharedRun

ONE_BY_ONE = 6
"""So many runs are looked at one by one; more are listed."""
SOONEST, LATEST = 2.0, 5.0
"""Ticks (one call each) after which a run is looked at again, if no other is more urgent; the longer it runs, the later."""
_TICKS_A_DELAY = 120.0
LOST_AFTER_S = 300.0
"""How long the workspace may give no answer about a run until what became of it counts as unknown."""
NO_SIGN_IN_S = 60.0
"""The same where it answers that the sign-in isn't taken any more: that seldom mends itself."""
STOPPING_S = 120.0
"""How long a run that was cancelled may take to end."""
ATTEMPTS = 3
_SLOT_S = 0.25
_IDLE_S = 3600.0


class Poller:
    """Runs notebooks on a workspace, up to as many at once as there are slots.

    ``calls_per_s`` is how often all pollers look that share ``shared``: 1 for a workspace, more for a rehearsal. ``now`` is a
    clock that only goes forward, the same in all of them.
    """

    def __init__(
        self,
        workspace: Workspace,
        shared: SharedRun,
        slots: Slots,
        *,
        calls_per_s: float = 1.0,
        now: Callable[[], float] = time.monotonic,
        me: str = "",
        progress: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._workspace = workspace
        self._ledger = shared.ledger
        self._slots = slots
        self._tick = 1.0 / calls_per_s
        self._now = now
        self._turns = Turns(shared, self._tick, now=now, me=me)
        self._progress = progress
        self._queued: deque[Job] = deque()
        self._active: list[Job] = []
        self._next_look = 0.0
        self._page = ""
        self._pages = 1
        self._pages_now = 0
        self._since_ms = 0
        self._lock = threading.Lock()
        self._woken = threading.Event()
        self._thread: threading.Thread | None = None
        self._is_closing = False
        self.minutes = 0.0
        self.starts = 0

    # -- from any thread -------------------------------------------------------------------------------------------------------

    def submit(self, request: Request) -> Handle:
        """Queue a run; it goes out as soon as a slot is free."""
        job = Job(request)
        with self._lock:
            if self._is_closing:
                raise RuntimeError("no run can be submitted any more: the session is closing")
            self._queued.append(job)
            if self._thread is None:
                self._thread = threading.Thread(target=self._go, name="nbh-poller", daemon=True)
                self._thread.start()
        self._woken.set()
        return Handle(job, self._woken.set)

    def close(self, *, patience_s: float = 30.0) -> None:
        """End all runs that are still on, and the thread; a run that doesn't end in time stays in the ledger."""
        with self._lock:
            self._is_closing = True
            jobs = [*self._queued, *self._active]
            for job in jobs:
                job.stop = job.stop or "cancelled"
        self._woken.set()
        thread = self._thread
        if thread is not None:
            thread.join(patience_s)

    def _go(self) -> None:
        while True:
            try:
                wait = self.step()
            except Exception as exc:  # noqa: BLE001 - the thread's edge: no test may wait for ever
                self._fail_all(exc)
                return
            with self._lock:
                if self._is_closing and not self._queued and not self._active:
                    return
            self._woken.wait(wait)
            self._woken.clear()

    def _fail_all(self, exc: Exception) -> None:
        with self._lock:
            jobs = [*self._queued, *self._active]
            self._is_closing = True
            self._queued.clear()
            self._active.clear()
        for job in jobs:
            why = f"the harness itself failed while it watched: {type(exc).__name__}: {exc}"
            job.result = unknown(job.request.sent, why=why, run_id=job.run_id, link=job.link)
            job.ended.set()

    # -- in the poller's thread ------------------------------------------------------------------------------------------------

    def step(self) -> float:
        """Do what is due; gives how long there is nothing to do, in seconds."""
        for job in list(self._active):
            self._look_at_the_clock(job)
        now = self._now()
        if self._active and now >= self._next_look:
            self._next_look = self._look(now)
        waits = [self._send_queued()]
        if self._active:
            waits.append(max(self._next_look, min(job.due for job in self._active)) - self._now())
            waits.extend(self._limits())
        return max(min(waits), 0.0)

    def _send_queued(self) -> float:
        """Submit what is queued, as far as slots are free."""
        wait = _IDLE_S
        with self._lock:
            jobs = list(self._queued)
        for job in jobs:
            if job.stop and not job.tries:
                self._drop(job)
                continue
            if job.due > self._now():
                wait = min(wait, job.due - self._now())
                continue
            if job.slot is None:
                job.slot = self._slots.take()
            if job.slot is None:
                return min(wait, _SLOT_S)
            wait = min(wait, self._submit(job))
        return wait

    def _drop(self, job: Job) -> None:
        """End a run that never went out."""
        ended = replace(unknown(job.request.sent, why=""), ended="cancelled", error="it was cancelled before it was submitted")
        self._end(job, after(job.earlier, ended))

    def _submit(self, job: Job) -> float:
        job.life = "submitting"
        try:
            body = job.request.body(job.token, job.run_name)
            if job.entry is None:
                job.entry = self._ledger.note("run", job.run_name, token=job.token)
            job.tries += 1
            job.run_id = self._workspace.submit(body)
        except RemoteError as error:
            return self._not_submitted(job, error)
        self.starts += starts_of(body)
        self._ledger.learn(job.entry, str(job.run_id))
        job.life, job.lost_since, job.since = "pending", None, self._now()
        job.due = job.since + self._tick
        with self._lock:
            self._queued.remove(job)
            self._active.append(job)
        self._progress(f"{job.request.sent.path} is submitted as run {job.run_id}")
        return self._tick

    def _not_submitted(self, job: Job, error: RemoteError) -> float:
        """Ask again by the same token where the answer may only be lost: that gives the run that was made, or makes it now."""
        now = self._now()
        if not is_passing(error):
            if job.entry is not None and job.lost_since is None:  # else an earlier call may have been carried out
                self._ledger.strike(job.entry)
            self._end(job, None, error)
            return 0.0
        job.lost_since = now if job.lost_since is None else job.lost_since
        if now - job.lost_since > LOST_AFTER_S:
            # Its line stays in the ledger: it may be on, and the sweep finds it by its name.
            self._end(job, after(job.earlier, unknown(job.request.sent, why=f"{error.what}: {error.cause}")))
            return 0.0
        wait = min(self._tick * float(2 ** min(job.tries, 5)), 30.0)
        job.due = now + wait
        return wait

    # -- looking ---------------------------------------------------------------------------------------------------------------

    def _look(self, now: float) -> float:
        """Ask the workspace once, if anything is due and it is this process's turn; gives when to look again."""
        if seen := self._turns.shared():
            for job in self._take_page(seen):
                self._look_at(job)
        due = [job for job in self._active if job.due <= now]
        if not due:
            return now
        if wait := self._turns.take(Counter(job.life for job in self._active)):
            return now + wait
        if self._turns.active > ONE_BY_ONE and self._pages < self._turns.active:
            self._look_at_page()
        else:
            self._look_at(min(due, key=lambda job: job.due))
        return self._now() + self._tick

    def _look_at(self, job: Job) -> None:
        try:
            facts = self._workspace.run(job.run_id)
        except MissingError:
            self._strike(job)
            self._end(job, after(job.earlier, gone(job.request.sent, run_id=job.run_id, link=job.link)))
            return
        except RemoteError as error:
            self._no_answer(job, error)
            return
        job.lost_since = None
        self._since_ms = min(filter(None, (self._since_ms, int(facts.get("start_time") or 0))), default=0)
        self._take(job, facts)
        if has_ended(facts):
            self._collect(job, facts)

    def _look_at_page(self) -> None:
        """List the next page of runs: whoever's they are, ours among them are looked at by the one call."""
        try:
            page, token = self._workspace.runs_page(since_ms=self._since_ms, page_token=self._page)
        except RemoteError as error:
            self._page = ""
            self._no_answer(min(self._active, key=lambda job: job.due), error)
            return
        self._turns.share(page)
        ended = self._take_page(page)
        self._pages_now += 1
        self._page = "" if self._page_of_oldest(page) else token
        if not self._page:
            self._pages, self._pages_now = self._pages_now, 0
            late = self._now() - LATEST * self._tick
            ended.extend(job for job in self._active if job.due < late)  # not listed: it is looked at by itself
        for job in ended:  # that isn't waiting any more: each is asked for what became of it, at once
            self._look_at(job)

    def _take_page(self, page: Sequence[Facts]) -> list[Job]:
        """Take note of those of ours that are on a page of runs; gives those that have ended."""
        found = {int(facts["run_id"]): facts for facts in page}
        ended = []
        for job in self._active:
            facts = found.get(job.run_id)
            if facts is not None:
                job.lost_since = None
                self._take(job, facts)
                if has_ended(facts):
                    ended.append(job)
        return ended

    def _page_of_oldest(self, page: Sequence[Facts]) -> bool:
        """Whether the oldest of ours is on this page: what follows is older still."""
        return min(self._active, key=lambda job: job.since).run_id in {int(facts["run_id"]) for facts in page}

    def _take(self, job: Job, facts: Facts) -> None:
        """Take note of where a run stands, and when to look at it again."""
        now = self._now()
        life = str((facts.get("state") or {}).get("life_cycle_state") or (facts.get("status") or {}).get("state") or "")
        job.link = str(facts.get("run_page_url") or job.link)
        if life == "RUNNING" and job.running_since is None:
            job.running_since = now
            self._progress(f"{job.request.sent.path} is running: {job.link}")
        job.life = life.lower() or job.life
        ticks = (now - job.since) / self._tick / _TICKS_A_DELAY
        job.due = now + min(max(ticks, SOONEST), LATEST) * self._tick

    def _no_answer(self, job: Job, error: RemoteError) -> None:
        """Wait on: the run goes on without us. After long enough what became of it is unknown, and it stays in the ledger."""
        now = self._now()
        job.lost_since = now if job.lost_since is None else job.lost_since
        job.due = now + LATEST * self._tick
        if now - job.lost_since > (NO_SIGN_IN_S if isinstance(error, SignInError) else LOST_AFTER_S):
            ended = unknown(job.request.sent, why=f"{error.what}: {error.cause}", run_id=job.run_id, link=job.link)
            self._end(job, after(job.earlier, ended))

    # -- ends ------------------------------------------------------------------------------------------------------------------

    def _collect(self, job: Job, facts: Facts) -> None:
        try:
            run = job.request.collect(facts, self._workspace, stopped=job.stop if job.stop != "start" else "")
        except RemoteError as error:
            self._no_answer(job, error)
            return
        self._strike(job)
        if job.stop == "start" and not run.passed:
            late = f"its compute wasn't ready after {job.request.start_s:g} s, and it was cancelled"
            run = replace(run, ended="infrastructure_failed", error=late)
        elif self._may_try_again(job) and is_fault_of_platform(facts):
            self._try_again(job, facts, run)
            return
        self._end(job, after(job.earlier, run))

    @staticmethod
    def _may_try_again(job: Job) -> bool:
        return job.request.is_tried_again and not job.stop and len(job.earlier) + 1 < ATTEMPTS

    def _try_again(self, job: Job, facts: Facts, run: RemoteRun) -> None:
        """The platform lost it: a new attempt, which is told with the result."""
        cluster_id = str((task_of(facts).get("cluster_instance") or {}).get("cluster_id") or "")
        if cluster_id:
            job.request.lost(cluster_id)
        self._progress(f"{job.request.sent.path} was lost by the platform ({run.error.splitlines()[0]}): it is tried again")
        job.earlier.append(run)
        job.renew()
        with self._lock:
            self._active.remove(job)
            self._queued.appendleft(job)

    def _look_at_the_clock(self, job: Job) -> None:
        """Stop a run that takes too long, or that nobody wants any more."""
        now = self._now()
        request = job.request
        if not job.stop:
            if job.running_since is not None and now - job.running_since > request.timeout_s:
                job.stop = "timed_out"
            elif job.running_since is None and now - job.since > request.start_s:
                job.stop = "start"
        if not job.stop:
            return
        if job.stopped_at is None:
            job.stopped_at = now
        if not job.is_cancelled:
            self._cancel(job)
        if now - job.stopped_at > STOPPING_S:
            why = f"it was cancelled, and hadn't ended {STOPPING_S:g} s later"
            ended = unknown(request.sent, why=why, run_id=job.run_id, link=job.link)
            self._end(job, after(job.earlier, replace(ended, ended="timed_out") if job.stop == "timed_out" else ended))

    def _cancel(self, job: Job) -> None:
        try:
            self._workspace.cancel(job.run_id)
        except RemoteError as error:
            # One that has just ended can't be cancelled; what it gave is looked at, and counts.
            job.is_cancelled = not is_passing(error)
        else:
            job.is_cancelled = True
        job.due = self._now()

    def _limits(self) -> list[float]:
        """How long until a run takes too long."""
        now = self._now()
        found = []
        for job in self._active:
            if job.stopped_at is not None:
                found.append(job.stopped_at + STOPPING_S - now)
            elif job.running_since is not None:
                found.append(job.running_since + job.request.timeout_s - now)
            else:
                found.append(job.since + job.request.start_s - now)
        return found

    def _strike(self, job: Job) -> None:
        if job.entry is not None:
            self._ledger.strike(job.entry)

    def _end(self, job: Job, run: RemoteRun | None, error: RemoteError | None = None) -> None:
        with self._lock:
            if job in self._active:
                self._active.remove(job)
            if job in self._queued:
                self._queued.remove(job)
            is_last = not self._active
        if is_last:
            self._turns.rest()
        if job.slot is not None:
            self._slots.give_back(job.slot)
            job.slot = None
        job.result, job.error, job.life = run, error, "ended"
        if run is not None:
            self.minutes += run.duration_s / 60
            # Its page is told once: by now, if it has ended before anybody saw it run.
            which = f", run {job.run_id}" if job.running_since is not None or not job.link else f": {job.link}"
            self._progress(f"{job.request.sent.path} {run.ended.replace('_', ' ')}{which}")
        job.ended.set()
