"""Which rows of two tables belong together, and how they differ: by a key, or as a heap in which equal rows are counted."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from harness.compare.values import EXACT, PLAIN, Tolerance, differences, freeze, rank

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

Row = tuple[Any, ...]

_MOST_TRIED = 300
"""So many rows that differ in nothing but near numbers are tried against each other; of more, those next to each other."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A row that both tables have under one key: where it differs, as path, expected, actual."""

    key: Row
    cells: tuple[tuple[str, Any, Any], ...]


@dataclass(frozen=True, slots=True)
class Repeated:
    """A key that isn't one: how many rows have it on each side."""

    key: Row
    expected: int
    actual: int


@dataclass(slots=True)
class RowDifferences:
    """What differs, in the order of the key, or of the rows' own values."""

    missing: list[Row] = field(default_factory=list)
    extra: list[Row] = field(default_factory=list)
    changed: list[Changed] = field(default_factory=list)
    repeated: list[Repeated] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.missing or self.extra or self.changed)


def compare_by_key(
    names: Sequence[str], key: Sequence[str], actual: Sequence[Row], expected: Sequence[Row], tolerance: Tolerance = EXACT
) -> RowDifferences:
    """Pair the rows that have the same key."""
    at = [names.index(name) for name in key]
    mine, theirs = _by_key(expected, at), _by_key(actual, at)
    keys = {frozen: tuple(rows[0][index] for index in at) for frozen, rows in [*theirs.items(), *mine.items()]}
    found = RowDifferences()
    for frozen, told in sorted(keys.items(), key=lambda pair: _rank(pair[1])):
        wanted, got = mine.get(frozen, []), theirs.get(frozen, [])
        if len(wanted) > 1 or len(got) > 1:
            count = Repeated(told, len(wanted), len(got))
            wanted, got = unmatched(wanted, got, tolerance)
            if not wanted and not got:
                continue
            found.repeated.append(count)
        for one, other in zip_longest(wanted, got):
            if other is None:
                found.missing.append(one)
            elif one is None:
                found.extra.append(other)
            else:
                cells = tuple(_cells(names, one, other, tolerance))
                if cells:
                    found.changed.append(Changed(told, cells))
    return found


def compare_as_heap(actual: Sequence[Row], expected: Sequence[Row], tolerance: Tolerance = EXACT) -> RowDifferences:
    """Count equal rows on both sides; the order says nothing."""
    missing, extra = unmatched(expected, actual, tolerance)
    return RowDifferences(sorted(missing, key=_rank), sorted(extra, key=_rank))


def first_out_of_place(actual: Sequence[Row], expected: Sequence[Row], tolerance: Tolerance = EXACT) -> int | None:
    """Give the index of the first row that isn't at its place."""
    for index, (one, other) in enumerate(zip(expected, actual, strict=False)):
        if not _alike(one, other, tolerance):
            return index
    return None


def unmatched(expected: Sequence[Row], actual: Sequence[Row], tolerance: Tolerance = EXACT) -> tuple[list[Row], list[Row]]:
    """Give the rows of each side that have no equal on the other, each counting for one."""
    missing, extra = _unequal(expected, actual)
    if not (tolerance and missing and extra):
        return missing, extra
    # An exact pair may have to part, so that both find one that is near: all rows of such a group are looked at.
    whole = _grouped(expected, actual)
    kept: tuple[list[Row], list[Row]] = ([], [])
    for blurred, left in _grouped(missing, extra).items():
        rest = _not_near(*whole[blurred], tolerance) if all(left) else left
        kept[0].extend(rest[0])
        kept[1].extend(rest[1])
    return kept


def _unequal(expected: Sequence[Row], actual: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    waiting: dict[Hashable, list[int]] = {}
    for index, row in enumerate(actual):
        waiting.setdefault(_frozen(row), []).append(index)
    missing, taken = [], set()
    for row in expected:
        same = waiting.get(_frozen(row))
        if same:
            taken.add(same.pop())
        else:
            missing.append(row)
    return missing, [row for index, row in enumerate(actual) if index not in taken]


def _grouped(expected: Sequence[Row], actual: Sequence[Row]) -> dict[Hashable, tuple[list[Row], list[Row]]]:
    """Both sides' rows by what they have beside numbers with a fraction."""
    groups: dict[Hashable, tuple[list[Row], list[Row]]] = {}
    for side, rows in enumerate((expected, actual)):
        for row in rows:
            groups.setdefault(_frozen(row, blurred=True), ([], []))[side].append(row)
    return groups


def _not_near(expected: list[Row], actual: list[Row], tolerance: Tolerance) -> tuple[list[Row], list[Row]]:
    """Leave out rows that are near each other, in as many pairs as there can be: a row may be near to several."""
    expected, actual = sorted(expected, key=_rank), sorted(actual, key=_rank)
    if len(expected) == len(actual) and all(_alike(*pair, tolerance) for pair in zip(expected, actual, strict=True)):
        return [], []
    if max(len(expected), len(actual)) > _MOST_TRIED:
        apart = [pair for pair in zip_longest(expected, actual) if None in pair or not _alike(*pair, tolerance)]
        return [one for one, _ in apart if one is not None], [other for _, other in apart if other is not None]
    near = [[at for at, other in enumerate(actual) if _alike(one, other, tolerance)] for one in expected]
    holds: dict[int, int] = {}  # the actual row that an expected one has
    held: dict[int, int] = {}  # and the other way round
    for start in range(len(expected)):
        _find_place(start, near, holds, held)
    return (
        [row for index, row in enumerate(expected) if index not in holds],
        [row for index, row in enumerate(actual) if index not in held],
    )


def _find_place(start: int, near: list[list[int]], holds: dict[int, int], held: dict[int, int]) -> None:
    """Give a row one that is near it; where all are taken, have one of their holders look for another."""
    asked_by: dict[int, int] = {}
    queue = [start]
    for one in queue:
        for at in near[one]:
            if at in asked_by:
                continue
            asked_by[at] = one
            if at in held:
                queue.append(held[at])
                continue
            free: int | None = at
            while free is not None:
                holder = asked_by[free]
                former = holds.get(holder)
                holds[holder], held[free] = free, holder
                free = former
            return


def _alike(one: Row, other: Row, tolerance: Tolerance) -> bool:
    pairs = zip(one, other, strict=True)
    return not any(True for pair in pairs if not _is_same(*pair) for _ in differences(*pair, tolerance))


def _is_same(one: Any, other: Any) -> bool:
    """Whether two values surely are; asked first, for it is fast."""
    kind = type(one)
    return kind in PLAIN and kind is type(other) and one == other


def _cells(names: Sequence[str], one: Row, other: Row, tolerance: Tolerance) -> list[tuple[str, Any, Any]]:
    return [
        cell
        for name, mine, theirs in zip(names, one, other, strict=True)
        if not _is_same(mine, theirs)
        for cell in differences(mine, theirs, tolerance, name)
    ]


def _by_key(rows: Sequence[Row], at: Sequence[int]) -> dict[Hashable, list[Row]]:
    groups: dict[Hashable, list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(freeze(row[index]) for index in at), []).append(row)
    return groups


def _frozen(row: Row, *, blurred: bool = False) -> Hashable:
    return tuple(value if type(value) in PLAIN else freeze(value, blurred=blurred) for value in row)


def _rank(row: Row) -> tuple[Any, ...]:
    return tuple(map(rank, row))


def unique_column(names: Sequence[str], *tables: Sequence[Row]) -> str | None:
    """Give the first column that could be a key: no nulls, and each value once on each side."""
    for index, name in enumerate(names):
        for rows in tables:
            values = [freeze(row[index]) for row in rows if row[index] is not None]
            if len(values) < len(rows) or len(set(values)) < len(rows):
                break
        else:
            return name
    return None
