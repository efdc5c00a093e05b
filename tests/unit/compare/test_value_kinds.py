from __future__ import annotations

from collections import namedtuple
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from harness.compare.kinds import columns_of
from harness.compare.values import Pairs, Tolerance, VariantNull, differences, fit, freeze, rank, shown

NAN = float("nan")


def kind(told):
    """A type as Spark's JSON tells it."""
    return columns_of({"fields": [{"name": "x", "type": told, "nullable": True}]})[0].kind


ADDRESS = {
    "type": "struct",
    "fields": [{"name": "zip", "type": "string", "nullable": True}, {"name": "nr", "type": "integer", "nullable": True}],
}


@pytest.mark.parametrize(
    ("told", "given", "made"),
    [
        ("integer", 3.0, 3),
        ("double", 3, 3.0),
        ("decimal(6,2)", "9.90", Decimal("9.90")),
        ("decimal(6,2)", 9.9, Decimal("9.9")),
        ("float", 0.10000000149011612, 0.1),
        ("date", "2026-01-31", date(2026, 1, 31)),
        ("timestamp", "2026-01-31T12:00:00+02:00", datetime(2026, 1, 31, 10, tzinfo=UTC)),
        ("timestamp", datetime(2026, 1, 31, 12, tzinfo=timezone(timedelta(hours=2))), datetime(2026, 1, 31, 10, tzinfo=UTC)),
        ("timestamp_ntz", "2026-01-31 12:00", datetime.fromisoformat("2026-01-31 12:00")),
        ("binary", bytearray(b"ab"), b"ab"),
        ("variant", {"b": None, "a": [1]}, {"a": [1], "b": VariantNull()}),
        ({"type": "array", "elementType": "double", "containsNull": True}, (1, None), [1.0, None]),
        (ADDRESS, ("1000", 7), {"zip": "1000", "nr": 7}),
        (ADDRESS, {"nr": 7}, {"zip": None, "nr": 7}),
    ],
)
def test_values_as_a_test_writes_them(told, given, made):
    """Each becomes what the column's type has, so that both sides are of one form."""
    assert fit(given, kind(told)) == made
    assert type(fit(given, kind(told))) is type(made)


def test_structs_of_all_sorts():
    """A dict, a named tuple, a dataclass, a tuple."""

    @dataclass
    class Data:
        zip: str
        nr: int

    named = namedtuple("named", ["zip", "nr"])  # noqa: PYI024 -- one of many that users have

    assert {str(fit(one, kind(ADDRESS))) for one in (Data("a", 1), named("a", 1), ("a", 1), {"zip": "a", "nr": 1})} == {
        "{'zip': 'a', 'nr': 1}"
    }


@pytest.mark.parametrize(
    ("told", "given"),
    [
        ("string", 5),
        ("integer", True),
        ("integer", "5"),
        ("integer", 5.5),
        ("boolean", 1),
        ("double", "1.5"),
        ("decimal(6,2)", "much"),
        ("date", "tomorrow"),
        ("date", datetime.fromisoformat("2026-01-31 12:00")),
        ("timestamp", date(2026, 1, 31)),
        ({"type": "array", "elementType": "double", "containsNull": True}, "abc"),
        ({"type": "map", "keyType": "string", "valueType": "integer", "valueContainsNull": True}, [1]),
        (ADDRESS, {"zap": "1000"}),
        (ADDRESS, ("1000",)),
    ],
)
def test_a_value_of_another_type_is_no_value_of_the_column(told, given):
    """It stays as it is, and so differs from all that the column can hold; Spark itself would make a text of a 5."""
    assert fit(given, kind(told)) is given


def test_a_decimal_is_not_rounded_to_its_column():
    """An expectation that the column can't hold is not met by what it was rounded to."""
    expected = fit(Decimal("1.005"), kind("decimal(6,2)"))

    assert list(differences(expected, Decimal("1.00")))


@pytest.mark.parametrize(
    ("one", "other"),
    [(None, None), (NAN, NAN), (0.0, -0.0), (Decimal("1.5"), Decimal("1.50")), ([NAN], [NAN]), (float("inf"), float("inf"))],
)
def test_equal(one, other):
    """Nulls equal each other, and so do NaNs: a table that holds them would never equal itself."""
    assert list(differences(one, other)) == []
    assert freeze(one) == freeze(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [(None, NAN), (None, 0), (1, True), (1, 1.0), ("1", 1), (b"a", "a"), (float("inf"), float("-inf")), (VariantNull(), None)],
)
def test_unequal(one, other):
    """A null is no NaN, a number no truth value, a variant's null not the column's."""
    assert list(differences(one, other))
    assert freeze(one) != freeze(other)


def test_maps_have_no_order():
    """Keys are told by their values; one that is on one side only is named."""
    one, other = Pairs((("a", 1), ("b", 2))), Pairs((("b", 3), ("a", 1), ("c", 4)))

    assert [(path, want, shown(got)) for path, want, got in differences(one, other, path="m") if path == "m{'b'}"] == [
        ("m{'b'}", 2, "3")
    ]
    assert [shown(want) for path, want, _ in differences(one, other, path="m") if path == "m{'c'}"] == ["nothing"]
    assert freeze(one) == freeze(Pairs(one.items[::-1]))


def test_structs_have_no_order():
    """Two selects may write the same fields in another order."""
    assert freeze({"a": 1, "b": 2}) == freeze({"b": 2, "a": 1})
    assert list(differences({"a": 1, "b": 2}, {"b": 2, "a": 1})) == []


def test_paths_lead_to_the_place():
    """In a list of structs only what differs is told."""
    one = {"items": [{"price": 1, "name": "x"}, {"price": 2, "name": "y"}]}
    other = {"items": [{"price": 1, "name": "x"}, {"price": 3, "name": "y"}]}

    assert list(differences(one, other, path="order")) == [("order.items[1].price", 2, 3)]


@pytest.mark.parametrize(
    ("expected", "actual", "rtol", "atol", "is_near"),
    [
        (100.0, 101.0, 0.01, 0, True),
        (100.0, 101.1, 0.01, 0, False),
        (0.0, 1e-9, 0.01, 0, False),
        (0.0, 1e-9, 0, 1e-8, True),
        (Decimal("1.00"), Decimal("1.01"), 0, 0.01, True),
        (Decimal("1.00"), Decimal("1.02"), 0, 0.01, False),
        (NAN, 1.0, 1, 1, False),
        (float("inf"), 1.0, 1, 1, False),
    ],
)
def test_tolerance(expected, actual, rtol, atol, is_near):
    """Relative to what was expected, plus an absolute part; what is no number is near to nothing."""
    assert (list(differences(expected, actual, Tolerance(rtol, atol))) == []) is is_near


def test_tolerance_is_for_fractions():
    """A count is right or wrong."""
    assert list(differences(100, 101, Tolerance(1, 1)))


def test_rank_sorts_what_python_cannot_compare():
    """Nulls first, then numbers by size; values of several types never raise."""
    values = ["b", None, 2, Decimal("1.5"), NAN, b"x", [2], {"a": None}, Pairs(((1, 2),)), date(2026, 1, 1), True, "a"]

    assert [shown(value) for value in sorted(values, key=rank)] == [
        "null",
        "true",
        "1.5",
        "2",
        "NaN",
        "'a'",
        "'b'",
        "X'78'",
        "2026-01-01",
        "[2]",
        "{a: null}",
        "{1 -> 2}",
    ]


def test_texts_that_look_alike_are_told_apart():
    """The text null, a null and a number are three things."""
    assert [shown(value) for value in ("null", None, "1", 1, 1.0, Decimal("1.0"), "a\nb")] == [
        "'null'",
        "null",
        "'1'",
        "1",
        "1.0",
        "1.0",
        "'a\\nb'",
    ]
    assert shown(datetime(2026, 1, 31, 10, tzinfo=UTC)) == "2026-01-31 10:00:00 UTC"
