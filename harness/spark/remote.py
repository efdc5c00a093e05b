"""A workspace's session in a test process: opened once, and put back after each test as far as a client can."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.errors import EngineLostError
from harness.spark.classic import UsersSession

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import SparkSession

# A plan's root that may change the session when it is executed; any other one only reads.
_CHANGING = frozenset({None, "unknown", "catalog", "sql", "with_relations", "extension"})


_OVER = re.compile(
    r"INVALID_HANDLE\.SESSION_|server side session identifier"
    r"|session_id is no longer usable"  # of serverless compute, after a time without a call
    r"|[Cc]luster \S+ (?:does not exist|is in unexpected state)|[Cc]luster [^.]*was terminated"
)
"""What a client says where its session is no more: none of its calls will be answered."""


_DETAILS = re.compile(r'details = "(.+?)" debug_error_string')
"""What of gRPC's own text is the server's."""


_NAME = r"(?:IF\s+NOT\s+EXISTS\s+)?(`[^`]+`|\w+)"
_MADE = (
    (re.compile(rf"\bTEMP(?:ORARY)?\s+FUNCTION\s+{_NAME}", re.IGNORECASE), "TEMPORARY FUNCTION IF EXISTS "),
    (
        re.compile(rf"\bDECLARE\s+(?:OR\s+REPLACE\s+)?(?:VAR(?:IABLE)?\s+)?{_NAME}", re.IGNORECASE),
        "TEMPORARY VARIABLE IF EXISTS ",
    ),
    (re.compile(rf"\bGLOBAL\s+TEMP(?:ORARY)?\s+VIEW\s+{_NAME}", re.IGNORECASE), "VIEW IF EXISTS global_temp."),
)
"""Statements that make what no statement lists for a session alone, and what is dropped then."""


class _State(NamedTuple):
    """What of a session is put back."""

    place: tuple[str, str]
    settings: dict[str, str]
    views: set[str]


class WorkspaceSession(UsersSession):
    """Puts back the current catalog and schema, settings, and what is temporary; tables are real, and go with who made them.

    That takes a few calls, for a workspace knows nothing of tests; so it is done after tests that may have changed something.
    What a fixture of a wider scope changed before a test is there after it, too. One that is over (its cluster has ended, it
    was idle for too long, a test has stopped it) costs that test: the next has another one in the same object, by ``again``.
    """

    kind = "workspace"

    def __init__(self, spark: SparkSession, *, again: Callable[[], SparkSession] | None = None) -> None:
        super().__init__(spark)
        self._again = again
        self._over = ""
        self._be_active()
        self._before = self._state()
        self._watch: _Watch | None = None
        self._wider: set[str] = set()
        self._mark()

    def ready(self) -> None:
        """Before a test: have a session that works, and take what fixtures of a wider scope made for its beginning."""
        if self.revive():
            return
        if self._may_differ():
            self._before = self._state()
            self._wider |= self._watch.made if self._watch is not None else set()
            self._mark()

    def restore(self) -> None:
        """Put back what the test changed in the session.

        Raises:
            EngineLostError: It is over.
        """
        if self._is_over() or not self._may_differ():
            return
        before = self._before
        try:
            if self._place() != before.place:  # first: the test's own schema is gone by now, and no call can be made in it
                self.spark.catalog.setCurrentCatalog(before.place[0])
                self.spark.catalog.setCurrentDatabase(before.place[1])
            now = self._state()
        except Exception as exc:
            self.hear(exc)
            if self.is_lost:
                raise self.lost_error() from exc
            raise
        for view in now.views - before.views:
            self.spark.catalog.dropTempView(view)
        for made in sorted(self._watch.made - self._wider) if self._watch is not None else ():
            with contextlib.suppress(Exception):  # what the workspace refused to make it may refuse to drop
                self.spark.sql(f"DROP {made}")
        for name in now.settings.keys() | before.settings.keys():
            if now.settings.get(name) == before.settings.get(name):
                continue
            with contextlib.suppress(Exception):  # what can't be set was set by the workspace itself
                if name in before.settings:
                    self.spark.conf.set(name, before.settings[name])
                else:
                    self.spark.conf.unset(name)
        self._mark()

    @property
    def is_lost(self) -> bool:  # type: ignore[override]  # what is none of ours is never lost
        """Whether a call has said that the session is over."""
        return bool(self._over)

    was_used = is_lost  # by the call that said it

    def lost_error(self) -> EngineLostError:
        """What to tell of a session that is over."""
        return EngineLostError(
            "the Spark session on the workspace ended during this test",
            cause=self._over,
            mend="the next test gets another: run this one again. A session ends with its cluster, after spark.stop(), and on\n"
            "serverless compute after a time without a call",
        )

    def hear(self, exc: BaseException) -> None:
        """Take note of an error of the client's that says that the session is over."""
        if type(exc).__module__.startswith(("pyspark.", "grpc")) and _OVER.search(str(exc)) is not None:
            told = " ".join(str(exc).split())
            found = _DETAILS.search(told)
            self._over = (found[1] if found else told)[:400]

    def revive(self) -> bool:
        """Have a session that works, another one where this is over; says whether it was.

        Raises:
            HarnessError: None can be had.
        """
        if self._again is None or not self._is_over():
            return False
        self._renew(self._again())
        return True

    def _is_over(self) -> bool:
        return self.is_lost or bool(getattr(self.spark, "is_stopped", False))

    def _renew(self, another: SparkSession) -> None:
        """Put another session into the one object, for notebooks and test files hold it."""
        kept = dict(vars(another))
        vars(another).clear()  # else its end would close the client
        with contextlib.suppress(Exception):
            self.spark.client.close()
        vars(self.spark).clear()
        vars(self.spark).update(kept)
        self._be_active()
        self._over, self._watch, self._wider = "", None, set()
        self._before = self._state()
        self._mark()

    def _be_active(self) -> None:
        """Be what the client gives as the active session, also where another thread than the tests' has opened it."""
        kind: Any = type(self.spark)
        kind._default_session = kind._active_session.session = self.spark  # noqa: SLF001 -- as its builder does

    def _state(self) -> _State:
        return _State(self._place(), self._set(), self._views())

    def _place(self) -> tuple[str, str]:
        row = self.spark.sql("SELECT current_catalog(), current_schema()").collect()[0]
        return str(row[0]), str(row[1])

    def _views(self) -> set[str]:
        """The temporary views: those of the session, which are listed with any schema's."""
        try:
            rows = self.spark.sql("SHOW VIEWS").collect()
        except Exception as exc:
            if "INSUFFICIENT_PERMISSIONS" not in str(exc):
                raise
            # Whoever may make schemas needs no USE SCHEMA on the one that is current; this one is open with USE CATALOG.
            rows = self.spark.sql("SHOW VIEWS IN information_schema").collect()
        return {row["viewName"] for row in rows if row["isTemporary"]}

    def _set(self) -> dict[str, str]:
        if hasattr(type(self.spark.conf), "getAll"):  # one call where the client knows it, and no query
            return dict(self.spark.conf.getAll)
        return {row[0]: row[1] for row in self.spark.sql("SET").collect()}

    def _mark(self) -> None:
        """From here on, look out for what may change something."""
        client: Any = self.spark.client
        if not hasattr(client, "_stub"):
            return  # then it is never known that nothing was changed
        if self._watch is None or client._stub is not self._watch:  # noqa: SLF001 -- no client has a public place to watch
            self._watch = client._stub = _Watch(client._stub)  # noqa: SLF001 -- as above
        self._watch.may_have_changed = False
        self._watch.made.clear()
        self._listen(client)

    def _listen(self, client: Any) -> None:
        """Hear each error of the client's, also one that a test catches and takes for the one that it expects."""
        tell = getattr(client, "_handle_error", None)
        if tell is None or getattr(tell, "is_heard", False):
            return

        def heard(error: Exception) -> Any:
            try:
                return tell(error)
            except Exception as exc:
                self.hear(exc)
                raise

        heard.is_heard = True  # type: ignore[attr-defined]  # functions take attributes
        client._handle_error = heard  # noqa: SLF001 -- no client has a public place to listen

    def _may_differ(self) -> bool:
        watch = self._watch
        # A client that has connected anew has another stub, and what went by it nobody has seen.
        return watch is None or watch.may_have_changed or getattr(self.spark.client, "_stub", None) is not watch

    def interrupt(self) -> None:
        """End whatever this session's queries still do."""
        with contextlib.suppress(Exception):
            self.spark.interruptAll()

    def stop(self) -> None:
        """End the session on the workspace."""
        with contextlib.suppress(Exception):
            self.spark.stop()


class _Watch:
    """A client's calls, seen before they are made."""

    def __init__(self, stub: Any) -> None:
        self._stub = stub
        self.may_have_changed = False
        self.made: set[str] = set()
        """What temporary things were made, or may have been: the ends of the statements that drop them."""

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._stub, name)
        if name not in {"ExecutePlan", "Config"}:
            return call

        def seen(request: Any, *args: Any, **kwargs: Any) -> Any:
            self.may_have_changed = self.may_have_changed or may_change(request)
            self.made.update(_made_by(request))
            return call(request, *args, **kwargs)

        return seen


def may_change(request: Any) -> bool:
    """Whether an ExecutePlan or a Config of Spark Connect may change current catalog, settings or temporary views."""
    if hasattr(request, "operation"):
        return request.operation.WhichOneof("op_type") in {None, "set", "unset"}
    plan = request.plan
    return plan.WhichOneof("op_type") != "root" or plan.root.WhichOneof("rel_type") in _CHANGING


def _made_by(request: Any) -> list[str]:
    """What of functions, variables and global views an ExecutePlan makes: how each is dropped."""
    if not hasattr(request, "plan"):
        return []
    plan = request.plan
    match plan.command.WhichOneof("command_type") if plan.WhichOneof("op_type") == "command" else None:
        case "register_function":
            return [f"TEMPORARY FUNCTION IF EXISTS `{plan.command.register_function.function_name}`"]
        case "create_dataframe_view" if plan.command.create_dataframe_view.is_global:
            return [f"VIEW IF EXISTS global_temp.`{plan.command.create_dataframe_view.name}`"]
        case "sql_command":
            text = plan.command.sql_command.input.sql.query or plan.command.sql_command.sql
        case _:
            text = plan.root.sql.query
    return [f"{drop}{name}" for pattern, drop in _MADE for name in pattern.findall(text)]
