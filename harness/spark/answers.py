"""The calls of one session on its engine: counted, and answered from memory where nothing can have changed the answer."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

from harness.spark.calls import Calls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_READS = frozenset({"get", "get_with_default", "get_option"})

# Calls that leave the session as it is, whatever they ask.
_HARMLESS = frozenset({"ReattachExecute", "ReleaseExecute", "FetchErrorDetails", "ArtifactStatus", "Interrupt"})

# Relations that may do more than give rows: `spark.catalog` creates, drops and caches, SQL may be a statement, and an extension
# such as Delta's merges and deletes.
_DOING = frozenset({"catalog", "sql", "extension", "unknown"})

# How pickles begin, of protocol 5 and 4: a Python function is in the plan, and so a Python worker will be there.
_PICKLES = (b"\x80\x05\x95", b"\x80\x04\x95")


class ConnectCalls(Calls):
    """What this process asks of the engine.

    pyspark asks for the same dozen settings, and has the same schema's text read, for each frame that a test makes of rows:
    three of the seven calls of a small test. The engine answers them by the session's settings alone. So an answer holds until
    a call is made that may change a setting, and those of before a test hold again when its settings are restored.
    """

    def __init__(self, before: Callable[[str], None], anew: Callable[[], None]) -> None:
        super().__init__(before, anew)
        self._has_changed = self._had_changed = False
        self._marked_folder = ""
        self._timeout_s: float | None = None
        self._answers: dict[bytes, Any] | None = {}
        self._at_mark: dict[bytes, Any] | None = self._answers

    @contextlib.contextmanager
    def timed(self, seconds: float) -> Iterator[None]:
        """Have calls fail that take longer."""
        self._timeout_s = seconds
        try:
            yield
        finally:
            self._timeout_s = None

    def forget(self) -> None:
        """Another session answers from now on."""
        self._has_changed = self._had_changed = False
        self._answers = self._at_mark = {}

    def mark(self) -> None:
        """The settings as they are now are those that a restore brings back."""
        self._had_changed |= self._has_changed
        self._has_changed = False
        self._at_mark = self._answers
        self._marked_folder = self.folder

    def restored(self) -> None:
        """The settings are again as at the mark."""
        self._has_changed = False
        self._answers = self._at_mark
        self.folder = self._marked_folder

    @property
    def need_restore(self) -> bool:
        """Whether more than reading was asked since the mark, or before it, whose Python functions any query may use."""
        return self._has_changed or self._had_changed

    def make(self, continuation: Any, details: Any, request: Any) -> Any:
        """Make a call, or give what it gave before."""
        if self._timeout_s is not None:
            details = details._replace(timeout=self._timeout_s)
        if self._is_paused:
            return continuation(details, request)
        self.note()
        method = details.method.rpartition("/")[2]
        self._has_changed = self._has_changed or not _only_reads(method, request)
        if _may_change_settings(method, request):
            # With several threads an answer may be older than the change it is taken to come after: no more of this then.
            self._answers = {} if threading.current_thread() is threading.main_thread() else None
            if self._answers is None:
                self._at_mark = None
            return continuation(details, request)
        answers = self._answers
        if answers is None or not _is_by_settings_alone(method, request):
            return continuation(details, request)
        key = request.SerializeToString(deterministic=True)
        known = answers.get(key)
        if known is None:
            known = continuation(details, request)
            if _is_good(known):
                answers[key] = known
        return known


def interceptor(calls: ConnectCalls) -> Any:
    """What a channel tells of each call, of whatever kind, before it is made."""
    import grpc

    class Interceptor(
        grpc.UnaryUnaryClientInterceptor,  # type: ignore[misc]  # published without types
        grpc.UnaryStreamClientInterceptor,  # type: ignore[misc]
        grpc.StreamUnaryClientInterceptor,  # type: ignore[misc]
        grpc.StreamStreamClientInterceptor,  # type: ignore[misc]
    ):
        def intercept(self, continuation: Any, details: Any, request: Any) -> Any:
            return calls.make(continuation, details, request)

        intercept_unary_unary = intercept_unary_stream = intercept_stream_unary = intercept_stream_stream = intercept

    return Interceptor()


def _only_reads(method: str, request: Any) -> bool:
    if method == "Config":
        return request.operation.WhichOneof("op_type") in _READS
    if method == "AnalyzePlan":
        return request.WhichOneof("analyze") not in {"persist", "unpersist"}
    if method == "ExecutePlan":
        if request.plan.WhichOneof("op_type") != "root" or request.plan.root.WhichOneof("rel_type") in _DOING:
            return False
        text = request.SerializeToString()
        return not any(start in text for start in _PICKLES)
    return method in _HARMLESS


def _may_change_settings(method: str, request: Any) -> bool:
    if method == "Config":
        return request.operation.WhichOneof("op_type") not in _READS
    # SQL statements, `SET` among them, are commands; what is only read is a plan's root.
    return method == "ExecutePlan" and request.plan.WhichOneof("op_type") != "root"


def _is_by_settings_alone(method: str, request: Any) -> bool:
    if method == "Config":
        return True  # a read, as told above
    return method == "AnalyzePlan" and request.WhichOneof("analyze") == "ddl_parse"


def _is_good(call: Any) -> bool:
    import grpc

    return call.code() is grpc.StatusCode.OK
