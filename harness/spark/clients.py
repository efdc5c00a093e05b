"""What may become of a test process's Spark session: stopped and opened again by the test, or taken along in a fork."""

from __future__ import annotations

import contextlib
import os
import warnings
import weakref
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from harness.errors import ForkedSessionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from harness.spark.server import Engine


class Aliases:
    """Sessions that the process's own code opens on our engine: more clients of our session, and no sessions of their own.

    A session of its own would see none of the test's catalogs, and what it made would be nobody's: it would stay for the next
    run. ``SparkSession.builder.getOrCreate()`` opens one after ``spark.stop()``; and either of them must not end ours.
    """

    def __init__(self, session_type: Any, *, url: str, join: Callable[[], Any], tune: Callable[[Any], None]) -> None:
        self.opened: weakref.WeakSet[Any] = weakref.WeakSet()  # one that nobody holds any more closes itself
        self._type = session_type
        self._url = url
        self._join = join
        self._tune = tune
        self._pid = os.getpid()

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """Have each session that is opened on our address be one."""
        original = self._type.__init__

        def init(session: Any, connection: Any, *args: Any, **kwargs: Any) -> None:
            if connection != self._url:
                original(session, connection, *args, **kwargs)
                return
            if os.getpid() != self._pid:
                raise forked_error()
            original(session, self._join(), *args, **kwargs)
            self._tune(session)
            self.opened.add(session)

        self._type.__init__ = init
        try:
            with _any_master():
                yield
        finally:
            self._type.__init__ = original
            for session in list(self.opened):
                if not session.is_stopped:
                    session.client.close()  # an open client keeps Python from ending

    def forked(self) -> None:
        """In a forked process: make each of them unusable."""
        for session in list(self.opened):
            make_unusable(session)


@contextlib.contextmanager
def _any_master() -> Iterator[None]:
    """Let a builder name a master that doesn't matter, as on a cluster, where a session is there before any notebook runs."""
    from pyspark.sql.session import SparkSession

    original = getattr(SparkSession.Builder, "_validate_startup_urls", None)  # what refuses it where SPARK_REMOTE is set
    if original is None:
        yield  # a client of another version
        return

    def validate(builder: Any) -> None:
        if "spark.remote" in builder._options:  # noqa: SLF001 -- as above
            original(builder)

    SparkSession.Builder._validate_startup_urls = validate  # type: ignore[method-assign,assignment]  # noqa: SLF001 -- as above
    try:
        yield
    finally:
        SparkSession.Builder._validate_startup_urls = original  # type: ignore[method-assign]  # noqa: SLF001 -- as above


def leave_open(session: Any) -> None:
    """Let ``stop()`` end the client and not what the engine knows of the session: settings, views, tables."""
    session.release_session_on_close = False
    session.client._release_session_on_exit = False  # noqa: SLF001 -- the same for the end of Python


def retry_while_alive(engine: Engine) -> Any:
    """Spark's own policy, but for an engine that has ended: its ten minutes of retries would look like a hanging test."""
    from pyspark.sql.connect.client.retries import DefaultPolicy

    class WhileAlive(DefaultPolicy):
        def can_retry(self, exception: BaseException) -> bool:
            return bool(super().can_retry(exception)) and engine.is_alive()

    # On this machine "unavailable" is no matter of minutes: half of one altogether.
    return WhileAlive(max_backoff=2000)


class Forked:
    """What a session in a forked process has for a client: each use is an error, where gRPC would hang or end the other's."""

    is_closed = False

    def __init__(self, client: Any) -> None:
        self._kept = client  # if it were collected, gRPC would try to close a connection that isn't this process's
        client._closed = True  # noqa: SLF001 -- so that it sends nothing when Python ends

    def close(self) -> None:
        """Do nothing."""

    def __getattr__(self, name: str) -> Any:
        raise forked_error()


def forked_error() -> ForkedSessionError:
    """What to tell whoever uses the session in a forked process."""
    return ForkedSessionError(
        "a forked process can't use the Spark session of the process that it was forked from",
        cause="the connection to Spark is the other process's, and gRPC does not survive a fork",
        mend='use threads, or processes that are not forked: multiprocessing.get_context("spawn")',
    )


def make_unusable(session: Any) -> None:
    """In a forked process: let nothing that is done with this session reach the engine."""
    client = session._client  # noqa: SLF001 -- it has no public name in all versions
    if not isinstance(client, Forked):
        session._client = Forked(client)  # noqa: SLF001 -- as above


_told_of_forks: weakref.WeakSet[Any] = weakref.WeakSet()


def tell_of_forks(owner: Any) -> None:
    """Call ``owner.forked()`` in each process that is forked from this one."""
    _watch_forks()
    _told_of_forks.add(owner)


@lru_cache  # Python can't be told to forget it again
def _watch_forks() -> None:
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=lambda: [owner.forked() for owner in list(_told_of_forks)])


def set_all(session: Any, settings: Mapping[str, str]) -> None:
    """Set a session's settings in one call: of the clients only the newest has a method for it, and that a private one."""
    from pyspark.sql.connect import proto

    pairs = [proto.KeyValue(key=key, value=value) for key, value in settings.items()]
    answer = session.client.config(proto.ConfigRequest.Operation(set=proto.ConfigRequest.Set(pairs=pairs)))
    for warning in answer.warnings:
        warnings.warn(warning, stacklevel=2)
