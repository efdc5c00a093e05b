"""The parts of the rehearsal's data side that need no workspace."""

from __future__ import annotations

import pytest
from pyspark.sql.connect import proto

from harness.rehearsal import spark_calls
from harness.rehearsal.answers import ApiError
from harness.rehearsal.registry import needed
from harness.rehearsal.uc_sql import only, parts_of
from harness.rehearsal.unity_functions import _parameters

USER = proto.UserContext(user_id="u", user_name="n")


@pytest.mark.parametrize(
    "call",
    [
        proto.ExecutePlanRequest(session_id="s", user_context=USER, operation_id="o"),
        proto.ConfigRequest(session_id="s", user_context=USER),
        proto.AddArtifactsRequest(session_id="s", user_context=USER),
        proto.FetchErrorDetailsRequest(session_id="s", user_context=USER, error_id="e"),
    ],
)
def test_whose_a_call_is(call):
    """Session and user stand in the same fields of each call, and fields that only a newer client has are no trouble."""
    unknown = b"\x82\x32\x03new"  # field 800

    assert spark_calls.whose(call.SerializeToString() + unknown).key == ("u", "s")


def test_the_runtime_is_added():
    """To an answer that tells Spark's version, and to no other."""
    version = proto.AnalyzePlanResponse(spark_version=proto.AnalyzePlanResponse.SparkVersion(version="4.2.0"))
    other = proto.AnalyzePlanResponse(is_local=proto.AnalyzePlanResponse.IsLocal(is_local=True)).SerializeToString()

    told = spark_calls.with_runtime(version.SerializeToString(), "17.3.x-scala2.13")

    assert proto.AnalyzePlanResponse.FromString(told).spark_version.version == "4.2.0"
    assert b"\x82\x32\x1017.3.x-scala2.13" in told
    assert spark_calls.with_runtime(other, "17.3.x-scala2.13") == other


def test_a_query_that_speaks_of_us_is_none_of_ours():
    """Only a statement that begins so is the engine's own."""
    told = proto.SqlCommand(input=proto.Relation(sql=proto.SQL(query="SELECT 'NBH SHOW SPACES'")))
    call = proto.ExecutePlanRequest(session_id="s", plan=proto.Plan(command=proto.Command(sql_command=told)))

    assert not spark_calls.refusal_of("ExecutePlan", call.SerializeToString())


@pytest.mark.parametrize(
    ("name", "kind", "parts"),
    [("Main", "catalog", ("main",)), ("main.S", "schema", ("main", "s")), ("a.b.c", "table", ("a", "b", "c"))],
)
def test_full_names(name, kind, parts):
    """They don't know case."""
    assert parts_of(name, kind) == parts


@pytest.mark.parametrize(("name", "kind"), [("a.b", "catalog"), ("a", "schema"), ("a..c", "table"), ("a.b.c.d", "volume")])
def test_names_of_another_shape(name, kind):
    """They are refused, with the shape that was expected."""
    with pytest.raises(ApiError, match="must have the form"):
        parts_of(name, kind)


def test_what_has_no_effect_is_refused():
    """But for what says nothing."""
    only({"comment": "c", "options": {}, "owner": None}, ("comment",), "x/update")

    with pytest.raises(ApiError, match="does nothing with owner; it takes comment") as caught:
        only({"owner": "o"}, ("comment",), "x/update")
    assert caught.value.status == 501


def test_parameters_of_a_function():
    """As Spark shows them: commas in types are no ends."""
    told = _parameters("a INT, b DECIMAL(6,2), c MAP<STRING,INT>")

    assert [(one["name"], one["type_text"], one["type_name"]) for one in told] == [
        ("a", "int", "INT"),
        ("b", "decimal(6,2)", "DECIMAL"),
        ("c", "map<string,int>", "MAP"),
    ]


def test_want_of_a_library_is_said():
    """By the name that pip knows."""
    with pytest.raises(ApiError, match="pip install no_such_module") as caught:
        needed("json", "no_such_module")
    assert caught.value.status == 501
