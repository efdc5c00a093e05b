"""What a user reads of an engine that was lost, can't be had beside another Spark, or doesn't end: the full texts."""

from __future__ import annotations

import sys
import types

import pytest

from harness.errors import EngineModeError, EngineStopError
from harness.spark import connect, record, server
from harness.spark.clients import forked_error
from harness.spark.hints import lost_error

psutil = pytest.importorskip("psutil", reason="processes are looked at with psutil (the extra `local`)")


def test_an_engine_that_was_killed():
    """Nothing in its log: somebody else ended it."""
    assert str(lost_error(4711, [], memory="1g")) == (
        "NBH309 the Spark engine was lost during this test\n"
        "  cause: process 4711 has ended\n"
        "         its log says nothing: it was killed from outside\n"
        "  mend:  nothing, if you ended it: the next test gets a new engine.\n"
        "         If nobody did, the system may have, for want of memory: run fewer tests at once\n"
        "  more:  docs/errors.md#nbh309"
    )


@pytest.mark.parametrize(("memory", "more"), [("1g", "2g"), ("800m", "1600m")])
def test_an_engine_that_ran_out_of_memory(memory, more):
    """With the setting that mends it."""
    lines = ["Terminating due to java.lang.OutOfMemoryError: Java heap space"]

    assert str(lost_error(4711, lines, memory=memory)) == (
        "NBH309 the Spark engine was lost during this test\n"
        f"  cause: process 4711 ran out of memory: a query used up all that it may have ({memory})\n"
        "         log: Terminating due to java.lang.OutOfMemoryError: Java heap space\n"
        f'  mend:  let the query use less, or give the engine more: spark_memory = "{more}" under [tool.nbh]\n'
        "  more:  docs/errors.md#nbh309"
    )


def test_a_classic_session_in_the_same_process(monkeypatch):
    """Alone pyspark would say no more than that it can't."""
    context = types.SimpleNamespace(_active_spark_context=object())
    monkeypatch.setitem(sys.modules, "pyspark", types.SimpleNamespace(SparkContext=context))

    with pytest.raises(EngineModeError) as caught:
        connect._refuse_classic()

    assert str(caught.value) == (
        "NBH310 a classic Spark session lives in this process\n"
        "  cause: pyspark can't hold a Connect session beside it\n"
        "  mend:  stop that session first, or run with --nbh-engine classic\n"
        "  more:  docs/errors.md#nbh310"
    )


class Stubborn:
    """A process that can't be ended, in one of two ways."""

    is_foreign = False

    def __init__(self, pid):
        self.pid = pid

    def children(self, *, recursive):
        """None."""
        return []

    def terminate(self):
        """Not by us, if it is another user's."""
        if self.is_foreign:
            raise psutil.AccessDenied(self.pid)

    kill = terminate


@pytest.mark.parametrize(
    ("is_foreign", "said"),
    [
        (True, ("can't be ended", "is another user's", "ask that user")),
        (False, ("doesn't end", "lives on after a kill", "restart the machine")),
    ],
    ids=["another_users", "unkillable"],
)
def test_an_engine_that_cannot_be_ended(monkeypatch, tmp_path, is_foreign, said):
    """Whose it is, or what is left to do; and the record stays, for it still runs."""
    monkeypatch.setattr(Stubborn, "is_foreign", is_foreign)
    monkeypatch.setattr(psutil, "Process", Stubborn)
    monkeypatch.setattr(record, "has_ended", lambda _process, within_s: False)
    monkeypatch.setattr(record, "is_alive", lambda *_: True)
    monkeypatch.setattr(record, "is_stopped", lambda *_: False)
    found = record.Record(4711, "", 0, "4.2.1", "21", "4.4.0")
    record.write(tmp_path, found)

    with pytest.raises(EngineStopError) as caught:
        server.end_process(found, tmp_path)

    assert str(caught.value) == (
        f"NBH311 the Spark engine {said[0]}\n  cause: process 4711 {said[1]}\n  mend:  {said[2]}\n"
        "  more:  docs/errors.md#nbh311"
    )
    assert record.read(tmp_path) == found


def test_a_session_in_a_forked_process():
    """The full text."""
    assert str(forked_error()) == (
        "NBH315 a forked process can't use the Spark session of the process that it was forked from\n"
        "  cause: the connection to Spark is the other process's, and gRPC does not survive a fork\n"
        '  mend:  use threads, or processes that are not forked: multiprocessing.get_context("spawn")\n'
        "  more:  docs/errors.md#nbh315"
    )
