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
from typing import TYPE_CHECKING, Any

from harness.errors import EngineLostError, EngineModeError
from harness.spark import server
from harness.spark.answers import ConnectCalls, interceptor
from harness.spark.calls import current_folder
from harness.spark.conf import session_conf
from harness.spark.home import OURS, forget_inherited
from harness.spark.kept import Kept, kept_spaces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pyspark.sql import SparkSession

    from harness.spark.conf import Wishes
    from harness.spark.server import Engine


class ConnectSession:
    """One process's session on the engine. ``spark`` stays the same object for the whole run, whatever becomes of it."""

    kind = "connect"

    def __init__(self, wishes: Wishes, start: Callable[[], Engine], *, roots: Sequence[Path], space: str = "") -> None:
        self._wishes = wishes
        self._start = start
        self._roots = [str(root) for root in roots]
        self._calls = ConnectCalls(self._follow)
        self._marked_at = 0
        self._undo = contextlib.ExitStack()
        self.space = space or f"{os.getpid()}-{secrets.token_hex(4)}"
        self.engine = start()
        self.spark = self._open()

    def _open(self) -> SparkSession:
        from pyspark.sql.connect.session import SparkSession as Session

        self._undo.enter_context(_variables(self.engine))
        with self._calls.paused():  # some clients say hello at once
            session = Session(connection=self._channel())
        Session._set_default_and_active_session(session)  # noqa: SLF001 -- what its own builder calls
        # pyspark writes each failed call to stderr once more, as kilobytes of JSON; the exception says the same.
        for name in ("pyspark.sql.connect.logging", "DataFrameQueryContextLogger", "SQLQueryContextLogger"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._greet(session)
        return session  # type: ignore[return-value]  # Connect's session is one by its methods, not by its class

    def _channel(self) -> Any:
        from pyspark.sql.connect.client.core import DefaultChannelBuilder

        builder = DefaultChannelBuilder(self.engine.url)
        builder.add_interceptor(interceptor(self._calls))
        return builder

    def _greet(self, session: Any) -> None:
        """Tell the engine whose session this is, and set what this project wants of it."""
        session.client.set_retry_policies([_retry_while_alive(self.engine)])
        # Taking up a broken stream again is for networks; on this machine it costs two more calls a query.
        session.client.disable_reattachable_execute()
        path = [str(Path(entry).absolute()) for entry in sys.path]
        with self._calls.paused():
            self._command(f"hello/{os.getpid()}", server.worker_facts(self._roots, path, os.environ), session)
            configs = session_conf(self._wishes, space=self.space if self.engine.has_catalogs else "")
            folder = current_folder()
            # One call for all. The folder is among what a restore brings back, so it needn't be told again in each test.
            here = {"nbh.working.dir": folder} if folder else {}
            session.conf._set_all(configs={**configs, **here}, silent=False)  # noqa: SLF001 -- there is no public way
        self._calls.forget()
        self._calls.folder = folder
        self._mark(session)

    def _mark(self, session: Any = None) -> None:
        self._command("mark", "", session)
        self._calls.mark()
        self._marked_at = self._calls.count

    def _follow(self, folder: str) -> None:
        """Have relative paths read from this process's folder, as it is now."""
        if not self.is_stopped:
            self.spark.conf._set_all(configs={"nbh.working.dir": folder}, silent=False)  # type: ignore[attr-defined]  # noqa: SLF001 -- as above

    def _command(self, verb: str, text: str = "", session: Any = None) -> None:
        from google.protobuf.any_pb2 import Any as Packed
        from pyspark.sql.connect.proto import Command

        command = Command(extension=Packed(type_url=f"nbh/{verb}", value=text.encode()))
        with self._calls.paused():
            (session or self.spark).client.execute_command(command)

    @property
    def is_lost(self) -> bool:
        """Whether the engine has ended under this session."""
        return not self.engine.is_alive()

    def lost_error(self) -> EngineLostError:
        """What to tell of an engine that has ended."""
        lines = self.engine.log_tail()
        memory = any("OutOfMemoryError" in line for line in lines)
        tail = "\n".join(f"log: {line}" for line in lines) or "its log says nothing: it was killed from outside"
        return EngineLostError(
            "the Spark engine was lost during this test",
            cause=f"process {self.engine.record.pid} has ended"
            + (" because a query used up its memory" if memory else "")
            + f"\n{tail}",
            mend="give it more memory (spark_memory in the settings), or let the query use less"
            if memory
            else "nothing, if you ended it; the next test gets a new engine",
        )

    def ready(self) -> None:
        """Before a test: have a session that works, and take what is so now for what fixtures of a wider scope set up."""
        if self.is_stopped or self.is_lost:
            self._revive()
        elif self._calls.count != self._marked_at:
            self._mark()

    def restore(self) -> None:
        """After a test: put back settings, views, functions, streams, catalog and schema, and drop what was made."""
        if self.is_stopped or self.is_lost or self._calls.count == self._marked_at:
            return  # `ready` makes a new session, or nothing was asked of this one
        if self._calls.need_restore:
            self._command("restore")
            self._calls.restored()
        self._marked_at = self._calls.count

    @property
    def ends_with(self) -> str:
        """What the engine, and so what was kept on it, ends with: this "run", or nothing of it."""
        return "run" if self.engine.record.owner else ""

    @property
    def is_stopped(self) -> bool:
        """Whether the test has stopped the session."""
        return bool(self.spark.is_stopped)  # type: ignore[attr-defined]  # only Connect's session has it

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

    def _revive(self) -> None:
        """Give the same session object a new client, for notebooks and test files hold it."""
        from pyspark.sql.connect.session import SparkSession as Session

        session: Any = self.spark
        with contextlib.suppress(Exception):
            session.client.close()
        self._undo.close()
        if self.is_lost:
            self.engine = self._start()
        self._undo.enter_context(_variables(self.engine))
        vars(session).clear()
        with self._calls.paused():
            Session.__init__(session, connection=self._channel())
        Session._set_default_and_active_session(session)  # noqa: SLF001 -- what its own builder calls
        self._greet(session)

    def stop(self) -> None:
        """End the session and what was made in it; the engine lives on."""
        with contextlib.ExitStack() as undo:
            undo.push(self._undo)
            session: Any = self.spark
            if self.is_lost:
                # Its farewell would wait for an answer.
                client = vars(session.client)
                client["_closed"] = True
                undo.callback(client["_channel"].close)
                return
            undo.callback(session.stop)
            if not session.is_stopped:
                with contextlib.suppress(Exception):
                    self._command("end")


def open_session(
    wishes: Wishes,
    *,
    roots: Sequence[Path],
    progress: Callable[[str], None],
    env: Mapping[str, str] | None = None,
    owner: int = 0,
    idle_s: float = 1800,
    space: str = "",
) -> ConnectSession:
    """Open this process's session on the warm engine, starting the engine if there is none.

    Raises:
        EngineModeError: A classic session lives in this process.
        EngineError: The engine can't be had; see `harness.spark.server.find_or_start`.
    """
    forget_inherited()
    environ = dict(os.environ if env is None else env)
    _refuse_classic()

    def start() -> Engine:
        return server.find_or_start(wishes, env=environ, progress=progress, owner=owner, idle_s=idle_s)

    return ConnectSession(wishes, start, roots=roots, space=space)


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


@contextlib.contextmanager
def _variables(engine: Engine) -> Iterator[None]:
    # With these pyspark's functions and `SparkSession.builder` turn to our session.
    wanted = {"SPARK_REMOTE": engine.url, "SPARK_CONNECT_MODE_ENABLED": "1", OURS: str(os.getpid())}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _current_folder() -> str:
    try:
        return os.getcwd()  # noqa: PTH109 -- asked before each call; a Path costs ten times as much
    except OSError:
        return ""  # it was removed


def _retry_while_alive(engine: Engine) -> Any:
    """Spark's own policy, but for an engine that has ended: its ten minutes of retries would look like a hanging test."""
    from pyspark.sql.connect.client.retries import DefaultPolicy

    class WhileAlive(DefaultPolicy):
        def can_retry(self, exception: BaseException) -> bool:
            return bool(super().can_retry(exception)) and engine.is_alive()

    return WhileAlive()
