"""What all parts of a rehearsal share: its folder, its clock, its tokens, its Spark, and the faults that were asked for."""

from __future__ import annotations

import threading
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.rehearsal.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pyspark.sql import SparkSession

    from harness.rehearsal.faults import Faults
    from harness.rehearsal.place import Place
    from harness.rehearsal.tokens import Caller, Tokens

ID = "9000000000000001"
"""The id of each rehearsal's workspace. None of Databricks' own begins so, and evidence can tell one by it."""


@dataclass
class Workspace:
    """One workspace. ``space`` names its catalogs on the Spark engine, ``host`` is the address that clients call.

    ``open_spark`` opens the session that `spark` gives.
    """

    place: Place
    tokens: Tokens
    faults: Faults
    space: str
    host: str
    clock: Clock = field(default_factory=Clock)
    id: str = ID
    open_spark: Callable[[Workspace], SparkSession] | None = None
    shared: dict[str, Any] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _spark: SparkSession | None = None

    @property
    def files(self) -> Path:
        """The folder of dbfs and volumes."""
        return self.place.files(self.space)

    @property
    def spark(self) -> SparkSession:
        """The workspace's own session, opened at first use, and again where its engine has ended."""
        with self._lock:
            if self.open_spark is None:
                raise RuntimeError("this workspace has no Spark")
            self._spark = self.open_spark(self)
            return self._spark

    def close(self) -> None:
        """End the session if it was opened."""
        with self._lock:
            spark, self._spark = self._spark, None
        if spark is not None:
            spark.stop()


PRINCIPAL: ContextVar[str] = ContextVar("principal of a call", default="")
"""The service principal whose call is answered, "" where it is the user's, to whom all is open.

It isn't passed from hand to hand as all else is: a privilege that a call's function could forget to ask for would be none.
"""


def caller_of(request: Any) -> Caller:
    """Who makes this call; the app has looked at the token already."""
    who: Caller = request.state.caller
    return who
