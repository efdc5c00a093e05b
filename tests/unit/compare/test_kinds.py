from __future__ import annotations

import pytest

from harness.compare.kinds import columns_of, compare_columns


def columns(*fields):
    """Columns of name and type; a type that begins with ``!`` is not null."""
    made = []
    for name, told in fields:
        plain = told.removeprefix("!") if isinstance(told, str) else told
        made.append({"name": name, "type": plain, "nullable": plain == told})
    return columns_of({"fields": made})


def struct(*fields):
    """A struct's type, as Spark's JSON tells it."""
    return {"type": "struct", "fields": [{"name": name, "type": told, "nullable": True} for name, told in fields]}


def array(told):
    """An array's."""
    return {"type": "array", "elementType": told, "containsNull": True}


def mapping(key, value):
    """A map's."""
    return {"type": "map", "keyType": key, "valueType": value, "valueContainsNull": True}


@pytest.mark.parametrize(
    ("actual", "expected", "lines"),
    [
        ([("id", "integer")], [("id", "long")], ["id: expected bigint, got int"]),
        ([], [("id", "long")], ["id: missing, expected bigint"]),
        ([("id", "long")], [], ["id: not expected, got bigint"]),
        ([("ID", "long")], [("id", "long")], ["ID: expected to be spelt id"]),
        ([("a", struct(("x", "string")))], [("a", struct(("x", "long")))], ["a.x: expected bigint, got string"]),
        (
            [("a", struct(("x", "string")))],
            [("a", struct(("y", "string")))],
            ["a.y: missing, expected string", "a.x: not expected, got string"],
        ),
        ([("a", array(struct(("x", "string"))))], [("a", array(struct(("x", "date"))))], ["a[].x: expected date, got string"]),
        (
            [("m", mapping("string", "integer"))],
            [("m", mapping("string", array("integer")))],
            ["m{value}: expected array<int>, got int"],
        ),
        ([("p", "decimal(6,2)")], [("p", "decimal(7,2)")], ["p: expected decimal(7,2), got decimal(6,2)"]),
        ([("a", array("integer"))], [("a", "string")], ["a: expected string, got array<int>"]),
        ([("s", struct(("x", "long")))], [("s", "string")], ["s: expected string, got struct<x: bigint>"]),
    ],
)
def test_differences_in_words(actual, expected, lines):
    """Each by the path that leads to it."""
    found = compare_columns(columns(*actual), columns(*expected))

    assert list(found.lines) == lines
    assert found.alike == ()


def test_nulls_and_orders_only_if_asked_for():
    """Spark works nullability out from the plan, and people rarely mean it."""
    actual = columns(("b", "long"), ("a", "!long"), ("s", struct(("y", "long"), ("x", "long"))))
    expected = columns(("a", "long"), ("b", "long"), ("s", struct(("x", "long"), ("y", "long"))))

    assert compare_columns(actual, expected).lines == ()
    assert compare_columns(actual, expected, nullable=True).lines == ("a: expected nullable, got not null",)
    assert compare_columns(actual, expected, order=True).lines == (
        "the fields of s are in another order: expected x, y; got y, x",
        "the columns are in another order: expected a, b, s; got b, a, s",
    )


def test_rows_are_compared_in_the_columns_that_agree():
    """One wrong type doesn't hide what else is wrong."""
    found = compare_columns(columns(("a", "long"), ("b", "string")), columns(("a", "long"), ("b", "date"), ("c", "date")))

    assert found.alike == ("a",)


def test_a_type_of_the_users_own():
    """Is compared as what it is stored as."""
    vector = {"type": "udt", "class": "x", "pyClass": "y", "sqlType": struct(("size", "integer"))}

    assert str(columns_of({"fields": [{"name": "v", "type": vector, "nullable": True}]})[0].kind) == "struct<size: int>"
