from __future__ import annotations

import pickle
from pathlib import Path
from types import SimpleNamespace

import grpc
import pytest
from pyspark.sql.connect.proto import AddArtifactsRequest, AnalyzePlanRequest, ConfigRequest, ExecutePlanRequest

from harness.spark.answers import ConnectCalls

GET = ConfigRequest(operation={"get": {"keys": ["spark.sql.ansi.enabled"]}})
SET = ConfigRequest(operation={"set": {"pairs": [{"key": "spark.sql.ansi.enabled", "value": "false"}]}})
PARSE = AnalyzePlanRequest(ddl_parse={"ddl_string": "id int"})
SCHEMA = AnalyzePlanRequest(schema={"plan": {"root": {"range": {"end": 1, "step": 1}}}})
QUERY = ExecutePlanRequest(plan={"root": {"range": {"end": 1, "step": 1}}})
SQL = ExecutePlanRequest(plan={"command": {"sql_command": {"sql": "SET spark.sql.ansi.enabled = false"}}})


class Engine:
    """Counts what really reaches it."""

    def __init__(self):
        self.asked = []
        self.code = grpc.StatusCode.OK
        self.calls = ConnectCalls(lambda folder: None, lambda: None)

    def __call__(self, request):
        """Ask."""
        name = type(request).__name__.removesuffix("Request")
        return self.calls.make(self._answer, SimpleNamespace(method=f"/spark.connect.SparkConnectService/{name}"), request)

    def _answer(self, details, request):
        self.asked.append(request)
        return SimpleNamespace(number=len(self.asked), code=lambda code=self.code: code)


@pytest.fixture
def engine():
    """An engine and a session's calls on it."""
    return Engine()


@pytest.mark.parametrize("request_", [GET, PARSE])
def test_what_depends_on_settings_alone_is_asked_for_once(engine, request_):
    """Although the user's calls count, for they say whether a test used Spark."""
    assert engine(request_) is engine(request_)

    assert len(engine.asked) == 1
    assert engine.calls.count == 2


@pytest.mark.parametrize("request_", [QUERY, SCHEMA, SQL, SET])
def test_all_else_is_asked_for_each_time(engine, request_):
    """A table's rows and columns can be others a moment later."""
    assert engine(request_) is not engine(request_)


@pytest.mark.parametrize("change", [SET, SQL])
def test_an_answer_does_not_outlive_a_change(engine, change):
    """Whether by the session's own call or by a statement."""
    before = engine(GET)
    engine(change)

    assert engine(GET) is not before


def test_a_query_changes_no_setting(engine):
    """Else nothing would be remembered."""
    before = engine(GET)
    engine(QUERY)

    assert engine(GET) is before


def test_a_restore_brings_back_the_answers_of_the_mark(engine):
    """And none that a test got after it changed a setting."""
    before = engine(GET)
    engine.calls.mark()
    engine(SET)
    changed = engine(GET)
    engine.calls.restored()

    assert engine(GET) is before
    engine(SET)
    assert engine(GET) not in (before, changed)


def test_a_mark_after_a_change_holds_the_changed_answers(engine):
    """As where a fixture of a wider scope sets something."""
    before = engine(GET)
    engine(SET)
    engine.calls.mark()
    fixture = engine(GET)
    engine(SET)
    engine.calls.restored()

    assert engine(GET) is fixture is not before


def test_a_failed_call_is_not_remembered(engine):
    """The next may succeed."""
    engine.code = grpc.StatusCode.UNAVAILABLE
    failed = engine(GET)
    engine.code = grpc.StatusCode.OK

    assert engine(GET) is not failed


def test_another_session_is_asked_anew(engine):
    """A session that was revived has the settings of a new one."""
    before = engine(GET)
    engine.calls.forget()

    assert engine(GET) is not before


def test_a_change_from_another_thread_ends_remembering(engine):
    """What was read in between may be older than the change."""
    from threading import Thread

    thread = Thread(target=engine, args=(SET,))
    thread.start()
    thread.join()

    assert engine(GET) is not engine(GET)


def test_our_own_calls_neither_count_nor_change_anything(engine):
    """They set what no client asks for."""
    before = engine(GET)
    with engine.calls.paused():
        engine(SET)

    assert engine(GET) is before
    assert engine.calls.count == 2


def relation(**of):
    """A query whose plan is this relation."""
    return ExecutePlanRequest(plan={"root": of})


LOOKS = [GET, PARSE, SCHEMA, QUERY, relation(show_string={"input": {"range": {"end": 1, "step": 1}}})]
DEEDS = [
    SET,
    SQL,
    AnalyzePlanRequest(persist={"relation": {"range": {"end": 1, "step": 1}}}),
    relation(catalog={"set_current_database": {"db_name": "d"}}),
    relation(sql={"query": "CREATE TABLE t (a int)"}),
    relation(extension={"type_url": "type.googleapis.com/delta.connect.DeltaRelation"}),
    relation(map_partitions={"func": {"python_udf": {"command": pickle.dumps(print, protocol=5)}}}),
    AddArtifactsRequest(),
]


@pytest.mark.parametrize("request_", LOOKS)
def test_after_reading_there_is_nothing_to_restore(engine, request_):
    """Most tests of functions only read: a call saved for each."""
    engine(request_)

    assert not engine.calls.need_restore


@pytest.mark.parametrize("request_", DEEDS, ids=lambda request: str(request)[:40].replace("\n", " "))
def test_all_else_is_restored(engine, request_):
    """What isn't known to only read may have left something."""
    engine(request_)
    assert engine.calls.need_restore

    engine.calls.restored()
    assert not engine.calls.need_restore


def test_what_a_fixture_of_a_wider_scope_made_may_be_used_by_any_query(engine):
    """A Python function registered once starts workers wherever its name is called."""
    engine(SQL)
    engine.calls.mark()
    engine(QUERY)

    assert engine.calls.need_restore


def test_the_folder_is_told_again_only_where_the_engine_has_another(tmp_path, monkeypatch):
    """A restore brings back that of the mark; without one the last that was told stays."""
    told = []
    engine = Engine()
    engine.calls = ConnectCalls(told.append, lambda: None)
    home = str(Path.cwd())
    engine(QUERY)
    engine.calls.mark()

    monkeypatch.chdir(tmp_path)
    engine(QUERY)
    engine(SET)
    engine.calls.restored()
    monkeypatch.chdir(home)
    engine(QUERY)

    assert told == [home, str(tmp_path)]
