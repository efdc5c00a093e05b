"""The calls of a test process on its engine: counted, told of before they are made, and retried only while it lives."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.spark.server import Engine


class Calls:
    """Counts this process's calls on the engine."""

    def __init__(self, before: Callable[[], None]) -> None:
        self.count = 0
        self.timeout_s: float | None = None
        self._before = before
        self._is_paused = False

    @contextlib.contextmanager
    def timed(self, seconds: float) -> Iterator[None]:
        """Have calls fail that take longer."""
        self.timeout_s = seconds
        try:
            yield
        finally:
            self.timeout_s = None

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Leave our own calls out."""
        was, self._is_paused = self._is_paused, True
        try:
            yield
        finally:
            self._is_paused = was

    def note(self) -> None:
        """A call is about to be made."""
        if not self._is_paused:
            self.count += 1
            self._before()


def interceptor(calls: Calls) -> Any:
    """Tell of each call, of whatever kind, before it is made."""
    import grpc

    class Interceptor(
        grpc.UnaryUnaryClientInterceptor,  # type: ignore[misc]  # published without types
        grpc.UnaryStreamClientInterceptor,  # type: ignore[misc]
        grpc.StreamUnaryClientInterceptor,  # type: ignore[misc]
        grpc.StreamStreamClientInterceptor,  # type: ignore[misc]
    ):
        def intercept(self, continuation: Any, details: Any, request: Any) -> Any:
            calls.note()
            if calls.timeout_s is not None:
                details = details._replace(timeout=calls.timeout_s)
            return continuation(details, request)

        intercept_unary_unary = intercept_unary_stream = intercept_stream_unary = intercept_stream_stream = intercept

    return Interceptor()


def retry_while_alive(engine: Engine) -> Any:
    """Spark's own policy, but for an engine that has ended: its ten minutes of retries would look like a hanging test."""
    from pyspark.sql.connect.client.retries import DefaultPolicy

    class WhileAlive(DefaultPolicy):
        def can_retry(self, exception: BaseException) -> bool:
            return bool(super().can_retry(exception)) and engine.is_alive()

    # On this machine "unavailable" is no matter of minutes: half of one altogether.
    return WhileAlive(max_backoff=2000)
