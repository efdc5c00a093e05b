from __future__ import annotations

from collections import namedtuple
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import pytest

from harness.catalog.rows import Columns, Rows, fit_types, read_columns, read_rows, settle_types
from harness.errors import TableDataError


@dataclass
class Order:
    """A row as a dataclass."""

    id: int
    price: float


Named = namedtuple("Named", "id price")  # noqa: PYI024 -- the plain kind is what is tested


@pytest.mark.parametrize(
    "row", [{"id": 1, "price": 9.5}, Order(1, 9.5), Named(1, 9.5)], ids=["dict", "dataclass", "named tuple"]
)
def test_rows_that_name_their_values(row):
    """Each kind gives the same."""
    assert read_rows([row]) == Rows(("id", "price"), [(1, 9.5)])


def test_a_missing_key_is_a_null():
    """Columns come in the order in which their names appear."""
    assert read_rows([{"b": 1}, {"a": 2, "b": 3}]) == Rows(("b", "a"), [(1, None), (3, 2)])


def test_rows_in_the_table_s_order():
    """Whatever order the keys have, and whatever case."""
    assert read_rows([{"B": 1, "a": 2}], names=["a", "b", "c"]) == Rows(("a", "b", "c"), [(2, 1, None)])
    assert read_rows([{"B": 1, "a": 2}], names=["a", "b", "c"], optional=True) == Rows(("a", "b"), [(2, 1)])


def test_tuples_take_the_columns_names():
    """Lists count as tuples."""
    assert read_rows([(1, "a"), [2, None]], names=["id", "name"]) == Rows(("id", "name"), [(1, "a"), (2, None)])


@pytest.mark.parametrize(
    ("rows", "names", "said"),
    [
        ([{"a": 1}, (1,)], [], "several kinds"),
        ([{"namex": 1}], ["name"], 'did you mean "name"'),
        ([(1, 2)], ["a"], "row 1 has 2 values"),
        ([(1, 2)], [], "no names for their values"),
        ([5], ["a"], "row 1 is no row"),
        (["ab"], ["a", "b"], "row 1 is no row"),
    ],
)
def test_rows_that_cannot_be_meant_are_refused(rows, names, said):
    """A typing error in a key would else be a silent null."""
    with pytest.raises(TableDataError, match=said):
        read_rows(rows, names=names)


def test_whole_and_broken_numbers_are_broken_ones():
    """1 and 2.5 in a column are both doubles."""
    assert settle_types(Rows(("a",), [(1,), (2.5,), (None,)])) == Rows(("a",), [(1.0,), (2.5,), (None,)])


@pytest.mark.parametrize("values", [[None], [1, "x"], [True, 1], [date(2026, 1, 1), datetime(2026, 1, 1)], []])  # noqa: DTZ001 -- of no zone
def test_a_type_that_cannot_be_told_is_refused(values):
    """With the column's name, and how to say it."""
    with pytest.raises(TableDataError, match="the type of the column 'a' can't be told"):
        settle_types(Rows(("a",), [(value,) for value in values]))


def test_texts_are_read_where_the_column_has_a_type():
    """What a test is likely to write for a decimal, a date, a double."""
    kinds = {"p": "decimal", "d": "date", "t": "timestamp", "f": "double", "s": "string"}
    rows = Rows(
        ("p", "d", "t", "f", "s"), [("9.50", "2026-01-31", "2026-01-31T10:00:00", 1, "x"), (0.1, None, None, None, None)]
    )

    assert fit_types(rows, kinds).values == [
        (Decimal("9.50"), date(2026, 1, 31), datetime(2026, 1, 31, 10), 1.0, "x"),  # noqa: DTZ001 -- of no zone
        (Decimal("0.1"), None, None, None, None),
    ]


@pytest.mark.parametrize(("kind", "value"), [("decimal", "free"), ("date", "31.1.2026"), ("timestamp", "now")])
def test_a_text_that_is_no_such_value_is_refused(kind, value):
    """Rather than a null."""
    with pytest.raises(TableDataError, match="doesn't fit the column 'a'"):
        fit_types(Rows(("a",), [(value,)]), {"a": kind})


@pytest.mark.parametrize(
    ("columns", "read"),
    [
        ("id int, name string", Columns(ddl="id int, name string")),
        ({"id": "int", "my name": "string"}, Columns(ddl="id int, `my name` string")),
        ([("id", "int")], Columns(ddl="id int")),
        (["id int", "name string"], Columns(ddl="id int, name string")),
        (["id", "name"], Columns(names=("id", "name"))),
    ],
)
def test_columns_in_each_form(columns, read):
    """As people write them, labs' pairs too."""
    assert read_columns(columns) == read


def test_columns_of_no_form_are_refused():
    """With the two usual forms."""
    with pytest.raises(TableDataError, match="these are no columns"):
        read_columns([("id",)])


def test_values_of_numpy_and_pandas():
    """They are what a test has at hand, and Spark knows no type of theirs."""
    numpy, pandas = pytest.importorskip("numpy"), pytest.importorskip("pandas")
    row = {
        "n": numpy.int64(1),
        "x": numpy.float32(0.5),
        "yes": numpy.array([1]).all(),
        "day": numpy.datetime64("2026-01-31T10:00:00.123456789"),
        "many": numpy.array([1, 2]),
        "at": pandas.Timestamp("2026-01-31 10:00"),
        "never": pandas.NaT,
        "unknown": pandas.NA,
        "nan": float("nan"),
    }

    (values,) = read_rows([row]).values

    at = datetime.fromisoformat("2026-01-31 10:00")
    day = at.replace(microsecond=123456)
    assert values[:-1] == (1, 0.5, True, day, [1, 2], at, None, None)
    assert [type(value) for value in values] == [int, float, bool, datetime, list, datetime, type(None), type(None), float]
