"""A test process's session on the warm engine: opened, restored after each test, revived when it or the engine is gone."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import secrets
import sys
import time
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from harness.errors import EngineModeError
from harness.spark import server
from harness.spark.answers import ConnectCalls, interceptor
from harness.spark.calls import current_folder
from harness.spark.clients import Aliases, leave_open, make_unusable, retry_while_alive, set_all, tell_of_forks
from harness.spark.conf import BARE, session_conf
from harness.spark.hints import lost_error
from harness.spark.home import OURS, forget_inherited, variables
from harness.spark.kept import Kept, kept_spaces
from harness.spark.parts import import_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pyspark.sql import SparkSession

    from harness.errors import EngineLostError
    from harness.spark.conf import Wishes
    from harness.spark.server import Engine


ANSWER_S = 60.0
"""How long an engine may take to answer a greeting: one that writes its class archive stands still for some seconds."""


class ConnectSession:
    """One process's session on the engine. ``spark`` stays the same object for the whole run, whatever becomes of it."""

    kind = "connect"

    def __init__(
        self,
        wishes: Wishes,
        start: Callable[[], Engine],
        *,
        roots: Sequence[Path],
        space: str = "",
        session: str = "",
        files: str = "",
        bare: str = BARE,
        whose: Mapping[str, str] = MappingProxyType({}),
        progress: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self._progress = progress
        self._lent = session
        self._wishes = wishes
        self._start = start
        self._roots = [str(root) for root in roots]
        self._paths = {"files": files, "bare": bare}
        self._calls = ConnectCalls(self._follow, lambda: self._hello(os.getpid()))
        self._env = dict(os.environ)
        self._marked_at = 0
        self._listeners: list[Any] = []
        self._undo = contextlib.ExitStack()
        self._pid = os.getpid()
        self.whose = whose
        # Where an entry of sys.path lies for Python workers, which see this machine as it is.
        self.real_entry: Callable[[str], str] = str
        self.space = space or f"{self._pid}-{secrets.token_hex(4)}"
        self.engine = start()
        # Connect's session is a SparkSession by its methods, not by its class.
        self._session: Any = object.__new__(_session_type())
        self.spark: SparkSession = self._session
        self._open()
        # pyspark writes each failed call to stderr once more, as kilobytes of JSON; the exception says the same.
        for name in ("pyspark.sql.connect.logging", "DataFrameQueryContextLogger", "SQLQueryContextLogger"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        tell_of_forks(self)

    def _open(self) -> None:
        """Open a session on the engine; one that doesn't answer is replaced, once."""
        for is_last in (False, True):
            self._undo.close()
            self._undo.enter_context(_variables(self.engine))
            begun = time.monotonic()
            try:
                self._connect()
                self._greet()
            except Exception:
                self._undo.close()
                if is_last or not (self.is_lost or time.monotonic() - begun >= ANSWER_S):
                    raise
            else:
                self._aliases = Aliases(
                    _session_type(), url=self.engine.address, join=lambda: self._channel(again=True), tune=self._tune
                )
                self._undo.enter_context(self._aliases.installed())
                return
            self._progress(f"the engine with pid {self.engine.record.pid} doesn't answer: starting another")
            server.stop(self.engine)
            self.engine = self._start()

    def _connect(self, *, again: bool = False) -> None:
        """Give the one session object a new client, for notebooks and test files hold it."""
        channel = self._channel(again=again)
        vars(self._session).clear()
        with self._calls.paused():  # some clients say hello at once
            _session_type().__init__(self._session, connection=channel)
        self._tune(self.spark)
        self._take_the_lead()

    def _tune(self, session: Any) -> None:
        session.client.set_retry_policies([retry_while_alive(self.engine)])
        # Taking up a broken stream again is for networks; on this machine it costs two more calls a query.
        session.client.disable_reattachable_execute()
        leave_open(session)

    def _take_the_lead(self) -> None:
        """Have ``SparkSession.builder`` and pyspark's functions find this session first."""
        kind = _session_type()
        kind._default_session = self.spark  # noqa: SLF001 -- its own method sets it only where there is none
        kind._active_session.session = self.spark  # noqa: SLF001 -- as above

    def _channel(self, *, again: bool = False) -> Any:
        """A channel to the engine; with ``again`` to the session that is open there already."""
        session = self._session_id if again else self._lent
        told = f";session_id={session}" if session else ""
        builder = _channel_builder()(self.engine.url + told)
        builder.add_interceptor(interceptor(self._calls))
        return builder

    @property
    def _session_id(self) -> str:
        return str(self._session._session_id)  # noqa: SLF001 -- the public one is only in clients of Spark 4

    def _greet(self) -> None:
        """Tell the engine whose session this is, and set what this project wants of it."""
        self._env = dict(os.environ)  # later changes of it no worker sees, as on Databricks
        with self._calls.paused(), self._calls.timed(ANSWER_S):
            self._hello(os.getpid())
            configs = session_conf(self._wishes, space=self.space if self.engine.has_catalogs else "", **self._paths)
            configs.update(self.whose)
            if self._lent:  # it has them, and those that the notebook changed are its own
                configs, self._lent = {}, ""
            folder = current_folder()
            # One call for all. The folder is among what a restore brings back, so it needn't be told again in each test.
            here = {"nbh.working.dir": folder} if folder else {}
            set_all(self._session, {**configs, **here})
        self._calls.forget()
        self._calls.folder, self._calls.path = folder, [*sys.path]
        self._mark()

    def _hello(self, pid: int) -> None:
        """Say whose session it is, and what its Python workers are to see: this process's path, as it is now."""
        here, entries = current_folder(), list[Any](sys.path)  # it may be gone; and what is no text, Python passes over
        path = [str(Path(here, self.real_entry(entry))) for entry in entries if isinstance(entry, str)]
        self._command(f"hello/{pid}", server.worker_facts(self._roots, path, self._env, doubtful=self._calls.doubtful))

    def doubt(self, names: Iterable[str]) -> None:
        """Have Python workers import none of these, for nobody can say which module is meant."""
        self._calls.doubtful = tuple(names)

    def _mark(self) -> None:
        self._command("mark")
        self._calls.mark()
        self._marked_at = self._calls.count
        self._listeners = self._streams_listeners()

    def _streams_listeners(self) -> list[Any]:
        # They are called in this process, so the engine doesn't know of each; and pyspark has no public way to ask for them.
        bus = getattr(vars(self._session).get("_sqm"), "_sqlb", None)
        return list(getattr(bus, "_listener_bus", []))

    def _forget_listeners(self) -> None:
        with self._calls.paused():
            for listener in self._streams_listeners():
                if not any(listener is known for known in self._listeners):
                    self.spark.streams.removeListener(listener)

    def _follow(self, folder: str) -> None:
        """Have relative paths read from this process's folder, as it is now."""
        session = next((one for one in [self._session, *self._aliases.opened] if not one.is_stopped), None)
        if session is not None:
            set_all(session, {"nbh.working.dir": folder})

    def _command(self, verb: str, text: str = "") -> None:
        from google.protobuf.any_pb2 import Any as Packed
        from pyspark.sql.connect.proto import Command

        command = Command(extension=Packed(type_url=f"nbh/{verb}", value=text.encode()))
        with self._calls.paused():
            self._session.client.execute_command(command)

    def relations(self) -> dict[str, str]:
        """The tables and views that this session sees, by full name, each with a text that changes when it is changed.

        What another process of ours does in these catalogs is told here alone; so after this the session is taken for used.

        Raises:
            EngineLostError: The engine ended while it was asked.
        """
        if not self.engine.has_catalogs or self.is_lost or self.is_stopped:
            return {}
        try:
            return {row.name: row.stamp for row in self.spark.sql("NBH SHOW RELATIONS").collect()}
        except Exception as exc:
            if not self.is_lost:
                raise
            raise self.lost_error() from exc

    def lend(self, pid: int) -> str:
        """Have the session outlive this process: until another takes it up by the name that is given, it is that process's."""
        self._hello(pid)
        return self._session_id

    @property
    def folder(self) -> Path:
        """Where the engine keeps this session's tables."""
        found = sorted((Path(self.engine.folder) / "spaces").glob(f"{self.space}-*"))
        return found[0] if found else Path(self.engine.folder) / "spaces" / self.space

    @property
    def is_lost(self) -> bool:
        """Whether the engine has ended under this session."""
        return not self.engine.is_alive()

    def lost_error(self) -> EngineLostError:
        """What to tell of an engine that has ended."""
        return lost_error(self.engine.record.pid, self.engine.log_tail(), memory=self._wishes.memory)

    @property
    def was_used(self) -> bool:
        """Whether something was asked of the engine since the last mark or restore."""
        return self._calls.count != self._marked_at

    def ready(self) -> None:
        """Before a test: have a session that works, and take what is so now for what fixtures of a wider scope set up."""
        if os.getpid() != self._pid:
            return
        if self.is_lost:
            self._progress(f"the Spark engine with pid {self.engine.record.pid} has ended, and all that was made in it is gone")
            self._close()
            self.engine = self._start()
            self._open()
            return
        if self.is_stopped:  # by a fixture
            self._connect(again=True)
        self._take_the_lead()
        if self.was_used:
            self._mark()

    def restore(self) -> None:
        """After a test: put back settings, views, functions, streams, catalog and schema, and drop what was made.

        Raises:
            EngineLostError: The engine has ended meanwhile.
        """
        if os.getpid() != self._pid or self.is_lost:
            return  # it is another process's, or `ready` opens a new one
        if self.is_stopped:
            self._connect(again=True)
        self._take_the_lead()
        if self.was_used and self._calls.need_restore:
            self._restore()
        self._marked_at = self._calls.count

    def _restore(self) -> None:
        try:
            self._forget_listeners()
            self._command("restore")
        except Exception as exc:
            if self.is_lost:
                raise self.lost_error() from exc
            if "SESSION_CLOSED" not in str(exc) and "SESSION_NOT_FOUND" not in str(exc):
                raise
            self._close()  # the test itself told the engine to forget it, and all that was in it
            self._open()
        else:
            self._calls.restored()

        self._marked_at = self._calls.count

    @property
    def ends_with(self) -> str:
        """What the engine, and so what was kept on it, ends with: this "run", or nothing of it."""
        return "run" if self.engine.record.owner else ""

    @property
    def is_stopped(self) -> bool:
        """Whether the test has stopped the session."""
        return bool(self._session.is_stopped)

    def keep(self, test: str, *, schema: str) -> Kept | None:
        """Copy what this test made, with all else that is there, to a space that stays; None if it made nothing."""
        if self.is_stopped or self.is_lost or self._calls.count == self._marked_at:
            return None
        kept = Kept(f"kept-{secrets.token_hex(4)}", test, schema, round(time.time(), 3))
        told = {name: getattr(kept, name) for name in ("space", "test", "schema", "at")}
        self._command(f"keep/{kept.space}", json.dumps(told))
        return next((found for found in kept_spaces(self.engine.folder) if found.space == kept.space), None)

    def interrupt(self) -> None:
        """End whatever this session's queries still do."""
        if not self.is_stopped and not self.is_lost:
            with self._calls.paused(), contextlib.suppress(Exception):
                self.spark.interruptAll()

    def _close(self) -> None:
        """Close the connection, without a farewell."""
        self._undo.close()
        with contextlib.suppress(Exception):
            self._session.client.close()

    def forked(self) -> None:
        """In a process that was forked from this one: let nothing that it does reach the engine."""
        make_unusable(self.spark)
        self._aliases.forked()

    def stop(self) -> None:
        """End the session and what was made in it; the engine lives on."""
        if os.getpid() != self._pid:
            return
        with contextlib.ExitStack() as undo:
            undo.callback(self._session.stop)
            undo.callback(self._undo.close)
            if self.is_lost:
                return
            if self.is_stopped:
                self._connect(again=True)
            with contextlib.suppress(Exception):
                self._command("end")
                self._session.client.release_session()


def open_session(
    wishes: Wishes,
    *,
    roots: Sequence[Path],
    progress: Callable[[str], None],
    env: Mapping[str, str] | None = None,
    owner: int = 0,
    idle_s: float = 1800,
    space: str = "",
    session: str = "",
    files: str = "",
    bare: str = BARE,
    whose: Mapping[str, str] = MappingProxyType({}),
) -> ConnectSession:
    """Open this process's session on the warm engine, starting the engine if there is none.

    ``space``, ``files`` and ``bare`` are those of `harness.spark.conf.session_conf`. ``session`` names one that was lent, which
    is taken up as it is. ``whose`` are the settings that say whose it is.

    Raises:
        EngineModeError: A classic session lives in this process.
        EngineError: The engine can't be had; see `harness.spark.server.find_or_start`.
    """
    forget_inherited()
    environ = dict(os.environ if env is None else env)
    _refuse_classic()

    def start() -> Engine:
        return server.find_or_start(wishes, env=environ, progress=progress, owner=owner, idle_s=idle_s)

    return ConnectSession(
        wishes,
        start,
        roots=roots,
        space=space,
        session=session,
        files=files,
        bare=bare,
        whose=whose,
        progress=progress,
    )


def _refuse_classic() -> None:
    if "pyspark" not in sys.modules:
        return
    from pyspark import SparkContext

    if SparkContext._active_spark_context is not None:  # noqa: SLF001 -- there is no public way to ask
        raise EngineModeError(
            "a classic Spark session lives in this process",
            cause="pyspark can't hold a Connect session beside it",
            mend="stop that session first, or run with --nbh-engine classic",
        )


def _variables(engine: Engine) -> contextlib.AbstractContextManager[None]:
    # With these pyspark's functions and `SparkSession.builder` turn to our session. Without the token: pyspark shows the
    # address in its errors, and any process that the test starts would find it.
    wanted = {"SPARK_REMOTE": engine.address, "SPARK_CONNECT_MODE_ENABLED": "1", OURS: str(os.getpid())}
    return variables(wanted)


def _session_type() -> Any:
    import_parts()
    from pyspark.sql.connect.session import SparkSession

    return SparkSession


def _channel_builder() -> Any:
    """The client's own, but that each takes our token without TLS; those of Spark 3.5 would ask this machine for TLS."""
    import grpc
    from pyspark.sql.connect.client.core import DefaultChannelBuilder

    class OnThisMachine(DefaultChannelBuilder):
        def toChannel(self) -> Any:  # noqa: N802 -- pyspark's name
            token = grpc.access_token_call_credentials(self.token)
            trust = grpc.composite_channel_credentials(grpc.local_channel_credentials(), token)
            return self._secure_channel(self.endpoint, trust)

    return OnThisMachine
