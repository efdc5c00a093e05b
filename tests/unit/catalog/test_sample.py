from __future__ import annotations

import sys
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from harness.catalog.sample import sample_rows
from harness.errors import SampleDataError

pytest.importorskip("mimesis")


def schema(*, nullable=False, **types):
    """A schema as Spark writes it in JSON."""
    return {"fields": [{"name": name, "type": kind, "nullable": nullable, "metadata": {}} for name, kind in types.items()]}


STRUCT = {"type": "struct", "fields": schema(x="integer", y="date")["fields"]}
KINDS = {
    "boolean": bool,
    "byte": int,
    "short": int,
    "integer": int,
    "long": int,
    "float": float,
    "double": float,
    "decimal(6,2)": Decimal,
    "string": str,
    "varchar(3)": str,
    "binary": bytes,
    "date": date,
    "timestamp": datetime,
    "timestamp_ntz": datetime,
    "interval day to second": timedelta,
}


@pytest.mark.parametrize(("kind", "python"), KINDS.items())
def test_each_type_has_samples(kind, python):
    """Of Python's type for it, and not all the same."""
    values = [row[0] for row in sample_rows(schema(a=kind), 50)]

    assert {type(value) for value in values} == {python}
    assert len(set(values)) > 1


def test_nested_types():
    """Arrays, maps and structs of anything."""
    nested = {
        "a": {"type": "array", "elementType": STRUCT, "containsNull": False},
        "m": {"type": "map", "keyType": "string", "valueType": "double", "valueContainsNull": False},
    }

    rows = sample_rows(schema(**nested), 20)

    structs = [item for row in rows for item in row[0]]
    assert {tuple(item) for item in structs} == {("x", "y")}
    assert all(isinstance(key, str) and isinstance(value, float) for row in rows for key, value in row[1].items())


def test_decimals_fit_their_type():
    """No more digits than it has, with its scale."""
    values = [row[0] for row in sample_rows(schema(a="decimal(4,2)"), 200)]

    assert all(abs(value) < 100 and value.as_tuple().exponent == -2 for value in values)


def test_texts_fit_their_column():
    """Neither longer than it takes, nor of another kind than its name says; and nobody's address."""
    rows = sample_rows(schema(email="string", code="varchar(3)"), 50)

    assert all(row[0].endswith(("@example.com", "@example.org")) for row in rows)
    assert max(len(row[1]) for row in rows) <= 3


def test_ids_count():
    """So that tables that are made apart can be joined."""
    assert [row[0] for row in sample_rows(schema(customer_id="integer", nullable=True), 3)] == [1, 2, 3]


def test_the_same_seed_gives_the_same_rows():
    """On every machine; another seed gives others, and a column more changes no other column."""
    asked = schema(email="string", amount="decimal(6,2)", nullable=True)
    more = schema(email="string", day="date", amount="decimal(6,2)", nullable=True)

    rows = sample_rows(asked, 30, seed=7)

    assert sample_rows(asked, 30, seed=7) == rows
    assert sample_rows(asked, 30, seed=8) != rows
    assert [(email, amount) for email, _, amount in sample_rows(more, 30, seed=7)] == rows


def test_nulls_come_where_they_may():
    """Never in a column that is not nullable; else as often as was asked."""
    rows = sample_rows(schema(a="integer", nullable=True), 1000, null_fraction=0.3)

    assert 200 < sum(row[0] is None for row in rows) < 400
    assert all(row[0] is not None for row in sample_rows(schema(a="integer"), 100, null_fraction=1))
    assert {row[0] for row in sample_rows(schema(a="integer", nullable=True), 10, null_fraction=1)} == {None}


@pytest.mark.parametrize(("count", "share"), [(-1, 0.1), (1, 1.5), (1, -0.1)])
def test_numbers_that_make_no_sense_are_refused(count, share):
    """A share lies between 0 and 1."""
    with pytest.raises(SampleDataError, match="these rows can't be generated"):
        sample_rows(schema(a="integer"), count, null_fraction=share)


def test_a_type_without_sample_is_told():
    """With the column's name."""
    with pytest.raises(SampleDataError, match="the column 'v' can't be generated"):
        sample_rows(schema(v="variant"), 1)


def test_a_missing_library_is_told(monkeypatch):
    """With what to install."""
    monkeypatch.setitem(sys.modules, "mimesis", None)

    with pytest.raises(SampleDataError, match="generate= needs mimesis"):
        sample_rows(schema(s="string"), 1)
