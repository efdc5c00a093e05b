"""The streaming queries that a notebook starts: they go on beside its cells, and a run isn't over before they are.

Databricks' jobs watch the queries of a run: one that fails fails it, and the run goes on for as long as one does, also after
``dbutils.notebook.exit`` (https://docs.databricks.com/dev-tools/databricks-utils.html#notebook-utility-dbutilsnotebook).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from harness.execute.magics import UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.model import Cell, Location

ENDLESS = (
    "the streaming query that is started here goes on until somebody stops it, and so does a run on Databricks: "
    "give it .trigger(availableNow=True), or end it by .stop()"
)

# https://docs.databricks.com/compute/access-mode-limitations, under streaming in standard (then: shared) access mode.
CONTINUOUS = (
    "Databricks' standard compute, for which a run stands, has no continuous processing: give the query "
    ".trigger(availableNow=True), or a processingTime"
)


class Begun(NamedTuple):
    """A query, whether it ends by itself, and where it was started."""

    query: Any
    ends: bool
    cell: Cell
    place: Location


class Queries:
    """Those that a notebook has started, in order; ``here`` gives the cell and the line that are on."""

    def __init__(self, here: Callable[[], tuple[Cell, Location] | None]) -> None:
        self._here = here
        self._begun: list[Begun] = []
        self._wait: Callable[..., Any] = _nothing
        self._ask: Callable[..., Any] = _nothing
        self._told: set[str] = set()  # those whose error the notebook was given: what it makes of it is its own

    def hear(self) -> None:
        """Note each query as it is started, and each error of one that is given to the notebook."""
        from pyspark.sql.connect.streaming.query import StreamingQuery, StreamingQueryManager
        from pyspark.sql.connect.streaming.readwriter import DataStreamWriter

        start = DataStreamWriter._start_internal  # noqa: SLF001 -- all ways to start one come through it
        self._wait, self._ask = StreamingQuery.awaitTermination, StreamingQuery.exception
        wait_any = StreamingQueryManager.awaitAnyTermination

        def started(writer: Any, *args: Any, **kwargs: Any) -> Any:
            trigger = writer._write_proto.WhichOneof("trigger")  # noqa: SLF001 -- what it was told is nowhere else
            if trigger == "continuous_checkpoint_interval":
                raise UnsupportedError(CONTINUOUS)
            query = start(writer, *args, **kwargs)
            here = self._here()
            if here is not None:
                self._begun.append(Begun(query, trigger in ("available_now", "once"), *here))
            return query

        def awaited(query: Any, timeout: Any = None) -> Any:
            try:
                return self._wait(query, timeout)
            except Exception:
                self._told.add(query.runId)
                raise

        def asked(query: Any) -> Any:
            error = self._ask(query)
            if error is not None:
                self._told.add(query.runId)
            return error

        def awaited_any(manager: Any, timeout: Any = None) -> Any:
            try:
                return wait_any(manager, timeout)
            except Exception:
                self._told.update(begun.query.runId for begun in self._begun if self._ask(begun.query) is not None)
                raise

        for kind, name, ours in (
            (DataStreamWriter, "_start_internal", started),
            (StreamingQuery, "awaitTermination", awaited),
            (StreamingQuery, "exception", asked),
            (StreamingQueryManager, "awaitAnyTermination", awaited_any),
        ):
            ours.__doc__ = getattr(kind, name).__doc__
            setattr(kind, name, ours)

    def settle(self) -> tuple[Begun, BaseException | None] | None:
        """Wait for those that end by themselves; gives the first that failed, with its error, or else one that goes on."""
        left = [begun for begun in self._begun if begun.query.runId not in self._told]
        for begun in left:
            try:
                if begun.ends:
                    self._wait(begun.query)
                error = self._ask(begun.query)
            except Exception as exc:  # noqa: BLE001 -- whatever it is, it is what became of the query
                error = exc
            if error is not None:
                return begun, error
        return next(((begun, None) for begun in left if not begun.ends and begun.query.isActive), None)


def _nothing(_query: Any) -> None:
    """What a query is asked where there is no Spark: there is none."""
