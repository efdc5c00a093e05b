from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as some

from harness.compare.match import compare_as_heap, compare_by_key, first_out_of_place, unique_column, unmatched
from harness.compare.values import Tolerance

NAMES = ("id", "v")


def test_rows_by_key():
    """Missing, extra and changed, each told once, in the order of the key."""
    expected = [(3, "c"), (1, "a"), (2, "b"), (4, "d")]
    actual = [(2, "B"), (9, "z"), (1, "a"), (4, "D")]

    found = compare_by_key(NAMES, ["id"], actual, expected)

    assert (found.missing, found.extra) == ([(3, "c")], [(9, "z")])
    assert [(row.key, row.cells) for row in found.changed] == [((2,), (("v", "b", "B"),)), ((4,), (("v", "d", "D"),))]


def test_a_null_is_a_key_too():
    """As a NaN is: rows under it are paired, not told missing and extra."""
    found = compare_by_key(NAMES, ["id"], [(None, "a"), (float("nan"), "b")], [(None, "a"), (float("nan"), "c")])

    assert not found.missing
    assert not found.extra
    assert len(found.changed) == 1


def test_a_key_of_several_columns():
    """All of them name a row."""
    found = compare_by_key(("a", "b", "v"), ["b", "a"], [(1, 1, "x"), (1, 2, "y")], [(1, 1, "x"), (1, 2, "z")])

    assert [row.key for row in found.changed] == [(2, 1)]


def test_a_key_that_is_none():
    """It is told how many rows have it, and equal ones are taken from each other first."""
    found = compare_by_key(NAMES, ["id"], [(1, "b"), (1, "a"), (1, "x")], [(1, "a"), (1, "b")])

    assert [(one.key, one.expected, one.actual) for one in found.repeated] == [((1,), 2, 3)]
    assert found.extra == [(1, "x")]
    assert not found.changed


def test_a_key_repeated_alike_on_both_sides_differs_in_nothing():
    """The tables are equal, whatever the key is worth."""
    assert not compare_by_key(NAMES, ["id"], [(1, "b"), (1, "a")], [(1, "a"), (1, "b")])


def test_a_heap_counts():
    """Two equal rows against one is one too many."""
    found = compare_as_heap([(1,), (1,), (2,)], [(2,), (1,)])

    assert found.extra == [(1,)]
    assert not found.missing
    assert not compare_as_heap([(1,), (2,)], [(2,), (1,)])


def test_near_rows_are_paired_as_far_as_they_can():
    """The first that is near enough may be the wrong one: 1.0 fits both, 1.2 only one of them."""
    found = compare_as_heap([(1.0,), (1.1,)], [(1.05,), (1.2,)], Tolerance(atol=0.11))

    assert not found


def test_near_rows_in_several_columns():
    """Sorting by the first column pairs them wrongly; another pairing fits."""
    expected = [(1.0, 5.0), (1.001, 9.0)]
    actual = [(1.001, 5.0), (1.0, 9.0)]

    assert not compare_as_heap(actual, expected, Tolerance(atol=0.01))
    assert compare_as_heap(actual, expected, Tolerance(atol=0.0001))


def test_each_row_counts_for_one():
    """One row that is near to two of the other side makes up for one of them."""
    missing, extra = unmatched([(1.0,), (1.0,)], [(1.0001,)], Tolerance(atol=0.01))

    assert (len(missing), len(extra)) == (1, 0)


def test_other_columns_are_exact():
    """A tolerance is for numbers with a fraction only."""
    assert compare_as_heap([("a", 1, 1.0)], [("a", 2, 1.0)], Tolerance(1, 1))
    assert compare_as_heap([("a", 1.0)], [("b", 1.0)], Tolerance(1, 1))


def test_many_near_rows():
    """More than are tried against each other: in their order they fit."""
    expected = [(Decimal(n), n + 0.0) for n in range(2000)]
    actual = [(Decimal(n), n + 0.001) for n in reversed(range(2000))]

    assert not compare_as_heap(actual, expected, Tolerance(atol=0.01))
    assert compare_as_heap([*actual[1:], (Decimal(5), 7.0)], expected, Tolerance(atol=0.01))


_rows = some.lists(some.tuples(some.integers(0, 3), some.sampled_from(["a", None, "b"])), max_size=8)


@given(_rows, _rows)
def test_equal_exactly_where_sorting_says_so(actual, expected):
    """With and without a key: no difference is told of equal heaps, and one of all others."""

    def plain(rows):
        return sorted(rows, key=repr)

    is_same = plain(actual) == plain(expected)
    assert bool(compare_as_heap(actual, expected)) is not is_same
    assert bool(compare_by_key(NAMES, ["id"], actual, expected)) is not is_same


@given(some.lists(some.integers(0, 30), max_size=7), some.lists(some.integers(0, 30), max_size=7))
def test_as_many_near_pairs_as_there_can_be(one, other):
    """Against trying all: the longest way through."""
    expected, actual = [(n / 10,) for n in one], [(n / 10,) for n in other]

    missing, _ = unmatched(expected, actual, Tolerance(atol=0.31))

    def most(left, right):
        if not left:
            return 0
        rest = most(left[1:], right)
        near = [n for n in right if abs(n - left[0]) <= 3]
        return max([rest, *(1 + most(left[1:], right[: right.index(n)] + right[right.index(n) + 1 :]) for n in set(near))])

    assert len(expected) - len(missing) == most(one, other)


def test_order():
    """The first row that isn't at its place."""
    assert first_out_of_place([(1,), (3,), (2,)], [(1,), (2,), (3,)]) == 1
    assert first_out_of_place([(1,)], [(1,)]) is None


@pytest.mark.parametrize(
    ("rows", "name"), [([(1, "a"), (1, "b")], "v"), ([(1, None), (1, "b")], None), ([(1, "a"), (2, "a")], "id")]
)
def test_what_could_be_a_key(rows, name):
    """No nulls and each value once."""
    assert unique_column(NAMES, rows, rows) == name
