from __future__ import annotations

import pytest

from harness.catalog import statements
from harness.catalog.ledger import Entry

PARTS = ("main", "s", "it`s")


def test_a_table_with_all_that_can_be_said():
    """Every name and text is quoted."""
    sql = statements.create_table(
        PARTS, columns="id int", using="delta", partitioned_by=["größe"], properties={"a.b": "it's"}, comment="x"
    )

    assert sql == (
        "CREATE TABLE main.s.`it``s` (id int) USING delta PARTITIONED BY (`größe`) COMMENT 'x' TBLPROPERTIES ('a.b' = 'it\\'s')"
    )


def test_a_table_of_a_query():
    """The query stands as it was given."""
    assert statements.create_table(PARTS, columns="", using="delta", query="SELECT 1 AS n").endswith(
        " USING delta AS SELECT 1 AS n"
    )


def test_functions_in_sql_and_python():
    """Python's body stands between dollars, on lines of its own."""
    told = {"parameters": "n int", "returns": "int", "comment": "twice"}

    assert statements.create_function(("f",), body="n * 2", language="sql", **told) == (
        "CREATE FUNCTION f(n int) RETURNS int COMMENT 'twice' RETURN n * 2"
    )
    assert statements.create_function(("f",), body="return n * 2", language="python", **told) == (
        "CREATE FUNCTION f(n int) RETURNS int LANGUAGE PYTHON COMMENT 'twice' AS $$\nreturn n * 2\n$$"
    )


def test_volumes():
    """External with a place of its own."""
    assert statements.create_volume(("v",), location="", comment="") == "CREATE VOLUME v"
    assert statements.create_volume(("v",), location="/a'b", comment="") == "CREATE EXTERNAL VOLUME v LOCATION '/a\\'b'"


@pytest.mark.parametrize(
    ("kind", "sql"),
    [
        ("catalog", "DROP CATALOG IF EXISTS c CASCADE"),
        ("schema", "DROP SCHEMA IF EXISTS c CASCADE"),
        ("table", "DROP TABLE IF EXISTS c"),
        ("volume", "DROP VOLUME IF EXISTS c"),
    ],
)
def test_removal_minds_nothing(kind, sql):
    """Neither that it is gone already, nor what is in it."""
    assert statements.drop(Entry(1, kind, ("c",))) == sql
